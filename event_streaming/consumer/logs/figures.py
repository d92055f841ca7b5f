"""How many events came in lately, what became of them and how long they had been under way: for cards, charts and forms.

Reads Event Sync Log, by an index and never more than MOST_READ of its rows. It asks no other site and writes nothing.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import frappe
from frappe.query_builder.functions import Count, Max, Min
from frappe.utils import get_datetime, now_datetime
from pypika import Case, Order

from event_streaming.consumer.conflict_rules.policies import KINDS
from event_streaming.consumer.logs import state
from event_streaming.consumer.logs.sync_log import DOCTYPE, FAILED, OPEN, RETRYING, SYNCED
from event_streaming.database.dialects import hour_of, seconds_between
from event_streaming.site.address import time_zone
from event_streaming.site.hours import HOUR, Counted

MOST_READ = 100_000
# rows that are tried again are in the order of that time: the oldest is looked for among so many
MOST_RETRYING = 10_000


def arrived(since: datetime) -> list[tuple[str, str, Counted]]:
	"""(Event Producer, status, count) for each hour since then, of the newest MOST_READ events. The status is today's."""
	log = frappe.qb.DocType(DOCTYPE)
	newest = (
		frappe.qb.from_(log)
		.select(
			log.event_producer,
			log.status,
			hour_of(log.creation).as_("hour"),
			# what a copy brings is no event: it has been there for long
			Case()
			.when(log.event_id != "", seconds_between(log.event_creation, log.creation))
			.as_("under_way"),
		)
		.where(log.creation >= since)
		.orderby(log.creation, order=Order.desc)
		.limit(MOST_READ)
	)
	rows = (
		frappe.qb.from_(newest)
		.select(newest.event_producer, newest.status, newest.hour, Count("*"), Max(newest.under_way))
		.groupby(newest.event_producer, newest.status, newest.hour)
		.run()
	)
	return [
		(producer or "", status or "", Counted(get_datetime(hour), producer or "", count, longest))
		for producer, status, hour, count, longest in rows
	]


def delays(found: list[tuple[str, str, Counted]]) -> list[Counted]:
	"""What `arrived` found, by producer, with the longest delay between change and arrival.

	The two are in the time zones of their sites; a clock that is ahead over there makes no delay of less than nothing.
	"""
	zones = {row.event_producer: row.remote_time_zone for row in _states()}
	here = time_zone()
	return [
		Counted(
			each.hour,
			producer,
			each.count,
			None
			if each.longest is None
			else max(real_seconds(each.hour, each.longest, zones.get(producer) or here, here), 0),
		)
		for producer, _status, each in found
	]


def real_seconds(arrived_in: datetime, seconds: int, remote_zone: str, zone: str) -> int:
	"""The seconds between a moment there and one in that hour here, told by the two sites' clocks."""
	if remote_zone == zone:
		return seconds
	try:
		there, here = ZoneInfo(remote_zone), ZoneInfo(zone)
	except (ZoneInfoNotFoundError, ValueError):
		return seconds
	at = arrived_in + HOUR / 2
	left = (at - timedelta(seconds=seconds)).replace(tzinfo=there)
	return round(at.replace(tzinfo=here).timestamp() - left.timestamp())


def cut_off() -> dict[str, datetime]:
	"""Event Producer -> since when it could not be read, for those that can't be at present."""
	paused = set(frappe.get_all("Event Producer", {"paused": 1}, pluck="name"))
	return {
		row.event_producer: row.last_contact
		for row in _states()
		if row.connection in (state.OFFLINE, state.REFUSED)
		and row.last_contact
		and row.event_producer not in paused
	}


def _states() -> list[dict]:
	return frappe.get_all(
		state.DOCTYPE,
		fields=["event_producer", "remote_time_zone", "connection", "last_contact"],
		order_by=None,
	)


def taken_since(since: datetime, event_producer: str | None = None, status: str = "") -> int:
	"""How many of the newest MOST_READ events came in since then: from one producer, with one status."""
	log = frappe.qb.DocType(DOCTYPE)
	newest = (
		frappe.qb.from_(log)
		.select(log.event_producer, log.status)
		.where(log.creation >= since)
		.orderby(log.creation, order=Order.desc)
		.limit(MOST_READ)
	)
	query = frappe.qb.from_(newest).select(Count("*"))
	if event_producer:
		query = query.where(newest.event_producer == event_producer)
	if status:
		query = query.where(newest.status == status)
	return query.run()[0][0]


def applied_in_the_last_hour(event_producer: str | None = None) -> int:
	"""How many of the events that came in within the last hour have taken effect."""
	return taken_since(now_datetime() - HOUR, event_producer, SYNCED)


def conflicts_since(since: datetime) -> dict[str, int]:
	"""Kind of conflict -> how many events have met one since then, settled or not: by an index, MOST_READ of each at most."""
	log, found = frappe.qb.DocType(DOCTYPE), {}
	for kind in KINDS:
		some = (
			frappe.qb.from_(log)
			.select(log.name)
			.where((log.conflict_type == kind) & (log.creation >= since))
			.limit(MOST_READ)
		)
		found[kind] = frappe.qb.from_(some).select(Count("*")).run()[0][0]
	return found


def oldest_open() -> datetime | None:
	"""When the oldest event came in that has not taken effect yet: a query by an index for each producer and status."""
	names = [
		name
		for event_producer in frappe.get_all("Event Producer", pluck="name")
		for status in OPEN
		if (name := _oldest(event_producer, status))
	]
	return frappe.db.get_value(DOCTYPE, min(names), "creation") if names else None


def _oldest(event_producer: str, status: str) -> int | None:
	log = frappe.qb.DocType(DOCTYPE)
	query = (
		frappe.qb.from_(log)
		.select(log.name)
		.where((log.status == status) & (log.event_producer == event_producer))
	)
	found = []
	if status != RETRYING:
		# with no time to be tried again the index has them in the order of their names
		found += query.where(log.next_retry.isnull()).orderby(log.name).limit(1).run(pluck=True)
	if status in (RETRYING, FAILED):
		among = query.where(log.next_retry.isnotnull()).limit(MOST_RETRYING)
		found += frappe.qb.from_(among).select(Min(among.name)).run(pluck=True)
	return min((name for name in found if name), default=None)


def last_taken(event_producer: str, remote_doctype: str, remote_name: str) -> dict | None:
	"""The last event of one remote document, with its status and when it came in."""
	rows = frappe.get_all(
		DOCTYPE,
		filters={
			"event_producer": event_producer,
			"remote_doctype": remote_doctype,
			"producer_doc": remote_name,
		},
		fields=["status", "creation"],
		order_by="name desc",
		limit=1,
	)
	return rows[0] if rows else None
