"""The rows of a child table: a difference applied to them, or the whole table replaced. Rows keep the producer's names."""

from functools import cache, partial
from typing import Any

import frappe
from frappe.model.document import Document
from frappe.utils import cint
from pypika.terms import LiteralValue, Parameter

from event_streaming.consumer.life_cycle.fields import as_stored, known_row, left_out, same_value
from event_streaming.consumer.life_cycle.state_before import is_frappes
from event_streaming.consumer.unit_of_work.lost_transaction import is_lost_transaction
from event_streaming.database import bulk_inserting

INSERT = "db_insert"


class UpdateTable:
	"""Stands in for a document's `update_child_table`, as Frappe does it: what is not in the table any more is deleted, and
	its rows are written. Only the statement that deletes is not built anew for each table of each document, which takes
	longer than running it. A class, because hooks may pickle the document into a job.
	"""

	def __init__(self, doc: Document):
		self.doc = doc

	def __call__(self, fieldname: str, df: Any = None) -> None:
		doc, flags = self.doc, self.doc.flags
		df = df or doc.meta.get_field(fieldname)
		left_alone = flags.ignore_children_type
		if df.options in (left_alone or ()) or is_virtual(df):
			type(doc).update_child_table(doc, fieldname, df)
			return
		delete_others(doc, df)
		flags.ignore_children_type = [*(left_alone or ()), df.options]
		try:
			type(doc).update_child_table(doc, fieldname, df)
		finally:
			flags.ignore_children_type = left_alone


class InsertTogether:
	"""Stands in for the `db_insert` of the rows of a new document: the rows of a DocType are one statement, not one each.

	Once the document itself is inserted, as Frappe does it: whoever inserts a row before has it inserted alone. Whatever can't go with
	the others, Frappe inserts, and says why it can't be. Not on PostgreSQL, where a statement that fails takes the others with it.
	"""

	def __init__(self, doc: Document | None):
		self.doc = doc
		self.inserted: set[int] = set()

	def __getstate__(self) -> dict:
		return {"doc": None, "inserted": set()}

	def __call__(self, row: Document, *args: Any, **options: Any) -> None:
		if id(row) in self.inserted:
			self.inserted.discard(id(row))
		elif self.doc is None or self.doc.get("__islocal"):
			type(row).db_insert(row, *args, **options)
		else:
			doc, self.doc = self.doc, None
			for rows in by_doctype(doc, self).values():
				self.inserted.update(map(id, insert_at_once(rows)))
			self(row, *args, **options)


def insert_together(doc: Document) -> None:
	"""Have the rows of a new document inserted by few statements; `shortcuts.lengthen` takes what stands in for it away."""
	if frappe.db.db_type != "mariadb" or doc.doctype == "DocType":
		# Frappe leaves out what is empty in the rows of a DocType
		return
	together = InsertTogether(doc)
	for table in doc.meta.get_table_fields():
		rows = doc.get(table.fieldname) or []
		if len(rows) > 1 and is_frappes(type(rows[0]), INSERT) and not is_virtual(table):
			for row in rows:
				vars(row)[INSERT] = partial(together, row)


def by_doctype(doc: Document, together: InsertTogether) -> dict[str, list[Document]]:
	"""The rows that are inserted together, as the document has them now."""
	found: dict[str, list[Document]] = {}
	for row in doc.get_all_children():
		if getattr(vars(row).get(INSERT), "func", None) is together and row.name and row.creation:
			found.setdefault(row.doctype, []).append(row)
	return found


def insert_at_once(rows: list[Document]) -> list[Document]:
	"""Insert rows of a DocType by one statement if they fit into one; returns those that are in."""
	some = rows[: bulk_inserting.MOST_ROWS]
	values = [row.get_valid_dict(convert_dates_to_str=True, ignore_virtual=True) for row in some]
	columns = tuple(values[0])
	fitting = (
		all(tuple(each) == columns for each in values) and size_of(values) < bulk_inserting.MOST_CHARACTERS
	)
	if len(some) < 2 or not fitting:
		return []
	try:
		bulk_inserting.insert(some[0].doctype, columns, [tuple(each.values()) for each in values])
	except Exception as error:
		if is_lost_transaction(error):
			raise
		return []
	for row in some:
		row.set("__islocal", False)
	return some


def size_of(values: list[dict]) -> int:
	return sum(len(value) for each in values for value in each.values() if type(value) is str)


def is_virtual(df: Any) -> bool:
	return bool(cint(df.get("is_virtual")) or cint(frappe.get_meta(df.options).get("is_virtual")))


