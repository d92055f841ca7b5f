"""The last stage of a comparison: documents that seem to differ are looked at together, as the producer has them now.

That is done under the pull's lock, after a pull, with what the log still holds of each document: one that is on its way is no
difference. What becomes of one that does differ is the caller's: verify notes it, repair mends it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import frappe

from event_streaming.consumer.apply.work import Work, open_work
from event_streaming.consumer.digesting.compared import Compared
from event_streaming.consumer.first_copy.copying import PULL_EACH, WAIT_SECONDS, let_pull
from event_streaming.consumer.logs import state
from event_streaming.consumer.logs.state import PullState
from event_streaming.consumer.pull import loop
from event_streaming.consumer.subscriptions.subscription import subscriptions_of
from event_streaming.consumer.tasks.slices import Slice
from event_streaming.consumer.verify.comparison import Comparison, check_active
from event_streaming.consumer.workers.crew import pull_lock
from event_streaming.exceptions import RemoteUnavailable
from event_streaming.messages.coded import _
from event_streaming.wire.events import DELETE, Event, empty_event
from event_streaming.wire.pages import Look

# documents that are looked at together, under the pull's lock
PORTION = 100
# a document that is on its way is looked at again after a pull, so often
TRIES = 3


@dataclass
class Portion:
	"""Some documents that seem to differ, as the producer has them now. The pull's lock is held."""

	part: Slice
	work: Work
	compared: Compared
	answer: Look
	# those that nothing has been said of yet, with the number of times that each was looked at
	suspects: list[list]
	events: list[Event] = field(default_factory=list)

	def place_after(self, upto: int) -> dict[str, Any]:
		"""The task's place once the first `upto` events are dealt with; those that are on their way come again."""
		dealt_with = {event["docname"] for event in self.events[:upto]}
		coming = set(self.answer["coming"])
		left = [each for each in self.suspects if each[0] not in dealt_with and each[0] not in coming]
		again = [[name, tries + 1] for name, tries in self.suspects if name in coming and tries + 1 < TRIES]
		if upto < len(self.events):
			# the rest of the portion is asked for anew
			left = [each for each in self.suspects if each[0] not in dealt_with]
			again = []
		return {**self.part.task.place, "suspects": left + again}

	@property
	def given_up(self) -> list[str]:
		"""Those that are on their way still after so many looks."""
		coming = set(self.answer["coming"])
		return [name for name, tries in self.suspects if name in coming and tries + 1 >= TRIES]


# deals with a portion and writes the task's place and report
LookAt = Callable[[Portion], None]


def look_at_some(check: Comparison, look: LookAt) -> bool:
	"""Look at a portion under the pull's lock; False when a pull has it for too long."""
	suspects = check.task.place["suspects"]
	again = suspects[0][1] > 0
	if again or loop.is_wanted(check.doc.name) or time.monotonic() - check.pulled >= PULL_EACH:
		let_pull(check.doc.name)
		check.pulled = time.monotonic()
	with pull_lock(check.doc.name, WAIT_SECONDS) as taken:
		if not taken:
			return False
		# what is read from here on has what the last pull committed
		frappe.db.commit()
		check.doc = frappe.get_doc("Event Producer", check.doc.name)
		check.subscriptions = subscriptions_of(check.doc)
		portion = portion_of(check, state.load_state(check.doc.name), suspects)
		look(portion)
	return True


def portion_of(check: Comparison, kept: PullState, suspects: list[list]) -> Portion:
	names = [name for name, _tries in suspects[:PORTION]]
	answer = check.producer.look_at(check.remote, names, kept.position_of(check.remote))
	if answer["paused"]:
		raise RemoteUnavailable(_("The producer's administrator has paused this site."))
	work = open_work(
		check.doc, check.producer, kept.protocol, answer["time_zone"] or kept.remote_time_zone or ""
	)
	check_active(work.subscriptions, check.remote, check.doc.name)
	gone = [
		as_gone(check.remote, name, position, check.doc.name)
		for name, (_reason, position) in answer["gone"].items()
	]
	return Portion(
		check.part,
		work,
		check.compared().without(check.task.place["without"] or ()),
		answer,
		suspects,
		[*answer["events"], *gone],
	)


def as_gone(doctype: str, name: str, position: int, producer: str) -> Event:
	"""A document that the producer does not give, as a made-up Delete."""
	return {**empty_event(doctype, name, position, producer), "update_type": DELETE}
