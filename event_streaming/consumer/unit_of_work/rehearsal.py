"""A rehearsal: documents are applied for real in one transaction that is always rolled back, and nothing leaves the site.

The transaction can't be ended by what is tried: a commit, a statement that commits by itself (a new column) and whatever else is
not known to be harmless is refused, with an error that the controller sees. Counters are rows, and go back with the rest; numbers
of sequences, which no rollback gives back, are made up. What waits for the commit never happens. When the block ends the site forgets
what it has cached of it. At its end it is proven that the transaction is the one that it began with; if not, `escaped` says so.

Not seen: a controller that opens a database connection or starts a process of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import frappe

from event_streaming.consumer.unit_of_work import statements
from event_streaming.consumer.unit_of_work.after_commit import MESSAGES, WEBHOOKS
from event_streaming.consumer.unit_of_work.lost_transaction import forget_lookups
from event_streaming.consumer.unit_of_work.withheld import Withheld, withholding
from event_streaming.exceptions import NotInARehearsal
from event_streaming.messages.coded import _

SAVEPOINT = "event_streaming_rehearsal"
# far from what others take at the same time, who would wait for these rows
MADE_UP_FROM = 1_000_000_000
# overridden on the connection of this thread alone
OVERRIDDEN = ("sql", "commit", "get_next_sequence_val")


@dataclass
class Rehearsal:
	"""What came of it, besides what its caller knows: statements that were refused, what was withheld, whether anything escaped."""

	withheld: Withheld
	refused: list[str] = field(default_factory=list)
	escaped: bool = False
	_numbers: dict[str, int] = field(default_factory=dict)
	_last: str = ""

	def begin(self) -> None:
		frappe.db.savepoint(SAVEPOINT)
		database = frappe.local.db
		execute = database.sql

		def guarded(query: Any, *args: Any, **kwargs: Any) -> Any:
			query = str(query)
			if not kwargs.get("run", True):
				return execute(query, *args, **kwargs)
			if statements.is_refused(query, self._last):
				self.refuse(statements.first_word(query))
			self._last = query
			answer = execute(statements.numbered(query, self.next_number), *args, **kwargs)
			if statements.is_whole_rollback(query) or statements.first_word(query) in statements.BEGINS:
				# by a controller: what comes now is tried like what came before
				execute(f"savepoint {SAVEPOINT}")
			return answer

		database.sql = guarded
		database.commit = lambda *_args, **_kwargs: self.refuse("commit")
		database.get_next_sequence_val = lambda doctype, slug="_id_seq": self.next_number(
			frappe.scrub(f"{doctype}{slug}")
		)

	def refuse(self, word: str) -> None:
		"""Raises NotInARehearsal: to the controller, which may hide it; so it is remembered."""
		self.refused.append(word)
		raise NotInARehearsal(
			_(
				"A controller or hook of this site tried to commit ({0}) while the document was being saved. A trial does not do that."
			).format(word.upper())
		)

	def next_number(self, sequence: str) -> int:
		self._numbers[sequence] = self._numbers.get(sequence, MADE_UP_FROM) + 1
		return self._numbers[sequence]

	def end(self, database: Any) -> None:
		"""The transaction is rolled back, and nobody remembers it."""
		for name in OVERRIDDEN:
			database.__dict__.pop(name, None)
		self.escaped = frappe.local.db is not database or not self._is_whole()
		try:
			frappe.db.rollback()
		finally:
			self.withheld.put_files_back()
		for queue in (WEBHOOKS, MESSAGES):
			(getattr(frappe.local, queue, None) or []).clear()
		forget_lookups()
		for doctype, name in self.withheld.documents:
			frappe.clear_document_cache(doctype, name)
		if isinstance(getattr(frappe.local, "cache", None), dict):
			frappe.local.cache.clear()

	def _is_whole(self) -> bool:
		"""Whether nobody has ended the transaction by another way than a rollback."""
		try:
			frappe.db.release_savepoint(SAVEPOINT)
		except Exception:
			return False
		return True


@contextmanager
def rehearsal() -> Iterator[Rehearsal]:
	"""Whatever is written inside the block never was. The caller has committed what it wants to keep."""
	frappe.db.rollback()
	with withholding() as withheld:
		tried, database = Rehearsal(withheld), frappe.local.db
		tried.begin()
		try:
			yield tried
		finally:
			tried.end(database)
