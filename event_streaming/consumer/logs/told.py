"""Up to which position this site was told that there is something to pull: for a pull over a broker, which may have it later, or not at all.

Kept in Redis for a minute: by then the feed was asked, or something has come that was logged later.
"""

import frappe

from event_streaming.site.claims import redis_key

KIND, KEPT_SECONDS = "told", 60
# something is there, and it was not said up to where
SOMETHING = 0


def keep(event_producer: str, position: int = SOMETHING) -> None:
	"""This site was told of a position, or of something."""
	key = redis_key(KIND, event_producer)
	known = frappe.cache.get_value(key, expires=True)
	frappe.cache.set_value(key, max(position, known or SOMETHING), expires_in_sec=KEPT_SECONDS)


def take(event_producer: str) -> int | None:
	"""The position, or SOMETHING; None where nothing was told. Whoever takes it sees to it that it is pulled."""
	key = redis_key(KIND, event_producer)
	known = frappe.cache.get_value(key, expires=True)
	if known is not None:
		frappe.cache.delete_value(key)
	return known
