"""How documents of another site's DocType become documents of one here: the fields, one by one.

Checks only that the mapping makes sense on this site; the other site's fields are not known here. The mapping itself
is done by `event_streaming.consumer.mapping`.
"""

import json

import frappe
from frappe import _
from frappe.model import default_fields, table_fields
from frappe.model.document import Document


class DocumentTypeMapping(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from event_streaming.event_streaming.doctype.document_type_field_mapping.document_type_field_mapping import (
			DocumentTypeFieldMapping,
		)

		field_mapping: DF.Table[DocumentTypeFieldMapping]
		local_doctype: DF.Link
		mapping_name: DF.Data
		remote_doctype: DF.Data

	# end: auto-generated types
	def validate(self):
		meta = frappe.get_meta(self.local_doctype)
		for row in self.field_mapping:
			self.validate_field(row, meta)
			self.validate_inner_mapping(row)
			self.validate_filters(row)

	def validate_field(self, row, meta) -> None:
		"""The local field exists, is mapped once and gets its value from somewhere."""
		field = meta.get_field(row.local_fieldname)
		if not field and row.local_fieldname not in default_fields:
			self.refuse(row, _("{0} has no field {1}.").format(_(self.local_doctype), row.local_fieldname))
		if any(other.local_fieldname == row.local_fieldname for other in self.field_mapping[: row.idx - 1]):
			self.refuse(row, _("{0} is mapped in a row above already.").format(row.local_fieldname))
		if not row.remote_fieldname and not row.default_value and not row.remote_value_filters:
			self.refuse(row, _("give a Remote Fieldname or a Default Value."))
		is_table = bool(field and field.fieldtype in table_fields)
		if is_table != (row.mapping_type == "Child Table"):
			self.refuse(
				row,
				_("Mapping Type must be Child Table if {0} is a table, and only then.").format(
					row.local_fieldname
				),
			)

	def validate_inner_mapping(self, row) -> None:
		"""A table or a document is mapped by a mapping of its own, for the DocType that the field has."""
		if not row.mapping_type:
			row.mapping = None
			return
		if not row.mapping:
			self.refuse(row, _("choose the Mapping for Mapping Type {0}.").format(_(row.mapping_type)))
		field = frappe.get_meta(self.local_doctype).get_field(row.local_fieldname)
		mapped = frappe.db.get_value("Document Type Mapping", row.mapping, "local_doctype")
		if field and field.fieldtype in ("Link", *table_fields) and mapped != field.options:
			self.refuse(
				row,
				_("the mapping {0} is for {1}, but the field has {2}.").format(
					row.mapping, mapped, field.options
				),
			)

	def validate_filters(self, row) -> None:
		if row.mapping_type != "Document" or not row.remote_value_filters:
			row.remote_value_filters = None
			return
		try:
			filters = json.loads(row.remote_value_filters)
		except ValueError:
			filters = None
		if not isinstance(filters, dict) or not filters:
			self.refuse(
				row,
				_("Remote Value Filters must be JSON such as {0}.").format('{"remote fieldname": "value"}'),
			)

	def refuse(self, row, problem: str) -> None:
		frappe.throw(_("Row {0}: {1}").format(row.idx, problem))
