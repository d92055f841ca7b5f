"""Reads the values of many documents of this site: one query for the DocType and one for each of its tables.

Plain values as the database gives them, no documents are made of them; no permission is asked. Never writes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import frappe

# a row of a table: its name, and its values
Row = tuple[str, tuple]


@dataclass(frozen=True)
class Columns:
	"""What is read of a DocType: its columns, and the columns of its tables by field name."""

	doctype: str
	fields: tuple[str, ...]
	tables: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_values(columns: Columns, names: Collection[str]) -> dict[str, tuple[tuple, list[list[Row]]]]:
	"""Name -> (values, rows of each table in their order), in the order of `columns`; what is not there is left out."""
	meta = frappe.get_meta(columns.doctype)
	if meta.issingle:
		return _read_single(columns) if columns.doctype in names else {}
	if not names:
		return {}
	table = frappe.qb.DocType(columns.doctype)
	query = frappe.qb.from_(table).select(table.name, *(table[name] for name in columns.fields))
	found: dict[str, tuple[tuple, list[list[Row]]]] = {
		str(row[0]): (row[1:], [[] for _table in columns.tables])
		for row in query.where(table.name.isin(sorted(names))).run()
	}
	for number, (fieldname, row_fields) in enumerate(columns.tables.items()):
		child = meta.get_field(fieldname).options
		for parent, row in _read_rows(child, columns.doctype, fieldname, row_fields, list(found)):
			if parent in found:
				found[parent][1][number].append(row)
	return found


def _read_rows(
	child: str, parenttype: str, parentfield: str, fields: Sequence[str], parents: list[str]
) -> list[tuple[str, Row]]:
	if not parents:
		return []
	table = frappe.qb.DocType(child)
	query = (
		frappe.qb.from_(table)
		.select(table.parent, table.name, *(table[name] for name in fields))
		.where((table.parenttype == parenttype) & (table.parentfield == parentfield))
		.where(table.parent.isin(sorted(parents)))
		.orderby(table.parent)
		.orderby(table.idx)
		.orderby(table.name)
	)
	return [(str(row[0]), (str(row[1]), row[2:])) for row in query.run()]


def _read_single(columns: Columns) -> dict[str, tuple[tuple, list[list[Row]]]]:
	doc = frappe.get_doc(columns.doctype)
	tables = [
		[(str(row.name), tuple(row.get(name) for name in fields)) for row in doc.get(fieldname) or []]
		for fieldname, fields in columns.tables.items()
	]
	return {columns.doctype: (tuple(doc.get(name) for name in columns.fields), tables)}