def delete_others(doc: Document, df: Any) -> None:
	"""Delete the stored rows of a table that the document does not hold (any more)."""
	names = tuple(row.name for row in doc.get(df.fieldname) if row.name and not row.is_new())
	statement = deletion(frappe.db.db_type, df.options, bool(names))
	values = (str(doc.name), doc.doctype, df.fieldname)
	frappe.db.sql(statement, (*values, names) if names else values)


@cache
def deletion(db_type: str, doctype: str, some_stay: bool) -> str:
	table = frappe.qb.DocType(doctype)
	query = frappe.qb.from_(table).delete()
	for column in ("parent", "parenttype", "parentfield"):
		query = query.where(table[column] == Parameter("%s"))
	if some_stay:
		query = query.where(table.name.notin(LiteralValue("%s")))
	return query.get_sql()


def missing_rows(doc: Document, change: dict) -> list[str]:
	"""Rows that have changed on the producer and are not in the document, by label of the table and name."""
	missing = []
	for table in doc.meta.get_table_fields():
		rows = (change.get("row_changed") or {}).get(table.fieldname) or []
		if rows:
			here = {row.name for row in doc.get(table.fieldname)}
			here.update(
				row.get("name")
				for row in (change.get("added") or {}).get(table.fieldname) or []
				if isinstance(row, dict)
			)
			missing += [
				f"{table.label or table.fieldname}: {row.get('name')}"
				for row in rows
				if isinstance(row, dict) and row.get("name") not in here
			]
	return missing


def update_rows(doc: Document, table, change: dict, warnings: list[str]) -> bool:
	"""Apply a difference's rows to one child table: removed, changed, added (one that is there already is changed)."""
	fieldname, unknown, dirty = table.fieldname, [], False
	removed = set((change.get("removed") or {}).get(fieldname) or [])
	rows = [row for row in doc.get(fieldname) if row.name not in removed]
	if len(rows) != len(doc.get(fieldname)):
		doc.set(fieldname, rows)
		dirty = True
	by_name = {row.name: row for row in rows}
	for source in ("row_changed", "added"):
		for values in (change.get(source) or {}).get(fieldname) or []:
			if not isinstance(values, dict):
				continue
			values = known_row(table, frappe.get_meta(table.options), values, unknown)
			row = by_name.get(values.get("name"))
			if row:
				dirty |= set_row(row, values)
			elif source == "added":
				by_name[values.get("name")] = append_row(doc, fieldname, values)
				dirty = True
	if dirty:
		put_in_order(doc, fieldname)
	warnings.extend(left_out(table.options, unknown))
	return dirty


def replace_rows(doc: Document, table, wanted: list[dict]) -> bool:
	"""Make one child table hold just the rows `wanted`, in their order."""
	names = {row.get("name") for row in wanted}
	kept = [row for row in doc.get(table.fieldname) if row.name in names]
	dirty = len(kept) != len(doc.get(table.fieldname))
	if dirty:
		doc.set(table.fieldname, kept)
	by_name = {row.name: row for row in kept}
	for values in wanted:
		row = by_name.get(values.get("name"))
		if row:
			dirty |= set_row(row, values)
		else:
			append_row(doc, table.fieldname, values)
			dirty = True
	if dirty:
		put_in_order(doc, table.fieldname)
	return dirty


def append_row(doc: Document, fieldname: str, values: dict) -> Document:
	"""Add a row that keeps its name from the producer; Frappe inserts it because it is still marked as new."""
	idx, meta = values.get("idx"), frappe.get_meta(doc.meta.get_field(fieldname).options)
	stored = {
		key: as_stored(df, value) if (df := meta.get_field(key)) else value
		for key, value in values.items()
		if key != "idx"
	}
	row = doc.append(fieldname, stored)
	if values.get("name"):
		row.name = values["name"]
	row.set("__islocal", True)
	row.flags.name_set = True
	row.idx = cint(idx) or row.idx
	return row


def set_row(row: Document, values: dict) -> bool:
	dirty = False
	for fieldname, value in values.items():
		if fieldname in ("name", "doctype"):
			continue
		if fieldname == "idx":
			if cint(value) and cint(value) != row.idx:
				row.idx = cint(value)
				dirty = True
			continue
		df = row.meta.get_field(fieldname)
		if not same_value(df.fieldtype, row.get(fieldname), value):
			row.set(fieldname, as_stored(df, value))
			dirty = True
	return dirty


def put_in_order(doc: Document, fieldname: str) -> None:
	# by name where two sites have added a row at the same place: both then come to the same order
	rows = sorted(doc.get(fieldname), key=lambda row: (cint(row.idx), str(row.name)))
	for number, row in enumerate(rows, start=1):
		row.idx = number
	doc.set(fieldname, rows)
