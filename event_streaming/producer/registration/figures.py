"""How many events were logged lately, and how long they took to reach the consumers: for cards, charts and forms.

Reads the log and the hours of what was sent, by an index and a bounded number of rows. It asks no other site and writes nothing.
"""

from datetime import datetime, timedelta

import frappe
from frappe.query_builder.functions import Count
from frappe.utils import get_datetime, now_datetime
from pypika import Order

from event_streaming.database.dialects import hour_of
from event_streaming.producer.log import hours
from event_streaming.producer.log.rows import LOG
from event_streaming.site.hours import Counted

MOST_READ = 100_000
# of what was sent to one consumer, as long as the hours are kept
DAYS = 7
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


def delays(event_consumer: str, since: datetime) -> list[Counted]:
	"""How long events took at the longest until this consumer fetched them, for each hour since then."""
	return [
		Counted(each.hour, event_consumer, each.events, each.slowest)
		for each in hours.hours_since(event_consumer, since)
		if each.events
	]


def delays_counted(
	event_consumer: str, since: datetime, lately: datetime
) -> tuple[int, list[tuple[int, int]]]:
	"""(events that went to a consumer after `lately`, (seconds under way, events) of those since `since`), to the hour."""
	counted: dict[int, int] = {}
	new = 0
	for each in hours.hours_since(event_consumer, since):
		new += each.events_after(lately)
		for seconds, events in each.delays.items():
			counted[seconds] = counted.get(seconds, 0) + events
	return new, sorted(counted.items())


def taken_by_doctype(event_consumer: str) -> dict[str, dict]:
	"""DocType -> how many events of it went to this consumer in the last DAYS days, and when it fetched the last."""
	taken: dict[str, dict] = {}
	for each in hours.hours_since(event_consumer, now_datetime() - timedelta(days=DAYS)):
		for doctype, (events, last) in each.doctypes.items():
			known = taken.setdefault(doctype, {"events": 0, "last": last})
			known["events"] += events
			known["last"] = max(known["last"], last)
	return taken
