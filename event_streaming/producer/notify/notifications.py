"""Tells consumers, after a commit, that there is something to pull.

After a change that comes alone, the web server's own worker tells the consumer, once the user has the answer: two
hand-overs to background workers would cost most of the time until the change is on the other site. Whatever follows
within a second, and whatever a job or a terminal commits, goes to a job. At most one job is queued at a time, however many
transactions commit, and at most one call to a consumer is on its way. A loop of changes asks Redis not with each commit but
once in a while: see `events_committed`.
A consumer that listens is not called at all: the position is published to it (`listeners.py`).
A notification that is lost costs only latency: consumers ask by themselves every minute. A consumer that can't be told is
told again later, at a stored time, and holds up no other. Nothing here waits for another site in a request, and nothing
here makes a change fail that is already saved.
"""

import contextlib
import random
from collections.abc import Callable
from datetime import timedelta
from time import monotonic, sleep

import frappe
from frappe.utils import cint, now_datetime
from redis.exceptions import RedisError

from event_streaming.database.locks import advisory_lock
from event_streaming.exceptions import EventStreamingError, RemoteRefused
from event_streaming.producer.log.sequence import assign_positions
from event_streaming.producer.notify import listeners
from event_streaming.producer.notify.whom import with_something
from event_streaming.producer.subscriptions import calling
from event_streaming.producer.subscriptions.streamed import CONSUMER, refresh_streamed_doctypes
from event_streaming.site.after_answer import after_answer
from event_streaming.site.settings import get_settings

QUEUED = "event_streaming:notification_queued"
WANTED = "event_streaming:notification_wanted:"
# a job that was lost with its queue must not silence the next for longer
QUEUED_SECONDS = 60
# who has asked for a look does not ask again for so long: a look is taken that long after the last one could ask
ASKED_SECONDS = 0.02
# a full queue is counted by Frappe at each try, which takes longer than a save
FULL_SECONDS = 5
CALL_SECONDS = 10
# at most so often does a web worker call another site by itself, and for so long
QUICK = "event_streaming:notified_quickly"
QUICK_EVERY_SECONDS = 1
QUICK_CALL_SECONDS = 2
FIRST_DELAY, LONGEST_DELAY = 30, 60 * 60


def events_committed() -> None:
	"""After a commit that logged something: see that somebody looks whom to tell.

	Asked once, a request, job or terminal does not ask again for ASKED_SECONDS, since that takes as long as a statement.
	Nothing is overlooked: `_look` goes on looking until that long after it has made room for the next to ask.
	"""
	# from before Redis is asked: the look that answers it can't have begun earlier
	now, site = monotonic(), frappe.local.site
	asked_for, asked = getattr(frappe.local, "event_streaming_asked", None) or (None, 0)
	if asked_for != site or now - asked >= ASKED_SECONDS:
		frappe.local.event_streaming_asked = (site, now) if ask_for_look() else None


def ask_for_look(quickly: bool = True) -> bool:
	"""See that somebody looks whom to tell: this worker after its answer (`quickly`), or a job; one is queued at most.

	Returns False when nobody could be asked. Raises nothing: the change is saved, its log row too, and consumers find it by
	themselves.
	"""
	key = frappe.cache.make_key(QUEUED)
	messages = len(frappe.local.message_log)
	try:
		if frappe.cache.set(key, 1, nx=True, ex=QUEUED_SECONDS):
			if not (quickly and after_answer(send_quickly, QUICK, QUICK_EVERY_SECONDS)):
				frappe.enqueue(
					"event_streaming.producer.notify.notifications.send_notifications", queue=_queue()
				)
	except Exception as error:
		# Redis is down, or Frappe takes no more jobs (QueueOverloaded): not the business of who has just saved
		del frappe.local.message_log[messages:]
		frappe.logger("event_streaming").warning(f"no notification queued: {type(error).__name__}: {error}")
		with contextlib.suppress(RedisError):
			frappe.cache.expire(key, FULL_SECONDS)
		return False
	return True


def send_quickly() -> None:
	"""After the web server's answer: call the one consumer that has something to pull; more of them are a job's."""
	_look(_tell_quickly)


def send_notifications() -> None:
	"""The job: one call to each consumer that has something to pull and may be told now."""
	_look(_tell)


def _look(tell: Callable[[list[str]], None]) -> None:
	"""Tell those who have something to pull; what is committed meanwhile, by whoever did not ask again, is the next look's."""
	# first of all, so that what is committed from now on asks for the next look
	frappe.cache.delete(frappe.cache.make_key(QUEUED))
	began = monotonic()
	head = _newest_position()
	try:
		listeners.tell_listeners(head)
		tell(_due(head))
	finally:
		# no picture of the database is kept open meanwhile; mostly over by now, as calling another site takes longer
		frappe.db.rollback()
		sleep(max(0, began + ASKED_SECONDS - monotonic()))
		if _newest_position() > head:
			# a job's: whoever looks has to come to an end, however much is saved meanwhile
			ask_for_look(quickly=False)


