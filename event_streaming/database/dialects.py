"""Moments and numbers in a query where frappe.qb has no words for them: each dialect's SQL stands side by side here.

It runs nothing. What else differs by dialect is one statement, and stands where that is (locks, sequence, identity,
inserting).
"""

from collections.abc import Iterable

import frappe
from frappe.query_builder.functions import Cast_, DateFormat
from pypika.functions import Extract
from pypika.terms import Function, LiteralValue, Term

HOUR_FORMAT = {"mariadb": "%Y-%m-%d %H:00:00", "postgres": "YYYY-MM-DD HH24:00:00"}
NUMBER_TYPE = {"mariadb": "UNSIGNED", "postgres": "BIGINT"}
SECONDS = {
	"mariadb": lambda earlier, later: Function("TIMESTAMPDIFF", LiteralValue("SECOND"), earlier, later),
	"postgres": lambda earlier, later: Cast_(Function("TRUNC", Extract("EPOCH", later - earlier)), "BIGINT"),
}


def hour_of(moment: Term) -> Term:
	"""The hour in which a moment lies, as text."""
	return DateFormat(moment, HOUR_FORMAT[frappe.db.db_type])


def seconds_between(earlier: Term, later: Term) -> Term:
	"""The whole seconds from one moment to another by the clock, whatever the time zone; less than 0 if it was before."""
	return SECONDS[frappe.db.db_type](earlier, later)


def numbers(values: Iterable[int | str]) -> Term:
	"""What is looked for with `isin`, in one piece: a constant for each takes longer to write down than the rows to find."""
	return LiteralValue(f"({','.join(str(int(value)) for value in values)})")


def as_number(text: Term) -> Term:
	"""A row's number that is stored as text, as a child's parent is."""
	return Cast_(text, NUMBER_TYPE[frappe.db.db_type])
