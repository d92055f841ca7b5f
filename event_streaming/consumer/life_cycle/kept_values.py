"""The values that came, or that a document has already, against what this site's life cycle makes of them.

Taken when the document has all of them and its life cycle is about to begin; put back after the controller's hooks have run and
before Frappe writes. What this site would have set otherwise becomes a warning. Pure but for Frappe's documents: it reads and
writes no database.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from operator import is_
from typing import Any

import frappe
from frappe.model.document import Document

from event_streaming.adapters.context import DECIDED_FLAG
from event_streaming.consumer.life_cycle.fields import TREE_FIELDS, same_value, shape_of
from event_streaming.messages.coded import _

# what a warning says at most
MOST_FIELDS = 12
LONGEST_VALUE = 60

# (table, row, field) of a document; table and row are "" for the document itself
Place = tuple[str, str, str]


@dataclass
class KeptRow:
	row: Any
	values: dict[str, Any]


@dataclass
class KeptValues:
	"""Fields and whole tables of a document that are to stay; `others` is what this site would have set, by label."""

	values: dict[str, Any] = field(default_factory=dict)
	tables: dict[str, list[KeptRow]] = field(default_factory=dict)
	others: dict[str, str] = field(default_factory=dict)
	# what hooks make of these from what both sites have changed is right, and neither site's value
	computed: Collection[Place] = ()
	anew: list[str] = field(default_factory=list)
	# labels of mandatory passwords of a new document
	passwords: list[str] = field(default_factory=list)

	def take_computed(self, doc: Document) -> None:
		"""Of what may be computed, keep from now on what the hooks have made of it."""
		for table, row, fieldname in self.computed:
			each, values = self.place_in(doc, table, row)
			if each is None or fieldname not in values:
				continue
			df, now = each.meta.get_field(fieldname), each.get(fieldname)
			if not same_value(df.fieldtype, now, values[fieldname]):
				where = f"{doc.meta.get_label(table)} {each.idx}, " if table else ""
				label = f"{where}{_(df.label or fieldname)}"
				self.anew.append(
					_("{0}: {1} instead of {2}").format(label, shown(now), shown(values[fieldname]))
				)
				values[fieldname] = now

	def place_in(self, doc: Document, table: str, name: str) -> tuple[Any, dict[str, Any]]:
		"""The document, or one of its rows, and what is kept of it."""
		if not table:
			return doc, self.values
		kept = next((each for each in self.tables.get(table, ()) if each.row.name == name), None)
		return (kept.row, kept.values) if kept else (None, {})

	def put_back(self, doc: Document) -> None:
		"""Give the document these values again, and remember what stood in their place."""
		self.put_values_back(doc, self.values)
		for fieldname, rows in self.tables.items():
			self.put_rows_back(doc, fieldname, rows)

	def put_values_back(self, doc: Document, values: dict[str, Any], where: str = "") -> None:
		"""The same for the fields of the document or of a row; `where` says which row, in front of a field's label."""
		state = vars(doc)
		if values.items() <= state.items():
			# as nearly always: one look, not one for each field
			return
		decided = doc.flags.get(DECIDED_FLAG) or ()
		for fieldname, value in values.items():
			now = state.get(fieldname)
			if now is value or fieldname in decided:
				continue
			df = doc.meta.get_field(fieldname)
			if not same_value(df.fieldtype, now, value):
				self.note(f"{where}{df.label or fieldname}", now, value)
				doc.set(fieldname, value)

	def put_rows_back(self, doc: Document, fieldname: str, rows: list[KeptRow]) -> None:
		now = doc.get(fieldname) or []
		if len(now) != len(rows) or not all(map(is_, now, [kept.row for kept in rows])):
			self.note_rows(doc, fieldname, len(now))
			doc.set(fieldname, [kept.row for kept in rows])
		for number, kept in enumerate(rows, start=1):
			row = kept.row
			if not kept.values.items() <= vars(row).items():
				self.put_values_back(row, kept.values, f"{doc.meta.get_label(fieldname)} {number}, ")
			if row.idx != number:
				row.idx = number

	def note_rows(self, doc: Document, fieldname: str, number: int) -> None:
		"""This site would have had another number of rows."""
		rows = len(self.tables[fieldname])
		self.note(doc.meta.get_label(fieldname), _("{0} rows").format(number), _("{0} rows").format(rows))

	def note(self, label: str, here: Any, there: Any) -> None:
		if label not in self.others and len(self.others) <= MOST_FIELDS:
			self.others[label] = _("{0}: {1} instead of {2}").format(_(label), shown(here), shown(there))

	def warnings(self) -> list[str]:
		found = []
		if self.others:
			told = _("This site would have set other values, the producer's were kept. {0}")
			found.append(told.format(at_most(list(self.others.values()))))
		if self.anew:
			told = _("Computed here, as both sites had changed the document. {0}")
			found.append(told.format(at_most(sorted(self.anew))))
		if self.passwords:
			told = _("Passwords are never sent, and this site asks for one: fill in {0} here.")
			found.append(told.format(", ".join(dict.fromkeys(self.passwords))))
		return found


