"""What stands in the log before a consumer's cursor of documents under a condition: whether it has got any of it, and what waits.

Never writes.
"""

from dataclasses import dataclass, field

import frappe
from frappe.utils import cint, create_batch
from pypika import Order
from pypika.analytics import RowNumber

from event_streaming.identity import registry
from event_streaming.identity.fates import NAMES_AT_ONCE
from event_streaming.producer.documents.given import given_documents
from event_streaming.producer.documents.reading import by_doctype
from event_streaming.producer.log.deliveries import delivered_names
from event_streaming.producer.log.rows import LOG, Candidate, Key, Subject, read_candidates, select_candidates
from event_streaming.producer.subscriptions.reader import Reader, is_for
from event_streaming.wire.events import DELETE, RENAME, UPDATE


@dataclass
class History:
	"""What the log holds of one document before the cursor: whether the consumer has got any of it, and what came since.

	`left` when the last that it has got was that the document is no longer for it. `missed` when it has not got changes that are to be had
	no more, or stand under another name: see `Given`. `more` when more is waiting than a page may hold: it was not read then, and whether
	any was delivered is not known.
	"""

	delivered: bool = False
	# the position of the last of them
	delivered_at: int = 0
	missed: bool = False
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


def histories_of(reader: Reader, events: list[Candidate], meeting: set[Subject]) -> dict[Key, History]:
	"""What stands before the cursor of each document. Whoever got one event has got, or needs not, all before it."""
	histories: dict[Key, History] = {}
	tells_us = bool(frappe.db.exists("Event Producer", reader.consumer.name))
	for doctype, docnames in by_doctype([event.key for event in events]).items():
		newest_first, delivered = _events_before(reader, doctype, docnames, but_own=tells_us)
		given = given_documents(reader, doctype, docnames)
		for docname, whole in given.items():
			histories[doctype, docname] = History(given=whole.position, needed=whole.for_another)
		for docname, name, _position in newest_first:
			history = histories.setdefault((doctype, docname), History())
			if not history.delivered and name in delivered:
				position, left = delivered[name]
				history.delivered, history.delivered_at = True, position
				history.left = left and position > history.given
				# removed, and fetched for another document afterwards
				history.needed = history.needed and left
			if not history.delivered:
				history.names.append(name)
				history.more = len(history.names) > reader.limit
		approved = cint(reader.rows[doctype].from_position)
		for docname, whole in given.items():
			history = histories[doctype, docname]
			if whole.complete and whole.position >= approved:
				history.delivered = True
			else:
				# it has the document, and may have missed changes of it that are to be had no more
				history.before = not history.delivered
			history.missed = not whole.complete and history.delivered_at <= whole.position
	for key in _from_the_reader(reader, events) if tells_us else ():
		histories.setdefault(key, History()).delivered = True
	wanted = dict.fromkeys(subject[:2] for subject in meeting)
	_read_waiting(reader, [histories[key] for key in wanted if key in histories])
	return histories


def _from_the_reader(reader: Reader, events: list[Candidate]) -> set[Key]:
	"""The documents that came here from the reader's own site: it has them, though what it has told of them is never told to it."""
	found: set[Key] = set()
	for doctype in {event.ref_doctype for event in events}:
		mine = [event for event in events if event.ref_doctype == doctype]
		names = {name for event in mine for name in (event.docname, event.now) if name}
		known = registry.local_names_from(reader.consumer.name, doctype, names)
		found |= {event.key for event in mine if known & {event.docname, event.now}}
	return found


def came_already(reader: Reader, events: list[Candidate]) -> set[str]:
	"""Names of the changes that were contained in the state in which their document came."""
	found: set[str] = set()
	for doctype in {event.ref_doctype for event in events}:
		changes = {
			event.name: event.position
			for event in events
			if event.ref_doctype == doctype and event.update_type == UPDATE
		}
		found |= delivered_names(reader, doctype, changes).keys() if changes else set()
	return found


def read_newest(history: History) -> list[Candidate]:
	"""The last of the events that wait, where more do than a page may hold."""
	log = frappe.qb.DocType(LOG)
	return read_candidates(select_candidates(log).where(log.name == int(history.names[0])))


def look_before_approval(
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
		newest_first, delivered = _events_before(reader, doctype, docnames, before_approval=True)
		for docname, name, _position in newest_first:
			history = histories.setdefault((doctype, docname), History())
			if name in delivered and not history.before:
				history.before, history.left = True, history.left or delivered[name][1]


def follow_new_names(events: list[Candidate], histories: dict[Key, History]) -> None:
	"""Whoever has got a document that is renamed in the page has it under its new name in what follows."""
	for event in events:
		before = histories.get(event.key)
		if event.gives and before and (before.delivered or before.before):
			history = histories.setdefault((event.ref_doctype, event.gives), History(given=event.position))
			if not history.delivered:
				history.delivered, history.before = before.delivered, before.before
				history.left, history.needed = before.left, before.needed
			history.missed = history.missed or before.missed


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


def _events_before(
	reader: Reader, doctype: str, docnames: list[str], before_approval: bool = False, but_own: bool = False
) -> tuple[list[tuple[str, str, int]], dict[str, tuple[int, bool]]]:
	"""(what `_names_before` finds, no more of a document than a page holds and one; those of these that the consumer has got)."""
	newest_first = [
		each
		for some in create_batch(docnames, NAMES_AT_ONCE)
		for each in _names_before(reader, doctype, some, reader.limit + 1, before_approval, but_own)
	]
	positions = {name: position for _docname, name, position in newest_first}
	return newest_first, delivered_names(reader, doctype, positions)


def _names_before(
	reader: Reader,
	doctype: str,
	docnames: list[str],
	most: int | None,
	before_approval: bool = False,
	but_own: bool = False,
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
	if but_own:
		# what the reader itself has told of a document is never told to it
		numbered = numbered.where(is_for(reader, log))
	query = (
		frappe.qb.from_(numbered)
		.select(numbered.docname, numbered.name, numbered.position)
		.orderby(numbered.position, order=Order.desc)
	)
	if most:
		query = query.where(numbered.number <= most)
	return [(docname, str(name), position) for docname, name, position in query.run()]


def has_got(reader: Reader, key: Key, history: History | None) -> bool:
	if history is None or history.delivered or history.before or not history.more:
		return bool(history and (history.delivered or history.before))
	found = _names_before(reader, key[0], [key[1]], None)
	return bool(delivered_names(reader, key[0], {name: position for _docname, name, position in found}))
