"""Clears old events out of Event Update Log, never one that an active consumer has not taken yet.

Unless the settings say that what a silent consumer has not taken is kept only for so many days: then it is marked as needing
a fresh copy, and learns that when it comes back.

In batches, each committed: a log of millions is cleared without one long lock. The newest numbered event stays: it
holds the time from which the next ones go on counting.
"""

from collections.abc import Callable

import frappe
from frappe.utils import add_to_date, cint, get_datetime, now_datetime

from event_streaming.messages.coded import _
from event_streaming.producer.log.epochs import LogState
from event_streaming.producer.log.sequence import head_position
from event_streaming.site.settings import get_settings

LOG = "Event Update Log"
DELIVERIES = "Event Update Log Consumer"
BATCH = 1_000


def clear_update_log(days: int = 90, before_deleting: Callable[[list[int]], None] | None = None) -> int:
	"""Delete events older than `days`; returns how many. `before_deleting` gets the names of each batch."""
	before = get_datetime(add_to_date(now_datetime(), days=-cint(days)))
	waiting, given_up = _waiting_consumers()
	last = min([max(head_position() - 1, 0), *waiting.values()])
	deleted, position = 0, 0
	while batch := _next_batch(position, last):
		old = {name: position for name, position, creation in batch if creation < before}
		if not old:
			break
		if before_deleting:
			before_deleting(list(old))
		_delete(list(old))
		_mark_for_copy(given_up, upto=max(old.values()))
		frappe.db.commit()
		deleted += len(old)
		position = batch[-1][1]
	return deleted


def _waiting_consumers() -> tuple[dict[str, int], dict[str, int]]:
	"""Name -> the position that it has taken: of consumers for which events are kept, and of those silent for too long."""
	days = get_settings().keep_days_for_silent
	since = get_datetime(add_to_date(now_datetime(), days=-days)) if days else None
	consumer, rows = frappe.qb.DocType("Event Consumer"), frappe.qb.DocType("Event Consumer Document Type")
	query = (
		frappe.qb.from_(consumer)
		.join(rows)
		.on(rows.parent == consumer.name)
		.select(consumer.name, consumer.position, consumer.paused, consumer.last_contact, consumer.creation)
		.distinct()
		.where((rows.status == "Approved") & (rows.unsubscribed == 0))
	)
	kept: dict[str, int] = {}
	given_up: dict[str, int] = {}
	for name, position, paused, last_contact, creation in query.run():
		# one that this site's administrator has paused is not silent by itself
		silent = since and not paused and (last_contact or creation) < since
		(given_up if silent else kept)[name] = cint(position)
	return kept, given_up


def _mark_for_copy(given_up: dict[str, int], upto: int) -> None:
	for name, position in given_up.items():
		if position < upto:
			# as a change of the document: a form that was opened before must not clear it again
			frappe.db.set_value("Event Consumer", {"name": name, "needs_copy": 0}, "needs_copy", 1)


def is_cleared_after(position: int, log: LogState) -> bool:
	"""Whether events that came after a position are in the log no more."""
	table = frappe.qb.DocType(LOG)
	row = (
		frappe.qb.from_(table)
		.select(table.position)
		.where(table.position > 0)
		.orderby(table.position)
		.limit(1)
		.run()
	)
	oldest = row[0][0] if row else log.head + 1
	return log.events_between(position, oldest - 1) > 0


def refuse_deletion_of_needed(log) -> None:
	"""Called by the document's `on_trash`: an event that an active consumer has not taken would be lost for it."""
	consumer, rows = frappe.qb.DocType("Event Consumer"), frappe.qb.DocType("Event Consumer Document Type")
	query = (
		frappe.qb.from_(consumer)
		.join(rows)
		.on(rows.parent == consumer.name)
		.select(consumer.name)
		.where((consumer.paused == 0) & (consumer.name != (log.origin or "")))
		.where((rows.ref_doctype == log.ref_doctype) & (rows.status == "Approved") & (rows.unsubscribed == 0))
	)
	if cint(log.position):
		# one without a position comes after all that has been taken
		query = query.where((consumer.position < log.position) & (rows.from_position < log.position))
	if waiting := [name for (name,) in query.run()]:
		frappe.throw(
			_(
				"{0} has not taken this event yet, and would miss it. Pause or delete that Event Consumer first if it is"
				" not to have it."
			).format(", ".join(waiting))
		)


def _next_batch(after: int, last: int) -> list[tuple]:
	"""(name, position, creation) in the order of positions, which is nearly that of time: a batch with nothing old in it
	is the end."""
	log = frappe.qb.DocType(LOG)
	query = (
		frappe.qb.from_(log)
		.select(log.name, log.position, log.creation)
		.where((log.position > after) & (log.position <= last))
		.orderby(log.position)
		.limit(BATCH)
	)
	return query.run()


def _delete(names: list) -> None:
	deliveries, log = frappe.qb.DocType(DELIVERIES), frappe.qb.DocType(LOG)
	parents = [str(name) for name in names]
	frappe.qb.from_(deliveries).delete().where(deliveries.parent.isin(parents)).run()
	frappe.qb.from_(log).delete().where(log.name.isin(names)).run()
