"""The older app's two logs: moved out of the way, copied in their order in bounded batches, dropped in the end.

Their rows get whole numbers for names, in the order in which they were written. A table that is still there under its
other name says that not all has been taken over yet. What the columns mean is the business of the other modules.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import frappe
from frappe.query_builder import Table
from frappe.query_builder.functions import Coalesce, Count
from pypika.analytics import RowNumber

UPDATE_LOG, SYNC_LOG = "Event Update Log", "Event Sync Log"
KEPT = {UPDATE_LOG: "_older_event_update_log", SYNC_LOG: "_older_event_sync_log"}
# tells the new table from the older one
NEW_COLUMN = {UPDATE_LOG: "position", SYNC_LOG: "remote_doctype"}
STANDARD = ("creation", "modified", "modified_by", "owner", "docstatus", "idx")
BATCH = 500

# the columns of the new table besides the standard ones, from those of the kept one
Columns = Callable[[Table], dict[str, Any]]
# what else belongs to a batch: the older names, in order, and how many rows come before them
Also = Callable[[list, int], None]


def move_logs_away() -> bool:
	"""Give tables of the older shape another name; returns whether there is one to be taken over."""
	for doctype, kept in KEPT.items():
		columns = columns_of(f"tab{doctype}")
		if columns and NEW_COLUMN[doctype] not in columns:
			frappe.db.sql_ddl(f"ALTER TABLE `tab{doctype}` RENAME TO `{kept}`")
	# Frappe remembers which tables there are
	frappe.db.get_tables(cached=False)
	return any(columns_of(kept) for kept in KEPT.values())


def load_doctypes() -> None:
	"""Bring all our DocTypes, and with them their tables, to the new shape."""
	for folder in sorted(Path(frappe.get_module_path("Event Streaming"), "doctype").iterdir()):
		if (folder / f"{folder.name}.json").exists():
			frappe.reload_doc("event_streaming", "doctype", folder.name, force=True)


def drop_kept_logs() -> None:
	for kept in KEPT.values():
		frappe.db.sql_ddl(f"DROP TABLE IF EXISTS `{kept}`")


def columns_of(table: str) -> set[str]:
	"""The columns of a table as they are now; empty when there is no such table."""
	schema = frappe.conf.db_name if frappe.db.db_type == "mariadb" else "public"
	rows = frappe.db.sql(
		"SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s",
		(schema, table),
	)
	return {column for (column,) in rows}


def rows_kept(doctype: str) -> int:
	"""How many rows the older log has: their names are 1 to so many in the new one."""
	if not columns_of(KEPT[doctype]):
		return 0
	table = Table(KEPT[doctype])
	return frappe.qb.from_(table).select(Count("*")).run()[0][0]


def copy_log(doctype: str, columns: Columns, also: Also | None = None) -> None:
	"""Copy the rows that have not been copied yet. A batch, and what belongs to it, is one transaction."""
	total = rows_kept(doctype)
	if not total:
		return
	_reserve_names(doctype, total)
	kept, target = Table(KEPT[doctype]), frappe.qb.DocType(doctype)
	done = frappe.qb.from_(target).select(Count("*")).where(target.name <= total).run()[0][0]
	for names in _in_order(kept, done):
		values = {**{column: kept[column] for column in STANDARD}, **columns(kept)}
		number = RowNumber().over().orderby(kept.creation, kept.name) + done
		(
			frappe.qb.into(target)
			.columns("name", *values)
			.from_(kept)
			.select(number, *values.values())
			.where(kept.name.isin(names))
			.run()
		)
		if also:
			also(names, done)
		done += len(names)
		frappe.db.commit()


def _reserve_names(doctype: str, total: int) -> None:
	"""What is logged from now on is named after the rows that are still to come."""
	if frappe.db.get_next_sequence_val(doctype) <= total:
		frappe.db.set_next_sequence_val(doctype, total + 1)


def _in_order(kept: Table, done: int) -> Iterator[list]:
	"""Batches of names, in the order in which the rows were written, after the first `done`."""
	_make_sortable(kept)
	ordered = frappe.qb.from_(kept).select(kept.creation, kept.name).orderby(kept.creation).orderby(kept.name)
	last = ordered.limit(1).offset(done - 1).run() if done else None
	while True:
		query = ordered.limit(BATCH)
		if last:
			creation, name = last[-1]
			query = query.where(kept.creation >= creation)
			query = query.where((kept.creation > creation) | (kept.name > name))
		last = query.run()
		if not last:
			return
		yield [name for _creation, name in last]


def _make_sortable(kept: Table) -> None:
	name = kept.get_table_name()
	query = frappe.qb.update(kept).where(kept.creation.isnull())
	query.set(kept.creation, Coalesce(kept.modified, "2000-01-01 00:00:00")).run()
	frappe.db.sql_ddl(f"CREATE INDEX IF NOT EXISTS older_order ON `{name}` (creation, name)")


def in_batches(query, table: Table) -> Iterator[list[tuple]]:
	"""The rows of a query in the order of their names, which come first in each, a bounded number at a time."""
	query = query.orderby(table.name).limit(BATCH)
	rows = query.run()
	while rows:
		yield rows
		rows = query.where(table.name > rows[-1][0]).run()
