"""What has come of each DocType of one producer, and how long events were under way: bounded queries of Event Sync Log.

It asks no other site and writes nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime

import frappe
from frappe.query_builder.functions import Count, Min
from frappe.utils import get_datetime, now_datetime
from pypika import Order

from event_streaming.consumer.logs import state
from event_streaming.consumer.logs.figures import MOST_READ, real_seconds
from event_streaming.consumer.logs.overview import MOST_COUNTED
from event_streaming.consumer.logs.sync_log import DOCTYPE, OPEN
from event_streaming.database.dialects import seconds_between
from event_streaming.site.address import time_zone


@dataclass
class OpenEvents:
	"""The events of one DocType that have not taken effect, by status, and when the oldest of them came in."""

	statuses: dict[str, int] = field(default_factory=dict)
	oldest: datetime | None = None


def open_events(event_producer: str) -> dict[str, OpenEvents]:
	"""Local DocType -> its open events, of the first MOST_COUNTED."""
	log = frappe.qb.DocType(DOCTYPE)
	some = (
		frappe.qb.from_(log)
		.select(log.ref_doctype, log.status, log.creation)
		.where(log.status.isin(OPEN) & (log.event_producer == event_producer))
		.limit(MOST_COUNTED)
	)
	rows = (
		frappe.qb.from_(some)
		.select(some.ref_doctype, some.status, Count("*"), Min(some.creation))
		.groupby(some.ref_doctype, some.status)
		.run()
	)
	found: dict[str, OpenEvents] = {}
	for doctype, status, count, oldest in rows:
		known = found.setdefault(doctype or "", OpenEvents())
		known.statuses[status] = count
		known.oldest = min(filter(None, (known.oldest, get_datetime(oldest))))
	return found


def taken_since(since: datetime) -> dict[tuple[str, str], int]:
	"""(Event Producer, local DocType) -> how many of the newest MOST_READ events came in since then."""
	log = frappe.qb.DocType(DOCTYPE)
	newest = (
		frappe.qb.from_(log)
		.select(log.event_producer, log.ref_doctype)
		.where(log.creation >= since)
		.orderby(log.creation, order=Order.desc)
		.limit(MOST_READ)
	)
	rows = (
		frappe.qb.from_(newest)
		.select(newest.event_producer, newest.ref_doctype, Count("*"))
		.groupby(newest.event_producer, newest.ref_doctype)
		.run()
	)
	return {(producer or "", doctype or ""): count for producer, doctype, count in rows}


def delays_since(since: datetime) -> dict[str, list[tuple[int, int]]]:
	"""Event Producer -> (seconds under way, events) of the newest MOST_READ events that came in since then."""
	log = frappe.qb.DocType(DOCTYPE)
	newest = (
		frappe.qb.from_(log)
		.select(log.event_producer, seconds_between(log.event_creation, log.creation).as_("seconds"))
		# what a copy brings is no event
		.where((log.creation >= since) & (log.event_id != "") & log.event_creation.isnotnull())
		.orderby(log.creation, order=Order.desc)
		.limit(MOST_READ)
	)
	rows = (
		frappe.qb.from_(newest)
		.select(newest.event_producer, newest.seconds, Count("*"))
		.groupby(newest.event_producer, newest.seconds)
		.run()
	)
	kept = frappe.get_all(state.DOCTYPE, fields=["event_producer", "remote_time_zone"], order_by=None)
	zones, here, now = {row.event_producer: row.remote_time_zone for row in kept}, time_zone(), now_datetime()
	found: dict[str, list[tuple[int, int]]] = {}
	for producer, seconds, count in rows:
		real = real_seconds(now, seconds, zones.get(producer) or here, here)
		found.setdefault(producer or "", []).append((real, count))
	return found
