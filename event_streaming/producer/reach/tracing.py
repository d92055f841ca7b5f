"""Where one document stands for one consumer, as the other site is told: codes and times, never a value of any document.

`standing.py` knows it. It writes nothing.
"""

from typing import Any

from frappe.utils import cint

from event_streaming.identity.fates import former_names
from event_streaming.producer.reach.history import history_of
from event_streaming.producer.reach.standing import Passage, standing
from event_streaming.site.address import as_seconds


def trace(consumer: Any, doctype: str, name: str) -> dict[str, Any]:
	"""{"there", "reasons", "events", "given", "position", "last_contact"} of a document for an Event Consumer.

	`reasons` are codes for why the consumer has not got it, or its last change.
	"""
	history = history_of(doctype, name, consumer.name, former_names(doctype, name))
	found = standing(consumer, doctype, name, history)
	return {
		"there": found.there,
		"reasons": found.codes,
		"events": [_told(each) for each in found.events],
		"given": found.given,
		"position": cint(consumer.position),
		"last_contact": as_seconds(consumer.last_contact),
	}


def _told(passage: Passage) -> dict[str, Any]:
	event, position = passage.event, cint(passage.event.position)
	return {
		"id": event.name,
		"position": position,
		"update_type": event.update_type,
		"by": event.owner,
		"logged": as_seconds(event.creation),
		"numbered": as_seconds(event.sequenced_on) if position else None,
		"sent": as_seconds(passage.sent),
		"taken": passage.taken,
		"why": passage.why,
	}
