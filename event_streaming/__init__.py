"""Event Streaming: keeps documents the same on two or more Frappe sites."""

__version__ = "0.1.0"


def is_applying():
	"""What is being applied for another site at this moment, for hooks and controllers of any app; None when nothing is.

	An object with `producer` (its URL), `doctype`, `remote_doctype`, `name` (the producer's), `update_type` and `quiet`. It holds for
	all that happens in this process until the event is applied, also for other documents that its hooks save. A background
	job that they queue knows nothing of it.
	"""
	from event_streaming.identity.origin import applied_now

	return applied_now()
