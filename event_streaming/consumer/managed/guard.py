"""Hooks for every document: refuses what would change a managed one, and says why and who may.

It is called for documents whose DocType is managed (`document_events`). A document that is made here is free.

What goes on working, whoever does it:

- the Event Subscriber of that producer, and all that happens while an event is applied;
- code that says `ignore_permissions`: it does not act for a person;
- what the life cycle of *another* document changes along, such as an order's status when its invoice is submitted. Frappe does not
  pass on from where a document is saved, so the stack of calls is asked; only for what would be refused otherwise;
- `frappe.db.set_value` and SQL, for which Frappe calls no hook: Verify finds what they change.
"""

import sys
from collections.abc import Iterator
from types import CodeType
from typing import Any

import frappe
from frappe.model.delete_doc import delete_doc
from frappe.model.document import Document
from frappe.utils import escape_html

from event_streaming.consumer.managed.owning import fields_to_refuse, free_fields, is_free, manager_of
from event_streaming.consumer.managed.rows import ManagedRow, managed_rows
from event_streaming.exceptions import ManagedByProducer
from event_streaming.identity.origin import applied_now
from event_streaming.messages.coded import _

# Frappe's own ways through which a document is written
WRITING = ("insert", "_save", "discard")
DELETING: CodeType = delete_doc.__code__
MOST_NAMED = 5


def before_write(doc: Document, method: str | None = None) -> None:
	"""before_validate, before_cancel, before_update_after_submit, before_change (`db_set`)."""
	managed = managed_rows()
	if not managed or (key := key_of(doc))[0] not in managed:
		return
	table = doc.parentfield if key[0] != doc.doctype else None
	new = bool(doc.get("__islocal"))
	if new and not table:
		return
	if not (row := manager_who_minds(doc, key)):
		return
	free = free_fields(row, key[0])
	if new:
		changed = [] if is_free(table, free) else [table]
	else:
		changed = refused_changes(doc, free, table)
	if changed and not inside_another(doc, method == "before_change"):
		refuse(row, key, changed, free)


def before_delete(doc: Document, method: str | None = None) -> None:
	"""on_trash, and before_discard: a draft is given up, in Frappe 16."""
	managed = managed_rows()
	if not managed or (key := key_of(doc))[0] not in managed or not (row := manager_who_minds(doc, key)):
		return
	free = free_fields(row, key[0])
	if key[0] != doc.doctype and is_free(doc.parentfield, free):
		return
	if not inside_another(doc):
		refuse(row, key)


def before_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""before_rename: neither gets a managed document another name here, nor is another one merged into it."""
	if doc.doctype not in managed_rows():
		return
	for name in (old, new) if merge else (old,):
		key = (doc.doctype, str(name))
		if (row := manager_who_minds(doc, key)) and not inside_another(doc):
			refuse(row, key)


def key_of(doc: Document) -> tuple[str, str]:
	"""The document that is changed: of a row that is saved by itself, the one that it belongs to."""
	parent = doc.get("parenttype")
	if parent and doc.get("parent") and doc.meta.istable:
		return parent, str(doc.parent)
	return doc.doctype, str(doc.name or "")


def manager_who_minds(doc: Document, key: tuple[str, str]) -> ManagedRow | None:
	"""The row that manages a document, where somebody changes it who is not meant to. One query at most."""
	flags = frappe.flags
	if (
		applied_now()
		or doc.flags.ignore_permissions
		or flags.in_migrate
		or flags.in_patch
		or flags.in_install
	):
		return None
	row = manager_of(*key)
	return row if row and row.user != frappe.session.user else None


def refused_changes(doc: Document, free: tuple[str, ...], table: str | None) -> list[str]:
	if not frappe.db.exists(doc.doctype, doc.name):
		return []
	stored = frappe.get_doc(doc.doctype, doc.name)
	if not table:
		return fields_to_refuse(doc, stored, free)
	changed = fields_to_refuse(doc, stored, ())
	return [f"{table}.{name}" for name in changed if not is_free(f"{table}.{name}", free)]


def inside_another(doc: Document, own_counts: bool = False) -> bool:
	"""Whether this happens while another document is written or deleted; `own_counts`: or this one, which was let through then."""
	return any(other is not doc or own_counts for other in documents_being_written())


def documents_being_written() -> Iterator[Any]:
	frame = sys._getframe(1)
	while frame := frame.f_back:
		code = frame.f_code
		if code is DELETING:
			if (doc := frame.f_locals.get("doc")) is not None:
				yield doc
		elif code.co_name in WRITING and isinstance(doc := frame.f_locals.get("self"), Document):
			yield doc


def refuse(
	row: ManagedRow, key: tuple[str, str], changed: list[str] = (), free: tuple[str, ...] = ()
) -> None:
	frappe.throw(why(row, key, changed, free), ManagedByProducer, title=_("Managed by the Producer"))


def why(row: ManagedRow, key: tuple[str, str], changed: list[str] = (), free: tuple[str, ...] = ()) -> str:
	"""What a person reads: whose document it is, what was not taken, what can be changed here and who may change the rest."""
	doctype, name = key
	if free:
		told = _("{0} {1} came from {2} and is managed there.")
	else:
		told = _("{0} {1} came from {2} and is managed there: it can't be changed on this site.")
	parts = [told.format(_(doctype), escape_html(name), row.event_producer)]
	if changed and free:
		parts.append(_("Not saved: {0}.").format(labels(doctype, changed)))
	if free:
		parts.append(_("On this site only these fields can be changed: {0}.").format(labels(doctype, free)))
	parts.append(
		_(
			"Change it on {0}. Or have a System Manager of this site clear Managed by Producer in the row {1} of that Event Producer."
		).format(row.event_producer, _(doctype))
	)
	return " ".join(parts)


def labels(doctype: str, names: tuple[str, ...] | list[str]) -> str:
	"""The fields as the form calls them, a few of them."""
	meta, found = frappe.get_meta(doctype), []
	for name in names:
		table, dot, fieldname = name.partition(".")
		df = meta.get_field(table)
		label = _(df.label or table) if df else _("Status") if table == "docstatus" else table
		if dot and df:
			inner = frappe.get_meta(df.options).get_field(fieldname)
			label = f"{label}: {_(inner.label or fieldname) if inner else fieldname}"
		if df or table == "docstatus":
			found.append(label)
	shown = found[:MOST_NAMED]
	return ", ".join([*shown, "…"] if len(found) > MOST_NAMED else shown)
