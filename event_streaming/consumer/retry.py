"""What to try again, and when: one document at a time, its events in order, never stale data over newer.

A document's open events are all in Event Sync Log; the first that fails stops the others behind it. It commits nothing;
pull.py does.
"""

from dataclasses import dataclass

import frappe

from event_streaming.consumer import sync_log
from event_streaming.consumer.page import Work, keys_of, prepare
from event_streaming.consumer.step import attempt, failure
from event_streaming.consumer.sync_log import SYNCED
from event_streaming.identity import RemoteKey

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
			outcome = attempt(event, work, attempts=1 if work.asked_by else attempts)
			sync_log.update(row["name"], outcome, attempts - (not outcome.counted), work.asked_by)
			done.tried += 1
			if outcome.status != SYNCED:
				break
			done.synced += 1
	return done


def put_off(work: Work, key: RemoteKey, error: Exception) -> Retried:
	"""A document's retry was undone by the database, or could not begin: its first open event waits for the next one."""
	rows = sync_log.open_rows(work.event_producer, *key)[:1]
	for row in rows:
		attempts = (row["attempts"] or 0) + 1
		outcome = failure(sync_log.to_event(row), work, error, frappe.get_traceback(), attempts)
		sync_log.update(row["name"], outcome, attempts)
	return Retried(tried=len(rows))
