"""The loop: page -> events -> cursor.

Documents, Event Sync Log rows and the cursor are committed together, after a small group of events (groups.py). A process
that dies anywhere leaves the last committed cursor, and the next pull carries on from there. One pull at a time per
producer; it may have helpers that apply a part of its events (shared_page.py).
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import frappe
from frappe import _
from frappe.utils import now_datetime, strip_html

from event_streaming.acting import acting_as
from event_streaming.after_answer import after_answer
from event_streaming.confidential import plain
from event_streaming.consumer import registration, retry, state, sync_log
from event_streaming.consumer.crew import Crew, gather, pull_lock
from event_streaming.consumer.groups import is_events_fault
from event_streaming.consumer.page import Work, open_work
from event_streaming.consumer.remote import Producer
from event_streaming.consumer.retry import Retried
from event_streaming.consumer.shared_page import apply_shared
from event_streaming.consumer.state import PullState
from event_streaming.consumer.subscription import subscriptions_of
from event_streaming.consumer.transaction import is_lost_transaction
from event_streaming.exceptions import (
	LaneLost,
	NotRegistered,
	PullRunning,
	RemoteError,
	RemoteRefused,
	RemoteUnavailable,
)
from event_streaming.identity import RemoteKey
from event_streaming.settings import get_settings
from event_streaming.site import site_key
from event_streaming.wire import Event, InvalidPage, Page

FIRST_BACK_OFF = 15
LONGEST_BACK_OFF = 600
# what the other site asks to wait is waited, up to this
LONGEST_ASKED = 3600
QUEUED_FOR = 60
WAKE_FOR = 600
PULL_JOB = "event_streaming.consumer.pull.pull_job"
# a notification that comes alone is followed by the web worker that took it, for so long and at most so often
QUICK_PULL_SECONDS = 1
QUICK_TIMEOUT = 3
QUICK_EVERY_SECONDS = 1

Progress = Callable[["Summary"], None]


@dataclass
class Summary:
	"""What one pull did. `error` is for a person; "" when the producer was read to its end or the slice ran out."""

	event_producer: str
	events: int = 0
	synced: int = 0
	failed: int = 0
	behind: int = 0
	more: bool = False
	busy: bool = False
	error: str = ""


def pull(
	event_producer: str,
	progress: Progress | None = None,
	seconds: int | None = None,
	patience: float | None = None,
) -> Summary:
	"""Pull from one producer until its end is reached or the slice of time is used up.

	`seconds` replaces the slice of the settings. `patience` replaces their time-out for an answer; a producer that does
	not answer in that is not counted as one that can't be reached. Never raises for what the other site does; the summary says it.
	Raises frappe.DoesNotExistError for an unknown producer.
	"""
	summary = Summary(event_producer)
	deadline = time.monotonic() + (seconds or get_settings().slice_seconds)
	frappe.db.commit()
	wake_key = redis_key("wake", event_producer)
	while True:
		# whoever has the lock looks at this after giving it back: set before it is tried, so that it can't be looked at in between
		frappe.cache.set_value(wake_key, 1, expires_in_sec=WAKE_FOR)
		with pull_lock(event_producer) as taken:
			if not taken:
				summary.busy = True
				return summary
			frappe.cache.delete_value(wake_key)
			pull_as_subscriber(event_producer, summary, deadline, progress, patience)
		if summary.error or summary.more or not frappe.cache.get_value(wake_key, expires=True):
			return summary


def pull_as_subscriber(
	event_producer: str,
	summary: Summary,
	deadline: float,
	progress: Progress | None,
	patience: float | None,
) -> None:
	"""One slice, as the Event Subscriber; the user of before is put back."""
	doc = frappe.get_doc("Event Producer", event_producer)
	if doc.get("paused"):
		summary.error = paused(event_producer)
		return
	try:
		with acting_as(doc.user):
			run_slice(doc, summary, deadline, progress, patience)
	except LaneLost:
		# the connection was lost, and the locks with it: somebody else may be at work by now
		frappe.db.rollback()
		summary.more = True
	except (RemoteUnavailable, RemoteRefused, RemoteError, NotRegistered, InvalidPage) as error:
		frappe.db.rollback()
		summary.error = str(error)
		if patience is None and frappe.db.exists("Event Producer", event_producer):
			record_failure(event_producer, error)
			frappe.db.commit()


def run_slice(
	doc, summary: Summary, deadline: float, progress: Progress | None, patience: float | None
) -> None:
	"""Retry what is due, then page after page until the end or the deadline."""
	kept = state.load_state(doc.name)
	producer = Producer(doc, patience)
	try:
		kept = registration.ensure_registered(doc, producer, kept)
		frappe.db.commit()
		retry_due(doc, producer, kept, summary, deadline)
		# a pull that is to be short is over before anybody has come; what has no position is not shared
		with gather(doc.name, doc.workers if patience is None and kept.protocol >= 2 else 1) as crew:
			read_pages(doc, producer, kept, summary, deadline, progress, crew)
	finally:
		producer.client.close()


def read_pages(
	doc,
	producer: Producer,
	kept: PullState,
	summary: Summary,
	deadline: float,
	progress: Progress | None,
	crew: Crew | None,
) -> None:
	"""Page after page until the end or the deadline."""
	while True:
		page = next_page(doc, producer, kept)
		doc = as_it_is_now(doc.name)
		if not doc or doc.paused:
			summary.error = paused(doc.name) if doc else str(unknown_producer(kept.event_producer))
			return
		state.record_contact(
			doc.name,
			last_pull=now_datetime(),
			events_behind=page["behind"],
			remote_time_zone=page["time_zone"] or None,
			last_warning=plain(strip_html("\n".join(page["warnings"]))) or None,
		)
		frappe.db.commit()
		doc = registration.settle(doc, producer, page)
		if page["subscriptions"].keys() - subscriptions_of(doc).keys():
			# it holds events of what is not subscribed to any more
			page = next_page(doc, producer, kept)
		if page["paused"]:
			raise RemoteUnavailable(_("The producer's administrator has paused this site."))
		work = open_work(doc, producer, kept.protocol, page["time_zone"] or kept.remote_time_zone or "")
		if kept.protocol >= 2:
			work.renumbered_until = kept.last_update
		finished = apply_page(work, page, kept, summary, deadline, crew)
		summary.behind = page["behind"]
		if progress:
			progress(summary)
		if not finished or (page["has_more"] and time.monotonic() >= deadline):
			summary.more = True
			return
		if not page["has_more"]:
			return


def retry_due(doc, producer: Producer, kept: PullState, summary: Summary, deadline: float) -> None:
	"""Try again what failed and whose time has come, each document in a transaction of its own."""
	rows = retry.documents_due(doc.name)
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
		done = retry.retry_document(work, key)
		frappe.db.commit()
	except Exception as error:
		if not is_lost_transaction(error) and not is_events_fault(error):
			raise
		frappe.db.rollback()
		done = retry.put_off(work, key, error)
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
						done = retry.retry_document(work, key, decisions)
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


def next_page(doc, producer: Producer, kept: PullState) -> Page:
	"""The next page, in the protocol that the producer speaks."""
	if kept.protocol >= 2:
		page = producer.get_page(kept.position)
	else:
		page = registration.old_page(doc, producer, kept)
	frappe.db.commit()
	return page


def as_it_is_now(event_producer: str):
	"""The Event Producer as people have left it while the other site took its time; None when it was deleted."""
	if not frappe.db.exists("Event Producer", event_producer):
		return None
	return frappe.get_doc("Event Producer", event_producer)


def paused(event_producer: str) -> str:
	return _("Event Producer {0} is paused: clear Paused to go on.").format(event_producer)


def apply_page(
	work: Work, page: Page, kept: PullState, summary: Summary, deadline: float, crew: Crew | None
) -> bool:
	"""Apply a page and move the cursor past it. False: the time ran out."""
	events = page["events"]
	if not apply_shared(crew, work, events, Cursor(work.event_producer, events, kept, summary), deadline):
		return False
	if kept.protocol >= 2 and page["cursor"] > kept.position:
		state.move_cursor(work.event_producer, position=page["cursor"])
		frappe.db.commit()
		kept.position = page["cursor"]
	return True


@dataclass
class Cursor:
	"""The mark of a pull: how far it has got in the producer's log, and what it has done so far."""

	event_producer: str
	events: list[Event]
	kept: PullState
	summary: Summary

	def write(self, upto: int, statuses: list[str]) -> None:
		position, last_update = cursor_after(self.events, upto, self.kept)
		state.move_cursor(self.event_producer, position=position, last_update=last_update)

	def committed(self, upto: int, statuses: list[str]) -> None:
		self.kept.position, self.kept.last_update = cursor_after(self.events, upto, self.kept)
		self.summary.events += len(statuses)
		self.summary.synced += statuses.count(sync_log.SYNCED)
		self.summary.failed += sum(status in sync_log.OPEN for status in statuses)


