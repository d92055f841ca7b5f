"""Which events of a page meet their subscription's condition, and the older ones of the documents that now do.

The condition is asked of the document as it is now, once for each document of the page; how, conditions.py knows. What
it writes is undone; an error in it is reported on the Event Consumer and to the consumer, and holds the event back.
"""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import frappe
from frappe.utils import cint, create_batch
from pypika import Order
from pypika.analytics import RowNumber

from event_streaming.http.confidential import plain
from event_streaming.identity.fates import NAMES_AT_ONCE
from event_streaming.messages.coded import _
from event_streaming.producer.documents import file_rows
from event_streaming.producer.documents.given import given_documents
from event_streaming.producer.documents.names import Fates
from event_streaming.producer.documents.reading import by_doctype, load_columns, load_documents
from event_streaming.producer.log.deliveries import delivered_names
from event_streaming.producer.log.rows import (
	ENVELOPE_BYTES,
	LOG,
	Candidate,
	Key,
	Subject,
	dump,
	read_candidates,
	read_data,
	select_candidates,
)
from event_streaming.producer.subscriptions import conditions
from event_streaming.producer.subscriptions.reader import Reader, is_for
from event_streaming.producer.subscriptions.streamed import CONSUMER
from event_streaming.site.address import public_url
from event_streaming.site.settings import get_settings
from event_streaming.wire.difference import snapshot
from event_streaming.wire.events import ATTACH, CREATE, DELETE, FILES_KEY, RENAME, UPDATE
from event_streaming.wire.pages import REMOVE

CANCELLED = 2


@dataclass
class History:
	"""What the log holds of one document before the cursor: whether the consumer has got any of it, and what came since.

	`left` when the last that it has got was that the document is no longer for it. `more` when more is waiting than a page may hold: it was not read then, and whether any was delivered is not known.
	"""

	delivered: bool = False
	# before the subscription was approved as it is now: enough to be told of the document's end
	before: bool = False
	left: bool = False
	# the whole document was given, with its events up to here
	given: int = 0
	# nothing but that: another document needed it, so that it stays whatever the condition says
	needed: bool = False
	names: list[str] = field(default_factory=list)
	waiting: list[Candidate] = field(default_factory=list)
	more: bool = False


def meeting_conditions(reader: Reader, events: list[Candidate], fates: dict[str, Fates]) -> list[Candidate]:
	"""Without the events whose documents do not meet their condition; with the older ones of those that now do."""
	conditional = [event for event in events if (reader.rows[event.ref_doctype].condition or "").strip()]
	if not conditional:
		return events
	documents = _load_present(reader, conditional)
	meeting, failed = _evaluate(reader, conditional, documents)
	_load_whole(reader, [event for event in conditional if event.subject in meeting], documents, meeting)
	histories = _histories(reader, conditional, meeting)
	_look_before_approval(reader, conditional, meeting, histories)
	leaving = _leaving(
		reader, [event for event in conditional if event.subject not in meeting | failed], histories
	)
	told = [event for event in conditional if not _is_away(event, leaving, histories)]
	cancelled = {
		event.subject
		for event in conditional
		if (doc := documents.get(event.document)) and cint(doc.docstatus) == CANCELLED
	}
	ends = _ends_to_tell(reader, told, meeting, histories, cancelled)
	kept: list[Candidate] = []
	begun: set[Subject] = set()
	for event in events:
		if not (reader.rows[event.ref_doctype].condition or "").strip():
			kept.append(event)
		elif event.subject not in meeting:
			if event.name in ends:
				kept.append(event)
			elif event is leaving.get(event.subject):
				kept.append(_as_leaving(event))
		elif event.subject in begun:
			# the first event of a document in the page has brought all that came before it
			kept.append(event)
		else:
			begun.add(event.subject)
			history = _of_document(event, histories.get(event.key) or History(), fates[event.ref_doctype])
			kept.extend(_with_history(reader, event, history, documents[event.document]))
	if ATTACH not in reader.without:
		_add_files([event for event in kept if event.made and event.update_type == CREATE])
	return kept


