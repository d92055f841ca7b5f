"""Renames that a producer's restored backup knows nothing of: what they led to here is known by the former name again.

Only which local document stands for which remote one: no document is renamed or written. It never commits.
"""

from event_streaming.consumer.logs import taken_events
from event_streaming.identity import registry


def take_back(event_producer: str, after: int, up_to: int) -> None:
	"""The producer has lost what it had given after one position and up to another: there, a document that was renamed has the
	name of before. Its next event brings it whole, into the local document that stands for it. Done twice, it does no harm.
	"""
	for doctype, old, new in taken_events.renames_between(event_producer, after, up_to):
		registry.rename_back(event_producer, (doctype, new), (doctype, old))
