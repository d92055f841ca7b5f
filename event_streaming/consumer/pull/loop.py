"""The loop: page -> events -> cursor.

Documents, Event Sync Log rows and the cursor are committed together, after a small group of events (groups.py). A process
that dies anywhere leaves the last committed cursor, and the next pull carries on from there. One pull at a time per
producer; it may have helpers that apply a part of its events (shared_page.py).
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import frappe
from frappe.utils import now_datetime

from event_streaming.consumer.apply.work import Work, open_work
from event_streaming.consumer.line.holding import holding, waits_until
from event_streaming.consumer.line.meter import LONGEST_PAUSE
from event_streaming.consumer.logs import state
from event_streaming.consumer.logs.state import PullState
from event_streaming.consumer.pull import contact
from event_streaming.consumer.pull.back_off import record_failure
from event_streaming.consumer.pull.cursor import Cursor, Summary, doubt_what_was_made, take_back_renames
from event_streaming.consumer.pull.retry import retry_due
from event_streaming.consumer.pull.source import Source
from event_streaming.consumer.subscriptions import agreement, asking, registration, rotation, sites
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.unit_of_work.lost_transaction import is_lost_transaction
from event_streaming.consumer.workers.crew import Crew, gather, pull_lock
from event_streaming.consumer.workers.shared_page import apply_shared
from event_streaming.database.full_disk import is_full_disk
from event_streaming.exceptions import (
	LaneLost,
	NotRegistered,
	RemoteError,
	RemoteRefused,
	RemoteUnavailable,
	StepsNeeded,
)
from event_streaming.messages.coded import _
from event_streaming.site.acting import acting_as
from event_streaming.site.claims import redis_key
from event_streaming.site.settings import get_settings
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.pages import PROTOCOL, Page
from event_streaming.wire.wishes.priorities import beyond

WAKE_FOR = 600
# between two looks whether another pull is over
WAIT_STEP = 0.2
# to keep what a page says of the producer, where another process writes the same rows
ATTEMPTS = 3

Progress = Callable[["Summary"], None]


def pull(
	event_producer: str,
	progress: Progress | None = None,
	seconds: int | None = None,
	patience: float | None = None,
	wait_seconds: float = 0,
) -> Summary:
	"""Pull from one producer until its end is reached or the slice of time is used up.

	`seconds` replaces the slice of the settings. `patience` replaces their time-out for an answer; a producer that does
	not answer in that is not counted as one that can't be reached. Never raises for what the other site does; the summary says it.
	While another pull of the producer runs, this one waits for it up to `wait_seconds`, then pulls what is left.
	Raises frappe.DoesNotExistError for an unknown producer.
	"""
	summary = Summary(event_producer)
	slice_seconds = seconds or get_settings().slice_seconds
	deadline = time.monotonic() + slice_seconds
	gives_up_at = time.monotonic() + wait_seconds
	frappe.db.commit()
	wake_key = redis_key("wake", event_producer)
	while True:
		last_try = time.monotonic() >= gives_up_at
		if last_try:
			# whoever has the lock looks at this after giving it back: set before it is tried, so that it can't be looked at in between.
			# Who waits pulls itself, and would only have the other one go round again before its own turn
			frappe.cache.set_value(wake_key, 1, expires_in_sec=WAKE_FOR)
		with pull_lock(event_producer) as taken:
			if not taken and last_try:
				summary.busy = True
				return summary
			if taken:
				frappe.cache.delete_value(wake_key)
				pull_as_subscriber(event_producer, summary, deadline, progress, patience)
		if not taken:
			time.sleep(WAIT_STEP)
			deadline = time.monotonic() + slice_seconds
			continue
		if summary.error or summary.more or not frappe.cache.get_value(wake_key, expires=True):
			return summary
		if time.monotonic() >= deadline:
			# whoever was told to wait for this one goes on in the next slice
			summary.more = True
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
	if (held := holding(doc)).everything:
		summary.waits = waits_until(event_producer, held)
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
	except Exception as error:
		if not is_lost_transaction(error):
			frappe.db.rollback()
			keep_what_has_ended_it(event_producer, error)
		raise


def keep_what_has_ended_it(event_producer: str, error: Exception) -> None:
	"""Nobody expected it, and it would end each pull of every minute while the producer can be read: the headline has to say so.

	On a full disk nothing of a page could be written, nor its rows in the log: a row that is there already can be changed, as a rule.
	"""
	if is_full_disk(error):
		text = _("This site can't write any more: its disk is full. Free space.")
	else:
		text = _("The last pull ended with an unexpected error, {0}: see the Error Log.").format(
			type(error).__name__
		)
	try:
		state.save_state(event_producer, last_error=text)
		frappe.db.commit()
	except Exception:
		frappe.db.rollback()


def run_slice(
	doc, summary: Summary, deadline: float, progress: Progress | None, patience: float | None
) -> None:
	"""Retry what is due, then page after page until the end or the deadline."""
	kept = state.load_state(doc.name)
	producer = Producer(doc, patience)
	source = Source(doc, producer, deadline, is_short=patience is not None)
	try:
		kept = registration.ensure_registered(doc, producer, kept)
		frappe.db.commit()
		retry_due(doc, producer, kept, summary, deadline)
		# a pull that is to be short is over before anybody has come; what has no position is not shared
		with gather(doc.name, doc.workers if patience is None and kept.protocol >= 2 else 1) as crew:
			read_pages(doc, source, kept, summary, deadline, progress, crew)
	finally:
		source.close()
		producer.client.close()


def read_pages(
	doc,
	source: Source,
	kept: PullState,
	summary: Summary,
	deadline: float,
	progress: Progress | None,
	crew: Crew | None,
) -> None:
	"""Page after page until the end or the deadline."""
	producer = source.producer
	while True:
		if not may_use_line(doc, producer, summary, deadline):
			return
		asked_on = now_datetime()
		page = next_page(doc, source, kept)
		doc = as_it_is_now(doc.name)
		if not doc or doc.paused:
			summary.error = paused(doc.name) if doc else str(unknown_producer(kept.event_producer))
			return
		contact.record(doc.name, page, asked_on)
		frappe.db.commit()
		if not page["from_broker"]:
			doc = agreement.settle(doc, producer, page)
		if page["protocol"] >= PROTOCOL and agreement.disagree(doc, page["subscriptions"]):
			# it holds events of what is not subscribed to any more, or what met a condition that has been narrowed since
			asked_on = now_datetime()
			page = next_page(doc, source, kept)
		if not page["from_broker"]:
			rotation.keep_in_order(doc, producer, page)
		if page["paused"]:
			raise RemoteUnavailable(_("The producer's administrator has paused this site."))
		work = open_work(doc, producer, kept.protocol, page["time_zone"] or kept.remote_time_zone or "")
		if kept.protocol >= 2:
			work.renumbered_until = kept.last_update
		try:
			finished = apply_page(work, page, kept, summary, deadline, crew, asked_on)
		except StepsNeeded as needed:
			# what is committed of the page is passed over when it comes again
			frappe.db.rollback()
			source.far_behind.take_apart(needed.key)
			continue
		summary.behind = page["behind"]
		if progress:
			progress(summary)
		if not finished or (page["has_more"] and time.monotonic() >= deadline):
			summary.more = True
			return
		if not page["has_more"]:
			return


def may_use_line(doc, producer: Producer, summary: Summary, deadline: float) -> bool:
	"""Whether the next page may be asked for now; the summary says why not."""
	if (held := holding(doc)).everything:
		summary.waits = waits_until(doc.name, held)
		return False
	seconds = producer.line.pause(deadline)
	if not seconds:
		return True
	summary.more = True
	if seconds > LONGEST_PAUSE:
		# a worker is not held for it: the minute's sweep goes on
		summary.later = seconds
		state.save_state(doc.name, next_pull=now_datetime() + timedelta(seconds=seconds))
		frappe.db.commit()
	return False


def next_page(doc, source: Source, kept: PullState) -> Page:
	"""The next page, in the protocol that the producer speaks."""
	if kept.protocol >= 2:
		page = source.next_page(doc, kept)
		keep_what_it_says(doc, kept, page)
	else:
		page = asking.old_page(doc, source.producer, kept)
	frappe.db.commit()
	return page


def keep_what_it_says(doc, kept: PullState, page: Page) -> None:
	"""Which site has answered, and of which life of its log; commits. Others write the same rows, a change of keys for one: of two that
	lock each other out the database gives one up, which does it again, as nothing else is open."""
	before = dict(vars(kept))
	for attempt in range(1, ATTEMPTS + 1):
		try:
			sites.keep_met(doc, page["site_id"])
			go_with_the_log(kept, page)
			state.keep_listen(kept, page["listen"])
			frappe.db.commit()
			return
		except Exception as error:
			if attempt == ATTEMPTS or not is_lost_transaction(error):
				raise
			frappe.db.rollback()
			# or the next attempt would take for kept what is not
			vars(kept).update(before)


def go_with_the_log(kept: PullState, page: Page) -> None:
	"""Keep of which life of the producer's log the page is. Where that has changed, a backup was restored there: the cursor
	stays, as the new positions come after all that were given; but what this site has of the lost time is there no more.
	"""
	values: dict = {
		key: page[key] for key in ("epoch", "receipt") if page[key] and page[key] != getattr(kept, key)
	}
	common = page["same_up_to"]
	if "epoch" in values and kept.epoch and common is not None and common < kept.furthest:
		values |= state.restored(kept, common, kept.furthest)
		take_back_renames(kept.event_producer, common, kept.furthest)
		doubt_what_was_made(kept.event_producer, common, kept.furthest)
	if values:
		state.save_state(kept.event_producer, **values)
		for key, value in values.items():
			setattr(kept, key, value)


def as_it_is_now(event_producer: str):
	"""The Event Producer as people have left it while the other site took its time; None when it was deleted."""
	if not frappe.db.exists("Event Producer", event_producer):
		return None
	return frappe.get_doc("Event Producer", event_producer)


def paused(event_producer: str) -> str:
	return _("Event Producer {0} is paused: clear Paused to go on.").format(event_producer)


def apply_page(
	work: Work,
	page: Page,
	kept: PullState,
	summary: Summary,
	deadline: float,
	crew: Crew | None,
	asked_on: datetime,
) -> bool:
	"""Apply a page and move the cursor past it. False: the time ran out."""
	events = page["events"]
	is_ahead = bool(page["ahead"]) and page["cursor"] == kept.position
	is_end = not page["has_more"] and not page["from_broker"] and not page["held"] and not is_ahead
	cursor = Cursor(work.event_producer, events, kept, summary, asked_on if is_end else None)
	cursor.ahead = page["ahead"] if is_ahead else {}
	if not apply_shared(crew, work, events, cursor, deadline):
		return False
	values: dict = {}
	if page["cursor"] > kept.position:
		values["position"] = page["cursor"]
	if page["place"] and page["place"] != kept.broker_place:
		values["broker_place"] = page["place"]
	taken = beyond({**kept.taken, **page["ahead"]}, max(page["cursor"], kept.position))
	if (state.as_taken(taken) or "") != kept.taken_ahead:
		values["taken_ahead"] = state.as_taken(taken)
	if kept.protocol >= 2 and values:
		state.move_cursor(work.event_producer, **values)
		frappe.db.commit()
		kept.position, kept.broker_place = page["cursor"], page["place"] or kept.broker_place
		kept.taken_ahead = values.get("taken_ahead", kept.taken_ahead) or ""
	return True


def is_wanted(event_producer: str) -> bool:
	"""Whether a pull found the lock taken and left word that there is something to do."""
	return bool(frappe.cache.get_value(redis_key("wake", event_producer), expires=True))


# ---- who starts a pull


def unknown_producer(event_producer: str) -> Exception:
	return frappe.DoesNotExistError(_("There is no Event Producer {0} on this site.").format(event_producer))
