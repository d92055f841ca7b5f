"""Applies events in small groups: the documents of a group, their log rows and its mark are one commit.

The mark says how far it has got, and is whatever the caller makes of it: the cursor of a pull, the place of a copy. A
process that dies anywhere leaves the last mark that was committed.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

import frappe

from event_streaming.consumer.page import Work, prepare
from event_streaming.consumer.step import deal_with, give_up
from event_streaming.consumer.transaction import is_lost_transaction
from event_streaming.exceptions import EventStreamingError
from event_streaming.settings import get_settings
from event_streaming.wire import Event, InvalidPage

TRIES_AFTER_DEADLOCK = 3

# applies an event, or keeps it for later; answers what became of it
Deal = Callable[[Event, Work], str]
# the same for an event whose transaction the database has given up again and again, with its error
GiveUp = Callable[[Event, Work, Exception], str]


class Mark(Protocol):
	"""How far it has got. `upto` events of the page are dealt with; `statuses` are those of the group."""

	def write(self, upto: int, statuses: list[str]) -> None:
		"""In the transaction of the documents."""

	def committed(self, upto: int, statuses: list[str]) -> None:
		"""It is in."""


def apply_in_groups(
	work: Work,
	events: list[Event],
	mark: Mark,
	deadline: float,
	deal: Deal = deal_with,
	give_up: GiveUp = give_up,
) -> bool:
	"""Deal with events that `prepare` has seen, group by group. False: the time ran out before the last one."""
	settings = get_settings()
	start = 0
	while start < len(events):
		if start and time.monotonic() >= deadline:
			return False
		most, milliseconds = settings.events_per_commit, settings.commit_milliseconds
		try:
			start += apply_group(work, events, start, most, milliseconds, mark, deal)
		except Exception as error:
			if not is_lost_transaction(error):
				raise
			frappe.db.rollback()
			start += apply_after_lost_transaction(work, events, start, len(events), mark, deal, give_up)
	return True


def apply_one_by_one(work: Work, events: list[Event], mark: Mark, deadline: float) -> bool:
	"""The same for a page that `prepare` could not read: each event is looked up by itself, and one that can't be fails
	alone. False: the time ran out before the last one."""
	for start, event in enumerate(events):
		if start and time.monotonic() >= deadline:
			return False
		try:
			prepare(work, [event])
		except Exception as error:
			if not is_events_fault(error):
				raise
			apply_group(work, events, start, 1, 0, mark, partial(give_up, error=error))
			continue
		try:
			apply_group(work, events, start, 1, 0, mark, deal_with)
		except Exception as error:
			if not is_lost_transaction(error):
				raise
			frappe.db.rollback()
			apply_after_lost_transaction(work, events, start, start + 1, mark, deal_with, give_up)
	return True


def is_events_fault(error: Exception) -> bool:
	"""Whether looking up what events need has failed for what is in them: not the other site's answer, not the database."""
	return not isinstance(error, EventStreamingError | InvalidPage) and not is_lost_transaction(error)


def apply_group(
	work: Work, events: list[Event], start: int, most: int, milliseconds: int, mark: Mark, deal: Deal
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
	frappe.db.commit()
	mark.committed(upto, statuses)
	return len(statuses)


def apply_after_lost_transaction(
	work: Work, events: list[Event], start: int, end: int, mark: Mark, deal: Deal, give_up: GiveUp
) -> int:
	"""A deadlock has undone the group: look things up anew (for the events up to `end`) and go on with one, which may fail
	alone."""
	for _attempt in range(TRIES_AFTER_DEADLOCK):
		prepare(work, events[start:end])
		try:
			return apply_group(work, events, start, 1, 0, mark, deal)
		except Exception as error:
			if not is_lost_transaction(error):
				raise
			frappe.db.rollback()
			lost = error
	prepare(work, events[start:end])
	return apply_group(work, events, start, 1, 0, mark, lambda event, work: give_up(event, work, lost))
