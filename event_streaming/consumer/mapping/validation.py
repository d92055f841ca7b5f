"""Whether a Document Type Mapping makes sense on this site: every problem with its row and field.

The other site's fields are not known here. It reads the DocTypes and the other mappings; it changes nothing.
"""

import ast
import json
from collections.abc import Iterator, Mapping
from typing import Any

import frappe
from frappe.model import no_value_fields, table_fields
from frappe.utils import cint

from event_streaming.consumer.mapping import rules as core
from event_streaming.consumer.mapping.records import CHILD_TABLE, DOCUMENT, FAIL
from event_streaming.messages.coded import _

DOCTYPE = "Document Type Mapping"
FIELD_ROWS = "Document Type Field Mapping"
# standard fields that a mapping may set, beside those of the DocType
STANDARD_FIELDS = ("name", "owner")


def problems_of(doc, coming: Mapping[str, Any] | None = None) -> list[str]:
	"""All that is wrong with a mapping, one sentence each. `coming` are mappings that are to be saved with it, by name."""
	coming = coming or {}
	meta = frappe.get_meta(doc.local_doctype)
	inner = inner_doctypes(doc, coming)
	seen: dict[str, int] = {}
	problems = []
	for row in doc.field_mapping:
		found = list(problems_of_row(doc, row, meta, inner, coming))
		if row.local_fieldname in seen:
			found.append(_("the field is mapped in row {0} already").format(seen[row.local_fieldname]))
		seen.setdefault(row.local_fieldname, row.idx)
		problems += [
			_("Row {0}, {1}: {2}.").format(row.idx, row.local_fieldname, problem) for problem in found
		]
	return problems


def problems_of_row(doc, row, meta, inner: dict[str, str], coming: Mapping[str, Any]) -> Iterator[str]:
	df = meta.get_field(row.local_fieldname)
	if not df and row.local_fieldname not in STANDARD_FIELDS:
		yield _("{0} has no such field").format(_(doc.local_doctype))
		return
	if df and not can_be_set(df):
		yield _("a field of the type {0} can't be mapped").format(_(df.fieldtype))
		return
	if not (row.remote_fieldname or row.default_value or row.remote_value_filters):
		yield _("it needs a Remote Fieldname or a Default Value")
	if df and df.fieldtype in table_fields:
		yield from problems_of_table(row, df, inner)
	elif row.mapping_type == CHILD_TABLE:
		yield _("Mapping Type Child Table is for tables, and this is none")
	elif row.mapping_type == DOCUMENT:
		yield from problems_of_document(row, df, inner)
	elif df and df.fieldtype in ("Link", "Dynamic Link") and not (row.default_value or row.get("value_map")):
		yield _(
			"it links to {0}: choose Mapping Type Document and a mapping for it, a Value Map, or give a Default Value"
		).format(_(df.options))
	if row.mapping and (circle := circle_through(doc, row.mapping, coming)):
		yield _("the chain of mappings leads back to itself: {0}").format(" → ".join(circle))
	yield from problems_of_values(row, df)


def can_be_set(df) -> bool:
	if df.fieldtype in table_fields:
		return True
	return (
		df.fieldtype not in no_value_fields and df.fieldtype != "Password" and not cint(df.get("is_virtual"))
	)


def problems_of_table(row, df, inner: dict[str, str]) -> Iterator[str]:
	if row.mapping_type != CHILD_TABLE or not row.mapping:
		yield _("it is a table: choose Mapping Type Child Table and a mapping for its rows")
	elif inner.get(row.mapping) != df.options:
		yield wrong_doctype(row, inner, df)
	if not row.remote_fieldname:
		yield _("it is a table and needs the Remote Fieldname of a table")


def problems_of_document(row, df, inner: dict[str, str]) -> Iterator[str]:
	if not row.mapping:
		yield _("Mapping Type Document needs a mapping")
	elif df and df.fieldtype == "Link" and inner.get(row.mapping) != df.options:
		yield wrong_doctype(row, inner, df)
	if not row.remote_fieldname and not row.remote_value_filters:
		yield _("it needs Remote Value Filters, or a Remote Fieldname that holds the document's name")


