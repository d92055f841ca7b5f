"""What was sent to which consumer: the only module that adds to Event Update Log Consumer.

Delivered is what the consumer's own cursor says: a row counts when its `at_position` is not after the cursor that the
consumer sends. So an answer that was lost on its way is simply given again. A document that a copy has given whole has
a row too, with the document in the place of the event.
"""

import frappe
from frappe.utils import now_datetime
from redis.exceptions import RedisError

from event_streaming.database import bulk_inserting
from event_streaming.producer.log.rows import LOG, Candidate
from event_streaming.producer.subscriptions.reader import Reader
from event_streaming.producer.subscriptions.streamed import streamed_doctypes

DELIVERIES = "Event Update Log Consumer"
COLUMNS = (
	*bulk_inserting.OWN_COLUMNS,
	"docstatus",
	"idx",
	"parenttype",
	"parent",
	"parentfield",
	"at_position",
	"has_left",
	"consumer",
)
BATCH = 1_000
# the parentfield of a row whose parent is a document that was given whole, not an event
GIVEN = "given"


def forget_undelivered(reader: Reader) -> None:
	"""The consumer says how far it is: what was sent beyond has not arrived."""
	delivery = frappe.qb.DocType(DELIVERIES)
	beyond = (delivery.consumer == reader.consumer.name) & (delivery.at_position > reader.cursor)
	beyond &= delivery.parenttype == LOG
	# looked for first: a delete that finds nothing would still lock the gap
	if frappe.qb.from_(delivery).select(delivery.name).where(beyond).limit(1).run():
		frappe.qb.from_(delivery).delete().where(beyond).run()


def record_deliveries(reader: Reader, events: list[Candidate]) -> None:
	insert_rows(
		reader.consumer.name,
		[(LOG, event.name, "consumers", event.at_position, int(event.leaves)) for event in events],
	)


def insert_rows(consumer: str, rows: list[tuple[str, str, str, int, int]]) -> None:
	"""(parenttype, parent, parentfield, at_position, has_left) of each row: one INSERT for all."""
	if not rows:
		return
	now, user = now_datetime(), frappe.session.user
	values = [(frappe.generate_hash(length=10), now, now, user, user, 0, 1, *row, consumer) for row in rows]
	bulk_inserting.insert(DELIVERIES, COLUMNS, values)


def delivered_names(reader: Reader, names: list[str]) -> dict[str, tuple[int, bool]]:
	"""Those of the events, by name, that the consumer has got: at which position, and whether as the document's leaving."""
	if not names:
		return {}
	delivery = frappe.qb.DocType(DELIVERIES)
	query = (
		frappe.qb.from_(delivery)
		.select(delivery.parent, delivery.at_position, delivery.has_left)
		.where((delivery.consumer == reader.consumer.name) & (delivery.parenttype == LOG))
		.where(delivery.parent.isin(names))
		.where(delivery.at_position <= reader.cursor)
	)
	return {name: (position, bool(left)) for name, position, left in query.run()}


def forget_deliveries_later(event_consumer: str, up_to: int) -> None:
	"""Have a background job forget what was sent to a consumer that is no more, once its deletion is committed.

	There may be millions of rows: too many for the request, and for one transaction. If the job is lost, they go with
	the events that they belong to.
	"""

	def queue() -> None:
		try:
			frappe.enqueue(
				"event_streaming.producer.log.deliveries.forget_deliveries",
				queue="long",
				event_consumer=event_consumer,
				up_to=up_to,
			)
		except RedisError as error:
			frappe.logger("event_streaming").warning(f"deliveries not forgotten: {error}")

	frappe.db.after_commit.add(queue)


def forget_deliveries(event_consumer: str, up_to: int) -> int:
	"""The job: delete what was sent to a consumer at or before a position, in batches that are committed one by one.

	A consumer that has registered again under the same name meanwhile keeps what it gets: that comes after `up_to`.
	"""
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


# ---- whole documents that were given by a copy, under a subscription with a condition: of others nothing needs to be known


def record_given(consumer: str, doctype: str, positions: dict[str, int]) -> None:
	"""Remember that the consumer has these documents, and that the events up to their positions are in them."""
	if not positions:
		return
	delivery = frappe.qb.DocType(DELIVERIES)
	frappe.qb.from_(delivery).delete().where(
		(delivery.consumer == consumer)
		& (delivery.parenttype == doctype)
		& delivery.parent.isin(sorted(positions))
	).run()
	insert_rows(consumer, [(doctype, name, GIVEN, position, 0) for name, position in positions.items()])


def given_positions(reader: Reader, doctype: str, names: list[str]) -> dict[str, int]:
	"""Those of the documents that the consumer has got by a copy, each with its position then."""
	delivery = frappe.qb.DocType(DELIVERIES)
	query = (
		frappe.qb.from_(delivery)
		.select(delivery.parent, delivery.at_position)
		.where((delivery.parenttype == doctype) & (delivery.parentfield == GIVEN))
		.where((delivery.consumer == reader.consumer.name) & delivery.parent.isin(names))
	)
	return dict(query.run())


def document_renamed(doc, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""Hook for every rename: what was given under the old name is known under the new one as well."""
	if doc.doctype not in streamed_doctypes():
		return
	delivery = frappe.qb.DocType(DELIVERIES)
	query = (
		frappe.qb.from_(delivery)
		.select(delivery.consumer, delivery.at_position)
		.where((delivery.parent == str(old)) & (delivery.parenttype == doc.doctype))
		.where(delivery.parentfield == GIVEN)
	)
	for consumer, position in query.run():
		record_given(consumer, doc.doctype, {str(new): position})
