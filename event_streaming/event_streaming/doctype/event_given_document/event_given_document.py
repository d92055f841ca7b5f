"""A document that was given to a consumer whole. Read and written by `event_streaming.producer.documents.given` alone."""

from frappe.model.document import Document

from event_streaming.database.indexes import add_index
from event_streaming.producer.documents import given


class EventGivenDocument(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		consumer: DF.Data | None
		docname: DF.Data | None
		for_another: DF.Check
		position: DF.Int
		ref_doctype: DF.Data | None

	# end: auto-generated types
	@staticmethod
	def clear_old_logs(days: int = 60) -> None:
		given.clear(days)


def on_doctype_update():
	# a row's name is made of these three: there is one for each document of a consumer
	add_index("Event Given Document", ["consumer", "ref_doctype", "docname"], "given_to")
	add_index("Event Given Document", ["ref_doctype", "docname"], "given_document")
