"""Which subscriptions are open: their reader gets every event of the DocType, as it is in the log.

For those one message serves all. Where that can't be said for certain, the feed decides for each event. Pure.
"""

from typing import Any

from event_streaming.producer.subscriptions.hiding import Hidden

APPROVED = "Approved"


def is_open(row: Any, hidden: Hidden | None, may_read_all: bool) -> bool:
	"""Whether a row of an Event Consumer is: approved, without a condition, nothing of it hidden, its user may read every document."""
	return bool(
		row.status == APPROVED
		and not row.unsubscribed
		and not (row.condition or "").strip()
		and not hidden
		and not (row.fields_not_sent or row.fields_masked or row.not_wanted)
		and may_read_all
	)
