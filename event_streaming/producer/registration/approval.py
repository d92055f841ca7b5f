"""What consumers subscribe to and what they are allowed: the Event Consumer document.

Its rows decide what is sent; what a request asks for never does. Keeps a status from being set by the other site, marks
where a subscription starts, and tells the consumer what the admin has decided.
"""

import json

import frappe
from frappe.utils import cint, get_link_to_form

from event_streaming.exceptions import EventStreamingError, RemoteError
from event_streaming.http.allowed import checked_authorities
from event_streaming.http.client import SiteClient
from event_streaming.messages.coded import _
from event_streaming.producer.log.sequence import head_position
from event_streaming.producer.notify import notifications
from event_streaming.producer.registration import audited, neighbours
from event_streaming.producer.registration.forgetting import forget_later
from event_streaming.producer.registration.hidden_fields import (
	DECIDED,
	refuse_removal_by_consumer,
	settle_hidden,
)
from event_streaming.producer.registration.neighbours import COUNTERS, ITS_OWN, NOTED
from event_streaming.producer.subscriptions import conditions
from event_streaming.producer.subscriptions.calling import client_of
from event_streaming.producer.subscriptions.hidden import of_row
from event_streaming.producer.subscriptions.reader import subscriptions_of
from event_streaming.producer.subscriptions.streamed import (
	APPROVED,
	CONSUMER,
	PENDING,
	refresh_streamed_doctypes,
)
from event_streaming.site import audit
from event_streaming.site.address import normalise_url, public_url, why_no_address
from event_streaming.site.refused import refuse_system_doctypes
from event_streaming.site.roles import still_let_in
from event_streaming.wire.pages import PROTOCOL
from event_streaming.wire.paths import UPDATE_STATUS

CALL_SECONDS = 10


def validate_consumer(doc) -> None:
	"""Called by the document's `validate`: addresses, DocTypes and conditions; who may set a status; where to start."""
	neighbours.hold_to_wishes(doc)
	audit.notice_secrets(doc)
	try:
		doc.callback_url = normalise_url(doc.callback_url)
	except ValueError:
		frappe.throw(_("Callback URL: {0}").format(why_no_address(doc.callback_url)))
	doc.ca_certificate = checked_authorities(doc.ca_certificate)
	seen: set[str] = set()
	for row in doc.consumer_doctypes:
		if row.ref_doctype in seen:
			frappe.throw(_("Row {0}: {1} is there twice.").format(row.idx, row.ref_doctype))
		seen.add(row.ref_doctype)
	before = doc.get_doc_before_save()
	rows_before = {row.ref_doctype: row for row in before.consumer_doctypes} if before else {}
	if before:
		_keep_counters(doc, before)
	settle_hidden(doc, rows_before)
	for row in doc.consumer_doctypes:
		_settle_row(doc, row, rows_before.get(row.ref_doctype))
	for row in doc.consumer_doctypes:
		_check_condition(doc, row, rows_before.get(row.ref_doctype))
	doc.incoming_change = 0


def consumer_changed(doc) -> None:
	"""Called by the document's `on_update`: every process learns the new set, and the consumer its new statuses."""
	frappe.db.after_commit.add(refresh_streamed_doctypes)
	audited.record_changes(doc)
	before = doc.get_doc_before_save()
	if (
		doc.flags.from_consumer
		or doc.flags.from_consumer_refused
		or not before
		or subscriptions_of(before) == subscriptions_of(doc)
	):
		return
	if _can_be_told(doc):
		# not now: the consumer may be waiting for the rows that are locked here, and hold those that it would write
		name = doc.name
		frappe.db.after_commit.add(lambda: tell_consumer(name))
	elif cint(doc.listens):
		name = doc.name
		frappe.db.after_commit.add(lambda: notifications.wake(name))
	frappe.db.after_commit.add(notifications.ask_for_look)


def consumer_removed(doc) -> None:
	"""Called by the document's `on_trash`: nothing is kept or logged for it any more."""
	neighbours.refuse_removal(doc)
	refuse_removal_by_consumer(doc)
	audit.record(
		audit.DELETED, CONSUMER, doc.name, audit.differences(None, doc, audited.IGNORED, audited.KEYS)[1]
	)
	frappe.db.after_commit.add(refresh_streamed_doctypes)
	forget_later(doc.name)
	if doctypes := still_let_in(without=doc.name).get(doc.user):
		frappe.msgprint(
			_(
				"The keys of {0} still let that site read {1} over Frappe's REST API. If the site is not to come back, delete the user, or take its roles away."
			).format(get_link_to_form("User", doc.user), ", ".join(_(doctype) for doctype in doctypes)),
			indicator="orange",
			title=_("Its User Can Still Read Here"),
		)


