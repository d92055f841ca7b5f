"""The last events of a document, and when each was put into an answer for a consumer. It reads, and decides nothing."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

import frappe
from frappe.query_builder.functions import Max
from pypika import Order

from event_streaming.producer.log.deliveries import DELIVERIES
from event_streaming.producer.log.rows import LOG, Candidate, read_candidates, select_candidates
from event_streaming.wire.tracing import MOST_EVENTS, of_one_document


@dataclass(frozen=True)
class History:
	"""The events, the newest first (one without a position is newer than those that have one); (consumer, event) -> when it was sent."""

	events: list[Candidate] = field(default_factory=list)
	sent: dict[tuple[str, str], datetime] = field(default_factory=dict)

	def last_sent(self, consumer: str) -> datetime | None:
		"""When the consumer was sent any of the events last."""
		return max((when for (who, _event), when in self.sent.items() if who == consumer), default=None)


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
	return History(events, _sent([event.name for event in events], consumer))


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
