"""What the doctor looks at of one producer: can this site read it, may it write here, do the documents fit?"""

from collections.abc import Iterator
from datetime import UTC, datetime

import frappe
from frappe.utils import cint

from event_streaming.adapters.doctypes import why_not_subscribe
from event_streaming.admin.doctor import broker, differing, listening, other_site, set_up
from event_streaming.admin.doctor.finding import FAULT, NOTE, OK, WARNING, Finding
from event_streaming.consumer.dependencies import unasked
from event_streaming.consumer.logs import open_rows, overview, state, sync_log
from event_streaming.consumer.mapping.validation import problems_of
from event_streaming.consumer.subscriptions import producer_form
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import Subscription, subscriptions_of
from event_streaming.exceptions import EventStreamingError, NotRegistered
from event_streaming.http.certificates import first_end
from event_streaming.identity.registry import REMOTE_NAME
from event_streaming.messages.coded import _
from event_streaming.site.settings import get_settings
from event_streaming.wire.checks import InvalidPage

RIGHTS = ("create", "write", "delete")


def examine(name: str) -> Iterator[Finding]:
	"""All checks of one Event Producer; what needs the other site comes last."""
	doc = frappe.get_doc("Event Producer", name)
	if cint(doc.paused):
		yield Finding("paused", name, NOTE, _("{0} is paused: nothing is pulled from it.").format(name))
	subscriptions = [each for each in subscriptions_of(doc).values() if not each.unsubscribed]
	yield subscriber(doc)
	yield from not_here(doc, subscriptions)
	subscriptions = [each for each in subscriptions if frappe.db.exists("DocType", each.local_doctype)]
	yield from rights(doc, subscriptions)
	yield from met(doc)
	yield from naming(subscriptions)
	yield from ledgers(subscriptions)
	yield from mappings(subscriptions)
	yield from set_up.value_maps([each.mapping for each in subscriptions if each.mapping])
	yield from other_site.identity(doc, state.load_state(name).other_site_id)
	yield from waiting_for_unasked(doc)
	yield from certificate(doc)
	yield from listening.to_producer(doc)
	yield from broker.from_producer(doc)
	try:
		producer = Producer(doc)
	except EventStreamingError as error:
		yield other_site.connection_fault(doc.name, error)
		return
	try:
		yield from ask(doc, producer, subscriptions)
	finally:
		producer.client.close()


def subscriber(doc) -> Finding:
	try:
		producer_form.validate_subscriber(doc.user)
	except frappe.ValidationError as error:
		frappe.clear_messages()
		return Finding(
			"subscriber",
			doc.user,
			FAULT,
			frappe.utils.strip_html(str(error)),
			_("Correct the user, or choose another Event Subscriber on {0}.").format(doc.name),
		)
	return Finding("subscriber", doc.user, OK, _("The Event Subscriber {0} is in order.").format(doc.user))


def not_here(doc, subscriptions: list[Subscription]) -> Iterator[Finding]:
	"""DocTypes that went with their app."""
	for doctype in dict.fromkeys(each.local_doctype for each in subscriptions):
		if not frappe.db.exists("DocType", doctype):
			yield Finding(
				"fields",
				doctype,
				FAULT,
				_("{0} is in a row of {1}, but does not exist here: such events fail.").format(
					doctype, doc.name
				),
				_("Take the row out, or install the app that the DocType belongs to."),
			)


def rights(doc, subscriptions: list[Subscription]) -> Iterator[Finding]:
	"""What the Event Subscriber may do with each DocType on this site."""
	for doctype in dict.fromkeys(each.local_doctype for each in subscriptions):
		meta = frappe.get_meta(doctype)
		wanted = ("write",) if meta.issingle else RIGHTS
		if meta.is_submittable:
			wanted = (*wanted, "submit", "cancel")
		lacking = [right for right in wanted if not frappe.has_permission(doctype, right, user=doc.user)]
		if lacking:
			yield Finding(
				"permissions",
				doctype,
				FAULT,
				_("{0} has no right here to {1} {2}: such events fail.").format(
					doc.user, ", ".join(lacking), _(doctype)
				),
				_("Give the rights to one of its roles in Role Permissions Manager."),
			)
		else:
			yield Finding(
				"permissions",
				doctype,
				OK,
				_("{0} has all permissions here that events of {1} need.").format(doc.user, _(doctype)),
			)


def met(doc) -> Iterator[Finding]:
	"""What the events have met, whatever the other checks expect of them."""
	counts = overview.open_counts([doc.name])[doc.name]
	failed, retrying = counts[sync_log.FAILED] + counts[sync_log.CONFLICT], counts[sync_log.RETRYING]
	if failed or retrying:
		yield open_events(doc, failed, retrying)
	for doctype, count in overview.withheld_events().get(doc.name, {}).items():
		yield Finding(
			"withheld",
			doctype,
			WARNING,
			_(
				"{0} did not send {1} events of {2}: the user of this connection may not read the documents there."
			).format(doc.name, f"{count:,}", _(doctype)),
			_(
				"Ask its administrator for the right; then verify and repair. If it is intended, Event Consumer there can say so."
			),
		)


def open_events(doc, failed: int, retrying: int) -> Finding:
	errors = open_rows.open_errors(doc.name)
	refused = sum("PermissionError" in error.split("\n", 1)[0] for error in errors)
	message = _("{0} events from {1} have failed or are in conflict, {2} are tried again.").format(
		f"{failed:,}", doc.name, f"{retrying:,}"
	)
	if refused:
		message += " " + _("Of the last {0}, {1} failed because a permission is missing.").format(
			len(errors), refused
		)
	return Finding(
		"events",
		doc.name,
		WARNING if failed else NOTE,
		message,
		_("Read the errors in Event Sync Log, remove the cause, and resync."),
	)


