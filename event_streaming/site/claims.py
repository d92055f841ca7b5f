"""Redis keys that are claimed once for a time: at most one job of a kind waits in the queue."""

import frappe

from event_streaming.site.address import site_key

QUEUED_FOR = 60


def redis_key(kind: str, event_producer: str) -> str:
	return f"event_streaming:{kind}:{site_key()}:{event_producer}"


def claim(key: str) -> bool:
	"""Set a Redis key unless it is set; it frees itself after QUEUED_FOR seconds."""
	return bool(frappe.cache.set(frappe.cache.make_key(key), 1, nx=True, ex=QUEUED_FOR))
