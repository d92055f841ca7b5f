"""The open rows of Event Sync Log: what is tried again, what holds back later events, what waits for what. Bounded queries; it
writes nothing."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import frappe
from frappe.utils import cint, now_datetime
from pypika import Order

from event_streaming.consumer.logs.sync_log import (
	CONFLICT,
	DOCTYPE,
	FAILED,
	OPEN,
	RETRYING,
	WAITING,
)
from event_streaming.wire.events import RENAME, Event, read_root

# what an event needs to be applied later, besides the columns of its own
EVENT_FIELDS = (
	"name",
	"event_id",
	"position",
	"update_type",
	"remote_doctype",
	"producer_doc",
	"data",
	"data_before",
	"event_creation",
	"origin",
	"root",
	"modified_by_remote",
	"status",
	"attempts",
	"event_producer",
	"transaction_id",
	"divided",
)
MOST_ERRORS = 500


@dataclass(frozen=True)
class OpenRename:
	"""A rename that has not been applied: what comes after it under the new name stands behind it."""

	number: int
	old: tuple[str, str]
	new: tuple[str, str]


def open_renames(event_producer: str) -> list[OpenRename]:
	"""The renames that are still open, oldest first: one query. They are few."""
	rows = frappe.get_all(
		DOCTYPE,
		filters={"event_producer": event_producer, "update_type": RENAME, "status": ["in", OPEN]},
		fields=["name", "remote_doctype", "producer_doc", "data"],
		order_by="name asc",
	)
	return [
		OpenRename(
			int(row.name), (row.remote_doctype, row.producer_doc), (row.remote_doctype, new_name_in(row.data))
		)
		for row in rows
	]


def new_name_in(data: str | None) -> str:
	try:
		return str(json.loads(data or "{}").get("new_name") or "")
	except (ValueError, AttributeError, RecursionError):
		return ""


def stands_behind(
	event_producer: str,
	row: dict,
	key: tuple[str, str],
	other: tuple[str, str] | None,
	renames: list[OpenRename],
) -> bool:
	"""Whether an open row of the document `key` has to wait for an older one that goes by another name.

	`other` is the name that a rename leads to: what was open under that comes first. `renames` are the open ones.
	"""
	number = int(row["name"])
	if any(rename.new == key and rename.number < number for rename in renames):
		return True
	return bool(other) and any(int(each["name"]) < number for each in open_rows(event_producer, *other))


def documents_held_back(event_producer: str, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
	"""Those of the remote documents `keys` that have an open row, or are to get their name by one: two queries."""
	keys = set(keys)
	if not keys:
		return set()
	held_back = _documents_with(event_producer, keys, OPEN)
	return (held_back | {rename.new for rename in open_renames(event_producer)}) & keys


def open_documents(event_producer: str, doctypes: list[str], most: int) -> set[tuple[str, str]]:
	"""Some of the producer's documents that have an open row: one query."""
	if not doctypes:
		return set()
	table = frappe.qb.DocType(DOCTYPE)
	query = frappe.qb.from_(table).select(table.remote_doctype, table.producer_doc).distinct()
	query = query.where((table.event_producer == event_producer) & table.status.isin(OPEN))
	return {
		(doctype, name)
		for doctype, name in query.where(table.remote_doctype.isin(sorted(doctypes))).limit(most).run()
	}


def _documents_with(
	event_producer: str, keys: Iterable[tuple[str, str]], statuses: tuple[str, ...]
) -> set[tuple[str, str]]:
	"""Documents that have a row with one of these statuses, `keys` among them: one query."""
	keys = set(keys)
	if not keys:
		return set()
	rows = frappe.get_all(
		DOCTYPE,
		filters={
			"event_producer": event_producer,
			"remote_doctype": ["in", sorted({doctype for doctype, _name in keys})],
			"producer_doc": ["in", sorted({name for _doctype, name in keys})],
			"status": ["in", statuses],
		},
		fields=["remote_doctype", "producer_doc"],
		distinct=True,
		order_by=None,
	)
	return {(row.remote_doctype, row.producer_doc) for row in rows}


def due(event_producer: str, limit: int) -> list[tuple[str, str]]:
	"""The documents of rows to be tried again now, oldest first: Retrying, or Failed with a time for the next try; also those of a clock that was ahead: a time too far away, a row that was
	written later than now (an hour is given back at the end of summer time)."""
	now = now_datetime()
	table = frappe.qb.DocType(DOCTYPE)
	return (
		frappe.qb.from_(table)
		.select(table.remote_doctype, table.producer_doc)
		.where((table.event_producer == event_producer) & table.status.isin((RETRYING, FAILED)))
		.where(table.next_retry.isnotnull())
		.where(
			(table.next_retry <= now) | (table.next_retry > now + timedelta(days=2)) | (table.modified > now)
		)
		.orderby(table.name)
		.limit(limit)
		.run()
	)


