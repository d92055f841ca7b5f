"""Writes local documents through the ordinary document life cycle, as the current user, keeping the producer's stamps.

It knows nothing of events or subscriptions: plain data in, a local name out. It never commits.
"""

from collections.abc import Callable
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.model.rename_doc import rename_doc
from frappe.utils import cint, get_datetime

from event_streaming.adapters.calls import before_writing
from event_streaming.consumer.life_cycle.fields import known_fields, left_out, set_values
from event_streaming.consumer.life_cycle.naming import forget, raise_counter
from event_streaming.consumer.life_cycle.rows import UpdateTable, replace_rows, update_rows
from event_streaming.consumer.life_cycle.state_before import is_frappes, keep_state
from event_streaming.consumer.unit_of_work.transaction import hooks_run

STAMPS = ("creation", "modified", "modified_by", "owner")
DRAFT, SUBMITTED, CANCELLED = 0, 1, 2


class KeepStamps:
	"""Stands in for a document's `set_user_and_timestamp`, which would stamp it with this site's user and clock.

	It is called at the right moment of every insert and save on both versions of Frappe; setting the columns
	afterwards would cost one more UPDATE, and capture would log the wrong ones. A class, because hooks may pickle
	the document into a job.
	"""

	def __init__(self, doc: Document, stamps: dict[str, Any]):
		self.doc = doc
		self.stamps = stamps

	def __call__(self) -> None:
		type(self.doc).set_user_and_timestamp(self.doc)
		for fieldname, value in self.stamps.items():
			self.doc.set(fieldname, value)


def insert(
	doctype: str, data: dict, name: str | None, extra: dict | None = None, filled_later: bool = False
) -> tuple[Document, list[str]]:
	"""Make a document from the whole state `data`; returns it and the warnings.

	`name` None leaves the naming to this site. `extra` are fields that are set besides. `filled_later` says that a
	mandatory link is set once what it points to is there. A submitted document is submitted, a cancelled one submitted
	and cancelled. Child rows keep their names. Raises what Frappe raises.
	"""
	values, warnings = known_fields(doctype, data)
	docstatus = cint(data.get("docstatus"))
	values.update(extra or {})
	if name is None:
		drop_unknown_series(doctype, values)
	doc = frappe.get_doc({**values, "doctype": doctype, "docstatus": min(docstatus, SUBMITTED)})
	check_permission(doc, "create", *(["submit"] if docstatus else []))
	keep_stamps(doc, data)
	doc.flags.ignore_mandatory = filled_later
	warnings += before_writing(doc, data)
	raise_counter(doc, name)
	hooks_run()
	doc.insert(set_name=given_name(doc, name) or name_for_prompt(doc, data), set_child_names=False)
	if docstatus == CANCELLED:
		doc.check_permission("cancel")
		doc.docstatus = CANCELLED
		doc.save()
	return doc, warnings


def locked(doctype: str, name: str) -> Document:
	"""The document as it is now, for a change: nobody else writes it before this transaction ends."""
	doc = frappe.get_doc(doctype, name, for_update=True)
	keep_state(doc)
	return doc


def locked_if_there(doctype: str, name: str) -> Document | None:
	try:
		return locked(doctype, name)
	except frappe.DoesNotExistError:
		frappe.clear_last_message()
		return None


def update(
	doc: Document, change: dict, settle: Callable[[Document, dict], dict] | None = None
) -> tuple[Document, bool, list[str]]:
	"""Apply a difference to a document that is `locked`; returns it, whether anything changed, and the warnings.

	`settle` may look at the document first and answer with the difference that is applied. Applying the same
	difference twice is harmless. docstatus never goes back. Raises what Frappe raises.
	"""
	if settle:
		change = settle(doc, change)
	changed, warnings = known_fields(doc.doctype, change.get("changed") or {}, rows=False)
	target = cint((change.get("changed") or {}).get("docstatus"))
	dirty = set_values(doc, changed)
	for table in doc.meta.get_table_fields():
		dirty |= update_rows(doc, table, change, warnings)
	warn_of_unknown_tables(doc, change, warnings)
	if dirty or target > doc.docstatus:
		warnings += before_writing(doc, change)
		save(doc, target, change.get("changed") or {}, dirty)
		return doc, True, warnings
	forget_stand_ins(doc)
	return doc, False, warnings