def _of_document(event: Candidate, history: History, fates: Fates) -> History:
	"""Without the events of a document that had the name before: whoever may have this one need not be one who may have that."""
	return replace(history, waiting=[old for old in history.waiting if fates.are_of_one(old, event)])


def _with_history(reader: Reader, event: Candidate, history: History, doc: Any) -> list[Candidate]:
	"""The event with the older ones of its document before it, or one Create with the present state in their place."""
	waiting = history.waiting
	if history.delivered and not waiting and not history.more:
		return [event]
	begins = history.delivered or (waiting[0] if waiting else event).update_type == CREATE
	size = sum(old.size for old in waiting) + event.size
	if not begins or history.more or len(waiting) >= reader.limit or size > _most_bytes(reader, event):
		return [_create_from_present(event, doc)]
	for old in waiting:
		old.at_position = event.position
		# it comes with the event, so that it takes effect with that
		old.transaction_id = event.transaction_id
	return [*waiting, event]


def _most_bytes(reader: Reader, event: Candidate) -> int:
	"""Where fields are hidden, it is not by what the consumer asks for: it would tell how long the values are."""
	return get_settings().page_bytes if event.ref_doctype in reader.hidden else reader.max_bytes


def _leaving(
	reader: Reader, events: list[Candidate], histories: dict[Key, History]
) -> dict[Subject, Candidate]:
	"""The last event of each document that the consumer has, wants removed, and that is no longer for it."""
	last: dict[Subject, Candidate] = {}
	for event in events:
		if reader.rows[event.ref_doctype].when_condition_ends == REMOVE and event.update_type == UPDATE:
			last[event.subject] = event
	return {
		subject: event
		for subject, event in last.items()
		if _has_got(reader, event.key, histories.get(event.key))
		and not histories[event.key].left
		and not histories[event.key].needed
	}


def _is_away(event: Candidate, leaving: dict[Subject, Candidate], histories: dict[Key, History]) -> bool:
	"""Whether the consumer has removed the document by then, so that its new name is nothing to it."""
	if event.update_type != RENAME:
		return False
	gone = leaving.get(event.subject)
	return histories.get(event.key, History()).left or bool(gone and gone.position < event.position)


def _as_leaving(event: Candidate) -> Candidate:
	"""A deletion that this site tells of itself: wherever the change came from, nobody but the consumer is to act on it."""
	event.update_type, event.data, event.data_before = DELETE, dump({"left": 1}), None
	event.made, event.leaves, event.origin, event.size = True, True, "", ENVELOPE_BYTES
	return event


def _ends_to_tell(
	reader: Reader,
	events: list[Candidate],
	meeting: set[Subject],
	histories: dict[Key, History],
	cancelled: set[Subject],
) -> set[str]:
	"""Names of the events that end what the consumer has of a document that does not meet its condition (any more).

	A deletion; a cancellation, without which a condition such as `doc.docstatus == 1` would leave a submitted document on the
	consumer for ever; and a new name: without it the consumer would take the document for another one when it meets the
	condition again. Of a merge the deletion that follows it is enough. Documents of `cancelled` are so by now; where one is
	to be removed from the consumer when its condition ends, that is told instead: see `_leaving`.
	"""
	ends = [
		event
		for event in events
		if event.subject not in meeting
		and (
			event.update_type in (DELETE, RENAME)
			or (
				event.update_type == UPDATE
				and event.subject in cancelled
				and (
					reader.rows[event.ref_doctype].when_condition_ends != REMOVE
					or histories.get(event.key, History()).needed
				)
			)
		)
	]
	read_data([event for event in ends if event.update_type in (RENAME, UPDATE)])
	return {
		event.name
		for event in ends
		if _is_end(event) and _has_got(reader, event.key, histories.get(event.key))
	}


def _is_end(event: Candidate) -> bool:
	"""Whether an event that is read ends something: a merge does not, its deletion does; of the changes cancelling does."""
	data = json.loads(event.data or "{}")
	if event.update_type == UPDATE:
		return cint((data.get("changed") or {}).get("docstatus")) == CANCELLED
	return event.update_type == DELETE or not data.get("merge")


