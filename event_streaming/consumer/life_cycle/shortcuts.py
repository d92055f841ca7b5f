"""Steps of Frappe's life cycle that find nothing to do in the documents and rows of a DocType: they are left out while one is written.

Each step looks through all fields of the DocType for those of certain types, for each document and each row anew. Which steps have
something to do is found once for each state of a DocType. A step that a class, or an app, has one of its own for is never left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import frappe
from frappe.model.base_document import BaseDocument
from frappe.model.document import Document
from frappe.model.meta import Meta

from event_streaming.consumer.life_cycle.rows import INSERT
from event_streaming.consumer.life_cycle.state_before import is_frappes

NUMBERS = ("Int", "Float", "Currency", "Percent")
PASSWORDS, LINKS, MANDATORY = "_save_passwords", "get_invalid_links", "_get_missing_mandatory_fields"


def nothing(*_args: Any, **_options: Any) -> None:
	"""A step that has nothing to do."""


def no_links(*_args: Any, **_options: Any) -> tuple[list, list]:
	"""Links that lead nowhere, and to cancelled documents: there are no links."""
	return [], []


# method -> whether a field gives it something to do. The facts are held by tests/contract/documents/test_shortcuts.py
STEPS: dict[str, Callable[[Any], Any]] = {
	"_validate_data_fields": lambda df: df.fieldtype == "Phone" or (df.fieldtype == "Data" and df.options),
	"_validate_selects": lambda df: df.fieldtype == "Select",
	"_validate_non_negative": lambda df: df.get("non_negative") and df.fieldtype in NUMBERS,
	"_fix_rating_value": lambda df: df.fieldtype == "Rating",
	"_validate_code_fields": lambda df: df.fieldtype == "Code",
	"_extract_images_from_text_editor": lambda df: df.fieldtype == "Text Editor",
	PASSWORDS: lambda df: df.fieldtype == "Password",
	LINKS: lambda df: df.fieldtype in ("Link", "Dynamic Link"),
}


@dataclass(frozen=True)
class Steps:
	"""What a class does with the documents of a DocType: what stands in for steps that have nothing to do; its fields for passwords,
	if Frappe's own step saves them; and whether none is mandatory, as far as Frappe's own step says."""

	left_out: dict[str, Callable]
	passwords: tuple[str, ...]
	none_mandatory: bool


def shorten(doc: Document) -> list[BaseDocument]:
	"""Leave the steps out for a document and its rows; returns those that have to be given back with `lengthen`."""
	shortened = [doc]
	steps = steps_of(doc)
	vars(doc).update(steps.left_out)
	if steps.passwords:
		vars(doc)[PASSWORDS] = NoPasswords(doc, steps.passwords)
	for table in doc.meta.get_table_fields():
		rows = doc.get(table.fieldname)
		if rows:
			left_out = steps_of(rows[0]).left_out
			for row in rows:
				vars(row).update(left_out)
			shortened += rows
	return shortened


def lengthen(shortened: list[BaseDocument]) -> None:
	for each in shortened:
		state = vars(each)
		for method in (*STEPS, INSERT):
			state.pop(method, None)


def miss_nothing(rows: list[BaseDocument]) -> bool:
	"""Whether Frappe's look for mandatory fields would find nothing in the rows of a table: none is, and they have a parent."""
	return steps_of(rows[0]).none_mandatory and all(row.parent and row.parenttype for row in rows)


def steps_of(doc: BaseDocument) -> Steps:
	"""Found once for each state of a DocType, and each class that it has had."""
	known = getattr(frappe.local, "event_streaming_steps", None)
	if known is None:
		known = frappe.local.event_streaming_steps = {}
	key, meta = (type(doc), doc.doctype), doc.meta
	found = known.get(key)
	if found is None or found[0] is not meta:
		found = known[key] = meta, _find(type(doc), meta)
	return found[1]


def _find(kind: type, meta: Meta) -> Steps:
	frappes = [name for name in STEPS if is_frappes(kind, name)]
	left_out = {
		name: no_links if name == LINKS else nothing
		for name in frappes
		if not any(map(STEPS[name], meta.fields))
	}
	passwords = tuple(df.fieldname for df in meta.fields if df.fieldtype == "Password")
	none_mandatory = is_frappes(kind, MANDATORY) and not any(df.get("reqd") for df in meta.fields)
	return Steps(left_out, passwords if PASSWORDS in frappes else (), none_mandatory)


class NoPasswords:
	"""Stands in for `_save_passwords`: without a password, Frappe deletes the one that is stored, a statement for each field of each document.

	Passwords never come over. Where no document of the DocType has one, there is none to delete: asked once in a transaction.
	"""

	def __init__(self, doc: Document, fields: tuple[str, ...]):
		self.doc = doc
		self.fields = fields

	def __call__(self) -> None:
		doc = self.doc
		if any(map(doc.get, self.fields)) or has_passwords(doc.doctype):
			type(doc)._save_passwords(doc)


def has_passwords(doctype: str) -> bool:
	"""Whether any document of the DocType has a password stored, as far as this transaction sees."""
	known = getattr(frappe.local, "event_streaming_passwords", None)
	if known is None:
		known = frappe.local.event_streaming_passwords = {}
		frappe.db.after_commit.add(_forget_passwords)
		frappe.db.after_rollback.add(_forget_passwords)
	if doctype not in known:
		known[doctype] = _reads_one(doctype)
	return known[doctype]


def _forget_passwords() -> None:
	frappe.local.event_streaming_passwords = None


def _reads_one(doctype: str) -> bool:
	table = frappe.qb.Table("__Auth")
	return bool(frappe.qb.from_(table).select(table.name).where(table.doctype == doctype).limit(1).run())
