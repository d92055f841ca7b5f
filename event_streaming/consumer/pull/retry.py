"""What to try again, and when: one document at a time, its events in order, never stale data over newer.

A document's open events are all in Event Sync Log; the first that fails stops the others behind it. It commits nothing;
pull.py does.
"""

import time
from dataclasses import dataclass

import frappe
from frappe import _

from event_streaming.consumer.apply.page import prepare
from event_streaming.consumer.apply.step import try_event
from event_streaming.consumer.apply.work import Work, open_work
from event_streaming.consumer.logs import state, sync_log
from event_streaming.consumer.logs.state import PullState
from event_streaming.consumer.logs.sync_log import SYNCED
from event_streaming.consumer.pull.cursor import Summary
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.unit_of_work.groups import is_events_fault
from event_streaming.consumer.unit_of_work.savepoint import failure
from event_streaming.consumer.unit_of_work.transaction import is_lost_transaction
from event_streaming.consumer.workers.crew import pull_lock
from event_streaming.exceptions import PullRunning
from event_streaming.identity.registry import RemoteKey
from event_streaming.site.acting import acting_as
from event_streaming.wire.events import keys_of

DOCUMENTS_PER_PULL = 200


@dataclass
class Retried:
	"""How many events of a document were tried again, and how many took effect."""

	tried: int = 0
	synced: int = 0


def documents_due(event_producer: str) -> list[RemoteKey]:
	"""The remote documents whose first open event is to be tried now, the longest waiting first."""
	rows = sync_log.due(event_producer, DOCUMENTS_PER_PULL)
	rows += sync_log.waiting_for_nothing(event_producer, DOCUMENTS_PER_PULL)
	return list(dict.fromkeys((row["remote_doctype"], row["producer_doc"]) for row in rows))


def retry_document(work: Work, key: RemoteKey, decisions: dict[str, dict[str, str]] | None = None) -> Retried:
	"""Try the open events of one document in order, until one fails. Raises only when the transaction is lost."""
	done = Retried()
	rows = sync_log.open_rows(work.event_producer, *key)
	events = [sync_log.to_event(row) for row in rows]
	prepare(work, events)
	with work.log.group(together=False):
		for row, event in zip(rows, events, strict=True):
			if sync_log.stands_behind(work.event_producer, row, key, next(iter(keys_of(event)[1:]), None)):
				break
			attempts = (row["attempts"] or 0) + 1
			work.decision = (decisions or {}).get(str(row["name"]))
			outcome = try_event(event, work, attempts=1 if work.asked_by else attempts)
			sync_log.update(row["name"], outcome, attempts - (not outcome.counted), work.asked_by)
			done.tried += 1
			if outcome.status != SYNCED:
				break
			done.synced += 1
		if done.synced:
			sync_log.wake(work.event_producer, key)
	return done


def put_off(work: Work, key: RemoteKey, error: Exception) -> Retried:
	"""A document's retry was undone by the database, or could not begin: its first open event waits for the next one."""
	rows = sync_log.open_rows(work.event_producer, *key)[:1]
	for row in rows:
		attempts = (row["attempts"] or 0) + 1
		outcome = failure(sync_log.to_event(row), work, error, frappe.get_traceback(), attempts)
		sync_log.update(row["name"], outcome, attempts)
	return Retried(tried=len(rows))


def retry_due(doc, producer: Producer, kept: PullState, summary: Summary, deadline: float) -> None:
	"""Try again what failed and whose time has come, each document in a transaction of its own."""
	rows = documents_due(doc.name)
	if not rows:
		return
	work = open_work(doc, producer, kept.protocol, kept.remote_time_zone or "")
	work.away = bool(kept.failures)
	for key in rows:
		if time.monotonic() >= deadline:
			return
		done = retry_or_put_off(work, key)
		summary.events += done.tried
		summary.synced += done.synced
		summary.failed += done.tried - done.synced


def retry_or_put_off(work: Work, key: RemoteKey) -> Retried:
	"""One document; one whose transaction is lost, or that can't be looked up, keeps no other from its turn."""
	try:
		done = retry_document(work, key)
		frappe.db.commit()
	except Exception as error:
		if not is_lost_transaction(error) and not is_events_fault(error):
			raise
		frappe.db.rollback()
		done = put_off(work, key, error)
		frappe.db.commit()
	return done


def retry_documents(
	event_producer: str, keys: list[RemoteKey], decisions: dict[str, dict[str, str]] | None = None
) -> Retried:
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
				for number, key in enumerate(keys, start=1):
					if len(keys) > 1 and not decisions:
						done = retry_or_put_off(work, key)
					else:
						# the person sees what is wrong, and a decision is not lost with it
						done = retry_document(work, key, decisions)
						frappe.db.commit()
					total.tried += done.tried
					total.synced += done.synced
					show_progress(asked_by, number, len(keys), key)
		finally:
			producer.client.close()
	return total


def show_progress(user: str, number: int, count: int, key: RemoteKey) -> None:
	if count > 1:
		progress = {
			"percent": number * 100 / count,
			"title": _("Resync"),
			"description": f"{key[0]} {key[1]}",
		}
		frappe.publish_realtime("progress", progress, user=user)
