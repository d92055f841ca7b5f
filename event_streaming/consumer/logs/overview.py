"""How this site stands with each of its producers, for those who look after it. A bounded number of cheap queries.

It asks no other site and writes nothing.
"""

from datetime import datetime
from typing import TypedDict

import frappe
from frappe.utils import cint

from event_streaming.consumer.logs import state
from event_streaming.consumer.logs.sync_log import CONFLICT, FAILED, OPEN, RETRYING, WAITING

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
	not_approved: list[str]
	last_contact: datetime | None
	last_pull: datetime | None
	next_pull: datetime | None
	failures: int
	last_error: str | None
	last_warning: str | None
	creation: datetime


def producers(name: str | None = None) -> list[ProducerRow]:
	"""Every Event Producer of this site, by name; or the one named."""
	known = frappe.get_all(
		"Event Producer",
		filters={"name": name} if name else None,
		fields=["name", "paused", "creation"],
		order_by="name asc",
	)
	states = {
		row.event_producer: row
		for row in frappe.get_all(state.DOCTYPE, fields=list(state.FIELDS), order_by=None)
	}
	counts = open_counts([row.name for row in known])
	undecided = not_approved()
	return [
		_row(row, states.get(row.name) or {}, counts[row.name], undecided.get(row.name, [])) for row in known
	]


def _row(producer: dict, kept: dict, counts: dict[str, int], undecided: list[str]) -> ProducerRow:
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
		"not_approved": undecided,
		"last_contact": kept.get("last_contact"),
		"last_pull": kept.get("last_pull"),
		"next_pull": kept.get("next_pull"),
		"failures": cint(kept.get("failures")),
		"last_error": kept.get("last_error") or None,
		"last_warning": kept.get("last_warning") or None,
		"creation": producer["creation"],
	}


def open_counts(event_producers: list[str]) -> dict[str, dict[str, int]]:
	"""Producer -> status -> how many events are in it, for the statuses that are not settled."""
	return {name: {status: _count(name, status) for status in OPEN} for name in event_producers}


def _count(event_producer: str, status: str) -> int:
	"""By an index alone, and never through more than MOST_COUNTED of its entries."""
	return frappe.db.sql(
		"""SELECT COUNT(*) FROM (
			SELECT name FROM `tabEvent Sync Log` WHERE status = %s AND event_producer = %s LIMIT %s
		) AS counted""",
		(status, event_producer, MOST_COUNTED),
	)[0][0]


def _stuck(event_producer: str) -> int:
	"""How many events have been tried STUCK_TRIES times and are still tried again; of the first MOST_COUNTED that are."""
	return frappe.db.sql(
		"""SELECT COUNT(*) FROM (
			SELECT attempts FROM `tabEvent Sync Log` WHERE status = %s AND event_producer = %s LIMIT %s
		) AS counted WHERE attempts >= %s""",
		(RETRYING, event_producer, MOST_COUNTED, STUCK_TRIES),
	)[0][0]


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
