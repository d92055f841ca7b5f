"""What runs inside a site for the model-based test, besides operations: preparing it, pulling from it, looking at it."""

import os
import signal
import sys

from tests.doctypes import ROW, TICKET
from tests.model_operations import CITY, DOCTYPES, LOGS, STREAMED, VALUES

OPEN = ("Failed", "Retrying", "Waiting", "Conflict")
ROW_VALUES = ("name", "item", "qty", "gift")


def forget_all(policy: str) -> None:
	"""No documents and no logs; subscriptions and cursors stay."""
	import frappe

	for doctype in (*STREAMED, ROW, *LOGS):
		frappe.db.delete(doctype)
	for table in ("Event Producer Last Update", "Event Producer"):
		frappe.clear_document_cache(table)
	frappe.db.delete("Comment", {"reference_doctype": ["in", STREAMED]})
	frappe.db.delete("File", {"attached_to_doctype": ["in", STREAMED]})
	frappe.db.sql("UPDATE `tabEvent Producer Document Type` SET conflict_policy = %s", policy)


def read_state() -> dict[str, dict]:
	"""All that has to be equal, by DocType and title; names only where they are to be the same."""
	import frappe

	state = {doctype: {} for doctype in STREAMED}
	for city in frappe.get_all(CITY, fields=["name", "title", "country_name"], limit=0):
		state[CITY][city.name] = dict(city)
	for doctype in DOCTYPES:
		titles = dict(frappe.get_all(doctype, fields=["name", "title"], as_list=True, limit=0))
		for doc in frappe.get_all(doctype, fields=list(VALUES), limit=0):
			values = {field: str(value or "") for field, value in doc.items()}
			values["amended_from"] = titles.get(doc.amended_from, doc.amended_from)
			values["total"] = doc.total or 0
			if doctype == TICKET:
				# each site names these by itself
				values.pop("name")
			values["rows"] = [
				[row.idx, *(row[field] for field in ROW_VALUES)]
				for row in frappe.get_all(
					ROW,
					filters={"parent": doc.name, "parenttype": doctype},
					fields=["idx", *ROW_VALUES],
					order_by="idx asc",
					limit=0,
				)
			]
			values["files"] = sorted(
				[row.content_hash, row.is_private]
				for row in frappe.get_all(
					"File",
					filters={"attached_to_doctype": doctype, "attached_to_name": doc.name},
					fields=["content_hash", "is_private"],
					limit=0,
				)
			)
			key = doc.title
			while key in state[doctype]:
				key += " (duplicate)"
			state[doctype][key] = values
	return state


def find_faults() -> list[str]:
	"""What this site's logs and cursors say that is not so."""
	import frappe

	faults = []
	logs = frappe.get_all("Event Sync Log", fields=["*"], order_by="name asc", limit=0)
	for log in logs:
		what = f"{log.update_type} {log.producer_doc} -> {log.docname} at {log.position}"
		if log.status in OPEN:
			faults.append(f"{log.status}: {what}: {log.error or log.outcome}")
		elif claims_a_document(log) and not is_accounted_for(log):
			faults.append(f"not there: {what}: {log.outcome}")
	heads = frappe.db.sql("SELECT COUNT(*) FROM `tabEvent Update Log` WHERE position = 0")[0][0]
	if heads:
		faults.append(f"{heads} events without a position")
	return faults


def claims_a_document(log) -> bool:
	return log.status == "Synced" and log.update_type in ("Create", "Update") and bool(log.docname)


def is_accounted_for(log) -> bool:
	"""The document is there, or a later log says what became of it."""
	import frappe

	if frappe.db.exists(log.ref_doctype, log.docname):
		return True
	gone = {
		"ref_doctype": log.ref_doctype,
		"docname": log.docname,
		"update_type": ["in", ("Delete", "Rename")],
	}
	if frappe.db.exists("Event Update Log", {**gone, "creation": [">", str(log.creation)]}):
		return True
	later = {
		"event_producer": log.event_producer,
		"remote_doctype": log.remote_doctype,
		"producer_doc": log.producer_doc,
		"update_type": ["in", ("Delete", "Rename")],
		"name": [">", log.name],
	}
	return bool(frappe.db.exists("Event Sync Log", later))


def cursor_of(event_producer: str) -> int:
	import frappe

	return frappe.db.get_value("Event Producer Last Update", {"event_producer": event_producer}, "position")


def head() -> int:
	from event_streaming.producer.log.sequence import head_position

	return head_position()


def make_retries_due() -> int:
	import frappe

	frappe.db.set_value("Event Sync Log", {"status": "Retrying"}, "next_retry", "2020-01-01 00:00:00")
	return frappe.db.count("Event Sync Log", {"status": "Retrying"})


def pull_once(event_producer: str) -> dict:
	from dataclasses import asdict

	from event_streaming.consumer.pull.loop import pull

	return asdict(pull(event_producer))


def be_notified(event_producer: str, times: int) -> None:
	"""The producer's notification, more than once, and the jobs that it leads to."""
	import frappe

	from event_streaming.consumer.pull.requests import pull_job
	from event_streaming.event_streaming.doctype.event_producer.event_producer import new_event_notification

	for _time in range(times):
		new_event_notification(event_producer)
		frappe.db.commit()
	for _time in range(times):
		pull_job(event_producer)


def pull_and_die(event_producer: str, place: str, after: int) -> int:
	"""A pull in a process of its own, killed as it comes to a place for the n-th time; gives how it ended."""
	import frappe

	pid = os.fork()
	if pid:
		return os.waitpid(pid, 0)[1]
	try:
		# a connection of its own: the other one belongs to the process that goes on
		frappe.local.db = None
		frappe.connect()
		die_at(place, after)
		pull_once(event_producer)
	finally:
		os._exit(0)


def die_at(place: str, after: int) -> None:
	import frappe

	from event_streaming.consumer.apply import step
	from event_streaming.consumer.logs import state, sync_log

	places = {
		"event": (step, "apply_event"),
		"log": (sync_log, "write"),
		"cursor": (state, "move_cursor"),
		"commit": (frappe.db, "commit"),
	}
	owner, attribute = places[place]
	original, counted = getattr(owner, attribute), [0]

	def call_or_die(*arguments, **named):
		counted[0] += 1
		if counted[0] > after:
			os.kill(os.getpid(), signal.SIGKILL)
		return original(*arguments, **named)

	setattr(owner, attribute, call_or_die)
	sys.stdout = sys.stderr
