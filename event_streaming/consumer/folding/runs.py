"""Pure: events of one document, one after another, and the one event that they make together.

Two kinds of runs. A *draft*: its Create, changes while it is a draft, and its submission at most; nothing after that. *Changes*, of which
none changes the state of the document. Each has to say that it was made on what the one before it left behind (the time stamp of
before), and to be readable; whatever else is there ends a run. The difference of two states is that of `wire/difference.py`.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.difference import apply_change
from event_streaming.wire.events import (
	CREATE,
	FILES_KEY,
	RENAME,
	UPDATE,
	Event,
	parse_data,
	remote_key,
	transaction_of,
)
from event_streaming.wire.lean.composing import PARTS_BEFORE, Change, both, has_name, has_shape

# so many events are one at most
MOST_STEPS = 100


class Folded(Event):
	"""An event that stands for several of one document: `steps`, as they came.

	Its id and position are those of the first one: up to there, what came before it is contained. `submission` are the fields that
	the last one says of a document that it submits; `each_alone`, that each step is a transaction of its own; `statuses`, what became of
	each, once they are dealt with.
	"""

	steps: list[Event]
	submission: list[str]
	each_alone: bool
	statuses: list[str]


def steps_of(event: Event) -> list[Event]:
	"""The events that an event stands for: itself, as a rule."""
	return event.get("steps", [event])


def is_folded(event: Event) -> bool:
	return "steps" in event


def is_composed(event: Event) -> bool:
	"""Whether the producer has put several changes of a document together, of which this is the last."""
	return bool(event.get("changes_from"))


def is_several(event: Event) -> bool:
	"""Whether an event is more than one, whoever has put them together: what one by one would meet by itself, this may not settle."""
	return is_folded(event) or is_composed(event)


def became(event: Event, statuses: list[str]) -> str:
	"""Keep what became of each step of an event; returns what became of the last, which is Synced only if all are."""
	event["statuses"] = statuses
	return statuses[-1]


def statuses_of(event: Event, status: str) -> list[str]:
	"""What became of each event that one stands for; `status` is what became of that."""
	return event.get("statuses", [status])


def all_steps(events: Sequence[Event]) -> list[Event]:
	return [step for event in events for step in steps_of(event)]


@dataclass(frozen=True)
class Run:
	"""Events that are one so far: `numbers` are their places in the page, `data` what they say together.

	`modified` is the time stamp that the last one leaves. `stamped`: of a run of changes, each has one; else none has.
	"""

	numbers: tuple[int, ...]
	steps: tuple[Event, ...]
	data: dict[str, Any]
	modified: Any
	is_draft: bool = False
	is_submitted: bool = False
	stamped: bool = False
	submission: tuple[str, ...] = ()

	@property
	def last(self) -> int:
		return self.numbers[-1]

	def with_next(self, number: int, event: Event) -> "Run | None":
		"""The run with one more event; None where it does not go on with that."""
		if self.is_submitted or len(self.steps) >= MOST_STEPS or not goes_on(self.steps[-1], event):
			return None
		said = said_by(event)
		if said is None:
			return None
		change, before = said
		changed = change.get("changed") or {}
		if before.get("modified") != self.modified or not self.modified:
			return None
		submits = is_submission(changed, before)
		if "docstatus" in changed and not (submits and self.is_draft):
			return None
		if not self.is_draft and ("modified" in changed) != self.stamped:
			return None
		data = with_change(self.data, change) if self.is_draft else both(self.data, change)
		if data is None:
			return None
		return replace(
			self,
			numbers=(*self.numbers, number),
			steps=(*self.steps, event),
			data=data,
			modified=changed.get("modified") or self.modified,
			is_submitted=submits,
			submission=tuple(changed) if submits else (),
		)

	def folded(self, each_alone: bool = True) -> Folded:
		"""The one event that they make."""
		first, last = self.steps[0], self.steps[-1]
		return {
			**first,
			"data": json.dumps(self.data, ensure_ascii=False, separators=(",", ":")),
			# of the transaction in whose place it is applied
			"transaction_id": last["transaction_id"],
			"divided": last["divided"],
			"steps": list(self.steps),
			"submission": list(self.submission),
			"each_alone": each_alone,
			"statuses": [],
		}


def runs_of(
	events: Sequence[Event], may: Callable[[Event], bool], may_wait: Callable[[Run, int], bool]
) -> list[Run]:
	"""The runs of a page that are longer than one event.

	`may` says of an event whether it may be one with others at all; `may_wait` of a run whether it may be applied where the event of
	that number stands, though others stand between. No run goes over a rename, nor over what can't be read.
	"""
	found: list[Run] = []
	open_runs: dict[tuple[str, str], Run] = {}
	for number, event in enumerate(events):
		if event["update_type"] == RENAME or event["problem"]:
			found.extend(open_runs.values())
			open_runs.clear()
			continue
		key, longer = remote_key(event), None
		run = open_runs.pop(key, None)
		if run and may(event) and (number == run.last + 1 or may_wait(run, number)):
			longer = run.with_next(number, event)
		if run and not longer:
			found.append(run)
		if longer or (may(event) and (longer := begin(number, event))):
			open_runs[key] = longer
	return [run for run in (*found, *open_runs.values()) if len(run.numbers) > 1]


def is_whole(run: Run, events: Sequence[Event]) -> bool:
	"""Whether no transaction of the producer is divided: what a run takes to another place, over the edge of a transaction, is all
	that this one has made. Of an event that does not say its transaction, it is one."""
	ids = [transaction_of(event) for event in events]
	moved = {ids[number] for number in run.numbers if ids[number] and ids[number] != ids[run.last]}
	return not any(each in moved and number not in run.numbers for number, each in enumerate(ids))


def transactions_of(run: Run) -> set[str]:
	return set(map(transaction_of, run.steps)) - {""}


def in_order(events: Sequence[Event], runs: Sequence[Run]) -> list[Event]:
	"""The events in the order in which they are applied: each run as one, where its last one stands."""
	at = {run.last: run for run in runs}
	inside = {number for run in runs for number in run.numbers}
	made_by = Counter(map(transaction_of, events))
	return [
		at[number].folded(all(made_by[each] == 1 for each in transactions_of(at[number])))
		if number in at
		else event
		for number, event in enumerate(events)
		if number in at or number not in inside
	]


def begin(number: int, event: Event) -> Run | None:
	"""The run that begins with an event; None where none does."""
	if not can_be_told_apart(event) or is_composed(event):
		return None
	if event["update_type"] == UPDATE:
		if not (said := said_by(event)) or "docstatus" in (said[0].get("changed") or {}):
			return None
		changed = said[0].get("changed") or {}
		modified = changed.get("modified") or said[1].get("modified")
		return Run((number,), (event,), said[0], modified, stamped="modified" in changed)
	if event["update_type"] != CREATE:
		return None
	try:
		data, before = parse_data(event), parse_data(event, "data_before")
	except InvalidPage:
		return None
	if not data or before or FILES_KEY in data or data.get("docstatus") not in (0, None):
		return None
	return Run((number,), (event,), data, data.get("modified"), is_draft=True)


def can_be_told_apart(event: Event) -> bool:
	"""Whether an event that came is known again: it has a mark of its own and a place in the log."""
	return bool(event["id"] and event["creation"] and event["position"] and not event["problem"])


def goes_on(last: Event, event: Event) -> bool:
	"""Whether it is a later change of the same document, made on the same site."""
	return (
		event["update_type"] == UPDATE
		and can_be_told_apart(event)
		and not is_composed(event)
		and remote_key(event) == remote_key(last)
		and event["origin"] == last["origin"]
		and event["root"] == last["root"]
		and event["position"] > last["position"]
	)


def said_by(event: Event) -> tuple[dict[str, Any], dict[str, Any]] | None:
	"""The difference of an Update, and what its fields held before; None where it says anything else, or can't be read."""
	try:
		change, before = parse_data(event), parse_data(event, "data_before")
	except InvalidPage:
		return None
	was = before.get("changed")
	if (
		not change
		or not has_shape(change)
		or not isinstance(was, dict)
		or not PARTS_BEFORE.issuperset(before)
	):
		return None
	return change, was


def is_submission(changed: Change, before: Change) -> bool:
	return changed.get("docstatus") == 1 and before.get("docstatus") == 0


def with_change(data: Mapping[str, Any], change: Change) -> dict[str, Any] | None:
	"""A whole document after a change; None where the change is not one of this document's rows."""
	for part in ("added", "removed", "row_changed"):
		for table, rows in (change.get(part) or {}).items():
			held = data.get(table, [])
			if not isinstance(held, list) or not all(has_name(row) for row in held):
				return None
			here = {row["name"] for row in held}
			names = {row if part == "removed" else row["name"] for row in rows}
			if here & names if part == "added" else names - here:
				return None
	return apply_change(dict(data), change)
