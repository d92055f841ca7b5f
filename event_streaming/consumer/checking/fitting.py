"""Where documents of a row do not fit from the producer into this site: fields, options, targets of links, in words for a person.

`compare` finds the differences; the doctor and the check say the same of them.
"""

import re
from collections.abc import Iterator
from typing import Any

import frappe
from frappe.model import child_table_fields, default_fields, optional_fields
from frappe.utils import strip_html

from event_streaming.consumer.checking import compare
from event_streaming.consumer.checking.compare import Difference
from event_streaming.consumer.checking.finding import ADD_OPTIONS, CREATE_FIELDS, MAY_HURT, STOPS, Found
from event_streaming.consumer.mapping.store import MappingStore
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.exceptions import CannotApply
from event_streaming.messages.coded import _
from event_streaming.site.schema import schema_of

MOST_NAMED = 20
# what can be made of another site's field: values without a meaning of their own on this site
PLAIN = (
	"Check",
	"Currency",
	"Data",
	"Date",
	"Datetime",
	"Duration",
	"Float",
	"Int",
	"Long Text",
	"Percent",
	"Phone",
	"Select",
	"Small Text",
	"Text",
	"Time",
)
FIELDNAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
OPTIONS_OF_DATA = ("Email", "Name", "Phone", "URL")
MOST_TEXT, MOST_OPTIONS = 140, 10_000
ORDER = (
	compare.OTHER_KIND,
	compare.NOT_THERE,
	compare.REQUIRED,
	compare.OTHER_TYPE,
	compare.OTHER_TARGET,
	compare.SHORTER,
	compare.FEWER_OPTIONS,
	compare.UNIQUE,
	compare.MISSING,
)


def of_fields(producer: str, wanted: Subscription, problem: str, described: Any) -> Iterator[Found]:
	"""Compare the producer's DocType with the local one; `described` is its schema, not checked yet."""
	doctype, remote = wanted.local_doctype, wanted.remote_doctype
	if problem == "not found":
		yield Found(
			STOPS,
			"fields",
			doctype,
			_("{0} has no DocType {1}.").format(producer, remote),
			_("Install the app there that it belongs to, make the DocType there, or use a mapping."),
		)
	if problem:
		return
	try:
		found = differences(wanted, compare.read_schema(described))
	except (ValueError, CannotApply) as error:
		yield Found(
			MAY_HURT,
			"fields",
			doctype,
			_("The fields of {0} can't be compared: {1}").format(remote, error),
			_("Update Event Streaming there."),
		)
		return
	for kind in ORDER:
		alike = [each for each in found if each.kind == kind]
		if kind == compare.FEWER_OPTIONS:
			for each in alike:
				yield as_found(kind, doctype, [each], ADD_OPTIONS, options_of(each))
		elif kind == compare.MISSING and (plain := plain_fields(doctype, alike, described)):
			yield as_found(kind, doctype, alike, CREATE_FIELDS, {"fields": plain})
		elif alike:
			yield as_found(kind, doctype, alike)


def plain_fields(doctype: str, missing: list[Difference], described: dict[str, Any]) -> list[dict[str, Any]]:
	"""Those of the missing fields that a button can make here."""
	notes = [
		{"doctype": doctype, "kind": each.kind, "field": each.field, **field_there(each.field, described)}
		for each in missing
	]
	return [note for note in notes if can_create(note)]


def options_of(difference: Difference) -> dict[str, Any]:
	"""What the button adds; a field of a table's rows as "table.field"."""
	return {"field": difference.field, "options": difference.there.split(", ")}


def as_found(
	kind: str, doctype: str, alike: list[Difference], action: str = "", details: dict | None = None
) -> Found:
	severity, message, remedy = wording(kind)
	return Found(
		severity, "fields", doctype, message.format(doctype, listed(alike)), remedy, action, details or {}
	)


def listed(found: list[Difference]) -> str:
	"""The fields of differences of one kind, not all of many."""
	named = [named_field(each) for each in found[:MOST_NAMED]]
	return ", ".join([*named, "…"] if len(found) > MOST_NAMED else named)


def differences(wanted: Subscription, there: dict) -> list[Difference]:
	"""What keeps documents of a row from fitting; `there` is the producer's schema. Raises CannotApply."""
	here = schema_of(wanted.local_doctype)
	if wanted.mapping:
		found = compare.mapping_differences(MappingStore().get(wanted.mapping), there, here)
		# what is not sent is there all the same
		kept_back = {name.rpartition(".")[2] for name in (*wanted.not_sent, *wanted.not_wanted)}
		return [
			each
			for each in found
			if each.kind != compare.NOT_THERE or each.field.rpartition(".")[2] not in kept_back
		]
	return compare.differences(there, here)


