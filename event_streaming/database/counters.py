"""The counters that Frappe takes the numbers of names from (`tabSeries`): raised, never lowered. Never commits.

Each dialect's SQL stands side by side here.
"""

from collections.abc import Mapping

import frappe

RAISE = {
	"mariadb": "INSERT INTO `tabSeries` (`name`, `current`) VALUES {0}"
	" ON DUPLICATE KEY UPDATE `current` = GREATEST(`current`, VALUES(`current`))",
	"postgres": 'INSERT INTO "tabSeries" ("name", "current") VALUES {0}'
	' ON CONFLICT ("name") DO UPDATE SET "current" = GREATEST("tabSeries"."current", EXCLUDED."current")',
}


def raise_counters(numbers: Mapping[str, int]) -> None:
	"""Bring each counter to at least this number.

	Only those that are behind are locked, until the transaction ends; always in the same order, so that two processes that
	raise the same ones do not wait for each other.
	"""
	series = frappe.qb.DocType("Series")
	query = frappe.qb.from_(series).select(series.name, series.current).where(series.name.isin(list(numbers)))
	now = {str(name): int(current or 0) for name, current in query.run()}
	behind = sorted((key, number) for key, number in numbers.items() if now.get(key, -1) < number)
	if behind:
		rows = ", ".join(["(%s, %s)"] * len(behind))
		values = [value for row in behind for value in row]
		frappe.db.sql(RAISE[frappe.db.db_type].format(rows), values)
