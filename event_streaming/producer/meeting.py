"""Which events of a page meet their subscription's condition, and the older ones of the documents that now do.

The condition is asked of the document as it is now, once for each document of the page; how, conditions.py knows. What
it writes is undone; an error in it is reported on the Event Consumer and to the consumer, and holds the event back.
"""

from typing import Any

import frappe
from frappe import _
from frappe.utils import cint

from event_streaming.producer import conditions
from event_streaming.producer.capture import dump
from event_streaming.producer.deliveries import delivered_names
from event_streaming.producer.diff import snapshot
from event_streaming.producer.documents import Key, by_doctype, load_documents
from event_streaming.producer.log import ENVELOPE_BYTES, LOG, Candidate, read_candidates, select_candidates
from event_streaming.producer.reader import Reader
from event_streaming.producer.streamed import CONSUMER
from event_streaming.site import public_url
from event_streaming.wire import CREATE, DELETE, RENAME


def meeting_conditions(
	reader: Reader, events: list[Candidate], present: dict[Key, str | None]
) -> list[Candidate]:
	"""Without the events whose documents do not meet their condition; with the older ones of those that now do."""
	conditional = [event for event in events if (reader.rows[event.ref_doctype].condition or "").strip()]
	if not conditional:
		return events
	documents = _load_present(conditional, present)
	meeting = _evaluate(reader, conditional, present, documents)
	older = _history(reader, conditional)
	kept: list[Candidate] = []
	begun: set[Key] = set()
	sent_now: set[Key] = set()
	for event in events:
		row = reader.rows[event.ref_doctype]
		if not (row.condition or "").strip():
			kept.append(event)
			continue
		history = older.get(event.key, [])
		if event.key not in meeting:
			known = event.key in sent_now or any(delivered for _event, delivered in history)
			if event.update_type in (DELETE, RENAME) and known and present.get(event.key) is None:
				kept.append(event)
			continue
		sent_now.add(event.key)
		if event.key in begun:
			# the first event of a document in the page has brought all that came before it
			kept.append(event)
			continue
		begun.add(event.key)
		kept.extend(
			_with_history(reader, event, history, documents.get((event.ref_doctype, present[event.key])))
		)
	return kept


def _with_history(
	reader: Reader, event: Candidate, history: list[tuple[Candidate, bool]], doc: Any
) -> list[Candidate]:
	"""The event with the older ones of its document before it, or one Create with the present state in their place."""
	waiting = [old for old, delivered in history if not delivered]
	if len(waiting) == len(history) and doc is not None:
		begins = (waiting[0] if waiting else event).update_type == CREATE
		size = sum(old.size for old in waiting) + event.size
		if not begins or len(waiting) >= reader.limit or size > reader.max_bytes:
			return [_create_from_present(event, doc)]
	for old in waiting:
		old.at_position = event.position
	return [*waiting, event]


def _create_from_present(event: Candidate, doc: Any) -> Candidate:
	state = snapshot(doc)
	# the name that it had then: a rename that is still to come changes it
	state["name"] = event.docname
	event.update_type, event.data, event.made = CREATE, dump(state), True
	event.size = len(event.data) + ENVELOPE_BYTES
	return event


def _load_present(events: list[Candidate], present: dict[Key, str | None]) -> dict[Key, Any]:
	keys = [(event.ref_doctype, name) for event in events if (name := present.get(event.key))]
	return {
		(doctype, name): doc
		for doctype, names in by_doctype(keys).items()
		for name, doc in load_documents(doctype, names).items()
	}


def _evaluate(
	reader: Reader, events: list[Candidate], present: dict[Key, str | None], documents: dict[Key, Any]
) -> set[Key]:
	"""The (DocType, name) of the events whose documents exist and meet the condition now."""
	meeting: set[Key] = set()
	failed: dict[str, str] = {}
	seen: set[Key] = set()
	with conditions.without_writing():
		for event in events:
			doc = documents.get((event.ref_doctype, present.get(event.key) or ""))
			if doc is None or event.key in seen:
				continue
			seen.add(event.key)
			try:
				if conditions.meets(
					reader.rows[event.ref_doctype].condition, doc, reader.consumer, _log_row(event)
				):
					meeting.add(event.key)
			except Exception as error:
				failed.setdefault(event.ref_doctype, f"{event.docname}: {type(error).__name__}: {error}")
	_report_conditions(reader, {event.ref_doctype for event in events}, failed)
	return meeting


def _log_row(event: Candidate) -> frappe._dict:
	"""What a `cmd:` function gets as `update_log`."""
	return frappe._dict(
		doctype=LOG,
		name=event.name,
		update_type=event.update_type,
		ref_doctype=event.ref_doctype,
		docname=event.docname,
		creation=event.creation,
	)


def _report_conditions(reader: Reader, evaluated: set[str], failed: dict[str, str]) -> None:
	"""Say on the consumer's form, in the Error Log and to the consumer which condition could not be evaluated."""
	for doctype in evaluated:
		row = reader.rows[doctype]
		error = failed.get(doctype, "")[:500]
		if error:
			reader.warnings.append(
				_("The condition for {0} failed on {1}: {2}").format(doctype, public_url(), error)
			)
		if error == (row.condition_error or ""):
			continue
		frappe.db.set_value(row.doctype, row.name, "condition_error", error or None, update_modified=False)
		if error:
			frappe.log_error(
				title=_("Condition of {0} for {1} failed").format(doctype, reader.consumer.name),
				message=f"{row.condition}\n\n{error}",
				reference_doctype=CONSUMER,
				reference_name=reader.consumer.name,
			)


def _history(reader: Reader, events: list[Candidate]) -> dict[Key, list[tuple[Candidate, bool]]]:
	"""The events of the documents that stand before the cursor, oldest first, and whether each was delivered."""
	history: dict[Key, list[tuple[Candidate, bool]]] = {}
	log = frappe.qb.DocType(LOG)
	for doctype, names in by_doctype([event.key for event in events]).items():
		query = (
			select_candidates(log)
			.where((log.ref_doctype == doctype) & log.docname.isin(names))
			.where(
				(log.position > cint(reader.rows[doctype].from_position)) & (log.position <= reader.cursor)
			)
			.where(log.origin.isnull() | (log.origin != reader.consumer.name))
			.orderby(log.position)
		)
		old = read_candidates(query)
		if not old:
			continue
		delivered = delivered_names(reader, old)
		for event in old:
			history.setdefault(event.key, []).append((event, event.name in delivered))
	return history
