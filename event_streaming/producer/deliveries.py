"""What was sent to which consumer: the only module that adds to Event Update Log Consumer.

Delivered is what the consumer's own cursor says: a row counts when its `at_position` is not after the cursor that the
consumer sends. So an answer that was lost on its way is simply given again.
"""

import frappe
from frappe.utils import now_datetime
from redis.exceptions import RedisError

from event_streaming.producer.log import LOG, Candidate
from event_streaming.producer.reader import Reader

DELIVERIES = "Event Update Log Consumer"
BATCH = 1_000


def forget_undelivered(reader: Reader) -> None:
	"""The consumer says how far it is: what was sent beyond has not arrived."""
	delivery = frappe.qb.DocType(DELIVERIES)
	beyond = (delivery.consumer == reader.consumer.name) & (delivery.at_position > reader.cursor)
	# looked for first: a delete that finds nothing would still lock the gap
	if frappe.qb.from_(delivery).select(delivery.name).where(beyond).limit(1).run():
		frappe.qb.from_(delivery).delete().where(beyond).run()


def record_deliveries(reader: Reader, events: list[Candidate]) -> None:
	if not events:
		return
	now, user = now_datetime(), frappe.session.user
	columns = (
		"name",
		"creation",
		"modified",
		"owner",
		"modified_by",
		"docstatus",
		"idx",
		"parent",
		"parenttype",
		"parentfield",
		"consumer",
		"at_position",
		"has_left",
	)
	rows = [
		(
			frappe.generate_hash(length=10),
			now,
			now,
			user,
			user,
			0,
			1,
			event.name,
			LOG,
			"consumers",
			reader.consumer.name,
			event.at_position,
			int(event.leaves),
		)
		for event in events
	]
	frappe.db.bulk_insert(DELIVERIES, list(columns), rows)


def delivered_names(reader: Reader, names: list[str]) -> dict[str, bool]:
	"""Those of the events, by name, that the consumer has got; and whether as the document's leaving."""
	if not names:
		return {}
	delivery = frappe.qb.DocType(DELIVERIES)
	query = (
		frappe.qb.from_(delivery)
		.select(delivery.parent, delivery.has_left)
		.where((delivery.consumer == reader.consumer.name) & (delivery.parenttype == LOG))
		.where(delivery.parent.isin(names))
		.where(delivery.at_position <= reader.cursor)
	)
	return {name: bool(left) for name, left in query.run()}


def forget_deliveries_later(event_consumer: str, up_to: int) -> None:
	"""Have a background job forget what was sent to a consumer that is no more, once its deletion is committed.

	There may be millions of rows: too many for the request, and for one transaction. If the job is lost, they go with
	the events that they belong to.
	"""

	def queue() -> None:
		try:
			frappe.enqueue(
				"event_streaming.producer.deliveries.forget_deliveries",
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