def wrong_doctype(row, inner: dict[str, str], df) -> str:
	return _("the mapping {0} makes documents of {1}, but the field holds {2}").format(
		row.mapping, _(inner.get(row.mapping) or "?"), _(df.options)
	)


def problems_of_values(row, df) -> Iterator[str]:
	"""What is written in the row itself: filters and default."""
	if row.remote_value_filters and (problem := problem_of_filters(row.remote_value_filters)):
		yield problem
	if df and df.fieldtype == "Select" and row.default_value:
		options = [option.strip() for option in (df.options or "").split("\n")]
		# the default belongs to this site, whatever a value map does with what comes
		if len(options) > 1 and row.default_value not in options:
			yield _("the Default Value {0} is not one of its options: {1}").format(
				row.default_value, ", ".join(filter(None, options))
			)
	try:
		core.cast(row.default_value, df.fieldtype if df else "Data")
	except ValueError:
		yield _("the Default Value {0} is not a number, which {1} needs").format(
			row.default_value, _(df.fieldtype)
		)


def problem_of_filters(text: str) -> str:
	"""What is wrong with Remote Value Filters; "" when nothing is."""
	try:
		filters = json.loads(text)
	except ValueError as error:
		return _("Remote Value Filters are not JSON ({0})").format(error)
	if not isinstance(filters, dict) or not filters:
		return _("Remote Value Filters must be a JSON object such as {0}").format(
			'{"remote fieldname": "value"}'
		)
	for fieldname, value in filters.items():
		if not isinstance(value, str) or not value.startswith(core.EXPRESSION):
			continue
		try:
			ast.parse(value[len(core.EXPRESSION) :].strip(), mode="eval")
		except SyntaxError as error:
			return _("the expression for {0} in Remote Value Filters has a mistake ({1})").format(
				fieldname, error.msg
			)
	return ""


def inner_doctypes(doc, coming: Mapping[str, Any]) -> dict[str, str]:
	"""Mapping -> its local DocType, for all that the rows name."""
	names = [row.mapping for row in doc.field_mapping if row.mapping]
	if not names:
		return {}
	found = frappe.get_all(DOCTYPE, filters={"name": ["in", names]}, fields=["name", "local_doctype"])
	return {
		**{row.name: row.local_doctype for row in found},
		**{name: coming[name].local_doctype for name in names if name in coming},
	}


def circle_through(doc, name: str, coming: Mapping[str, Any]) -> list[str]:
	"""The chain of mappings that leads from `doc` through `name` back to one that is in it already; [] for none."""
	own = doc.mapping_name or doc.name
	waiting = [[own, name]]
	while waiting:
		chain = waiting.pop()
		if chain[-1] in chain[:-1]:
			return chain
		known = doc if chain[-1] == own else coming.get(chain[-1])
		inner = [row.mapping for row in known.field_mapping if row.mapping] if known else inner_of(chain[-1])
		waiting.extend([*chain, each] for each in inner)
	return []


def inner_of(name: str) -> list[str]:
	return frappe.get_all(
		FIELD_ROWS,
		filters={
			"parent": name,
			"parenttype": DOCTYPE,
			"mapping": ["is", "set"],
			"mapping_type": ["is", "set"],
		},
		pluck="mapping",
		order_by="idx",
	)


def empty_value_maps(mappings: list[str]) -> list[str]:
	"""Value maps that the mappings, or those that these use, need filled in: they have no pair and refuse all that is not in them."""
	seen: set[str] = set()
	used: set[str] = set()
	waiting = set(mappings)
	while waiting:
		seen |= waiting
		rows = frappe.get_all(
			FIELD_ROWS,
			filters={"parent": ["in", sorted(waiting)], "parenttype": DOCTYPE},
			fields=["mapping", "value_map"],
		)
		used.update(row.value_map for row in rows if row.value_map)
		waiting = {row.mapping for row in rows if row.mapping} - seen
	if not used:
		return []
	refusing = frappe.get_all(
		"Document Type Value Map", {"name": ["in", sorted(used)], "other_values": FAIL}, pluck="name"
	)
	return [
		name
		for name in sorted(refusing)
		if not frappe.db.exists("Document Type Value Map Pair", {"parent": name})
	]
