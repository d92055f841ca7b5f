"""Whether the transaction that an event is applied in is still the one that it began in.

A deadlock undoes the whole transaction, and a hook of this site may commit or roll back in the middle of an event: then
the event's savepoint is gone. Nothing here ends a transaction.
"""

from typing import Any

import frappe

from event_streaming.consumer.unit_of_work.after_commit import forget_webhooks
from event_streaming.database.passing import is_passing
from event_streaming.exceptions import TransactionLost

# the connection is gone, and with it the transaction
LOST_CONNECTION = (2006, 2013)
LOST_CONNECTION_SQLSTATES = ("57P01", "57P02", "57P03", "08000", "08003", "08006")
# of PostgreSQL, for a savepoint where a hook has ended the transaction by SQL: the driver begins no new one
NO_TRANSACTION = "25P01"


class Watch:
	"""Sees, from its making on, whether somebody commits or rolls back, and what came first."""

	def __init__(self):
		self.ends: list[str] = []
		frappe.db.after_commit.add(self._commit_seen)
		frappe.db.after_rollback.add(self._rollback_seen)

	@property
	def committed(self) -> bool:
		return "commit" in self.ends

	@property
	def rolled_back(self) -> bool:
		return "rollback" in self.ends

	@property
	def rolled_back_first(self) -> bool:
		return self.ends[:1] == ["rollback"]

	def _commit_seen(self) -> None:
		self.ends.append("commit")
		# a commit forgets what was to be called after a rollback
		frappe.db.after_rollback.add(self._rollback_seen)

	def _rollback_seen(self) -> None:
		self.ends.append("rollback")
		forget_webhooks()


class Moment:
	"""Tells later whether this process can have written anything since, or the transaction has ended.

	The database's own count of writes is not enough: Frappe sets it back when a hook rolls back to a savepoint of its own.
	"""

	def __init__(self):
		self.watch = Watch()
		self.counted = _counted()

	def is_over(self) -> bool:
		return bool(self.watch.ends) or self.counted != _counted()


class LifeCycles:
	"""How many documents' life cycles have begun in this process: a thread that counts for another one costs it no more
	than reading its document once more."""

	begun = 0


def hooks_run() -> None:
	"""To be called before a document's life cycle begins: its hooks may write whatever they like."""
	LifeCycles.begun += 1


def _counted() -> tuple[Any, int, int]:
	return frappe.local.db, frappe.db.transaction_writes, LifeCycles.begun


def forget_lookups() -> None:
	"""After a commit, or when something was undone: Frappe 15 keeps what was looked up with a cache, the targets of links for
	one, for as long as the connection lives. It would grow in a long pull, and say of what is gone that it is there."""
	frappe.db.value_cache.clear()


def is_lost_transaction(error: BaseException | None) -> bool:
	"""Whether the transaction is no more (deadlock, lock time-out, error 1020, lost connection, ended by SQL)."""
	while error is not None:
		if isinstance(error, TransactionLost) or is_passing(error) or _is_lost_connection(error):
			return True
		if getattr(error, "pgcode", None) == NO_TRANSACTION:
			return True
		error = error.__cause__ or error.__context__
	return False


def _is_lost_connection(error: BaseException) -> bool:
	if getattr(error, "pgcode", None) in LOST_CONNECTION_SQLSTATES:
		return True
	if frappe.db.db_type == "postgres" and frappe.db.is_interface_error(error):
		return True
	if not isinstance(error, frappe.db.OperationalError | frappe.db.InternalError):
		return False
	if frappe.db.db_type == "postgres":
		# the driver gives no code where the server is gone
		return getattr(error, "pgcode", None) is None
	return bool(error.args) and error.args[0] in LOST_CONNECTION