def waiting_for_nothing(event_producer: str, after: int, limit: int) -> tuple[list[tuple[str, str]], int]:
	"""Of the `limit` waiting rows that come after the row `after`, the documents of which no row failed: what they waited for
	went by another name. With the last row looked at, 0 when that was all. Two queries, however many rows there are."""
	table = frappe.qb.DocType(DOCTYPE)
	rows = (
		frappe.qb.from_(table)
		.select(table.name, table.remote_doctype, table.producer_doc)
		.where((table.event_producer == event_producer) & (table.status == WAITING))
		.where(table.next_retry.isnull() & (table.name > after))
		.orderby(table.name)
		.limit(limit)
		.run()
	)
	keys = dict.fromkeys((doctype, name) for _number, doctype, name in rows)
	failed = _documents_with(event_producer, keys, (RETRYING, FAILED, CONFLICT))
	return [key for key in keys if key not in failed], int(rows[-1][0]) if len(rows) == limit else 0


def open_errors(event_producer: str) -> list[str]:
	"""What the last events say that wait or have failed: one query, at most MOST_ERRORS."""
	table = frappe.qb.DocType(DOCTYPE)
	query = frappe.qb.from_(table).select(table.error)
	query = query.where(
		(table.event_producer == event_producer) & table.status.isin(OPEN) & table.error.isnotnull()
	)
	return [error for (error,) in query.orderby(table.name, order=Order.desc).limit(MOST_ERRORS).run()]


def open_up_to(event_producer: str, position: int, limit: int) -> list[dict]:
	"""The first of the open rows whose events come not after a position: one query, through the open rows alone."""
	table = frappe.qb.DocType(DOCTYPE)
	return (
		frappe.qb.from_(table)
		.select(
			table.name, table.remote_doctype, table.producer_doc, table.position, table.status, table.error
		)
		.where((table.event_producer == event_producer) & table.status.isin(OPEN))
		.where(table.position <= position)
		.orderby(table.name)
		.limit(limit)
		.run(as_dict=True)
	)


def open_rows(event_producer: str, remote_doctype: str, producer_doc: str) -> list[dict]:
	"""All open rows of one document, oldest first."""
	return open_rows_of(event_producer, [(remote_doctype, producer_doc)])[(remote_doctype, producer_doc)]


def open_rows_of_transaction(event_producer: str, transaction_id: str) -> list[dict]:
	"""The open rows of what one transaction of the producer has made, oldest first: one query, through the open rows alone."""
	table = frappe.qb.DocType(DOCTYPE)
	return (
		frappe.qb.from_(table)
		.select(*(table[column] for column in EVENT_FIELDS))
		.where((table.event_producer == event_producer) & table.status.isin(OPEN))
		.where((table.transaction_id == transaction_id) & (table.divided == 0))
		.orderby(table.name)
		.run(as_dict=True)
	)


def waiting_for_a_transaction(
	event_producer: str, keys: Iterable[tuple[str, str]], doctypes: Iterable[str]
) -> set[tuple[str, str]]:
	"""Those of the documents that wait for another one with which they were changed, which has failed: `doctypes` are those
	whose documents wait so. Two queries."""
	rows = [rows[0] for rows in open_rows_of(event_producer, keys).values() if rows]
	begun = {row["transaction_id"] for row in rows if row["transaction_id"] and not row["divided"]}
	if not begun:
		return set()
	table = frappe.qb.DocType(DOCTYPE)
	found = (
		frappe.qb.from_(table)
		.select(table.transaction_id, table.remote_doctype, table.status)
		.where((table.event_producer == event_producer) & table.status.isin(OPEN))
		.where(table.transaction_id.isin(sorted(begun)))
		.run()
	)
	held = {transaction for transaction, doctype, _status in found if doctype in doctypes}
	held &= {transaction for transaction, _doctype, status in found if status != WAITING}
	return {(row["remote_doctype"], row["producer_doc"]) for row in rows if row["transaction_id"] in held}


def open_rows_of(event_producer: str, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[dict]]:
	"""All open rows of each of the documents, oldest first: one query."""
	found: dict[tuple[str, str], list[dict]] = {key: [] for key in keys}
	if not found:
		return found
	table = frappe.qb.DocType(DOCTYPE)
	rows = (
		frappe.qb.from_(table)
		.select(*(table[column] for column in EVENT_FIELDS))
		.where((table.event_producer == event_producer) & table.status.isin(OPEN))
		.where(table.remote_doctype.isin(sorted({doctype for doctype, _name in found})))
		.where(table.producer_doc.isin(sorted({name for _doctype, name in found})))
		.orderby(table.name)
		.run(as_dict=True)
	)
	for row in rows:
		# a collation may take another document for the same
		if (key := (row["remote_doctype"], row["producer_doc"])) in found:
			found[key].append(row)
	return found


def to_event(row: dict) -> Event:
	"""The event as it came over the wire, from its row."""
	root, now = read_root(row["root"])
	return {
		"id": row["event_id"] or "",
		"position": cint(row["position"]),
		"at_position": cint(row["position"]),
		"update_type": row["update_type"],
		"ref_doctype": row["remote_doctype"],
		"docname": row["producer_doc"],
		"data": row["data"],
		"data_before": row["data_before"],
		"creation": str(row["event_creation"] or ""),
		"modified_by": row["modified_by_remote"] or "",
		"origin": row["origin"] or row["event_producer"],
		"root": root,
		"now": now,
		"problem": "",
		"transaction_id": row["transaction_id"] or "",
		"divided": bool(row["divided"]),
	}
