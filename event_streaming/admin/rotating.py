"""An administrator wants new keys for a connection: on the side of the consumer at once, on that of the producer by asking it."""

import frappe

from event_streaming.admin.decisions import CONSUMER, PRODUCER, existing
from event_streaming.consumer.subscriptions import rotation
from event_streaming.consumer.subscriptions.keys import producers_with_keys_of
from event_streaming.messages.coded import _
from event_streaming.producer.registration import keys


def rotate_keys(event_producer: str | None = None, event_consumer: str | None = None) -> bool:
	"""New keys for both directions; returns whether they are in force now, or only asked for.

	Raises PullRunning, the Remote* errors, and EventStreamingError for what can't be changed from here.
	"""
	if bool(event_producer) == bool(event_consumer):
		frappe.throw(_("Name one: an Event Producer or an Event Consumer."))
	doctype = PRODUCER if event_producer else CONSUMER
	name = existing(doctype, event_producer or event_consumer)
	frappe.get_doc(doctype, name).check_permission("write")
	if event_producer:
		rotation.rotate(name)
		return True
	keys.ask_for_new_keys(name, producers_with_keys_of)
	return False
