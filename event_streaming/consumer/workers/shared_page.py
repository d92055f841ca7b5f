"""A page of events applied by several workers: what the pull does, and how a lane is worked on.

Optimistic, and settled by one: a worker at a lane writes only what has taken effect. An event that fails there, for
whatever reason, and the later ones of its document are left; when all lanes are done, the pull deals with what is left,
alone and in order, as it does without helpers. So a deadlock between two lanes, or a document that one of them misses
because it is just being made in another, is never taken for a failure; and a lane whose worker has died is what is left,
too. Documents and their log rows are committed together, group by group; what is in Event Sync Log is passed over
whenever it comes again. The cursor is moved only by the pull, and never past what is left: a crash leaves it behind, not
ahead.

The next page is not asked for before this one is done: the cursor that a request names is what the producer takes as done.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass

import frappe

from event_streaming.consumer.apply.page import prepare
from event_streaming.consumer.apply.step import OF_A_PAGE, try_as_one, try_composed, try_event
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.folding.runs import became, is_composed, is_folded, steps_of
from event_streaming.consumer.logs import taken_events
from event_streaming.consumer.logs.sync_log import OPEN, SYNCED
from event_streaming.consumer.unit_of_work.groups import (
	Handling,
	Mark,
	Obstacle,
	apply_one_by_one,
	is_events_fault,
)
from event_streaming.consumer.workers.crew import LANES_EACH, Crew, Lane, lane_lock
from event_streaming.consumer.workers.footprints import belonging_together, have_to_be_alone
from event_streaming.consumer.workers.lanes import deal_out, runs, shares_of
from event_streaming.consumer.workers.units import apply_together
from event_streaming.database.locks import advisory_lock
from event_streaming.exceptions import LaneLost
from event_streaming.wire.events import Event, keys_of

# fewer events in a row are not worth a hand-over
FEWEST_SHARED = 40
FEWEST_IN_A_LANE = 10
# pages are not looked at after one that could not be shared: so many at most
MOST_SKIPPED = 8
# after the slice's end helpers finish the group that they are at
GRACE_SECONDS = 10
LEFT = "Left"


def apply_shared(crew: Crew | None, work: Work, events: list[Event], mark: Mark, deadline: float) -> bool:
	"""Apply a page with all workers that there are. False: the time ran out."""
	if crew is None or not is_worth_sharing(crew, events):
		return apply_alone(work, events, mark, deadline)
	for start, end, shared in runs(have_to_be_alone(events), FEWEST_SHARED):
		if start and time.monotonic() >= deadline:
			return False
		here = Part(mark, [*range(start, end + 1)])
		if shared:
			finished = share(crew, work, events[start:end], here, deadline)
		else:
			finished = apply_alone(work, events[start:end], here, deadline)
		if not finished:
			return False
	return True


def is_worth_sharing(crew: Crew, events: list[Event]) -> bool:
	if len(events) < FEWEST_SHARED:
		return False
	if crew.skip:
		crew.skip -= 1
		return False
	crew.call_helpers()
	return crew.has_helpers()


def apply_alone(work: Work, events: list[Event], mark: Mark, deadline: float) -> bool:
	try:
		prepare(work, events)
	except Exception as error:
		if not is_events_fault(error):
			raise
		# one event that can't be read stops no other
		return apply_one_by_one(work, events, mark, deadline, OF_A_PAGE)
	return apply_together(work, events, mark, deadline, OF_A_PAGE)


@dataclass
class Part:
	"""The mark of some events of a page: `ends` says for each number of them how far the page is dealt with then."""

	page: Mark
	ends: list[int]

	def write(self, upto: int, statuses: list[str]) -> None:
		self.page.write(self.ends[upto], statuses)

	def committed(self, upto: int, statuses: list[str]) -> None:
		self.page.committed(self.ends[upto], statuses)


# ---- the pull


def share(crew: Crew, work: Work, events: list[Event], mark: Part, deadline: float) -> bool:
	"""Cut a stretch of a page into lanes, work on them together with the helpers, then deal with what is left."""
	known = known_numbers(work, events)
	try:
		lanes = cut(crew, work, events, [number for number in range(len(events)) if number not in known])
	except Exception as error:
		if not is_events_fault(error):
			raise
		lanes = []
	if len(lanes) < 2:
		crew.in_vain += 1
		crew.skip = min(2**crew.in_vain, MOST_SKIPPED)
		return apply_alone(work, events, mark, deadline)
	crew.in_vain = 0
	with ExitStack() as locks:
		# while all lanes are held, no helper that was slow to begin can come in between
		work_on_lanes(crew, work, lanes, locks, deadline)
		if not hold_lanes(crew, [lane.number for lane in lanes], locks, deadline):
			return False
		return deal_with_what_is_left(work, events, mark, deadline)


def cut(crew: Crew, work: Work, events: list[Event], todo: list[int]) -> list[Lane]:
	together = belonging_together(work, [events[number] for number in todo])
	shares = shares_of(crew.workers, LANES_EACH, len(todo) // FEWEST_IN_A_LANE)
	lanes = []
	for number, members in enumerate(deal_out([len(each.events) for each in together], shares)):
		inside = sorted(todo[event] for each in members for event in together[each].events)
		brought = work.fetched.only(key for each in members for key in together[each].needed)
		lanes.append(
			Lane(
				number,
				[events[event] for event in inside],
				work.protocol,
				work.time_zone,
				work.renumbered_until,
				brought,
			)
		)
	return lanes


def work_on_lanes(crew: Crew, work: Work, lanes: list[Lane], locks: ExitStack, deadline: float) -> None:
	"""Hand the lanes out, and work on them like any helper, for as long as there are any."""
	crew.hand_out(lanes)
	while time.monotonic() < deadline and (lane := crew.next_lane()):
		if locks.enter_context(advisory_lock(lane_lock(crew.event_producer, lane.number))):
			work_on_lane(crew, work, lane, deadline)
	crew.take_back()


def hold_lanes(crew: Crew, numbers: list[int], locks: ExitStack, deadline: float) -> bool:
	"""Wait for the helpers; False: the time ran out, and they are told to stop."""
	for number in numbers:
		lock = lane_lock(crew.event_producer, number)
		while not locks.enter_context(advisory_lock(lock, wait_seconds=1)):
			if time.monotonic() >= deadline:
				crew.dismiss()
			if time.monotonic() >= deadline + GRACE_SECONDS:
				return False
	return True


def deal_with_what_is_left(work: Work, events: list[Event], mark: Part, deadline: float) -> bool:
	"""What has no row in Event Sync Log by now, in order; the cursor goes along."""
	work.left.clear()
	# what the helpers have committed is to be seen
	frappe.db.rollback()
	known = known_numbers(work, events)
	left = [number for number in range(len(events)) if number not in known]
	upto, done = left[0] if left else len(events), [SYNCED] * len(known)
	mark.write(upto, done)
	frappe.db.commit()
	mark.committed(upto, done)
	# a slice that is over does one group of it all the same, as every slice does. When one that is left is done, so is
	# everything before the next one that is left
	rest = Part(mark.page, [mark.ends[end] for end in [*left, len(events)]])
	return not left or apply_alone(work, [events[number] for number in left], rest, deadline)


def known_numbers(work: Work, events: list[Event]) -> set[int]:
	"""Those of the events that have a row in Event Sync Log."""
	known = taken_events.events_known(work.event_producer, events)
	if work.renumbered_until:
		known |= taken_events.events_known_otherwise(work.event_producer, events, work.renumbered_until)
	return {number for number, event in enumerate(events) if (event["id"], event["creation"]) in known}


# ---- a lane, by whoever works on it


def work_on_lane(crew: Crew, work: Work, lane: Lane, deadline: float) -> None:
	"""Apply the events of a lane whose lock is held, as far as they can be. Raises LaneLost when it is another's by now."""
	work.left.clear()
	work.brought = lane.brought
	# a lane knows what is done by the rows: one that can't be kept as it is is the pull's, with its cursor
	work.log.only_whole = True
	# what others have committed is to be seen: a lane may have been done before
	frappe.db.rollback()
	try:
		prepare(work, lane.events)
		apply_together(work, lane.events, LaneMark(crew, lane.number), deadline, IN_A_LANE)
	except Exception as error:
		if not is_events_fault(error):
			raise
		# something in them can't be read: the pull looks at what is left event by event
		frappe.db.rollback()
	finally:
		work.brought = None
		work.log.only_whole = False


