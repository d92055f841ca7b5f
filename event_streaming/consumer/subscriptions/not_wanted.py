"""Fields This Site Decides, as the producer calls them: what it is asked not to send. Reads rows of mappings only."""

from collections.abc import Collection
from typing import Any

import frappe

CHILD_TABLE = "Child Table"
MOST_FIELDS = 500


def not_wanted(decided: Collection[str], match_by: Collection[str], mapping: str | None) -> tuple[str, ...]:
	"""The remote names of the fields, without those whose values this site needs for something else; in one order."""
	wanted = [name for name in decided if name not in match_by]
	names = _remote_names(mapping, wanted) if mapping else set(wanted)
	return tuple(sorted(names)[:MOST_FIELDS])


def _remote_names(mapping: str, decided: list[str]) -> set[str]:
	found, whole = set(), {name for name in decided if "." not in name}
	rows = _rows(mapping)
	found |= _only_for(rows, whole)
	for table in rows:
		if table.mapping_type != CHILD_TABLE or table.local_fieldname in whole or not table.mapping:
			continue
		prefix = f"{table.local_fieldname}."
		names = {name.removeprefix(prefix) for name in decided if name.startswith(prefix)}
		if names:
			found |= {f"{table.remote_fieldname}.{name}" for name in _only_for(_rows(table.mapping), names)}
	return found


def _only_for(rows: list[Any], decided: set[str]) -> set[str]:
	"""Remote fields that are taken over into these local ones alone, and that no filter may name."""
	filters = " ".join(row.remote_value_filters or "" for row in rows)
	others = {row.remote_fieldname for row in rows if row.local_fieldname not in decided}
	return {
		row.remote_fieldname
		for row in rows
		if row.remote_fieldname
		and row.local_fieldname in decided
		and row.remote_fieldname not in others
		and row.remote_fieldname not in filters
	}


def _rows(mapping: str) -> list[Any]:
	return frappe.get_all(
		"Document Type Field Mapping",
		filters={"parent": mapping, "parenttype": "Document Type Mapping"},
		fields=["local_fieldname", "remote_fieldname", "mapping_type", "mapping", "remote_value_filters"],
	)
