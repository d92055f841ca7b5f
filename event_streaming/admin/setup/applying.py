"""Applies a set-up file, or says what it would change. All of it or nothing: what can be told beforehand is told before anything is
written, with all mistakes at once; what a producer refuses when its rows are registered undoes the rest.

Fields that local naming needs are made first, as the database commits with them; they do no harm by themselves. Who calls commits.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import frappe
from frappe.utils import escape_html

from event_streaming.admin.setup import here as this_site
from event_streaming.admin.setup.checking import aim, mistakes_of
from event_streaming.admin.setup.fields import MAPPING, PRODUCER, SETTINGS, VALUE_MAP
from event_streaming.admin.setup.planning import Change, DocumentPlan, RowPlan, empty_value_maps, plan
from event_streaming.admin.setup.reading import Mistake, Part, Setup, read
from event_streaming.consumer.subscriptions.producer_form import make_custom_fields
from event_streaming.exceptions import EventStreamingError
from event_streaming.messages.coded import _
from event_streaming.site import audit

NAME_FIELDS = {VALUE_MAP: "value_map_name", MAPPING: "mapping_name"}
# of a form that is not saved yet
NEW_PRODUCER = ""


class SetupRefused(EventStreamingError):
	"""A file can't be applied here; `mistakes` has all reasons."""

	def __init__(self, message: str = "", mistakes: Iterable[Mistake] = ()):
		super().__init__(message)
		self.mistakes = list(mistakes)


@dataclass
class Work:
	"""A file, held against this site."""

	wanted: Setup
	mistakes: list[Mistake]
	plans: list[DocumentPlan] = field(default_factory=list)
	away: list[Part] = field(default_factory=list)
	to_fill_in: list[tuple[str, bool]] = field(default_factory=list)

	@property
	def changes(self) -> list[Change]:
		return [change for each in self.plans for change in each.changes]

	@property
	def stamp(self) -> str:
		"""The same as long as the same would change: what a person has seen is what is done."""
		changes = [asdict(change) for change in self.changes]
		return hashlib.sha256(json.dumps(changes, sort_keys=True, default=str).encode()).hexdigest()[:16]


def look(content: str | dict, event_producer: str | None = None, for_new_producer: bool = False) -> Work:
	"""What a file would change. `event_producer`: the one that a file without an address, or with another one, is for.

	`for_new_producer`: it is for a form that is not saved yet, which takes the rows.
	"""
	rules = this_site.rules_of_site()
	wanted, mistakes = read(content, rules)
	if mistakes:
		return Work(wanted, mistakes)
	here, away = this_site.current(rules), []
	if for_new_producer:
		here.producers, wanted.producers = [Part(NEW_PRODUCER)], wanted.producers[:1]
		for part in wanted.producers:
			part.name = NEW_PRODUCER
	else:
		wanted.producers, away, mistakes = aim(wanted, event_producer)
	# a producer that is not here yet is checked all the same
	checked = Setup(
		apps=wanted.apps,
		settings=wanted.settings,
		value_maps=wanted.value_maps,
		mappings=wanted.mappings,
		producers=[*wanted.producers, *away],
	)
	mistakes += mistakes_of(checked, here, rules)
	if mistakes:
		return Work(wanted, mistakes)
	return Work(wanted, [], plan(here, wanted, rules), away, empty_value_maps(here, wanted))


def preview(content: str | dict, event_producer: str | None = None, for_new_producer: bool = False) -> dict:
	"""What applying it would change, or all that keeps it from being applied. Changes nothing."""
	return report(look(content, event_producer, for_new_producer), applied=False)


def apply(
	content: str | dict,
	event_producer: str | None = None,
	shown: str | None = None,
	for_new_producer: bool = False,
) -> dict:
	"""Apply a file. `shown` is the stamp of the preview that a person has agreed to. Raises SetupRefused with all mistakes."""
	work = look(content, event_producer, for_new_producer)
	refuse(work, shown)
	plans = [each for each in work.plans if not is_of_form(each)]
	for each in plans:
		if each.doctype == PRODUCER:
			make_custom_fields(filled(each))
	for each in plans:
		filled(each, for_update=True).save()
	if plans:
		said = {"title": work.wanted.title, **audit.listed(line_of(change) for change in work.changes)}
		audit.record(audit.SETUP_APPLIED, SETTINGS, SETTINGS, None, said)
	return report(work, applied=True)