def _has_got(reader: Reader, key: Key, history: History | None) -> bool:
	if history is None or history.delivered or history.before or not history.more:
		return bool(history and (history.delivered or history.before))
	found = _names_before(reader, key[0], [key[1]], None)
	return bool(delivered_names(reader, key[0], {name: position for _docname, name, position in found}))


def _create_from_present(event: Candidate, doc: Any) -> Candidate:
	state = snapshot(doc)
	# the name that it had then: a rename that is still to come changes it
	state["name"] = event.docname
	event.update_type, event.data, event.made = CREATE, dump(state), True
	event.size = len(event.data) + ENVELOPE_BYTES
	return event


def _add_files(made: list[Candidate]) -> None:
	"""A Create that stands for all that came before it stands for the files that came before it too."""
	keys = {event.name: event.document for event in made}
	files = {
		(doctype, name): found
		for doctype, names in by_doctype(list(keys.values())).items()
		for name, found in file_rows.attached_to(doctype, names).items()
	}
	for event in made:
		if found := files.get(keys[event.name]):
			event.data = dump({**json.loads(event.data or "{}"), FILES_KEY: found})
			event.size = len(event.data) + ENVELOPE_BYTES


def _load_present(reader: Reader, events: list[Candidate]) -> dict[Key, Any]:
	"""The documents as they are now; of those whose condition can be looked up, what it asks for."""
	keys = [event.document for event in events if event.now]
	found: dict[Key, Any] = {}
	for doctype, names in by_doctype(keys).items():
		columns = conditions.columns_asked_for(reader.rows[doctype].condition, doctype)
		docs = load_documents(doctype, names) if columns is None else load_columns(doctype, names, columns)
		found.update({(doctype, name): doc for name, doc in docs.items()})
	return found


def _load_whole(
	reader: Reader, events: list[Candidate], documents: dict[Key, Any], meeting: set[Subject]
) -> None:
	"""Put the whole of the documents that meet their condition in the place of what `_load_present` has read of them."""
	for doctype, names in by_doctype([event.document for event in events]).items():
		if conditions.columns_asked_for(reader.rows[doctype].condition, doctype) is None:
			continue
		found = load_documents(doctype, names)
		for name in names:
			if name in found:
				documents[doctype, name] = found[name]
			else:
				# gone in between: what is told of it is its deletion
				del documents[doctype, name]
				meeting.difference_update(
					event.subject for event in events if event.document == (doctype, name)
				)


def _evaluate(
	reader: Reader, events: list[Candidate], documents: dict[Key, Any]
) -> tuple[set[Subject], set[Subject]]:
	"""The documents of the events that meet the condition now, and those of which that is not known.

	Not known is what is gone, and where the condition raises an error.
	"""
	meeting: set[Subject] = set()
	unknown: set[Subject] = set()
	failed: dict[str, str] = {}
	seen: set[Subject] = set()
	with conditions.without_writing():
		for event in events:
			doc = documents.get(event.document) if event.now else None
			if doc is None:
				unknown.add(event.subject)
			if doc is None or event.subject in seen:
				continue
			seen.add(event.subject)
			try:
				if conditions.meets(
					reader.rows[event.ref_doctype].condition,
					doc,
					reader.consumer,
					_log_row(event),
					reader.hidden.get(event.ref_doctype),
				):
					meeting.add(event.subject)
			except Exception as error:
				unknown.add(event.subject)
				failed.setdefault(event.ref_doctype, f"{event.docname}: {type(error).__name__}: {error}")
	_report_conditions(reader, {event.ref_doctype for event in events}, failed)
	return meeting, unknown


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
				_("The condition for {0} failed on {1}: {2}").format(
					doctype, public_url(), conditions.error_as_told(error, reader.hidden.get(doctype))
				)
			)
		if plain(error) == (row.condition_error or ""):
			continue
		frappe.db.set_value(
			row.doctype, row.name, "condition_error", plain(error) or None, update_modified=False
		)
		if error:
			frappe.log_error(
				title=_("Condition of {0} for {1} failed").format(doctype, reader.consumer.name),
				message=f"{row.condition}\n\n{error}",
				reference_doctype=CONSUMER,
				reference_name=reader.consumer.name,
			)


