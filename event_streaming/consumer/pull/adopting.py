"""Bulk *Adopt*: for events that failed as their name is taken here, says of many at once that the local document is the one
that is meant, then tries them again.

It shows first what would be linked to what. Linking and trying again are `by_hand`'s and `retry`'s.
"""

from collections.abc import Collection, Iterable
from typing import Any

import frappe

from event_streaming.consumer.logs import sync_log
from event_streaming.consumer.logs.sync_log import SYNCED
from event_streaming.consumer.pull.by_hand import (
	MOST_AT_ONCE,
	link_namesake,
	patiently,
	resync_logs,
	selection_key,
	stands_for_another,
)
from event_streaming.consumer.resolve.local_names import existing_names
from event_streaming.exceptions import EventStreamingError
from event_streaming.identity import registry
from event_streaming.messages.coded import _
from event_streaming.site import audit
from event_streaming.site.acting import acting_as

REALTIME = "event_streaming_adopted"
NAME_TAKEN = "NameTaken"
# so many are shown before, and told of afterwards
SHOWN = 100
# more than these are worked on in the background
AT_ONCE = 20
PORTION = 200


def rows_to_adopt(
	names: Iterable[str] | None = None, event_producer: str | None = None, doctype: str | None = None
) -> list[dict[str, Any]]:
	"""The failed rows whose name is taken: of those named, or of a producer, or of a DocType of it; one for each document."""
	filters: dict[str, Any] = {"status": sync_log.FAILED, "error": ["like", f"{NAME_TAKEN}%"]}
	if names is not None:
		filters["name"] = ["in", [str(name) for name in names] or [""]]
	if event_producer:
		filters["event_producer"] = event_producer
	if doctype:
		filters["ref_doctype"] = doctype
	rows = frappe.get_all(
		sync_log.DOCTYPE,
		filters=filters,
		fields=["name", "event_producer", "remote_doctype", "producer_doc", "ref_doctype"],
		order_by="name asc",
		limit=MOST_AT_ONCE,
	)
	first = {}
	for row in rows:
		first.setdefault((row.event_producer, row.remote_doctype, row.producer_doc), row)
	return list(first.values())


def preview(
	names: Iterable[str] | None = None, event_producer: str | None = None, doctype: str | None = None
) -> dict[str, Any]:
	"""What `adopt` would link: {"count", "links", "impossible"}, the first of each. Changes nothing."""
	possible, impossible = [], []
	for row, problem in _examined(rows_to_adopt(names, event_producer, doctype)):
		entry = {
			"name": str(row.name),
			"event_producer": row.event_producer,
			"doctype": row.ref_doctype,
			"document": row.producer_doc,
		}
		if problem:
			impossible.append({**entry, "problem": problem})
		else:
			possible.append(entry)
	return {
		"count": len(possible),
		"links": possible[:SHOWN],
		"impossible_count": len(impossible),
		"impossible": impossible[:SHOWN],
	}


def adopt(
	names: Iterable[str] | None = None, event_producer: str | None = None, doctype: str | None = None
) -> dict[str, Any]:
	"""Link and try again: {"adopted", "synced", "failed"}, the last with what could not be and why.

	What is linked stays so, also where trying again fails: the row says why then. Raises PullRunning when a pull is running.
	"""
	adopted: list[str] = []
	failed: list[dict[str, str]] = []
	examined = _examined(rows_to_adopt(names, event_producer, doctype))
	_record(row for row, problem in examined if not problem)
	for row, problem in examined:
		if problem:
			failed.append(_failure(row, problem))
		else:
			link_namesake(frappe.get_doc(sync_log.DOCTYPE, row.name))
			adopted.append(str(row.name))
		if len(adopted) % PORTION == 0 and adopted:
			frappe.db.commit()
	frappe.db.commit()
	for start in range(0, len(adopted), PORTION):
		# what is linked by now would stay failed if a pull that is running kept it from being tried
		patiently(resync_logs, adopted[start : start + PORTION])
	statuses = _statuses(adopted)
	failed += [_failure(row, row.error or row.status) for row in statuses if row.status in sync_log.OPEN]
	return {
		"adopted": len(adopted),
		"synced": sum(row.status == SYNCED for row in statuses),
		"failed": failed[:SHOWN],
		"failed_count": len(failed),
	}


