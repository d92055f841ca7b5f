"""A page of the feed: the events after a cursor, for one consumer.

The subscription on record decides what is sent, never what the request asks for: approved, permitted, condition met, not
made by the consumer itself. A page costs a number of queries that depends on how many DocTypes it touches, not on how
many events it holds; it is bounded in events, in bytes and in the number of positions that it looks at.
"""

from typing import Any

import frappe
from frappe import _
from frappe.utils import cint

from event_streaming.producer.documents.names import roots_of
from event_streaming.producer.feed.selection import Slice, read_slice
from event_streaming.producer.log.deliveries import forget_undelivered, record_deliveries
from event_streaming.producer.log.sequence import assign_positions, go_on_after, tried_again
from event_streaming.producer.subscriptions.calling import IN_ORDER
from event_streaming.producer.subscriptions.reader import (
	contacted,
	load_consumer,
	reader_for,
	subscriptions_of,
)
from event_streaming.producer.subscriptions.streamed import CONSUMER
from event_streaming.site.address import public_url, time_zone
from event_streaming.site.site_id import own_id
from event_streaming.wire.events import Event
from event_streaming.wire.pages import PROTOCOL


def get_page(
	event_consumer: str,
	cursor: int,
	limit: int | None = None,
	max_bytes: int | None = None,
	reachable: int | None = None,
) -> dict[str, Any]:
	"""The events after `cursor` for the consumer registered as `event_consumer`. Only its own user may ask.

	`reachable` is 0 when the consumer says that it can't be notified.
	"""
	consumer = load_consumer(event_consumer)
	head, warnings = None if cint(consumer.paused) else assign_positions(), []
	if head is not None and cint(cursor) > head:
		head = go_on_after(cint(cursor), cint(consumer.position))
		if cint(cursor) <= head:
			warnings.append(_say_restored(consumer.name))
	# two requests of one consumer can be at work at once: one goes on here when the consumer has died or given up
	page = tried_again(lambda: _page(consumer, head, cursor, limit, max_bytes, reachable))
	page["warnings"] += warnings
	return page


def _page(
	consumer: Any,
	head: int | None,
	cursor: int,
	limit: int | None,
	max_bytes: int | None,
	reachable: int | None,
) -> dict[str, Any]:
	"""The answer of `get_page`, with the events up to `head`; without any for None."""
	reader = reader_for(consumer, max(cint(cursor), 0), limit, max_bytes)
	if head is None:
		found = Slice([], reader.cursor, reader.cursor)
	else:
		forget_undelivered(reader)
		found = read_slice(reader, head)
	if cint(consumer.get("needs_copy")):
		reader.warnings.append(
			_(
				"While {0} was silent for too long, {1} has cleared events that it had not taken. Copy existing documents, then have"
				" Needs a Fresh Copy cleared on the Event Consumer there."
			).format(consumer.name, public_url())
		)
	record_deliveries(reader, found.events)
	contacted(consumer, reader.cursor, reachable)
	return {
		"protocol": PROTOCOL,
		"events": _on_the_wire(found),
		"cursor": found.cursor,
		"has_more": found.cursor < found.head,
		"behind": max(found.head - found.cursor, 0),
		"time_zone": time_zone(),
		"site": public_url(),
		"site_id": own_id(),
		"subscriptions": subscriptions_of(consumer),
		"warnings": reader.warnings,
		"paused": cint(consumer.paused),
		"rotate": int(bool(consumer.get("rotate_asked_on"))),
		"token": int(consumer.get("token_state") == IN_ORDER),
	}


def _say_restored(event_consumer: str) -> str:
	"""To the administrators of both sites: what is lost can't be found from here."""
	message = _(
		"The log of {0} ended before what {1} has taken: a backup was restored there. The log goes on from here, and what"
		" was changed there since comes now. What {1} has from the lost time is not on {0}: compare the two sites."
	).format(public_url(), event_consumer)
	frappe.log_error(
		title=_("A restored backup: {0} was ahead").format(event_consumer),
		message=message,
		reference_doctype=CONSUMER,
		reference_name=event_consumer,
	)
	return message


def _on_the_wire(found: Slice) -> list[Event]:
	here = public_url()
	roots = roots_of(found.events, found.fates)
	return [
		{
			"id": event.name,
			"position": event.position,
			"at_position": event.at_position,
			"update_type": event.update_type,
			"ref_doctype": event.ref_doctype,
			"docname": event.docname,
			"data": event.data,
			"data_before": event.data_before,
			"creation": str(event.creation),
			"modified_by": event.owner,
			"origin": event.origin or here,
			"root": roots.get(event.name),
		}
		for event in found.events
	]
