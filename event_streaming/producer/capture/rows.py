"""Rows of child tables that are inserted, saved, `db_set` or deleted as documents of their own: changes of their parent.

Called by document_events.py. Each is logged as an Update of the parent, measured from the row as the database has it. While the parent
itself is being saved its own event has the row: it only has to be told not to believe what it holds in memory.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import frappe

from event_streaming.producer.capture.log import Transaction, open_transaction, write
from event_streaming.producer.log.rows import Key
from event_streaming.producer.subscriptions.streamed import streamed_doctypes
from event_streaming.wire.difference import (
	Change,
	State,
	apply_change,
	convert_values,
	difference,
	values_before,
)
from event_streaming.wire.events import UPDATE

MEMORY = "event_streaming_row"


@dataclass(frozen=True)
class Stored:
	"""A row as the database has it, and the table that it stands in."""

	parenttype: str
	parent: str
	parentfield: str
	state: State

	@property
	def owner(self) -> Key:
		return self.parenttype, self.parent


def is_row(doc: Any, streamed: Container[str]) -> bool:
	"""Whether the document is a row of a document whose changes are logged."""
	parenttype = vars(doc).get("parenttype")
	return bool(parenttype) and parenttype in streamed and bool(doc.meta.istable)


def about_to_write(doc: Any) -> None:
	"""before_validate and the like: what the row is before its own save; None when it is new."""
	before = doc.get_doc_before_save()
	doc.flags[MEMORY] = _stored(doc) if before is not None else None


def about_to_set(doc: Any) -> None:
	"""before_change, which `db_set` fires before it writes."""
	saving = (doc.doctype, doc.name) in frappe.flags.currently_saving
	if not saving or MEMORY not in doc.flags:
		doc.flags[MEMORY] = _stored(doc)


def changed(doc: Any) -> None:
	"""after_insert and on_change."""
	if vars(doc).get("__islocal") or doc.flags.in_delete or MEMORY not in doc.flags:
		return
	before, now = doc.flags[MEMORY], _stored(doc)
	doc.flags[MEMORY] = now
	_tell(doc, before, now)


def deleted(doc: Any) -> None:
	"""after_delete."""
	_tell(
		doc,
		_as_stored(doc, {fieldname: doc.get(fieldname) for fieldname in doc.meta.get_valid_columns()}),
		None,
	)


# ---- the parent's own event


def take_rows_to_log(doctype: str, name: str, transaction: Transaction | None) -> bool:
	"""Whether rows of a document were changed by themselves during its save; its event is about to be logged, with them.

	`transaction` is the one in which the document was looked at last, mostly the open one.
	"""
	if transaction is None or transaction.on_commit is None:
		transaction = getattr(frappe.local, "event_streaming_transaction", None)
	if not transaction or not transaction.rows_to_log:
		return False
	return bool(transaction.rows_to_log.pop((doctype, name), None))


def with_rows_logged(state: State, owner: Key, transaction: Transaction, after: int) -> State:
	"""What was logged last of a document, with the changes of its rows that were logged since."""
	for count, change in transaction.rows_logged.get(owner, ()):
		if count > after:
			state = apply_change(state, change)
	return state


# ---- what is logged


def _tell(doc: Any, before: Stored | None, now: Stored | None) -> None:
	if before and now and before.owner == now.owner and before.parentfield == now.parentfield:
		steps = [(before.owner, before.parentfield, before, now)]
	else:
		# a row that was moved left one table and came into another
		steps = [(row.owner, row.parentfield, row, None) for row in (before,) if row]
		steps += [(row.owner, row.parentfield, None, row) for row in (now,) if row]
	for owner, table, old, new in steps:
		if owner[0] not in streamed_doctypes():
			continue
		if owner in frappe.flags.currently_saving:
			_leave_to_parent(owner, (doc.doctype, str(doc.name)), old)
		else:
			_log(owner, table, old, new)


def _leave_to_parent(owner: Key, row: Key, before: Stored | None) -> None:
	"""The parent's save logs it. Should that save have failed half way, it is logged before the commit."""
	transaction = open_transaction()
	if not transaction.rows_to_log:
		frappe.db.before_commit.add(lambda: _log_what_is_left(transaction))
	transaction.rows_to_log.setdefault(owner, {}).setdefault(row, before)


def _log_what_is_left(transaction: Transaction) -> None:
	waiting, transaction.rows_to_log = transaction.rows_to_log, {}
	if transaction.rolled_back:
		return
	for owner, rows in waiting.items():
		for (doctype, name), before in rows.items():
			now = _read(doctype, name)
			if now and now.owner != owner:
				continue
			table = (now or before).parentfield if now or before else None
			if table:
				_log(owner, table, before, now)


def _log(owner: Key, table: str, before: Stored | None, now: Stored | None) -> None:
	modified = frappe.db.get_value(*owner, "modified", for_update=True)
	if modified is None:
		# rows of what is not here (yet)
		return
	stamp = {"modified": str(modified)}
	old = {**stamp, table: [before.state] if before else []}
	new = {**stamp, table: [now.state] if now else []}
	change: Change | None = difference(old, new)
	if not change:
		return
	transaction = write(*owner, UPDATE, change, values_before(old, change))
	logged = transaction.logged[owner]
	transaction.rows_logged.setdefault(owner, []).append((logged, change))


def _stored(doc: Any) -> Stored | None:
	return _read(doc.doctype, doc.name) if doc.name else None


def _read(doctype: str, name: Any) -> Stored | None:
	# for update: a plain read may see an older picture than the one the change was made on
	values = frappe.db.get_value(doctype, name, "*", as_dict=True, for_update=True)
	if not values:
		return None
	state = {"doctype": doctype, "name": str(values.name), **convert_values(frappe.get_meta(doctype), values)}
	return Stored(values.parenttype or "", str(values.parent or ""), values.parentfield or "", state)


def _as_stored(doc: Any, values: dict) -> Stored:
	state = {"doctype": doc.doctype, "name": str(doc.name), **convert_values(doc.meta, values)}
	return Stored(doc.parenttype or "", str(doc.parent or ""), doc.parentfield or "", state)
