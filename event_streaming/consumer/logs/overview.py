"""How this site stands with each of its producers, for those who look after it. A bounded number of cheap queries.

It asks no other site and writes nothing.
"""

from datetime import datetime
from typing import TypedDict

import frappe
from frappe.query_builder.functions import Count
from frappe.utils import cint, get_datetime

from event_streaming.consumer.line.holding import holding
from event_streaming.consumer.line.meter import meter_of
from event_streaming.consumer.logs import listener, state
from event_streaming.consumer.logs.listener import Listener
from event_streaming.consumer.logs.sync_log import CONFLICT, DOCTYPE, FAILED, OPEN, RETRYING, WAITING
from event_streaming.consumer.tasks import task

# an exact number beyond this helps nobody, and counting on would cost more with every event that fails
MOST_COUNTED = 10_000
# after some minutes: what another document's event would have mended is mended by then
STUCK_TRIES = 3


class ProducerRow(TypedDict):
	"""One Event Producer, and what has not been settled of its events (each counted up to MOST_COUNTED)."""

	name: str
	paused: bool
	connection: str
	protocol: int
	position: int
	events_behind: int
	failed: int
	conflicts: int
	retrying: int
	# of these, how many have failed so often that they hardly mend themselves
	stuck: int
	waiting: int
	# how many Document Types it subscribes to
	subscribed: int
	not_approved: list[str]
	# DocType -> how many events the producer did not send because the user of the connection may not read the documents
	withheld: dict[str, int]
	last_contact: datetime | None
	last_pull: datetime | None
	next_pull: datetime | None
	# at this time nothing was left on the producer that this site had not taken
	caught_up_on: datetime | None
	failures: int
	last_error: str | None
	last_warning: str | None
	# how the process that listens stands with it; None: there is none
	listener: Listener | None
	# what the last first copy says that could not be done to its end; None for any other
	copy_failed: str | None
	# "to begin" where a row asks for a copy of what exists that has not begun, "under way" while one is made, else ""
	copy_open: str
	# since when it is known that the producer was restored, and nobody has compared the two sites since
	restored_on: datetime | None
	restored_from: int
	restored_to: int
	restored_documents: str | None
	# Document Types that were not approved for a time, and have not been compared since
	with_a_gap: list[str]
	creation: datetime
	# which rows wait for the hours of the line ("Low Rows", "All Rows"; "" for none) and until when; since when its hours are
	waits: str
	waits_until: datetime | None
	hours_since: datetime | None
	# what the line is used for: bytes per second of the last minute, and what the bound is (0: none)
	bytes_per_second: int
	bytes_allowed: int


def producers(name: str | None = None) -> list[ProducerRow]:
	"""Every Event Producer of this site, by name; or the one named."""
	known = frappe.get_all(
		"Event Producer",
		filters={"name": name} if name else None,
		fields=["name", "paused", "creation", "only_between", "only_between_for", "most_kb_per_second"],
		order_by="name asc",
	)
	states = {
		row.event_producer: row
		for row in frappe.get_all(state.DOCTYPE, fields=list(state.FIELDS), order_by=None)
	}
	counts = open_counts([row.name for row in known])
	undecided, withheld, subscribed = not_approved(), withheld_events(), rows_of_each()
	copies, gaps = open_copies(), not_compared_since()
	return [
		{
			**_row(row, states.get(row.name) or {}, counts[row.name]),
			"subscribed": subscribed.get(row.name, 0),
			"not_approved": undecided.get(row.name, []),
			"withheld": withheld.get(row.name, {}),
			"with_a_gap": gaps.get(row.name, []),
			"listener": listener.standing_of(row.name),
			"copy_failed": task.failure_of_the_last(row.name, task.COPY),
			"copy_open": copies.get(row.name, ""),
		}
		for row in known
	]


def _row(producer: dict, kept: dict, counts: dict[str, int]) -> dict:
	return {
		"name": producer["name"],
		"paused": bool(cint(producer["paused"])),
		"connection": kept.get("connection") or state.UNKNOWN,
		"protocol": cint(kept.get("protocol")),
		"position": cint(kept.get("position")),
		"events_behind": cint(kept.get("events_behind")),
		"failed": counts[FAILED],
		"conflicts": counts[CONFLICT],
		"retrying": counts[RETRYING],
		"stuck": _stuck(producer["name"]) if counts[RETRYING] else 0,
		"waiting": counts[WAITING],
		"last_contact": kept.get("last_contact"),
		"last_pull": kept.get("last_pull"),
		"next_pull": kept.get("next_pull"),
		"caught_up_on": kept.get("caught_up_on"),
		"failures": cint(kept.get("failures")),
		"last_error": kept.get("last_error") or None,
		"last_warning": kept.get("last_warning") or None,
		"restored_on": kept.get("restored_on"),
		"restored_from": cint(kept.get("restored_from")),
		"restored_to": cint(kept.get("restored_to")),
		"restored_documents": kept.get("restored_documents") or None,
		"creation": producer["creation"],
		**_of_line(producer),
	}


