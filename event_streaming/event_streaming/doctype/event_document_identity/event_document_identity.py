"""Which local document stands for which remote one. Read and written by `event_streaming.identity.registry` alone; holds no
logic."""

from frappe.model.document import Document

from event_streaming.database.indexes import add_index


class EventDocumentIdentity(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		counted_to: DF.Int
		covered_to: DF.Int
		deleted_here: DF.Check
		event_producer: DF.Data | None
		local_doctype: DF.Data | None
		local_name: DF.Data | None
		remote_doctype: DF.Data | None
		remote_name: DF.Data | None
		root_doctype: DF.Data | None
		root_name: DF.Data | None
		root_site: DF.Data | None

	# end: auto-generated types
	pass


def on_doctype_update():
	add_index("Event Document Identity", ["local_doctype", "local_name"], "local_document")
	add_index("Event Document Identity", ["root_site", "root_doctype", "root_name"], "root_document")
