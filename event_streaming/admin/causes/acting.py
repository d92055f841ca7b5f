"""Acts on all open events of one cause: tries them again, skips them, adopts what they name, fills a value map.

Goes through them once, oldest first, in portions. Each document that is tried again is a transaction of its own, a portion that is
skipped is one: a process that dies leaves the rest open, and the action is begun again. Of two at once the second is told so.
"""

import time
from typing import Any, NamedTuple

import frappe

from event_streaming.admin.causes import listing
from event_streaming.admin.causes.listing import ADD_TO_VALUE_MAP, ADOPT, RETRY, SKIP, Cause
from event_streaming.admin.causes.progress import Progress, tell
from event_streaming.consumer.logs import open_causes
from event_streaming.consumer.logs.sync_log import FAILED, RETRYING, WITH_A_CAUSE
from event_streaming.consumer.pull import adopting, by_hand, skipping
from event_streaming.database.locks import advisory_lock
from event_streaming.exceptions import EventStreamingError, PullRunning
from event_streaming.messages.coded import _
from event_streaming.site.acting import acting_as
from event_streaming.site.settings import get_settings

JOB = "event_streaming.admin.causes.acting.act_job"
# more than these are worked on in the background
AT_ONCE = 20
PORTION = 100
SHORTEST_REASON = 3
STATUSES = {RETRY: (FAILED, RETRYING), SKIP: WITH_A_CAUSE}


class Place(NamedTuple):
	"""How far an action has got: rows up to `after` are dealt with, those behind `up_to` came later and are not meant."""

	total: int
	after: int
	up_to: int
	done: int = 0
	mended: int = 0


def retry(cause: str) -> dict[str, Any]:
	"""Try all events of a cause again. Returns {"done", "mended", "message"}; {"queued", "message"} where that is done in the background."""
	return _request(RETRY, cause)


def skip(cause: str, reason: str) -> dict[str, Any]:
	"""Skip all events of a cause, for a reason that goes into the audit log; the same answer as `retry`."""
	reason = " ".join((reason or "").split())
	if len(reason) < SHORTEST_REASON:
		frappe.throw(_("Say why these events are skipped: the audit log keeps it."))
	return _request(SKIP, cause, reason[:500])


def adopt(cause: str, preview: bool = False) -> dict[str, Any]:
	"""Link the local documents whose names a cause's events found taken, and try these again; with `preview` only say which."""
	_check(cause, ADOPT)
	names = names_of(cause)
	if preview:
		return adopting.preview(names)
	result = adopting.request_adopt(names)
	return {**result, "message": adopting.tell(result)}


def names_of(cause: str) -> list[str]:
	"""The first of a cause's open rows, at most so many as are acted on at once."""
	return [str(row["name"]) for row in open_causes.rows_of(cause, limit=by_hand.MOST_AT_ONCE)]


def add_to_value_map(cause: str, value_map: str, pairs: dict[str, str]) -> dict[str, Any]:
	"""Enter what values are called on this site into the value map that lacks them, and try the events again.

	`pairs`: value of the producer's -> value here; an empty one is left out. The same answer as `retry`.
	"""
	_check(cause, ADD_TO_VALUE_MAP)
	lacking = listing.values_without_entry(cause)
	if value_map != lacking["value_map"]:
		frappe.throw(_("These events lack entries of the value map {0}.").format(lacking["value_map"]))
	wanted = {each["value"] for each in lacking["values"]}
	chosen = [(value, here.strip()) for value, here in pairs.items() if value in wanted and here.strip()]
	if not chosen:
		frappe.throw(_("Give a value of this site for one of them at least."))
	doc = frappe.get_doc("Document Type Value Map", value_map)
	doc.check_permission("write")
	doc.add_pairs(chosen)
	doc.save()
	# the pull has to see it, whatever becomes of the retry
	frappe.db.commit()
	return retry(cause)


def _check(cause: str, action: str) -> Cause:
	found = listing.cause_named(cause)
	if action not in found["actions"]:
		frappe.throw(_("That does not fix this: {0}").format(found["remedy"]))
	return found


