"""Pure: a remote document or difference -> the local one, by a Document Type Mapping.

It never reads a site, saves or fetches. Fields that point to a document which has to be made first come back as
*references*: the place in the result, the mapping of that document, and the filters that find it on the producer. Places
whose value was chosen on this site (by a default or a value map) come back as *chosen here*: what stands there is not a
name of the producer's, and is not to be translated as one.

What becomes of an empty value:
- a whole document (and a row that is added): no remote field -> the default, always; the remote value is missing or
  empty text -> the default; 0 is a value like any other.
- a difference: what was set to empty on the producer becomes empty here. A default is never applied then, because the
  producer's user has just emptied the field; fields that have no remote field are left alone.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from event_streaming.consumer.mapping.records import (
	CHILD_TABLE,
	DOCUMENT,
	FAIL,
	USE_DEFAULT,
	DocumentReference,
	FieldMapping,
	MappedChange,
	MappedDocument,
	Mapping,
	MappingError,
	Path,
	Places,
	ValueNotInMap,
)

DOCUMENT_KEYS = ("name", "docstatus", "owner", "creation", "modified", "modified_by")
ROW_KEYS = ("name", "idx")
# these change with every save: alone they are no change
STAMPS = {"modified", "modified_by"}

EXPRESSION = "eval:"
FIELD_OF_DOC = re.compile(r"\bdoc\s*(?:\.get\(\s*['\"]|\[\s*['\"]|\.\s*)(\w+)")
NUMBERS = {"Check": int, "Int": int, "Long Int": int, "Float": float, "Currency": float, "Percent": float}

Evaluate = Callable[[str, dict], Any]


def refuse_expressions(expression: str, doc: dict) -> Any:
	raise ValueError("expressions can't be evaluated here")


def map_document(mapping: Mapping, remote: dict, evaluate: Evaluate = refuse_expressions) -> MappedDocument:
	"""The local document that the whole remote one becomes. Raises MappingError."""
	places = Places()
	data = {"doctype": mapping.local_doctype, **kept(remote, DOCUMENT_KEYS)}
	data.update(map_fields(mapping, remote, (), evaluate, places))
	return MappedDocument(data, places)


def map_change(
	mapping: Mapping, change: dict, remote: dict | None = None, evaluate: Evaluate = refuse_expressions
) -> MappedChange | None:
	"""The local difference that a remote one becomes; None when it touches nothing that the mapping names.

	`remote`, the whole remote document, is needed when `needs_remote_document` says so. {} says that it is gone; what
	a field points to can't be found then, and the field is left as it is. Raises MappingError.
	"""
	places = Places()
	before = changed_of(change)
	changed = kept(before, DOCUMENT_KEYS[1:])
	changed.update(map_touched_fields(mapping, before, remote, ("changed",), evaluate, places))
	result = {"changed": changed, "added": {}, "removed": {}, "row_changed": {}}
	for table in tables_of(mapping):
		map_table_change(table, change, remote, result, evaluate, places)
	if set(changed) <= STAMPS and not (result["added"] or result["removed"] or result["row_changed"]):
		return None
	return MappedChange(result, places)


def fields_with_default_only(mapping: Mapping) -> list[str]:
	"""Local fields ("field", "table.field") of which the remote document says nothing: their default is for what is new."""
	found = [entry.local_fieldname for entry in mapping.fields if is_default_only(entry)]
	for table in tables_of(mapping):
		found += [
			f"{table.local_fieldname}.{entry.local_fieldname}"
			for entry in table.inner.fields
			if is_default_only(entry)
		]
	return found


def with_name_alone(mapping: Mapping) -> Mapping:
	"""The mapping with those of its fields alone that take the remote document's name as it is, not as a link or by filters."""
	fields = tuple(
		entry for entry in mapping.fields if entry.remote_fieldname == "name" and not entry.mapping_type
	)
	return replace(mapping, fields=fields)


