"""Pure: the addresses of files that the fields for attachments of a document or a difference hold.

It knows the DocTypes only by their `AttachShape`; what an address leads to is not its business.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from event_streaming.wire.files import MAX_URL, is_local_url

# instead of a value: the field is taken out
LEAVE_OUT = object()


@dataclass(frozen=True)
class AttachShape:
	"""The fields for attachments of a DocType, and the shapes of those of its child tables that have some."""

	fields: tuple[str, ...] = ()
	tables: dict[str, "AttachShape"] = field(default_factory=dict)

	def __bool__(self) -> bool:
		return bool(self.fields or self.tables)


def every_url_in(data: Any) -> list[str]:
	"""All that looks like the address of a file, in whatever field, each once: for a look ahead without the mapping."""
	found, waiting = {}, [data]
	while waiting:
		value = waiting.pop()
		if isinstance(value, dict):
			waiting.extend(value.values())
		elif isinstance(value, list):
			waiting.extend(value)
		elif is_local_url(value) and len(value) <= MAX_URL:
			found[value] = None
	return list(found)


def with_urls(shape: AttachShape, data: dict, local: Callable[[str], Any]) -> dict:
	"""`data` with the address that `local` gives for each; LEAVE_OUT takes the field out. Only what holds one is copied."""
	if not any(True for _place in _places(shape, data)):
		return data
	result = _copied(shape, data)
	for values, name in list(_places(shape, result)):
		value = local(values[name])
		if value is LEAVE_OUT:
			del values[name]
		else:
			values[name] = value
	return result


def _places(shape: AttachShape, data: dict) -> Iterator[tuple[dict, str]]:
	"""(values, field name) of every address: of a whole document, and of the parts of a difference."""
	yield from _places_in_values(shape, data)
	changed = data.get("changed")
	if isinstance(changed, dict):
		yield from _places_in_values(shape, changed)
	for part in ("added", "row_changed"):
		if isinstance(data.get(part), dict):
			yield from _places_in_tables(shape, data[part])


def _places_in_values(shape: AttachShape, values: dict) -> Iterator[tuple[dict, str]]:
	yield from ((values, name) for name in shape.fields if is_local_url(values.get(name)))
	yield from _places_in_tables(shape, values)


def _places_in_tables(shape: AttachShape, tables: dict) -> Iterator[tuple[dict, str]]:
	for table, row_shape in shape.tables.items():
		rows = tables.get(table)
		for row in rows if isinstance(rows, list) else ():
			if isinstance(row, dict):
				yield from ((row, name) for name in row_shape.fields if is_local_url(row.get(name)))


def _copied(shape: AttachShape, data: dict) -> dict:
	"""A copy down to where addresses may stand."""
	copy = _copied_tables(shape, data)
	if isinstance(copy.get("changed"), dict):
		copy["changed"] = dict(copy["changed"])
	for part in ("added", "row_changed"):
		if isinstance(copy.get(part), dict):
			copy[part] = _copied_tables(shape, copy[part])
	return copy


def _copied_tables(shape: AttachShape, values: dict) -> dict:
	copy = dict(values)
	for table in shape.tables:
		if isinstance(copy.get(table), list):
			copy[table] = [dict(row) if isinstance(row, dict) else row for row in copy[table]]
	return copy
