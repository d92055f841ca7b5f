"""Which documents are managed by their producer, and what of a change to one is not this site's to make. Reads; refuses nothing."""

from collections.abc import Collection, Iterator
from typing import Any

import frappe
from frappe.model.document import Document

from event_streaming.adapters.doctypes import fields_decided_here
from event_streaming.consumer.life_cycle.fields import TREE_FIELDS, is_stored, same_value
from event_streaming.consumer.managed.rows import ManagedRow, managed_rows
from event_streaming.identity import registry
from event_streaming.identity.registry import REMOTE_NAME, REMOTE_SITE

STATE = "docstatus"


def manager_of(doctype: str, name: str) -> ManagedRow | None:
	"""The row by which a document of this site is managed: it came from that producer, and was not first made here. One query at
	most, none for a DocType that nobody manages."""
	rows = managed_rows().get(doctype)
	if not rows or not name:
		return None
	by_producer = {row.event_producer: row for row in rows}
	for identity in registry.find_for_local(doctype, [str(name)]).get(str(name), ()):
		if identity.event_producer in by_producer and not registry.made_here(identity):
			return by_producer[identity.event_producer]
	return None


def free_fields(row: ManagedRow, doctype: str) -> tuple[str, ...]:
	"""The fields and tables ("field", "table", "table.field") that stay this site's own."""
	return tuple(dict.fromkeys((*row.free, *fields_decided_here(doctype))))


def fields_to_refuse(doc: Document, stored: Document, free: Collection[str]) -> list[str]:
	"""What differs of a document from what is stored and is not free: "field" and "table.field", a row more or less as "table"."""
	return list(dict.fromkeys(name for name in changed_fields(doc, stored) if not is_free(name, free)))


def is_free(name: str, free: Collection[str]) -> bool:
	"""Whether "field", "table" or "table.field" is one of the free ones, or of a table that is."""
	return name in free or name.partition(".")[0] in free


def changed_fields(doc: Document, stored: Document) -> Iterator[str]:
	if int(doc.docstatus or 0) != int(stored.docstatus or 0):
		yield STATE
	yield from changed_values(doc, stored)
	for table in doc.meta.get_table_fields():
		here = {str(row.name): row for row in doc.get(table.fieldname) or [] if row.name}
		there = {str(row.name): row for row in stored.get(table.fieldname) or []}
		if here.keys() != there.keys() or len(here) != len(doc.get(table.fieldname) or []):
			yield table.fieldname
		for name in here.keys() & there.keys():
			for fieldname in changed_values(here[name], there[name]):
				yield f"{table.fieldname}.{fieldname}"


def changed_values(doc: Document, stored: Document) -> Iterator[str]:
	"""Stored single values that differ. What is fetched from another document, and where one stands in a tree, nobody has typed."""
	for df in doc.meta.fields:
		if not is_stored(df) or df.fieldname in (REMOTE_NAME, REMOTE_SITE, *TREE_FIELDS):
			continue
		if df.get("fetch_from") and df.get("read_only"):
			continue
		if not same(df.fieldtype, doc.get(df.fieldname), stored.get(df.fieldname)):
			yield df.fieldname


def same(fieldtype: str, here: Any, there: Any) -> bool:
	try:
		return same_value(fieldtype, here, there)
	except (ValueError, TypeError, OverflowError, frappe.ValidationError):
		# not even a value of this kind
		return False