def replace(
	doctype: str, name: str, data: dict, extra: dict | None = None
) -> tuple[Document, bool, list[str]]:
	"""Bring an existing document to the whole state `data`; rows that are not in it go. Returns as `update`."""
	doc = locked(doctype, name)
	values, warnings = known_fields(doctype, data)
	values.update(extra or {})
	dirty = set_values(doc, {key: value for key, value in values.items() if not isinstance(value, list)})
	for table in doc.meta.get_table_fields():
		if table.fieldname in values:
			dirty |= replace_rows(doc, table, values[table.fieldname])
	target = cint(data.get("docstatus"))
	if dirty or target > doc.docstatus:
		warnings += before_writing(doc, data)
		save(doc, target, data, dirty)
		return doc, True, warnings
	forget_stand_ins(doc)
	stamp(doctype, doc.name, data)
	return doc, False, warnings


def save(doc: Document, target: int, stamps: dict, dirty: bool) -> None:
	"""Save a changed document and bring it to docstatus `target`, never backwards.

	A change that says no stamp (or only one) did not change it over there; so it stays here. When it was made, and by whom, is
	never changed: Frappe refuses that, and a document that was here before has its own.
	"""
	changed = {field: value for field, value in stamps.items() if field not in ("creation", "owner")}
	keep_stamps(doc, {"modified": doc.modified, "modified_by": doc.modified_by, **changed})
	if is_frappes(doc, "update_child_table"):
		doc.update_child_table = UpdateTable(doc)
	try:
		_save(doc, target, dirty)
	finally:
		# not before: what stands in for the state before would not hold any more
		hooks_run()
		forget_stand_ins(doc)


def forget_stand_ins(doc: Document) -> None:
	"""They hold the document: with them, it would stay in memory until Python looks for such circles."""
	for stand_in in ("load_doc_before_save", "update_child_table"):
		vars(doc).pop(stand_in, None)


def _save(doc: Document, target: int, dirty: bool) -> None:
	if doc.docstatus == CANCELLED:
		# Frappe lets nobody save a cancelled document; what changed it on the producer was a db_set, and so it is here
		check_permission(doc, "write")
		write_through(doc)
		return
	if doc.docstatus == DRAFT and target == CANCELLED:
		check_permission(doc, "write", "submit")
		doc.docstatus = SUBMITTED
		doc.save()
		dirty = False
	if target > doc.docstatus:
		check_permission(doc, "submit" if target == SUBMITTED else "cancel")
		doc.docstatus = target
		doc.flags.ignore_validate_update_after_submit = True
		doc.save()
	elif dirty:
		check_permission(doc, "write")
		# the producer may have set by db_set what a person may not change after submission
		doc.flags.ignore_validate_update_after_submit = True
		doc.save()


def write_through(doc: Document) -> None:
	"""Write a cancelled document's fields and rows as they stand, with the event that `db_set` fires."""
	doc.load_doc_before_save()
	doc.set_user_and_timestamp()
	doc.db_update()
	doc.update_children()
	doc.run_method("on_change")


def delete(doctype: str, name: str) -> None:
	"""Delete a document with the user's permissions; a submitted one is cancelled first.

	Raises what Frappe raises (linked, not permitted).
	"""
	if not frappe.has_permission(doctype, "delete", doc=name):
		raise frappe.PermissionError(
			_("{0} may not delete {1} {2} on this site: give the user a role that may.").format(
				frappe.session.user, _(doctype), name
			)
		)
	hooks_run()
	forget()
	if frappe.get_meta(doctype).is_submittable:
		doc = frappe.get_doc(doctype, name, for_update=True)
		if doc.docstatus == SUBMITTED:
			doc.cancel()
	frappe.delete_doc(doctype, name)