def _tell_quickly(due: list[str]) -> None:
	if due and (len(due) > 1 or not notify_consumer(due[0], QUICK_CALL_SECONDS)):
		ask_for_look(quickly=False)


def _tell(due: list[str]) -> None:
	if len(due) == 1:
		notify_consumer(due[0])
		return
	for consumer in due:
		_queue_call(consumer)


def minutely() -> None:
	"""The scheduler's job: what a lost message or a restarted Redis left undone."""
	if refresh_streamed_doctypes():
		send_notifications()


def due_consumers() -> list[str]:
	"""Names of the consumers that have events to pull, are to be called, are not paused, and may be told by now."""
	return _due(_newest_position())


def _newest_position() -> int:
	"""Of all that is committed, not of what the open transaction sees."""
	frappe.db.commit()
	return assign_positions()


def _due(head: int) -> list[str]:
	table = frappe.qb.DocType(CONSUMER)
	query = (
		frappe.qb.from_(table)
		.select(table.name, table.position, table.notify_after)
		.where((table.paused == 0) & (table.not_reachable == 0) & (table.listens == 0))
		.where(table.position < head)
		.orderby(table.name)
	)
	waiting = {name: cint(position) for name, position, after in query.run() if _may_be_told(after)}
	return with_something(waiting, head)


def notify_consumer(event_consumer: str, seconds: float = CALL_SECONDS) -> bool:
	"""Call one consumer, unless that is being done just now; on failure store when to try again.

	With less than the full time to answer, a failure says nothing yet and is not stored.
	"""
	wanted = frappe.cache.make_key(WANTED + event_consumer)
	# set before the lock is tried: whoever has it sees, once it is given back, that there is more to tell
	frappe.cache.set(wanted, 1, ex=QUEUED_SECONDS)
	with advisory_lock(f"notify {event_consumer}") as alone:
		if not alone:
			return False
		frappe.cache.delete(wanted)
		told = _call_consumer(event_consumer, seconds)
	if frappe.cache.delete(wanted) and told:
		_queue_call(event_consumer)
	return told


def _call_consumer(event_consumer: str, seconds: float) -> bool:
	# a job may have waited long: who is to be called is looked up now
	frappe.db.commit()
	if not frappe.db.exists(CONSUMER, event_consumer):
		return False
	doc = frappe.get_doc(CONSUMER, event_consumer)
	if cint(doc.paused) or cint(doc.not_reachable) or not _may_be_told(doc.notify_after):
		return False
	try:
		client = calling.client_of(doc)
	except EventStreamingError as error:
		_remember_failure(doc, error)
		return False
	# no picture of the database is kept open, and no row locked, while the other site takes its time
	frappe.db.commit()
	try:
		calling.notify(client, doc, seconds)
	except EventStreamingError as error:
		if seconds >= CALL_SECONDS:
			_remember_failure(doc, error)
		return False
	finally:
		client.close()
	if cint(doc.notify_failures) or doc.notify_after:
		_set(doc.name, {"notify_failures": 0, "notify_after": None, "last_error": None})
	return True


def _may_be_told(notify_after) -> bool:
	"""Whether its stored time has come. One further away than any delay was stored by a clock that was wrong."""
	now = now_datetime()
	return not notify_after or not now < notify_after <= now + timedelta(seconds=LONGEST_DELAY)


def _remember_failure(doc, error: Exception) -> None:
	failures = cint(doc.notify_failures) + 1
	asked = min(getattr(error, "retry_after", None) or 0, LONGEST_DELAY)
	delay = min(FIRST_DELAY * 2 ** min(failures - 1, 10), LONGEST_DELAY) * random.uniform(0.5, 1)
	values = {
		"notify_failures": failures,
		"notify_after": now_datetime() + timedelta(seconds=max(delay, asked)),
		"last_error": str(error)[:1000],
		**({"other_site_id": error.site_id} if getattr(error, "site_id", "") else {}),
	}
	if doc.get("token_state") and isinstance(error, RemoteRefused):
		# its next page asks it for another
		values["token_state"] = calling.REFUSED
	_set(doc.name, values)


def _set(event_consumer: str, values: dict) -> None:
	frappe.db.set_value(CONSUMER, event_consumer, values, update_modified=False)
	frappe.db.commit()


def wake(event_consumer: str) -> None:
	"""Have a job call the consumer, or tell it where it listens, although there may be nothing to pull: it is to ask for a page."""
	if frappe.db.get_value(CONSUMER, event_consumer, "listens"):
		listeners.ask(event_consumer)
	else:
		_queue_call(event_consumer)


def _queue_call(event_consumer: str) -> None:
	frappe.enqueue(
		"event_streaming.producer.notify.notifications.notify_consumer",
		queue=_queue(),
		event_consumer=event_consumer,
	)


def _queue() -> str:
	return get_settings().queue
