"""Documents that a consumer was given whole, by a copy or for another document: the only module that reads and writes Event
Given Document.

Kept where the subscription has a condition, and of what a repair has brought in line; of all others nothing needs to be known. Such a document counts as
delivered: its events up to the row's position are in it. Never decides what is sent.
"""

import hashlib
from typing import Any, NamedTuple

import frappe
from frappe.utils import add_to_date, cint, create_batch, get_datetime, now_datetime

from event_streaming.database import bulk_inserting
from event_streaming.producer.documents.reading import by_doctype, existing_names
from event_streaming.producer.log.rows import LOG, Candidate, Key
from event_streaming.producer.subscriptions.reader import Reader
from event_streaming.producer.subscriptions.streamed import CONSUMER, ROWS, streamed_doctypes
from event_streaming.wire.events import DELETE, RENAME, UPDATE

DOCTYPE = "Event Given Document"
DELIVERIES = "Event Update Log Consumer"
COLUMNS = (
	"name",
	"creation",
	"modified",
	"owner",
	"modified_by",
	"consumer",
	"ref_doctype",
	"docname",
	"position",
	"for_another",
)
CHANGED = ("modified", "modified_by", "position")
BATCH = 1_000
AT_ONCE = 100
NAMES_AT_ONCE = 100


class Given(NamedTuple):
	"""Up to which position the document's events were in it; `for_another` when only another document needed it. Not `complete` when
	changes of it are to be had no more that the consumer was never told of, as they were cleared from the log, or stand there under the
	name that it had before: its row has the position with a minus."""

	position: int
	for_another: bool
	complete: bool = True


def record_given(consumer: str, doctype: str, positions: dict[str, int], for_another: bool = False) -> None:
	"""Remember that the consumer has these documents, and that the events up to their positions are in them.

	What a copy has given for its own sake stays that when it is fetched for another document as well.
	"""
	if not positions:
		return
	now, user = now_datetime(), frappe.session.user
	rows = [
		(
			given_key(consumer, doctype, name),
			*(now, now, user, user),
			*(consumer, doctype, name, position, int(for_another)),
		)
		for name, position in positions.items()
	]
	# in one order, so that two requests do not wait for each other
	changed = CHANGED if for_another else (*CHANGED, "for_another")
	bulk_inserting.insert_or_update(DOCTYPE, COLUMNS, changed, sorted(rows))


def record_renamed(reader: Reader, events: list[Candidate]) -> None:
	"""What a consumer is told has another name now, it has under that name: of DocTypes with a condition, whose renames say what they
	give. Where the document does not meet the condition, the consumer misses what was changed of it under its former name."""
	for doctype in {event.ref_doctype for event in events if event.gives}:
		names = {
			event.gives: -event.position if event.misses else event.position
			for event in events
			if event.ref_doctype == doctype and event.gives
		}
		known = given_documents(reader, doctype, list(names))
		changed = {name: position for name, position in names.items() if name not in known or position < 0}
		for needed in (False, True):
			some = [name for name in changed if needed == (name in known and known[name].for_another)]
			record_given(reader.consumer.name, doctype, {name: changed[name] for name in some}, needed)


def keep_what_was_delivered(names: list[int]) -> None:
	"""Before events are cleared: who has got any of a document under a condition, as it would not be told of its end else."""
	for some in create_batch(names, AT_ONCE):
		_keep_last_delivered(some)
		_note_what_is_missing(some)


def _keep_last_delivered(names: list[int]) -> None:
	positions: dict[tuple[str, str], dict[str, int]] = {}
	for (consumer, doctype, docname), (position, ends) in _last_delivered(names).items():
		if not ends:
			positions.setdefault((consumer, doctype), {})[docname] = position
	for (consumer, doctype), found in positions.items():
		known = _read_given(consumer, doctype, list(found))
		# what it was given later has these events in it
		later = {
			name for name, position in found.items() if name in known and known[name].position >= position
		}
		record_given(consumer, doctype, {name: found[name] for name in found if name not in later})


def _note_what_is_missing(names: list[int]) -> None:
	"""What is cleared of documents that were given, and came after that: nobody has been told of it, or it would have been given since."""
	log, table = frappe.qb.DocType(LOG), frappe.qb.DocType(DOCTYPE)
	rows = (
		frappe.qb.from_(log)
		.join(table)
		.on((table.ref_doctype == log.ref_doctype) & (table.docname == log.docname))
		.select(table.name)
		.distinct()
		.where(log.name.isin([int(name) for name in names]) & (log.update_type == UPDATE))
		.where((table.position >= 0) & (log.position > table.position))
		.where(log.origin.isnull() | (log.origin != table.consumer))
		.run(pluck=True)
	)
	for some in create_batch(rows, BATCH):
		query = frappe.qb.update(table).set(table.position, -table.position)
		query.where(table.name.isin(some) & (table.position >= 0)).run()


