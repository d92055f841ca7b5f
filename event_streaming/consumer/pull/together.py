"""Events that take effect together or not at all, tried again: all that are open of a transaction of the producer, in one here.

Only where a row says *Together*; the others are tried document by document, see retry.py. Never commits; it rolls back what it has
done when one of them fails.
"""

from dataclasses import dataclass

import frappe

from event_streaming.consumer.apply.page import prepare
from event_streaming.consumer.apply.step import try_event, wait_for_each_other, waiting_for_another
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.logs import open_rows, sync_log
from event_streaming.consumer.logs.open_rows import OpenRename
from event_streaming.consumer.logs.sync_log import SYNCED
from event_streaming.identity.registry import RemoteKey
from event_streaming.wire.events import keys_of, remote_key

Decisions = dict[str, dict[str, str]] | None


@dataclass
class Retried:
	"""How many events of a document were tried again, and how many took effect; `others` are documents that were tried with it."""

	tried: int = 0
	synced: int = 0
	others: tuple[RemoteKey, ...] = ()


def rows_with(work: Work, row: dict) -> list[dict]:
	"""The open rows that take effect with this one or not at all, in their order; none when it goes by itself."""
	if (
		not row["transaction_id"]
		or row["divided"]
		or not any(each.together for each in work.subscriptions.values())
	):
		return []
	rows = open_rows.open_rows_of_transaction(work.event_producer, row["transaction_id"])
	events = [open_rows.to_event(each) for each in rows]
	is_one_document = len({remote_key(event) for event in events}) < 2
	return [] if is_one_document or not wait_for_each_other(events, work) else rows


def retry_transaction(
	work: Work, rows: list[dict], renames: list[OpenRename], decisions: Decisions = None
) -> Retried:
	"""Try the open events of a transaction. Raises only when the database's transaction is lost."""
	ready = rows[: first_that_stands_behind(work, rows, renames)]
	events = [open_rows.to_event(row) for row in ready]
	keys = tuple(dict.fromkeys(key for event in events for key in keys_of(event)))
	if not ready:
		return Retried(others=tuple((row["remote_doctype"], row["producer_doc"]) for row in rows))
	work.retried = set(keys)
	prepare(work, events)
	failed = None
	with work.log.group(together=False):
		for row, event in zip(ready, events, strict=True):
			attempts = (row["attempts"] or 0) + 1
			work.decision = (decisions or {}).get(str(row["name"]))
			outcome = try_event(event, work, attempts=1 if work.asked_by else attempts)
			if outcome.status != SYNCED:
				failed = row, outcome, attempts - (not outcome.counted)
				break
			sync_log.update(row["name"], outcome, attempts, work.asked_by)
		else:
			for key in keys:
				sync_log.wake(work.event_producer, key)
	if not failed:
		return Retried(len(ready), len(ready), keys)
	frappe.db.rollback()
	keep_waiting(work, ready, *failed)
	return Retried(1, 0, keys)


def keep_waiting(
	work: Work, rows: list[dict], failed: dict, outcome: sync_log.Outcome, attempts: int
) -> None:
	"""One of the rows has failed: it says why, and the others wait for it."""
	sync_log.update(failed["name"], outcome, attempts, work.asked_by)
	key = failed["remote_doctype"], failed["producer_doc"]
	for row in rows:
		if row is not failed and row["status"] != sync_log.WAITING:
			waits = waiting_for_another(open_rows.to_event(row), work, key)
			sync_log.update(row["name"], waits, row["attempts"] or 0)


def first_that_stands_behind(work: Work, rows: list[dict], renames: list[OpenRename]) -> int:
	"""How many of the rows can be tried: all, or none where one stands behind another transaction.

	Where that other one is between them, the producer has sent them in parts: those before it can be tried.
	"""
	numbers = {int(row["name"]) for row in rows}
	keys = [keys_of(open_rows.to_event(row)) for row in rows]
	held = open_rows.open_rows_of(work.event_producer, {key for some in keys for key in some})
	for count, (row, mine) in enumerate(zip(rows, keys, strict=True)):
		before = [
			other["position"] or 0
			for key in mine
			for other in held[key]
			if int(other["name"]) < int(row["name"]) and int(other["name"]) not in numbers
		]
		behind_rename = any(
			rename.new == mine[0] and rename.number < int(row["name"]) and rename.number not in numbers
			for rename in renames
		)
		if behind_rename or before:
			is_between = before and min(before) > (rows[0]["position"] or 0)
			return count if is_between and not behind_rename else 0
	return len(rows)
