"""What came of it when this site was last to read a producer's events from the broker, kept in Redis for people. Nothing depends on it."""

import time
from typing import TypedDict

import frappe
from redis.exceptions import RedisError

from event_streaming.site.claims import redis_key

KIND, KEPT_SECONDS = "broker_use", 86_400
# events can be read there; the server can't be used; the producer has not said that there is one for this site
USED, PROBLEM, NOT_OFFERED = "used", "problem", "not offered"


class BrokerUse(TypedDict):
	"""`since` it has been so, `on` it was so last: seconds since 1970 UTC. `problem` is what the server has said, or the connection."""

	kind: str
	problem: str
	since: float
	on: float


def keep(event_producer: str, kind: str, problem: str = "") -> None:
	before, now = of(event_producer), time.time()
	since = before["since"] if before and before["kind"] == kind else now
	use: BrokerUse = {"kind": kind, "problem": problem, "since": since, "on": now}
	try:
		frappe.cache.set_value(redis_key(KIND, event_producer), use, expires_in_sec=KEPT_SECONDS)
	except RedisError:
		pass


def of(event_producer: str) -> BrokerUse | None:
	"""None where no pull has had to do with it for a day."""
	try:
		return frappe.cache.get_value(redis_key(KIND, event_producer), expires=True) or None
	except RedisError:
		return None
