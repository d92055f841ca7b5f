"""What the doctor found with its last daily look: a row for each check and subject. A person can put it off until a date.

The rules are in `event_streaming.admin.daily.findings`; `looking` beside it writes the rows.
"""

from frappe.model.document import Document

from event_streaming.admin.daily import findings


class EventStreamingFinding(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		first_seen: DF.Datetime | None
		last_seen: DF.Datetime | None
		level: DF.Literal["warning", "fault"]
		looked_at: DF.Data | None
		message: DF.SmallText | None
		put_off_by: DF.Data | None
		put_off_until: DF.Date | None
		reason: DF.SmallText | None
		remedy: DF.SmallText | None
		still_there: DF.Check
		subject: DF.Data | None

	# end: auto-generated types
	def validate(self) -> None:
		findings.validate(self)

	def on_update(self) -> None:
		if not self.is_new() and self.get_doc_before_save():
			findings.saved(self)
