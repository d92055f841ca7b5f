"""Pure: what the fields of a remote difference held before it, as this site's fields. A conflict, and what was added, are told by that."""

from typing import Any

from event_streaming.consumer.mapping.records import FAIL, FieldMapping, MappedChange, Mapping
from event_streaming.consumer.mapping.rules import changed_of, is_empty, map_change, rows_of, tables_of


def map_before(mapping: Mapping, before: dict) -> MappedChange | None:
	"""What the fields of a difference held before it, as this site's fields; None when the mapping names none of them.

	What can't be told any more is left out, and nothing else: documents that filters would have found, and values that a value map
	refuses by now, which are not what is to be applied.
	"""
	told = {"changed": without_refused(mapping, changed_of(before)), "row_changed": {}}
	for table in tables_of(mapping):
		rows = rows_of(before, "row_changed", table.remote_fieldname)
		told["row_changed"][table.remote_fieldname] = [without_refused(table.inner, row) for row in rows]
	return map_change(mapping, told, {})


def without_refused(mapping: Mapping, values: dict) -> dict:
	refused = {
		entry.remote_fieldname
		for entry in mapping.fields
		if entry.remote_fieldname in values and refuses(entry, values[entry.remote_fieldname])
	}
	return {fieldname: value for fieldname, value in values.items() if fieldname not in refused}


def refuses(entry: FieldMapping, value: Any) -> bool:
	value_map = entry.value_map
	if is_empty(value) or value_map is None or value_map.otherwise != FAIL:
		return False
	return str(value) not in value_map.pairs
