"""Forgets what a consumer that was deleted has got, in a background job. Never touches the Event Consumer itself."""

from typing import Any

import frappe
from frappe.utils import get_datetime, now_datetime
from redis.exceptions import RedisError

from event_streaming.producer.documents.given import forget_given
from event_streaming.producer.log import hours
from event_streaming.producer.log.deliveries import forget_deliveries
from event_streaming.producer.log.sequence import head_position


def forget_later(event_consumer: str) -> None:
	"""Have a background job forget what was given to a consumer that is no more, once its deletion is committed.

	There may be millions of rows: too many for the request, and for one transaction. If the job is lost, deliveries go with
	the events that they belong to, and documents that were given with the daily clearing.
	"""
	up_to, moment = head_position(), str(now_datetime())

	def queue() -> None:
		try:
			frappe.enqueue(
				"event_streaming.producer.registration.forgetting.forget",
				queue="long",
				event_consumer=event_consumer,
				up_to=up_to,
				moment=moment,
			)
		except RedisError as error:
			frappe.logger("event_streaming").warning(f"deliveries not forgotten: {error}")

	frappe.db.after_commit.add(queue)


def forget(event_consumer: str, up_to: int, moment: Any) -> None:
	"""The job. A consumer that has registered again under the same name meanwhile keeps what it gets: that comes after."""
	forget_deliveries(event_consumer, up_to)
	forget_given(event_consumer, get_datetime(moment))
	hours.forget(event_consumer, get_datetime(moment))
