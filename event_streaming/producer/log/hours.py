"""How much was sent to each consumer in each hour, how long it had been under way, and which position was reached when.

The only module that reads and writes Event Delivery Hour: one row for a consumer and hour, however many events. These are figures
for people: nothing of what is sent depends on them. An event counts when it is sent for the first time.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import frappe
from frappe.query_builder.functions import Max
from frappe.utils import add_to_date, cint, get_datetime, now_datetime
from pypika import Order

from event_streaming.database import bulk_inserting
from event_streaming.producer.log.rows import Candidate

DOCTYPE = "Event Delivery Hour"
COLUMNS = (*bulk_inserting.OWN_COLUMNS, "consumer", "hour", "events", "slowest", "position", "figures")
CHANGED = ("modified", "modified_by", "events", "slowest", "position", "figures")
HOUR = timedelta(hours=1)
# of an hour: when which position was reached
MOST_MARKS = 40
BATCH = 1_000


@dataclass
class Hour:
	"""One consumer in one hour. `delays` is seconds -> events; a mark is (second, position, events up to then)."""

	hour: datetime
	events: int = 0
	slowest: int = 0
	position: int = 0
	delays: dict[int, int] = field(default_factory=dict)
	# DocType -> how many events, and when the last one was sent
	doctypes: dict[str, tuple[int, datetime]] = field(default_factory=dict)
	marks: list[tuple[int, int, int]] = field(default_factory=list)
	# DocType -> the last of its events that counted ahead of others, in this hour or before, where that is beyond the position
	ahead: dict[str, int] = field(default_factory=dict)

	def events_after(self, moment: datetime) -> int:
		"""How many of the events were sent after a moment, as exactly as the marks say."""
		before = [events for second, _position, events in self.marks if self.at(second) <= moment]
		return self.events - (before[-1] if before else 0)

	def when(self, position: int) -> datetime | None:
		"""By when a position was reached in this hour."""
		return next((self.at(second) for second, reached, _events in self.marks if reached >= position), None)

	@property
	def begins_after(self) -> int:
		"""The position after which something was sent in this hour."""
		return self.marks[0][1] if self.marks else self.position

	def at(self, second: int) -> datetime:
		return self.hour + timedelta(seconds=second)


def count_sent(event_consumer: str, events: list[Candidate], is_ahead: bool = False) -> None:
	"""Add the events of a page to the hour. Those that were sent before and asked for again are counted already.

	Events that come before others that stand before them say nothing of how far it has got.
	"""
	if not events:
		return
	now = now_datetime()
	hour, reached = _hour_now(event_consumer, now)
	# an answer may have been lost on its way, and is given again
	new = [
		event for event in events if event.at_position > max(reached, hour.ahead.get(event.ref_doctype, 0))
	]
	if not new:
		return
	if is_ahead:
		_count(hour, new, now)
		hour.position = max(hour.position, reached)
		hour.ahead |= {event.ref_doctype: event.at_position for event in new}
	else:
		_add(hour, new, now)
	hour.ahead = {doctype: last for doctype, last in hour.ahead.items() if last > hour.position}
	_write(event_consumer, hour, now)


def _count(hour: Hour, events: list[Candidate], now: datetime) -> None:
	for event in events:
		count, _last = hour.doctypes.get(event.ref_doctype, (0, now))
		# one that says what several changes have made together is as many
		changes = event.steps or 1
		hour.doctypes[event.ref_doctype] = (count + changes, now)
		# the older events of a document that has come to meet its condition were not late
		if event.position == event.at_position:
			seconds = max(int((now - get_datetime(event.creation)).total_seconds()), 0)
			hour.slowest = max(hour.slowest, seconds)
			hour.delays[rounded(seconds)] = hour.delays.get(rounded(seconds), 0) + 1
			hour.events += changes


def _add(hour: Hour, events: list[Candidate], now: datetime) -> None:
	before = hour.events
	_count(hour, events, now)
	if not hour.marks:
		# what stands before was sent earlier, whether or not that is known
		hour.marks = [(0, min(event.at_position for event in events) - 1, before)]
	hour.position = max(event.at_position for event in events)
	second = min(int((now - hour.hour).total_seconds()), 3599)
	hour.marks = thinned([*hour.marks, (second, hour.position, hour.events)])


def rounded(seconds: int) -> int:
	"""So that an hour has only so many different ones: exact up to 10, then in steps of a twentieth to a half."""
	step = max(10 ** (len(str(seconds)) - 1) // 2, 1)
	return seconds // step * step


def thinned(marks: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
	"""Every other one, always with the last, when there are too many."""
	return marks if len(marks) <= MOST_MARKS else marks[::-1][::2][::-1]


def _hour_now(event_consumer: str, now: datetime) -> tuple[Hour, int]:
	"""This hour of a consumer, and the position of the last event that counted in any hour."""
	begun = now.replace(minute=0, second=0, microsecond=0)
	newest = _read(event_consumer, limit=1)
	reached = newest[0].position if newest else 0
	if newest and newest[0].hour == begun:
		return newest[0], reached
	# a clock that was set back comes to an hour for the second time
	there = _read(event_consumer, since=begun, until=begun)
	hour = there[0] if there else Hour(begun)
	for doctype, last in newest[0].ahead.items() if newest else ():
		hour.ahead[doctype] = max(last, hour.ahead.get(doctype, 0))
	return hour, reached


def hours_since(event_consumer: str, moment: datetime) -> list[Hour]:
	"""The hours of a consumer that ended after a moment, the last first."""
	return _read(event_consumer, since=moment - HOUR + timedelta(microseconds=1))


def reached_when(event_consumer: str, positions: Iterable[int]) -> dict[int, datetime]:
	"""By when each of the positions was sent to a consumer, as far as that is kept: of those before the first hour it is not."""
	wanted = set(positions)
	if not wanted:
		return {}
	known = _read(event_consumer, reaching=min(wanted), limit=1 if len(wanted) == 1 else None)
	found: dict[int, datetime] = {}
	for position in wanted:
		hour = next((each for each in known if each.position >= position), None)
		if hour and position > hour.begins_after and (when := hour.when(position)):
			found[position] = when
	return found


def last_sent(event_consumers: list[str]) -> dict[str, int]:
	"""Position of the last event that was sent to each of the consumers, as far as that is kept."""
	if not event_consumers:
		return {}
	table = frappe.qb.DocType(DOCTYPE)
	query = (
		frappe.qb.from_(table)
		.select(table.consumer, Max(table.position))
		.where(table.consumer.isin(event_consumers))
		.groupby(table.consumer)
	)
	return {name: cint(position) for name, position in query.run()}


def _read(
	event_consumer: str,
	since: datetime | None = None,
	until: datetime | None = None,
	reaching: int = 0,
	limit: int | None = None,
) -> list[Hour]:
	"""The last first; the other way round those that reach a position."""
	table = frappe.qb.DocType(DOCTYPE)
	query = (
		frappe.qb.from_(table)
		.select(table.hour, table.events, table.slowest, table.position, table.figures)
		.where(table.consumer == event_consumer)
		# hours in which only events came ahead of others have the position of the one before
		.orderby(table.position, table.hour, order=Order.asc if reaching else Order.desc)
	)
	if reaching:
		query = query.where(table.position >= reaching)
	if since:
		query = query.where(table.hour >= since)
	if until:
		query = query.where(table.hour <= until)
	if limit:
		query = query.limit(limit)
	return [_parsed(*row) for row in query.run()]


def _parsed(hour: object, events: int, slowest: int, position: int, text: str | None) -> Hour:
	figures = json.loads(text or "{}")
	return Hour(
		get_datetime(hour),
		cint(events),
		cint(slowest),
		cint(position),
		{int(seconds): count for seconds, count in figures.get("delays", {}).items()},
		{
			doctype: (count, get_datetime(last))
			for doctype, (count, last) in figures.get("doctypes", {}).items()
		},
		[tuple(mark) for mark in figures.get("marks", [])],
		figures.get("ahead", {}),
	)


def _write(event_consumer: str, hour: Hour, now: datetime) -> None:
	figures = {
		"delays": hour.delays,
		"doctypes": {doctype: [count, str(last)] for doctype, (count, last) in hour.doctypes.items()},
		"marks": hour.marks,
		"ahead": hour.ahead,
	}
	mark = hashlib.sha256(event_consumer.encode()).hexdigest()[:16]
	row = (
		f"{mark}-{hour.hour:%Y%m%d%H}",
		*(now, now, frappe.session.user, frappe.session.user),
		*(event_consumer, hour.hour, hour.events, hour.slowest, hour.position),
		json.dumps(figures, separators=(",", ":")),
	)
	bulk_inserting.insert_or_update(DOCTYPE, COLUMNS, CHANGED, [row])


def clear(days: int = 7) -> None:
	"""Forget the hours of more than `days` days ago. Commits batches."""
	_delete_where(lambda table: table.hour < add_to_date(now_datetime(), days=-cint(days)))


def forget(event_consumer: str, up_to: datetime) -> None:
	"""Forget those of a consumer that is no more, which began up to a moment. Commits batches."""
	_delete_where(lambda table: (table.consumer == event_consumer) & (table.hour <= up_to))


def _delete_where(condition) -> None:
	table = frappe.qb.DocType(DOCTYPE)
	query = frappe.qb.from_(table).select(table.name).where(condition(table)).limit(BATCH)
	while names := query.run(pluck=True):
		frappe.qb.from_(table).delete().where(table.name.isin(names)).run()
		frappe.db.commit()
