"""The events of a document on their way: what both sites know of each becomes one line with its steps. Pure but for `_`."""

from datetime import datetime
from typing import TypedDict

from frappe import _

from event_streaming.admin.causes.remedies import remedy_of
from event_streaming.consumer.logs.sync_log import CONFLICT, FAILED, RETRYING, SKIPPED, SYNCED, WAITING
from event_streaming.wire.events import RENAME
from event_streaming.wire.tracing import BEHIND as IS_BEHIND
from event_streaming.wire.tracing import MOST_EVENTS

LOGGED, NUMBERED, SENT, TAKEN, APPLIED = "Logged", "Numbered", "Sent", "Taken", "Applied"
BEHIND, NOT_SENT = "Behind", "Not Sent"


class Step(TypedDict):
	"""One step of an event: when, by this site's clock, and how many seconds after the step before."""

	step: str
	at: datetime
	seconds: float | None


class EventLine(TypedDict):
	"""One event. `status` is that of Event Sync Log, or Behind, or Not Sent; `log` a row of `log_doctype` on this site, if there is one."""

	update_type: str
	position: int
	by: str
	status: str
	steps: list[Step]
	waits_for: str
	until: datetime | None
	problem: str
	retried_by: str
	log_doctype: str
	log: str
	cause: str


def merged(mine: list[dict], theirs: list[dict]) -> list[tuple[dict, dict]]:
	"""Pairs of what the two sites say of one event, the newest first; {} for a site that says nothing of it."""
	if _gave_the_name_up(mine, theirs):
		mine = []
	elif _gave_the_name_up(theirs, mine):
		theirs = []
	others = {_key(each): each for each in theirs}
	pairs = [(each, others.pop(_key(each), {})) for each in mine]
	pairs += [({}, each) for each in others.values()]
	return sorted(pairs, key=lambda pair: _place(pair), reverse=True)[:MOST_EVENTS]


def _gave_the_name_up(one: list[dict], other: list[dict]) -> bool:
	"""Whether the one site knows only the document that had the name before, and the other the one that has it now."""
	if not one or not other or one[0].get("update_type") != RENAME:
		return False
	return {_key(each) for each in one}.isdisjoint(_key(each) for each in other)


def _key(event: dict) -> tuple:
	return ("id", event["id"]) if event.get("id") else ("position", event.get("position") or 0)


def _place(pair: tuple[dict, dict]) -> tuple[int, int]:
	position = pair[0].get("position") or pair[1].get("position") or 0
	number = pair[0].get("id") or pair[1].get("id") or ""
	# one without a position was logged last
	return (position or 2**63, int(number) if str(number).isdigit() else 0)


def steps_of(moments: list[tuple[str, datetime | None]]) -> list[Step]:
	"""The steps that are known, with the time from one to the next; a clock that is behind makes no step of less than nothing."""
	steps: list[Step] = []
	for name, at in moments:
		if at is None:
			continue
		seconds = max((at - steps[-1]["at"]).total_seconds(), 0.0) if steps else None
		steps.append({"step": name, "at": at, "seconds": None if seconds is None else round(seconds, 3)})
	return steps


def waiting_text(status: str, waits_for: str, kind: str, problem: str) -> str:
	"""What an event that is open waits for, in words."""
	if status == WAITING:
		return _("Waits for an earlier event of the same document")
	if waits_for:
		return _("Waits for {0}").format(waits_for)
	if status in (FAILED, RETRYING, CONFLICT):
		return remedy_of(kind).title if kind else problem
	return ""


def explained(lines: list[EventLine]) -> list[EventLine]:
	"""Of an event that the taker has behind it and has no row of, while a later one has taken effect, that is no step on the way: it
	says so. The lines are the newest first."""
	applied = False
	for line in lines:
		if applied and line["status"] == TAKEN:
			line["waits_for"] = line["waits_for"] or _("Came with a later event, or its row was cleared")
		applied = applied or line["status"] == SYNCED
	return lines


def headline(here: bool, statuses: list[str], reasons: list[str]) -> tuple[str, str]:
	"""(what is to be said of the site in a word or two, colour), of a document's events, the newest first, and why it is held back."""
	open_ones = [status for status in statuses if status in (FAILED, RETRYING, WAITING, CONFLICT)]
	worst = next((status for status in (FAILED, CONFLICT, RETRYING, WAITING) if status in open_ones), "")
	if worst:
		colour = "red" if worst in (FAILED, CONFLICT) else "orange"
		return (_("Not up to date") if here else _("Not arrived")) + f": {_(worst)}", colour
	if BEHIND in statuses or IS_BEHIND in reasons:
		return (_("Not up to date") if here else _("Not arrived")) + f": {_(BEHIND)}", "orange"
	if here:
		return (_("Arrived"), "green") if not reasons else (_("Arrived, not kept up to date"), "orange")
	if statuses and statuses[0] == SKIPPED:
		return _("Not arrived") + f": {_(SKIPPED)}", "orange"
	if statuses and statuses[0] == SYNCED and not reasons:
		return _("Not arrived"), "gray"
	return _("Not arrived"), "orange" if reasons else "gray"
