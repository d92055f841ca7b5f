"""The causes of events that are open: grouped, and the rows of one. Bounded queries of Event Sync Log by an index.

`fill` gives rows that were written before there were causes theirs. It never commits.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import frappe
from frappe import _
from frappe.model import table_fields
from frappe.query_builder.functions import Count, Max, Min

from event_streaming.consumer.logs.causes import cause_of
from event_streaming.consumer.logs.sync_log import (
	CONFLICT,
	DOCTYPE,
	FAILED,
	RETRYING,
	WITH_A_CAUSE,
	set_cause,
)

# open rows that are counted at most
MOST_COUNTED = 100_000
# causes that are shown
MOST_CAUSES = 200


@dataclass(frozen=True)
class OpenCause:
	"""The open events of one cause. `first` and `last` are rows of Event Sync Log, the oldest and the newest."""

	cause: str
	count: int
	first: int
	last: int
	statuses: dict[str, int]
	producers: tuple[str, ...]


def grouped(event_producers: Iterable[str]) -> list[OpenCause]:
	"""The causes of all that is open of these producers, most events first: one query, over an index alone."""
	names = list(event_producers)
	if not names:
		return []
	log = frappe.qb.DocType(DOCTYPE)
	some = (
		frappe.qb.from_(log)
		.select(log.name, log.cause, log.event_producer, log.status)
		.where(log.status.isin(WITH_A_CAUSE) & log.cause.isnotnull() & log.event_producer.isin(names))
		.limit(MOST_COUNTED)
	)
	rows = (
		frappe.qb.from_(some)
		.select(
			some.cause,
			some.event_producer,
			some.status,
			Count("*"),
			Min(some.name).as_("first"),
			Max(some.name),
		)
		.groupby(some.cause, some.event_producer, some.status)
		.run()
	)
	by_cause: dict[str, list[tuple]] = {}
	for row in rows:
		by_cause.setdefault(row[0], []).append(row)
	found = [_folded(cause, parts) for cause, parts in by_cause.items()]
	return sorted(found, key=lambda each: (-each.count, each.first))[:MOST_CAUSES]


def _folded(cause: str, parts: list[tuple]) -> OpenCause:
	statuses: dict[str, int] = {}
	for _cause, _producer, status, count, _first, _last in parts:
		statuses[status] = statuses.get(status, 0) + count
	return OpenCause(
		cause,
		sum(statuses.values()),
		min(int(part[4]) for part in parts),
		max(int(part[5]) for part in parts),
		statuses,
		tuple(sorted({part[1] or "" for part in parts})),
	)


def examples(names: list[int]) -> dict[int, dict]:
	"""Rows by number, with what is to be said of a cause: one query."""
	rows = (
		frappe.get_all(
			DOCTYPE,
			filters={"name": ["in", names]},
			fields=[
				"name",
				"creation",
				"ref_doctype",
				"remote_doctype",
				"producer_doc",
				"event_producer",
				"status",
				"problem",
				"problem_field",
				"error",
			],
			order_by=None,
			limit=0,
		)
		if names
		else []
	)
	return {int(row.name): row for row in rows}


def rows_of(
	cause: str, after: int = 0, up_to: int = 0, limit: int = 100, statuses: tuple[str, ...] = WITH_A_CAUSE
) -> list[dict]:
	"""The next open rows of a cause, oldest first: number, producer and document of each."""
	log = frappe.qb.DocType(DOCTYPE)
	query = (
		frappe.qb.from_(log)
		.select(log.name, log.event_producer, log.remote_doctype, log.producer_doc, log.ref_doctype)
		.where(log.status.isin(statuses) & (log.cause == cause) & (log.name > after))
		.orderby(log.name)
		.limit(limit)
	)
	if up_to:
		query = query.where(log.name <= up_to)
	return query.run(as_dict=True)


def errors_of(cause: str, limit: int) -> list[str]:
	"""What the open events of a cause say, with their tracebacks."""
	log = frappe.qb.DocType(DOCTYPE)
	query = frappe.qb.from_(log).select(log.error).where(log.status.isin(WITH_A_CAUSE) & (log.cause == cause))
	return [error for (error,) in query.limit(limit).run() if error]


def count_and_last(cause: str, statuses: tuple[str, ...] = WITH_A_CAUSE) -> tuple[int, int]:
	"""How many open rows a cause has, and the last of them; 0, 0 where there is none."""
	log = frappe.qb.DocType(DOCTYPE)
	query = frappe.qb.from_(log).select(Count("*"), Max(log.name))
	count, last = query.where(log.status.isin(statuses) & (log.cause == cause)).run()[0]
	return count, int(last or 0)


def words_of(doctype: str) -> set[str]:
	"""What is no name in an error, wherever it stands: labels and fieldnames of a DocType and its tables, and where they link to."""
	words = {doctype, _(doctype)}
	if not doctype or not frappe.db.exists("DocType", doctype, cache=True):
		return words
	tables = [df.options for df in frappe.get_meta(doctype).fields if df.fieldtype in table_fields]
	for name in (doctype, *tables):
		for df in frappe.get_meta(name).fields:
			words.update(filter(None, (df.fieldname, df.label, df.label and _(df.label, context=name))))
			if df.fieldtype == "Link" and df.options:
				words.update((df.options, _(df.options)))
	return words


def fill(limit: int) -> int:
	"""Give up to `limit` open rows that have failed and have no cause theirs; returns how many there were."""
	log = frappe.qb.DocType(DOCTYPE)
	rows = (
		frappe.qb.from_(log)
		.select(
			log.name,
			log.ref_doctype,
			log.remote_doctype,
			log.producer_doc,
			log.docname,
			log.error,
			log.status,
		)
		.where(log.status.isin((FAILED, RETRYING, CONFLICT)) & log.cause.isnull())
		.limit(limit)
		.run(as_dict=True)
	)
	words: dict[str, set[str]] = {}
	for row in rows:
		doctype = row.ref_doctype or row.remote_doctype or ""
		known = words.setdefault(doctype, words_of(doctype))
		error = (row.error or row.status).removeprefix(f"{row.remote_doctype} {row.producer_doc}: ")
		if row.status == CONFLICT:
			error = f"ConflictToSettle: {error}"
		cause = cause_of(error, doctype, filter(None, (row.producer_doc, row.docname)), known)
		set_cause(row.name, cause)
	return len(rows)
