"""Pure: what a set-up file would change on a site, document by document. It removes nothing, and leaves alone what the file does
not name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from event_streaming.admin.setup.fields import (
	MAPPING,
	MAPPING_ROW,
	PAIR,
	PRODUCER,
	PRODUCER_ROW,
	SETTINGS,
	VALUE_MAP,
	Field,
	Rules,
)
from event_streaming.admin.setup.reading import Part, Row, Setup

FAIL, KEEP = "Fail", "Keep the Value"


@dataclass(frozen=True)
class Change:
	"""One line of what would change. `row` names the row, `label` the field; both are empty for a whole document that is new."""

	doctype: str
	name: str
	row: str
	label: str
	before: Any
	after: Any
	is_new: bool = False


@dataclass(frozen=True)
class RowPlan:
	"""Values to set in one row; one that is new has no `id`."""

	table: str
	id: str
	title: str
	values: dict[str, Any]


@dataclass(frozen=True)
class DocumentPlan:
	"""Values to set in one document, by fieldname, as they are compared."""

	doctype: str
	name: str
	is_new: bool
	values: dict[str, Any] = field(default_factory=dict)
	rows: list[RowPlan] = field(default_factory=list)
	changes: list[Change] = field(default_factory=list)


def plan(here: Setup, wanted: Setup, rules: Rules) -> list[DocumentPlan]:
	"""What is to be written, in an order in which each document finds what it links to. `wanted.producers` are ones that exist."""
	remotes = remote_doctypes(here, wanted)
	plans = [document(SETTINGS, here.settings, wanted.settings, [], rules)]
	for part in wanted.value_maps.values():
		known = here.value_maps.get(part.name)
		pairs = paired(known, part, "remote_value")
		plans.append(document(VALUE_MAP, known, part, pairs, rules))
	for part in inner_first(wanted.mappings):
		known = here.mappings.get(part.name)
		plans.append(document(MAPPING, known, part, paired(known, part, "local_fieldname"), rules))
	by_name = {part.name: part for part in here.producers}
	for part in wanted.producers:
		known = by_name[part.name]
		rows = [(find_row(known.rows, row, remotes), row) for row in part.rows]
		plans.append(document(PRODUCER, known, part, rows, rules))
	return [each for each in plans if each.changes]


TABLES = {
	VALUE_MAP: ("pairs", PAIR, "remote_value"),
	MAPPING: ("field_mapping", MAPPING_ROW, "local_fieldname"),
	PRODUCER: ("producer_doctypes", PRODUCER_ROW, "document_type"),
}
Pairs = list[tuple[Row | None, Row]]


def document(doctype: str, known: Part | None, part: Part, rows: Pairs, rules: Rules) -> DocumentPlan:
	fields = rules[doctype]
	changed = differing(known.values if known else {}, part.values, not known)
	plans, changes = [], []
	for before, row in rows:
		table, row_doctype, title_key = TABLES[doctype]
		values = differing(before.values if before else {}, row.values, not before)
		if not values:
			continue
		title, row_fields = str(row.values[title_key]), rules[row_doctype]
		plans.append(RowPlan(table, before.id if before else "", title, by_fieldname(values, row_fields)))
		changes += row_changes(doctype, part.name, title, before, values, row_fields)
	if not known:
		changes = [Change(doctype, part.name, "", "", None, summary(part, fields, len(rows)), True)]
	else:
		changes[:0] = [
			Change(doctype, part.name, "", fields[key].label, known.values.get(key), value)
			for key, value in changed.items()
		]
	return DocumentPlan(doctype, part.name, not known, by_fieldname(changed, fields), plans, changes)


def row_changes(
	doctype: str, name: str, title: str, before: Row | None, values: dict, fields: dict[str, Field]
) -> Iterator[Change]:
	if before:
		for key, value in values.items():
			yield Change(doctype, name, title, fields[key].label, before.values.get(key), value)
	else:
		title_key = TABLES[doctype][2]
		yield Change(doctype, name, title, "", None, said(values, fields, title_key), True)


def differing(before: dict[str, Any], after: dict[str, Any], is_new: bool) -> dict[str, Any]:
	return {key: value for key, value in after.items() if is_new or before.get(key) != value}


def by_fieldname(values: dict[str, Any], fields: dict[str, Field]) -> dict[str, Any]:
	return {fields[key].fieldname: fields[key].stored(value) for key, value in values.items()}


def summary(part: Part, fields: dict[str, Field], rows: int) -> dict[str, Any]:
	return {**said(part.values, fields), "Rows": rows}


def said(values: dict[str, Any], fields: dict[str, Field], title_key: str = "") -> dict[str, Any]:
	"""What a document or a row that is new says, by its labels: not what is empty, nor what it is called by."""
	return {
		fields[key].label: value
		for key, value in values.items()
		if value not in (False, "", []) and key != title_key
	}


# ---- which is which


def paired(known: Part | None, part: Part, key: str) -> Pairs:
	here = {row.values[key]: row for row in known.rows} if known else {}
	return [(here.get(row.values[key]), row) for row in part.rows]


def remote_doctypes(*setups: Setup) -> dict[str, str]:
	"""Mapping -> the DocType of the producer that it is for; what a later set-up says of it counts."""
	return {
		name: part.values["remote_doctype"]
		for setup in setups
		for name, part in setup.mappings.items()
		if part.values.get("remote_doctype")
	}


def find_row(rows: Iterable[Row], wanted: Row, remotes: dict[str, str]) -> Row | None:
	"""The row that is for the same DocType of the producer: no producer has two of these."""
	doctype, rows = wanted.values["document_type"], list(rows)
	if "mapping" in wanted.values:
		remote = remote_of(wanted, remotes)
		return next((row for row in rows if remote_of(row, remotes) == remote), None)
	# it says nothing of a mapping: the one that is there is meant, with one or without
	same = [row for row in rows if row.values["document_type"] == doctype]
	return next((row for row in same if not row.values.get("mapping")), same[0] if same else None)


def remote_of(row: Row, remotes: dict[str, str]) -> str:
	"""What the producer calls the documents of a row."""
	mapping = row.values.get("mapping")
	return remotes.get(mapping, "") if mapping else row.values["document_type"]


def inner_first(mappings: dict[str, Part]) -> list[Part]:
	"""Mappings after those that their rows name; a circle is refused elsewhere."""
	done: dict[str, Part] = {}

	def add(name: str, above: tuple[str, ...]) -> None:
		if name in done or name in above or name not in mappings:
			return
		for row in mappings[name].rows:
			add(row.values.get("mapping") or "", (*above, name))
		done[name] = mappings[name]

	for name in mappings:
		add(name, ())
	return list(done.values())


# ---- what a person has to fill in


def empty_value_maps(here: Setup, wanted: Setup) -> list[tuple[str, bool]]:
	"""Value maps that a file names or uses and that will hold no pair: (name, whether documents fail until it does). Those that keep
	every other value are all right without."""
	named = dict.fromkeys(wanted.value_maps)
	for part in wanted.mappings.values():
		named.update(dict.fromkeys(filter(None, (row.values.get("value_map") for row in part.rows))))
	found = []
	for name in named:
		parts = [setup.value_maps[name] for setup in (here, wanted) if name in setup.value_maps]
		if any(part.rows for part in parts):
			continue
		said = [part.values["other_values"] for part in parts if part.values.get("other_values")]
		if (otherwise := (said or [FAIL])[-1]) != KEEP:
			found.append((name, otherwise == FAIL))
	return found
