"""What an administrator decides: which DocTypes a consumer gets, and whether a stream stands still for a while."""

import frappe
from frappe.utils import cint

from event_streaming.consumer.logs import state
from event_streaming.consumer.pull.requests import request_pull
from event_streaming.messages.coded import _
from event_streaming.producer.notify import notifications
from event_streaming.producer.registration.neighbours import refuse_decision
from event_streaming.site import audit
from event_streaming.site.address import normalise_url
from event_streaming.site.settings import DOCTYPE as SETTINGS
from event_streaming.site.site_id import make_id, own_id

PRODUCER, CONSUMER = "Event Producer", "Event Consumer"
APPROVED, REJECTED, PENDING = "Approved", "Rejected", "Pending"


def approve(event_consumer: str, doctypes: list[str] | None = None, status: str = APPROVED) -> dict[str, str]:
	"""Approve (or reject) DocTypes for a consumer; without `doctypes` all that wait for a decision.

	Returns DocType -> status for those that have changed. The consumer is told at once; where it can't be, a message
	says so. Raises frappe.DoesNotExistError for a consumer or a DocType that has not registered.
	"""
	# another decision that is being made waits for this one, or this one for it
	doc = frappe.get_doc(CONSUMER, existing(CONSUMER, event_consumer), for_update=True)
	doc.check_permission("write")
	rows = {row.ref_doctype: row for row in doc.consumer_doctypes}
	if missing := [doctype for doctype in doctypes or () if doctype not in rows]:
		frappe.throw(
			_("{0} has not asked for {1}. It asks for: {2}").format(
				doc.name, ", ".join(missing), ", ".join(rows)
			),
			frappe.DoesNotExistError,
		)
	wanted = (
		[rows[doctype] for doctype in doctypes]
		if doctypes
		else [
			row for row in rows.values() if (row.status or PENDING) == PENDING and not cint(row.unsubscribed)
		]
	)
	changed = [row for row in wanted if row.status != status]
	for row in changed:
		row.status = status
	if changed:
		doc.save()
	return {row.ref_doctype: row.status for row in changed}


def set_paused(doctype: str, name: str, paused: bool) -> bool:
	"""Let a stream stand still, or go on; returns whether that changed anything. Who did it stands on the document.

	It asks nothing of the other site and checks nothing else of the document: stopping has to work when much is wrong.
	"""
	doc = frappe.get_doc(doctype, existing(doctype, name))
	doc.check_permission("write")
	if bool(cint(doc.paused)) == paused:
		return False
	if doctype == CONSUMER:
		refuse_decision(doc, "paused", int(paused))
	doc.db_set("paused", int(paused), notify=True)
	what = audit.PAUSED if paused else audit.RESUMED
	audit.record(what, doctype, doc.name, {"paused": int(not paused)}, {"paused": int(paused)})
	said = _("{0} has paused this.") if paused else _("{0} has resumed this.")
	doc.add_comment("Info", said.format(frappe.session.user))
	if not paused and doctype == PRODUCER:
		request_pull(doc.name, by_hand=True)
	elif not paused:
		frappe.db.after_commit.add(notifications.ask_for_look)
	return True


def accept_site(doctype: str, name: str, site_id: str) -> None:
	"""Another site has taken the place of the one that a connection is with: go on with it.

	`site_id` is the one that the person has seen; it has to be the one that was refused last. Who did it stands on the document.
	"""
	doc = frappe.get_doc(doctype, existing(doctype, name), for_update=True)
	doc.check_permission("write")
	if doctype == CONSUMER:
		refuse_decision(doc, "site_id", site_id)
	met = state.load_state(doc.name).other_site_id if doctype == PRODUCER else doc.other_site_id
	if not met or met != site_id:
		frappe.throw(_("{0} has refused no site {1}: open the form again.").format(doc.name, site_id))
	if other := frappe.db.get_value(doctype, {"site_id": met, "name": ["!=", doc.name]}):
		frappe.throw(_("The site {0} is connected as {1} already: delete one of both.").format(met, other))
	before = doc.site_id
	doc.db_set("site_id", met, notify=True)
	if doctype == PRODUCER:
		state.save_state(doc.name, other_site_id=None, next_pull=None, failures=0)
		request_pull(doc.name, by_hand=True)
	else:
		doc.db_set({"other_site_id": None, "notify_after": None})
		frappe.db.after_commit.add(notifications.ask_for_look)
	doc.add_comment(
		"Info",
		_("{0} has accepted the site {1} in the place of {2}.").format(frappe.session.user, met, before),
	)
	audit.record(audit.CONNECTION_CHANGED, doctype, doc.name, {"site_id": before}, {"site_id": met})


def new_site_id(instead_of: str) -> str:
	"""On a copy of a site: make it a site of its own to all others. `instead_of` is the id that the person has seen.

	Who did it stands on the settings.
	"""
	before = own_id()
	if instead_of != before:
		frappe.throw(_("This site has another id now: reload the form."))
	made = make_id()
	frappe.get_doc(SETTINGS).add_comment(
		"Info",
		_("{0} has given this site the id {1} in the place of {2}.").format(
			frappe.session.user, made, before
		),
	)
	audit.record(audit.SETTINGS_CHANGED, SETTINGS, SETTINGS, {"site_id": before}, {"site_id": made})
	return made


def existing(doctype: str, name: str) -> str:
	"""The name as it is stored, however its address is spelled. Raises frappe.DoesNotExistError if there is none."""
	try:
		spellings = [name, normalise_url(name)]
	except ValueError:
		spellings = [name]
	for spelling in spellings:
		if spelling and frappe.db.exists(doctype, spelling):
			return spelling
	frappe.throw(_("There is no {0} {1} on this site.").format(_(doctype), name), frappe.DoesNotExistError)