def naming(subscriptions: list[Subscription]) -> Iterator[Finding]:
	for each in subscriptions:
		meta = frappe.get_meta(each.local_doctype)
		if not each.use_same_name and not meta.issingle and not meta.has_field(REMOTE_NAME):
			yield Finding(
				"naming",
				each.local_doctype,
				FAULT,
				_("{0} lacks the fields that say where a document came from.").format(_(each.local_doctype)),
				_("Save the Event Producer again: that makes them."),
			)


def ledgers(subscriptions: list[Subscription]) -> Iterator[Finding]:
	"""Documents that other documents make on each site."""
	for each in subscriptions:
		if reason := why_not_subscribe(each.local_doctype):
			yield Finding(
				"made by others",
				each.local_doctype,
				WARNING,
				reason,
				_("Take {0} out of the Event Producer, or tick Unsubscribe in its row.").format(
					_(each.local_doctype)
				),
			)


def mappings(subscriptions: list[Subscription]) -> Iterator[Finding]:
	for each in subscriptions:
		if not each.mapping:
			continue
		problems = problems_of(frappe.get_doc("Document Type Mapping", each.mapping))
		if problems:
			yield Finding(
				"mapping",
				each.mapping,
				FAULT,
				_("The mapping {0} can't be used: {1}").format(each.mapping, " ".join(problems)),
				_("Correct these rows of the Document Type Mapping."),
			)


def waiting_for_unasked(doc) -> Iterator[Finding]:
	"""DocTypes that do not come unasked, and that events wait for."""
	open_errors = open_rows.open_errors(doc.name)
	for entry in unasked.unasked_of(doc, subscriptions_of(doc)).reached().values():
		waiting = (
			sum(unasked.not_brought(entry.doctype) in error for error in open_errors) if entry.refused else 0
		)
		if waiting:
			yield Finding(
				"unasked",
				entry.doctype,
				WARNING,
				_("{0} events wait for documents of {1}, which do not come unasked: {2}.").format(
					waiting, _(entry.doctype), frappe.utils.strip_html(entry.refused)
				),
				_(
					"On the Event Producer add a row for {0}, or put {1} of {2} into Fields This Site Decides; or make the"
					" documents here. Then resync."
				).format(_(entry.doctype), entry.way[1], _(entry.way[0])),
			)


def certificate(doc) -> Iterator[Finding]:
	"""The authority's certificate that was pasted is about to end: nothing else is trusted for the connection."""
	end = first_end(doc.ca_certificate)
	if end and end - datetime.now(UTC) < other_site.SOON:
		yield Finding(
			"certificate",
			doc.name,
			WARNING if end > datetime.now(UTC) else FAULT,
			_("A certificate in CA Certificate of {0} ends, or has ended, on {1}.").format(
				doc.name, end.date()
			),
			_("Paste the authority's new certificate beside it, before the other site uses it."),
		)


def ask(doc, producer: Producer, subscriptions: list[Subscription]) -> Iterator[Finding]:
	"""What only the producer can tell."""
	answer = other_site.ask(producer.client, doc.name)
	yield from answer.findings
	if not answer.facts:
		return
	try:
		described = producer.describe([each.remote_doctype for each in subscriptions])
	except NotRegistered as error:
		yield Finding(
			"registration",
			doc.name,
			FAULT,
			str(error),
			_(
				"Save the Event Producer: that registers this site again. If this site has moved to another address, its old Event Consumer there can be deleted afterwards."
			),
		)
		return
	except (EventStreamingError, InvalidPage) as error:
		yield Finding(
			"registration", doc.name, FAULT, str(error), _("See Error Log on {0}.").format(doc.name)
		)
		return
	yield from record(doc, described)
	for each in subscriptions:
		yield from subscription(doc, each, described)


def record(doc, described: dict) -> Iterator[Finding]:
	"""What the producer has on record for this site."""
	if described.get("paused"):
		yield Finding(
			"registration",
			doc.name,
			WARNING,
			_("The administrator of {0} has paused this site: nothing is sent.").format(doc.name),
			_("Ask for Paused to be cleared on the Event Consumer there."),
		)
	if cint(described.get("notify_failures")) and not get_settings().not_reachable:
		yield Finding(
			"notifications",
			doc.name,
			WARNING,
			_("{0} could not notify this site {1} times in a row: {2}").format(
				doc.name, cint(described["notify_failures"]), str(described.get("last_error") or "")[:500]
			),
			_(
				"Events come with the pull of every minute only. Correct Public URL, the keys on the Event Consumer there, or what stands between the sites; or tick Other Sites Cannot Reach This Site."
			),
		)
	else:
		yield Finding("registration", doc.name, OK, _("This site is registered with {0}.").format(doc.name))


def subscription(doc, wanted: Subscription, described: dict) -> Iterator[Finding]:
	"""Approval, condition, the right to read, and the fields of one DocType."""
	remote = wanted.remote_doctype
	on_record = (described.get("subscriptions") or {}).get(remote) or {}
	if on_record.get("status") != "Approved":
		yield Finding(
			"approval",
			remote,
			WARNING,
			_("{0} has not approved {1}: nothing of it is sent.").format(doc.name, remote),
			_("Ask its administrator to set the row of the Event Consumer to Approved."),
		)
	if error := (described.get("condition_errors") or {}).get(remote):
		yield Finding(
			"condition",
			remote,
			FAULT,
			_("The condition for {0} raises an error, so that nothing is sent: {1}").format(
				remote, str(error)[:500]
			),
			_("Correct the condition on the Event Producer; it has to be approved again then."),
		)
	yield from differing.examine(doc.name, wanted, described["doctypes"].get(remote), doc.user)
