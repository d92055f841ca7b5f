"""Which events of a page meet their subscription's condition, and the older ones of the documents that now do.

The condition is asked of the document as it is now, once for each document of the page; how, conditions.py knows. What
it writes is undone; an error in it is reported on the Event Consumer and to the consumer, and holds the event back.
"""

import json
from dataclasses import replace
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.http.confidential import plain
from event_streaming.messages.coded import _
from event_streaming.producer.documents.names import Fates
from event_streaming.producer.documents.reading import by_doctype, load_columns, load_documents
from event_streaming.producer.feed.histories import (
	History,
	came_already,
	follow_new_names,
	has_got,
	histories_of,
	look_before_approval,
	read_newest,
)
from event_streaming.producer.feed.merged import left_by, merges_into_what_it_has, with_files_untold
from event_streaming.producer.feed.present import becomes_create, fill_in
from event_streaming.producer.log.rows import ENVELOPE_BYTES, LOG, Candidate, Key, Subject, dump, read_data
from event_streaming.producer.subscriptions import conditions
from event_streaming.producer.subscriptions.reader import Reader
from event_streaming.producer.subscriptions.streamed import CONSUMER
from event_streaming.site.address import public_url
from event_streaming.site.settings import get_settings
from event_streaming.wire.events import ATTACH, CREATE, DELETE, IF_NEEDED, RENAME, UPDATE
from event_streaming.wire.pages import REMOVE

CANCELLED = 2


def meeting_conditions(
	reader: Reader, events: list[Candidate], fates: dict[str, Fates]
) -> tuple[list[Candidate], list[Candidate]]:
	"""(the events without those whose documents do not meet their condition, with the older ones of those that now do; what is contained
	in others of these and does not travel)."""
	conditional = [event for event in events if (reader.rows[event.ref_doctype].condition or "").strip()]
	if not conditional:
		return events, []
	documents = _load_present(reader, conditional)
	meeting, failed = _evaluate(reader, conditional, documents)
	_load_whole(reader, [event for event in conditional if event.subject in meeting], documents, meeting)
	read_new_names([event for event in conditional if event.update_type == RENAME])
	concerned = conditional + left_by(conditional)
	histories = histories_of(reader, concerned, meeting)
	look_before_approval(reader, concerned, meeting, histories)
	follow_new_names(conditional, histories)
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
	# what came with another event already
	came = came_already(reader, [event for event in conditional if event.subject in meeting])
	as_it_is_now = with_files_untold(reader, conditional, meeting, histories)
	kept: list[Candidate] = []
	made: list[Candidate] = []
	begun: set[Subject] = set()
	for event in events:
		if not (reader.rows[event.ref_doctype].condition or "").strip():
			kept.append(event)
		elif event.subject not in meeting:
			if event.name in ends:
				kept.append(event)
			elif event is leaving.get(event.subject):
				kept.append(_as_leaving(event))
		elif event.name not in came:
			if event.subject in begun:
				# the first event of a document in the page has brought all that came before it
				kept.append(event)
			else:
				history = _of_document(event, histories.get(event.key) or History(), fates[event.ref_doctype])
				whole = event.subject in as_it_is_now
				kept.extend(found := _with_history(reader, event, history, whole))
				made += [each for each in found if each.made]
				if history.missed and found[0] is event and not event.made:
					# a new name alone: what the consumer has missed comes with what follows
					event.misses = True
					continue
			begun |= {event.subject, _called_by(event)}
	contained = fill_in(reader, made, documents, fates, ATTACH not in reader.without)
	left_out = {event.name for event in contained}
	return [event for event in kept if event.name not in left_out], contained


def read_new_names(renames: list[Candidate]) -> None:
	"""Read what renames give for a name; a merge gives none."""
	read_data(renames)
	for event in renames:
		data = json.loads(event.data or "{}")
		event.gives = "" if data.get("merge") else str(data.get("new_name") or "")


def _called_by(event: Candidate) -> Subject:
	"""The document of an event under the name that it has by that."""
	return event.ref_doctype, event.gives or event.docname, event.now


def _of_document(event: Candidate, history: History, fates: Fates) -> History:
	"""Without the events of a document that had the name before: whoever may have this one need not be one who may have that."""
	return replace(history, waiting=[old for old in history.waiting if fates.are_of_one(old, event)])


def _with_history(reader: Reader, event: Candidate, history: History, as_it_is_now: bool) -> list[Candidate]:
	"""The event with the older ones of its document before it, or one Create of the present state in their place: where it is wanted
	`as_it_is_now`, or where there are too many of them, or not all."""
	waiting, renames = history.waiting, event.update_type == RENAME
	if not waiting and not history.more and (renames or (history.delivered and not history.missed)):
		# whoever has not got what is renamed brings it by its new name
		return [event]
	begins = history.delivered or (waiting[0] if waiting else event).update_type == CREATE
	size = sum(old.size for old in waiting) + event.size
	too_much = len(waiting) >= reader.limit or size > _most_bytes(reader, event)
	if as_it_is_now or history.missed or not begins or history.more or too_much:
		if not renames:
			return [becomes_create(event)]
		# it comes by the name that it had, in the place of the last one that waits
		waiting = [becomes_create(old) for old in waiting[-1:] or read_newest(history)]
	for old in waiting:
		old.now = event.now
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
		if has_got(reader, event.key, histories.get(event.key))
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
	condition again. A merge as well, so that what links to the document there goes along; the consumer need not have the one that is
	left, nor, where it has that, the one that is merged into it. Documents of `cancelled` are so by now; where one is to be removed from
	the consumer when its condition ends, that is told instead: see `_leaving`.
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
	read_data([event for event in ends if event.update_type == UPDATE])
	told = [
		event for event in ends if _is_end(event) and has_got(reader, event.key, histories.get(event.key))
	]
	known = {event.name for event in told}
	into_what_it_has = merges_into_what_it_has(reader, events, meeting, histories)
	told += [event for event in ends if event.name in into_what_it_has - known]
	for event in told:
		event.misses = bool(event.gives)
		if event.update_type == RENAME and not event.gives:
			event.data, event.ready = dump({**json.loads(event.data or "{}"), IF_NEEDED: 1}), True
	return {event.name for event in told}


def _is_end(event: Candidate) -> bool:
	"""Whether an event that is read ends something: of the changes cancelling does."""
	if event.update_type != UPDATE:
		return True
	return cint((json.loads(event.data or "{}").get("changed") or {}).get("docstatus")) == CANCELLED


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
