"""Reads many documents at once, as the session's user may: for the feed, its conditions and the fetching of dependencies.

A fixed number of queries for each DocType, however many documents. Never writes.
"""

from collections.abc import Collection

import frappe
from frappe.model.document import Document

from event_streaming.producer.log.rows import Key
from event_streaming.site.roles import has_right_to_all, hooks_for
from event_streaming.wire.difference import TABLES


def existing_names(doctype: str, names: Collection[str]) -> set[str]:
	"""Those of `names` that exist, whoever may read them."""
	if frappe.get_meta(doctype).issingle:
		return set(names) & {doctype}
	table = frappe.qb.DocType(doctype)
	rows = frappe.qb.from_(table).select(table.name).where(table.name.isin(sorted(names))).run()
	found = {str(name) for (name,) in rows}
	return {name for name in names if name in found}


def permitted_names(doctype: str, names: Collection[str]) -> set[str]:
	"""Those of `names` that exist and that the session's user may read."""
	if not names or not frappe.has_permission(doctype, "read"):
		return set()
	if frappe.get_meta(doctype).issingle:
		return set(names) & {doctype}
	rows = frappe.get_list(
		doctype,
		filters={"name": ["in", sorted(names)]},
		fields=["name"],
		limit_page_length=len(names),
		order_by=None,
	)
	found = {str(row.name) for row in rows}
	# not what the database takes for the same: it was not asked for
	return {name for name in names if name in found}


def may_read_all(doctype: str) -> bool:
	"""Whether the session's user may read every document of the DocType, whatever document it is: nothing that Frappe would ask
	of a single one stands in the way. Where that can't be proven, no.
	"""
	if not has_right_to_all(doctype, "read") or hooks_for("permission_query_conditions", doctype):
		return False
	script = {"script_type": "Permission Query", "reference_doctype": doctype, "disabled": 0}
	return not frappe.db.exists("Server Script", script)


def load_documents(doctype: str, names: Collection[str]) -> dict[str, Document]:
	"""The documents by name: one query for the DocType and one for each of its tables; no permission is asked."""
	meta = frappe.get_meta(doctype)
	if meta.issingle:
		return {doctype: frappe.get_doc(doctype)} if doctype in names else {}
	if not names:
		return {}
	table = frappe.qb.DocType(doctype)
	rows = frappe.qb.from_(table).select("*").where(table.name.isin(sorted(names))).run(as_dict=True)
	if not rows:
		return {}
	found = {str(row.name): row for row in rows}
	for row in rows:
		row.doctype = doctype
	for df in meta.get("fields", {"fieldtype": ["in", TABLES]}):
		if df.get("is_virtual") or frappe.get_meta(df.options).get("is_virtual"):
			continue
		for parent, children in _load_rows(df.options, doctype, df.fieldname, list(found)).items():
			found[parent][df.fieldname] = children
	return {name: frappe.get_doc(row) for name, row in found.items()}


def load_columns(doctype: str, names: Collection[str], columns: Collection[str]) -> dict[str, Document]:
	"""The documents with nothing but these columns, for a condition that asks for no more: one query, however many fields there are."""
	if not names:
		return {}
	table = frappe.qb.DocType(doctype)
	query = (
		frappe.qb.from_(table)
		.select(*[table[column] for column in sorted({"name", "docstatus", *columns})])
		.where(table.name.isin(sorted(names)))
	)
	return {str(row.name): frappe.get_doc({**row, "doctype": doctype}) for row in query.run(as_dict=True)}


def _load_rows(child: str, parenttype: str, parentfield: str, parents: list[str]) -> dict[str, list[dict]]:
	table = frappe.qb.DocType(child)
	query = (
		frappe.qb.from_(table)
		.select("*")
		.where(table.parenttype == parenttype)
		.where(table.parentfield == parentfield)
		.where(table.parent.isin(sorted(parents)))
		.orderby(table.parent)
		.orderby(table.idx)
	)
	found: dict[str, list[dict]] = {parent: [] for parent in parents}
	for row in query.run(as_dict=True):
		row.doctype = child
		if str(row.parent) in found:
			found[str(row.parent)].append(row)
	return found


def by_doctype(keys: list[Key]) -> dict[str, list[str]]:
	grouped: dict[str, dict[str, None]] = {}
	for doctype, name in keys:
		grouped.setdefault(doctype, {})[name] = None
	return {doctype: list(names) for doctype, names in grouped.items()}
