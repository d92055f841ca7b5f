"""Pure: takes fields out of what goes over the wire; "field", "table" or "table.field" each.

The consumer takes out what it decides itself, the producer what it does not send. Nothing is changed in place; what holds none
of them is given back as it is.
"""

from collections.abc import Collection, Mapping
from typing import Any

PARTS_WITH_ROWS = ("added", "row_changed")
# what a row is found and put in order by
ROW_KEYS = ("name", "idx", "doctype")
# they go along with a change, but are none by themselves
STAMPS = ("modified", "modified_by")


def document_without(data: dict[str, Any], fields: Collection[str]) -> dict[str, Any]:
	"""A whole document without them."""
	if not fields:
		return data
	whole, of_rows = by_table(fields)
	left = {key: value for key, value in data.items() if key not in whole}
	for table, names in of_rows.items():
		if isinstance(left.get(table), list):
			left[table] = [without(row, names) for row in left[table]]
	return left


def change_without(change: dict[str, Any], fields: Collection[str]) -> dict[str, Any]:
	"""A difference without them. Rows of which nothing else has changed go too."""
	if not fields:
		return change
	whole, of_rows = by_table(fields)
	left = {part: without(value, whole) for part, value in change.items()}
	for part in PARTS_WITH_ROWS:
		tables = left.get(part)
		if not isinstance(tables, dict):
			continue
		for table in tables.keys() & of_rows.keys():
			if not isinstance(tables[table], list):
				continue
			rows = [without(row, of_rows[table]) for row in tables[table]]
			if part == "row_changed":
				rows = [row for row in rows if not is_empty(row)]
			tables[table] = rows
		left[part] = {table: rows for table, rows in tables.items() if rows}
	return left


def says_nothing(change: Mapping[str, Any]) -> bool:
	"""Whether nothing is left of a difference but who saved it last, and when."""
	if any(key not in STAMPS for key in change.get("changed") or ()):
		return False
	return not any(
		rows for part in (*PARTS_WITH_ROWS, "removed") for rows in (change.get(part) or {}).values()
	)


def by_table(fields: Collection[str]) -> tuple[set[str], dict[str, set[str]]]:
	"""Fields and tables that are left out whole, and for other tables the fields of their rows."""
	whole = {each for each in fields if "." not in each}
	of_rows: dict[str, set[str]] = {}
	for each in fields:
		table, dot, fieldname = each.partition(".")
		if dot and table not in whole:
			of_rows.setdefault(table, set()).add(fieldname)
	return whole, of_rows


def without(values: Any, names: Collection[str]) -> Any:
	if not isinstance(values, Mapping):
		return values
	return {key: value for key, value in values.items() if key not in names}


def is_empty(row: Any) -> bool:
	return isinstance(row, dict) and not any(key not in ROW_KEYS or key == "idx" for key in row)


# ---- as a person types them


def names_in(text: str | None) -> tuple[str, ...]:
	"""Field names that a person has typed, separated by commas or line breaks: each once, in their order."""
	names = (name.strip() for name in (text or "").replace(",", "\n").splitlines())
	return tuple(dict.fromkeys(filter(None, names)))


def masks_in(text: str | None) -> dict[str, str | None]:
	"""Field -> the text that is sent in its place, None for a keyed hash; one a line, `field = text` or `field`."""
	masks: dict[str, str | None] = {}
	for line in (text or "").splitlines():
		name, equals, fixed = line.partition("=")
		if name.strip():
			masks[name.strip()] = fixed.strip() if equals else None
	return masks
