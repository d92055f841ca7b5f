"""The rows of Event Update Log that an open transaction writes, and what is remembered until it ends.

Decides nothing about what is logged: see hooks.py, rows.py and files.py. Never commits. Each event is an INSERT of its own, though
one for all of a transaction would be cheaper: Frappe tells nobody of a rollback to a savepoint, which takes back a row that is
written, and would not take back one that is still kept.
"""

from os import urandom
from typing import Any

import frappe
from frappe.utils import now_datetime

from event_streaming.database import bulk_inserting
from event_streaming.database.not_there_yet import unless_missing
from event_streaming.identity.origin import Applied, told_of
from event_streaming.producer.log.rows import Key, dump
from event_streaming.producer.notify import notifications
from event_streaming.wire.difference import STAMPS, Change
from event_streaming.wire.events import Root

LOG = "Event Update Log"
# of every event; those that know what was before have BEFORE as well
COLUMNS = (
	"creation",
	"modified",
	"owner",
	"modified_by",
	"update_type",
	"ref_doctype",
	"docname",
	"data",
	"origin",
	"transaction_id",
)
BEFORE = "data_before"
SAVES = ("Create", "Update")
# a position comes after the commit
FIXED = (("position", 0),)
# sites whose log has all of them, so that this process need not be prepared for less with every event
_with_all_columns: set[str] = set()


class Transaction:
	"""The database transaction in which something was logged; shared by all that is remembered from it."""

	def __init__(self):
		# one object, so that it is found among the callbacks by identity
		self.on_commit = self.committed
		self.rolled_back = False
		self.logged: dict[tuple[str, str], int] = {}
		# files that were attached before the row of their document was written
		self.early_files: dict[tuple[str, str], list[dict]] = {}
		# rows that were changed by themselves while their document is being saved: its next event has them
		self.rows_to_log: dict[Key, dict[Key, Any]] = {}
		# documents that are being merged, and into which: the deletion that ends a merge says so
		self.merging: dict[Key, dict[str, Any]] = {}
		# where these had come from
		self.roots: dict[Key, Root] = {}
		# the stamps that were told last of a document that is applied from another site
		self.stamps: dict[tuple[str, str], dict[str, Any]] = {}
		# what rows.py has logged of a document, and after how many of its events
		self.rows_logged: dict[Key, list[tuple[int, Change]]] = {}
		# what its events are said to belong to: it, or the transaction of another site that is applied in it
		self.ids: dict[tuple[str, str], str] = {}

	def committed(self) -> None:
		"""After the commit: tell the consumers."""
		self.on_commit = frappe.local.event_streaming_transaction = None
		notifications.events_committed()

	def id_for(self, applied: Applied | None) -> str:
		"""By what the events are known to belong together that are logged while this is applied; never given again.

		This site may apply many transactions of another one in one of its own: each stays one by itself for who comes next.
		"""
		of = (applied.producer, applied.transaction_id) if applied else ("", "")
		if of not in self.ids:
			self.ids[of] = urandom(8).hex()
		return self.ids[of]

	def undone(self) -> None:
		"""After a full rollback: what was remembered in it never happened."""
		self.rolled_back = True
		frappe.local.event_streaming_transaction = None


def open_transaction() -> Transaction:
	"""The open transaction; its commit and its rollback will be heard of exactly once."""
	local = frappe.local
	transaction, db = getattr(local, "event_streaming_transaction", None), local.db
	callbacks = db.after_commit
	if transaction is not None:
		if transaction.on_commit in callbacks._functions:
			return transaction
		# a commit that failed on its way has dropped the callbacks without calling them
		transaction.rolled_back = True
	transaction = local.event_streaming_transaction = Transaction()
	callbacks.add(transaction.on_commit)
	db.after_rollback.add(transaction.undone)
	return transaction


def write(
	doctype: str, name: str, update_type: str, data: dict | None, before: Change | None = None
) -> Transaction:
	"""Log one event; returns the transaction that it is in."""
	transaction = open_transaction()
	# as text: of two values, the database's driver would turn each by itself
	now, user = str(now_datetime()), frappe.local.session.user
	text = None if data is None else dump(data)
	origin, applied = told_of(doctype, name)
	row = (now, now, user, user, update_type, doctype, str(name), text, origin, transaction.id_for(applied))
	if before:
		_insert((BEFORE, *COLUMNS), (dump(before), *row))
	else:
		_insert(COLUMNS, row)
	key = (doctype, name)
	transaction.logged[key] = transaction.logged.get(key, 0) + 1
	if origin and update_type in SAVES and (said := data.get("changed", data)).get("modified"):
		transaction.stamps[key] = {fieldname: said.get(fieldname) for fieldname in STAMPS}
	return transaction


def _insert(columns: tuple[str, ...], row: tuple) -> None:
	"""New code before the end of `migrate`: documents are saved all the same."""
	site = frappe.local.site
	if frappe.db.db_type == "postgres" and site not in _with_all_columns:
		unless_missing(
			lambda: bulk_inserting.insert_numbered(LOG, columns, [row], FIXED),
			lambda: bulk_inserting.insert_numbered(LOG, columns[:-1], [row[:-1]], FIXED),
		)
		if frappe.db.has_column(LOG, columns[-1]):
			# no savepoint any more
			_with_all_columns.add(site)
		return
	try:
		bulk_inserting.insert_numbered(LOG, columns, [row], FIXED)
	except Exception as error:
		if not frappe.db.is_missing_column(error):
			raise
		bulk_inserting.insert_numbered(LOG, columns[:-1], [row[:-1]], FIXED)