@dataclass
class LaneMark:
	"""A lane moves no cursor: its mark is that it may still be worked on, asked in the transaction that is committed."""

	crew: Crew
	number: int

	def write(self, upto: int, statuses: list[str]) -> None:
		if not self.crew.may_commit(self.number):
			raise LaneLost()

	def committed(self, upto: int, statuses: list[str]) -> None:
		"""The pull looks into Event Sync Log."""


def deal_in_lane(event: Event, work: Work) -> str:
	"""Apply an event, or those that it stands for, and write the rows, or leave what can't be applied."""
	if is_composed(event):
		return deal_with_composed_in_lane(event, work)
	if not is_folded(event):
		return deal_with_one_in_lane(event, work)
	one_by_one = (deal_with_one_in_lane(step, work) for step in steps_of(event))
	return became(event, try_as_one(event, work) or list(one_by_one))


def deal_with_one_in_lane(event: Event, work: Work) -> str:
	if (event["id"], event["creation"]) in work.known:
		return SYNCED
	if work.held_back.isdisjoint(keys_of(event)):
		outcome = try_event(event, work, attempts=1)
		if outcome.status not in OPEN:
			work.log.add(event, outcome)
			return outcome.status
	return leave(event, work)


def deal_with_composed_in_lane(event: Event, work: Work) -> str:
	"""What has to come in steps is left: the pull asks for them."""
	if (event["id"], event["creation"]) in work.known:
		return SYNCED
	if work.held_back.isdisjoint(keys_of(event)):
		outcome = try_composed(event, work)
		if outcome.status == SYNCED:
			work.log.add(event, outcome)
			return outcome.status
	return leave(event, work)


def leave(event: Event, work: Work, error: Exception | None = None) -> str:
	"""An event for the pull, once all lanes are done; what follows it in its document stays behind it."""
	work.left.update(keys_of(event))
	work.held_back.update(keys_of(event))
	return LEFT


def whole(events: list[Event], work: Work) -> bool:
	"""A lane never shows a part of what was made together: the rest of it would be the pull's."""
	return True


def leave_with(event: Event, work: Work, obstacle: Obstacle) -> str:
	if is_folded(event):
		return became(event, [leave_with(step, work, obstacle) for step in steps_of(event)])
	return SYNCED if (event["id"], event["creation"]) in work.known else leave(event, work)


# how the events of a lane are handled
IN_A_LANE = Handling(prepare, deal_in_lane, leave, whole, leave_with, steps_of)
