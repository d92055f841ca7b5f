"""One life of this site's log, between two restores. Written by `event_streaming.producer.log.epochs` alone; holds no logic."""

from frappe.model.document import Document


class EventLogEpoch(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		elsewhere: DF.Check
		goes_on_after: DF.Int
		reason: DF.SmallText | None
		same_up_to: DF.Int

	# end: auto-generated types
	pass
