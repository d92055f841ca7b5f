"""A page of the feed: the events after a cursor, for one consumer.

The subscription on record decides what is sent, never what the request asks for: approved, permitted, condition met, not
made by the consumer itself. A page costs a number of queries that depends on how many DocTypes it touches, not on how
many events it holds; it is bounded in events, in bytes and in the number of positions that it looks at.
"""

import json
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.messages.coded import _
from event_streaming.producer.documents.names import roots_of
from event_streaming.producer.feed.granting import grant_for
from event_streaming.producer.feed.permitted import count_withheld
from event_streaming.producer.feed.selection import Slice, read_slice
from event_streaming.producer.feed.taken import record_taken
from event_streaming.producer.log import receipts
from event_streaming.producer.log.deliveries import forget_undelivered, record_deliveries
from event_streaming.producer.log.epochs import LogState
from event_streaming.producer.log.retention import is_cleared_after
from event_streaming.producer.log.rows import Candidate, dump
from event_streaming.producer.log.sequence import go_on_after_receipt, numbered, tried_again
from event_streaming.producer.subscriptions.calling import IN_ORDER
from event_streaming.producer.subscriptions.reader import (
	Reader,
	contacted,
	load_consumer,
	reader_for,
	subscriptions_of,
)
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
	epoch: str | None = None,
	receipt: str | None = None,
	transport: str | None = None,
) -> dict[str, Any]:
	"""The events after `cursor` for the consumer registered as `event_consumer`. Only its own user may ask.

	`reachable` is 0 when the consumer says that it can't be notified; `epoch` and `receipt` are those of the page before; `transport`
	is "NATS" when it would take events from a broker.
	"""
	consumer = load_consumer(event_consumer)
	log = None if cint(consumer.paused) else _log_as_it_stands(consumer.name, receipt)
	# two requests of one consumer can be at work at once: one goes on here when the consumer has died or given up
	return tried_again(lambda: _page(consumer, log, cursor, limit, max_bytes, reachable, epoch, transport))


def _log_as_it_stands(event_consumer: str, receipt: str | None) -> LogState:
	log, shown = numbered(), receipts.read(receipt, event_consumer)
	if shown and receipts.contradicts(shown, log):
		return go_on_after_receipt(shown, event_consumer)
	return log


def _page(
	consumer: Any,
	log: LogState | None,
	cursor: int,
	limit: int | None,
	max_bytes: int | None,
	reachable: int | None,
	epoch: str | None,
	transport: str | None,
) -> dict[str, Any]:
	"""The answer of `get_page`, with the events up to the log's head; without any for None."""
	reader = reader_for(consumer, max(cint(cursor), 0), limit, max_bytes)
	if log is None:
		log, found = LogState(0), Slice([], reader.cursor, reader.cursor)
	else:
		forget_undelivered(reader)
		record_taken(reader, log.head)
		found = read_slice(reader, log.head)
		_see_whether_it_went_back(reader, log)
	if cint(consumer.get("needs_copy")):
		reader.warnings.append(
			_(
				"{1} has cleared events that {0} has not taken, or has lost with a restored backup. Copy existing documents,"
				" then have Needs a Fresh Copy cleared on the Event Consumer there."
			).format(consumer.name, public_url())
		)
	record_deliveries(reader, found.events)
	count_withheld(reader, found.cursor)
	# what it says of positions that were never given is kept nowhere
	contacted(consumer, reader.cursor if reader.cursor <= found.head else None, reachable, transport)
	return {
		"protocol": PROTOCOL,
		"events": on_the_wire(found),
		"cursor": found.cursor,
		"has_more": found.cursor < found.head,
		"behind": log.events_between(found.cursor, found.head),
		"time_zone": time_zone(),
		"site": public_url(),
		"site_id": own_id(),
		"subscriptions": subscriptions_of(consumer),
		"warnings": reader.warnings,
		"paused": cint(consumer.paused),
		"rotate": int(bool(consumer.get("rotate_asked_on"))),
		"token": int(consumer.get("token_state") == IN_ORDER),
		"epoch": log.epoch,
		"same_up_to": log.same_up_to(epoch or "", reader.cursor),
		"receipt": receipts.make(log, found.cursor, consumer.name),
		"broker": grant_for(reader, log.epoch, transport),
	}


def _see_whether_it_went_back(reader: Reader, log: LogState) -> None:
	"""A consumer that asks for what it had taken already was restored from a backup. What was cleared since can't come again."""
	consumer = reader.consumer
	if reader.cursor >= cint(consumer.position) or cint(consumer.get("needs_copy")) or not reader.rows:
		return
	start = max(reader.cursor, min(cint(row.from_position) for row in reader.rows.values()))
	if is_cleared_after(start, log):
		consumer.needs_copy = 1
		# as a change of the document: a form that was opened before must not clear it again
		frappe.db.set_value(consumer.doctype, consumer.name, "needs_copy", 1)


def on_the_wire(found: Slice) -> list[Event]:
	"""The events as they are sent."""
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
			"data_before": _without_another(event) if event.only_the_end else event.data_before,
			"creation": str(event.creation),
			"modified_by": event.owner,
			"origin": event.origin or here,
			"root": roots.get(event.name),
		}
		for event in found.events
	]


def _without_another(event: Candidate) -> str | None:
	"""What a deletion says to one who may know nothing else: not into which document it was merged."""
	before = json.loads(event.data_before or "{}")
	before.pop("into", None)
	return dump(before) if before else None