def named_field(difference: Difference) -> str:
	"""A field with what it is there and here."""
	parts = " → ".join(part for part in (difference.there, difference.here) if part)
	if not difference.field:
		return parts
	return f"{difference.field} ({parts})" if parts else difference.field


def wording(kind: str) -> tuple[str, str, str]:
	"""Severity, sentence and remedy for a kind of difference; {0} is the DocType, {1} the fields."""
	return {
		compare.OTHER_KIND: (
			STOPS,
			_("{0} is another kind of DocType there: {1}. Its documents can't be applied."),
			_("Use a mapping to a DocType of the same kind."),
		),
		compare.NOT_THERE: (
			STOPS,
			_("The mapping for {0} takes fields that the producer has not: {1}."),
			_("Correct Remote Fieldname in these rows of the Document Type Mapping."),
		),
		compare.REQUIRED: (
			MAY_HURT,
			_("Fields of {0} are mandatory here and may be empty there: {1}. Documents without them fail."),
			_(
				"Make the fields mandatory there, give them a default here, or make them optional here (Customize Form)."
			),
		),
		compare.OTHER_TYPE: (
			MAY_HURT,
			_("Fields of {0} are of another type here: {1}. Values may be lost or refused."),
			_("Make the field types the same on both sites (Customize Form), or use a mapping."),
		),
		compare.OTHER_TARGET: (
			MAY_HURT,
			_("Fields of {0} link to another DocType here: {1}. Such links fail."),
			_("Make the fields the same on both sites (Customize Form), or use a mapping."),
		),
		compare.SHORTER: (
			MAY_HURT,
			_("Fields of {0} are shorter here: {1}. Longer values fail."),
			_("Choose a longer type here (Customize Form)."),
		),
		compare.FEWER_OPTIONS: (
			MAY_HURT,
			_("Fields of {0} have fewer options here; missing are: {1}. Documents with these fail."),
			_("Add the options here (Customize Form), or use a Value Map."),
		),
		compare.UNIQUE: (
			MAY_HURT,
			_("Fields of {0} are unique here and not there: {1}. The second document with a value fails."),
			_("Make the fields unique there too, or not unique here."),
		),
		compare.MISSING: (
			MAY_HURT,
			_("{0} lacks fields here: {1}. Their values are left out."),
			_(
				"Add the fields here (Customize Form) if they are wanted, or use a mapping, which takes only what it names."
			),
		),
	}[kind]


# ---- fields that can be made here


def field_there(path: str, described: dict[str, Any]) -> dict[str, str]:
	"""Label, type and options of a field as the producer says, cut to what a field here may have."""
	table, _dot, fieldname = path.rpartition(".")
	holder = (described.get("tables") or {}).get(table) if table else described
	field = ((holder or {}).get("fields") or {}).get(fieldname)
	if not isinstance(field, dict):
		return {}
	select = field.get("fieldtype") == "Select"
	return {
		"label": strip_html(str(field.get("label") or fieldname))[:MOST_TEXT],
		"fieldtype": str(field.get("fieldtype") or "")[:MOST_TEXT],
		"options": str(field.get("options") or "")[: MOST_OPTIONS if select else MOST_TEXT],
	}


def can_create(note: dict[str, Any]) -> bool:
	"""Whether a field here can be made of a difference by a button; `note` has its kind, field and what `field_there` says."""
	fieldname = note["field"].rpartition(".")[2]
	return (
		note["kind"] == compare.MISSING
		and note.get("fieldtype") in PLAIN
		and bool(FIELDNAME.fullmatch(fieldname))
		and fieldname not in {*default_fields, *child_table_fields, *optional_fields}
	)


def values_of_field(note: dict[str, Any]) -> dict[str, str]:
	"""The Custom Field that a difference which can be made here becomes. Raises frappe.ValidationError where the name is taken."""
	table, _dot, fieldname = note["field"].rpartition(".")
	meta = frappe.get_meta(note["doctype"])
	holder = meta.get_field(table).options if table else note["doctype"]
	# what documents have of their own would be hidden by a field of its name
	if frappe.get_meta(holder).has_field(fieldname) or hasattr(frappe.new_doc(holder), fieldname):
		frappe.throw(_("{0} has something named {1} already.").format(_(holder), fieldname))
	return {
		"dt": holder,
		"fieldname": fieldname,
		"label": note["label"],
		"fieldtype": note["fieldtype"],
		"options": options_of_field(note),
	}


def options_of_field(note: dict[str, Any]) -> str:
	if note["fieldtype"] == "Select":
		return "\n".join(line.strip() for line in note["options"].split("\n"))
	return note["options"] if note["fieldtype"] == "Data" and note["options"] in OPTIONS_OF_DATA else ""
