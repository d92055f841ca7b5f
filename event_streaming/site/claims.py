"""Redis keys: what is kept there for a time, whoever empties the site's cache meanwhile, and what is claimed once for a time, so that
at most one job of a kind waits in the queue."""

import frappe

from event_streaming.site.address import site_key

QUEUED_FOR = 60
# what begins so is left when the site's cache is emptied (hooks.py): Frappe does that with each rename, Frappe 15 with each User that
# is saved as well. One word for all, as the whole of Redis is looked through for each
KEPT = "event_streaming:kept:"
# kinds of keys that are kept: they are true until they expire, and what was lost with them would not come again soon
KEPT_KINDS = frozenset(
	{
		"broker",
		"broker_away",
		"broker_logged",
		"broker_slow",
		"broker_use",
		"cause",
		"line",
		"line_used",
		"listener",
		"sweep",
		"told",
		"wake",
	}
)


def redis_key(kind: str, event_producer: str) -> str:
	start = KEPT if kind in KEPT_KINDS else "event_streaming:"
	return f"{start}{kind}:{site_key()}:{event_producer}"


def claim(key: str) -> bool:
	"""Set a Redis key unless it is set; it frees itself after QUEUED_FOR seconds."""
	return bool(frappe.cache.set(frappe.cache.make_key(key), 1, nx=True, ex=QUEUED_FOR))
