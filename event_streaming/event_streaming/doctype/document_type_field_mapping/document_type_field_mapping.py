"""A row of a Document Type Mapping: where one local field gets its value. Holds no logic."""

from frappe.model.document import Document


class DocumentTypeFieldMapping(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		default_value: DF.Data | None
		local_fieldname: DF.Autocomplete
		mapping: DF.Link | None
		mapping_type: DF.Literal["", "Child Table", "Document"]
		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data
		remote_fieldname: DF.Autocomplete | None
		remote_value_filters: DF.Code | None
		value_map: DF.Link | None

	# end: auto-generated types
	pass