def _record(rows: Iterable) -> None:
	"""In the audit log, for each producer: which documents somebody says are the same."""
	by_producer: dict[str, list[str]] = {}
	for row in rows:
		by_producer.setdefault(row.event_producer, []).append(f"{row.ref_doctype} {row.producer_doc}")
	for producer, documents in by_producer.items():
		audit.record(audit.ADOPTED, "Event Producer", producer, None, audit.listed(documents))


def request_adopt(
	names: list[str] | None = None, event_producer: str | None = None, doctype: str | None = None
) -> dict[str, Any]:
	"""A few here and now; many in the background: then the answer is {"queued": count}, and the person is told afterwards."""
	rows = rows_to_adopt(names, event_producer, doctype)
	if len(rows) <= AT_ONCE:
		return adopt([row.name for row in rows])
	frappe.enqueue(
		"event_streaming.consumer.pull.adopting.adopt_job",
		queue="long",
		job_id=f"event_streaming:adopt{selection_key(','.join(names or []), event_producer, doctype)}",
		deduplicate=True,
		enqueue_after_commit=True,
		names=[str(row.name) for row in rows],
		asked_by=frappe.session.user,
	)
	return {"queued": len(rows)}


def adopt_job(names: list[str], asked_by: str) -> None:
	"""Background job; the person who asked is told what came of it."""
	with acting_as(asked_by):
		try:
			message = {"message": tell(adopt(names)), "done": True}
		except (EventStreamingError, frappe.ValidationError) as error:
			frappe.db.rollback()
			message = {"message": frappe.utils.strip_html(str(error)), "done": False}
		frappe.publish_realtime(REALTIME, message, user=asked_by)


def tell(result: dict[str, Any]) -> str:
	"""One line for a person."""
	if "queued" in result:
		return _("{0} documents are linked in the background.").format(result["queued"])
	line = _("{0} adopted, {1} synced").format(result["adopted"], result["synced"])
	if result["failed_count"]:
		reasons = "; ".join(f"{each['document']}: {each['problem']}" for each in result["failed"][:5])
		line += ". " + _("{0} could not be adopted: {1}").format(result["failed_count"], reasons)
	return line


def _examined(rows: Collection) -> list[tuple[Any, str]]:
	"""Each row with what stands against it; "" when nothing does. A fixed number of queries for each DocType."""
	by_doctype: dict[str, set[str]] = {}
	for row in rows:
		by_doctype.setdefault(row.ref_doctype, set()).add(row.producer_doc)
	# as they are written in the event -> as they are written here
	there: dict[str, dict[str, str]] = {}
	taken: dict[str, dict] = {}
	for doctype, names in by_doctype.items():
		there[doctype] = existing_names(doctype, names)
		taken[doctype] = registry.find_for_local(doctype, set(there[doctype].values()))
	examined = []
	for row in rows:
		problem = ""
		local_name = there[row.ref_doctype].get(row.producer_doc)
		if not local_name:
			problem = _("There is no {0} {1} on this site to link.").format(
				_(row.ref_doctype), row.producer_doc
			)
		key, linked = (row.remote_doctype, row.producer_doc), taken[row.ref_doctype].get(local_name or "", [])
		if other := stands_for_another(row.event_producer, key, linked):
			problem = _("It is linked to {0} of the producer already.").format(other)
		examined.append((row, problem))
	return examined


def _statuses(names: list[str]) -> list:
	if not names:
		return []
	return frappe.get_all(
		sync_log.DOCTYPE,
		filters={"name": ["in", names]},
		fields=["name", "status", "error", "ref_doctype", "producer_doc"],
		order_by="name asc",
		limit=0,
	)


def _failure(row, problem: str) -> dict[str, str]:
	last = [line for line in str(problem).splitlines() if line.strip()]
	return {
		"name": str(row.name),
		"doctype": row.ref_doctype,
		"document": row.producer_doc,
		"problem": last[0][:300] if last else "",
	}
