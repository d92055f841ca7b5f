"""The minute's sweep: every producer whose stored time has come is asked. Nothing depends on notifications.

A few of them have a job each. Many are worked off by a bounded number of jobs, the one that was asked longest ago first; after some
seconds a job queues again, behind whatever has come meanwhile. Those that do not answer have one job of their own: what they cost,
the others do not wait for.

Redis has a mark for each part that has a job: the one that waits in the queue, or the one that is at work. Where a job was lost, with
its worker or with its queue, the next minute or the one after begins again. A job that was only taken for lost finds another one at
work, and ends.
"""

import secrets
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from time import monotonic

import frappe
from frappe.utils import cint, now_datetime
from frappe.utils.background_jobs import is_job_enqueued

from event_streaming.consumer.pull.back_off import LONGEST_ASKED
from event_streaming.consumer.pull.loop import pull
from event_streaming.consumer.pull.requests import QUICK_TIMEOUT, request_pull
from event_streaming.site.claims import claim, redis_key
from event_streaming.site.settings import get_settings

SWEEP_JOB = "event_streaming.consumer.pull.sweep.sweep_part"
# so many have a job each
FEW = 20
# of many: producers for each part, and parts at most
OF_A_PART, MOST_PARTS = 100, 8
AWAY = "away"
# a job does so much before others have their turn, and a producer gets so much of it
SLICE_SECONDS, SHARE_SECONDS = 10, 2
# one that was asked so lately is not asked again
LATELY = timedelta(seconds=30)
# how the mark of a job begins that waits; where the queue can't tell that it is gone, it is believed for so long
WAITS, WAITS_SECONDS = "waits ", 300
# that of a job at work is renewed with each producer: it is longer than one takes, as a rule
WORKS_SECONDS = 30
# who did not answer in time is asked apart from the others, until then at most
SLOW_SECONDS = 300


@dataclass(frozen=True)
class Due:
	"""A producer that may be asked now. `away` when it has not answered last time."""

	name: str
	away: bool
	last_pull: datetime | None

	def part(self, parts: int) -> str:
		return AWAY if self.away else str(zlib.crc32(self.name.encode()) % parts)


def pull_due() -> None:
	"""Each minute: see that every producer whose stored time has come is asked."""
	due = due_producers()
	if len(due) <= FEW:
		for each in due:
			request_pull(each.name)
		return
	parts = min(ceil(len(due) / OF_A_PART), MOST_PARTS)
	for part in sorted({each.part(parts) for each in due if not _was_asked_lately(each)}):
		if not _has_job(part):
			_queue_anew(part, parts)


def due_producers() -> list[Due]:
	"""Those that are not paused and whose stored time has come: one query."""
	producer, state = frappe.qb.DocType("Event Producer"), frappe.qb.DocType("Event Producer Last Update")
	query = (
		frappe.qb.from_(producer)
		.left_join(state)
		.on(state.event_producer == producer.name)
		.select(producer.name, state.next_pull, state.failures, state.last_pull)
		.where(producer.paused == 0)
		.orderby(producer.name)
	)
	slow = _slow()
	return [
		Due(name, bool(cint(failures)) or name in slow, last_pull)
		for name, next_pull, failures, last_pull in query.run()
		if _has_come(next_pull)
	]


def _has_come(next_pull: datetime | None) -> bool:
	now = now_datetime()
	# later than any wait: the clock was set back since, by the end of summer time for one
	return not next_pull or not now < next_pull <= now + timedelta(seconds=LONGEST_ASKED)


def _was_asked_lately(due: Due) -> bool:
	return bool(due.last_pull) and timedelta(0) <= now_datetime() - due.last_pull < LATELY


def sweep_part(part: str, parts: int) -> None:
	"""The job: the producers of one part, until all have been asked or others are to have their turn."""
	until, turn = monotonic() + SLICE_SECONDS, secrets.token_hex(8)
	mark = _marked(part)
	if mark and not mark.startswith(WAITS):
		return
	_say_at_work(part, turn)
	frappe.db.commit()
	waiting = [each for each in due_producers() if each.part(parts) == part and not _was_asked_lately(each)]
	for each in sorted(waiting, key=lambda each: each.last_pull or datetime.min):
		mark = _marked(part)
		if mark not in ("", turn):
			# another one has begun, as this one took too long
			return
		if not mark or monotonic() >= until:
			_queue_anew(part, parts)
			return
		_say_at_work(part, turn)
		if claim(redis_key("queued", each.name)):
			_ask(each)
	if _marked(part) == turn:
		frappe.cache.delete(_key(part))


def _ask(due: Due) -> None:
	"""One producer. What it raises ends neither the job nor the turn of the others."""
	frappe.cache.delete(frappe.cache.make_key(redis_key("queued", due.name)))
	try:
		if due.away:
			frappe.cache.srem(_slow_key(), due.name)
			# as long as it takes to see that it does not answer; a backlog is not for those who wait here
			summary = pull(due.name, seconds=SHARE_SECONDS)
		else:
			summary = pull(due.name, seconds=SHARE_SECONDS, patience=QUICK_TIMEOUT)
			if summary.error:
				# as it was short: whether it is away is found out where nobody waits
				frappe.cache.sadd(_slow_key(), due.name)
				frappe.cache.expire(frappe.cache.make_key(_slow_key()), SLOW_SECONDS)
		if summary.goes_on:
			request_pull(due.name)
	except Exception:
		frappe.db.rollback()
		frappe.log_error(title=f"Event Streaming: {due.name}"[:140])
		frappe.db.commit()


def _slow() -> set[str]:
	return {name.decode() for name in frappe.cache.smembers(_slow_key())}


def _slow_key() -> str:
	return redis_key("slow", "")


def _key(part: str) -> bytes:
	return frappe.cache.make_key(redis_key("sweep", part))


def _marked(part: str) -> str:
	return (frappe.cache.get(_key(part)) or b"").decode()


def _has_job(part: str) -> bool:
	mark = _marked(part)
	return is_job_enqueued(mark.removeprefix(WAITS)) if mark.startswith(WAITS) else bool(mark)


def _say_at_work(part: str, turn: str) -> None:
	settings = get_settings()
	# those that are away are waited for as long as the settings say
	longer = settings.connect_timeout + settings.read_timeout if part == AWAY else 0
	frappe.cache.set(_key(part), turn, ex=WORKS_SECONDS + longer)


def _queue_anew(part: str, parts: int) -> None:
	job = f"event_streaming_sweep_{secrets.token_hex(8)}"
	frappe.cache.set(_key(part), WAITS + job, ex=WAITS_SECONDS)
	_queue(part, parts, job)


def _queue(part: str, parts: int, job: str) -> None:
	frappe.enqueue(SWEEP_JOB, queue=get_settings().queue, job_id=job, part=part, parts=parts)
