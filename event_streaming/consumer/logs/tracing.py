"""What became on this site of the events of one remote document: queries of Event Sync Log by its indices. It asks nobody and writes
nothing."""

from datetime import datetime
from typing import Any, TypedDict

import frappe
from frappe.utils import cint
from pypika import Order

from event_streaming.consumer.logs.causes import KIND
from event_streaming.consumer.logs.sync_log import DOCTYPE, OPEN, RETRYING, SYNCED, WAITING
from event_streaming.site.address import as_seconds
from event_streaming.wire.events import RENAME
from event_streaming.wire.tracing import MOST_EVENTS, chain_of, of_one_document


class Arrival(TypedDict):
	"""One event that came in. `applied` is None for one that has not taken effect."""

	log: str
	id: str
	position: int
	update_type: str
	status: str
	changed: datetime | None
	by: str
	taken: datetime
	applied: datetime | None
	attempts: int
	next_retry: datetime | None
	waits_for: str
	retried_by: str
	outcome: str
	problem: str
	cause: str
	doctype: str
	document: str


def arrivals(event_producer: str, remote_doctype: str, remote_name: str) -> list[Arrival]:
	"""The newest events of a remote document, the last one first, those under its former names included."""
	former = _former_names(event_producer, remote_doctype, remote_name)
	numbers = [number for _old, number in former]
	rows = _read(event_producer, remote_doctype, remote_name, after=max(numbers, default=0))
	for (old, number), after in zip(former, [*numbers[1:], 0], strict=False):
		rows += _read(event_producer, remote_doctype, old, after, number)
	return [_arrival(row) for row in rows[:MOST_EVENTS]]


def _former_names(event_producer: str, remote_doctype: str, name: str) -> list[tuple[str, int]]:
	"""(a name that the document had before, the row of the rename), the last one first; of the renames that have taken effect."""
	log = frappe.qb.DocType(DOCTYPE)
	rows = (
		frappe.qb.from_(log)
		.select(log.name, log.producer_doc, log.data)
		.where((log.event_producer == event_producer) & (log.update_type == RENAME))
		.where((log.status == SYNCED) & (log.remote_doctype == remote_doctype))
		.run()
	)
	return chain_of(name, [(cint(number), str(old), text) for number, old, text in rows])


def _read(
	event_producer: str, remote_doctype: str, remote_name: str, after: int, upto: int | None = None
) -> list[dict]:
	"""The newest rows under a name, of those with these numbers."""
	log = frappe.qb.DocType(DOCTYPE)
	query = (
		frappe.qb.from_(log)
		.select(
			log.name,
			log.event_id,
			log.position,
			log.update_type,
			log.status,
			log.event_creation,
			log.modified_by_remote,
			log.creation,
			log.modified,
			log.attempts,
			log.next_retry,
			log.waits_for,
			log.retried_by,
			log.outcome,
			log.problem,
			log.cause,
			log.ref_doctype,
			log.docname,
		)
		.where((log.event_producer == event_producer) & (log.remote_doctype == remote_doctype))
		.where(log.producer_doc == remote_name)
	)
	if after:
		query = query.where(log.name > after)
	if upto is not None:
		query = query.where(log.name <= upto)
	rows = query.orderby(log.name, order=Order.desc).limit(MOST_EVENTS).run(as_dict=True)
	return rows[: of_one_document([row.update_type for row in rows])]


def _arrival(row: dict) -> Arrival:
	is_open = row["status"] in OPEN
	return {
		"log": str(row["name"]),
		"id": row["event_id"] or "",
		"position": cint(row["position"]),
		"update_type": row["update_type"] or "",
		"status": row["status"] or "",
		"changed": row["event_creation"],
		"by": row["modified_by_remote"] or "",
		"taken": row["creation"],
		# a row is written as its event is applied, and again with each try
		"applied": row["modified"] if row["status"] == SYNCED else None,
		"attempts": cint(row["attempts"]),
		"next_retry": row["next_retry"] if row["status"] == RETRYING else None,
		"waits_for": row["waits_for"] or "",
		"retried_by": row["retried_by"] or "",
		"outcome": row["outcome"] or "",
		"problem": (row["problem"] or "") if is_open and row["status"] != WAITING else "",
		"cause": row["cause"] or "",
		"doctype": row["ref_doctype"] or "",
		"document": row["docname"] or "",
	}


def told_to_producer(event_producer: str, remote_doctype: str, remote_name: str) -> list[dict[str, Any]]:
	"""The same for the producer that the document is of: how far each event has got, and the kind of error that holds it back.

	No error's text, and nothing of this site's own: names, outcomes and who has tried it stay here.
	"""
	return [
		{
			"id": each["id"],
			"position": each["position"],
			"update_type": each["update_type"],
			"status": each["status"],
			"taken": as_seconds(each["taken"]),
			"applied": as_seconds(each["applied"]),
			"attempts": each["attempts"],
			"next_retry": as_seconds(each["next_retry"]),
			"waits_for": each["waits_for"],
			"kind": (KIND.match(each["problem"]) or [""])[0].strip(": "),
		}
		for each in arrivals(event_producer, remote_doctype, remote_name)
	]
