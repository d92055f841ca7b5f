"""Pure: two changes of one document, one after the other, as one; and what its fields held before both.

A *change* is the data of an Update, see `wire/difference.py`. What can't be put together without losing something (a row that is removed
and comes again) is not: the answer is None.
"""

from collections.abc import Mapping
from typing import Any

Change = Mapping[str, Any]

PARTS = frozenset(("changed", "added", "removed", "row_changed"))
PARTS_BEFORE = frozenset(("changed", "row_changed"))


def has_shape(change: Change) -> bool:
	"""Whether a difference is made as it should be."""
	for part, said in change.items():
		if not isinstance(said, dict):
			return False
		if part == "changed":
			continue
		is_row = is_name if part == "removed" else has_name
		if part not in PARTS or not all(
			isinstance(rows, list) and all(map(is_row, rows)) for rows in said.values()
		):
			return False
	return True


def has_shape_before(before: Change) -> bool:
	"""Whether what stood before a difference is said as it should be."""
	return isinstance(before.get("changed"), dict) and PARTS_BEFORE.issuperset(before) and has_shape(before)


def is_name(row: Any) -> bool:
	return isinstance(row, str) and bool(row)


def has_name(row: Any) -> bool:
	return isinstance(row, dict) and is_name(row.get("name"))


def both(first: Change, second: Change) -> dict[str, Any] | None:
	"""The change that two make, one after the other; None where a row is removed and comes again."""
	found: dict[str, Any] = {}
	if changed := {**(first.get("changed") or {}), **(second.get("changed") or {})}:
		found["changed"] = changed
	tables = {
		table for each in (first, second) for part in PARTS - {"changed"} for table in each.get(part) or {}
	}
	for table in sorted(tables):
		rows = both_rows(*(_of_table(each, table) for each in (first, second)))
		if rows is None:
			return None
		for part, value in zip(("added", "removed", "row_changed"), rows, strict=True):
			if value:
				found.setdefault(part, {})[table] = value
	return found


RowsOf = tuple[dict[str, Any], list[str], dict[str, Any]]


def _of_table(change: Change, table: str) -> RowsOf:
	added, changed = (
		{row["name"]: row for row in (change.get(part) or {}).get(table) or []}
		for part in ("added", "row_changed")
	)
	return added, list((change.get("removed") or {}).get(table) or []), changed


def both_rows(first: RowsOf, second: RowsOf) -> tuple[list, list, list] | None:
	"""The same for the rows of a table: (added, removed, changed)."""
	added, removed, changed = dict(first[0]), list(first[1]), dict(first[2])
	known = {*added, *removed, *changed}
	if known.intersection(second[0]):
		return None
	for name in second[1]:
		added.pop(name, None)
		changed.pop(name, None)
		removed.append(name)
	for name, row in second[2].items():
		if name in removed:
			return None
		held = added if name in added else changed
		held[name] = {**held.get(name, {}), **row}
	added.update(second[0])
	return list(added.values()), list(dict.fromkeys(removed)), list(changed.values())


def before_both(together: Change, first: Change, second: Change) -> dict[str, Any]:
	"""What the fields and rows that two changes set held before the first of them.

	`together` is the change that they make; `first` and `second` are what stood before each. What only the second one sets had the same
	value before the first.
	"""
	found: dict[str, Any] = {
		"changed": {**(second.get("changed") or {}), **(first.get("changed") or {})},
	}
	for table, rows in (together.get("row_changed") or {}).items():
		was: dict[str, dict[str, Any]] = {}
		for each in (second, first):
			for row in (each.get("row_changed") or {}).get(table) or []:
				was[row["name"]] = {**was.get(row["name"], {}), **row}
		found.setdefault("row_changed", {})[table] = [was[row["name"]] for row in rows if row["name"] in was]
	return found
