"""Several workers for one producer: who they are, and how a lane of events gets from the pull to a helper.

The pull stays one at a time for a producer; it may have helpers, which are ordinary background jobs. Lanes are handed over
in Redis, where losing one costs only time. Who may do what is said by locks of the database, which a dead process can't
keep:

- `crew`: held by the pull for as long as its helpers may go on. Its name has a part drawn by lot, so that a helper that
  comes too late does nothing.
- `lane`: held by whoever applies the events of that lane, the pull included.
- `helper`: held by each helper, so that there are never more of them than the Event Producer says.

A helper commits a group of events only while it has its lane and the pull has its crew, and no pull begins while any lane
of the one before is still at work (`pull_lock`). Nothing here applies an event or commits.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field

import frappe
from frappe.utils import cint
from redis.exceptions import RedisError

from event_streaming.consumer.subscriptions.fetched import FetchedDocuments
from event_streaming.database.locks import advisory_lock, locks_held
from event_streaming.site.address import site_key
from event_streaming.site.settings import MOST_WORKERS, get_settings
from event_streaming.wire.events import Event

HELP_JOB = "event_streaming.consumer.workers.helper.help_job"
LANES_EACH = 4
MOST_LANES = MOST_WORKERS * LANES_EACH
# a lane that nobody has taken in this time is of a pull that is no more
KEPT_FOR = 600
# at most one job for each helper waits in the queue in that time
QUEUED_FOR = 60
# helpers of a pull that has died stop with the group of events that they are at
WAIT_FOR_LANES = 10


@dataclass
class Lane:
	"""Events for one worker, in their order; `brought` are documents that they need and that this site lacks."""

	number: int
	events: list[Event]
	protocol: int
	time_zone: str
	renumbered_until: str | None
	brought: FetchedDocuments


@dataclass
class Crew:
	"""A pull and its helpers. `token` is what the pull's lock and its lanes are called by."""

	event_producer: str
	workers: int
	token: str
	_lock: ExitStack = field(default_factory=ExitStack)
	queued: bool = False
	# pages that could not be shared, and how many are not looked at for that
	in_vain: int = 0
	skip: int = 0

	# the pull

	def call_helpers(self) -> None:
		"""Queue a job for each helper that is not here, unless one waits already. Without them the pull goes on alone."""
		held = locks_held(self._helper_locks())
		try:
			for number, lock in enumerate(self._helper_locks(), start=1):
				if lock not in held and self._claim(number):
					frappe.enqueue(
						HELP_JOB,
						queue=get_settings().queue,
						event_producer=self.event_producer,
						token=self.token,
						number=number,
					)
		except (RedisError, frappe.ValidationError):
			# Redis is away, or its queue is full
			note("no helper could be queued")

	def has_helpers(self) -> bool:
		"""Whether anybody has come. The first page is shared before that is known."""
		first, self.queued = not self.queued, True
		return first or bool(locks_held(self._helper_locks()))

	def hand_out(self, lanes: list[Lane]) -> None:
		"""What can't be handed out is done by the pull itself."""
		try:
			for lane in lanes:
				frappe.cache.rpush(self._list_key(), packed(lane))
			frappe.cache.expire(frappe.cache.make_key(self._list_key()), KEPT_FOR)
		except RedisError:
			note("lanes could not be handed out")

	def take_back(self) -> None:
		"""What no helper has taken is not to be taken any more."""
		try:
			frappe.cache.delete(frappe.cache.make_key(self._list_key()))
		except RedisError:
			note("lanes could not be taken back")

	def dismiss(self) -> None:
		"""Let the helpers stop with what they are at."""
		self.take_back()
		self._lock.close()

	# the pull and its helpers

	def next_lane(self) -> Lane | None:
		"""The next lane that nobody has taken."""
		try:
			taken = frappe.cache.lpop(self._list_key())
		except RedisError:
			return None
		return unpacked(taken) if taken else None

	def wait_for_lane(self, seconds: int) -> Lane | None:
		"""The same for a helper, which waits for one."""
		taken = frappe.cache.blpop([frappe.cache.make_key(self._list_key())], timeout=seconds)
		return unpacked(taken[1]) if taken else None

	def is_there(self) -> bool:
		"""Whether the pull is still at work."""
		return bool(locks_held([self.lock]))

	def may_commit(self, number: int) -> bool:
		"""Whether this process still has the lane, and the pull is still at work."""
		lane = lane_lock(self.event_producer, number)
		held = locks_held([self.lock, lane])
		return self.lock in held and held.get(lane, False)

	@property
	def lock(self) -> str:
		return f"crew:{self.event_producer}:{self.token}"

	def _helper_locks(self) -> list[str]:
		return [helper_lock(self.event_producer, number) for number in range(1, self.workers)]

	def _list_key(self) -> str:
		return f"event_streaming:lanes:{site_key()}:{self.event_producer}:{self.token}"

	def _claim(self, number: int) -> bool:
		key = frappe.cache.make_key(helper_key(self.event_producer, number))
		return bool(frappe.cache.set(key, 1, nx=True, ex=QUEUED_FOR))


@contextmanager
def gather(event_producer: str, workers: int) -> Iterator[Crew | None]:
	"""The pull's crew, until the end of the block; None when it works alone. The pull's lock is held."""
	workers = min(max(cint(workers), 1), MOST_WORKERS)
	if workers == 1:
		yield None
		return
	crew = Crew(event_producer, workers, frappe.generate_hash(length=12))
	crew._lock.enter_context(advisory_lock(crew.lock))
	try:
		yield crew
	finally:
		crew.dismiss()


@contextmanager
def pull_lock(event_producer: str, wait_seconds: int = 0) -> Iterator[bool]:
	"""Try to take the lock of a producer's one pull; yields whether it was got, and nobody is at a lane of an earlier one."""
	with advisory_lock(f"pull:{event_producer}", wait_seconds) as taken:
		yield taken and lanes_are_free(event_producer)


def lanes_are_free(event_producer: str) -> bool:
	"""Whether no helper is at work; one whose pull has died is waited for, up to WAIT_FOR_LANES in all."""
	until = time.monotonic() + WAIT_FOR_LANES
	for lock in locks_held([lane_lock(event_producer, number) for number in range(MOST_LANES)]):
		with advisory_lock(lock, max(int(until - time.monotonic()), 0)) as free:
			if not free:
				return False
	return True


def lane_lock(event_producer: str, number: int) -> str:
	return f"lane:{event_producer}:{number}"


def helper_lock(event_producer: str, number: int) -> str:
	return f"helper:{event_producer}:{number}"


def helper_key(event_producer: str, number: int) -> str:
	"""The Redis key that says that a job for this helper waits in the queue."""
	return f"event_streaming:helper_queued:{site_key()}:{event_producer}:{number}"


def note(what: str) -> None:
	frappe.logger("event_streaming").warning(what, exc_info=True)


# the parts of FetchedDocuments: their keys are pairs, which JSON has not
PARTS = ("documents", "positions", "roots", "missing", "files")


def packed(lane: Lane) -> str:
	brought = {part: [[*key, value] for key, value in getattr(lane.brought, part).items()] for part in PARTS}
	return json.dumps({**asdict(lane), "brought": brought}, default=str)


def unpacked(text: str | bytes) -> Lane:
	values = json.loads(text)
	brought = FetchedDocuments(
		**{
			part: {(doctype, name): value for doctype, name, value in values["brought"][part]}
			for part in PARTS
		}
	)
	return Lane(**{**values, "brought": brought})
