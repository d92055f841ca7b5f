"""How the process `listen` stands with each producer, kept by it in Redis with an expiry: when it dies, that is known soon.

Read by whoever pulls, who tells the producer, and by what people see. Nothing depends on it: where Redis is away, nobody listens.
"""

from typing import TypedDict

import frappe
from redis.exceptions import RedisError

from event_streaming.site.claims import redis_key
from event_streaming.wire.pages import NO, UNPROVEN, YES

# the process says it anew every KEPT_SECONDS / 3
KEPT_SECONDS = 75
KIND = "listener"


class Listener(TypedDict):
	"""`since` it is connected, or is not; `hears`: a message has come since; `heard_on`: the last one, 0 for none; `problem`: why it is
	not connected. Times are seconds since 1970 UTC."""

	connected: bool
	hears: bool
	since: float
	heard_on: float
	problem: str


def keep(event_producer: str, standing: Listener) -> None:
	"""The process says how it stands; for KEPT_SECONDS."""
	frappe.cache.set_value(redis_key(KIND, event_producer), standing, expires_in_sec=KEPT_SECONDS)


def forget(event_producer: str) -> None:
	"""The process has ended, or does not listen to this producer any more."""
	frappe.cache.delete_value(redis_key(KIND, event_producer))


def standing_of(event_producer: str) -> Listener | None:
	"""How the process stands with a producer; None when it does not run, or has nothing to do with it."""
	try:
		return frappe.cache.get_value(redis_key(KIND, event_producer), expires=True) or None
	except RedisError:
		return None


def said_of_it(event_producer: str) -> int:
	"""What this site tells a producer: NO, YES, or UNPROVEN: it is connected, and nothing has shown yet that messages come."""
	standing = standing_of(event_producer)
	if not standing or not standing["connected"]:
		return NO
	return YES if standing["hears"] else UNPROVEN
