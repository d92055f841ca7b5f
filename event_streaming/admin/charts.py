"""The data of the workspace's number cards and charts, of both roles of a site. Reads only, asks no other site.

What a card or chart may cost is bounded by what it calls. Each is for System Managers.
"""

from datetime import datetime, timedelta

import frappe
from frappe import _
from frappe.utils import cint, now_datetime

from event_streaming.admin.words import ago
from event_streaming.consumer.logs import figures as consuming
from event_streaming.consumer.logs import overview
from event_streaming.consumer.logs.sync_log import CONFLICT, FAILED, RETRYING, SYNCED, WAITING
from event_streaming.producer.registration import figures as producing
from event_streaming.producer.registration.overview import consumers
from event_streaming.site.hours import (
	HOUR,
	Counted,
	last_hours,
	longest_per_hour,
	per_hour,
	since_then,
	whole_hours,
)
from event_streaming.site.roles import ADMIN

CAUSES_PAGE = "event-streaming-causes"
SYNC_LOG, UPDATE_LOG = "Event Sync Log", "Event Update Log"
# lines of a chart: more can't be told apart
MOST_LINES = 5
WEEK = timedelta(days=7)


# ---- number cards


@frappe.whitelist()
def events_behind() -> dict:
	"""How many events wait on the producers, as they said at the last contact."""
	frappe.only_for(ADMIN)
	behind = sum(row["events_behind"] for row in overview.producers() if not row["paused"])
	return _card(behind, "Event Producer")


@frappe.whitelist()
def applied_in_the_last_hour() -> dict:
	"""How many events of the last hour have taken effect here."""
	frappe.only_for(ADMIN)
	return _card(consuming.applied_in_the_last_hour(), SYNC_LOG, status=SYNCED)


@frappe.whitelist()
def failed_events() -> dict:
	"""How many events have failed and need a person."""
	frappe.only_for(ADMIN)
	failed = sum(row["failed"] for row in overview.producers())
	return {"value": failed, "fieldtype": "Int", "route": [CAUSES_PAGE]}


@frappe.whitelist()
def conflicts_in_the_last_week() -> dict:
	"""How many events of the last seven days have met a change of this site, settled or not."""
	frappe.only_for(ADMIN)
	met = sum(consuming.conflicts_since(now_datetime() - WEEK).values())
	return _card(met, SYNC_LOG, conflict_type=["is", "set"])


@frappe.whitelist()
def oldest_waiting_event() -> str:
	"""When the oldest event came in that has not taken effect yet, in words."""
	frappe.only_for(ADMIN)
	oldest = consuming.oldest_open()
	return ago(oldest) if oldest else _("None")


@frappe.whitelist()
def events_to_be_taken() -> dict:
	"""How many events the consumer that is furthest behind has not taken from here."""
	frappe.only_for(ADMIN)
	return _card(
		max((row["events_behind"] for row in consumers() if not row["paused"]), default=0), "Event Consumer"
	)


@frappe.whitelist()
def logged_in_the_last_hour() -> dict:
	"""How many events were logged here within the last hour."""
	frappe.only_for(ADMIN)
	return _card(producing.logged_since(now_datetime() - HOUR), UPDATE_LOG)


def _card(value: int, doctype: str, **filters) -> dict:
	return {"value": cint(value), "fieldtype": "Int", "route": ["List", doctype], "route_options": filters}


# ---- charts


@frappe.whitelist()
def events_per_hour() -> dict:
	"""What became of the events of each of the last hours: those taken from producers, those logged for consumers."""
	frappe.only_for(ADMIN)
	hours = last_hours(now_datetime())
	taken = [
		Counted(each.hour, status, each.count) for _producer, status, each in consuming.arrived(hours[0])
	]
	logged = producing.logged(hours[0])
	hours = min(
		whole_hours(hours, taken, consuming.MOST_READ),
		whole_hours(hours, logged, producing.MOST_READ),
		key=len,
	)
	counts, none = per_hour(hours, [*taken, *logged]), [0] * len(hours)
	lines = [
		(label, [sum(values) for values in zip(*(counts.get(kind, none) for kind in kinds), strict=True)])
		for label, kinds in (
			(_("Synced"), [SYNCED]),
			(_("Waiting"), [RETRYING, WAITING]),
			(_("Failed"), [FAILED, CONFLICT]),
			(_("Logged"), [producing.LOGGED]),
		)
	]
	return _chart(hours, lines if taken or logged else [])


@frappe.whitelist()
def longest_delay_per_hour() -> dict:
	"""How many minutes an event took at the longest in each of the last hours: from each producer to here, and from here
	to each consumer. For a producer that can't be read it is the time since it last could."""
	frappe.only_for(ADMIN)
	now = now_datetime()
	hours = last_hours(now)
	found = consuming.arrived(hours[0])
	hours = whole_hours(hours, [each for _producer, _status, each in found], consuming.MOST_READ)
	lines = longest_per_hour(hours, consuming.delays(found))
	for event_producer, then in consuming.cut_off().items():
		known = lines.get(event_producer) or [0] * len(hours)
		lines[event_producer] = [max(pair) for pair in zip(known, since_then(hours, then, now), strict=True)]
	named = {_("from {0}").format(host(site)): values for site, values in lines.items() if site}
	for row in consumers():
		counted = producing.delays(row["name"], hours[0])
		for site, values in longest_per_hour(hours, counted).items():
			named[_("to {0}").format(host(site))] = values
	worst = sorted(named.items(), key=lambda line: -max(line[1]))[:MOST_LINES]
	return _chart(
		hours, [(label, [round(seconds / 60, 2) for seconds in values]) for label, values in sorted(worst)]
	)


def host(url: str) -> str:
	"""A site as a chart's legend has room for it."""
	return url.split("://", 1)[-1]


def _chart(hours: list[datetime], lines: list[tuple[str, list]]) -> dict:
	"""For Frappe's chart; without labels, which it shows as *No Data*, where there are no lines."""
	if not lines:
		return {}
	return {
		"labels": [hour.strftime("%H:%M") for hour in hours],
		"datasets": [{"name": label, "values": values} for label, values in lines],
	}
