"""What to try again, and when: one document at a time, its events in order, never stale data over newer.

A document's open events are all in Event Sync Log; the first that fails stops the others behind it. Many documents are looked
up together, and each is a commit of its own. What waits for what was changed with it is tried with that: see together.py.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import frappe
from frappe.utils import cint

from event_streaming.consumer.apply.page import prepare
from event_streaming.consumer.apply.step import try_event
from event_streaming.consumer.apply.work import Work, open_work
from event_streaming.consumer.logs import open_rows, state, sync_log
from event_streaming.consumer.logs.open_rows import OpenRename
from event_streaming.consumer.logs.state import PullState
from event_streaming.consumer.logs.sync_log import SYNCED
from event_streaming.consumer.pull.cursor import Summary
from event_streaming.consumer.pull.together import Decisions, Retried, retry_transaction, rows_with
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import subscriptions_of
from event_streaming.consumer.unit_of_work.groups import is_events_fault
from event_streaming.consumer.unit_of_work.lost_transaction import is_lost_transaction
from event_streaming.consumer.unit_of_work.savepoint import failure
from event_streaming.consumer.workers.crew import pull_lock
from event_streaming.exceptions import PullRunning
from event_streaming.identity.registry import RemoteKey
from event_streaming.messages.coded import _
from event_streaming.site.acting import acting_as
from event_streaming.site.claims import redis_key
from event_streaming.wire.events import RENAME, keys_of

DOCUMENTS_PER_PULL = 200
# documents of one look-up, and waiting rows that are looked at in one pull
DOCUMENTS_TOGETHER, WAITING_PER_PULL = 50, 1000
PLACE_KEPT_FOR = 86_400


@dataclass
class Batch:
	"""Documents that are tried again and were looked up together: their open rows, and the renames that are open."""

	rows: dict[RemoteKey, list[dict]]
	renames: list[OpenRename]


def documents_due(event_producer: str, together: set[str]) -> list[RemoteKey]:
	"""The remote documents whose first open event is to be tried now, the longest waiting first. `together` are the DocTypes
	whose rows say so."""
	keys = open_rows.due(event_producer, DOCUMENTS_PER_PULL)
	return list(dict.fromkeys([*keys, *waiting_for_nothing(event_producer, together)]))


def waiting_for_nothing(event_producer: str, together: set[str]) -> list[RemoteKey]:
	"""Documents that wait though nothing of theirs has failed: a part of all that wait is looked at, the next part next time."""
	place = redis_key("waiting", event_producer)
	after = cint(frappe.cache.get_value(place, expires=True))
	keys, last = open_rows.waiting_for_nothing(event_producer, after, WAITING_PER_PULL)
	if last or after:
		frappe.cache.set_value(place, last, expires_in_sec=PLACE_KEPT_FOR)
	if keys and together:
		waiting = open_rows.waiting_for_a_transaction(event_producer, keys, together)
		keys = [key for key in keys if key not in waiting]
	return keys


def look_up(work: Work, keys: list[RemoteKey]) -> Batch:
	"""What the open events of the documents need, in the queries and requests of one page."""
	batch = Batch(
		open_rows.open_rows_of(work.event_producer, keys), open_rows.open_renames(work.event_producer)
	)
	work.retried = set(keys)
	prepare(work, [open_rows.to_event(row) for rows in batch.rows.values() for row in rows])
	return batch


def retry_each(work: Work, keys: list[RemoteKey]) -> Iterator[Retried]:
	"""Try documents again, looked up together, each in a transaction of its own; says after each what came of it.

	One whose transaction is lost, or that can't be looked up, keeps no other from its turn.
	"""
	batch, alone_until, seen = None, 0, set()
	for number, key in enumerate(keys):
		if key in seen:
			continue
		try:
			if not batch or key not in batch.rows:
				many = keys[number : number + DOCUMENTS_TOGETHER]
				try:
					batch = look_up(work, many if number >= alone_until else many[:1])
				except Exception as error:
					if not is_events_fault(error) or len(many) == 1:
						raise
					alone_until = number + DOCUMENTS_TOGETHER
					batch = look_up(work, many[:1])
			done = retry_document(work, key, batch)
			frappe.db.commit()
			if done.others:
				# what was looked up for the page is not true any more
				batch = None
				seen.update(done.others)
		except Exception as error:
			if not is_lost_transaction(error) and not is_events_fault(error):
				raise
			frappe.db.rollback()
			batch, done = None, put_off(work, key, error)
			frappe.db.commit()
		yield done


def retry_document(work: Work, key: RemoteKey, batch: Batch, decisions: Decisions = None) -> Retried:
	"""Try the open events of one document in order, until one fails or has to be tried with others. Raises only when the
	transaction is lost."""
	done = Retried()
	rows = batch.rows[key]
	if rows and (together := rows_with(work, rows[0])):
		return retry_transaction(work, together, batch.renames, decisions)
	with work.log.group(together=False):
		for row in rows:
			if row is not rows[0] and rows_with(work, row):
				break
			event = open_rows.to_event(row)
			other = next(iter(keys_of(event)[1:]), None)
			if open_rows.stands_behind(work.event_producer, row, key, other, batch.renames):
				break
			attempts = (row["attempts"] or 0) + 1
			work.decision = (decisions or {}).get(str(row["name"]))
			outcome = try_event(event, work, attempts=1 if work.asked_by else attempts)
			sync_log.update(row["name"], outcome, attempts - (not outcome.counted), work.asked_by)
			done.tried += 1
			if outcome.status != SYNCED:
				break
			done.synced += 1
			if event["update_type"] == RENAME:
				batch.renames = open_rows.open_renames(work.event_producer)
		if done.synced:
			sync_log.wake(work.event_producer, key)
	return done


def put_off(work: Work, key: RemoteKey, error: Exception) -> Retried:
	"""A document's retry was undone by the database, or could not begin: its first open event waits for the next one."""
	rows = open_rows.open_rows(work.event_producer, *key)[:1]
	for row in rows:
		attempts = (row["attempts"] or 0) + 1
		outcome = failure(open_rows.to_event(row), work, error, frappe.get_traceback(), attempts)
		sync_log.update(row["name"], outcome, attempts)
	return Retried(tried=len(rows))


