"""The last events of a document, and which consumers were sent each, and when. It reads, and decides nothing.

Of an open subscription the consumer's cursor says it, and what is kept of the last pages: up to where these went, and for some
days also when.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

import frappe
from frappe.query_builder.functions import Max
from frappe.utils import cint
from pypika import Order

from event_streaming.producer.log import spans
from event_streaming.producer.log.deliveries import DELIVERIES
from event_streaming.producer.log.hours import last_sent, reached_when
from event_streaming.producer.log.rows import LOG, Candidate, read_candidates, select_candidates
from event_streaming.producer.subscriptions.streamed import CONSUMER, ROWS
from event_streaming.wire.tracing import MOST_EVENTS, of_one_document
from event_streaming.wire.wishes.priorities import read_taken

# consumers of which a document's form is told when
MOST_TIMED = 50


@dataclass(frozen=True)
class History:
	"""The events, the newest first (one without a position is newer than those that have one); (consumer, event) -> when it was sent,
	None where only that it was is known."""

	events: list[Candidate] = field(default_factory=list)
	sent: dict[tuple[str, str], datetime | None] = field(default_factory=dict)

	def last_sent(self, consumer: str) -> datetime | None:
		"""When the consumer was sent any of the events last."""
		return max(
			(when for (who, _event), when in self.sent.items() if who == consumer and when), default=None
		)


def history_of(
	doctype: str, name: str, consumer: str | None = None, former: Collection[tuple[str, int]] = ()
) -> History:
	"""The newest events of a document; of one consumer if named, else of all. Two queries, and one for each of its `former` names, with
	the number of the event that changed it."""
	# what had the present name before is another document
	events = _events_of(doctype, name, after=max((number for _old, number in former), default=0))
	numbers = [number for _old, number in former]
	for (old, number), after in zip(former, [*numbers[1:], 0], strict=False):
		events += _events_of(doctype, old, after, number)
	events = events[:MOST_EVENTS]
	sent = {**_sent_openly(doctype, events, consumer), **_sent([event.name for event in events], consumer)}
	return History(events, sent)


def _events_of(doctype: str, name: str, after: int = 0, upto: int | None = None) -> list[Candidate]:
	"""The newest events under a name, of those with these numbers."""
	log = frappe.qb.DocType(LOG)
	query = select_candidates(log).where((log.ref_doctype == doctype) & (log.docname == name))
	if after:
		query = query.where(log.name > after)
	if upto is not None:
		query = query.where(log.name <= upto)
	events = read_candidates(query.orderby(log.name, order=Order.desc).limit(MOST_EVENTS))
	return events[: of_one_document([event.update_type for event in events])]


def _sent_openly(
	doctype: str, events: list[Candidate], consumer: str | None
) -> dict[tuple[str, str], datetime | None]:
	"""What consumers were sent of open subscriptions. When: of one consumer, of all events; of all of them, of the newest one."""
	found: dict[tuple[str, str], datetime | None] = {}
	for number, (name, taken, upto) in enumerate(_consumers_with_spans(doctype, consumer)):
		got = [event for event in events if _was_sent(name, taken, upto, event.origin, event.position)]
		timed = got if consumer else got[: number < MOST_TIMED]
		when = reached_when(name, [cint(event.position) for event in timed])
		found.update({(name, event.name): when.get(cint(event.position)) for event in got})
	return found


def _was_sent(consumer: str, taken: spans.Spans, upto: int, origin: str | None, position: int) -> bool:
	return origin != consumer and spans.cover(taken, cint(position), upto)


def _consumers_with_spans(doctype: str, consumer: str | None = None) -> list[tuple[str, spans.Spans, int]]:
	"""(consumer, its open spans of a DocType, up to where it was sent anything) of those that have any."""
	of, table = frappe.qb.DocType(ROWS), frappe.qb.DocType(CONSUMER)
	query = (
		frappe.qb.from_(of)
		.join(table)
		.on(table.name == of.parent)
		.select(table.name, of.open_spans, table.position, table.taken_ahead)
		.where((of.parenttype == CONSUMER) & (of.ref_doctype == doctype) & of.open_spans.isnotnull())
		.orderby(table.name)
	)
	if consumer:
		query = query.where(table.name == consumer)
	rows = query.run()
	sent = last_sent([row[0] for row in rows])
	return [
		(name, spans.parsed(text), max(cint(cursor), sent.get(name, 0), read_taken(ahead).get(doctype, 0)))
		for name, text, cursor, ahead in rows
	]


def openly_sent_to(doctype: str, position: int, origin: str | None) -> list[str]:
	"""The consumers to which an event of an open subscription was sent: none of them has a row that says so."""
	return [
		name
		for name, taken, upto in _consumers_with_spans(doctype)
		if _was_sent(name, taken, upto, origin, position)
	]


def _sent(names: list[str], consumer: str | None) -> dict[tuple[str, str], datetime]:
	if not names:
		return {}
	delivery = frappe.qb.DocType(DELIVERIES)
	query = (
		frappe.qb.from_(delivery)
		.select(delivery.consumer, delivery.parent, Max(delivery.creation))
		.where((delivery.parenttype == LOG) & delivery.parent.isin(names))
		.groupby(delivery.consumer, delivery.parent)
	)
	if consumer:
		query = query.where(delivery.consumer == consumer)
	return {(who, str(event)): when for who, event, when in query.run()}
