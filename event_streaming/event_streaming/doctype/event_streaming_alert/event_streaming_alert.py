"""One episode of trouble with a stream, from its beginning to its end. Written by `event_streaming.admin.alerts` alone.

Saving it is what sends the Notifications that stand on this DocType; what they say and to whom is theirs.
"""

from frappe.model.document import Document

from event_streaming.admin import alerts


class EventStreamingAlert(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		began: DF.Datetime | None
		details: DF.Text | None
		ended: DF.Datetime | None
		kind: DF.Literal[
			"Producer Unreachable",
			"Not Pulling",
			"Events Behind",
			"Events Failed",
			"Consumer Silent",
			"Producer Restored",
			"Found by the Doctor",
		]
		recipients: DF.SmallText | None
		sites: DF.SmallText | None
		status: DF.Literal["Open", "Over"]
		title: DF.Data | None

	# end: auto-generated types
	@staticmethod
	def clear_old_logs(days: int = 180) -> None:
		alerts.clear_alerts(days)