def cursor_after(events: list[Event], count: int, kept: PullState) -> tuple[int, str | None]:
	"""The cursor once the first `count` events are dealt with.

	An older event that came along with a later one moves nothing: only the later one moves the cursor past both.
	"""
	position, last_update = kept.position, kept.last_update
	for event in events[:count]:
		if event["position"] and event["position"] == event["at_position"]:
			position = max(position, event["position"])
		elif not event["position"]:
			last_update = max(last_update or "", event["creation"])
	return position, last_update


def record_failure(event_producer: str, error: Exception) -> None:
	"""Note why the producer could not be read, and when to try again (stored, with back-off and jitter)."""
	failures = state.load_state(event_producer).failures + 1
	refused = isinstance(error, RemoteRefused | NotRegistered)
	asked = getattr(error, "retry_after", None) or 0
	state.save_state(
		event_producer,
		connection=state.REFUSED if refused else state.OFFLINE,
		failures=failures,
		last_error=plain(error)[:2000],
		next_pull=now_datetime() + timedelta(seconds=max(back_off(failures), min(asked, LONGEST_ASKED))),
	)


def back_off(failures: int) -> float:
	"""Seconds until the next try: exponential with full jitter on the upper half."""
	longest = min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** min(failures - 1, 10))
	return longest * random.uniform(0.5, 1.0)


