"""Runs tasks in slices: takes the task's lock, lets its kind do the work, keeps what came of it, and goes on later.

A slice stays well under the queue's time limit. One that dies, or finds the producer away, is begun again by the minute's
sweep, from the place that was committed last.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import frappe

from event_streaming.consumer.checking import checker
from event_streaming.consumer.first_copy import copying
from event_streaming.consumer.line.holding import holding
from event_streaming.consumer.logs import state
from event_streaming.consumer.long_work import scheduled
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import subscriptions_of
from event_streaming.consumer.tasks import task
from event_streaming.consumer.tasks.slices import Slice, request
from event_streaming.consumer.tasks.task import Task
from event_streaming.consumer.unit_of_work.lost_transaction import is_lost_transaction
from event_streaming.consumer.verify import repair, rounds, verifying
from event_streaming.database.locks import advisory_lock
from event_streaming.exceptions import LineWaits, RemoteUnavailable
from event_streaming.messages.coded import _
from event_streaming.site.acting import acting_as
from event_streaming.site.claims import redis_key
from event_streaming.site.settings import get_settings

KINDS = {
	task.COPY: copying.copy_slice,
	task.VERIFY: verifying.verify_slice,
	task.REPAIR: repair.repair_slice,
	task.CHECK: checker.check_slice,
}


@dataclass
class Done:
	"""What a slice has left: the task as it stands, whether somebody else is at work on it, whether there is more to do."""

	task: Task
	busy: bool = False
	more: bool = False


def run_slice(name: str, told: Callable[[Task], None] | None = None, seconds: int | None = None) -> Done:
	"""One slice of a task. Never raises for what the other site does: the task says it."""
	frappe.db.commit()
	with advisory_lock(f"task:{name}") as taken:
		work = task.load(name)
		if not taken or not work.active:
			return Done(work, busy=not taken)
		doc = frappe.get_doc("Event Producer", work.event_producer)
		deadline = time.monotonic() + (seconds or get_settings().slice_seconds)
		task.set_status(work, task.RUNNING)
		frappe.db.commit()
		try:
			finished = work_on(work, doc, slice_of(work, doc, deadline, told))
		except LineWaits as error:
			return ended(work, task.WAITING, str(error))
		except RemoteUnavailable as error:
			return ended(work, task.WAITING, _("{0} It is tried again automatically.").format(error))
		except (frappe.ValidationError, ValueError) as error:
			return ended(work, task.FAILED, str(error))
		except Exception as error:
			if is_lost_transaction(error):
				# what was committed stays: the minute's sweep goes on from there
				return ended(
					work,
					task.WAITING,
					_("The database has undone the last step. It is tried again automatically."),
				)
			ended(work, task.FAILED, _("An unexpected error: see the Error Log."))
			frappe.log_error(title=_("{0} from {1} failed").format(_(work.kind), work.event_producer))
			frappe.db.commit()
			raise
		if not finished:
			return Done(work, more=True)
		done = ended(work, task.DONE)
		if work.kind == task.VERIFY:
			if rounds.is_of_all(work) and not work.scope.get("since"):
				state.compared(work.event_producer, work.started_on)
			rounds.keep(work)
			frappe.db.commit()
		return done


def slice_of(work: Task, doc, deadline: float, told: Callable[[Task], None] | None) -> Slice:
	"""A slice ends with the hours at which the line may be used. Raises LineWaits outside of those of all rows."""
	held = holding(doc)
	if held.everything:
		raise LineWaits(_("It waits until {0} (Only Between).").format(held.clock))
	if held.seconds_left is not None:
		deadline = min(deadline, time.monotonic() + held.seconds_left)
	waits = [each.remote_doctype for each in subscriptions_of(doc).values() if held.holds(each.priority)]
	return Slice(work, deadline, told, held=frozenset(waits), held_until=held.clock)


def work_on(work: Task, doc, part: Slice) -> bool:
	"""Let the task's kind do its slice, as the Event Subscriber; returns whether the task is finished."""
	if doc.paused:
		raise RemoteUnavailable(_("Event Producer {0} is paused: clear Paused to go on.").format(doc.name))
	producer = Producer(doc)
	try:
		with acting_as(doc.user):
			return KINDS[work.kind](part, doc, producer)
	finally:
		producer.client.close()


def ended(work: Task, status: str, message: str = "") -> Done:
	frappe.db.rollback()
	task.set_status(work, status, frappe.utils.strip_html(message))
	frappe.db.commit()
	task.publish(work)
	return Done(work)


# ---- from the queue


def task_job(name: str) -> None:
	"""The background job: one slice, and its own continuation when there is more."""
	frappe.cache.delete(frappe.cache.make_key(redis_key("task", name)))
	if not frappe.db.exists(task.DOCTYPE, name):
		return
	if run_slice(name).more:
		request(name)
		frappe.db.commit()


def resume_tasks() -> None:
	"""Each minute: begin the copies that rows ask for, what is wanted since a restore and what is scheduled, and go on with tasks
	that nobody is at work on."""
	wanted = [*copying.begin_wanted(), *verifying.begin_wanted(), *scheduled.go_on()]
	for name in [*wanted, *task.silent()]:
		request(name)
