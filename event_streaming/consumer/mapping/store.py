"""Document Type Mappings of this site as the plain data that `mapping` works with, and mapping with this site's help.

It reads mappings, value maps and, for expressions in filters, what they ask for; it writes and fetches nothing.
"""

import json
from typing import Any

import frappe
from frappe.utils import cint, flt

from event_streaming.consumer.mapping import rules as core
from event_streaming.consumer.mapping.records import (
	KEEP,
	FieldMapping,
	MappedChange,
	MappedDocument,
	Mapping,
	MappingError,
	ValueMap,
	ValueNotInMap,
)
from event_streaming.exceptions import CannotApply
from event_streaming.messages.coded import _

DOCTYPE = "Document Type Mapping"
VALUE_MAP = "Document Type Value Map"


class MappingStore:
	"""The mappings that one pull uses, each read once."""

	def __init__(self):
		self._mappings: dict[str, Mapping] = {}
		self._being_read: list[str] = []

	def get(self, name: str) -> Mapping:
		"""A mapping with all its inner ones. Raises CannotApply when it can't be used as it stands."""
		if name not in self._mappings:
			self._mappings[name] = self._read(name)
		return self._mappings[name]

	def _read(self, name: str) -> Mapping:
		if name in self._being_read:
			raise CannotApply(_("The mapping {0} leads back to itself.").format(name))
		try:
			doc = frappe.get_cached_doc(DOCTYPE, name)
			meta = frappe.get_meta(doc.local_doctype)
		except frappe.DoesNotExistError:
			frappe.clear_last_message()
			raise CannotApply(
				_("The mapping {0}, or the DocType that it maps to, does not exist on this site.").format(
					name
				)
			) from None
		self._being_read.append(name)
		try:
			fields = tuple(self._read_field(name, row, meta) for row in doc.field_mapping)
		finally:
			self._being_read.pop()
		return Mapping(name, doc.local_doctype, doc.remote_doctype, fields)

	def _read_field(self, name: str, row, meta) -> FieldMapping:
		df = meta.get_field(row.local_fieldname)
		fieldtype = df.fieldtype if df else "Data"
		try:
			return FieldMapping(
				local_fieldname=row.local_fieldname,
				remote_fieldname=row.remote_fieldname or "",
				default_value=core.cast(row.default_value, fieldtype),
				mapping_type=row.mapping_type or "",
				inner=self.get(row.mapping) if row.mapping_type else None,
				remote_value_filters=json.loads(row.remote_value_filters)
				if row.remote_value_filters
				else None,
				value_map=read_value_map(row.value_map, fieldtype) if row.get("value_map") else None,
			)
		except ValueError as error:
			raise CannotApply(
				_("The mapping {0} can't be used, row {1}, {2}: {3}").format(
					name, row.idx, row.local_fieldname, error
				)
			) from None


def read_value_map(name: str, fieldtype: str) -> ValueMap:
	"""A Document Type Value Map; its local values in the type of the field that they go to."""
	doc = frappe.get_cached_doc(VALUE_MAP, name)
	pairs = {row.remote_value: core.cast(row.local_value, fieldtype) for row in doc.pairs}
	return ValueMap(name, pairs, doc.other_values or KEEP)


def to_local_document(mapping: Mapping, remote: dict) -> MappedDocument:
	"""`mapping.map_document` with expressions evaluated on this site. Raises CannotApply."""
	try:
		return core.map_document(mapping, remote, evaluate)
	except MappingError as error:
		raise CannotApply(explain(error)) from error


def to_local_change(mapping: Mapping, change: dict, remote: dict | None = None) -> MappedChange | None:
	"""`mapping.map_change` with expressions evaluated on this site. Raises CannotApply."""
	try:
		return core.map_change(mapping, change, remote, evaluate)
	except MappingError as error:
		raise CannotApply(explain(error)) from error


def explain(error: MappingError) -> str:
	"""What is wrong, and where, as a person would say it."""
	if isinstance(error, ValueNotInMap):
		return _(
			"The value {0} for the field {1} is not in the value map {2}: add it there, then resync (mapping {3})."
		).format(error.value, error.fieldname, error.value_map, error.mapping)
	return _("The mapping {0} failed at the field {1}: {2}").format(
		error.mapping, error.fieldname, error.problem
	)


def evaluate(expression: str, doc: dict) -> Any:
	"""An expression of a filter. It can read this site's values, and nothing else."""
	names = {"frappe": readable_frappe(), "doc": frappe._dict(doc)}
	return frappe.safe_eval(expression, names)


def readable_frappe() -> dict:
	"""The part of `frappe` that expressions see."""
	return frappe._dict(
		db=frappe._dict(get_value=get_value, get_single_value=get_single_value, exists=exists),
		utils=frappe._dict(cint=cint, flt=flt),
	)


def get_value(doctype: str, filters: Any = None, fieldname: str = "name") -> Any:
	check_readable(doctype)
	check_fieldname(fieldname)
	return frappe.db.get_value(doctype, filters, fieldname)


def get_single_value(doctype: str, fieldname: str) -> Any:
	check_readable(doctype)
	check_fieldname(fieldname)
	return frappe.db.get_single_value(doctype, fieldname)


def exists(doctype: str, name: Any) -> Any:
	check_readable(doctype)
	return frappe.db.exists(doctype, name)


def check_fieldname(fieldname: str) -> None:
	"""One field: Frappe 15 takes more than that for a part of the SQL."""
	if not isinstance(fieldname, str) or not fieldname.isidentifier():
		raise ValueError(f"{fieldname!r} is not a field")


def check_readable(doctype: str) -> None:
	"""Only DocTypes: tables such as the one of passwords are none."""
	if not isinstance(doctype, str) or not frappe.db.exists("DocType", doctype):
		raise ValueError(f"{doctype!r} is not a DocType")
