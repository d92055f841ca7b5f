"""What this site tells a producer, and shows its own people, of a document of that producer: is it here, how far are its events, and
why not further. It asks no other site and writes nothing.
"""

from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.consumer.line.holding import holding
from event_streaming.consumer.logs import state
from event_streaming.consumer.logs.tracing import told_to_producer
from event_streaming.consumer.subscriptions.subscription import Subscription, subscriptions_of
from event_streaming.identity import registry
from event_streaming.identity.registry import LocalKey
from event_streaming.wire.tracing import (
	HOURS,
	NOT_APPROVED,
	NOT_SUBSCRIBED,
	OFFLINE,
	PAUSED_HERE,
	REFUSED,
	REJECTED,
	UNSUBSCRIBED,
)


def told(event_producer: str, remote_doctype: str, remote_name: str) -> dict[str, Any]:
	"""For the producer: {"there", "reasons", "events"} of its document on this site. No values, no errors, no names of this site."""
	doc = frappe.get_doc("Event Producer", event_producer)
	wanted = subscriptions_of(doc).get(remote_doctype)
	if wanted is None:
		return {"there": False, "reasons": [NOT_SUBSCRIBED], "events": []}
	return {
		"there": bool(local_of(event_producer, remote_doctype, remote_name)),
		"reasons": reasons_of(doc, wanted),
		"events": told_to_producer(event_producer, remote_doctype, remote_name),
	}


def local_of(event_producer: str, remote_doctype: str, remote_name: str) -> LocalKey | None:
	"""The local document that stands for a remote one, if it is still there."""
	known = registry.load_many(event_producer, [(remote_doctype, remote_name)]).get(
		(remote_doctype, remote_name)
	)
	if not known or known.deleted_here or not frappe.db.exists("DocType", known.local_doctype, cache=True):
		return None
	there = frappe.db.exists(known.local_doctype, known.local_name)
	return (known.local_doctype, known.local_name) if there else None


def reasons_of(doc, wanted: Subscription | None) -> list[str]:
	"""What on this site keeps documents of a subscription from coming."""
	if wanted is None:
		return [NOT_SUBSCRIBED]
	reasons = []
	if wanted.unsubscribed:
		reasons.append(UNSUBSCRIBED)
	elif wanted.status != "Approved":
		reasons.append(REJECTED if wanted.status == "Rejected" else NOT_APPROVED)
	if cint(doc.paused):
		reasons.append(PAUSED_HERE)
	held = holding(doc)
	if held.holds(wanted.priority) and not reasons:
		reasons.append(f"{HOURS} {held.clock}")
	connection = state.load_state(doc.name).connection
	if connection == state.OFFLINE:
		reasons.append(OFFLINE)
	elif connection == state.REFUSED:
		reasons.append(REFUSED)
	return reasons
