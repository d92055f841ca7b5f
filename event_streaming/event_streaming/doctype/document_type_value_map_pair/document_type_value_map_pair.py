"""A row of a Document Type Value Map: a remote value and the local one that stands for it. Holds no logic."""

from frappe.model.document import Document


class DocumentTypeValueMapPair(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		local_value: DF.Data | None
		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data
		remote_value: DF.Data

	# end: auto-generated types
	pass
