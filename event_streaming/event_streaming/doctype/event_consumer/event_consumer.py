"""A site that takes documents from here: what it asked for, and what it has been allowed.

Checks, registering and messages to the consumer are in `event_streaming.producer.registration.approval` and
`event_streaming.producer.registration.register`; this module only calls them. It never decides what is sent.
"""

import frappe
from frappe.model.document import Document
from frappe.utils import now_datetime

from event_streaming.admin.headlines import headline_of_consumer
from event_streaming.producer.registration import approval, figures, neighbours, overview, register
from event_streaming.site.site_id import claimed_twice


class EventConsumer(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from event_streaming.event_streaming.doctype.event_consumer_document_type.event_consumer_document_type import (
			EventConsumerDocumentType,
		)

		api_key: DF.Data | None
		api_secret: DF.Password | None
		ca_certificate: DF.LongText | None
		callback_url: DF.Data
		claimed_by: DF.Data | None
		consumer_doctypes: DF.Table[EventConsumerDocumentType]
		incoming_change: DF.Check
		last_contact: DF.Datetime | None
		last_error: DF.Text | None
		listens: DF.Check
		needs_copy: DF.Check
		not_reachable: DF.Check
		notify_after: DF.Datetime | None
		notify_failures: DF.Int
		other_site_id: DF.Data | None
		paused: DF.Check
		pending_doctypes: DF.Int
		position: DF.Int
		protocol: DF.Int
		rotate_asked_on: DF.Datetime | None
		rotated_on: DF.Datetime | None
		sent_between: DF.Data | None
		site_id: DF.Data | None
		taken_ahead: DF.LongText | None
		token_state: DF.Literal["", "In Order", "Refused"]
		transport: DF.Data | None
		user: DF.Link

	# end: auto-generated types
	def onload(self):
		self.set_onload("taken", figures.taken_by_doctype(self.name))
		self.set_onload("claimed_twice", claimed_twice(self.site_id, self.doctype, self.name))
		self.set_onload("events_behind", overview.events_behind(self))
		for row in overview.consumers(self.name):
			self.set_onload("headline", headline_of_consumer(row, now_datetime()))
		self.set_onload("standing", standing_of(self.name))

	def validate(self):
		approval.validate_consumer(self)
		# for the list, which can't look into the rows
		self.pending_doctypes = sum(
			row.status == "Pending" and not row.unsubscribed for row in self.consumer_doctypes
		)
		if before := self.get_doc_before_save():
			# the rows are what a person changed: the form's Activity need not tell of their number as well
			before.pending_doctypes = self.pending_doctypes

	def on_update(self):
		approval.consumer_changed(self)

	def before_rename(self, old: str, new: str, merge: bool = False):
		neighbours.refuse_renaming(self, new)

	def before_discard(self):
		neighbours.refuse_decision(self, "docstatus", 2)

	def on_trash(self):
		approval.consumer_removed(self)


@frappe.whitelist(methods=["POST"])
def register_consumer(data: str):
	"""A consumer says what it wants, for the first time or again; answers JSON. Public endpoint."""
	return register.register_from_json(data)


@frappe.whitelist()
def get_standing(event_consumer: str) -> str:
	"""The form asks again and again: changes when the headline, a row that the other site has asked for, or a claim has changed."""
	frappe.has_permission("Event Consumer", "read", event_consumer, throw=True)
	return standing_of(event_consumer)


def standing_of(event_consumer: str) -> str:
	"""What an open form has to show anew when it changes."""
	rows = frappe.get_all(
		"Event Consumer Document Type",
		filters={"parent": event_consumer, "parenttype": "Event Consumer"},
		fields=["ref_doctype", "status", "unsubscribed", "condition", "condition_error", "withheld"],
		order_by="idx asc",
	)
	found = overview.consumers(event_consumer)
	headline = headline_of_consumer(found[0], now_datetime()) if found else {}
	shown = ["paused", "site_id", "other_site_id", "notify_failures"]
	own = frappe.db.get_value("Event Consumer", event_consumer, shown)
	return frappe.as_json([rows, headline, own], indent=None)
