"""A row of an Event Consumer: one DocType that it asked for, and whether it may have it. Decides nothing.

Frappe calls these functions only where a row is saved or deleted by itself, not with its Event Consumer.
"""

from frappe.model.document import Document

from event_streaming.producer.registration import neighbours


class EventConsumerDocumentType(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		condition: DF.SmallText | None
		condition_error: DF.SmallText | None
		fields_masked: DF.SmallText | None
		fields_not_sent: DF.SmallText | None
		from_position: DF.Int
		not_asked: DF.Check
		not_wanted: DF.SmallText | None
		open_spans: DF.SmallText | None
		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data
		ref_doctype: DF.Link
		status: DF.Literal["Pending", "Approved", "Rejected"]
		unsubscribed: DF.Check
		withheld: DF.Int
		withheld_position: DF.Int
		withholding_meant: DF.Check
		when_condition_ends: DF.Literal["Keep", "Remove"]

	# end: auto-generated types
	def validate(self):
		neighbours.refuse_row_alone(self)

	def before_discard(self):
		neighbours.refuse_row_alone(self)

	def on_trash(self):
		neighbours.refuse_row_alone(self)
