"""Where one document stands for one consumer: its events in the log, which were sent, and why what is not there was not sent.

Asked as the consumer's user. Of a document that this user may not read nothing is said but that, and never a value of any.
It writes nothing.
"""

from typing import Any

import frappe
from frappe.query_builder.functions import Max
from frappe.utils import cint
from pypika import Order

from event_streaming.producer.documents.copying import those_meeting
from event_streaming.producer.documents.given import given_documents
from event_streaming.producer.documents.names import roots_of_documents
from event_streaming.producer.documents.reading import (
	existing_names,
	load_documents,
	may_read_all,
	permitted_names,
)
from event_streaming.producer.log.deliveries import DELIVERIES
from event_streaming.producer.log.rows import LOG
from event_streaming.producer.subscriptions.reader import Reader, reader_for
from event_streaming.producer.subscriptions.streamed import APPROVED, PENDING
from event_streaming.site.address import as_seconds
from event_streaming.site.refused import is_system
from event_streaming.wire.events import DELETE

# of a document, the newest
MOST_EVENTS = 50

# why a document, or an event of it, is not sent; the words are the asking side's
NOT_SUBSCRIBED, NOT_APPROVED, REJECTED, UNSUBSCRIBED = (
	"not_subscribed",
	"not_approved",
	"rejected",
	"unsubscribed",
)
PAUSED, MAY_NOT_READ, CONDITION, CONDITION_FAILS = "paused", "may_not_read", "condition", "condition_fails"
NOT_THERE, MADE_THERE, BEFORE, NOT_LOGGED = "not_there", "made_there", "before", "not_logged"
BEHIND, FRESH_COPY = "behind", "fresh_copy"


def trace(consumer, doctype: str, name: str) -> dict[str, Any]:
	"""{"there", "reasons", "events", "given", "position", "last_contact", "paused"} of a document for an Event Consumer.

	`reasons` are words for why the consumer has not got it, or its last change; the session's user is the consumer's.
	"""
	found: dict[str, Any] = {
		"there": False,
		"reasons": [PAUSED] if cint(consumer.paused) else [],
		"events": [],
		"given": False,
		"position": cint(consumer.position),
		"last_contact": as_seconds(consumer.last_contact),
	}
	if why := _not_streamed(consumer, doctype):
		return {**found, "reasons": [why]}
	reader = reader_for(consumer, cint(consumer.position), None, None)
	if not frappe.has_permission(doctype, "read"):
		return {**found, "reasons": [MAY_NOT_READ, *found["reasons"]]}
	there = name in existing_names(doctype, [name])
	if there and name not in permitted_names(doctype, [name]):
		return {**found, "reasons": [MAY_NOT_READ, *found["reasons"]]}
	found["there"] = there
	if there:
		found["reasons"] += _of_the_document(reader, doctype, name)
	else:
		found["reasons"].append(NOT_THERE)
	if CONDITION in found["reasons"] or CONDITION_FAILS in found["reasons"]:
		return found
	found["events"] = _events(reader, doctype, name, whole=there or may_read_all(doctype))
	found["given"] = bool(given_documents(reader, doctype, [name]))
	if cint(consumer.get("needs_fresh_copy")):
		found["reasons"].append(FRESH_COPY)
	if not found["events"] and there and not found["given"] and MADE_THERE not in found["reasons"]:
		found["reasons"].append(NOT_LOGGED)
	waiting = [event for event in found["events"] if not event["taken"] and not event["why"]]
	if waiting:
		found["reasons"].append(BEHIND)
	return found


def _not_streamed(consumer, doctype: str) -> str:
	row = next(
		(
			row
			for row in consumer.consumer_doctypes
			if row.ref_doctype == doctype and not cint(row.get("not_asked"))
		),
		None,
	)
	if row is None or is_system(doctype) or not frappe.db.exists("DocType", doctype):
		return NOT_SUBSCRIBED
	if cint(row.unsubscribed):
		return UNSUBSCRIBED
	if (row.status or PENDING) != APPROVED:
		return REJECTED if row.status == "Rejected" else NOT_APPROVED
	return ""


def _of_the_document(reader: Reader, doctype: str, name: str) -> list[str]:
	reasons = []
	root = roots_of_documents(doctype, [name]).get(name)
	if root and root["site"] == reader.consumer.name:
		reasons.append(MADE_THERE)
	if not (reader.rows[doctype].condition or "").strip():
		return reasons
	messages = len(frappe.local.message_log or ())
	try:
		if name not in those_meeting(reader, doctype, load_documents(doctype, [name])):
			reasons.append(CONDITION)
	except frappe.ValidationError:
		# what it says stands on the Event Consumer already
		del (frappe.local.message_log or [])[messages:]
		reasons.append(CONDITION_FAILS)
	return reasons


def _events(reader: Reader, doctype: str, name: str, whole: bool) -> list[dict[str, Any]]:
	"""The newest events of a document, the last one first; of one that is gone, its end alone where `whole` is False."""
	log = frappe.qb.DocType(LOG)
	query = (
		frappe.qb.from_(log)
		.select(
			log.name, log.position, log.update_type, log.creation, log.sequenced_on, log.owner, log.origin
		)
		.where((log.ref_doctype == doctype) & (log.docname == name))
		.orderby(log.name, order=Order.desc)
		.limit(MOST_EVENTS)
	)
	if not whole:
		query = query.where(log.update_type == DELETE)
	rows = query.run(as_dict=True)
	sent = _sent(reader, [str(row.name) for row in rows])
	return [_event(reader, doctype, row, sent.get(str(row.name))) for row in rows]


def _event(reader: Reader, doctype: str, row: dict, sent: Any) -> dict[str, Any]:
	position = cint(row["position"])
	why = ""
	if (row["origin"] or "") == reader.consumer.name:
		why = MADE_THERE
	elif position and position <= cint(reader.rows[doctype].from_position):
		why = BEFORE
	return {
		"id": str(row["name"]),
		"position": position,
		"update_type": row["update_type"],
		"by": row["owner"],
		"logged": as_seconds(row["creation"]),
		"numbered": as_seconds(row["sequenced_on"]) if position else None,
		"sent": as_seconds(sent),
		# the consumer's own cursor says it
		"taken": not why and bool(position) and position <= cint(reader.consumer.position),
		"why": why,
	}


def _sent(reader: Reader, names: list[str]) -> dict[str, Any]:
	"""When each of the events was put into an answer for the consumer, for those that were."""
	if not names:
		return {}
	delivery = frappe.qb.DocType(DELIVERIES)
	return dict(
		frappe.qb.from_(delivery)
		.select(delivery.parent, Max(delivery.creation))
		.where((delivery.parenttype == LOG) & delivery.parent.isin(names))
		.where(delivery.consumer == reader.consumer.name)
		.groupby(delivery.parent)
		.run()
	)
