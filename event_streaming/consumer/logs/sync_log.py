"""Event Sync Log: one row for every event dealt with. The only module that writes that table.

A row that is Retrying, Waiting, Failed or in Conflict is *open*: it holds back later events of the same document. One that is
Failed needs a person; where it has a time for its next try, it is tried again all the same. One that a person has skipped is not
open.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import frappe
from frappe.query_builder.functions import Count
from frappe.utils import cint, now_datetime

from event_streaming.consumer.conflict_rules.policies import SAME_FIELD
from event_streaming.consumer.logs.causes import Cause, without_tags
from event_streaming.database import bulk_inserting
from event_streaming.http.confidential import plain
from event_streaming.wire.events import Event, dump_root

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
	# one of `conflict_rules.policies.KINDS`, where both sites did something to the document
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
		"root": dump_root(event),
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
