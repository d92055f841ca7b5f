"""Which fields of a remote document this site can take, and whether two values of a field mean the same."""

from dataclasses import dataclass
from typing import Any

import frappe
from frappe.model import default_fields, no_value_fields, table_fields
from frappe.model.document import Document
from frappe.model.meta import Meta
from frappe.utils import cint, flt, get_datetime, getdate, to_timedelta

from event_streaming.exceptions import CannotApply
from event_streaming.identity.registry import REMOTE_NAME, REMOTE_SITE
from event_streaming.messages.coded import _

# a tree numbers its nodes by itself, for the nodes that this site has; the producer's numbers belong to its own
TREE_FIELDS = ("lft", "rgt", "old_parent")
ROW_KEYS = ("name", "idx")
FRAMEWORK_FIELDS = frozenset((*default_fields, "doctype", "parent", "parenttype", "parentfield"))
# what JSON has besides single values
HOLDS_MORE = (list, dict)
AS_STORED = {"Date": getdate, "Datetime": get_datetime, "Time": to_timedelta}


@dataclass(frozen=True)
class Shape:
	"""The fields of a DocType that are stored, and its tables: for each whether it comes with the DocType's app, so that the other
	site has it as well, or is a custom field of this site."""

	stored: dict[str, bool]
	tables: dict[str, bool]


def shape_of(meta: Meta) -> Shape:
	"""Found once for each state of a DocType: it is asked for each document and row."""
	shapes = getattr(frappe.local, "event_streaming_shapes", None)
	if shapes is None:
		shapes = frappe.local.event_streaming_shapes = {}
	known = shapes.get(meta.name)
	if known is None or known[0] is not meta:
		stored, tables = {}, {}
		for df in meta.fields:
			if df.fieldtype in table_fields:
				tables[df.fieldname] = not getattr(df, "is_custom_field", 0)
			elif is_stored(df):
				stored[df.fieldname] = not getattr(df, "is_custom_field", 0)
		known = shapes[meta.name] = meta, Shape(stored, tables)
	return known[1]


def known_fields(doctype: str, data: dict, rows: bool = True) -> tuple[dict, list[str]]:
	"""The part of `data` that the local DocType has, and warnings that name the rest.

	Values that are equal to nothing are not worth a warning. The fields that say where a document came from, and where
	it stands in a tree, are this site's own and are never taken over.
	"""
	meta = frappe.get_meta(doctype)
	shape = shape_of(meta)
	own = (REMOTE_NAME, REMOTE_SITE, *(TREE_FIELDS if meta.get("is_tree") else ()))
	known, unknown = {}, []
	for fieldname, value in data.items():
		if fieldname in own:
			continue
		if fieldname in shape.stored:
			known[fieldname] = checked_value(meta, fieldname, value) if type(value) in HOLDS_MORE else value
		elif fieldname in shape.tables:
			if rows and isinstance(value, list):
				df = meta.get_field(fieldname)
				of_rows = frappe.get_meta(df.options)
				known[fieldname] = [
					known_row(df, of_rows, row, unknown) for row in value if isinstance(row, dict)
				]
		elif is_unknown(meta, fieldname, value):
			unknown.append(fieldname)
	return known, left_out(doctype, unknown)


def known_row(df, meta: Meta, row: dict, unknown: list[str]) -> dict:
	stored = shape_of(meta).stored
	known = {"doctype": df.options, **{key: row[key] for key in ROW_KEYS if row.get(key)}}
	for fieldname, value in row.items():
		if fieldname in stored:
			known[fieldname] = checked_value(meta, fieldname, value) if type(value) in HOLDS_MORE else value
		elif is_unknown(meta, fieldname, value):
			unknown.append(f"{df.fieldname}.{fieldname}")
	return known


def left_out(doctype: str, unknown: list[str]) -> list[str]:
	if not unknown:
		return []
	# what the other site calls its fields is shown to a person
	names = frappe.utils.escape_html(", ".join(sorted(set(unknown))))
	return [_("Left out, because {0} has no such fields here: {1}").format(_(doctype), names)]


def is_stored(df) -> bool:
	return (
		df.fieldtype not in no_value_fields
		and df.fieldtype != "Password"
		and not cint(getattr(df, "is_virtual", 0))
	)


def is_unknown(meta: Meta, fieldname: str, value: Any) -> bool:
	"""Whether a field that can't be taken is worth a warning: it says something, and is not Frappe's own."""
	if fieldname in FRAMEWORK_FIELDS or value in (None, "", 0, [], {}) or fieldname.startswith("_"):
		return False
	return not meta.get_field(fieldname)


def checked_value(meta: Meta, fieldname: str, value: list | dict) -> str:
	"""A value of several values from the other site, refused when a column can't hold it."""
	if meta.get_field(fieldname).fieldtype == "JSON":
		return frappe.as_json(value)
	raise CannotApply(_("The value of {0} is not a single value.").format(fieldname))


def set_values(doc: Document, values: dict) -> bool:
	dirty = False
	for fieldname, value in values.items():
		df = doc.meta.get_field(fieldname)
		if not same_value(df.fieldtype, doc.get(fieldname), value):
			# those of a Single are stored as text
			doc.set(fieldname, value if doc.meta.issingle else as_stored(df, value))
			dirty = True
	return dirty


def as_stored(df, value: Any) -> Any:
	"""A date or time as the database gives it back: a controller compares it with those of rows and fields that were read.

	What is none stays what it is: saving the document says so.
	"""
	if df.fieldtype not in AS_STORED or not isinstance(value, str) or not value:
		return value
	try:
		return AS_STORED[df.fieldtype](value)
	except (ValueError, TypeError, OverflowError, frappe.ValidationError):
		return value


def same_value(fieldtype: str, here: Any, there: Any) -> bool:
	"""Whether two values of a field mean the same, whatever their Python types."""
	if here == there or (here in (None, "") and there in (None, "")):
		return True
	if fieldtype in ("Check", "Int", "Long Int"):
		return cint(here) == cint(there)
	if fieldtype in ("Float", "Currency", "Percent", "Duration", "Rating"):
		return abs(flt(here) - flt(there)) < 1e-9
	if here in (None, "") or there in (None, ""):
		return False
	if fieldtype == "Time":
		return to_timedelta(str(here)) == to_timedelta(str(there))
	if fieldtype in ("Date", "Datetime"):
		return get_datetime(here) == get_datetime(there)
	return str(here) == str(there)