def redis_key(kind: str, event_producer: str) -> str:
	return f"event_streaming:{kind}:{site_key()}:{event_producer}"


def is_wanted(event_producer: str) -> bool:
	"""Whether a pull found the lock taken and left word that there is something to do."""
	return bool(frappe.cache.get_value(redis_key("wake", event_producer), expires=True))


# ---- who starts a pull


def request_pull(event_producer: str, by_hand: bool = False) -> bool:
	"""Queue a pull of one producer; returns whether a new job was queued.

	At most one job per producer waits in the queue. A job that is running does not count: it may have read the feed
	for the last time already.
	"""
	if not frappe.db.exists("Event Producer", event_producer):
		raise unknown_producer(event_producer)
	if by_hand:
		state.save_state(event_producer, next_pull=None)
	elif not claim(redis_key("queued", event_producer)):
		return False
	queue_pull(event_producer, by_hand)
	return True


def queue_pull(event_producer: str, by_hand: bool = False) -> None:
	frappe.enqueue(
		PULL_JOB, queue=get_settings().queue, event_producer=event_producer, enqueue_after_commit=by_hand
	)


def notified(event_producer: str) -> bool:
	"""The producer says that there is something to pull; returns whether a pull was begun or queued for it.

	A notification that comes alone is followed at once, by the web worker that took it, when the producer has its answer;
	what that can't do in a second is a job's. Raises frappe.DoesNotExistError for an unknown producer.
	"""
	if not frappe.db.exists("Event Producer", event_producer):
		raise unknown_producer(event_producer)
	if not claim(redis_key("queued", event_producer)):
		return False
	if not after_answer(
		lambda: pull_quickly(event_producer), redis_key("quick", event_producer), QUICK_EVERY_SECONDS
	):
		queue_pull(event_producer)
	return True


def pull_quickly(event_producer: str) -> None:
	"""After the web server's answer: a short pull. What is left, or did not go as it should, is a job's."""
	frappe.cache.delete(frappe.cache.make_key(redis_key("queued", event_producer)))
	summary = pull(event_producer, seconds=QUICK_PULL_SECONDS, patience=QUICK_TIMEOUT)
	if summary.more or summary.error:
		request_pull(event_producer)


def unknown_producer(event_producer: str) -> Exception:
	return frappe.DoesNotExistError(_("There is no Event Producer {0} on this site.").format(event_producer))


def claim(key: str) -> bool:
	"""Set a Redis key unless it is set; it frees itself after QUEUED_FOR seconds."""
	return bool(frappe.cache.set(frappe.cache.make_key(key), 1, nx=True, ex=QUEUED_FOR))


def pull_job(event_producer: str) -> None:
	"""The background job: one slice, and its own continuation when there is more."""
	frappe.cache.delete(frappe.cache.make_key(redis_key("queued", event_producer)))
	if not frappe.db.exists("Event Producer", event_producer):
		return
	summary = pull(event_producer)
	if summary.more:
		request_pull(event_producer)


def pull_all() -> list[Summary]:
	"""Pull from every producer that is not paused, one after the other."""
	names = frappe.get_all("Event Producer", filters={"paused": 0}, pluck="name")
	return [pull(name) for name in names]


def pull_due() -> None:
	"""Each minute: queue a pull of every producer whose stored time has come. Nothing depends on notifications."""
	for name in frappe.get_all("Event Producer", filters={"paused": 0}, pluck="name"):
		due = state.load_state(name).next_pull
		# later than any wait: the clock was set back since, by the end of summer time for one
		latest = now_datetime() + timedelta(seconds=LONGEST_ASKED)
		if not due or due <= now_datetime() or due > latest:
			request_pull(name)
