"""Applies events in small groups: the documents of a group, their log rows and its mark are one commit.

A group holds whole transactions of the producer, be it larger for that than the settings say: what was made together there is
seen together here. Where these are to wait for each other (*Together*), one that can't be applied takes the others along.

The mark says how far it has got, and is whatever the caller makes of it: the cursor of a pull, the place of a copy. A
process that dies anywhere leaves the last mark that was committed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import frappe

from event_streaming.consumer.logs.sync_log import SYNCED, Outcome
from event_streaming.consumer.unit_of_work.context import Context
from event_streaming.consumer.unit_of_work.lost_transaction import forget_lookups, is_lost_transaction
from event_streaming.consumer.unit_of_work.one_request import OneRequest
from event_streaming.exceptions import EventStreamingError
from event_streaming.site.settings import get_settings
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.events import Event, end_of_transaction, keys_of

TRIES_AFTER_DEADLOCK = 3
# of one transaction that are given up one after the other; then the rest of it is
MOST_GIVEN_UP = 5

# applies an event, or keeps it for later; answers what became of it
Deal = Callable[[Event, Any], str]
# the same for an event whose transaction the database has given up again and again, with its error
GiveUp = Callable[[Event, Any, Exception], str]


def itself(event: Event) -> list[Event]:
	return [event]


@dataclass(frozen=True)
class Obstacle:
	"""The event for which the others of its transaction have to wait; its outcome, once it was tried."""

	event: Event
	outcome: Outcome | None = None


def never(_events: list[Event], _work: Any) -> bool:
	return False


@dataclass(frozen=True)
class Handling:
	"""How events are handled: looked up together, then dealt with one by one, or given up.

	`together` says of the events of a transaction whether they wait for each other, `set_aside` keeps one of them for later. `steps` are the events that one stands
	for: they take its place where they have to be dealt with one by one.
	"""

	prepare: Callable[[Any, list[Event]], None]
	deal: Deal
	give_up: GiveUp
	together: Callable[[list[Event], Any], bool] = never
	set_aside: Callable[[Event, Any, Obstacle], str] | None = None
	steps: Callable[[Event], list[Event]] = itself


class Mark(Protocol):
	"""How far it has got. `upto` events of the page are dealt with; `statuses` are those of the group."""

	def write(self, upto: int, statuses: list[str]) -> None:
		"""In the transaction of the documents."""

	def committed(self, upto: int, statuses: list[str]) -> None:
		"""It is in."""


class OneByOne(Exception):
	"""Events that one stands for have to be dealt with one by one, and not within this group: all of it is rolled back."""


class NotTogether(Exception):
	"""An event can't take effect, and others of its transaction already have: all of the group is rolled back."""


@dataclass
class Course:
	"""What has been found out about events, by their numbers, that can't simply be dealt with.

	`careful`: each event of a transaction is looked after, so that the one is known that loses it.
	"""

	careful: bool = False
	given_up: dict[int, Exception] = field(default_factory=dict)
	# by the number of the first event of the transaction
	obstacles: dict[int, Obstacle] = field(default_factory=dict)
	# the event that is being dealt with
	at: int | None = None


def apply_in_groups(
	work: Context,
	events: list[Event],
	mark: Mark,
	deadline: float,
	handling: Handling,
) -> bool:
	"""Deal with events that `prepare` has seen, group by group. False: the time ran out before the last one.

	`events` is the caller's list: where one stands for several, these take its place where it has to be.
	"""
	settings, course = get_settings(), Course()
	start = 0
	while start < len(events):
		if start and time.monotonic() >= deadline:
			return False
		most, milliseconds = settings.events_per_commit, settings.commit_milliseconds
		try:
			start += apply_group(work, events, start, most, milliseconds, mark, handling, course)
		except NotTogether:
			frappe.db.rollback()
			handling.prepare(work, events[start:])
		except OneByOne:
			frappe.db.rollback()
			# the events that come have other numbers
			course = Course()
			take_apart(events, start, handling)
			handling.prepare(work, events[start:])
		except Exception as error:
			if not is_lost_transaction(error):
				raise
			frappe.db.rollback()
			# the events that come have other numbers
			course = Course()
			take_apart(events, start, handling)
			start += apply_after_lost_transaction(work, events, start, len(events), mark, handling)
	return True


def take_apart(events: list[Event], start: int, handling: Handling) -> None:
	"""From `start` on, no event stands for others any more."""
	events[start:] = [step for event in events[start:] for step in handling.steps(event)]


def apply_one_by_one(
	work: Context, events: list[Event], mark: Mark, deadline: float, handling: Handling
) -> bool:
	"""The same for a page that `prepare` could not read: each transaction is looked up by itself, and an event that can't be
	fails alone. False: the time ran out before the last one."""
	start = 0
	while start < len(events):
		if start and time.monotonic() >= deadline:
			return False
		end = end_of_transaction(events, start)
		course = Course(given_up=unreadable(work, events, start, end, handling))
		start += apply_transaction(work, events, start, end, mark, handling, course)
	return True


