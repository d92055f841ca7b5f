"""INSERT of many rows in few statements, whose text is built once for each table.

Building a statement through the query builder takes longer than the database takes to run it. Never commits, never asks
what is there already; an error of the database is raised as it comes, and then nothing of its statement is in.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import frappe
from pypika.terms import LiteralValue, Parameter

# of one statement, far below what a database takes
MOST_ROWS = 500
MOST_CHARACTERS = 1024 * 1024

# what every row says of itself
OWN_COLUMNS = ("name", "creation", "modified", "owner", "modified_by")

Row = Sequence[Any]


def insert(doctype: str, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
	"""Insert `rows`, each with the values of `columns`."""
	_run(statement(frappe.db.db_type, doctype, columns), rows)


def insert_numbered(doctype: str, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
	"""The same for a DocType whose names are numbers: each row gets the next one, in the order of `rows`."""
	_run(numbered_statement(frappe.db.db_type, doctype, columns), rows)


@cache
def statement(db_type: str, doctype: str, columns: tuple[str, ...]) -> tuple[str, str]:
	"""The INSERT as its beginning and what stands for one row."""
	return _split(
		frappe.qb.into(frappe.qb.DocType(doctype)).columns(*columns).insert(*_parameters(columns)).get_sql()
	)


@cache
def numbered_statement(db_type: str, doctype: str, columns: tuple[str, ...]) -> tuple[str, str]:
	sequence = frappe.scrub(f"{doctype}_id_seq")
	next_number = f"NEXTVAL('{sequence}')" if db_type == "postgres" else f"NEXTVAL(`{sequence}`)"
	table = frappe.qb.DocType(doctype)
	query = frappe.qb.into(table).columns("name", *columns)
	return _split(query.insert(LiteralValue(next_number), *_parameters(columns)).get_sql())


def _parameters(columns: tuple[str, ...]) -> list[Parameter]:
	return [Parameter("%s") for _column in columns]


def _split(sql: str) -> tuple[str, str]:
	head, row = sql.split(" VALUES ", 1)
	return f"{head} VALUES ", row


def _run(parts: tuple[str, str], rows: Sequence[Row]) -> None:
	head, row = parts
	if len(rows) == 1:
		# with every save
		frappe.db.sql(head + row, tuple(rows[0]))
		return
	for some in _in_statements(rows):
		frappe.db.sql(head + ",".join([row] * len(some)), tuple(value for values in some for value in values))


def _in_statements(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
	"""As many rows at a time as go into one statement; one that is too large by itself goes alone."""
	some: list[Row] = []
	size = 0
	for row in rows:
		row_size = sum(len(value) for value in row if type(value) is str)
		if some and (len(some) >= MOST_ROWS or size + row_size > MOST_CHARACTERS):
			yield some
			some, size = [], 0
		some.append(row)
		size += row_size
	if some:
		yield some
