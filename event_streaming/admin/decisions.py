"""What an administrator decides: which DocTypes a consumer gets, and whether a stream stands still for a while."""

import frappe
from frappe import _
from frappe.utils import cint

from event_streaming.consumer.pull.requests import request_pull
from event_streaming.producer.notify import notifications
from event_streaming.producer.registration.neighbours import refuse_decision
from event_streaming.site import audit
from event_streaming.site.address import normalise_url

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
	said = _("{0} has paused this.") if paused else _("{0} lets this go on.")
	doc.add_comment("Info", said.format(frappe.session.user))
	if not paused and doctype == PRODUCER:
		request_pull(doc.name, by_hand=True)
	elif not paused:
		frappe.db.after_commit.add(notifications.ask_for_look)
	return True


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
