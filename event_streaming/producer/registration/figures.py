"""How many events were logged lately, and how long they took to reach the consumers: for cards, charts and forms.

Reads the log and its deliveries, by an index and a bounded number of rows. It asks no other site and writes nothing.
"""

from datetime import datetime

import frappe
from frappe.query_builder.functions import Count, Max, Sum
from frappe.utils import cint, get_datetime
from pypika import Case, Order

from event_streaming.database.dialects import as_number, hour_of, seconds_between
from event_streaming.producer.log.deliveries import DELIVERIES
from event_streaming.producer.log.rows import LOG
from event_streaming.site.hours import Counted

MOST_READ = 100_000
# deliveries of one consumer
MOST_DELIVERIES = 10_000
LOGGED = "logged"


def logged(since: datetime) -> list[Counted]:
	"""How many events were logged in each hour since then, of the newest MOST_READ."""
	log = frappe.qb.DocType(LOG)
	newest = (
		frappe.qb.from_(log)
		.select(hour_of(log.creation).as_("hour"))
		.where(log.creation >= since)
		.orderby(log.creation, order=Order.desc)
		.limit(MOST_READ)
	)
	rows = frappe.qb.from_(newest).select(newest.hour, Count("*")).groupby(newest.hour).run()
	return [Counted(get_datetime(hour), LOGGED, count) for hour, count in rows]


def logged_since(since: datetime) -> int:
	"""How many of the newest MOST_READ events were logged since then."""
	log = frappe.qb.DocType(LOG)
	newest = frappe.qb.from_(log).select(log.name).where(log.creation >= since).limit(MOST_READ)
	return frappe.qb.from_(newest).select(Count("*")).run()[0][0]


def _last_deliveries(event_consumer: str, most: int = MOST_DELIVERIES):
	"""The last events that went to a consumer, newest first: a subquery."""
	delivery = frappe.qb.DocType(DELIVERIES)
	return (
		frappe.qb.from_(delivery)
		.select(delivery.creation, delivery.at_position, as_number(delivery.parent).as_("event"))
		.where((delivery.consumer == event_consumer) & (delivery.parenttype == LOG))
		.orderby(delivery.at_position, order=Order.desc)
		.limit(most)
	)


def delays(event_consumer: str, since: datetime) -> list[Counted]:
	"""How long events took at the longest until this consumer fetched them, for each hour since then."""
	log, last = frappe.qb.DocType(LOG), _last_deliveries(event_consumer)
	hour = hour_of(last.creation)
	rows = (
		frappe.qb.from_(last)
		.join(log)
		.on(log.name == last.event)
		.select(hour, Count("*"), Max(seconds_between(log.creation, last.creation)))
		# the older events of a document that has come to meet its condition were not late
		.where((last.creation >= since) & (log.position == last.at_position))
		.groupby(hour)
		.run()
	)
	return [Counted(get_datetime(at), event_consumer, count, max(longest, 0)) for at, count, longest in rows]


def delays_counted(
	event_consumer: str, since: datetime, lately: datetime, most: int = MOST_DELIVERIES
) -> tuple[int, list[tuple[int, int]]]:
	"""(events that went to a consumer after `lately`, (seconds under way, events) of those since `since`), of its last `most`."""
	log, last = frappe.qb.DocType(LOG), _last_deliveries(event_consumer, most)
	seconds = seconds_between(log.creation, last.creation)
	rows = (
		frappe.qb.from_(last)
		.join(log)
		.on(log.name == last.event)
		.select(seconds, Count("*"), Sum(Case().when(last.creation >= lately, 1).else_(0)))
		# the older events of a document that has come to meet its condition were not late
		.where((last.creation >= since) & (log.position == last.at_position))
		.groupby(seconds)
		.run()
	)
	return sum(cint(new) for _seconds, _count, new in rows), [(each[0], each[1]) for each in rows]


def taken_by_doctype(event_consumer: str) -> dict[str, dict]:
	"""DocType -> how many of the last MOST_DELIVERIES events of this consumer were of it, and when it fetched the last."""
	log, last = frappe.qb.DocType(LOG), _last_deliveries(event_consumer)
	rows = (
		frappe.qb.from_(last)
		.join(log)
		.on(log.name == last.event)
		.select(log.ref_doctype, Count("*").as_("events"), Max(last.creation).as_("last"))
		.groupby(log.ref_doctype)
		.run(as_dict=True)
	)
	return {row.ref_doctype: {"events": row.events, "last": row.last} for row in rows}
