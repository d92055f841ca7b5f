"""A site that was invited by a one-time code, of which only a hash is kept: to what, by whom, and who has used it.

Written by `event_streaming.producer.inviting` alone. Nobody else may make or change one, Administrator included: who could, could
approve documents for a site.
"""

import frappe

from event_streaming.event_streaming.written_by_one import WrittenByOne
from event_streaming.messages.coded import _


class EventStreamingInvitation(WrittenByOne):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from event_streaming.event_streaming.doctype.event_streaming_invitation_row.event_streaming_invitation_row import (
			EventStreamingInvitationRow,
		)

		both_directions: DF.Check
		completed_on: DF.Datetime | None
		copy_existing: DF.Check
		expires_on: DF.Datetime | None
		invited: DF.Data | None
		invited_by: DF.Link | None
		invited_doctypes: DF.Table[EventStreamingInvitationRow]
		only_address: DF.Data | None
		proof_hash: DF.Data | None
		recipe: DF.Data | None
		secret_hash: DF.Data | None
		status: DF.Literal["Open", "Used", "Expired", "Withdrawn"]
		subscriber: DF.Link | None
		used_by_address: DF.Data | None
		used_by_site: DF.Data | None
		used_on: DF.Datetime | None

	# end: auto-generated types
	def refuse(self) -> None:
		if not self.flags.by_inviting:
			frappe.throw(
				_(
					"An invitation is made with Invite a Site, and withdrawn with Withdraw; it is not changed."
				),
				frappe.PermissionError,
			)
