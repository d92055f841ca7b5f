"""Document hooks -> one row of Event Update Log, in the transaction of the change itself.

Called for documents that are streamed, by document_events.py, which knows them. Never commits, never talks to another site, and
gives no position: see sequence.py.

What a change is measured from. Frappe keeps the state before a save in `get_doc_before_save()`, and goes on keeping it
while hooks `db_set` more, and for later `db_set`s of the same object. So the state that was logged last is remembered
in `doc.flags`, together with the before-object and the call that it belongs to; while these are still the same, the
next difference is taken from what was logged last.

What a change leads to. What a document holds in memory is not always what is stored: hooks set fields without saving
them, and `db_set` writes one field of an object that may be stale. A document that is still as it was just before
Frappe wrote it is believed; of any other, the fields that seem changed are read from the database.
"""

from dataclasses import dataclass
from typing import Any

import frappe
from frappe.model.base_document import get_controller
from frappe.utils import cint, get_datetime

from event_streaming.identity.origin import current_origin, stamps_in_the_end
from event_streaming.producer.capture import rows
from event_streaming.producer.capture.log import Transaction, open_transaction, write
from event_streaming.producer.documents.names import roots_of_documents
from event_streaming.wire.difference import (
	STAMPS,
	Change,
	State,
	Written,
	convert_values,
	difference,
	same,
	snapshot,
	values_before,
)
from event_streaming.wire.events import ATTACH

MEMORY = "event_streaming"
# names by these rules come from a counter or are random: no other document has them
NEW_NAMES = ("naming_series:", "autoincrement", "hash", "random", "uuid")


@dataclass
class Remembered:
	"""What is known about one document object between two of its hooks.

	`call` is new with every insert() and save() of an object: the list of notifications that Frappe makes at their beginning.
	"""

	name: str
	before: Any
	call: Any
	state: State | None
	written: Written | None
	transaction: Transaction
	logged: int


# ---------------------------------------------------------------- hooks


def capture_before_write(doc, logged: int) -> None:
	"""Frappe is about to write the document: note what it holds. Called by writing.py; `logged`: how often it had been logged when the
	save began."""
	before = doc.get_doc_before_save()
	if before and times_logged(doc) != logged:
		# its own hooks have set something, or saved another object of it, and this writes over that: the log goes on from there
		_remember(doc, before, snapshot(frappe.get_doc(doc.doctype, doc.name, for_update=True)), None)
		return
	unlogged = _remembered(doc)
	if unlogged and unlogged.state is None and before and unlogged.before and unlogged.before is not before:
		# the object is saved again inside its own save: what the outer save wrote has not been logged yet
		old = snapshot(unlogged.before)
		if change := difference(old, snapshot(before)):
			_log_update(doc, change, old)
	_remember(doc, before, None, Written(doc))


def capture_insert(doc, method: str | None = None) -> None:
	"""after_insert: the whole document, before what later hooks make of it."""
	memory = _remembered(doc)
	if _is_logged_in_this_call(doc, memory):
		# a db_set in the controller's after_insert came before this hook and has logged the Create
		_log_difference(doc, memory)
	else:
		_log_create(doc, memory)


def capture_change(doc, method: str | None = None) -> None:
	"""on_change (save, submit, cancel, update after submit, db_set) and on_discard: the difference."""
	if doc.flags.in_delete:
		return
	memory = _remembered(doc)
	# Frappe: True until the row is written, then False to the end of the insert, then gone
	new = doc.__dict__.get("__islocal")
	if new:
		return
	if new is None or _is_logged_in_this_call(doc, memory):
		_log_difference(doc, memory)
	else:
		_log_create(doc, memory)


def capture_written(doc, method: str | None = None) -> None:
	"""on_written_as_cancelled: this app has written a cancelled document of another site, without a life cycle."""
	_log_create(doc, None)


def capture_stamps(doc, stamps: dict, before: dict | None = None) -> None:
	"""on_stamped_as_there: a change of another site has left nothing to save here but its stamps, or hooks had set others while it was
	applied. `before` are those that the document had; None: those that were told last of it in this transaction.
	"""
	told = before or open_transaction().stamps.get((doc.doctype, doc.name)) or {}
	old = {fieldname: told.get(fieldname) and str(told[fieldname]) for fieldname in STAMPS}
	new = {fieldname: str(value) for fieldname, value in stamps.items()}
	if all(same(old[fieldname], value) for fieldname, value in new.items()):
		return
	old["creation"] = doc.creation and str(doc.creation)
	_log_update(doc, {"changed": new}, old)