def retry_due(doc, producer: Producer, kept: PullState, summary: Summary, deadline: float) -> None:
	"""Try again what failed and whose time has come, each document in a transaction of its own."""
	subscriptions = subscriptions_of(doc).items()
	keys = documents_due(doc.name, {doctype for doctype, row in subscriptions if row.together})
	if not keys:
		return
	work = open_work(doc, producer, kept.protocol, kept.remote_time_zone or "")
	work.away = bool(kept.failures)
	retried = retry_each(work, keys)
	while time.monotonic() < deadline and (done := next(retried, None)):
		summary.events += done.tried
		summary.synced += done.synced
		summary.failed += done.tried - done.synced


def retry_documents(event_producer: str, keys: list[RemoteKey], decisions: Decisions = None) -> Retried:
	"""Try the open events of some documents again because the current user asks for it, each document one commit.

	`decisions` has, by Event Sync Log, what is to be kept of each conflict. Raises PullRunning when a pull of the
	producer is running.
	"""
	asked_by, total = frappe.session.user, Retried()
	doc = frappe.get_doc("Event Producer", event_producer)
	producer = Producer(doc)
	with pull_lock(event_producer) as taken:
		if not taken:
			frappe.throw(
				_("A pull from {0} is running: try again in a moment.").format(event_producer), PullRunning
			)
		# what is read from here on has what the last pull committed
		frappe.db.commit()
		kept = state.load_state(event_producer)
		try:
			with acting_as(doc.user):
				work = open_work(doc, producer, kept.protocol, kept.remote_time_zone or "")
				work.asked_by = asked_by
				if len(keys) > 1 and not decisions:
					retried = retry_each(work, keys)
				else:
					retried = retry_or_raise(work, keys, decisions)
				for number, done in enumerate(retried, start=1):
					total.tried += done.tried
					total.synced += done.synced
					show_progress(asked_by, number, len(keys), keys[number - 1])
		finally:
			producer.client.close()
	return total


def retry_or_raise(work: Work, keys: list[RemoteKey], decisions: Decisions) -> Iterator[Retried]:
	"""The same one by one: the person sees what is wrong, and a decision is not lost with it."""
	for key in keys:
		done = retry_document(work, key, look_up(work, [key]), decisions)
		frappe.db.commit()
		yield done


def show_progress(user: str, number: int, count: int, key: RemoteKey) -> None:
	if count > 1:
		progress = {
			"percent": number * 100 / count,
			"title": _("Resync"),
			"description": f"{key[0]} {key[1]}",
		}
		frappe.publish_realtime("progress", progress, user=user)
