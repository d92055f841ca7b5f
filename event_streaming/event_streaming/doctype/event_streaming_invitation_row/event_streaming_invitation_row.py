"""A DocType that a site was invited to, as the producer calls it. Changes with its invitation only.

Frappe calls these functions only where a row is saved or deleted by itself, not with its invitation.
"""

import frappe

from event_streaming.event_streaming.written_by_one import WrittenByOne
from event_streaming.messages.coded import _


class EventStreamingInvitationRow(WrittenByOne):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		condition: DF.SmallText | None
		document_type: DF.Link
		fields_masked: DF.SmallText | None
		fields_not_sent: DF.SmallText | None
		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data
		row_values: DF.Code | None
		when_condition_ends: DF.Literal["Keep", "Remove"]

	# end: auto-generated types
	def refuse(self) -> None:
		frappe.throw(_("A row of an invitation can't be changed."), frappe.PermissionError)
