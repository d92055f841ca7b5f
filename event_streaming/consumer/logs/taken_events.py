"""What Event Sync Log says of events that this site has taken already: which are known, what was last given, what came between two
positions. One query each; it writes nothing."""

import json
from collections.abc import Collection, Iterable
from datetime import datetime

import frappe
from frappe.query_builder.functions import Max
from frappe.utils import get_datetime
from pypika import Order

from event_streaming.consumer.logs.sync_log import DOCTYPE, SYNCED
from event_streaming.wire.events import CREATE, RENAME, UPDATE, Event

# documents that are named to a person at once
MOST_LISTED = 50


def last_given(
	event_producer: str, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], datetime | None]:
	"""The time stamps that local documents had when the last event of each remote document took effect; None where they were not then
	what the producer had; nothing of a document that has no row. One query for the rows, one for the stamps."""
	keys, table = set(keys), frappe.qb.DocType(DOCTYPE)
	last = (
		frappe.qb.from_(table)
		.select(Max(table.name))
		.where((table.event_producer == event_producer) & (table.status == SYNCED))
		.where(table.remote_doctype.isin(sorted({doctype for doctype, _name in keys})))
		.where(table.producer_doc.isin(sorted({name for _doctype, name in keys})))
		.where(table.update_type.isin((CREATE, UPDATE)))
		.groupby(table.remote_doctype, table.producer_doc)
		.run(pluck=True)
	)
	if not last:
		return {}
	rows = (
		frappe.qb.from_(table)
		.select(table.remote_doctype, table.producer_doc, table.given)
		.where(table.name.isin(last))
		.run()
	)
	return {(doctype, name): get_datetime(given) if given else None for doctype, name, given in rows}


def taken_to(event_producer: str, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
	"""The last position of which each of the producer's documents has a row: one query, none for none."""
	if not keys:
		return {}
	table = frappe.qb.DocType(DOCTYPE)
	rows = (
		frappe.qb.from_(table)
		.select(table.remote_doctype, table.producer_doc, Max(table.position))
		.where(table.event_producer == event_producer)
		.where(table.remote_doctype.isin(sorted({doctype for doctype, _name in keys})))
		.where(table.producer_doc.isin(sorted({name for _doctype, name in keys})))
		.groupby(table.remote_doctype, table.producer_doc)
		.run()
	)
	return {(doctype, name): position or 0 for doctype, name, position in rows if (doctype, name) in keys}


def events_known(event_producer: str, events: Iterable[Event]) -> set[tuple[str, str]]:
	"""(id, creation) of those events that have a row already: one query."""
	wanted = {event["id"]: event["creation"] for event in events if event["id"]}
	if not wanted:
		return set()
	rows = frappe.get_all(
		DOCTYPE,
		filters={"event_producer": event_producer, "event_id": ["in", sorted(wanted)]},
		fields=["event_id", "event_creation"],
		order_by=None,
	)
	return {
		(row.event_id, wanted[row.event_id])
		for row in rows
		if same_moment(row.event_creation, wanted[row.event_id])
	}


def events_known_otherwise(event_producer: str, events: Iterable[Event], until: str) -> set[tuple[str, str]]:
	"""(id, creation) of those events from before `until` that came under another id: the producer has numbered its log
	anew. What they are about and the moment at which they were written tell them apart; one query at most."""
	before = get_datetime(until)
	old = [event for event in events if event["creation"] and get_datetime(event["creation"]) <= before]
	if not old:
		return set()
	rows = frappe.get_all(
		DOCTYPE,
		filters={
			"event_producer": event_producer,
			"remote_doctype": ["in", sorted({event["ref_doctype"] for event in old})],
			"producer_doc": ["in", sorted({event["docname"] for event in old})],
		},
		fields=["remote_doctype", "producer_doc", "update_type", "event_creation"],
		order_by=None,
	)
	seen = {(row.remote_doctype, row.producer_doc, row.update_type, row.event_creation) for row in rows}
	return {
		(event["id"], event["creation"])
		for event in old
		if (event["ref_doctype"], event["docname"], event["update_type"], get_datetime(event["creation"]))
		in seen
	}


def documents_between(event_producer: str, after: int, up_to: int) -> str:
	"""The producer's documents that had events after a position and up to another, for a person to read; the last ones first."""
	table = frappe.qb.DocType(DOCTYPE)
	rows = (
		frappe.qb.from_(table)
		.select(table.remote_doctype, table.producer_doc, Max(table.name).as_("last"))
		.where(
			(table.event_producer == event_producer) & (table.position > after) & (table.position <= up_to)
		)
		.groupby(table.remote_doctype, table.producer_doc)
		.orderby("last", order=Order.desc)
		.limit(MOST_LISTED + 1)
		.run()
	)
	named = [f"{doctype} {name}" for doctype, name, _last in rows[:MOST_LISTED]]
	return "\n".join([*named, "…"] if len(rows) > MOST_LISTED else named)


def renames_between(event_producer: str, after: int, up_to: int) -> list[tuple[str, str, str]]:
	"""(remote DocType, old name, new name) of the renames that took effect here and were no merges, the last one first."""
	table = frappe.qb.DocType(DOCTYPE)
	rows = (
		frappe.qb.from_(table)
		.select(table.remote_doctype, table.producer_doc, table.data)
		.where(
			(table.event_producer == event_producer)
			& (table.update_type == RENAME)
			& (table.status == SYNCED)
			& (table.position > after)
			& (table.position <= up_to)
		)
		.orderby(table.position, order=Order.desc)
		.run()
	)
	found = [(doctype, old, json.loads(data or "{}")) for doctype, old, data in rows]
	return [
		(doctype, old, data["new_name"])
		for doctype, old, data in found
		if data.get("new_name") and not data.get("merge")
	]


def made_between(event_producer: str, after: int, up_to: int) -> list[tuple[str, str]]:
	"""(DocType, name) on the producer of what was made there, and has another name here."""
	table = frappe.qb.DocType(DOCTYPE)
	query = frappe.qb.from_(table).select(table.remote_doctype, table.producer_doc).distinct()
	return (
		query.where(
			(table.event_producer == event_producer)
			& (table.update_type == CREATE)
			& (table.status == SYNCED)
			& (table.use_same_name == 0)
		)
		.where((table.position > after) & (table.position <= up_to))
		.run()
	)


def same_moment(stored: datetime | None, text: str) -> bool:
	return bool(stored and text) and stored == get_datetime(text)