def is_default_only(entry: FieldMapping) -> bool:
	return not entry.remote_fieldname and not entry.remote_value_filters and not entry.mapping_type


def needs_remote_document(mapping: Mapping, change: dict) -> bool:
	"""Whether the difference alone does not say which document a field points to: filters may name any field."""
	if any(is_touched(entry, changed_of(change)) for entry in filtered_fields(mapping)):
		return True
	return any(
		is_touched(entry, row)
		for table in tables_of(mapping)
		for row in rows_of(change, "row_changed", table.remote_fieldname)
		for entry in filtered_fields(table.inner)
	)


def cast(value: str | None, fieldtype: str) -> Any:
	"""Text that a person typed for a field of that type, as the field holds it. Raises ValueError."""
	if value is None or value == "":
		return None
	to_number = NUMBERS.get(fieldtype)
	return to_number(value) if to_number else value


# whole documents and rows


def map_fields(mapping: Mapping, remote: dict, path: Path, evaluate: Evaluate, places: Places) -> dict:
	data = {}
	for entry in mapping.fields:
		here = (*path, entry.local_fieldname)
		if entry.mapping_type == CHILD_TABLE:
			if entry.remote_fieldname in remote:
				data[entry.local_fieldname] = map_rows(
					entry.inner, remote[entry.remote_fieldname], here, evaluate, places
				)
			continue
		if entry.mapping_type == DOCUMENT:
			reference = make_reference(mapping, entry, remote, here, evaluate)
			if reference:
				places.references.append(reference)
				data[entry.local_fieldname] = None
				continue
			value = None
		else:
			value = map_value(mapping, entry, remote.get(entry.remote_fieldname), here, places)
		if is_empty(value) and entry.default_value is not None:
			value = entry.default_value
			places.chosen_here.add(here)
		if value is not None or entry.remote_fieldname in remote:
			data[entry.local_fieldname] = value
	return data


def map_rows(mapping: Mapping, rows: Any, path: Path, evaluate: Evaluate, places: Places) -> list[dict]:
	"""Whole rows. They keep name and idx, so that later changes find them."""
	mapped = []
	for row in dicts_in(rows):
		data = {"doctype": mapping.local_doctype, **kept(row, ROW_KEYS)}
		data.update(map_fields(mapping, row, (*path, len(mapped)), evaluate, places))
		mapped.append(data)
	return mapped


# differences


def map_touched_fields(
	mapping: Mapping,
	changed: dict,
	remote: dict | None,
	path: Path,
	evaluate: Evaluate,
	places: Places,
) -> dict:
	data = {}
	for entry in mapping.fields:
		if entry.mapping_type == CHILD_TABLE or not is_touched(entry, changed):
			continue
		here = (*path, entry.local_fieldname)
		if entry.mapping_type != DOCUMENT:
			value = changed[entry.remote_fieldname]
			data[entry.local_fieldname] = map_value(mapping, entry, value, here, places)
			continue
		if entry.remote_value_filters and remote is None:
			raise MappingError(mapping.name, entry.local_fieldname, "the whole remote document is needed")
		if entry.remote_value_filters and not remote:
			continue
		source = {**(remote or {}), **changed}
		reference = make_reference(mapping, entry, source, here, evaluate)
		data[entry.local_fieldname] = None
		if reference:
			places.references.append(reference)
	return data


def map_table_change(
	table: FieldMapping,
	change: dict,
	remote: dict | None,
	result: dict,
	evaluate: Evaluate,
	places: Places,
) -> None:
	there, here = table.remote_fieldname, table.local_fieldname
	added = map_rows(table.inner, rows_of(change, "added", there), ("added", here), evaluate, places)
	if added:
		result["added"][here] = added
	removed = part_of(change, "removed").get(there)
	if isinstance(removed, list) and removed:
		result["removed"][here] = list(removed)
	whole_rows = {row.get("name"): row for row in dicts_in((remote or {}).get(there))}
	rows: list[dict] = []
	for row in rows_of(change, "row_changed", there):
		whole = None if remote is None else whole_rows.get(row.get("name"), {})
		path = ("row_changed", here, len(rows))
		mapped = map_touched_fields(table.inner, row, whole, path, evaluate, places)
		if mapped or "idx" in row:
			rows.append({**kept(row, ROW_KEYS), **mapped})
	if rows:
		result["row_changed"][here] = rows


