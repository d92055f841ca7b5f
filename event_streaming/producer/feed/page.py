"""A page of the feed: the events after a cursor, for one consumer.

The subscription on record decides what is sent, never what the request asks for: approved, permitted, condition met, not
made by the consumer itself. A page costs a number of queries that depends on how many DocTypes it touches, not on how
many events it holds; it is bounded in events, in bytes and in the number of positions that it looks at.
"""

import json
from typing import Any

import frappe
from frappe import parse_json
from frappe.utils import cint

from event_streaming.messages.coded import _
from event_streaming.producer.documents.given import record_renamed
from event_streaming.producer.feed.composing import Wish as AsOne
from event_streaming.producer.feed.granting import grant_for
from event_streaming.producer.feed.open import open_doctypes
from event_streaming.producer.feed.overtaking import Found, read_in_order_of
from event_streaming.producer.feed.permitted import count_withheld
from event_streaming.producer.feed.selection import Slice
from event_streaming.producer.feed.shared import on_the_wire
from event_streaming.producer.log import receipts, spans
from event_streaming.producer.log.deliveries import (
	forget_undelivered,
	keep_spans,
	note_sent,
	record_deliveries,
)
from event_streaming.producer.log.epochs import LogState
from event_streaming.producer.log.retention import is_cleared_after
from event_streaming.producer.log.sequence import go_on_after_receipt, numbered, tried_again
from event_streaming.producer.notify import listeners
from event_streaming.producer.subscriptions.calling import IN_ORDER
from event_streaming.producer.subscriptions.reader import (
	Reader,
	as_it_is_now,
	contacted,
	load_consumer,
	reader_for,
	subscriptions_of,
)
from event_streaming.site.address import public_url, time_zone
from event_streaming.site.site_id import own_id
from event_streaming.wire.broker.grants import NATS
from event_streaming.wire.pages import MOST_WISHED, PROTOCOL, UNPROVEN
from event_streaming.wire.wishes.priorities import Wish, parse_wish


def get_page(
	event_consumer: str,
	cursor: int,
	limit: int | None = None,
	max_bytes: int | None = None,
	reachable: int | None = None,
	epoch: str | None = None,
	receipt: str | None = None,
	listening: int | None = None,
	transport: str | None = None,
	priorities: str | dict | None = None,
	as_one: str | dict | None = None,
) -> dict[str, Any]:
	"""The events after `cursor` for the consumer registered as `event_consumer`. Only its own user may ask.

	`reachable` is 0 when the consumer says that it can't be notified, `listening` is 1 when it hears of new events over a connection
	that it holds, 2 when it has to be shown that it does; `epoch` and `receipt` are those of the page before; `transport` is "NATS"
	when it would take events from a broker; `priorities` are DocTypes that it wants before the others, as JSON; `as_one` says of which
	DocTypes nobody there needs each change, see `wish_in`.
	"""
	consumer, wish, put_together = load_consumer(event_consumer), wished(priorities, cursor), wish_in(as_one)
	log = None if cint(consumer.paused) else _log_as_it_stands(consumer.name, receipt)
	# two requests of one consumer can be at work at once: one goes on here when the consumer has died or given up
	return tried_again(
		lambda: _page(
			consumer,
			log,
			cursor,
			limit,
			max_bytes,
			reachable,
			epoch,
			listening,
			transport,
			wish,
			put_together,
		)
	)


