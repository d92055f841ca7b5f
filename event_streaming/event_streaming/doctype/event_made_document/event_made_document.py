"""A document that a hook of this site made while an event of a producer was applied. Read and written by
`event_streaming.identity.made` alone."""

from frappe.model.document import Document

from event_streaming.database.indexes import add_index
from event_streaming.identity import made


class EventMadeDocument(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		event_producer: DF.Data | None
		local_doctype: DF.Data | None
		local_name: DF.Data | None
		made_on: DF.Datetime | None
		remote_doctype: DF.Data | None
		remote_name: DF.Data | None

	# end: auto-generated types
	@staticmethod
	def clear_old_logs(days: int = 60) -> None:
		made.clear(days)


def on_doctype_update():
	add_index("Event Made Document", ["local_doctype", "local_name"], "made_document")
	add_index("Event Made Document", ["creation", "name"], "made_then")
