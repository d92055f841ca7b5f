"""An event: one change of one document, made on this site or passed on by it.

Rows are written by `event_streaming.producer.capture.hooks` and get their positions from `event_streaming.producer.log.sequence`.
Nothing here writes or sends one.
"""

import frappe
from frappe.model.document import Document

from event_streaming.database.indexes import add_index
from event_streaming.producer.documents.given import keep_what_was_delivered
from event_streaming.producer.feed import old_format
from event_streaming.producer.log import retention
from event_streaming.producer.reach.history import openly_sent_to


class EventUpdateLog(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from event_streaming.event_streaming.doctype.event_update_log_consumer.event_update_log_consumer import (
			EventUpdateLogConsumer,
		)

		consumers: DF.TableMultiSelect[EventUpdateLogConsumer]
		data: DF.Code | None
		data_before: DF.Code | None
		docname: DF.Data | None
		name: DF.Int | None
		origin: DF.Data | None
		position: DF.Int
		ref_doctype: DF.Link | None
		sequenced_on: DF.Datetime | None
		transaction_id: DF.Data | None
		update_type: DF.Literal["Create", "Update", "Delete", "Rename", "Attach", "Detach"]

	# end: auto-generated types
	def load_from_db(self):
		"""With the consumers whose subscription is open among those it was delivered to: their cursor says it, no row does."""
		super().load_from_db()
		there = {row.consumer for row in self.consumers}
		for consumer in openly_sent_to(self.ref_doctype, self.position, self.origin):
			if consumer not in there:
				row = self.append("consumers", {"consumer": consumer, "at_position": self.position})
				row.name = f"{self.name}-{consumer}"
				row.set("__islocal", 0)
		return self

	def on_trash(self):
		retention.refuse_deletion_of_needed(self)

	@staticmethod
	def clear_old_logs(days: int = 30) -> None:
		retention.clear_update_log(days, keep_what_was_delivered)


@frappe.whitelist()
def get_update_logs_for_consumer(
	event_consumer: str, doctypes: str | list, last_update: str | None = None
) -> list[dict]:
	"""The events after a time, for a consumer of the old kind. Public endpoint."""
	return old_format.old_page(event_consumer, doctypes, last_update)


def on_doctype_update():
	# by type: renames and deletions are looked for among all that a document has been through
	add_index(
		"Event Update Log", ["ref_doctype", "docname", "update_type", "position"], "document_type_position"
	)
	# Frappe 16 makes this one itself, under this name
	add_index("Event Update Log", ["creation"], "creation")