def wished(priorities: str | dict | None, cursor: Any) -> Wish:
	"""What a request says of priorities. Raises frappe.ValidationError."""
	try:
		return parse_wish(priorities, max(cint(cursor), 0))
	except (ValueError, RecursionError):
		frappe.throw(_("What the request says of priorities can't be read."))
		raise AssertionError from None


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
	listening: int | None,
	transport: str | None,
	wish: Wish,
	put_together: AsOne,
) -> dict[str, Any]:
	"""The answer of `get_page`, with the events up to the log's head; without any for None."""
	consumer = as_it_is_now(consumer)
	reader = reader_for(consumer, max(cint(cursor), 0), limit, max_bytes)
	reader.taken = wish.taken
	if not wish:
		# what is taken ahead of others is not put together
		reader.as_one, reader.apart = put_together.doctypes & reader.rows.keys(), put_together.apart
	if log is None or cint(consumer.paused):
		log, read = LogState(0), Found(Slice([], reader.cursor, reader.cursor))
		found = read.page
	else:
		forget_undelivered(reader)
		read = read_in_order_of(reader, log, wish)
		found = read.page
		_note_spans(reader, found, transport == NATS)
		_see_whether_it_went_back(reader, log)
	if cint(consumer.get("needs_copy")):
		reader.warnings.append(
			_(
				"{1} has cleared events that {0} has not taken, or has lost with a restored backup. Copy existing documents,"
				" Verify and Repair what differs, then have Needs a Fresh Copy cleared on the Event Consumer there."
			).format(consumer.name, public_url())
		)
	record_deliveries(reader, found.events, read.is_ahead, found.contained)
	record_renamed(reader, found.events)
	# while it is paused, nobody looks at what was sent before
	if wish and log.head:
		note_sent(reader, found.events)
	count_withheld(reader, found.cursor)
	# what it says of positions that were never given is kept nowhere
	position = reader.cursor if reader.furthest <= found.head else None
	# nor what it says of DocTypes that it has no row of
	rows = {row.ref_doctype for row in consumer.consumer_doctypes}
	taken = {doctype: upto for doctype, upto in wish.taken.items() if doctype in rows}
	taken_ahead = json.dumps(taken) if taken and position is not None else None
	contacted(consumer, position, reachable, listening, transport, taken_ahead)
	if cint(listening) == UNPROVEN:
		# not ahead of anything: it only shows that messages come
		listeners.publish(consumer.name, consumer.user, reader.cursor)
	return {
		"protocol": PROTOCOL,
		"events": on_the_wire(found),
		"cursor": found.cursor,
		"has_more": read.has_more,
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
		"same_up_to": log.same_up_to(epoch or "", wish.furthest(reader.cursor)),
		"receipt": receipts.make(
			log, max((found.cursor, wish.furthest(0), *read.ahead.values())), consumer.name
		),
		"listen": listeners.offered(consumer),
		"broker": grant_for(reader, log.epoch, transport),
		"ahead": read.ahead,
		"held": int(read.held),
	}


def wish_in(asked: str | dict | None) -> AsOne:
	"""What a request wishes: {"doctypes": [DocType, …], "apart": [[DocType, name], …]}; what can't be read is no wish."""
	try:
		said = parse_json(asked) if asked else {}
		doctypes, apart = said.get("doctypes") or [], said.get("apart") or []
		if len(doctypes) > MOST_WISHED or len(apart) > MOST_WISHED:
			return AsOne()
		return AsOne(
			frozenset(map(str, doctypes)), frozenset((str(doctype), str(name)) for doctype, name in apart)
		)
	except (ValueError, TypeError, AttributeError, RecursionError):
		return AsOne()


def _note_spans(reader: Reader, found: Slice, has_broker: bool) -> None:
	"""Of what lies in this page, of what does not flow and of what was approved anew: of the others there is nothing here.

	Of all, where the consumer goes on from here with what a broker gives it: that may come in no page.
	"""
	if reader.furthest > found.head:
		return
	if has_broker:
		reader.open |= open_doctypes(reader, reader.rows.keys() - found.doctypes)
	rows = reader.consumer.consumer_doctypes
	keep_spans(
		reader,
		[
			row
			for row in rows
			if has_broker
			or row.ref_doctype in found.doctypes
			or row.ref_doctype not in reader.rows
			or spans.say_too_much(
				spans.parsed(row.get("open_spans")),
				reader.cursor_of(row.ref_doctype),
				cint(row.from_position),
			)
		],
	)


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
