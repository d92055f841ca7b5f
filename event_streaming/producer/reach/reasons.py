"""Why a document of this site is not sent to a consumer: of its subscription, its user, the document as it is now, one event.

The one place that decides it for who asks: the form of a document, *Where Is It?* and the other site. It says of one document what
the feed decides of events. A reason is a code of `wire/tracing.py`; its words are `admin/tracing/words.py`'s. It writes nothing.
"""

from dataclasses import dataclass
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.producer.documents.reading import existing_names, load_documents, permitted_names
from event_streaming.producer.log.rows import LOG, Candidate
from event_streaming.producer.subscriptions import conditions
from event_streaming.producer.subscriptions.reader import Reader
from event_streaming.producer.subscriptions.streamed import APPROVED, PENDING
from event_streaming.site.refused import is_system
from event_streaming.site.roles import may_subscribe
from event_streaming.wire.events import UPDATE
from event_streaming.wire.tracing import (
	BEFORE,
	CONDITION,
	CONDITION_FAILS,
	FRESH_COPY,
	MADE_THERE,
	MAY_NOT_READ,
	NO_ROLE,
	NOT_APPROVED,
	NOT_SUBSCRIBED,
	NOT_THERE,
	PAUSED,
	REJECTED,
	UNSUBSCRIBED,
	USER_DISABLED,
)


@dataclass(frozen=True)
class Reason:
	"""Why a document is not sent. The other site is told the code alone: the rest is for this site's own people."""

	code: str
	user: str = ""
	condition: str = ""
	error: str = ""


def of_subscription(consumer: Any, doctype: str) -> Reason | None:
	"""Why nothing of a DocType goes to an Event Consumer, by its row."""
	rows = [row for row in consumer.consumer_doctypes if row.ref_doctype == doctype]
	row = next((row for row in rows if not cint(row.get("not_asked"))), None)
	if row is None or is_system(doctype) or not frappe.db.exists("DocType", doctype):
		return Reason(NOT_SUBSCRIBED)
	if cint(row.unsubscribed):
		return Reason(UNSUBSCRIBED)
	if (row.status or PENDING) != APPROVED:
		return Reason(REJECTED if row.status == "Rejected" else NOT_APPROVED)
	return None


def of_user(consumer: Any) -> Reason | None:
	"""Why nothing at all may be asked for in the name of the consumer's user."""
	if not frappe.db.get_value("User", consumer.user, "enabled"):
		return Reason(USER_DISABLED, user=consumer.user)
	if not may_subscribe(consumer.user):
		return Reason(NO_ROLE, user=consumer.user)
	return None


def of_site(consumer: Any) -> list[Reason]:
	"""What holds up all documents until a person changes it; none of them is lost by the first."""
	held = {PAUSED: consumer.paused, FRESH_COPY: consumer.get("needs_copy")}
	return [Reason(code) for code, is_so in held.items() if cint(is_so)]


def of_document(reader: Reader, doctype: str, name: str) -> Reason | None:
	"""Why a document as it is now may not be sent. The session's user is the consumer's.

	That there is none of this name is said only to who may read the DocType.
	"""
	user = reader.consumer.user
	if not frappe.has_permission(doctype, "read"):
		return Reason(MAY_NOT_READ, user=user)
	if name not in existing_names(doctype, [name]):
		return Reason(NOT_THERE)
	if name not in permitted_names(doctype, [name]):
		return Reason(MAY_NOT_READ, user=user)
	return _of_condition(reader, doctype, name)


def _of_condition(reader: Reader, doctype: str, name: str) -> Reason | None:
	condition = (reader.rows[doctype].condition or "").strip()
	if not condition:
		return None
	doc = load_documents(doctype, [name]).get(name)
	# as of a change that would be made now
	event = frappe._dict(doctype=LOG, update_type=UPDATE, ref_doctype=doctype, docname=name)
	try:
		with conditions.without_writing():
			hidden = reader.hidden.get(doctype)
			met = doc and conditions.meets(condition, doc, reader.consumer, event, hidden)
	except Exception as error:
		return Reason(CONDITION_FAILS, condition=condition, error=f"{type(error).__name__}: {error}")
	return None if met else Reason(CONDITION, condition=condition)


def of_event(reader: Reader, event: Candidate) -> str:
	"""Why an event is none for the consumer whatever the document is: a code, or ""."""
	if event.origin == reader.consumer.name:
		return MADE_THERE
	if 0 < cint(event.position) <= cint(reader.rows[event.ref_doctype].from_position):
		return BEFORE
	return ""
