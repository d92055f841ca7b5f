"""What was sent to which consumer: the only module that adds to Event Update Log Consumer, and that writes Open Spans of its rows.

Delivered is what the consumer's own cursor says: a row counts when its `at_position` is not after the cursor that the
consumer sends. So an answer that was lost on its way is simply given again. An open subscription has no rows: see `spans.py`.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from typing import Any

import frappe
from frappe.utils import cint, create_batch, now_datetime

from event_streaming.database import bulk_inserting
from event_streaming.producer.log import spans
from event_streaming.producer.log.hours import count_sent
from event_streaming.producer.log.rows import LOG, Candidate
from event_streaming.producer.subscriptions.reader import Reader, is_for
from event_streaming.producer.subscriptions.streamed import CONSUMER, ROWS
from event_streaming.wire.wishes.priorities import read_taken

DELIVERIES = "Event Update Log Consumer"
COLUMNS = (
	*bulk_inserting.OWN_COLUMNS,
	"docstatus",
	"idx",
	"parenttype",
	"parentfield",
	"parent",
	"at_position",
	"has_left",
	"consumer",
)
CHANGED = ("modified", "modified_by", "at_position", "has_left")
BATCH = 1_000


def forget_undelivered(reader: Reader) -> None:
	"""The consumer says how far it is: what was sent beyond has not arrived."""
	if reader.furthest > reader.cursor:
		_forget_but_taken_ahead(reader)
	delivery = frappe.qb.DocType(DELIVERIES)
	beyond = (delivery.consumer == reader.consumer.name) & (delivery.at_position > reader.furthest)
	# looked for first: a delete that finds nothing would still lock the gap
	if frappe.qb.from_(delivery).select(delivery.name).where(beyond).limit(1).run():
		frappe.qb.from_(delivery).delete().where(beyond).run()


def _forget_but_taken_ahead(reader: Reader) -> None:
	"""Of what was sent beyond the cursor, keep what the consumer says that it has taken ahead of it."""
	first, last = _not_looked_at(reader)
	if first > last:
		return
	delivery, log = frappe.qb.DocType(DELIVERIES), frappe.qb.DocType(LOG)
	# an older event of a document came with one of the same DocType, at whose position it counts
	rows = (
		frappe.qb.from_(delivery)
		.left_join(log)
		.on(log.position == delivery.at_position)
		.select(delivery.name, delivery.at_position, log.ref_doctype)
		.where((delivery.consumer == reader.consumer.name) & delivery.at_position[first:last])
		.run()
	)
	lost = [name for name, position, doctype in rows if position > reader.cursor_of(doctype)]
	for names in create_batch(lost, BATCH):
		frappe.qb.from_(delivery).delete().where(delivery.name.isin(names)).run()


def _not_looked_at(reader: Reader) -> tuple[int, int]:
	"""Between which positions rows may be that did not arrive: what lies elsewhere was looked at with an earlier request."""
	noted = _read_noted(reader.consumer.get("sent_between"))
	if noted is None or _has_gone_back(reader):
		return reader.cursor + 1, reader.furthest
	first, last = noted or (0, 0)
	return max(first, reader.cursor + 1), min(last, reader.furthest)


def _has_gone_back(reader: Reader) -> bool:
	"""Whether the consumer has less than it said before: it was restored from a backup, say."""
	said = read_taken(reader.consumer.get("taken_ahead"))
	return reader.cursor < cint(reader.consumer.position) or any(
		reader.cursor_of(doctype) < position for doctype, position in said.items()
	)


def note_sent(reader: Reader, events: list[Candidate]) -> None:
	"""Keep between which positions an answer has rows, for the next request of a consumer that takes some ahead of others.

	Another request of the consumer may have been answered since this one began: nobody has looked at what that one has sent.
	"""
	positions = [event.at_position for event in events if event.ref_doctype not in reader.open]
	before, own = reader.consumer.get("sent_between"), _as_noted(positions)
	if before == own and not positions:
		return
	table = frappe.qb.DocType(CONSUMER)
	query = frappe.qb.from_(table).select(table.sent_between).where(table.name == reader.consumer.name)
	for stored in query.for_update().run(pluck=True):
		others = [] if stored == before else _read_noted(stored)
		now = stored if others is None else _as_noted([*others, *positions])
		if now != stored:
			frappe.db.set_value(CONSUMER, reader.consumer.name, "sent_between", now, update_modified=False)


def _as_noted(positions: list[int]) -> str:
	return json.dumps([min(positions), max(positions)] if positions else [])


def _read_noted(text: str | None) -> list[int] | None:
	"""The first and the last position, or nothing; None where it was never noted."""
	return json.loads(text) if text else None


def record_deliveries(
	reader: Reader, events: list[Candidate], is_ahead: bool = False, contained: Collection[Candidate] = ()
) -> None:
	"""One row for each event whose subscription is not open, also where two requests of the consumer are at work at once: its
	name says which. `is_ahead`: the events come before others that stand before them. Those that are contained in others came with them."""
	count_sent(reader.consumer.name, events, is_ahead)
	events = [event for event in (*events, *contained) if event.ref_doctype not in reader.open]
	if not events:
		return
	consumer, now, user = reader.consumer.name, now_datetime(), frappe.session.user
	mark = hashlib.sha256(consumer.encode()).hexdigest()[:12]
	rows = [
		(
			f"{event.name}-{mark}",
			*(now, now, user, user, 0, 1),
			*(LOG, "consumers", event.name, event.at_position, int(event.leaves), consumer),
		)
		for event in events
	]
	bulk_inserting.insert_or_update(DELIVERIES, COLUMNS, CHANGED, rows)


def keep_spans(reader: Reader, rows: Iterable[Any]) -> None:
	"""Note on the rows where open subscriptions began and ended. Mostly there is nothing to write."""
	for row in rows:
		if _spans_now(reader, row, row.get("open_spans")) == spans.parsed(row.get("open_spans")):
			continue
		table = frappe.qb.DocType(ROWS)
		# another request of the consumer may be doing the same
		found = (
			frappe.qb.from_(table).select(table.open_spans).where(table.name == row.name).for_update().run()
		)
		if found:
			now = spans.written(_spans_now(reader, row, found[0][0]))
			row.open_spans = now
			frappe.db.set_value(row.doctype, row.name, "open_spans", now, update_modified=False)


def _spans_now(reader: Reader, row: Any, text: str | None) -> spans.Spans:
	cursor = reader.cursor_of(row.ref_doctype)
	return spans.at_cursor(
		spans.parsed(text), cursor, row.ref_doctype in reader.open, cint(row.from_position)
	)


def delivered_names(reader: Reader, doctype: str, positions: dict[str, int]) -> dict[str, tuple[int, bool]]:
	"""Those of a DocType's events (name -> position) that the consumer has got: at which position, and whether as the document's
	leaving."""
	# what a row says came later: it was sent again
	return {**_taken_in_spans(reader, doctype, positions), **_with_rows(reader, doctype, list(positions))}


def _taken_in_spans(reader: Reader, doctype: str, positions: dict[str, int]) -> dict[str, tuple[int, bool]]:
	taken = spans.parsed(reader.rows[doctype].get("open_spans"))
	inside = [
		int(name)
		for name, position in positions.items()
		if spans.cover(taken, position, reader.cursor_of(doctype))
	]
	log, found = frappe.qb.DocType(LOG), {}
	for some in create_batch(inside, BATCH):
		query = frappe.qb.from_(log).select(log.name, log.position)
		for name, position in query.where(log.name.isin(some)).where(is_for(reader, log)).run():
			found[str(name)] = (position, False)
	return found


def _with_rows(reader: Reader, doctype: str, names: list[str]) -> dict[str, tuple[int, bool]]:
	if not names:
		return {}
	delivery = frappe.qb.DocType(DELIVERIES)
	query = (
		frappe.qb.from_(delivery)
		.select(delivery.parent, delivery.at_position, delivery.has_left)
		.where(delivery.consumer == reader.consumer.name)
		.where(delivery.parent.isin(names))
		.where(delivery.at_position <= reader.cursor_of(doctype))
	)
	return {name: (position, bool(left)) for name, position, left in query.run()}


def forget_deliveries(event_consumer: str, up_to: int) -> int:
	"""Delete what was sent to a consumer at or before a position, in batches that are committed one by one."""
	delivery, forgotten = frappe.qb.DocType(DELIVERIES), 0
	query = (
		frappe.qb.from_(delivery)
		.select(delivery.name)
		.where((delivery.consumer == event_consumer) & (delivery.at_position <= up_to))
		.limit(BATCH)
	)
	while names := query.run(pluck=True):
		frappe.qb.from_(delivery).delete().where(delivery.name.isin(names)).run()
		frappe.db.commit()
		forgotten += len(names)
	return forgotten
