"""A helper of a pull: a background job that works on lanes until there are none, within its slice of time.

It acts as the Event Subscriber, as the pull does. It never moves the cursor and never reads the feed.
"""

import time

import frappe

from event_streaming.consumer.apply.work import open_work
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.workers.crew import Crew, Lane, helper_key, helper_lock, lane_lock
from event_streaming.consumer.workers.shared_page import work_on_lane
from event_streaming.database.locks import advisory_lock
from event_streaming.exceptions import EventStreamingError
from event_streaming.site.acting import acting_as
from event_streaming.site.settings import get_settings
from event_streaming.wire.checks import InvalidPage

# a helper that has had nothing to do for so long goes; the pull calls it again
IDLE_SECONDS = 5


def help_job(event_producer: str, token: str, number: int) -> None:
	"""The background job of helper `number` of the pull that goes by `token`; one that comes too late does nothing."""
	frappe.cache.delete(frappe.cache.make_key(helper_key(event_producer, number)))
	crew = Crew(event_producer, number + 1, token)
	with advisory_lock(helper_lock(event_producer, number)) as alone:
		if alone and crew.is_there() and frappe.db.exists("Event Producer", event_producer):
			with acting_as(frappe.db.get_value("Event Producer", event_producer, "user")):
				help_with_lanes(crew)


def help_with_lanes(crew: Crew) -> None:
	deadline = time.monotonic() + get_settings().slice_seconds
	idle_since = time.monotonic()
	while time.monotonic() < min(deadline, idle_since + IDLE_SECONDS) and crew.is_there():
		if lane := crew.wait_for_lane(seconds=1):
			help_with(crew, lane, deadline)
			idle_since = time.monotonic()


def help_with(crew: Crew, lane: Lane, deadline: float) -> None:
	"""One lane, as far as it goes; what is not in is the pull's."""
	with advisory_lock(lane_lock(crew.event_producer, lane.number)) as taken:
		if not taken or not crew.is_there():
			return
		# subscriptions may have changed with the page
		frappe.db.rollback()
		doc = frappe.get_doc("Event Producer", crew.event_producer)
		producer = Producer(doc)
		work = open_work(doc, producer, lane.protocol, lane.time_zone)
		work.renumbered_until = lane.renumbered_until
		try:
			work_on_lane(crew, work, lane, deadline)
		except (EventStreamingError, InvalidPage):
			# the producer is away, or the lane is another's: the pull finds out by itself
			frappe.db.rollback()
		except Exception:
			frappe.db.rollback()
			frappe.log_error(title="Event Streaming: a helper has broken off a lane")
			frappe.db.commit()
		finally:
			producer.client.close()
