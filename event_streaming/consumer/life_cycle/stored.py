"""A document as the database has it once its hooks have run, where these may have written past the object in memory.

One query for a document: its stamps, and of each table how many of the rows that came are still there.
"""

from collections.abc import Iterable
from functools import cache

import frappe
from frappe.model.document import Document
from pypika.functions import Count
from pypika.terms import LiteralValue, Parameter

from event_streaming.consumer.life_cycle.kept_values import KeptValues
from event_streaming.consumer.life_cycle.rows import is_virtual


def stored_after_hooks(doc: Document, kept: KeptValues) -> dict | None:
	"""The stored stamps, and by `rows_of(table)` how many of its rows are stored; None when the document is not there."""
	tables = list(tables_with_rows(doc, kept))
	if doc.meta.issingle and not tables:
		return None
	values: list = []
	for fieldname, _child in tables:
		names = tuple(each.row.name for each in kept.tables[fieldname])
		values += [doc.doctype, str(doc.name), fieldname, names]
	statement = look_at(frappe.db.db_type, "" if doc.meta.issingle else doc.doctype, tuple(tables))
	if not doc.meta.issingle:
		values.append(doc.name)
	found = frappe.db.sql(statement, values, as_dict=True)
	return found[0] if found else None


def tables_with_rows(doc: Document, kept: KeptValues) -> Iterable[tuple[str, str]]:
	"""Tables of which rows came, and the DocTypes of these."""
	for fieldname, rows in kept.tables.items():
		df = doc.meta.get_field(fieldname)
		if rows and not is_virtual(df):
			yield fieldname, df.options


@cache
def look_at(db_type: str, doctype: str, tables: tuple[tuple[str, str], ...]) -> str:
	"""The statement, which takes longer to build than to run; `doctype` is empty for a Single."""
	columns = [count_of(fieldname, child) for fieldname, child in tables]
	if not doctype:
		return frappe.qb.select(*columns).get_sql()
	table = frappe.qb.DocType(doctype)
	query = frappe.qb.from_(table).select(*columns, table.modified, table.modified_by)
	return query.where(table.name == Parameter("%s")).get_sql()


def count_of(fieldname: str, child: str):
	table = frappe.qb.DocType(child)
	query = frappe.qb.from_(table).select(Count("*"))
	for column in ("parenttype", "parent", "parentfield"):
		query = query.where(table[column] == Parameter("%s"))
	return query.where(table.name.isin(LiteralValue("%s"))).as_(rows_of(fieldname))


def rows_of(fieldname: str) -> str:
	return f"rows_of_{fieldname}"


def put_stored_rows_back(doc: Document, stored: dict | Document, kept: KeptValues) -> None:
	"""Write rows again that this site's own code has deleted after they were written, and remember it for the warning."""
	for fieldname, rows in kept.tables.items():
		there = stored.get(rows_of(fieldname))
		if there is None or there == len(rows):
			continue
		names = [each.row.name for each in rows]
		filters = {"parenttype": doc.doctype, "parent": str(doc.name), "parentfield": fieldname}
		child = rows[0].row.doctype
		left = set(frappe.get_all(child, {**filters, "name": ["in", names]}, pluck="name", limit=0))
		kept.note_rows(doc, fieldname, len(left))
		for each in rows:
			if each.row.name not in left:
				each.row.db_insert()
