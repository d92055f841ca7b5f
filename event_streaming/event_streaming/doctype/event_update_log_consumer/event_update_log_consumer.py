"""A row of Event Update Log: a consumer that the event was sent to, and at which cursor. Written by
`event_streaming.producer.log.deliveries` alone; holds no logic."""

from frappe.model.document import Document

from event_streaming.database.indexes import add_index


class EventUpdateLogConsumer(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		at_position: DF.Int
		consumer: DF.Link
		has_left: DF.Check
		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data

	# end: auto-generated types
	pass


def on_doctype_update():
	add_index("Event Update Log Consumer", ["consumer", "at_position"], "consumer_at_position")
