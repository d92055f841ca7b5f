"""INSERT of many rows, or UPDATE of those that are there, in few statements, whose text is built once for each table.

Building a statement through the query builder takes longer than the database takes to run it. Never commits, never asks
what is there already; an error of the database is raised as it comes, and then nothing of its statement is in.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any

import frappe
from pypika.terms import LiteralValue, Parameter, Values

# of one statement, far below what a database takes
MOST_ROWS = 500
MOST_CHARACTERS = 1024 * 1024

# what every row says of itself
OWN_COLUMNS = ("name", "creation", "modified", "owner", "modified_by")

Row = Sequence[Any]


def insert(doctype: str, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
	"""Insert `rows`, each with the values of `columns`."""
	_run(statement(frappe.db.db_type, doctype, columns), rows)


def insert_or_update(
	doctype: str, columns: tuple[str, ...], changed: tuple[str, ...], rows: Sequence[Row]
) -> None:
	"""Insert `rows`; of one whose name is there already the columns `changed` get the new values."""
	_run(updating_statement(frappe.db.db_type, doctype, columns, changed), rows)


def insert_numbered(
	doctype: str, columns: tuple[str, ...], rows: Sequence[Row], fixed: tuple[tuple[str, int], ...] = ()
) -> None:
	"""The same for a DocType whose names are numbers: each row gets the next one, in the order of `rows`.

	`fixed` are numbers that all rows have: they stand in the text, as each value of a row costs the driver some calls.
	"""
	_run(numbered_statement(frappe.local.db.db_type, doctype, columns, fixed), rows)


@cache
def statement(db_type: str, doctype: str, columns: tuple[str, ...]) -> tuple[str, str, str]:
	"""The INSERT as its beginning, what stands for one row, and what comes after the rows."""
	return _split(
		frappe.qb.into(frappe.qb.DocType(doctype)).columns(*columns).insert(*_parameters(columns)).get_sql()
	)


@cache
def updating_statement(
	db_type: str, doctype: str, columns: tuple[str, ...], changed: tuple[str, ...]
) -> tuple[str, str, str]:
	table = frappe.qb.DocType(doctype)
	query = frappe.qb.into(table).columns(*columns).insert(*_parameters(columns))
	if db_type == "postgres":
		query = query.on_conflict(table.name)
		for column in changed:
			query = query.do_update(table[column])
	else:
		for column in changed:
			query = query.on_duplicate_key_update(table[column], Values(table[column]))
	head, rest = query.get_sql().split(" VALUES ", 1)
	row, tail = rest.split(")", 1)
	return f"{head} VALUES ", f"{row})", tail


@cache
def numbered_statement(
	db_type: str, doctype: str, columns: tuple[str, ...], fixed: tuple[tuple[str, int], ...] = ()
) -> tuple[str, str, str]:
	sequence = frappe.scrub(f"{doctype}_id_seq")
	next_number = f"NEXTVAL('{sequence}')" if db_type == "postgres" else f"NEXTVAL(`{sequence}`)"
	table = frappe.qb.DocType(doctype)
	query = frappe.qb.into(table).columns("name", *(column for column, _number in fixed), *columns)
	numbers = [LiteralValue(str(number)) for _column, number in fixed]
	return _split(query.insert(LiteralValue(next_number), *numbers, *_parameters(columns)).get_sql())


def _parameters(columns: tuple[str, ...]) -> list[Parameter]:
	return [Parameter("%s") for _column in columns]


def _split(sql: str) -> tuple[str, str, str]:
	head, row = sql.split(" VALUES ", 1)
	return f"{head} VALUES ", row, ""


def _run(parts: tuple[str, str, str], rows: Sequence[Row]) -> None:
	head, row, tail = parts
	if len(rows) == 1:
		# with every save
		frappe.local.db.sql(head + row + tail, tuple(rows[0]))
		return
	for some in _in_statements(rows):
		values = tuple(chain.from_iterable(some))
		frappe.db.sql(head + ",".join([row] * len(some)) + tail, values)


def _in_statements(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
	"""As many rows at a time as go into one statement; one that is too large by itself goes alone."""
	some: list[Row] = []
	size = 0
	for row in rows:
		row_size = sum([len(value) for value in row if type(value) is str])
		if some and (len(some) >= MOST_ROWS or size + row_size > MOST_CHARACTERS):
			yield some
			some, size = [], 0
		some.append(row)
		size += row_size
	if some:
		yield some
