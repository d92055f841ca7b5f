"""What differs between a document here and the same one on the producer, field by field, as a difference that would mend it.

It looks exactly, where digests only raise a suspicion: the remote document becomes a local one as an event's would, and each
value is compared as it would be before it is set. It reads, and writes nothing.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from frappe.model.document import Document
from frappe.utils import cint

from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.dependencies.plan import Need
from event_streaming.consumer.digesting.compared import Compared, ComparedField, ComparedTable
from event_streaming.consumer.life_cycle.fields import same_value
from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.mapping.store import to_local_document
from event_streaming.wire.digests import as_json_value

STAMPS = ("modified", "modified_by")
MOST_SHOWN = 20
MOST_TEXT = 140


@dataclass(frozen=True)
class Shown:
	"""One thing that differs, for a person: both values as text, bounded."""

	label: str
	here: str
	there: str


@dataclass
class Difference:
	"""What would bring the document here in line, in the format of an Update; and the same for a person."""

	changed: dict[str, Any] = field(default_factory=dict)
	added: dict[str, list[dict]] = field(default_factory=dict)
	removed: dict[str, list[str]] = field(default_factory=dict)
	row_changed: dict[str, list[dict]] = field(default_factory=dict)
	before: dict[str, Any] = field(default_factory=dict)
	shown: list[Shown] = field(default_factory=list)
	more: int = 0

	def __bool__(self) -> bool:
		return bool(self.changed or self.added or self.removed or self.row_changed)

	def show(self, label: str, here: Any, there: Any) -> None:
		if len(self.shown) < MOST_SHOWN:
			self.shown.append(Shown(label, as_shown(here), as_shown(there)))
		else:
			self.more += 1

	def as_change(self, values: dict) -> dict[str, Any]:
		"""In the format of an Update, with the producer's stamps."""
		stamps = {key: values[key] for key in STAMPS if values.get(key)}
		return {
			"changed": {**self.changed, **stamps},
			"added": self.added,
			"removed": self.removed,
			"row_changed": self.row_changed,
		}


def as_shown(value: Any) -> str:
	text = "" if value is None else str(value)
	return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"


def fit(data: dict, compared: Compared, work: Work) -> tuple[dict, list[Need]]:
	"""The remote document in this site's fields, as far as they are compared, and what these link to.

	Names are still the producer's. Raises CannotApply where the mapping does not take it.
	"""
	subscription, references = compared.subscription, []
	if subscription.mapping:
		mapped = to_local_document(work.dependencies.mappings.get(subscription.mapping), data)
		data, references = mapped.data, mapped.references
	values = {key: data[key] for key in ("docstatus", *STAMPS) if key in data}
	values.update({each.local: data[each.local] for each in compared.fields if each.local in data})
	for table in compared.tables:
		rows = data.get(table.local)
		if isinstance(rows, list):
			values[table.local] = [fit_row(table, row) for row in rows if isinstance(row, dict)]
	plain = [each for each in references if set(each.filters) == {"name"} and has_place(values, each.path)]
	return values, work.dependencies.needs_of_document(subscription.local_doctype, values, plain)


def fit_row(table: ComparedTable, row: dict) -> dict:
	kept = {key: row[key] for key in ("name", "idx") if key in row}
	return {**kept, **{each.local: row[each.local] for each in table.fields if each.local in row}}


def has_place(values: Any, path: tuple) -> bool:
	for step in path:
		if isinstance(values, dict):
			if step not in values:
				return False
		elif not isinstance(values, list) or not isinstance(step, int) or step >= len(values):
			return False
		values = values[step]
	return True


def in_local_terms(values: dict, needs: list[Need], compared: Compared, work: Work) -> dict:
	"""What `fit` has made, with this site's names and time zone. What is linked to has been looked up; nothing is brought."""
	values = work.dependencies.names_here(values, needs)
	return convert_times(compared.subscription.local_doctype, values, work.time_zone)


def difference_of(doc: Document, values: dict, compared: Compared) -> Difference:
	"""What differs between the document here and what `in_local_terms` made of the remote one."""
	found = Difference()
	compare_values(doc, values, compared.fields, found.changed, found.before, found.show)
	for table in compared.tables:
		if table.local in values:
			compare_table(doc, values[table.local], table, found)
	return found


def compare_values(
	doc: Document,
	values: dict,
	fields: tuple[ComparedField, ...],
	changed: dict,
	before: dict,
	show: Callable[[str, Any, Any], None],
) -> None:
	for each in fields:
		if each.local not in values:
			continue
		here, there = doc.get(each.local), values[each.local]
		if not is_same(each, here, there):
			changed[each.local], before[each.local] = there, here
			show(each.label, here, there)


def is_same(each: ComparedField, here: Any, there: Any) -> bool:
	if same_value(each.fieldtype, here, there):
		return True
	if each.fieldtype == "JSON":
		return as_json_value(here) == as_json_value(there)
	# a mapping gives the default to documents that are new; what was emptied since stays empty
	default = each.shape.default
	return default is not None and here in (None, "") and same_value(each.fieldtype, there, default)


def compare_table(doc: Document, there: list[dict], table: ComparedTable, found: Difference) -> None:
	here = {str(row.name): row for row in doc.get(table.local) or []}
	names = [str(row.get("name") or "") for row in there]
	moved = list(here) != names
	added, changed = [], []
	for number, row in enumerate(there, start=1):
		name, values = names[number - 1], {}
		if name not in here:
			added.append({**row, "idx": number})
			found.show(f"{table.label} {number}", "", summary(row))
			continue

		def show(label: str, before: Any, now: Any, number: int = number) -> None:
			found.show(f"{table.label} {number}: {label}", before, now)

		compare_values(here[name], row, table.fields, values, {}, show)
		if moved:
			values["idx"] = number
		if values:
			changed.append({"name": name, **values})
	removed = [name for name in here if name not in names]
	for name in removed:
		found.show(f"{table.label} {cint(here[name].idx)}", summary(values_here(here[name], table)), "")
	if moved and not added and not removed:
		found.show(table.label, ", ".join(here), ", ".join(names))
	for part, rows in ((found.added, added), (found.removed, removed), (found.row_changed, changed)):
		if rows:
			part[table.local] = rows


def values_here(row: Document, table: ComparedTable) -> dict:
	return {each.local: row.get(each.local) for each in table.fields}


def summary(row: dict) -> str:
	"""The values of a row in a line."""
	values = [value for key, value in row.items() if key not in ("name", "idx", "doctype")]
	return " · ".join(str(value) for value in values if value not in (None, "", 0))


def as_text(change: dict) -> str:
	"""A difference as it is kept in a log."""
	return json.dumps({key: value for key, value in change.items() if value}, default=str, ensure_ascii=False)
