"""Pure: the links that a document or a difference holds, and the place of each.

It knows the DocTypes only by their `Shape`; whether what is linked to exists is not its business.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class LinkField:
	"""A Link (to `doctype`) or a Dynamic Link (to the DocType named in the field `doctype_field`)."""

	fieldname: str
	doctype: str = ""
	doctype_field: str = ""
	required: bool = False


@dataclass(frozen=True)
class Shape:
	"""What a DocType links to: its own link fields, and the shapes of its child tables."""

	fields: tuple[LinkField, ...] = ()
	tables: dict[str, "Shape"] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
	"""The value at `path` is the name of a document of `doctype`.

	`doctype` is a DocType of this site, unless `from_remote` says that it is what the other site calls it: then it
	stands at `doctype_path`.
	"""

	path: Path
	doctype: str
	name: str
	required: bool = False
	doctype_path: Path | None = None

	@property
	def from_remote(self) -> bool:
		return self.doctype_path is not None


def links_in_document(shape: Shape, data: dict) -> list[Link]:
	"""All links of a whole document, those of its rows included."""
	links = list(links_in_fields(shape, data, (), {}))
	for table, rows_shape in shape.tables.items():
		links.extend(links_in_rows(rows_shape, data.get(table), (table,), {}))
	return links


def links_in_change(shape: Shape, change: dict, current: dict | None = None) -> list[Link]:
	"""All links of a difference. `current`, the document as it is here, says which DocType a Dynamic Link whose
	DocType did not change means; without it such links are left out."""
	current = current or {}
	links = []
	changed = change.get("changed")
	if isinstance(changed, dict):
		links.extend(links_in_fields(shape, changed, ("changed",), current))
	for table, rows_shape in shape.tables.items():
		rows_here = {str(row.get("name")): row for row in current.get(table) or []}
		for part in ("added", "row_changed"):
			tables = change.get(part)
			if isinstance(tables, dict):
				links.extend(links_in_rows(rows_shape, tables.get(table), (part, table), rows_here))
	return links


def needs_current(shape: Shape, change: dict) -> bool:
	"""Whether a difference names a document in a Dynamic Link without its DocType."""
	changed = change.get("changed")
	if isinstance(changed, dict) and has_untyped_link(shape, changed):
		return True
	tables = change.get("row_changed")
	return isinstance(tables, dict) and any(
		has_untyped_link(rows_shape, row)
		for table, rows_shape in shape.tables.items()
		if isinstance(tables.get(table), list)
		for row in tables[table]
		if isinstance(row, dict)
	)


def has_untyped_link(shape: Shape, values: dict) -> bool:
	return any(
		entry.doctype_field and name_in(values, entry.fieldname) and not name_in(values, entry.doctype_field)
		for entry in shape.fields
	)


def links_in_rows(shape: Shape, rows: Any, path: Path, rows_here: dict[str, Any]) -> Iterator[Link]:
	if not isinstance(rows, list):
		return
	for number, row in enumerate(rows):
		if isinstance(row, dict):
			yield from links_in_fields(shape, row, (*path, number), rows_here.get(str(row.get("name"))) or {})


def links_in_fields(shape: Shape, values: dict, path: Path, current: Any) -> Iterator[Link]:
	"""The links among the fields of one document or row. A field that only says which DocType a Dynamic Link means
	is no link of its own: it is translated together with the name."""
	types_of_dynamic_links = {
		entry.doctype_field
		for entry in shape.fields
		if entry.doctype_field and name_in(values, entry.fieldname)
	}
	for entry in shape.fields:
		name = name_in(values, entry.fieldname)
		if not name or (entry.doctype == "DocType" and entry.fieldname in types_of_dynamic_links):
			continue
		here = (*path, entry.fieldname)
		if entry.doctype:
			yield Link(here, entry.doctype, name, entry.required)
		elif name_in(values, entry.doctype_field):
			doctype_path = (*path, entry.doctype_field)
			yield Link(here, values[entry.doctype_field], name, entry.required, doctype_path)
		elif current.get(entry.doctype_field):
			yield Link(here, current.get(entry.doctype_field), name, entry.required)


def name_in(values: dict, fieldname: str) -> str:
	"""The name that a field holds; "" for an empty one and for what can't be a name."""
	value = values.get(fieldname)
	if isinstance(value, bool) or not isinstance(value, str | int):
		return ""
	return str(value) if value != 0 else ""


def with_local_names(
	data: dict, links: Iterable[Link], local_key: Callable[[Link], tuple[str, str] | None]
) -> dict:
	"""A copy of `data` in which every link has the local DocType and name that `local_key` says.

	None leaves a link empty. `data` itself is given back when nothing changes.
	"""
	result = data
	for link in links:
		local = local_key(link)
		if local == (link.doctype, link.name):
			continue
		if result is data:
			result = copy.deepcopy(data)
		put(result, link.path, local[1] if local else None)
		if local and link.doctype_path:
			put(result, link.doctype_path, local[0])
	return result


def put(data: Any, path: Path, value: Any) -> None:
	for step in path[:-1]:
		data = data[step]
	data[path[-1]] = value
