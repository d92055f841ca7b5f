"""Names go on: a name from a counter that came from another site raises this site's counter to it, upwards only.

Otherwise this site would give the same name to a document of its own, and fail. What the counter is, this site's rules of
naming say: the options of Naming Series, the DocType's naming, Document Naming Rules. A DocType that its controller names in
a way of its own has none that can be known. The counter is raised in the document's transaction.

`foresee` is told the names of a page, so that its first document raises the counters for all of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import frappe
from frappe.cache_manager import get_doctype_map
from frappe.utils import cint, cstr

from event_streaming.consumer.life_cycle.counted_names import (
	Rule,
	number_in,
	numbers_in,
	rule_of_format,
	rule_of_series,
)
from event_streaming.database.counters import raise_counters

NAMING_RULE = "Document Naming Rule"
# of `tabSeries`
LONGEST_KEY = 100
# under 15 a date or a field of the document comes before a variable of an app's, under 16 after it
VARIABLES_FIRST = int(frappe.__version__.split(".")[0]) >= 16
MISSING = object()


@dataclass
class Counters:
	"""What this process knows of the counters. `known` holds in this transaction: each is at this number or beyond it."""

	foreseen: dict[str, int] = field(default_factory=dict)
	known: dict[str, int] = field(default_factory=dict)


def raise_counter(doc: Any, name: str | None) -> None:
	"""Before a document is inserted with a name that came: this site's own names go on after it."""
	if not name or not is_counted(doc.doctype):
		return
	raise_naming_rules(doc, str(name))
	numbers = numbers_of(doc.doctype, doc, str(name))
	counters = _counters()
	if all(counters.known.get(key, 0) >= number for key, number in numbers.items()):
		return
	wanted = {**counters.foreseen}
	for key, number in numbers.items():
		wanted[key] = max(number, wanted.get(key, 0))
	wanted = {key: number for key, number in wanted.items() if counters.known.get(key, 0) < number}
	frappe.db.after_rollback.add(forget)
	raise_counters(wanted)
	counters.known.update(wanted)


def foresee(documents: Iterable[tuple[str, Any, str]]) -> None:
	"""The documents that may be inserted next, as (DocType, values, name). It asks and changes nothing in the database."""
	counters = Counters()
	for doctype, values, name in documents:
		for key, number in numbers_of(doctype, values, name).items():
			counters.foreseen[key] = max(number, counters.foreseen.get(key, 0))
	frappe.local.event_streaming_counters = counters


def forget() -> None:
	"""Something was undone, or a document was deleted, which may take its number back: look at the counters again."""
	_counters().known.clear()


def is_counted(doctype: str) -> bool:
	"""Whether this site may take the names of such documents from a counter."""
	meta = frappe.get_meta(doctype)
	if meta.istable or meta.issingle or meta.autoname in ("autoincrement", "UUID"):
		return False
	return "#" in (meta.autoname or "") or bool(series_of(meta)) or bool(naming_rules(doctype))


def numbers_of(doctype: str, values: Any, name: str) -> dict[str, int]:
	"""The counters that can have made the name of a document with these values: key -> number."""
	if is_amended(values, name):
		return {}
	meta = frappe.get_meta(doctype)

	def fill(part: str) -> str | None:
		return text_of(part, values)

	rules: list[Rule | None] = []
	own = values.get("naming_series")
	options = series_of(meta)
	for series in [own] if own in options else options:
		rules.append(rule_of_series(series, fill))
	autoname = meta.autoname or ""
	if autoname.lower().startswith("format:"):
		rules.append(rule_of_format(autoname, fill))
	elif "#" in autoname and not autoname.lower().startswith(("field:", "naming_series:", "prompt")):
		rules.append(rule_of_series(autoname, fill))
	found = numbers_in(name, filter(None, rules))
	return {key: number for key, number in found.items() if len(key) <= LONGEST_KEY}


def is_amended(values: Any, name: str) -> bool:
	"""Whether a name is that of the document which was amended, with a number behind it."""
	stem, _dash, number = name.rpartition("-")
	return bool(stem and number.isdigit() and cstr(values.get("amended_from")) == stem)


def series_of(meta: Any) -> list[str]:
	df = meta.get_field("naming_series")
	return [option for option in ((df.options if df else "") or "").split("\n") if option.strip()]


def text_of(part: str, values: Any) -> str | None:
	"""What Frappe puts in the place of a part of a series that is no date and no number."""
	variables = frappe.get_hooks("naming_series_variables") or {}
	if part in variables and VARIABLES_FIRST:
		return variable(variables[part][0], part, values)
	fieldname = part.replace("{", "").replace("}", "")
	if part.startswith("{") or values.get(part, MISSING) is not MISSING:
		value = values.get(fieldname)
		return value if isinstance(value, str) else cstr(value).strip()
	if part in variables:
		return variable(variables[part][0], part, values)
	return part


def variable(path: str, part: str, values: Any) -> str | None:
	"""An app's own part of a series; what it can't say of this document is no reason to refuse it."""
	try:
		value = frappe.get_attr(path)(values, part)
	except frappe.ValidationError:
		frappe.clear_last_message()
		return None
	return cstr(value)


def naming_rules(doctype: str) -> list[Any]:
	"""The Document Naming Rules of a DocType that are in force; each counts by itself."""
	rows = get_doctype_map(
		NAMING_RULE, doctype, filters={"document_type": doctype, "disabled": 0}, order_by="priority desc"
	)
	return [frappe.get_cached_doc(NAMING_RULE, row.get("name")) for row in rows or []]


def raise_naming_rules(doc: Any, name: str) -> None:
	for each in naming_rules(doc.doctype):
		rule = rule_of_series(
			f"{each.prefix}.{'#' * cint(each.prefix_digits)}", lambda part: text_of(part, doc)
		)
		found = number_in(name, rule) if rule else None
		if found and not is_amended(doc, name):
			table = frappe.qb.DocType(NAMING_RULE)
			query = frappe.qb.update(table).set(table.counter, found[1])
			query.where((table.name == each.name) & (table.counter < found[1])).run()


def _counters() -> Counters:
	if not hasattr(frappe.local, "event_streaming_counters"):
		frappe.local.event_streaming_counters = Counters()
	return frappe.local.event_streaming_counters
