"""What was sent to which consumer: the only module that adds to Event Update Log Consumer.

Delivered is what the consumer's own cursor says: a row counts when its `at_position` is not after the cursor that the
consumer sends. So an answer that was lost on its way is simply given again.
"""

import hashlib

import frappe
from frappe.utils import now_datetime

from event_streaming.database import bulk_inserting
from event_streaming.producer.log.rows import LOG, Candidate
from event_streaming.producer.subscriptions.reader import Reader

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
	delivery = frappe.qb.DocType(DELIVERIES)
	beyond = (delivery.consumer == reader.consumer.name) & (delivery.at_position > reader.cursor)
	# looked for first: a delete that finds nothing would still lock the gap
	if frappe.qb.from_(delivery).select(delivery.name).where(beyond).limit(1).run():
		frappe.qb.from_(delivery).delete().where(beyond).run()


def record_deliveries(reader: Reader, events: list[Candidate]) -> None:
	"""One row for each event, also where two requests of the consumer are at work at once: its name says which."""
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


def delivered_names(reader: Reader, names: list[str]) -> dict[str, tuple[int, bool]]:
	"""Those of the events, by name, that the consumer has got: at which position, and whether as the document's leaving."""
	if not names:
		return {}
	delivery = frappe.qb.DocType(DELIVERIES)
	query = (
		frappe.qb.from_(delivery)
		.select(delivery.parent, delivery.at_position, delivery.has_left)
		.where(delivery.consumer == reader.consumer.name)
		.where(delivery.parent.isin(names))
		.where(delivery.at_position <= reader.cursor)
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
