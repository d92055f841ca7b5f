"""How far an action on all events of a cause has got. In Redis only: losing it costs a line on the screen, nothing else."""

import time
from typing import TypedDict

import frappe

from event_streaming.site.claims import redis_key

REALTIME = "event_streaming_causes"
KEPT_SECONDS = 600
# an action that has said nothing for so long is dead; each portion says something
SILENT_SECONDS = 120


class Progress(TypedDict):
	"""`mended` are events that have taken effect, or are skipped. `stopped`: the process has died before its end."""

	action: str
	by: str
	total: int
	done: int
	mended: int
	ended: bool
	stopped: bool
	message: str


def progress_of(cause: str) -> Progress | None:
	"""What is known of the last action on a cause."""
	kept = frappe.cache.get_value(redis_key("cause", cause), expires=True)
	if not kept:
		return None
	at = kept.pop("at", 0)
	kept["stopped"] = not kept["ended"] and time.time() - at > SILENT_SECONDS
	return kept


def tell(cause: str, progress: Progress) -> None:
	"""Keep it, and say it to whoever has asked for the action."""
	kept = {**progress, "at": time.time()}
	frappe.cache.set_value(redis_key("cause", cause), kept, expires_in_sec=KEPT_SECONDS)
	frappe.publish_realtime(REALTIME, {**progress, "cause": cause}, user=progress["by"])