def at_most(told: list[str]) -> str:
	if len(told) > MOST_FIELDS:
		told[MOST_FIELDS:] = ["…"]
	return "; ".join(told)


def shown(value: Any) -> str:
	"""A value in a message: bounded, and without the markup of another site."""
	if value in (None, ""):
		return _("empty")
	text = str(value)
	if len(text) > LONGEST_VALUE:
		text = text[:LONGEST_VALUE] + "…"
	return frappe.utils.escape_html(text)


def of_whole(doc: Document, came: dict[str, Any]) -> KeptValues:
	"""The fields and tables that came with a whole document. What did not come is this site's."""
	kept, state, shape = KeptValues(), vars(doc), shape_of(doc.meta)
	for fieldname, value in came.items():
		if fieldname in shape.tables:
			names = {str(row.get("name")): row for row in value if isinstance(row, dict)}
			rows = doc.get(fieldname) or []
			stored = stored_in(rows)
			kept.tables[fieldname] = [
				KeptRow(row, values_of(row, stored, names.get(str(row.name)) or ())) for row in rows
			]
		elif fieldname in shape.stored:
			kept.values[fieldname] = state[fieldname] if fieldname in state else None
	return kept


def of_change(doc: Document, change: dict[str, Any], decided: Collection[str], mapped: bool) -> KeptValues:
	"""What a difference says, and what the document holds besides: the producer says that the rest has not changed.

	Fields and tables that this site decides, its custom fields, and with a mapping all that the difference does not name, are
	this site's.
	"""
	said = change.get("changed") or {}
	named = {name for part in ("added", "removed", "row_changed") for name in (change.get(part) or {})}
	rows_said = {
		(fieldname, str(row.get("name"))): row
		for part in ("added", "row_changed")
		for fieldname, rows in (change.get(part) or {}).items()
		for row in rows
		if isinstance(row, dict)
	}
	shape, state = shape_of(doc.meta), vars(doc)
	kept = KeptValues(
		{
			fieldname: state[fieldname] if fieldname in state else None
			for fieldname, is_the_producers in shape.stored.items()
			if (fieldname in said or (is_the_producers and not mapped))
			and fieldname not in decided
			and fieldname not in TREE_FIELDS
		}
	)
	for fieldname, is_the_producers in shape.tables.items():
		if fieldname in decided or not (fieldname in named or (is_the_producers and not mapped)):
			continue
		decided_there = None
		if not mapped:
			decided_there = {name for name in decided if name.startswith(f"{fieldname}.")}
		rows = doc.get(fieldname) or []
		stored = stored_in(rows)
		kept.tables[fieldname] = [
			KeptRow(
				row, values_of(row, stored, rows_said.get((fieldname, str(row.name))) or (), decided_there)
			)
			for row in rows
		]
	return kept


def stored_in(rows: list[Document]) -> dict[str, bool]:
	"""The stored fields of a table's rows: all are of one DocType."""
	return shape_of(rows[0].meta).stored if rows else {}


def values_of(
	row: Document, stored: dict[str, bool], came: Collection[str], decided: Collection[str] | None = None
) -> dict[str, Any]:
	"""The values of a row that stay: of the fields that came, and with `decided` of all that come with the app but those."""
	state = vars(row)
	if decided is None:
		return {
			fieldname: state[fieldname] if fieldname in state else None
			for fieldname in came
			if fieldname in stored
		}
	return {
		fieldname: state[fieldname] if fieldname in state else None
		for fieldname, is_the_producers in stored.items()
		if fieldname in came
		or (is_the_producers and not (decided and f"{row.parentfield}.{fieldname}" in decided))
	}
