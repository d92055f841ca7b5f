"""What was sent to one consumer in one hour, in figures. Read and written by `event_streaming.producer.log.hours` alone."""

from frappe.model.document import Document

from event_streaming.database.indexes import add_index
from event_streaming.producer.log import hours


class EventDeliveryHour(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		consumer: DF.Data | None
		events: DF.Int
		figures: DF.Code | None
		hour: DF.Datetime | None
		position: DF.Int
		slowest: DF.Int

	# end: auto-generated types
	@staticmethod
	def clear_old_logs(days: int = 7) -> None:
		hours.clear(days)


def on_doctype_update():
	add_index("Event Delivery Hour", ["consumer", "position", "hour"], "consumer_position_hour")
	add_index("Event Delivery Hour", ["consumer", "hour"], "consumer_hour")
	add_index("Event Delivery Hour", ["hour"], "hour")
