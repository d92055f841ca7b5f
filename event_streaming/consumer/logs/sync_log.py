"""Event Sync Log: one row for every event dealt with. The only module that writes that table.

A row that is Retrying, Waiting, Failed or in Conflict is *open*: it holds back later events of the same document. One that is
Failed needs a person; where it has a time for its next try, it is tried again all the same. One that a person has skipped is not
open.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import frappe
from frappe.query_builder.functions import Count, Max
from frappe.utils import cint, get_datetime, now_datetime
from pypika import Order

from event_streaming.consumer.logs.causes import Cause, without_tags
from event_streaming.consumer.settling.policies import SAME_FIELD
from event_streaming.database import bulk_inserting
from event_streaming.http.confidential import plain
from event_streaming.wire.events import CREATE, RENAME, UPDATE, Event

DOCTYPE = "Event Sync Log"

SYNCED, FAILED, RETRYING, WAITING, CONFLICT = "Synced", "Failed", "Retrying", "Waiting", "Conflict"
SKIPPED = "Skipped"
# its producer was deleted: nothing is left to be done
DROPPED = ""
OPEN = (FAILED, RETRYING, WAITING, CONFLICT)
# of these the row says why
WITH_A_CAUSE = (FAILED, RETRYING, CONFLICT)

# characters of what is told in a Small Text
MOST_TEXT = 10_000
# characters of a Data field
MOST_NAME = 140
# documents that are named to a person at once
MOST_LISTED = 50
MOST_ERRORS = 500

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


@dataclass
class Outcome:
	"""What became of one event."""

	status: str
	local_doctype: str
	local_name: str | None = None
	done: str = ""
	warnings: list[str] = field(default_factory=list)
	error: str | None = None
	# why it failed, without names and numbers
	cause: Cause | None = None
	next_retry: datetime | None = None
	use_same_name: bool = False
	mapping: str | None = None
	conflicts: list[dict] = field(default_factory=list)
	# one of `settling.policies.KINDS`, where both sites did something to the document
	conflict_type: str = ""
	# (DocType, name) on the producer of the document whose own event has to take effect first
	waits_for: tuple[str, str] | None = None
	# whether it counts among the tries after which an event is given up
	counted: bool = True
	# the local document's time stamp, when it is now what the producer has
	given: object = None


def write(event_producer: str, entries: Iterable[tuple[Event, Outcome]]) -> None:
	"""Insert the rows of events, in their order: one INSERT, no document life cycle."""
	rows = [_columns(event_producer, event, outcome) for event, outcome in entries]
	if rows:
		bulk_inserting.insert_numbered(DOCTYPE, tuple(rows[0]), [tuple(row.values()) for row in rows])


def _columns(event_producer: str, event: Event, outcome: Outcome) -> dict:
	now, user = now_datetime(), frappe.session.user
	return {
		"creation": now,
		"modified": now,
		"owner": user,
		"modified_by": user,
		"event_producer": event_producer,
		"update_type": event["update_type"],
		"remote_doctype": event["ref_doctype"],
		"producer_doc": event["docname"],
		"data": event["data"],
		"data_before": event["data_before"],
		"event_id": event["id"],
		"position": event["position"],
		"origin": event["origin"],
		"root": json.dumps(event["root"]) if event["root"] else None,
		"modified_by_remote": event["modified_by"],
		"event_creation": event["creation"] or None,
		"transaction_id": event["transaction_id"] or None,
		"divided": int(event["divided"]),
		"attempts": 1 if outcome.status in (RETRYING, FAILED) else 0,
		**_outcome_columns(outcome),
	}


def update(name: str, outcome: Outcome, attempts: int, asked_by: str = "") -> None:
	"""Write the new outcome of an event that was tried again, and who asked for it, if a person did."""
	values = {"modified": now_datetime(), "attempts": attempts, **_outcome_columns(outcome)}
	if asked_by:
		values |= {"retried_by": asked_by, "retried_on": now_datetime()}
	table = frappe.qb.DocType(DOCTYPE)
	query = frappe.qb.update(table).where(table.name == name)
	for column, value in values.items():
		query = query.set(table[column], value)
	query.run()


def waited_for(key: tuple[str, str]) -> str:
	return " ".join(key)[:MOST_NAME]


def wake(event_producer: str, key: tuple[str, str]) -> None:
	"""A document has got its place here: what waits for that is tried again with the next pull."""
	table = frappe.qb.DocType(DOCTYPE)
	(
		frappe.qb.update(table)
		.set(table.next_retry, now_datetime())
		.where((table.event_producer == event_producer) & (table.status == RETRYING))
		.where(table.waits_for == waited_for(key))
		.run()
	)


def _outcome_columns(outcome: Outcome) -> dict:
	return {
		"status": outcome.status,
		"ref_doctype": outcome.local_doctype,
		"docname": outcome.local_name,
		# the form shows these two as HTML, and names, addresses and reasons in them are the other site's
		"outcome": plain(outcome.done)[:MOST_TEXT] or None,
		"warnings": plain("\n".join(outcome.warnings))[:MOST_TEXT] or None,
		# what was raised may quote what the other site sent
		"error": outcome.error and outcome.error.encode(errors="replace").decode(),
		**cause_columns(outcome.cause),
		"next_retry": outcome.next_retry,
		"waits_for": waited_for(outcome.waits_for) if outcome.waits_for else None,
		"use_same_name": cint(outcome.use_same_name),
		"mapping": outcome.mapping,
		"conflicts": frappe.as_json(outcome.conflicts) if outcome.conflicts else None,
		"conflict_type": outcome.conflict_type or (SAME_FIELD if outcome.conflicts else None),
		"given": outcome.given,
	}


def cause_columns(cause: Cause | None) -> dict:
	"""What rows of one cause have in common."""
	if not cause:
		return {"cause": None, "problem": None, "problem_field": None}

	def text(value: str) -> str | None:
		value = without_tags(value.encode(errors="replace").decode())
		return (value if len(value) <= MOST_NAME else f"{value[: MOST_NAME - 1]}…") or None

	return {"cause": cause.key, "problem": text(cause.problem), "problem_field": text(cause.field)}


def set_cause(name: str | int, cause: Cause) -> None:
	"""For a row that was written before there were causes."""
	table = frappe.qb.DocType(DOCTYPE)
	query = frappe.qb.update(table).where(table.name == name)
	for column, value in cause_columns(cause).items():
		query = query.set(table[column], value)
	query.run()


def skip(names: Iterable[str], cause: str, told: str) -> list[str]:
	"""Events that are still open for this cause are not applied any more; returns which. `told` says who has decided it, and why.

	The caller holds the producer's lock: nobody is trying them meanwhile.
	"""
	table = frappe.qb.DocType(DOCTYPE)
	wanted = [int(name) for name in names]
	if not wanted:
		return []
	found = (
		frappe.qb.from_(table)
		.select(table.name)
		.where(table.name.isin(wanted) & table.status.isin(WITH_A_CAUSE) & (table.cause == cause))
		.run(pluck=True)
	)
	if found:
		(
			frappe.qb.update(table)
			.set(table.status, SKIPPED)
			.set(table.outcome, plain(told)[:MOST_TEXT])
			.set(table.next_retry, None)
			.set(table.waits_for, None)
			.set(table.modified, now_datetime())
			.set(table.retried_by, frappe.session.user)
			.set(table.retried_on, now_datetime())
			.where(table.name.isin(found))
			.run()
		)
	return [str(name) for name in found]


def drop_open(event_producer: str, told: str) -> int:
	"""Nothing is tried again of a producer that is deleted, also not when it is registered anew; returns how many events that were."""
	table = frappe.qb.DocType(DOCTYPE)
	mine = (table.event_producer == event_producer) & table.status.isin(OPEN)
	count = frappe.qb.from_(table).select(Count("*")).where(mine).run()[0][0]
	if count:
		query = frappe.qb.update(table).set(table.status, DROPPED).set(table.outcome, told[:MOST_TEXT])
		query.set(table.next_retry, None).set(table.waits_for, None).where(mine).run()
	return count


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


def last_given(event_producer: str, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], datetime]:
	"""The time stamps that local documents had when the last event of each remote document took effect, as far as
	they were then what the producer had: one query for the rows, one for the stamps."""
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
	return {(doctype, name): get_datetime(given) for doctype, name, given in rows if given}


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


def same_moment(stored: datetime | None, text: str) -> bool:
	return bool(stored and text) and stored == get_datetime(text)


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
		"root": json.loads(row["root"]) if row["root"] else None,
		"transaction_id": row["transaction_id"] or "",
		"divided": bool(row["divided"]),
		"problem": "",
	}
