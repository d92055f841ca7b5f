"""*Add Up*: of a number that both sites count in, what the producer has added or taken away is added or taken away here.

Pure. The new value here is the one here + the new one there - the old one there. An event that says no old value is left as it is.
"""

from collections.abc import Collection, Mapping
from copy import deepcopy
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

# a number with more digits than this is none that a column holds, and costs memory to add
MOST_EXPONENT = 400


class NotANumber(ValueError):
	"""What came for a field that is added up is no number."""


class Added(NamedTuple):
	"""A difference with the sums in the places of the producer's values, and the fields ("field", "table.field") that it is of."""

	change: dict[str, Any]
	fields: tuple[str, ...]


def added_up(
	change: Mapping[str, Any], before: Mapping[str, Any], doc: Any, fields: Collection[str]
) -> Added:
	"""The difference that brings a document here to the sums. `doc` has `get`, its rows have too. Raises NotANumber."""
	change, found = deepcopy(dict(change)), []
	if not fields:
		return Added(change, ())
	said, was = change.get("changed") or {}, before.get("changed") or {}
	for fieldname in fields:
		if fieldname in said and fieldname in was:
			said[fieldname] = total(fieldname, doc.get(fieldname), said[fieldname], was[fieldname])
			found.append(fieldname)
	for table, rows in (change.get("row_changed") or {}).items():
		names = [each.partition(".")[2] for each in fields if each.startswith(f"{table}.")]
		if not names:
			continue
		here = {str(row.get("name")): row for row in doc.get(table) or []}
		then = {str(row.get("name")): row for row in (before.get("row_changed") or {}).get(table) or []}
		for row in rows:
			name = str(row.get("name"))
			for fieldname in names:
				if fieldname in row and name in here and fieldname in then.get(name, {}):
					label = f"{table}.{fieldname}"
					row[fieldname] = total(
						label, here[name].get(fieldname), row[fieldname], then[name][fieldname]
					)
					found.append(label)
	return Added(change, tuple(dict.fromkeys(found)))


def as_it_is_here(values: Mapping[str, Any], doc: Any, fields: Collection[str]) -> dict[str, Any]:
	"""A whole document without what the one here keeps of its own, as numbers that it has counted; a row that is not here has none of
	that, and takes what came."""
	left = {key: value for key, value in values.items() if key not in fields}
	for table in {each.partition(".")[0] for each in fields if "." in each}:
		if isinstance(rows := left.get(table), list):
			here = {str(row.get("name")) for row in doc.get(table) or []}
			left[table] = [
				{key: value for key, value in row.items() if f"{table}.{key}" not in fields}
				if str(row.get("name")) in here
				else row
				for row in rows
			]
	return left


def only(change: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
	"""Of a difference nothing but these fields; {} when it has none of them."""
	said = {key: value for key, value in (change.get("changed") or {}).items() if key in fields}
	tables = {}
	for table, rows in (change.get("row_changed") or {}).items():
		left = [
			{key: value for key, value in row.items() if key == "name" or f"{table}.{key}" in fields}
			for row in rows
		]
		if left := [row for row in left if len(row) > 1]:
			tables[table] = left
	return {key: value for key, value in (("changed", said), ("row_changed", tables)) if value}


def total(field: str, here: Any, new: Any, old: Any) -> int | float:
	result = number(field, here) + number(field, new) - number(field, old)
	return int(result) if result == result.to_integral_value() else float(result)


def number(field: str, value: Any) -> Decimal:
	"""Exact, so that 0.1 and 0.2 are 0.3. Nothing counts as 0."""
	if value in (None, ""):
		return Decimal(0)
	try:
		found = Decimal(str(value))
	except InvalidOperation:
		raise NotANumber(field) from None
	if not found.is_finite() or abs(found.adjusted()) > MOST_EXPONENT:
		raise NotANumber(field)
	return found
