"""A site that documents are taken from: what is wanted of it, and in whose name.

Checks, registration and the pull are in `event_streaming.consumer`; this module only calls them. It never talks to
the other site and never applies an event. The functions at the end are public names: scripts and other sites use them.
"""

from dataclasses import asdict

import frappe
from frappe.model.document import Document
from frappe.utils import now_datetime

from event_streaming.admin.headlines import headline_of
from event_streaming.admin.remote import told_in_the_desk
from event_streaming.broker.checking import refuse_without_package, refuse_wrong_servers
from event_streaming.consumer.checking import checker
from event_streaming.consumer.dependencies import unasked
from event_streaming.consumer.first_copy import copying, linking
from event_streaming.consumer.logs import figures, overview, state
from event_streaming.consumer.logs.state import PullState
from event_streaming.consumer.managed.rows import forget_managed
from event_streaming.consumer.pull import by_hand, requests
from event_streaming.consumer.subscriptions import asking, producer_form, registration
from event_streaming.consumer.tasks import task
from event_streaming.consumer.verify import repair, verifying
from event_streaming.site import audit
from event_streaming.site.address import public_url
from event_streaming.site.settings import get_settings
from event_streaming.site.site_id import claimed_twice, refuse_if_for_another

# the rows of the audit log
KEYS = {"producer_doctypes": "ref_doctype"}


