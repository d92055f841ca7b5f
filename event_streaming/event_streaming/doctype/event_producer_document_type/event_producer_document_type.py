"""A row of an Event Producer: one DocType that is wanted, and how it is applied here. Holds no logic."""

from frappe.model.document import Document


class EventProducerDocumentType(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		add_up: DF.SmallText | None
		condition: DF.SmallText | None
		conflict_policy: DF.Literal["Producer Wins", "Consumer Wins", "Newest Wins", "Ask"]
		copied_on: DF.Datetime | None
		copy_existing: DF.Check
		do_not_send: DF.Check
		field_policies: DF.SmallText | None
		fields_this_site_decides: DF.SmallText | None
		has_mapping: DF.Check
		managed_by_producer: DF.Check
		mapping: DF.Link | None
		masked: DF.SmallText | None
		match_by: DF.Data | None
		no_notifications: DF.Check
		not_sent: DF.SmallText | None
		one_by_one: DF.Check
		parent: DF.Data
		parentfield: DF.Data
		parenttype: DF.Data
		priority: DF.Literal["High", "Normal", "Low"]
		ref_doctype: DF.Link
		same_names_until: DF.Datetime | None
		status: DF.Literal["Pending", "Approved", "Rejected"]
		stopped_on: DF.Datetime | None
		together: DF.Check
		unsubscribe: DF.Check
		use_same_name: DF.Check
		when_condition_ends: DF.Literal["Keep", "Remove"]
		withheld: DF.Int

	# end: auto-generated types
	pass
