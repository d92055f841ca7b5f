"""Applies events in small groups: the documents of a group, their log rows and its mark are one commit.

The mark says how far it has got, and is whatever the caller makes of it: the cursor of a pull, the place of a copy. A
process that dies anywhere leaves the last mark that was committed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import frappe

from event_streaming.consumer.unit_of_work.context import Context
from event_streaming.consumer.unit_of_work.together import Together
from event_streaming.consumer.unit_of_work.transaction import forget_lookups, is_lost_transaction
from event_streaming.exceptions import EventStreamingError
from event_streaming.site.settings import get_settings
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.events import Event

TRIES_AFTER_DEADLOCK = 3

# applies an event, or keeps it for later; answers what became of it
Deal = Callable[[Event, Any], str]
# the same for an event whose transaction the database has given up again and again, with its error
GiveUp = Callable[[Event, Any, Exception], str]


@dataclass(frozen=True)
class Handling:
	"""How events are handled: looked up together, then dealt with one by one, or given up."""

	prepare: Callable[[Any, list[Event]], None]
	deal: Deal
	give_up: GiveUp


class Mark(Protocol):
	"""How far it has got. `upto` events of the page are dealt with; `statuses` are those of the group."""

	def write(self, upto: int, statuses: list[str]) -> None:
		"""In the transaction of the documents."""

	def committed(self, upto: int, statuses: list[str]) -> None:
		"""It is in."""


def apply_in_groups(
	work: Context,
	events: list[Event],
	mark: Mark,
	deadline: float,
	handling: Handling,
) -> bool:
	"""Deal with events that `prepare` has seen, group by group. False: the time ran out before the last one."""
	settings = get_settings()
	start = 0
	while start < len(events):
		if start and time.monotonic() >= deadline:
			return False
		most, milliseconds = settings.events_per_commit, settings.commit_milliseconds
		try:
			start += apply_group(work, events, start, most, milliseconds, mark, handling.deal)
		except Exception as error:
			if not is_lost_transaction(error):
				raise
			frappe.db.rollback()
			start += apply_after_lost_transaction(work, events, start, len(events), mark, handling)
	return True


def apply_one_by_one(
	work: Context, events: list[Event], mark: Mark, deadline: float, handling: Handling
) -> bool:
	"""The same for a page that `prepare` could not read: each event is looked up by itself, and one that can't be fails
	alone. False: the time ran out before the last one."""
	for start, event in enumerate(events):
		if start and time.monotonic() >= deadline:
			return False
		try:
			handling.prepare(work, [event])
		except Exception as error:
			if not is_events_fault(error):
				raise
			apply_group(work, events, start, 1, 0, mark, partial(handling.give_up, error=error))
			continue
		try:
			apply_group(work, events, start, 1, 0, mark, handling.deal)
		except Exception as error:
			if not is_lost_transaction(error):
				raise
			frappe.db.rollback()
			apply_after_lost_transaction(work, events, start, start + 1, mark, handling)
	return True


def is_events_fault(error: Exception) -> bool:
	"""Whether looking up what events need has failed for what is in them: not the other site's answer, not the database."""
	return not isinstance(error, EventStreamingError | InvalidPage) and not is_lost_transaction(error)


def apply_group(
	work: Context, events: list[Event], start: int, most: int, milliseconds: int, mark: Mark, deal: Deal
) -> int:
	"""Deal with up to `most` events from `start`, for about `milliseconds`, and commit; returns how many it were.

	Raises when the database has given the transaction up; then nothing of the group is in.
	"""
	began, statuses = time.monotonic(), []
	with work.log.group(together=most > 1):
		for event in events[start : start + most]:
			statuses.append(deal(event, work))
			if (time.monotonic() - began) * 1000 >= milliseconds:
				break
	upto = start + len(statuses)
	mark.write(upto, statuses)
	together = Together()
	frappe.db.commit()
	together.send()
	forget_lookups()
	mark.committed(upto, statuses)
	return len(statuses)


def apply_after_lost_transaction(
	work: Context, events: list[Event], start: int, end: int, mark: Mark, handling: Handling
) -> int:
	"""A deadlock has undone the group: look things up anew (for the events up to `end`) and go on with one, which may fail
	alone."""
	for _attempt in range(TRIES_AFTER_DEADLOCK):
		handling.prepare(work, events[start:end])
		try:
			return apply_group(work, events, start, 1, 0, mark, handling.deal)
		except Exception as error:
			if not is_lost_transaction(error):
				raise
			frappe.db.rollback()
			lost = error
	handling.prepare(work, events[start:end])
	return apply_group(
		work, events, start, 1, 0, mark, lambda event, work: handling.give_up(event, work, lost)
	)
