"""Who starts a pull: a notification, a message to who listens, the minute's sweep, a person; and the background job. Applies nothing itself."""

import frappe

from event_streaming.consumer.logs import state, told
from event_streaming.consumer.pull.cursor import Summary
from event_streaming.consumer.pull.loop import pull, unknown_producer
from event_streaming.site.acting import acting_as
from event_streaming.site.after_answer import after_answer
from event_streaming.site.claims import claim, redis_key
from event_streaming.site.settings import get_settings

PULL_JOB = "event_streaming.consumer.pull.requests.pull_job"
# a notification that comes alone is followed by the web worker that took it, for so long and at most so often
QUICK_PULL_SECONDS = 1
QUICK_TIMEOUT = 3
QUICK_EVERY_SECONDS = 1


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
	told.keep(event_producer)
	if not claim(redis_key("queued", event_producer)):
		return False
	user = frappe.session.user

	def follow() -> None:
		# a producer with a token is a guest, for whom the call alone was made as the subscriber
		with acting_as(user):
			pull_quickly(event_producer)

	if not after_answer(follow, redis_key("quick", event_producer), QUICK_EVERY_SECONDS):
		queue_pull(event_producer)
	return True


def heard(event_producer: str, position: int) -> None:
	"""The process that listens has a message of the producer, whose log goes up to a position: what comes alone is followed at once, in that process and for as
	short as after an answer; the rest is a job's."""
	if not frappe.db.exists("Event Producer", {"name": event_producer, "paused": 0}):
		return
	told.keep(event_producer, position)
	if not claim(redis_key("queued", event_producer)):
		return
	alone = frappe.cache.make_key(redis_key("quick", event_producer))
	if frappe.cache.set(alone, 1, nx=True, ex=QUICK_EVERY_SECONDS):
		pull_quickly(event_producer)
	else:
		queue_pull(event_producer)


def pull_quickly(event_producer: str) -> None:
	"""After the web server's answer, or a message: a short pull. What is left, or did not go as it should, is a job's."""
	frappe.cache.delete(frappe.cache.make_key(redis_key("queued", event_producer)))
	summary = pull(event_producer, seconds=QUICK_PULL_SECONDS, patience=QUICK_TIMEOUT)
	if summary.goes_on or summary.error:
		request_pull(event_producer)


def pull_job(event_producer: str) -> None:
	"""The background job: one slice, and its own continuation when there is more."""
	frappe.cache.delete(frappe.cache.make_key(redis_key("queued", event_producer)))
	if not frappe.db.exists("Event Producer", event_producer):
		return
	summary = pull(event_producer)
	if summary.goes_on:
		request_pull(event_producer)


def pull_all() -> list[Summary]:
	"""Pull from every producer that is not paused, one after the other."""
	names = frappe.get_all("Event Producer", filters={"paused": 0}, pluck="name")
	return [pull_here(name) for name in names]


def pull_here(event_producer: str, wait_seconds: float = 0) -> Summary:
	"""Pull from one producer, here and now, for one slice; a job goes on with what is left."""
	summary = pull(event_producer, wait_seconds=wait_seconds)
	if summary.goes_on:
		request_pull(event_producer)
	return summary
