"""What a person does about events that have failed: try again now, or say that a local document is the one meant.

It goes through pull.py, which holds the producer's lock and commits.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

import frappe

from event_streaming.consumer.apply.conflicts import HERE, THERE
from event_streaming.consumer.logs import sync_log
from event_streaming.consumer.logs.sync_log import SYNCED
from event_streaming.consumer.pull.retry import Retried, retry_documents
from event_streaming.exceptions import EventStreamingError, PullRunning
from event_streaming.identity import registry
from event_streaming.identity.registry import LINKED, RemoteKey, own_identity
from event_streaming.messages.coded import _
from event_streaming.site import audit
from event_streaming.site.acting import acting_as
from event_streaming.wire.events import read_root

SIDES = (HERE, THERE)
PRODUCER = "Event Producer"
MOST_AT_ONCE = 10_000
# a pull that is running is waited for so long
WAIT_SECONDS = 30
REALTIME = "event_streaming_resynced"


def resync_log(name: str) -> str:
	"""Try the open events of one row's document again, now; returns the row's status afterwards.

	Raises PullRunning when a pull of the producer is running, frappe.DoesNotExistError for an unknown row.
	"""
	row = get_row(name)
	if row.status not in sync_log.OPEN:
		return row.status
	_record(audit.RESYNCED, row)
	retry_documents(row.event_producer, [(row.remote_doctype, row.producer_doc)])
	return frappe.db.get_value(sync_log.DOCTYPE, name, "status")


def resync_logs(names: Iterable[str]) -> dict[str, int]:
	"""The same for several rows; returns {"tried", "synced"}, with progress shown to the user."""
	keys: dict[str, list[RemoteKey]] = {}
	for row in frappe.get_all(
		sync_log.DOCTYPE,
		filters={"name": ["in", list(names)], "status": ["in", sync_log.OPEN]},
		fields=["event_producer", "remote_doctype", "producer_doc"],
		order_by="name asc",
	):
		keys.setdefault(row.event_producer, []).append((row.remote_doctype, row.producer_doc))
	total = Retried()
	for event_producer, documents in keys.items():
		asked = audit.listed(name for _doctype, name in documents)
		audit.record(audit.RESYNCED, PRODUCER, event_producer, None, asked)
		done = retry_documents(event_producer, list(dict.fromkeys(documents)))
		total.tried += done.tried
		total.synced += done.synced
	return {"tried": total.tried, "synced": total.synced}


def patiently(work: Callable[..., Any], *arguments: Any) -> Any:
	"""What `work` returns; a pull that is running is let come to its end first. Raises PullRunning after WAIT_SECONDS."""
	until = time.monotonic() + WAIT_SECONDS
	while True:
		try:
			return work(*arguments)
		except PullRunning:
			if time.monotonic() >= until:
				raise
			frappe.db.rollback()
			frappe.clear_messages()
			time.sleep(0.5)


def logs_to_resync(event_producer: str | None = None, doctype: str | None = None) -> list[str]:
	"""The rows that have failed or wait for their retry, oldest first, of one producer or DocType if named."""
	return frappe.get_all(
		sync_log.DOCTYPE,
		filters=_failed(event_producer, doctype),
		pluck="name",
		order_by="name asc",
		limit=MOST_AT_ONCE,
	)


def still_open(names: list[str]) -> int:
	"""How many of the rows have not taken effect."""
	return frappe.db.count(sync_log.DOCTYPE, {"name": ["in", list(names)], "status": ["in", sync_log.OPEN]})


def resync_all(
	asked_by: str, event_producer: str | None = None, doctype: str | None = None
) -> dict[str, int]:
	"""Background job: everything that has failed or waits for its retry, again, for the person who asked."""
	with acting_as(asked_by):
		names = logs_to_resync(event_producer, doctype)
		try:
			done = resync_logs(names)
			told = _("{0} synced, {1} still open").format(f"{done['synced']:,}", f"{still_open(names):,}")
		except EventStreamingError as error:
			frappe.db.rollback()
			done, told = {"tried": 0, "synced": 0}, frappe.utils.strip_html(str(error))
		message = {"message": told, "done": bool(names) and done["synced"] >= len(names)}
		frappe.publish_realtime(REALTIME, message, user=asked_by)
		return done


def request_resync_all(event_producer: str | None = None, doctype: str | None = None) -> int:
	"""Queue `resync_all` for the current user, once at a time; returns how many events it is about."""
	waiting = frappe.db.count(sync_log.DOCTYPE, _failed(event_producer, doctype))
	if waiting:
		frappe.enqueue(
			"event_streaming.consumer.pull.by_hand.resync_all",
			queue="long",
			job_id=f"event_streaming:resync_all{selection_key(event_producer, doctype)}",
			deduplicate=True,
			enqueue_after_commit=True,
			asked_by=frappe.session.user,
			event_producer=event_producer,
			doctype=doctype,
		)
	return min(waiting, MOST_AT_ONCE)


def selection_key(*selection: str | None) -> str:
	"""Empty for everything, else short and without characters that a queue may refuse."""
	if not any(selection):
		return ""
	return ":" + hashlib.sha256("\n".join(part or "" for part in selection).encode()).hexdigest()[:16]


def _failed(event_producer: str | None, doctype: str | None) -> dict:
	filters: dict = {"status": ["in", (sync_log.FAILED, sync_log.RETRYING)]}
	if event_producer:
		filters["event_producer"] = event_producer
	if doctype:
		filters["ref_doctype"] = doctype
	return filters


def adopt(name: str) -> str:
	"""Say that the local document of the same name is the one that a row's event is about, then try again.

	Returns the row's status afterwards. Raises frappe.ValidationError when there is no such local document.
	"""
	row = get_row(name)
	link_namesake(row)
	_record(audit.ADOPTED, row)
	return resync_log(name)


def link_namesake(row) -> None:
	"""From now on the local document of the row's name stands for the producer's. What comes next comes whole."""
	name = frappe.db.exists(row.ref_doctype, row.producer_doc)
	if not name:
		frappe.throw(
			_("There is no {0} {1} on this site to link.").format(_(row.ref_doctype), row.producer_doc)
		)
	key = (row.remote_doctype, row.producer_doc)
	linked = registry.find_for_local(row.ref_doctype, [str(name)]).get(str(name), [])
	if other := stands_for_another(row.event_producer, key, linked):
		frappe.throw(_("It is linked to {0} of the producer already.").format(other), EventStreamingError)
	root, _now = read_root(row.root)
	registry.save(own_identity(row.event_producer, key, (row.ref_doctype, str(name)), root, LINKED))


def stands_for_another(event_producer: str, key: RemoteKey, linked: Iterable[registry.Identity]) -> str:
	"""The name of another document of the producer than `key` for which a local one, that is `linked` to these, stands; "" when there is
	none. Two for one would write each other over."""
	for each in linked:
		if each.event_producer == event_producer and (each.remote_doctype, each.remote_name) != key:
			return each.remote_name
	return ""


def settle(name: str, choices: dict[str, str]) -> str:
	"""Settle a row's conflicts: for each conflict's key "here" or "there". Returns the row's status afterwards.

	Raises frappe.ValidationError when the row is not in conflict or a choice is missing.
	"""
	row = get_row(name)
	if row.status != sync_log.CONFLICT:
		frappe.throw(_("Event Sync Log {0} is not in conflict (any more).").format(name))
	missing = [
		each["label"] for each in json.loads(row.conflicts or "[]") if choices.get(each["key"]) not in SIDES
	]
	if missing:
		frappe.throw(_("Pick the value to keep for: {0}").format(", ".join(missing)))
	_record(audit.SETTLED, row, {"choices": choices})
	retry_documents(row.event_producer, [(row.remote_doctype, row.producer_doc)], {str(name): choices})
	return frappe.db.get_value(sync_log.DOCTYPE, name, "status")


def resync(update: str | dict) -> str:
	"""The old app's call: an Event Sync Log as JSON. Returns "Synced" or "Failed"."""
	row = frappe._dict(frappe.parse_json(update))
	status = resync_log(row.name)
	return status if status == SYNCED else "Failed"


def _record(what: str, row, values: dict | None = None) -> None:
	"""In the audit log, with the commit that the attempt begins with: one that takes effect is there whatever happens then."""
	about = {"document": row.producer_doc, "doctype": row.ref_doctype, "event_producer": row.event_producer}
	audit.record(what, sync_log.DOCTYPE, str(row.name), {"status": row.status}, {**about, **(values or {})})


def get_row(name: str):
	if not name or not frappe.db.exists(sync_log.DOCTYPE, name):
		frappe.throw(_("There is no Event Sync Log {0}.").format(name), frappe.DoesNotExistError)
	return frappe.get_doc(sync_log.DOCTYPE, name)