def _last_delivered(names: list[int]) -> dict[tuple[str, str, str], tuple[int, bool]]:
	"""(consumer, DocType, document) -> (position, whether it has ended there) of the last of these events that it has got, of
	subscriptions with a condition."""
	conditional = _under_conditions()
	found = _delivered(names, {consumer for consumer, _doctype in conditional}) if conditional else []
	if not found:
		return {}
	log, last = frappe.qb.DocType(LOG), {}
	query = frappe.qb.from_(log).select(log.name, log.ref_doctype, log.docname, log.position, log.update_type)
	parents = sorted({int(parent) for parent, _consumer, _left in found})
	events = {str(row.name): row for row in query.where(log.name.isin(parents)).run(as_dict=True)}
	for parent, consumer, left in found:
		event = events[parent]
		if (consumer, event.ref_doctype) in conditional:
			key = consumer, event.ref_doctype, event.docname
			ends = bool(left) or event.update_type in (DELETE, RENAME)
			last[key] = max(last.get(key, (0, False)), (cint(event.position), ends))
	return last


def _under_conditions() -> set[tuple[str, str]]:
	"""(consumer, DocType) of the subscriptions that have a condition."""
	rows = frappe.qb.DocType(ROWS)
	query = frappe.qb.from_(rows).select(rows.parent, rows.ref_doctype)
	return set(query.where(rows.condition.isnotnull() & (rows.condition != "")).run())


def _delivered(names: list[int], consumers: set[str]) -> list[tuple[str, str, int]]:
	delivery = frappe.qb.DocType(DELIVERIES)
	query = frappe.qb.from_(delivery).select(delivery.parent, delivery.consumer, delivery.has_left)
	query = query.where(delivery.parent.isin([str(name) for name in names]))
	return query.where(delivery.consumer.isin(sorted(consumers))).run()


def given_key(consumer: str, doctype: str, name: str) -> str:
	"""The row's name: one for each document of a consumer, exact where a collation takes "a" and "A" for the same."""
	return hashlib.sha256("\n".join((consumer, doctype, name)).encode()).hexdigest()[:40]


def given_documents(reader: Reader, doctype: str, names: list[str]) -> dict[str, Given]:
	"""Those of the documents that the consumer was given whole."""
	return _read_given(reader.consumer.name, doctype, names)


def _read_given(consumer: str, doctype: str, names: list[str]) -> dict[str, Given]:
	table, found = frappe.qb.DocType(DOCTYPE), {}
	for some in create_batch(names, NAMES_AT_ONCE):
		query = (
			frappe.qb.from_(table)
			.select(table.docname, table.position, table.for_another)
			.where((table.consumer == consumer) & (table.ref_doctype == doctype))
			.where(table.docname.isin(some))
		)
		found.update(
			{
				name: Given(abs(cint(position)), bool(needed), cint(position) >= 0)
				for name, position, needed in query.run()
			}
		)
	return found


def document_renamed(doc: Any, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""Hook for every rename: what was given under the old name is known under the new one as well.

	Not so of a merge: who has the old document need not have the one that is left.
	"""
	if merge or doc.doctype not in streamed_doctypes() or not frappe.db.table_exists(DOCTYPE):
		return
	table = frappe.qb.DocType(DOCTYPE)
	query = (
		frappe.qb.from_(table)
		.select(table.consumer, table.position, table.for_another)
		.where((table.ref_doctype == doc.doctype) & (table.docname == str(old)))
	)
	for consumer, position, for_another in query.run():
		record_given(consumer, doc.doctype, {str(new): position}, bool(for_another))


def forget_given(consumer: str, up_to: Any) -> int:
	"""Delete what a consumer was given up to a moment, in batches that are committed one by one."""
	table, forgotten = frappe.qb.DocType(DOCTYPE), 0
	query = (
		frappe.qb.from_(table)
		.select(table.name)
		.where((table.consumer == consumer) & (table.modified <= up_to))
		.limit(BATCH)
	)
	while names := query.run(pluck=True):
		_delete(names)
		forgotten += len(names)
	return forgotten


def clear(days: int = 60) -> None:
	"""Forget rows of more than `days` days ago whose document or consumer is gone. Commits batches.

	A document's deletion is told to who has it: its row stays while the log holds any event of it.
	"""
	table, after = frappe.qb.DocType(DOCTYPE), ""
	before = get_datetime(add_to_date(now_datetime(), days=-cint(days)))
	consumers = set(frappe.get_all(CONSUMER, pluck="name", limit=0))
	while True:
		rows = (
			frappe.qb.from_(table)
			.select(table.name, table.consumer, table.ref_doctype, table.docname)
			.where((table.name > after) & (table.modified < before))
			.orderby(table.name)
			.limit(BATCH)
			.run()
		)
		if not rows:
			return
		gone = _gone([(doctype, name) for _row, _consumer, doctype, name in rows])
		names = [row for row, consumer, *key in rows if consumer not in consumers or tuple(key) in gone]
		if names:
			_delete(names)
		after = rows[-1][0]


def _gone(keys: list[Key]) -> set[Key]:
	"""The documents that do not exist, and of which the log holds nothing."""
	log, gone = frappe.qb.DocType(LOG), set()
	for doctype, names in by_doctype(keys).items():
		found = existing_names(doctype, names) if frappe.db.exists("DocType", doctype) else set()
		missing = [name for name in names if name not in found]
		for some in create_batch(missing, NAMES_AT_ONCE):
			query = frappe.qb.from_(log).select(log.docname).distinct()
			logged = query.where((log.ref_doctype == doctype) & log.docname.isin(some)).run(pluck=True)
			gone.update((doctype, name) for name in set(some) - set(logged))
	return gone


def _delete(names: list[str]) -> None:
	table = frappe.qb.DocType(DOCTYPE)
	frappe.qb.from_(table).delete().where(table.name.isin(names)).run()
	frappe.db.commit()
