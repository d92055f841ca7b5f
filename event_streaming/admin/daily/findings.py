"""Event Streaming Finding: what the doctor found with its last daily look, and what somebody has put off, until when and why.

Who puts a finding off stands in the audit log. It asks no other site.
"""

from datetime import date

import frappe
from frappe.utils import getdate, now_datetime

from event_streaming.exceptions import EventStreamingError
from event_streaming.messages.coded import _
from event_streaming.site import audit

DOCTYPE = "Event Streaming Finding"
# an alert lists no more than these
MOST = 100


def is_put_off(until: date | str | None) -> bool:
	"""Up to and with its day a finding is not told of."""
	return bool(until) and getdate(until) >= now_datetime().date()


def validate(doc) -> None:
	"""A finding is put off until a day that is to come, for a reason. Nothing else of it is changed by hand."""
	before = doc.get_doc_before_save()
	if before and str(before.put_off_until or "") == str(doc.put_off_until or ""):
		return
	doc.reason = (doc.reason or "").strip() if doc.put_off_until else None
	doc.put_off_by = frappe.session.user if doc.put_off_until else None
	if not doc.put_off_until:
		return
	if not is_put_off(doc.put_off_until):
		frappe.throw(_("Put Off Until must be today or later."), EventStreamingError)
	if not doc.reason:
		frappe.throw(_("Say why the finding is put off: others will ask."), EventStreamingError)


def saved(doc) -> None:
	audit.record_save(doc, audit.PUT_OFF, ignored=("first_seen", "last_seen", "put_off_by"))


def put_off(name: str, until: str, reason: str) -> None:
	"""Be told nothing of a finding until after a date. Raises frappe.ValidationError with what is missing."""
	doc = frappe.get_doc(DOCTYPE, name, for_update=True)
	doc.check_permission("write")
	doc.put_off_until, doc.reason = until, reason
	doc.save()


def put_off_now() -> dict[tuple[str, str], dict]:
	"""(check, subject) -> until when, why and by whom it is put off."""
	return {
		(row.looked_at, row.subject): row
		for row in frappe.get_all(
			DOCTYPE,
			filters={"put_off_until": [">=", now_datetime().date()]},
			fields=["looked_at", "subject", "put_off_until", "reason", "put_off_by"],
			limit=0,
		)
	}


def to_be_told() -> list[dict]:
	"""What the last daily look has found and nobody has put off; the first MOST."""
	found = frappe.qb.DocType(DOCTYPE)
	# not "is not set": Frappe asks a date for '' too, which PostgreSQL does not take
	due = found.put_off_until.isnull() | (found.put_off_until < now_datetime().date())
	fields = ("name", "looked_at", "subject", "message", "remedy", "put_off_until")
	query = frappe.qb.from_(found).select(*(found[field] for field in fields))
	return query.where((found.still_there == 1) & due).orderby(found.creation).limit(MOST).run(as_dict=True)
