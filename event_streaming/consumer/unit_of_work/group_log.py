"""What the events of a group leave behind in common: their rows in Event Sync Log and Event Document Identity, and the proof
that nothing got lost.

The rows are kept in memory and written together, in the transaction of the documents: at the end of the group, or before
anybody else commits. A process that dies before that has not committed the documents either. With them is seen whether the
transaction is still the one that the group began in: a savepoint stands at its beginning and is gone after a deadlock, also
one that a hook has hidden. Never commits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import frappe

from event_streaming.consumer.logs import sync_log
from event_streaming.consumer.logs.sync_log import OPEN, Outcome
from event_streaming.consumer.unit_of_work.event_scope import EventScope
from event_streaming.consumer.unit_of_work.kept_identities import KeptIdentities
from event_streaming.consumer.unit_of_work.lost_transaction import is_lost_transaction
from event_streaming.exceptions import TransactionLost
from event_streaming.identity import registry
from event_streaming.messages.coded import _
from event_streaming.wire.events import Event

SAVEPOINT = "event_streaming_group"


@dataclass
class GroupLog:
	"""The log of one group of events after the other."""

	event_producer: str
	rows: list[tuple[Event, Outcome]] = field(default_factory=list)
	# what is staged for the event that is being applied
	event: EventScope = field(default_factory=EventScope)
	identities: KeptIdentities = field(init=False)
	# a row that can't be kept as it is is not kept without what the database does not take: the group fails instead
	only_whole: bool = False
	# within a group, and its savepoint stands
	_open: bool = False
	_watching: bool = False
	_together: bool = True

	def __post_init__(self):
		self.identities = KeptIdentities(self.event, at_once=True)

	@contextmanager
	def group(self, together: bool = True) -> Iterator[None]:
		"""The events of a group; at the end of the block their rows are written.

		The identities are, too, unless `together` is False: then each is written at once, so that one which the database
		does not take fails with its event. Raises TransactionLost when what the rows tell of is not in the database any more.
		"""
		self._together = together
		try:
			# what was staged in a transaction that was lost never was
			self.event.event_undone()
			self.begin()
			yield
			self._write()
		finally:
			self._open = self._watching = False
			self._keep(KeptIdentities(self.event, at_once=True))

	def begin(self) -> None:
		"""A transaction begins here; what was open before is no more."""
		self.rows.clear()
		self._keep(KeptIdentities(self.event, at_once=not self._together))
		self._open = True
		self._watch()

	def _keep(self, identities: KeptIdentities) -> None:
		self.identities = identities
		registry.keep_together(None if identities.at_once else identities)

	def add(self, event: Event, outcome: Outcome) -> None:
		self.rows.append((event, outcome))

	def _watch(self) -> None:
		frappe.db.savepoint(SAVEPOINT)
		self._watching = True
		frappe.db.before_commit.add(self._commit_begins)
		frappe.db.after_rollback.add(self._rolled_back)

	def _commit_begins(self) -> None:
		if self._watching:
			# a hook of this site commits in the middle of an event
			self._write()
			frappe.db.after_commit.add(self._commit_done)

	def _commit_done(self) -> None:
		if self._open:
			self._watch()

	def _rolled_back(self) -> None:
		if self._open:
			# by a hook of this site: what is kept is true no more, and none of it is to be in what the hook may commit
			self.rows.clear()
			self._keep(KeptIdentities(self.event, void=True))

	def look(self) -> None:
		"""Raises TransactionLost when the group's transaction is no more."""
		if self._watching:
			self._release()
			frappe.db.savepoint(SAVEPOINT)

	def _release(self) -> None:
		try:
			frappe.db.release_savepoint(SAVEPOINT)
		except Exception as error:
			raise TransactionLost(
				_("The event's savepoint is gone: a hook may have hidden a deadlock.")
			) from error

	def _write(self) -> None:
		self.identities.look()
		self._release()
		self._watching = False
		self._write_identities()
		rows, self.rows = self.rows, []
		frappe.db.savepoint(SAVEPOINT)
		try:
			sync_log.write(self.event_producer, rows)
		except Exception as error:
			if is_lost_transaction(error):
				raise
			frappe.db.rollback(save_point=SAVEPOINT)
			for event, outcome in rows:
				self._write_alone(event, outcome)

	def _write_identities(self) -> None:
		try:
			self.identities.write()
		except Exception as error:
			if is_lost_transaction(error):
				raise
			# which of the events it is shows when they are applied one by one
			raise TransactionLost(f"{type(error).__name__}: {error}") from error

	def _write_alone(self, event: Event, outcome: Outcome) -> None:
		"""One row; where the database does not take what is in it, one without that."""
		try:
			sync_log.write(self.event_producer, [(event, outcome)])
		except Exception as error:
			if is_lost_transaction(error):
				raise
			if self.only_whole:
				raise TransactionLost(f"{type(error).__name__}: {error}") from error
			outcome.warnings = [
				_("The data of the event could not be stored here: {0}").format(type(error).__name__)
			]
			outcome.conflicts = []
			# without its data it can't be tried again; its type would say that it can
			kept = {"creation": ""} if outcome.status not in OPEN else {"creation": "", "update_type": ""}
			bare = {**event, "data": None, "data_before": None, **kept}
			sync_log.write(self.event_producer, [(bare, outcome)])
