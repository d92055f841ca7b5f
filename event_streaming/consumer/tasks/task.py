"""Long work with one producer that is done in slices: the only module that reads or writes Event Streaming Task.

A task is all that survives between two slices: what was asked for, how far it has got, what it has found. It never commits;
its place moves in the transaction of what was done.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import frappe
from frappe.utils import cint, flt, get_datetime, now_datetime

from event_streaming.exceptions import EventStreamingError
from event_streaming.messages.coded import _

DOCTYPE = "Event Streaming Task"
REALTIME = "event_streaming_progress"

COPY, VERIFY, REPAIR, CHECK = "Copy", "Verify", "Repair", "Check"
KINDS = (COPY, VERIFY, REPAIR, CHECK)
QUEUED, RUNNING, WAITING, DONE, STOPPED, FAILED = "Queued", "Running", "Waiting", "Done", "Stopped", "Failed"
ACTIVE = (QUEUED, RUNNING, WAITING)
# a slice that has given no sign of life for so long is dead, or was never begun
SILENT_SECONDS = 60
# what was broken off longer ago has found out what is true no more
GOES_ON_WITHIN = timedelta(hours=1)
MOST_TEXT = 2_000
NUMBERS = ("total", "done", "made", "here", "failed", "differing", "seconds_left")
JSON_FIELDS = ("scope", "place", "report")


class TaskUnderWay(EventStreamingError):
	"""A task of the same kind is at work for the producer."""


@dataclass
class Task:
	"""One task. `scope` is what was asked for, `place` how far it has got, `report` what it has to tell."""

	name: str
	kind: str
	event_producer: str
	status: str = QUEUED
	asked_by: str = ""
	message: str = ""
	total: int = 0
	done: int = 0
	made: int = 0
	here: int = 0
	failed: int = 0
	differing: int = 0
	rate: float = 0.0
	seconds_left: int = 0
	started_on: datetime | None = None
	last_progress: datetime | None = None
	ended_on: datetime | None = None
	scope: dict[str, Any] = field(default_factory=dict)
	place: dict[str, Any] = field(default_factory=dict)
	report: dict[str, Any] = field(default_factory=dict)

	@property
	def active(self) -> bool:
		return self.status in ACTIVE


COLUMNS = tuple(Task.__dataclass_fields__)
PROGRESS = (
	"total",
	"done",
	"made",
	"here",
	"failed",
	"differing",
	"rate",
	"seconds_left",
	"last_progress",
	"place",
	"report",
)


def start(kind: str, event_producer: str, scope: dict[str, Any]) -> Task:
	"""A new task; or, where the last one of its kind was broken off with the same scope, that one again: see `goes_on`.

	Raises TaskUnderWay when one is at work.
	"""
	before = latest(event_producer, kind)
	if before and before.active:
		raise TaskUnderWay(
			_("{0} from {1} is under way already: stop it first, or let it come to its end.").format(
				_(kind), event_producer
			)
		)
	if before and before.scope == scope and goes_on(before):
		_write(before.name, {"status": QUEUED, "message": None, "ended_on": None})
		return load(before.name)
	doc = frappe.get_doc(
		{
			"doctype": DOCTYPE,
			"kind": kind,
			"event_producer": event_producer,
			"status": QUEUED,
			"asked_by": frappe.session.user,
			"started_on": now_datetime(),
			"last_progress": now_datetime(),
			"scope": json.dumps(scope),
		}
	)
	return load(doc.insert(ignore_permissions=True).name)


def goes_on(broken_off: Task) -> bool:
	"""Whether what was broken off is gone on with when it is begun again, rather than begun anew.

	A copy never is: documents that it has passed by then may have been deleted here since, or be wanted otherwise. What is here does not
	travel again. What compares goes on soon after, as its list is of then.
	"""
	if broken_off.kind == COPY or broken_off.status not in (STOPPED, FAILED) or not broken_off.place:
		return False
	ended_on = broken_off.ended_on and get_datetime(broken_off.ended_on)
	return bool(ended_on) and abs(now_datetime() - ended_on) < GOES_ON_WITHIN


def load(name: str) -> Task:
	"""Raises frappe.DoesNotExistError."""
	row = frappe.db.get_value(DOCTYPE, name, COLUMNS, as_dict=True)
	if not row:
		raise frappe.DoesNotExistError(_("There is no {0} {1}.").format(_(DOCTYPE), name))
	return _from_row(row)


def latest(event_producer: str, kind: str, status: str | None = None) -> Task | None:
	"""The last task of a kind for a producer; the last with that status, if one is given."""
	rows = frappe.get_all(
		DOCTYPE,
		filters={
			"event_producer": event_producer,
			"kind": kind,
			**({"status": status} if status else {}),
		},
		fields=list(COLUMNS),
		order_by="creation desc",
		limit=1,
	)
	return _from_row(rows[0]) if rows else None


def failure_of_the_last(event_producer: str, kind: str) -> str | None:
	"""What the last task of a kind says if it has failed; None for any other."""
	rows = frappe.get_all(
		DOCTYPE,
		filters={"event_producer": event_producer, "kind": kind},
		fields=["status", "message"],
		order_by="creation desc",
		limit=1,
	)
	return (rows[0].message or "") if rows and rows[0].status == FAILED else None


def ended(event_producer: str, kind: str, limit: int) -> list[Task]:
	"""The last tasks of a kind for a producer that came to their end, newest first."""
	rows = frappe.get_all(
		DOCTYPE,
		filters={"event_producer": event_producer, "kind": kind, "status": DONE},
		fields=list(COLUMNS),
		order_by="creation desc",
		limit=limit,
	)
	return [_from_row(row) for row in rows]


def begun(event_producer: str, before: datetime | None, limit: int) -> list[dict[str, Any]]:
	"""The tasks of a producer that began by then, newest first, without their reports."""
	filters: dict[str, Any] = {"event_producer": event_producer}
	if before:
		filters["creation"] = ["<=", before]
	return frappe.get_all(
		DOCTYPE,
		filters=filters,
		fields=["name", "creation", "kind", "status", "asked_by", "message", "ended_on", *NUMBERS],
		order_by="creation desc",
		limit=limit,
	)


def producers_of(kind: str) -> list[str]:
	"""The producers with which a task of this kind is at work, or is to begin."""
	return frappe.get_all(
		DOCTYPE, {"kind": kind, "status": ["in", ACTIVE]}, pluck="event_producer", order_by=None
	)


def silent() -> list[str]:
	"""Active tasks that nobody is at work on: their process has died, or they wait for the other site."""
	now = now_datetime()
	table = frappe.qb.DocType(DOCTYPE)
	early, late = now - timedelta(seconds=SILENT_SECONDS), now + timedelta(seconds=SILENT_SECONDS)
	query = (
		frappe.qb.from_(table)
		.select(table.name)
		.where(table.status.isin(ACTIVE))
		# one in the future comes from a clock that was wrong
		.where(table.last_progress.isnull() | (table.last_progress < early) | (table.last_progress > late))
	)
	return [name for (name,) in query.run()]


def save_progress(task: Task) -> None:
	"""Write how far it has got. One UPDATE; the status is left alone, for a person may have stopped it."""
	task.last_progress = now_datetime()
	values = {column: getattr(task, column) for column in PROGRESS}
	_write(task.name, {**values, "place": json.dumps(task.place), "report": json.dumps(task.report)})


def set_status(task: Task, status: str, message: str = "") -> None:
	"""Where the task stands now. One that was stopped meanwhile stays stopped."""
	ended = None if status in ACTIVE else now_datetime()
	table = frappe.qb.DocType(DOCTYPE)
	query = (
		frappe.qb.update(table)
		.set(table.status, status)
		.set(table.message, message[:MOST_TEXT] or None)
		.set(table.ended_on, ended)
		.set(table.last_progress, now_datetime())
		.where((table.name == task.name) & table.status.isin(ACTIVE))
	)
	query.run()
	row = frappe.db.get_value(DOCTYPE, task.name, ["status", "message", "ended_on"], as_dict=True)
	if row:
		task.status, task.message, task.ended_on = row.status, row.message or "", row.ended_on


def is_active(task: Task) -> bool:
	"""Asked of the database: a person may have stopped or deleted it."""
	return frappe.db.get_value(DOCTYPE, task.name, "status") in ACTIVE


def stop(event_producer: str, kind: str) -> bool:
	"""Stop the task of a kind that is under way; returns whether there was one. It can be gone on with later."""
	task = latest(event_producer, kind)
	if not task or not task.active:
		return False
	if kind == COPY:
		told = _("Stopped by {0}. Started again, it passes over what is here.")
	else:
		told = _("Stopped by {0}. Started again within an hour, it continues from here.")
	set_status(task, STOPPED, told.format(frappe.session.user))
	publish(task)
	return True


def as_progress(task: Task | None) -> dict[str, Any] | None:
	"""What a form or a terminal shows of a task."""
	if not task:
		return None
	shown = {column: getattr(task, column) for column in COLUMNS if column not in ("place", "report")}
	done, total = task.done, max(task.total, task.done)
	percent = 100 if task.status == DONE else min(100 * done // total, 99) if total else 0
	return {**shown, "task": task.name, "percent": percent}


def progress_of_all(event_producer: str) -> list[dict[str, Any]]:
	"""How far the last task of each kind has got, those that there were."""
	found = [as_progress(latest(event_producer, kind)) for kind in KINDS]
	return [each for each in found if each]


def publish(task: Task) -> None:
	"""Tell whoever looks at the producer's form."""
	frappe.publish_realtime(
		REALTIME,
		{**as_progress(task), "scope": None},
		doctype="Event Producer",
		docname=task.event_producer,
	)


def remove_all(event_producer: str) -> None:
	"""Forget the tasks of a producer that is no more."""
	frappe.db.delete(DOCTYPE, {"event_producer": event_producer})


def clear_ended(days: int) -> None:
	"""For Frappe's Log Settings."""
	before = now_datetime() - timedelta(days=days)
	frappe.db.delete(DOCTYPE, {"status": ["not in", ACTIVE], "creation": ["<", before]})


def _write(name: str, values: dict[str, Any]) -> None:
	table = frappe.qb.DocType(DOCTYPE)
	query = frappe.qb.update(table).where(table.name == name)
	for column, value in values.items():
		query = query.set(table[column], value)
	query.run()


def _from_row(row: dict) -> Task:
	values = {column: row[column] for column in COLUMNS}
	values.update({column: json.loads(row[column] or "{}") for column in JSON_FIELDS})
	values.update({column: cint(row[column]) for column in NUMBERS})
	values.update({column: row[column] or "" for column in ("message", "asked_by")})
	values["rate"] = flt(row["rate"])
	return Task(**values)
