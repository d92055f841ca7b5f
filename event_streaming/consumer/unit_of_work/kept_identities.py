"""The identities that a group of events writes together, with its log or before somebody looks at the table."""

from dataclasses import dataclass, field

import frappe

from event_streaming.consumer.unit_of_work.event_scope import EventScope
from event_streaming.exceptions import TransactionLost
from event_streaming.identity import registry
from event_streaming.identity.registry import Identity
from event_streaming.messages.coded import _

SAVEPOINT = "event_streaming_identities"


@dataclass
class KeptIdentities:
	"""Rows of a group of events that are written together; `claimed` are the keys of those that `add` brought.

	`before` are both as they were when the event began. Behind what was written in the middle of an event stands a savepoint
	each time (`marks`): it is gone if a hook has undone that with a savepoint of its own. `at_once` keeps nothing, `void` ones
	are never written.
	"""

	event: EventScope
	at_once: bool = False
	void: bool = False
	waiting: dict[str, Identity] = field(default_factory=dict)
	claimed: set[str] = field(default_factory=set)
	before: tuple[dict[str, Identity], set[str]] = field(default_factory=lambda: ({}, set()))
	marks: int = 0

	def save(self, identity: Identity) -> None:
		"""Insert or replace the row of one remote document, in the transaction of the document itself."""
		if self.at_once:
			registry.write_many([identity])
		else:
			self._stage()
			self.waiting[identity.key] = identity

	def add(self, identity: Identity) -> None:
		"""Insert the row of a remote document that has none: of several workers one can do that.

		It waits for a transaction that is about to do the same. Raises TransactionLost, now or when the rows are written,
		when another one has brought the document: looked at again, it is here.
		"""
		if self.at_once:
			registry.claim_many([identity])
		else:
			self._stage()
			self.waiting[identity.key] = identity
			self.claimed.add(identity.key)

	def _stage(self) -> None:
		self.event.stage(id(self), self._event_done, self._event_undone)

	def _event_done(self) -> None:
		"""Raises TransactionLost when something that was written in the middle of it has been undone."""
		self.look()
		self.before = dict(self.waiting), set(self.claimed)

	def _event_undone(self) -> None:
		"""Back to the event's savepoint: what was written after it has to be written again."""
		waiting, claimed = self.before
		self.waiting, self.claimed, self.marks = dict(waiting), set(claimed), 0

	def write(self) -> None:
		if not self.waiting or self.void:
			return
		self._stage()
		rows = list(self.waiting.values())
		registry.claim_many([each for each in rows if each.key in self.claimed])
		registry.write_many([each for each in rows if each.key not in self.claimed])
		self.waiting.clear()
		self.claimed.clear()

	def write_in_the_middle(self) -> None:
		if self.waiting and not self.void:
			self.write()
			self.marks += 1
			frappe.db.savepoint(f"{SAVEPOINT}_{self.marks}")

	def look(self) -> None:
		# not earlier: a savepoint that is released takes those of hooks along that were made after it
		for number in range(self.marks, 0, -1):
			try:
				frappe.db.release_savepoint(f"{SAVEPOINT}_{number}")
			except Exception as error:
				raise TransactionLost(
					_("A hook of this site has undone what was written while the event was being applied.")
				) from error
		self.marks = 0
