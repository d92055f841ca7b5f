"""What the scheduler calls. Nothing is decided here."""

from collections.abc import Callable

import frappe

from event_streaming.admin import alerts
from event_streaming.admin.connection import schema
from event_streaming.admin.daily import awake, looking
from event_streaming.consumer.long_work import runner
from event_streaming.consumer.pull import sweep
from event_streaming.producer.inviting.invitations import expire
from event_streaming.producer.notify import notifications


def event_streaming_every_minute() -> None:
	"""Pull what is due, go on with tasks, send the notifications that were lost (they only make things faster), look for trouble.

	A site is often both, a consumer and a producer: trouble with the one does not keep the other from being done.
	"""
	each_of(
		sweep.pull_due,
		runner.resume_tasks,
		notifications.minutely,
		awake.keep_awake,
		alerts.check,
	)


def event_streaming_daily() -> None:
	"""Codes that nobody has used in time; fields of both sites are compared; the doctor looks by itself, and what needs a person becomes
	an alert with the next minute."""
	each_of(expire, schema.look_once_a_day, looking.look_once_a_day)


def each_of(*parts: Callable[[], object]) -> None:
	"""All of them, whatever becomes of one; the first error is raised at the end, for Frappe to log."""
	failed = None
	for part in parts:
		try:
			part()
			frappe.db.commit()
		except Exception as error:
			frappe.db.rollback()
			failed = failed or error
	if failed:
		raise failed
