"""When a producer that could not be read is asked again: stored, exponential, with jitter."""

import random
from datetime import timedelta

from frappe.utils import now_datetime

from event_streaming.consumer.logs import state
from event_streaming.exceptions import NotRegistered, RemoteRefused
from event_streaming.http.confidential import plain

FIRST_BACK_OFF = 15
LONGEST_BACK_OFF = 600
# what the other site asks to wait is waited, up to this
LONGEST_ASKED = 3600


def record_failure(event_producer: str, error: Exception) -> None:
	"""Note why the producer could not be read, and when to try again (stored, with back-off and jitter)."""
	failures = state.load_state(event_producer).failures + 1
	refused = isinstance(error, RemoteRefused | NotRegistered)
	asked = getattr(error, "retry_after", None) or 0
	state.save_state(
		event_producer,
		connection=state.REFUSED if refused else state.OFFLINE,
		failures=failures,
		other_site_id=getattr(error, "site_id", "") or None,
		last_error=plain(error)[:2000],
		next_pull=now_datetime() + timedelta(seconds=max(back_off(failures), min(asked, LONGEST_ASKED))),
	)


def back_off(failures: int) -> float:
	"""Seconds until the next try: exponential with full jitter on the upper half."""
	longest = min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** min(failures - 1, 10))
	return longest * random.uniform(0.5, 1.0)