def remove_rows_left(doctype: str, name: str) -> None:
	"""Rows of a document that is gone itself: it was deleted past its life cycle, and they would be in its way."""
	for table in frappe.get_meta(doctype).get_table_fields():
		if cint(frappe.get_meta(table.options).get("is_virtual")):
			continue
		frappe.db.delete(table.options, {"parenttype": doctype, "parent": name})


def rename(doctype: str, old: str, new: str, merge: bool) -> str:
	"""Rename or merge a document; `force`, because what the producer did is not for this site's DocType to forbid.

	A merge deletes the old document and writes into the new one: Frappe 15 asks for the first by itself, 16 for neither.
	"""
	permitted = frappe.has_permission(doctype, "write", doc=old)
	if merge:
		permitted = (
			permitted
			and frappe.has_permission(doctype, "delete", doc=old)
			and frappe.has_permission(doctype, "write", doc=new)
		)
	if not permitted:
		raise frappe.PermissionError(_("No permission to rename {0} {1}").format(_(doctype), old))
	hooks_run()
	return rename_doc(
		doctype,
		old,
		new,
		merge=merge,
		force=True,
		ignore_permissions=True,
		show_alert=False,
		rebuild_search=False,
	)


def stamp(doctype: str, name: str, stamps: dict) -> None:
	"""Give a document the stamps that it has on the producer, where nothing else of it is to be saved."""
	values = {field: stamps[field] for field in ("modified", "modified_by") if stamps.get(field)}
	if values.get("modified"):
		frappe.db.set_value(doctype, name, values, update_modified=False)


def stamp_making(doctype: str, name: str, stamps: dict) -> None:
	"""Give a document that was made on both sites the maker and the time that it has on the producer."""
	values = {field: stamps[field] for field in ("creation", "owner") if stamps.get(field)}
	if values and not frappe.get_meta(doctype).issingle:
		frappe.db.set_value(doctype, name, values, update_modified=False)


def check_permission(doc: Document, *kinds: str) -> None:
	"""The user's permission, all or nothing.

	Afterwards Frappe's own checks are off for the document: where the user lacks a permission level, they would put
	single fields silently back to their old values.
	"""
	doc.flags.ignore_permissions = False
	for kind in kinds:
		doc.check_permission(kind)
	doc.flags.ignore_permissions = True


def keep_stamps(doc: Document, data: dict) -> None:
	stamps = {field: data[field] for field in STAMPS if data.get(field)}
	for fieldname in ("creation", "modified"):
		if fieldname in stamps:
			# as the database gives it back: Frappe compares the two as text before the next save
			stamps[fieldname] = get_datetime(stamps[fieldname])
	if not stamps.get("modified"):
		stamps.pop("modified_by", None)
	elif doc.modified_by:
		# a difference does not mention it when the same person changed the document again
		stamps.setdefault("modified_by", doc.modified_by)
	doc.set_user_and_timestamp = KeepStamps(doc, stamps)


def drop_unknown_series(doctype: str, values: dict) -> None:
	"""With local naming, a naming series that this site does not have gives way to the site's own."""
	df = frappe.get_meta(doctype).get_field("naming_series")
	if df and values.get("naming_series") not in (df.options or "").split("\n"):
		values.pop("naming_series", None)


def given_name(doc: Document, name: str | None) -> str | int | None:
	"""The producer's name as the DocType counts: only a number moves the counter that this site's own names come from."""
	if name and doc.meta.autoname == "autoincrement" and name.isdigit():
		return int(name)
	return name


def name_for_prompt(doc: Document, data: dict) -> str | None:
	"""A DocType whose names are typed in by people has no naming of its own: the producer's name is taken."""
	autoname = (doc.meta.autoname or "").lower()
	return data.get("name") if autoname == "prompt" else None


def warn_of_unknown_tables(doc: Document, change: dict, warnings: list[str]) -> None:
	tables = {df.fieldname for df in doc.meta.get_table_fields()}
	named = {name for part in ("added", "removed", "row_changed") for name in (change.get(part) or {})}
	warnings.extend(left_out(doc.doctype, sorted(named - tables)))