def is_touched(entry: FieldMapping, changed: dict) -> bool:
	if entry.remote_fieldname and entry.remote_fieldname in changed:
		return True
	return entry.mapping_type == DOCUMENT and any(name in changed for name in names_in_filters(entry))


# values


def map_value(mapping: Mapping, entry: FieldMapping, value: Any, here: Path, places: Places) -> Any:
	if is_empty(value) or entry.value_map is None:
		return value
	pairs, known = entry.value_map.pairs, str(value) in entry.value_map.pairs
	if not known and entry.value_map.otherwise == FAIL:
		raise ValueNotInMap(mapping.name, entry.local_fieldname, value, entry.value_map.name)
	if not known and entry.value_map.otherwise != USE_DEFAULT:
		return value
	places.chosen_here.add(here)
	return pairs[str(value)] if known else entry.default_value


def make_reference(
	mapping: Mapping, entry: FieldMapping, source: dict, path: Path, evaluate: Evaluate
) -> DocumentReference | None:
	"""The document that a field points to; None when the remote field, or one that a filter names, is empty."""
	value = source.get(entry.remote_fieldname)
	if entry.remote_fieldname and is_empty(value):
		return None
	if not entry.remote_value_filters:
		return DocumentReference(path, entry.inner, {"name": value}) if entry.remote_fieldname else None
	filters = {}
	for fieldname, wanted in entry.remote_value_filters.items():
		try:
			filters[fieldname] = filter_value(wanted, source, evaluate)
		except Exception as error:
			problem = f"the remote value filter for {fieldname} can't be evaluated: {error}"
			raise MappingError(mapping.name, entry.local_fieldname, problem) from error
	if any(is_empty(value) for value in filters.values()):
		return None
	return DocumentReference(path, entry.inner, filters)


def filter_value(wanted: Any, source: dict, evaluate: Evaluate) -> Any:
	"""A filter's value: the result of an expression, a field of the remote document, or what is written there."""
	if not isinstance(wanted, str):
		return wanted
	if wanted.startswith(EXPRESSION):
		return evaluate(wanted[len(EXPRESSION) :].strip(), source)
	return source[wanted] if wanted in source else wanted


def names_in_filters(entry: FieldMapping) -> Iterator[str]:
	"""What may be a field of the remote document in a field's filters."""
	for wanted in (entry.remote_value_filters or {}).values():
		if not isinstance(wanted, str):
			continue
		if wanted.startswith(EXPRESSION):
			yield from FIELD_OF_DOC.findall(wanted)
		else:
			yield wanted


def is_empty(value: Any) -> bool:
	return value is None or value == ""


# reading what came over the wire, whatever it holds


def filtered_fields(mapping: Mapping) -> Iterator[FieldMapping]:
	return (
		entry for entry in mapping.fields if entry.mapping_type == DOCUMENT and entry.remote_value_filters
	)


def tables_of(mapping: Mapping) -> Iterator[FieldMapping]:
	return (entry for entry in mapping.fields if entry.mapping_type == CHILD_TABLE)


def kept(data: dict, keys: tuple[str, ...]) -> dict:
	return {key: data[key] for key in keys if key in data}


def changed_of(change: dict) -> dict:
	return part_of(change, "changed")


def part_of(change: dict, part: str) -> dict:
	value = change.get(part)
	return value if isinstance(value, dict) else {}


def rows_of(change: dict, part: str, table: str) -> list[dict]:
	return dicts_in(part_of(change, part).get(table))


def dicts_in(rows: Any) -> list[dict]:
	return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
