"""The check as a task: row after row, from the place that was committed last; the task's report has the findings.

It changes nothing but the task. A row is checked under the pull's lock, so that a pull and the trial do not wait for each other's rows.
"""

from collections.abc import Iterable
from typing import Any

import frappe

from event_streaming.consumer.checking.amounts import in_all
from event_streaming.consumer.checking.finding import MAY_HURT, STOPS, in_order
from event_streaming.consumer.checking.one_row import check_row
from event_streaming.consumer.first_copy.scope import as_list
from event_streaming.consumer.logs import state
from event_streaming.consumer.subscriptions import registration
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import subscriptions_of
from event_streaming.consumer.tasks import task
from event_streaming.consumer.tasks.slices import Slice, request
from event_streaming.consumer.tasks.task import Task
from event_streaming.consumer.workers.crew import pull_lock
from event_streaming.exceptions import EventStreamingError, RemoteError
from event_streaming.http.client import is_unknown_method
from event_streaming.messages.coded import _
from event_streaming.wire.pages import PROTOCOL
from event_streaming.wire.paths import CHECK

WAIT_SECONDS = 30


def start_check(event_producer: str, doctypes: str | Iterable[str] | None = None) -> dict[str, Any]:
	"""Check in the background; returns the progress. See `begin`."""
	check = begin(event_producer, doctypes)
	request(check.name)
	return task.as_progress(check)


def begin(event_producer: str, doctypes: str | Iterable[str] | None = None) -> Task:
	"""A task that checks rows of a producer, approved or not, by default all that are subscribed to; it does nothing yet.

	Raises frappe.ValidationError with what to do.
	"""
	doc = frappe.get_doc("Event Producer", event_producer)
	named, wanted = as_list(doctypes), []
	known = [each for each in subscriptions_of(doc).values() if not each.unsubscribed]
	for each in known:
		if not named or each.local_doctype in named or each.remote_doctype in named:
			wanted.append(each.remote_doctype)
	unknown = set(named) - {name for each in known for name in (each.local_doctype, each.remote_doctype)}
	if unknown or not wanted:
		frappe.throw(
			_("Event Producer {0} has no row for {1}.").format(doc.name, ", ".join(sorted(unknown)) or "…")
		)
	return task.start(task.CHECK, doc.name, {"doctypes": wanted, "filters": {}})


def check_slice(part: Slice, doc: Any, producer: Producer) -> bool:
	"""Row after row until the end or the deadline; returns whether all is done."""
	kept = registration.ensure_registered(doc, producer, state.load_state(doc.name))
	if kept.protocol < PROTOCOL:
		raise too_old(_("{0} runs the older app, which can't be checked: install this one there."), doc)
	producer.trial = True
	check = part.task
	if not check.place:
		check.place, check.total = {"number": 0}, len(check.scope["doctypes"])
		check.report = {"findings": [], "amounts": []}
		save(check)
	part.measure()
	while check.place["number"] < len(check.scope["doctypes"]):
		if not part.see_that_line_is_free(check.scope["doctypes"][check.place["number"]], producer.line):
			return False
		if not check_next(part, producer):
			return False
		part.measure()
		part.tell()
		if not task.is_active(check) or (part.over and check.done < check.total):
			return not task.is_active(check)
	return True


def check_next(part: Slice, producer: Producer) -> bool:
	"""One row; returns whether it was its turn: a pull that is running goes on first."""
	check = part.task
	with pull_lock(check.event_producer, WAIT_SECONDS) as taken:
		if not taken:
			return False
		# what is read from here on has what the last pull committed
		frappe.db.commit()
		doc, kept = (
			frappe.get_doc("Event Producer", check.event_producer),
			state.load_state(check.event_producer),
		)
		wanted = subscriptions_of(doc).get(check.scope["doctypes"][check.place["number"]])
		if wanted and not wanted.unsubscribed:
			try:
				found, amount = check_row(doc, producer, kept, wanted)
			except RemoteError as error:
				if is_unknown_method(error, CHECK):
					raise too_old(
						_("{0} runs a version of this app that can't be checked yet: update it there first."),
						doc,
					) from error
				raise
			keep(check, [each.as_dict() for each in found], amount.as_dict() if amount else None)
		check.place = {"number": check.place["number"] + 1}
		check.done = check.place["number"]
		save(check)
	return True


def keep(check: Task, found: list[dict[str, Any]], amount: dict[str, Any] | None) -> None:
	"""Add what was found of a row to the report; it is saved together with the place."""
	report = check.report
	report["findings"] = in_order([*report["findings"], *found])
	if amount:
		report["amounts"] = [*report["amounts"], amount]
	report["in_all"] = in_all(report["amounts"])
	check.failed = sum(each["severity"] == STOPS for each in report["findings"])
	check.differing = sum(each["severity"] in (STOPS, MAY_HURT) for each in report["findings"])


def save(check: Task) -> None:
	task.save_progress(check)
	frappe.db.commit()


def too_old(text: str, doc: Any) -> EventStreamingError:
	return EventStreamingError(text.format(doc.name))