def refuse(work: Work, shown: str | None) -> None:
	if work.mistakes:
		lines = [f"{mistake.path}: {mistake.problem}" for mistake in work.mistakes]
		message = _("The set-up has not been applied; nothing was changed.")
		frappe.msgprint(
			"<br>".join(map(escape_html, [message, *lines])), title=_("Set-Up Refused"), indicator="red"
		)
		raise SetupRefused("\n".join([message, *lines]), work.mistakes)
	if shown and shown != work.stamp:
		frappe.throw(
			_("The set-up of this site has changed in the meantime: review the changes again."), SetupRefused
		)


def is_of_form(planned: DocumentPlan) -> bool:
	return planned.doctype == PRODUCER and planned.name == NEW_PRODUCER


def filled(planned: DocumentPlan, for_update: bool = False) -> Any:
	"""The document as it will be; not saved."""
	if planned.is_new:
		doc = frappe.new_doc(planned.doctype)
		doc.set(NAME_FIELDS[planned.doctype], planned.name)
	elif planned.doctype == SETTINGS:
		doc = frappe.get_doc(SETTINGS)
	else:
		doc = frappe.get_doc(planned.doctype, planned.name, for_update=for_update)
	doc.update(planned.values)
	for row in planned.rows:
		fill_row(doc, row)
	return doc


def fill_row(doc: Any, planned: RowPlan) -> None:
	row = next((each for each in doc.get(planned.table) if planned.id and each.name == planned.id), None)
	if planned.id and row is None:
		frappe.throw(
			_("The set-up of this site has changed in the meantime: review the changes again."), SetupRefused
		)
	row = row or doc.append(planned.table, {})
	row.update(planned.values)
	if "mapping" in planned.values and doc.doctype == PRODUCER:
		row.has_mapping = int(bool(row.mapping))


# ---- for a person


def report(work: Work, applied: bool) -> dict[str, Any]:
	"""What was or would be changed, as text; what is left to do; mistakes."""
	return {
		"title": _(work.wanted.title) if work.wanted.title else "",
		"description": _(work.wanted.description) if work.wanted.description else "",
		"applied": applied,
		"mistakes": [asdict(mistake) for mistake in work.mistakes],
		"changes": [
			{
				"doctype": change.doctype,
				"name": change.name,
				"row": change.row,
				"what": what(change),
				"from": text(change.before),
				"to": text(change.after),
				"new": change.is_new,
			}
			for change in work.changes
		],
		"not_here": [
			{"producer_url": part.name, "rows": [row.values["document_type"] for row in part.rows]}
			for part in work.away
		],
		"to_fill_in": [
			{"value_map": name, "needed": needed, "message": fill_in_message(name, needed)}
			for name, needed in work.to_fill_in
		],
		"form": next((form_values(each) for each in work.plans if is_of_form(each)), None),
		"shown": work.stamp,
	}


def form_values(planned: DocumentPlan) -> dict[str, Any]:
	"""What a form that is not saved yet takes."""
	return {
		"values": planned.values,
		"rows": [{**row.values, "has_mapping": int(bool(row.values.get("mapping")))} for row in planned.rows],
	}


def fill_in_message(value_map: str, needed: bool) -> str:
	if needed:
		return _(
			"Fill in the Document Type Value Map {0}: documents with a value that is not in it fail until then."
		).format(value_map)
	return _("The Document Type Value Map {0} is empty: fill it in where names differ.").format(value_map)


def what(change: Change) -> str:
	if change.row and change.is_new:
		return _("New row: {0}").format(_(change.row))
	if change.row:
		return f"{_(change.row)}: {_(change.label)}"
	return _("New: {0}").format(_(change.doctype)) if change.is_new else _(change.label)


def text(value: Any) -> str:
	if isinstance(value, bool):
		return _("Yes") if value else _("No")
	if isinstance(value, dict):
		return "; ".join(f"{_(str(key))}: {text(each)}" for key, each in value.items())
	if isinstance(value, list):
		return ", ".join(map(text, value))
	return "" if value is None else str(value)


def line_of(change: Change) -> str:
	return f"{change.name}: {what(change)}: {text(change.before)} → {text(change.after)}"