class EventProducer(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from event_streaming.event_streaming.doctype.event_producer_document_type.event_producer_document_type import (
			EventProducerDocumentType,
		)

		also_bring: DF.SmallText | None
		api_key: DF.Data
		api_secret: DF.Password
		ca_certificate: DF.LongText | None
		incoming_change: DF.Check
		most_kb_per_second: DF.Int
		nats_password: DF.Password | None
		nats_servers: DF.SmallText | None
		nats_user: DF.Data | None
		never_bring: DF.SmallText | None
		only_between: DF.Data | None
		only_between_for: DF.Literal["Low Rows", "All Rows"]
		paused: DF.Check
		producer_doctypes: DF.Table[EventProducerDocumentType]
		producer_url: DF.Data
		site_id: DF.Data | None
		transport: DF.Literal["", "NATS"]
		user: DF.Link
		verify_by_itself: DF.Literal["", "Every Day", "Every Week"]
		verify_doctypes: DF.SmallText | None
		verify_from_hour: DF.Int
		verify_full_every: DF.Int
		verify_repair: DF.Literal["", "Missing and Different", "Also Extra"]
		verify_report_to: DF.SmallText | None
		verify_share: DF.Literal["Everything", "What Has Changed", "A Seventh", "A Thirtieth"]
		workers: DF.Int

	# end: auto-generated types
	def onload(self):
		self.set_onload("state", asdict(state.load_state(self.name)))
		self.set_onload("public_url", public_url())
		self.set_onload("unasked", unasked.shown(self))
		for row in overview.producers(self.name):
			self.set_onload("headline", headline_of(row, public_url(), now_datetime()))
			self.set_onload("line", {key: row[key] for key in ("bytes_per_second", "bytes_allowed")})
		self.set_onload("standing", standing_of(self.name))
		self.set_onload("claimed_twice", claimed_twice(self.site_id, self.doctype, self.name))
		self.set_onload("last_hour", figures.applied_in_the_last_hour(self.name))

	def before_insert(self):
		# the document is named by its URL before `validate` runs
		producer_form.validate_producer(self)

	def validate(self):
		audit.notice_secrets(self)
		producer_form.validate_producer(self)
		unasked.validate(self)
		refuse_wrong_servers(self, "nats_servers")
		refuse_without_package(self)
		producer_form.warn_of_ledgers(self)

	def on_update(self):
		forget_managed()
		was = state.load_state(self.name)
		registration.producer_changed(self)
		self.pull_if_mended(was)
		# the statuses are the other site's to say
		audit.record_save(self, audit.SUBSCRIPTION_CHANGED, ("incoming_change", "status"), KEYS)

	def pull_if_mended(self, was: PullState) -> None:
		"""What was waiting for corrected keys or another address need not wait for its next attempt."""
		stood = was.connection in (state.REFUSED, state.OFFLINE)
		if stood and not self.paused and state.load_state(self.name).connection == state.ONLINE:
			requests.request_pull(self.name, by_hand=True)

	def on_trash(self):
		forget_managed()
		registration.producer_removed(self)
		audit.record(audit.DELETED, self.doctype, self.name, audit.differences(None, self, (), KEYS)[1])


@frappe.whitelist()
def new_event_notification(producer_url: str):
	"""A producer says that there is something to pull. Public endpoint."""
	refuse_if_for_another()
	return requests.notified(producer_url)


@frappe.whitelist(methods=["POST"])
def pull_from_node(event_producer: str):
	"""Pull from one producer, here and now; if a pull is under way, when that is over. Public name."""
	frappe.only_for("System Manager")
	return asdict(requests.pull_here(event_producer, wait_seconds=get_settings().slice_seconds))


def pull_producer_data():
	"""Pull from every producer, here and now. Public name."""
	return requests.pull_all()


@frappe.whitelist(methods=["POST"])
def resync(update: str | dict) -> str:
	"""Try an event again: the old app's call, with an Event Sync Log as JSON. Public name."""
	frappe.only_for("System Manager")
	return by_hand.resync(update)


@frappe.whitelist(methods=["POST"])
def pull_now(event_producer: str):
	"""The form's button: have a background job pull."""
	frappe.only_for("System Manager")
	return requests.request_pull(event_producer, by_hand=True)


@frappe.whitelist(methods=["POST"])
def test_connection(event_producer: str) -> dict:
	"""The form's button: ask the producer for events without applying any."""
	frappe.only_for("System Manager")
	with told_in_the_desk():
		return asking.test_connection(event_producer)


@frappe.whitelist(methods=["POST"])
def start_copy(
	event_producer: str, doctypes: str | list | None = None, filters: str | dict | list | None = None
) -> dict:
	"""The form's button: have a background job bring over documents that exist already."""
	frappe.only_for("System Manager")
	return copying.start_copy(event_producer, doctypes, filters)


@frappe.whitelist()
def get_copy_progress(event_producer: str) -> dict | None:
	"""How far the last copy has got."""
	frappe.only_for("System Manager")
	return copying.get_copy_progress(event_producer)


@frappe.whitelist(methods=["POST"])
def stop_copy(event_producer: str) -> bool:
	"""The form's button: stop the copy that is under way."""
	frappe.only_for("System Manager")
	return copying.stop_copy(event_producer)


@frappe.whitelist(methods=["POST"])
def preview_match(event_producer: str, doctypes: str | list | None = None) -> list[dict]:
	"""The form's button: what Match By would link, and what not and why. Changes nothing."""
	frappe.only_for("System Manager")
	with told_in_the_desk():
		return linking.preview_match(event_producer, doctypes)


@frappe.whitelist(methods=["POST"])
def start_match(event_producer: str, doctypes: str | list | None = None) -> None:
	"""The form's button: have a background job link what the preview shows."""
	frappe.only_for("System Manager")
	linking.request_match(event_producer, doctypes)


@frappe.whitelist(methods=["POST"])
def start_verify(
	event_producer: str,
	doctypes: str | list | None = None,
	filters: str | dict | list | None = None,
	what_has_changed: bool | int = False,
) -> dict:
	"""The form's button: have a background job compare the documents of both sites, or those that have changed."""
	frappe.only_for("System Manager")
	changed = bool(frappe.utils.cint(what_has_changed))
	return verifying.start_verify(event_producer, doctypes, filters, changed)


@frappe.whitelist(methods=["POST"])
def start_check(event_producer: str, doctypes: str | list | None = None) -> dict:
	"""The form's button: have a background job check what a first copy will meet. Changes nothing."""
	frappe.only_for("System Manager")
	return checker.start_check(event_producer, doctypes)


@frappe.whitelist(methods=["POST"])
def start_repair(
	event_producer: str,
	delete_extra: bool | int = False,
	verify_task: str | None = None,
	kinds: str | list | None = None,
) -> dict:
	"""The form's button: have a background job bring in line what a verify has compared, by default the last.

	`kinds`: of Missing, Different and Extra those that are mended, by default all.
	"""
	frappe.only_for("System Manager")
	chosen = None if kinds is None else frappe.parse_json(kinds)
	return repair.start_repair(event_producer, bool(frappe.utils.cint(delete_extra)), verify_task, chosen)


@frappe.whitelist()
def get_standing(event_producer: str) -> str:
	"""The form asks again and again: changes when a status, the headline or the number of failed events has changed."""
	frappe.only_for("System Manager")
	return standing_of(event_producer)


def standing_of(event_producer: str) -> str:
	"""What an open form has to show anew when it changes."""
	rows = frappe.get_all(
		"Event Producer Document Type",
		filters={"parent": event_producer, "parenttype": "Event Producer"},
		fields=["ref_doctype", "status", "withheld"],
		order_by="idx asc",
	)
	found = overview.producers(event_producer)
	headline = headline_of(found[0], public_url(), now_datetime()) if found else {}
	return frappe.as_json([rows, headline, found[0]["connection"] if found else ""], indent=None)


@frappe.whitelist()
def get_progress(event_producer: str) -> list[dict]:
	"""How far the last task of each kind has got."""
	frappe.only_for("System Manager")
	return task.progress_of_all(event_producer)


@frappe.whitelist(methods=["POST"])
def stop_task(event_producer: str, kind: str) -> bool:
	"""The form's button: stop the task of a kind that is under way."""
	frappe.only_for("System Manager")
	return task.stop(event_producer, kind)
