"""Where a document of this site goes, and why it is not sent to a consumer that has asked for its DocType.

It says of one document what the feed decides of events: approval, the reader's rights, the condition. It reads only.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import frappe
from frappe import _
from frappe.query_builder.functions import Max
from frappe.utils import cint
from pypika import Order

from event_streaming.producer.documents.copying import count_names, reader_of_existing
from event_streaming.producer.documents.filters import wanted_conditions
from event_streaming.producer.documents.reading import load_documents, may_read_all, permitted_names
from event_streaming.producer.log.deliveries import DELIVERIES
from event_streaming.producer.log.rows import LOG
from event_streaming.producer.subscriptions import conditions
from event_streaming.producer.subscriptions.hidden import of_row
from event_streaming.producer.subscriptions.streamed import APPROVED, CONSUMER, PENDING, ROWS
from event_streaming.site.acting import acting_as

# of a document's events
MOST_EVENTS = 50
# with a condition each has to be asked: no form waits for a thousand
MOST_CONSUMERS = 50
# missed: it may be read, and could not be when it was changed last; whether it was copied since is not known
SENT, COMING, WITHHELD, MISSED = "Sent", "Coming", "Withheld", "Missed"


@dataclass(frozen=True)
class Destination:
	"""How a document stands with one consumer: `reason` says why its last change is not there, "" when it is."""

	site: str
	state: str
	reason: str = ""
	# when the consumer fetched the last of its events
	last: datetime | None = None


def asked_doctypes() -> set[str]:
	"""The DocTypes that any consumer asks for, approved or not."""
	filters = {"parenttype": CONSUMER, "unsubscribed": 0, "not_asked": 0}
	return set(frappe.get_all(ROWS, filters=filters, pluck="ref_doctype", distinct=True, order_by=None))


def destinations(doctype: str, name: str) -> list[Destination]:
	"""Each consumer that asks for the DocType, by name, MOST_CONSUMERS at most. It is asked in the name of their users."""
	rows = frappe.get_all(
		ROWS,
		filters={"parenttype": CONSUMER, "ref_doctype": doctype, "unsubscribed": 0, "not_asked": 0},
		fields=["parent", "name"],
		order_by="parent asc",
		limit=MOST_CONSUMERS,
	)
	events = _last_events(doctype, name) if rows else []
	fetched = _fetched([event.name for event in events])
	return [_destination(each, doctype, name, events[:1], fetched) for each in rows]


def _destination(row: dict, doctype: str, name: str, newest: list, fetched: dict) -> Destination:
	site, consumer = row.parent, frappe.get_doc(CONSUMER, row.parent)
	last = max((when for (who, _event), when in fetched.items() if who == site), default=None)
	if newest and (site, str(newest[0].name)) in fetched:
		return Destination(site, SENT, last=last)
	own = next(each for each in consumer.consumer_doctypes if each.name == row.name)
	if reason := why_withheld(consumer, own, name):
		return Destination(site, WITHHELD, reason, last)
	if not newest or newest[0].origin == site or 0 < newest[0].position <= cint(own.from_position):
		return Destination(site, SENT, last=last)
	if newest[0].position == 0 or newest[0].position > cint(consumer.position):
		return Destination(site, COMING, _("it has not asked for its last change yet"), last)
	if last and (own.fields_not_sent or own.not_wanted):
		# a change of hidden fields alone
		return Destination(site, SENT, last=last)
	reason = _("{0} could not read it when it was changed. Save it again, or verify and repair there")
	return Destination(site, MISSED, reason.format(consumer.user), last)


def why_withheld(consumer: Any, row: Any, name: str) -> str:
	"""Why a document that is there is not sent to a consumer, by one of its rows; "" when it may be."""
	doctype = row.ref_doctype
	if row.status != APPROVED:
		pending = (row.status or PENDING) == PENDING
		return (
			_("{0} is waiting for approval in Event Consumer").format(_(doctype))
			if pending
			else _("{0} was rejected in Event Consumer").format(_(doctype))
		)
	if cint(consumer.paused):
		return _("it is paused")
	if not frappe.db.get_value("User", consumer.user, "enabled"):
		return _("the user {0} is disabled").format(consumer.user)
	with acting_as(consumer.user):
		if name not in permitted_names(doctype, [name]):
			return _("{0} may not read it").format(consumer.user)
		return _why_not_meeting(consumer, row, name)


def _why_not_meeting(consumer: Any, row: Any, name: str) -> str:
	if not (row.condition or "").strip():
		return ""
	doc = load_documents(row.ref_doctype, [name]).get(name)
	try:
		with conditions.without_writing():
			# as of a change that would be made now
			event = frappe._dict(doctype=LOG, update_type="Update", ref_doctype=row.ref_doctype, docname=name)
			met = doc and conditions.meets(row.condition, doc, consumer, event, of_row(row, consumer.name))
	except Exception as error:
		return _("its condition raises an error: {0}").format(f"{type(error).__name__}: {error}")
	return "" if met else _("it does not meet the condition {0}").format(row.condition)


def _last_events(doctype: str, name: str) -> list[dict]:
	"""The last events of a document, the newest first. Those that have no position yet are the newest."""
	log = frappe.qb.DocType(LOG)
	return (
		frappe.qb.from_(log)
		.select(log.name, log.position, log.origin)
		.where((log.ref_doctype == doctype) & (log.docname == name))
		.orderby(log.name, order=Order.desc)
		.limit(MOST_EVENTS)
		.run(as_dict=True)
	)


def _fetched(events: list) -> dict[tuple[str, str], datetime]:
	"""(consumer, event) -> when it was fetched."""
	if not events:
		return {}
	delivery = frappe.qb.DocType(DELIVERIES)
	rows = (
		frappe.qb.from_(delivery)
		.select(delivery.consumer, delivery.parent, Max(delivery.creation))
		.where((delivery.parenttype == LOG) & delivery.parent.isin([str(event) for event in events]))
		.groupby(delivery.consumer, delivery.parent)
		.run()
	)
	return {(consumer, str(event)): when for consumer, event, when in rows}


def count_withheld(event_consumer: str, doctype: str, filters: Any) -> int:
	"""How many of a DocType's documents the consumer's user may not read; 0 with filters, by which it could find out what is in them.

	Where that is none, what was withheld before is no news any more: whoever asks is about to copy or to compare.
	"""
	_consumer, reader = reader_of_existing(event_consumer, doctype, 0, None, None)
	if wanted_conditions(reader, doctype, filters):
		return 0
	found = 0
	if not may_read_all(doctype):
		found = max(count_names(doctype, [], ignore_permissions=True) - count_names(doctype, []), 0)
	row = reader.rows[doctype]
	if not found and cint(row.withheld):
		frappe.db.set_value(row.doctype, row.name, "withheld", 0, update_modified=False)
	return found