def _histories(reader: Reader, events: list[Candidate], meeting: set[Subject]) -> dict[Key, History]:
	"""What stands before the cursor of each document. Whoever got one event has got, or needs not, all before it."""
	histories: dict[Key, History] = {}
	for doctype, docnames in by_doctype([event.key for event in events]).items():
		newest_first = [
			each
			for some in create_batch(docnames, NAMES_AT_ONCE)
			for each in _names_before(reader, doctype, some, reader.limit + 1)
		]
		delivered = delivered_names(
			reader, doctype, {name: position for _docname, name, position in newest_first}
		)
		given = given_documents(reader, doctype, docnames)
		for docname, whole in given.items():
			histories[doctype, docname] = History(given=whole.position, needed=whole.for_another)
		for docname, name, _position in newest_first:
			history = histories.setdefault((doctype, docname), History())
			if not history.delivered and name in delivered:
				position, left = delivered[name]
				history.delivered, history.left = True, left and position > history.given
				# removed, and fetched for another document afterwards
				history.needed = history.needed and left
			if not history.delivered:
				history.names.append(name)
				history.more = len(history.names) > reader.limit
		for docname in given:
			histories[doctype, docname].delivered = True
	wanted = dict.fromkeys(subject[:2] for subject in meeting)
	_read_waiting(reader, [histories[key] for key in wanted if key in histories])
	return histories


def _look_before_approval(
	reader: Reader, events: list[Candidate], meeting: set[Subject], histories: dict[Key, History]
) -> None:
	"""What the consumer has got before the condition was approved, of documents of which it would have to be told the end."""
	keys = [
		event.key
		for event in events
		if event.subject not in meeting
		and cint(reader.rows[event.ref_doctype].from_position)
		and event.update_type in (DELETE, RENAME, UPDATE)
		and not histories.get(event.key, History()).delivered
	]
	for doctype, docnames in by_doctype(keys).items():
		newest_first = [
			each
			for some in create_batch(docnames, NAMES_AT_ONCE)
			for each in _names_before(reader, doctype, some, reader.limit + 1, before_approval=True)
		]
		delivered = delivered_names(
			reader, doctype, {name: position for _docname, name, position in newest_first}
		)
		for docname, name, _position in newest_first:
			history = histories.setdefault((doctype, docname), History())
			if name in delivered and not history.before:
				history.before, history.left = True, history.left or delivered[name][1]


def _read_waiting(reader: Reader, histories: list[History]) -> None:
	names = {name: history for history in histories if not history.more for name in history.names}
	if not names:
		return
	log = frappe.qb.DocType(LOG)
	query = (
		select_candidates(log)
		.where(log.name.isin([int(name) for name in names]))
		.where(is_for(reader, log))
		.orderby(log.position)
	)
	for old in read_candidates(query):
		if old.position > names[old.name].given:
			names[old.name].waiting.append(old)


def _names_before(
	reader: Reader, doctype: str, docnames: list[str], most: int | None, before_approval: bool = False
) -> list[tuple[str, str, int]]:
	"""(document, name of the event, position) of what stands before the cursor, newest first, at most so many of each document.

	All that is read here stands in the index itself.
	"""
	log, cursor = frappe.qb.DocType(LOG), reader.cursor_of(doctype)
	approved = cint(reader.rows[doctype].from_position)
	number = RowNumber().over(log.docname).orderby(log.position, order=Order.desc)
	numbered = (
		frappe.qb.from_(log)
		.select(log.docname, log.name, log.position, number.as_("number"))
		.where((log.ref_doctype == doctype) & log.docname.isin(docnames))
		.where(log.position.between(1, min(approved, cursor)) if before_approval else log.position > approved)
		.where(log.position <= cursor)
	)
	query = (
		frappe.qb.from_(numbered)
		.select(numbered.docname, numbered.name, numbered.position)
		.orderby(numbered.position, order=Order.desc)
	)
	if most:
		query = query.where(numbered.number <= most)
	return [(docname, str(name), position) for docname, name, position in query.run()]
