"""How this site is reached, and how much it sends and takes at a time. Read through `event_streaming.site.settings`, which
knows the defaults and bounds; nothing here changes a running pull."""

import frappe
from frappe.model.document import Document

from event_streaming.broker.checking import refuse_wrong_servers
from event_streaming.messages.coded import _
from event_streaming.site import audit
from event_streaming.site.address import public_url, web_address, why_no_address
from event_streaming.wire.broker.grants import NATS


class EventStreamingSettings(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		alert_events_behind: DF.Int
		alert_failed_events: DF.Int
		alert_silent_days: DF.Int
		alert_unreachable_minutes: DF.Int
		commit_milliseconds: DF.Int
		connect_timeout: DF.Int
		events_per_commit: DF.Int
		events_per_page: DF.Int
		keep_days_for_silent: DF.Int
		listen_through: DF.Literal["Realtime", "NATS", "Off"]
		max_attempts: DF.Int
		max_file_megabytes: DF.Int
		metrics_role: DF.Link | None
		missing_user: DF.Literal["Create a disabled user", "Use the Event Subscriber", "Fail"]
		nats_days: DF.Int
		nats_password: DF.Password | None
		nats_reader: DF.Data | None
		nats_reader_password: DF.Password | None
		nats_reader_servers: DF.SmallText | None
		nats_replicas: DF.Int
		nats_servers: DF.SmallText | None
		nats_user: DF.Data | None
		no_alerts: DF.Check
		not_reachable: DF.Check
		page_kilobytes: DF.Int
		public_url: DF.Data | None
		queue: DF.Literal["short", "default", "long"]
		quiet_after_hours: DF.Int
		read_timeout: DF.Int
		realtime_port: DF.Int
		site_id: DF.Data | None
		slice_seconds: DF.Int
		verify_after_restore: DF.Check

	# end: auto-generated types
	def onload(self):
		self.set_onload("public_url", public_url())

	def validate(self):
		url, before = web_address(self.public_url), self.get_doc_before_save()
		changed = not before or before.public_url != self.public_url
		if self.public_url and (not url or (changed and why_no_address(self.public_url))):
			frappe.throw(
				_("Public URL must be an address such as https://erp.example.com")
				+ f". {why_no_address(self.public_url)}"
			)
		self.public_url = url or None
		# as stored, also where this is an insert, which knows nothing of before: REST's POST is one
		self.site_id = frappe.db.get_single_value(self.doctype, "site_id", cache=False)

		refuse_wrong_servers(self, "nats_servers", "nats_reader_servers")
		if self.listen_through == NATS and not self.nats_servers:
			frappe.throw(
				_("Consumers can listen through NATS only where NATS Servers are entered, under Broker.")
			)

	def on_update(self):
		audit.record_save(self, audit.SETTINGS_CHANGED)


@frappe.whitelist()
def this_site() -> str:
	"""The address under which this site registers itself with producers."""
	frappe.only_for("System Manager")
	return public_url()
