"""What happened to a connection, newest first, a page at a time: decisions, outages, copies and verifies, alerts, changed fields.

Reads the rows that exist already: the audit log, tasks, alerts, and what the pull's state keeps of outages and fields. Asks no other
site, writes nothing.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypedDict

import frappe
from frappe.utils import get_datetime

from event_streaming.admin import alerts
from event_streaming.admin.connection.shapes import Entry, as_cursor, newest_first, read_cursor
from event_streaming.admin.connection.status import known
from event_streaming.admin.decisions import CONSUMER, PRODUCER
from event_streaming.consumer.logs import state
from event_streaming.consumer.tasks import task
from event_streaming.messages.coded import _
from event_streaming.site import audit

SIZE = 30
FORMS = (PRODUCER, CONSUMER, "Event Producer Document Type", "Event Consumer Document Type")
# more than a page, for entries of the very moment at which the last page ended
MOST_READ = 2 * SIZE
MOST_ALERTS = 500
MOST_TEXT = 300
TASK_COLORS = {
	task.DONE: "green",
	task.FAILED: "red",
	task.STOPPED: "orange",
	task.WAITING: "orange",
}


class Timeline(TypedDict):
	"""`after` is the question for the next page, "" when this was the last."""

	site: str
	entries: list[Entry]
	after: str


def timeline(site: str, after: str = "") -> Timeline:
	"""A page of what happened; `after` is what the page before answered. Raises frappe.ValidationError for one that nobody gave."""
	name = known(site)
	for doctype in (PRODUCER, CONSUMER):
		if frappe.db.exists(doctype, name):
			frappe.has_permission(doctype, "read", name, throw=True)
	try:
		place = read_cursor(after)
	except ValueError:
		frappe.throw(_("There is no such page of the timeline."))
	before = place[0] if place else None
	found = [
		*decisions(name, before),
		*tasks(name, before),
		*alerts_of(name),
		*outages(name),
		*changed_fields(name),
	]
	page = newest_first(found, SIZE + 1, place)
	more = len(page) > SIZE
	return {"site": name, "entries": page[:SIZE], "after": as_cursor(page[SIZE - 1]) if more else ""}


def entry(
	at: datetime | str,
	kind: str,
	name: str,
	title: str,
	text: str = "",
	by: str = "",
	color: str = "blue",
	link: tuple[str, str] | None = None,
) -> Entry:
	return {
		"at": get_datetime(at),
		"key": f"{kind} {name}",
		"kind": kind,
		"title": title,
		"text": text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "…",
		"by": by or "",
		"color": color,
		"link": link,
	}


def decisions(name: str, before: datetime | None) -> Iterator[Entry]:
	"""What was decided, and what was refused."""
	filters: dict[str, Any] = {"reference_doctype": ["in", [PRODUCER, CONSUMER]], "reference_name": name}
	if before:
		filters["creation"] = ["<=", before]
	for row in frappe.get_all(
		audit.DOCTYPE,
		filters=filters,
		fields=["name", "creation", "decision", "outcome", "user", "values_after"],
		order_by="creation desc",
		limit=MOST_READ,
	):
		refused = row.outcome == audit.REFUSED
		title = f"{_(row.decision)} ({_(row.outcome)})" if refused else _(row.decision)
		yield entry(
			row.creation,
			"decision",
			row.name,
			title,
			shown_values(row.values_after),
			row.user,
			"red" if refused else "blue",
			(audit.DOCTYPE, row.name),
		)


def shown_values(text: str | None) -> str:
	"""The values after a decision on one line."""
	try:
		values = json.loads(text or "{}")
	except ValueError:
		return text or ""
	return as_words(values, labels()) if isinstance(values, dict) else ""


def labels() -> dict[str, str]:
	"""The fields of our forms as these call them."""
	fields = [df for doctype in FORMS for df in frappe.get_meta(doctype).fields]
	return {df.fieldname: _(df.label) for df in reversed(fields) if df.label}


def as_words(value: Any, named: dict[str, str]) -> str:
	"""Values for a person; what is empty or hidden is left out."""
	if isinstance(value, dict):
		parts = [(named.get(key, key), as_words(each, named)) for key, each in value.items()]
		return ", ".join(f"{key}: {each}" for key, each in parts if each)
	if isinstance(value, list):
		return ", ".join(as_words(each, named) for each in value)
	return "" if value is None or value == audit.HIDDEN else str(value)


def tasks(name: str, before: datetime | None) -> Iterator[Entry]:
	"""Copies, verifies, repairs and checks, at the time at which they began."""
	for row in task.begun(name, before, MOST_READ):
		yield entry(
			row["creation"],
			row["kind"].lower(),
			row["name"],
			f"{_(row['kind'])}: {_(row['status'])}",
			" ".join(filter(None, (figures_of(row), row["message"]))),
			row["asked_by"],
			TASK_COLORS.get(row["status"], "blue")
			if not row["failed"] and not row["differing"]
			else "orange",
			(task.DOCTYPE, row["name"]),
		)


def figures_of(row: dict[str, Any]) -> str:
	"""What came of a task, in numbers."""
	if row["kind"] == task.COPY:
		return _("{0} checked: {1} created, {2} here already, {3} failed.").format(
			row["done"], row["made"], row["here"], row["failed"]
		)
	if row["kind"] == task.CHECK:
		return _("{0} findings stop documents, {1} may hurt.").format(
			row["failed"], max(row["differing"] - row["failed"], 0)
		)
	compared = _("{0} compared, {1} different.").format(row["done"], row["differing"])
	if row["kind"] == task.VERIFY:
		return compared
	return f"{compared} {_('{0} brought in line, {1} failed.').format(row['made'], row['failed'])}"


def alerts_of(name: str) -> Iterator[Entry]:
	"""Episodes of trouble that named this site, with their end."""
	for row in frappe.get_all(
		alerts.DOCTYPE,
		fields=["name", "kind", "status", "began", "ended", "sites", "details", "creation"],
		order_by="creation desc",
		limit=MOST_ALERTS,
	):
		if name not in (row.sites or "").split("\n"):
			continue
		over = row.status == alerts.OVER
		until = _("Ended on {0}.").format(str(row.ended)[:19]) if row.ended else _("Still ongoing.")
		yield entry(
			row.began or row.creation,
			"alert",
			row.name,
			_("Alert: {0}").format(_(row.kind)),
			until,
			color="gray" if over else "red",
			link=(alerts.DOCTYPE, row.name),
		)


def outages(name: str) -> Iterator[Entry]:
	"""When the producer could not be read, by the last contact before; the present one too."""
	if not frappe.db.exists(PRODUCER, name):
		return
	for row in state.outages(name):
		yield entry(
			row["from"] or row["until"],
			"outage",
			row["until"],
			_("Unreachable until {0}").format(row["until"][:19]),
			row["error"],
			color="orange",
		)
	kept = state.load_state(name)
	if kept.connection in (state.OFFLINE, state.REFUSED) and kept.last_contact:
		title = _("Unreachable since then")
		yield entry(kept.last_contact, "outage", "", title, kept.last_error or "", color="red")


def changed_fields(name: str) -> Iterator[Entry]:
	"""Differences between the fields of both sites, when they were first seen; those of the first look are no change."""
	for key, note in state.schema_notes(name)["notes"].items():
		if not note.get("first_look"):
			yield entry(
				note["first_seen"],
				"schema",
				key,
				_("Fields differ now: {0}").format(note["what"]),
				color="orange",
			)
