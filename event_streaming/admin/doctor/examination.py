"""The doctor's whole examination, one finding after the other."""

from collections.abc import Iterator
from dataclasses import replace

import frappe
from frappe.utils import strip_html
from rq.timeouts import JobTimeoutException

from event_streaming.admin.daily.findings import put_off_now
from event_streaming.admin.decisions import CONSUMER, PRODUCER
from event_streaming.admin.doctor import consumers, producers, set_up, this_site
from event_streaming.admin.doctor.finding import BROKEN_OFF, FAULT, NOTE, Finding
from event_streaming.messages.coded import _
from event_streaming.site.address import public_url


def examine(event_producer: str | None = None, event_consumer: str | None = None) -> Iterator[Finding]:
	"""Findings for a person: what somebody has put off is a note, with the reason."""
	put_off = put_off_now()
	for finding in go_through(event_producer, event_consumer):
		known = put_off.get((finding.check[:140], finding.subject[:140])) if finding.needs_a_person else None
		if known:
			until = _("{0} has put this off until {1}: {2}").format(
				known.put_off_by, known.put_off_until, known.reason
			)
			finding = replace(finding, level=NOTE, message=f"{finding.message} {until}")
		yield finding


def go_through(event_producer: str | None = None, event_consumer: str | None = None) -> Iterator[Finding]:
	"""Findings as they come, so that they can be shown while other sites take their time.

	With a name, only that producer or consumer is looked at.
	"""
	everything = not (event_producer or event_consumer)
	if everything:
		yield from to_its_end(public_url(), this_site.examine())
		yield from to_its_end(public_url(), set_up.examine())
		yield from to_its_end(public_url(), consumers.let_in())
	for name in [event_producer] if event_producer else names(PRODUCER) if everything else []:
		yield from to_its_end(name, producers.examine(name))
	for name in [event_consumer] if event_consumer else names(CONSUMER) if everything else []:
		yield from to_its_end(name, consumers.examine(name))


def to_its_end(subject: str, checks: Iterator[Finding]) -> Iterator[Finding]:
	"""What can't be looked at is a finding: it keeps nothing else from being looked at."""
	try:
		yield from checks
	except JobTimeoutException:
		raise
	except Exception as error:
		frappe.db.rollback()
		frappe.clear_messages()
		frappe.log_error(title=f"Event Streaming: the doctor could not look at {subject}"[:140])
		frappe.db.commit()
		yield Finding(
			BROKEN_OFF,
			subject,
			FAULT,
			_("Not all of {0} could be looked at: {1}").format(
				subject, strip_html(str(error))[:500] or type(error).__name__
			),
			_("Read the Error Log, remove the cause, and run the doctor again."),
		)


def names(doctype: str) -> list[str]:
	return frappe.get_all(doctype, pluck="name", order_by="name asc")