def _keep_counters(doc, before) -> None:
	"""Pages and notifications go on writing these while a form is open. Frappe reads the document before it is saved with a
	lock: that is how it is now, and stays until the end of the transaction."""
	for fieldname in COUNTERS if doc.flags.from_consumer else (*COUNTERS, *ITS_OWN):
		doc.set(fieldname, before.get(fieldname))


def _settle_row(doc, row, before) -> None:
	from_other_site = doc.flags.from_consumer or cint(doc.incoming_change)
	if before is None:
		if from_other_site or not row.status or cint(row.not_asked):
			row.status = PENDING
		refuse_system_doctypes([row.ref_doctype])
	else:
		for fieldname in NOTED:
			row.set(fieldname, before.get(fieldname))
		if from_other_site:
			row.status = before.status
		if cint(row.not_asked) or cint(before.not_asked):
			# nobody asks for it; and asked for again, it is as a new row
			row.status = PENDING
		if (row.condition or "") != (before.condition or ""):
			row.condition_error = None
			if row.status == before.status:
				row.status = PENDING
	if row.status == APPROVED and not (
		before and before.status == APPROVED and (row.condition or "") == (before.condition or "")
	):
		# not before: only now somebody has looked at what the other site has written
		conditions.check_function(row.condition)
		# the DocType may have come, or have lost a field, since it was asked for
		conditions.check(row.condition, row.ref_doctype, of_row(row, doc.name))
	if _flows(row) and not _flows(before):
		row.from_position = head_position()
		row.withheld, row.withheld_position = 0, row.from_position


def _check_condition(doc, row, before) -> None:
	"""One that is new, or that may ask for what is hidden from now on."""
	watched = ("condition", *DECIDED)
	if before is None or any((row.get(field) or "") != (before.get(field) or "") for field in watched):
		conditions.check(row.condition, row.ref_doctype, of_row(row, doc.name))


def _flows(row) -> bool:
	return bool(row and row.status == APPROVED and not cint(row.unsubscribed))


def _can_be_told(doc) -> bool:
	"""Whether it can be called; the person who has decided hears when it can't be, and does not listen either."""
	if not cint(doc.not_reachable):
		return True
	if cint(doc.listens):
		return False
	frappe.msgprint(
		_("{0} can't be reached from here: it learns this the next time it asks for events.").format(
			doc.callback_url
		),
		indicator="blue",
		alert=True,
	)
	return False


def tell_consumer(event_consumer: str) -> bool:
	"""Tell the consumer, after the commit, what is on record for it; if it can't be told, it learns it with its next pull.

	Never raises: what was decided is stored by now.
	"""
	client = None
	try:
		doc = frappe.get_doc(CONSUMER, event_consumer)
		client = client_of(doc)
		if cint(doc.protocol) >= PROTOCOL:
			args = {"producer_url": public_url(), "subscriptions": json.dumps(subscriptions_of(doc))}
			client.call(UPDATE_STATUS, args, timeout=CALL_SECONDS)
		else:
			_tell_old_consumer(client, doc)
	except frappe.DoesNotExistError:
		# deleted in the same transaction
		frappe.clear_last_message()
		return False
	except Exception as error:
		reason = str(error) if isinstance(error, EventStreamingError) else type(error).__name__
		_say_not_told(event_consumer, reason)
		return False
	finally:
		if client:
			client.close()
	return True


def _say_not_told(event_consumer: str, reason: str) -> None:
	"""To the person who has saved. In a web request the answer is made before the commit: in the Desk it comes by itself."""
	message = _("Saved, but {0} could not be informed: {1} It learns of it with its next pull.").format(
		event_consumer, reason
	)
	frappe.msgprint(message, indicator="orange", alert=True)
	if getattr(frappe.local, "request", None):
		shown = {"message": message, "indicator": "orange", "alert": True}
		frappe.publish_realtime("msgprint", shown, user=frappe.session.user)


def _tell_old_consumer(client: SiteClient, doc) -> None:
	"""The way of the old app: change the Event Producer over there, which is named by the address that it has for us."""
	producer = client.get_document("Event Producer", public_url(), timeout=CALL_SECONDS)
	if not producer:
		raise RemoteError(_("{0} has no Event Producer for {1}.").format(doc.callback_url, public_url()))
	statuses = {row.ref_doctype: row.status for row in doc.consumer_doctypes}
	rows = [row for row in producer.get("producer_doctypes") or [] if isinstance(row, dict)]
	for row in rows:
		remote_doctype = row.get("ref_doctype")
		if cint(row.get("has_mapping")) and row.get("mapping"):
			mapping = client.get_document("Document Type Mapping", str(row["mapping"]), timeout=CALL_SECONDS)
			remote_doctype = mapping.get("remote_doctype") or remote_doctype
		row["status"] = statuses.get(remote_doctype, row.get("status"))
	values = {"producer_doctypes": rows, "incoming_change": 1}
	client.update_document("Event Producer", public_url(), values, timeout=CALL_SECONDS)
