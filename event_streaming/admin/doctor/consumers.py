"""What the doctor looks at of one consumer: may its user read, does it come, can it be reached?"""

from collections.abc import Iterator
from datetime import timedelta

import frappe
from frappe.utils import cint, now_datetime

from event_streaming.admin.doctor import listening, other_site
from event_streaming.admin.doctor.finding import FAULT, NOTE, OK, WARNING, Finding
from event_streaming.admin.words import at
from event_streaming.exceptions import EventStreamingError, RemoteRefused
from event_streaming.messages.coded import _
from event_streaming.producer.registration.hidden_fields import notes_on
from event_streaming.producer.subscriptions.calling import client_of
from event_streaming.site.address import public_url
from event_streaming.site.roles import ADMIN, ADMINISTRATOR, SUBSCRIBER, may_subscribe, still_let_in
from event_streaming.site.settings import get_settings
from event_streaming.wire.pages import PROTOCOL
from event_streaming.wire.paths import ABOUT, CONFIRM


def examine(name: str) -> Iterator[Finding]:
	"""All checks of one Event Consumer; what needs the other site comes last."""
	doc = frappe.get_doc("Event Consumer", name)
	rows = [row for row in doc.consumer_doctypes if not cint(row.unsubscribed)]
	if cint(doc.paused):
		yield Finding("paused", name, NOTE, _("{0} is paused: nothing is sent to it.").format(name))
	if pending := [row.ref_doctype for row in rows if (row.status or "Pending") == "Pending"]:
		yield Finding(
			"approval",
			name,
			WARNING,
			_("{0} waits for a decision about {1}.").format(name, ", ".join(pending)),
			_("Set Approval Status on the Event Consumer, or: event-streaming approve {0}").format(name),
		)
	approved = [row for row in rows if row.status == "Approved"]
	yield user(doc)
	for row in approved:
		yield from one_doctype(doc, row)
		yield from hidden(doc, row)
	yield contact(doc, bool(approved))
	yield from other_site.identity(doc, doc.other_site_id)
	yield from call(doc)


def let_in() -> Iterator[Finding]:
	"""Users of connections that are no more."""
	for name, doctypes in still_let_in().items():
		yield Finding(
			"left behind",
			name,
			WARNING,
			_(
				"The user {0} was made for a connection that is no more, and its keys still let that site read {1} here."
			).format(name, ", ".join(_(doctype) for doctype in doctypes)),
			_("If the site is not to come back, delete the user, or take its roles away."),
		)


def user(doc) -> Finding:
	enabled = frappe.db.get_value("User", doc.user, "enabled")
	if not enabled or not may_subscribe(doc.user):
		return Finding(
			"subscriber",
			doc.user,
			FAULT,
			_("The user {0} of {1} is disabled, or does not have the role {2} here.").format(
				doc.user, doc.name, SUBSCRIBER
			),
			_("Enable the user and give it the role {0}.").format(SUBSCRIBER),
		)
	if doc.user == ADMINISTRATOR:
		return Finding(
			"subscriber",
			doc.user,
			WARNING,
			_("{0} takes documents as Administrator: whoever has its keys may do everything here.").format(
				doc.name
			),
			_(
				"Make a user of its own on both sites, here with the role {0}, and choose it on the Event Producer there."
			).format(SUBSCRIBER),
		)
	if ADMIN in frappe.get_roles(doc.user):
		return Finding(
			"subscriber",
			doc.user,
			NOTE,
			_(
				"The user {0} of {1} is a System Manager here. The role {2} and the rights on what it reads are enough."
			).format(doc.user, doc.name, SUBSCRIBER),
		)
	return Finding("subscriber", doc.user, OK, _("The user {0} is in order.").format(doc.user))


def one_doctype(doc, row) -> Iterator[Finding]:
	if row.condition_error:
		yield Finding(
			"condition",
			row.ref_doctype,
			FAULT,
			_("The condition for {0} raises an error, so that nothing is sent: {1}").format(
				row.ref_doctype, row.condition_error
			),
			_("Correct what it refers to here, or ask {0} to change the condition.").format(doc.name),
		)
	if not frappe.db.exists("DocType", row.ref_doctype):
		yield Finding(
			"fields",
			row.ref_doctype,
			FAULT,
			_("{0} is approved for {1}, but does not exist here.").format(row.ref_doctype, doc.name),
			_("Reject the row, or install the app that the DocType belongs to."),
		)
	elif not frappe.has_permission(row.ref_doctype, "read", user=doc.user):
		yield Finding(
			"permissions",
			row.ref_doctype,
			FAULT,
			_("{0} may not read {1} here: its events are held back.").format(doc.user, row.ref_doctype),
			_("Give the right to one of its roles in Role Permissions Manager."),
		)
	elif row.withheld and not row.withholding_meant:
		yield Finding(
			"withheld",
			row.ref_doctype,
			WARNING,
			_("{0} may not read {1} events of {2}: they are not sent to {3}.").format(
				doc.user, f"{row.withheld:,}", _(row.ref_doctype), doc.name
			),
			_("Give it the right, then verify and repair there; or tick Withholding Is Intended in the row."),
		)


def hidden(doc, row) -> Iterator[Finding]:
	"""What is not sent to the consumer: does it exist, does the consumer get on without it, is there another way to it?"""
	for note in notes_on(row, doc.user):
		yield Finding(
			"fields not sent",
			row.ref_doctype,
			WARNING,
			frappe.utils.strip_html(note),
			_("See Fields Not Sent and Fields Masked in the row of the Event Consumer {0}.").format(doc.name),
		)


def contact(doc, active: bool) -> Finding:
	if not active:
		return Finding("contact", doc.name, NOTE, _("Nothing is approved for {0}.").format(doc.name))
	before = now_datetime() - timedelta(days=get_settings().alert_silent_days)
	if (doc.last_contact or doc.creation) < before:
		return Finding(
			"contact",
			doc.name,
			WARNING,
			_("{0} last asked for events {1}. The log is kept for it, and grows.").format(
				doc.name, at(doc.last_contact)
			),
			_(
				"Check on that site that it is up, that its scheduler runs and that its Event Producer is not paused. If the site is gone for good, delete the Event Consumer."
			),
		)
	return Finding(
		"contact",
		doc.name,
		OK,
		_("{0} last asked for events {1}.").format(doc.name, at(doc.last_contact)),
	)


def call(doc) -> Iterator[Finding]:
	"""Ask the consumer itself, with its token, or with its keys."""
	if cint(doc.not_reachable):
		yield listening.from_consumer(doc)
		return
	if cint(doc.protocol) < PROTOCOL:
		yield other_site.older(doc.name)
		return
	try:
		client = client_of(doc)
	except RemoteRefused as error:
		yield token_fault(doc, error)
		return
	except EventStreamingError as error:
		yield other_site.connection_fault(doc.name, error)
		return
	try:
		asked = (CONFIRM, {"producer_url": public_url()}) if doc.token_state else (ABOUT, {})
		for finding in other_site.ask(client, doc.name, *asked).findings:
			yield finding if finding.check != "keys" else token_fault(doc, finding.message)
	finally:
		client.close()


def token_fault(doc, error: object) -> Finding:
	"""It can't be called: what to do depends on whether it gives tokens."""
	if doc.api_key and not doc.token_state:
		return other_site.connection_fault(doc.name, RemoteRefused(str(error)))
	return Finding(
		"keys",
		doc.name,
		FAULT,
		str(error),
		_(
			"Wait for its next pull. If the token is refused again, a proxy between the sites removes or changes the header"
			" X-Event-Streaming-Token."
		),
	)