def _request(action: str, cause: str, reason: str = "") -> dict[str, Any]:
	"""A few here and now, many in the background."""
	under_way = _check(cause, action)["under_way"]
	if under_way and not under_way["ended"] and not under_way["stopped"]:
		frappe.throw(_("{0} is already working on these events.").format(under_way["by"]), PullRunning)
	count, last = open_causes.count_and_last(cause, STATUSES[action])
	place = Place(count, 0, last)
	if count <= AT_ONCE or frappe.flags.event_streaming_command:
		return _result(run(action, cause, reason, place), action)
	tell(cause, _progress(action, place))
	_queue(action, cause, reason, place, frappe.session.user)
	return {"queued": count, "message": _("Worked on in the background: {0}").format(f"{count:,}")}


def _queue(action: str, cause: str, reason: str, place: Place, asked_by: str) -> None:
	frappe.enqueue(
		JOB,
		queue="long",
		enqueue_after_commit=True,
		action=action,
		cause=cause,
		reason=reason,
		place=list(place),
		asked_by=asked_by,
	)


def act_job(action: str, cause: str, reason: str, place: list[int], asked_by: str) -> None:
	"""The background job: one slice, and its own continuation where there is more. The person is told what came of it."""
	at = Place(*place)
	with acting_as(asked_by):
		try:
			at = run(action, cause, reason, at, seconds=get_settings().slice_seconds)
		except (EventStreamingError, frappe.ValidationError) as error:
			frappe.db.rollback()
			message = frappe.utils.strip_html(str(error))
			tell(cause, {**_progress(action, at), "ended": True, "message": message})
			return
		if at.after < at.up_to:
			_queue(action, cause, reason, at, asked_by)
			frappe.db.commit()


def run(action: str, cause: str, reason: str, place: Place, seconds: float | None = None) -> Place:
	"""Go through the events from a place on, for so many seconds at most; returns how far it has got.

	Raises PullRunning when somebody is at it already, or a pull does not come to its end.
	"""
	until = time.monotonic() + seconds if seconds else None
	with advisory_lock(f"cause:{cause}") as alone:
		if not alone:
			frappe.throw(_("Somebody else is working on these events: try again in a moment."), PullRunning)
		while place.after < place.up_to and (until is None or time.monotonic() < until):
			place = _portion(action, cause, reason, place)
			tell(cause, _progress(action, place))
	return place


def _portion(action: str, cause: str, reason: str, place: Place) -> Place:
	rows = open_causes.rows_of(cause, place.after, place.up_to, PORTION, STATUSES[action])
	by_producer: dict[str, list[str]] = {}
	for row in rows:
		by_producer.setdefault(row["event_producer"] or "", []).append(str(row["name"]))
	mended = 0
	for event_producer, names in by_producer.items():
		if not frappe.db.exists("Event Producer", event_producer):
			continue
		if action == RETRY:
			mended += by_hand.patiently(by_hand.resync_logs, names)["synced"]
		else:
			mended += by_hand.patiently(skipping.skip_logs, event_producer, names, cause, reason)
	after = int(rows[-1]["name"]) if len(rows) == PORTION else place.up_to
	return place._replace(after=after, done=place.done + len(rows), mended=place.mended + mended)


def _progress(action: str, place: Place) -> Progress:
	ended = place.after >= place.up_to
	return {
		"action": action,
		"by": frappe.session.user,
		"total": max(place.total, place.done),
		"done": place.done,
		"mended": place.mended,
		"ended": ended,
		"stopped": False,
		"message": _said(action, place) if ended else "",
	}


def _result(place: Place, action: str) -> dict[str, Any]:
	return {"done": place.done, "mended": place.mended, "message": _said(action, place)}


def _said(action: str, place: Place) -> str:
	if action == SKIP:
		return _("Events skipped: {0}").format(f"{place.mended:,}")
	return _("Events tried again: {0}, applied: {1}").format(f"{place.done:,}", f"{place.mended:,}")
