"""Who has decided what about streams. Rows are written by `event_streaming.site.audit` alone, and cleared by Log Settings alone.

Nobody may write, rename or delete one, Administrator included.
"""

import frappe

from event_streaming.database.indexes import add_index
from event_streaming.event_streaming.written_by_one import WrittenByOne
from event_streaming.messages.coded import _
from event_streaming.site import audit


class EventStreamingAuditLog(WrittenByOne):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		came_from: DF.Literal["Desk", "REST", "Command", "Other Site", "Background Job", "Console"]
		decision: DF.Literal[
			"Registered",
			"Registration Changed",
			"Approved",
			"Rejected",
			"Back to Pending",
			"Condition Changed",
			"Limits Changed",
			"Paused",
			"Resumed",
			"Fresh Copy Cleared",
			"Connection Changed",
			"Keys Rotated",
			"Subscription Changed",
			"Settings Changed",
			"Mapping Changed",
			"Set-Up Applied",
			"Site Invited",
			"Invitation Withdrawn",
			"Invitation Used",
			"Invitation Refused",
			"Joined",
			"Deleted",
			"Adopted",
			"Matched",
			"Settled",
			"Resynced",
			"Skipped",
			"Repaired",
			"Finding Put Off",
			"Finding Mended",
			"Field Created",
			"Difference Ignored",
			"Tried What Is Not Allowed",
		]
		ip_address: DF.Data | None
		outcome: DF.Literal["Done", "Refused"]
		reference_doctype: DF.Link | None
		reference_name: DF.DynamicLink | None
		user: DF.Link | None
		values_after: DF.Code | None
		values_before: DF.Code | None

	# end: auto-generated types
	@staticmethod
	def clear_old_logs(days: int = 365) -> None:
		audit.clear(days)

	def refuse(self) -> None:
		frappe.throw(_("Nobody can change or delete entries of the audit log."), frappe.PermissionError)


def on_doctype_update():
	add_index("Event Streaming Audit Log", ["reference_doctype", "reference_name"], "reference_document")
	# Frappe 16 makes this one itself, under this name
	add_index("Event Streaming Audit Log", ["creation"], "creation")