def unreadable(
	work: Context, events: list[Event], start: int, end: int, handling: Handling
) -> dict[int, Exception]:
	"""The events of a transaction that can't be looked up, by their numbers, each with why."""
	error = fault_of(work, events[start:end], handling)
	if not error:
		return {}
	faults = {}
	if end - start > 1:
		faults = {number: fault_of(work, [events[number]], handling) for number in range(start, end)}
	found = {number: fault for number, fault in faults.items() if fault}
	return found or dict.fromkeys(range(start, end), error)


def fault_of(work: Context, events: list[Event], handling: Handling) -> Exception | None:
	try:
		handling.prepare(work, events)
	except Exception as error:
		if not is_events_fault(error):
			raise
		return error
	return None


def is_events_fault(error: Exception) -> bool:
	"""Whether looking up what events need has failed for what is in them: not the other site's answer, not the database."""
	return not isinstance(error, EventStreamingError | InvalidPage) and not is_lost_transaction(error)


def apply_group(
	work: Context,
	events: list[Event],
	start: int,
	most: int,
	milliseconds: int,
	mark: Mark,
	handling: Handling,
	course: Course,
) -> int:
	"""Deal with whole transactions from `start`: about `most` events, for about `milliseconds`; and commit. Returns how many
	events it were.

	Raises when the database has given the transaction up, and NotTogether; then nothing of the group is in.
	"""
	began, statuses = time.monotonic(), []
	with work.log.group(together=most > 1):
		while (begin := start + len(statuses)) < len(events):
			end = end_of_transaction(events, begin)
			if statuses and end - start > most:
				break
			statuses += deal_with_transaction(work, events, begin, end, handling, course)
			if len(statuses) >= most or (time.monotonic() - began) * 1000 >= milliseconds:
				break
	upto = start + len(statuses)
	mark.write(upto, statuses)
	told = OneRequest()
	frappe.db.commit()
	told.send()
	forget_lookups()
	mark.committed(upto, statuses)
	return len(statuses)


def deal_with_transaction(
	work: Context, events: list[Event], start: int, end: int, handling: Handling, course: Course
) -> list[str]:
	"""The events from `start` to `end`, which one transaction has made; what became of each.

	Raises NotTogether when one of them stands in the way of others that have taken effect already: the next time it is known.
	"""
	together = end - start > 1 and handling.together(events[start:end], work)
	if together and start not in course.obstacles and (held := held_back(work, events[start:end])):
		course.obstacles[start] = Obstacle(held)
	statuses: list[str] = []
	for number in range(start, end):
		course.at = number
		obstacle = course.obstacles.get(start)
		status = deal_with_one(work, events[number], number, obstacle, handling, course)
		if together and not obstacle and status != SYNCED:
			course.obstacles[start] = Obstacle(events[number], outcome_of_last(work, events[number]))
			if number > start:
				raise NotTogether
		if course.careful and end - start > 1:
			work.log.look()
		statuses.append(status)
	course.at = None
	return statuses


def deal_with_one(
	work: Context, event: Event, number: int, obstacle: Obstacle | None, handling: Handling, course: Course
) -> str:
	if obstacle and handling.set_aside:
		return handling.set_aside(event, work, obstacle)
	if error := course.given_up.get(number):
		return handling.give_up(event, work, error)
	return handling.deal(event, work)


def held_back(work: Context, events: list[Event]) -> Event | None:
	"""The first of the events that stands behind an earlier one of its document."""
	return next((event for event in events if not work.held_back.isdisjoint(keys_of(event))), None)


def outcome_of_last(work: Context, event: Event) -> Outcome | None:
	"""What is kept of an event that was dealt with just now; None where nothing is."""
	return work.log.rows[-1][1] if work.log.rows and work.log.rows[-1][0] is event else None


def apply_after_lost_transaction(
	work: Context, events: list[Event], start: int, end: int, mark: Mark, handling: Handling
) -> int:
	"""A deadlock has undone the group: look things up anew (for the events up to `end`) and go on with one transaction of the
	producer, of which one event may fail alone."""
	return apply_transaction(work, events, start, end, mark, handling, Course(careful=True))


def apply_transaction(
	work: Context, events: list[Event], start: int, end: int, mark: Mark, handling: Handling, course: Course
) -> int:
	"""The transaction that begins at `start` as a group of its own, however often that takes; returns how many events it has.

	An event that loses it again and again is given up. Raises what is raised when none is left.
	"""
	lost = 0
	while True:
		if rest := [events[number] for number in range(start, end) if number not in course.given_up]:
			handling.prepare(work, rest)
		course.at = None
		try:
			return apply_group(work, events, start, 1, 0, mark, handling, course)
		except NotTogether:
			frappe.db.rollback()
		except Exception as error:
			if not is_lost_transaction(error):
				raise
			frappe.db.rollback()
			course.careful, lost = True, lost + 1
			if lost == TRIES_AFTER_DEADLOCK:
				lost = 0
				give_up_who_loses_it(course, start, end_of_transaction(events, start), error)


def give_up_who_loses_it(course: Course, start: int, end: int, error: Exception) -> None:
	"""Raises `error` when all of a transaction are given up already."""
	left = [number for number in range(start, end) if number not in course.given_up]
	if not left:
		raise error
	known = course.at in left and end - start - len(left) < MOST_GIVEN_UP
	course.given_up.update(dict.fromkeys([course.at] if known else left, error))
