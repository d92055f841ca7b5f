"""What the documents of a DocType look like on this site: its fields as plain data, to be compared with another site's.

Reads DocTypes only, custom fields and property setters included.
"""

from typing import TypedDict

import frappe
from frappe.model import no_value_fields, table_fields
from frappe.utils import cint


class FieldSchema(TypedDict):
	"""One stored field. `options` is what it links to, or what may be chosen."""

	fieldname: str
	label: str
	fieldtype: str
	options: str
	required: bool
	unique: bool
	has_default: bool


class DocTypeSchema(TypedDict):
	"""The fields of a DocType, and the DocTypes of its tables by fieldname."""

	doctype: str
	single: bool
	submittable: bool
	fields: dict[str, FieldSchema]
	tables: dict[str, "DocTypeSchema"]


def schema_of(doctype: str) -> DocTypeSchema:
	"""The schema of a DocType of this site. Raises frappe.DoesNotExistError if there is none."""
	meta = frappe.get_meta(doctype)
	return {
		"doctype": doctype,
		"single": bool(cint(meta.issingle)),
		"submittable": bool(cint(meta.is_submittable)),
		"fields": {df.fieldname: field_schema(df) for df in meta.fields if is_streamed(df)},
		"tables": {
			df.fieldname: schema_of(df.options)
			for df in meta.fields
			if df.fieldtype in table_fields and df.options and not cint(df.get("is_virtual"))
		},
	}


def counted_by(doctype: str) -> list[str]:
	"""The counters from which this site takes names of such documents: naming series, numbered formats, Document Naming Rules."""
	meta = frappe.get_meta(doctype)
	field, autoname = meta.get_field("naming_series"), meta.autoname or ""
	found = [
		option.strip() for option in ((field.options if field else "") or "").split("\n") if option.strip()
	]
	if "#" in autoname:
		found.append(autoname)
	rules = frappe.get_all("Document Naming Rule", {"document_type": doctype, "disabled": 0}, pluck="prefix")
	return list(dict.fromkeys((*found, *filter(None, rules))))


def is_streamed(df) -> bool:
	return (
		df.fieldtype not in no_value_fields and df.fieldtype != "Password" and not cint(df.get("is_virtual"))
	)


def field_schema(df) -> FieldSchema:
	return {
		"fieldname": df.fieldname,
		"label": df.label or df.fieldname,
		"fieldtype": df.fieldtype,
		"options": df.options or "",
		"required": bool(cint(df.reqd)),
		"unique": bool(cint(df.unique)),
		# what fills it when nobody else does
		"has_default": bool(df.default or df.fetch_from),
	}