def _of_line(producer: dict) -> dict:
	held, line = holding(producer), meter_of(producer)
	return {
		"waits": held.rows,
		"waits_until": held.until,
		"hours_since": held.since,
		"bytes_per_second": round(line.rate()),
		"bytes_allowed": line.bytes_per_second,
	}


def open_counts(event_producers: list[str]) -> dict[str, dict[str, int]]:
	"""Producer -> status -> how many events are in it, for the statuses that are not settled."""
	return {name: {status: _count(name, status) for status in OPEN} for name in event_producers}


def _count(event_producer: str, status: str) -> int:
	"""By an index alone, and never through more than MOST_COUNTED of its entries."""
	log = frappe.qb.DocType(DOCTYPE)
	some = (
		frappe.qb.from_(log)
		.select(log.name)
		.where((log.status == status) & (log.event_producer == event_producer))
		.limit(MOST_COUNTED)
	)
	return frappe.qb.from_(some).select(Count("*")).run()[0][0]


def _stuck(event_producer: str) -> int:
	"""How many events have been tried STUCK_TRIES times and are still tried again; of the first MOST_COUNTED that are."""
	log = frappe.qb.DocType(DOCTYPE)
	retrying = (
		frappe.qb.from_(log)
		.select(log.attempts)
		.where((log.status == RETRYING) & (log.event_producer == event_producer))
		.limit(MOST_COUNTED)
	)
	query = frappe.qb.from_(retrying).select(Count("*")).where(retrying.attempts >= STUCK_TRIES)
	return query.run()[0][0]


def not_approved() -> dict[str, list[str]]:
	"""Event Producer -> the DocTypes of its rows that the producer has not approved (yet)."""
	found: dict[str, list[str]] = {}
	for row in frappe.get_all(
		"Event Producer Document Type",
		filters={"parenttype": "Event Producer", "status": ["!=", "Approved"], "unsubscribe": 0},
		fields=["parent", "ref_doctype"],
		order_by="parent asc, idx asc",
	):
		found.setdefault(row.parent, []).append(row.ref_doctype)
	return found


def withheld_events() -> dict[str, dict[str, int]]:
	"""Event Producer -> DocType here -> how many events the producer says that it withholds."""
	found: dict[str, dict[str, int]] = {}
	for row in frappe.get_all(
		"Event Producer Document Type",
		filters={
			"parenttype": "Event Producer",
			"withheld": [">", 0],
			"status": "Approved",
			"unsubscribe": 0,
		},
		fields=["parent", "ref_doctype", "withheld"],
		order_by="parent asc, idx asc",
	):
		found.setdefault(row.parent, {})[row.ref_doctype] = row.withheld
	return found


def not_compared_since() -> dict[str, list[str]]:
	"""Event Producer -> the DocTypes that are approved again, and of which the two sites have not been compared since the producer had
	stopped sending them: two queries, and one for each producer that has any."""
	filters = {
		"parenttype": "Event Producer",
		"status": "Approved",
		"unsubscribe": 0,
		"stopped_on": ["is", "set"],
	}
	fields = ["parent", "ref_doctype", "mapping", "has_mapping", "stopped_on"]
	rows = frappe.get_all("Event Producer Document Type", filters, fields, order_by="parent asc, idx asc")
	mapped = [row.mapping for row in rows if row.has_mapping and row.mapping]
	remotes = {}
	if mapped:
		found = frappe.get_all(
			"Document Type Mapping", {"name": ["in", mapped]}, ["name", "remote_doctype"], as_list=True
		)
		remotes = dict(found)
	compared = {name: state.rounds(name) for name in {row.parent for row in rows}}
	gaps: dict[str, list[str]] = {}
	for row in rows:
		remote = remotes.get(row.mapping, row.ref_doctype) if row.has_mapping else row.ref_doctype
		on = compared[row.parent].get(remote, {}).get("on")
		if not on or get_datetime(on) < row.stopped_on:
			gaps.setdefault(row.parent, []).append(row.ref_doctype)
	return gaps


def open_copies() -> dict[str, str]:
	"""Event Producer -> "under way" where existing documents are being copied, "to begin" where a row asks for that: two queries."""
	row = frappe.qb.DocType("Event Producer Document Type")
	asks = (row.copy_existing == 1) & row.copied_on.isnull() & (row.status == "Approved")
	of_producers = (row.parenttype == "Event Producer") & (row.unsubscribe == 0)
	rows = frappe.qb.from_(row).select(row.parent).where(of_producers & asks).run(pluck=True)
	return {**dict.fromkeys(rows, "to begin"), **dict.fromkeys(task.producers_of(task.COPY), "under way")}


def rows_of_each() -> dict[str, int]:
	"""Event Producer -> how many of its rows are not unsubscribed."""
	found: dict[str, int] = {}
	filters = {"parenttype": "Event Producer", "unsubscribe": 0}
	for parent in frappe.get_all("Event Producer Document Type", filters, pluck="parent", order_by=None):
		found[parent] = found.get(parent, 0) + 1
	return found