def capture_delete(doc, method: str | None = None) -> None:
	"""after_delete: type and name only; and which document it was, should the other site have gone on with it, or have merged it
	the other way round."""
	state = snapshot(doc)
	was = {fieldname: state.get(fieldname) for fieldname in ("creation", "modified", "docstatus")}
	transaction, key = open_transaction(), (doc.doctype, str(doc.name))
	# nothing else knows it any more by the time that a consumer hears of the document
	root = transaction.roots.pop(key, None) or roots_of_documents(doc.doctype, [key[1]]).get(key[1])
	said = {"into": transaction.merging.pop(key, None), "root": root}
	before = {"changed": was, **{what: value for what, value in said.items() if value}}
	write(doc.doctype, doc.name, "Delete", None, before)


def capture_rename(doc, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""after_rename: the event is the old name's, and says the new one; a merge also changes the other one's stamps."""
	transaction = write(
		doc.doctype,
		old,
		"Rename",
		{"new_name": str(new), "merge": bool(merge), **_merged(doc, old, merge)},
		_merged_before(doc, old) if merge else {"changed": {"creation": str(doc.creation)}},
	)
	if merge:
		key = doc.doctype, str(old)
		transaction.merging[key] = {"name": str(new), **_which(doc)}
		if root := roots_of_documents(doc.doctype, [key[1]]).get(key[1]):
			transaction.roots[key] = root


def capture_merged(doc, method: str | None = None) -> None:
	"""on_merged_with_other_site: this site has the last word on a document that both had changed; it says all of it."""
	before = {"merged_with": doc.flags.merged_with, **({"stays": 1} if doc.flags.stays else {})}
	write(doc.doctype, doc.name, "Create", snapshot(doc), before)


# ---------------------------------------------------------------- files


def log_file(update_type: str, doctype: str, name: str, data: dict) -> None:
	"""Attach or Detach: an event of the document that has or had the file. Whether it is streamed, the caller knows."""
	single = frappe.get_meta(doctype).issingle
	creation = None if single else frappe.db.get_value(doctype, name, "creation")
	if single or creation:
		write(doctype, name, update_type, data, _which_document(doctype, name, creation))
	elif update_type == ATTACH:
		# a hook of the document attaches it before the document is stored; or this never becomes one
		open_transaction().early_files.setdefault((doctype, str(name)), []).append(data)


def _which_document(doctype: str, name: str, creation: Any) -> dict[str, Any] | None:
	"""Says of a file's event which document it was about: by the time it comes, the other site may have made another under
	the name, or have none any more."""
	if not creation:
		return None
	root = roots_of_documents(doctype, [name]).get(name)
	return {"changed": {"creation": str(creation)}, **({"root": root} if root else {})}


# ---------------------------------------------------------------- what is logged


def _log_create(doc, memory: Remembered | None) -> None:
	written = memory and memory.written
	believed = written is None or written.is_still(doc)
	if rows.take_rows_to_log(doc.doctype, doc.name, memory and memory.transaction):
		believed = False
	other = _other_stored(doc)
	if other is not None:
		believed = False
	if other and not doc.get_all_children():
		# what is stored has been logged by whoever stored it
		state = snapshot(frappe.get_doc(doc.doctype, doc.name, for_update=True))
		_remember(doc, doc.get_doc_before_save(), state, None)
		return
	state = snapshot(doc if believed else frappe.get_doc(doc.doctype, doc.name, for_update=True))
	transaction = write(doc.doctype, doc.name, "Create", state)
	for data in transaction.early_files.pop((doc.doctype, str(doc.name)), ()):
		write(doc.doctype, doc.name, ATTACH, data)
	known = (written or Written(doc)) if believed else None
	_remember(doc, doc.get_doc_before_save(), state, known, transaction)


def _other_stored(doc) -> bool | None:
	"""Whether another document of this name is stored, and this one is not: `insert(ignore_if_duplicate=True)` goes on then, and
	stores at most the rows. None, the usual case: it is this one. False: it is, but SQL has changed it.

	Only a name that says something can be another's already: looked up for these alone.
	"""
	rule = (doc.meta.autoname or "").lower()
	if (
		rule.startswith(NEW_NAMES)
		or "#" in rule
		or cint(doc.meta.issingle)
		or cint(doc.meta.get("is_virtual"))
	):
		return None
	if not rule and not hasattr(get_controller(doc.doctype), "autoname"):
		return None
	if current_origin(doc.doctype, doc.name):
		# this app never goes on over a duplicate
		return None
	# for update: a plain read may not see what another transaction has stored meanwhile
	stored = frappe.db.get_value(
		doc.doctype, doc.name, ["creation", "modified"], as_dict=True, for_update=True
	)
	if not stored or get_datetime(stored.creation) == get_datetime(doc.creation):
		return None
	return get_datetime(stored.modified) < get_datetime(doc.modified)


def _log_difference(doc, memory: Remembered | None) -> None:
	rows_changed = rows.take_rows_to_log(doc.doctype, doc.name, memory and memory.transaction)
	believed = not rows_changed and _is_believed(doc, memory)
	if believed and memory and memory.state:
		# still what was logged: nothing has been set since
		return
	before = doc.get_doc_before_save()
	old = memory.state if memory and memory.state else (before and snapshot(before))
	if not old:
		return
	if memory and memory.state:
		old = rows.with_rows_logged(old, (doc.doctype, doc.name), memory.transaction, memory.logged)
	if rows_changed:
		new = snapshot(frappe.get_doc(doc.doctype, doc.name, for_update=True))
	else:
		new = snapshot(doc)
	change = difference(old, new)
	if change and not believed and not rows_changed:
		new = _stored(doc, old, change)
		change = difference(old, new)
	transaction = _log_update(doc, change, old) if change else None
	_remember(doc, before, new, (memory and memory.written) if believed else None, transaction)


def _log_update(doc, change: Change, old: State) -> Transaction:
	"""With what the fields held before. Of what can be submitted also whether it was a draft: the other site may have submitted it by the
	time that this comes."""
	before = values_before(old, change)
	if doc.meta.is_submittable and "docstatus" in old:
		before["changed"].setdefault("docstatus", old["docstatus"])
	return write(doc.doctype, doc.name, "Update", change, before)


def _is_believed(doc, memory: Remembered | None) -> bool:
	"""Whether what the object holds in memory is what the database holds."""
	if memory is None or memory.written is None or not memory.written.is_still(doc):
		return False
	# another object of the same document was saved by a hook of this save
	return memory.logged == memory.transaction.logged.get((doc.doctype, doc.name), 0)


def _stored(doc, old: State, change: Change) -> State:
	"""The state as the database has it, in what seems to have changed."""
	changed = change.get("changed", {})
	if doc.meta.issingle or change.keys() != {"changed"}:
		return snapshot(frappe.get_doc(doc.doctype, doc.name, for_update=True))
	# for update: a plain read may see an older picture than the one the change was made on
	values = frappe.db.get_value(doc.doctype, doc.name, list(changed), as_dict=True, for_update=True)
	return {**old, **convert_values(doc.meta, values or {})}


def _merged(doc, old: str, merge: bool) -> dict[str, Any]:
	"""What a merge has made of the stamps of the document that stays, and what the other one was."""
	if not merge:
		return {}
	kept = stamps_in_the_end(doc.doctype, str(doc.name))
	stamps = {fieldname: str(kept.get(fieldname) or doc.get(fieldname) or "") for fieldname in STAMPS}
	return {**stamps, "docstatus": frappe.db.get_value(doc.doctype, old, "docstatus") or 0}


def _merged_before(doc, old: str) -> dict[str, Any]:
	"""Which two documents are merged: by the time this is told, the other site may have made others under their names."""
	creation = frappe.db.get_value(doc.doctype, old, "creation")
	return {"changed": {"creation": str(creation or "")}, "into": _which(doc)}


def _which(doc) -> dict[str, Any]:
	"""Says which document it is that another one is merged into: when it was made, and where, if not here."""
	root = roots_of_documents(doc.doctype, [doc.name]).get(doc.name)
	return {"creation": str(doc.creation), **({"root": root} if root else {})}


# ---------------------------------------------------------------- what is remembered


def _remembered(doc) -> Remembered | None:
	"""What is known about the object, if it is still true."""
	memory = doc.flags.get(MEMORY)
	if memory is None or memory.transaction.rolled_back or memory.name != doc.name:
		return None
	if memory.state is None or memory.call is doc.flags.notifications_executed:
		return memory
	return memory if memory.before is doc.get_doc_before_save() else None


def times_logged(doc) -> int:
	"""How often the document has been logged in the open transaction."""
	return open_transaction().logged.get((doc.doctype, doc.name), 0)


def _is_logged_in_this_call(doc, memory: Remembered | None) -> bool:
	return bool(memory and memory.state and memory.call is doc.flags.notifications_executed)


def _remember(
	doc, before: Any, state: State | None, written: Written | None, transaction: Transaction | None = None
) -> None:
	transaction = transaction or open_transaction()
	logged = transaction.logged.get((doc.doctype, doc.name), 0)
	call = doc.flags.notifications_executed
	doc.flags[MEMORY] = Remembered(doc.name, before, call, state, written, transaction, logged)
