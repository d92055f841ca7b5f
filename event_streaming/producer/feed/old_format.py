"""The feed for consumers of the old kind, whose cursor is a time and whose format has no word for a rename.

What they get is decided by the same steps as for the others (selection.py); only the words are different.
"""

import json
from typing import Any

import frappe
from frappe.model.document import Document
from frappe.utils import cint, cstr, get_datetime

from event_streaming.messages.coded import _
from event_streaming.producer.documents.given import record_renamed
from event_streaming.producer.documents.reading import by_doctype, load_documents, permitted_names
from event_streaming.producer.feed.permitted import count_withheld
from event_streaming.producer.feed.selection import read_slice
from event_streaming.producer.log.deliveries import forget_undelivered, keep_spans, record_deliveries
from event_streaming.producer.log.rows import Candidate, Key, dump
from event_streaming.producer.log.sequence import assign_positions, position_at
from event_streaming.producer.subscriptions.hiding import Hidden, as_sent
from event_streaming.producer.subscriptions.reader import (
	as_it_is_now,
	contacted,
	load_consumer,
	parsed_list,
	reader_for,
)
from event_streaming.wire.difference import snapshot
from event_streaming.wire.events import CREATE, DELETE, OF_FILES, RENAME


def old_page(event_consumer: str, doctypes: str | list, last_update: str) -> list[dict[str, Any]]:
	"""The answer to a consumer of the old kind, whose cursor is a time: a page, oldest first.

	The `creation` that it is given is the strictly increasing time at which the event got its position, so that it
	misses nothing either. A rename, for which the old format has no word, goes as a Delete of the old name and a Create
	with the present state of the new one; a merge only as the Delete that follows it anyway.
	"""
	consumer = load_consumer(event_consumer)
	cursor, head = _position_of_time(last_update), assign_positions()
	consumer = as_it_is_now(consumer)
	reader = reader_for(consumer, cursor, None, None)
	asked = {doctype for doctype in parsed_list(doctypes) if isinstance(doctype, str)}
	asks_for_all = reader.rows.keys() <= asked
	reader.without = OF_FILES
	reader.rows = {doctype: row for doctype, row in reader.rows.items() if doctype in asked}
	if cint(consumer.paused) or not reader.rows:
		return []
	forget_undelivered(reader)
	# of a consumer that spoke the other format before: they end here
	keep_spans(reader, reader.rows.values())
	found = read_slice(reader, head)
	while not found.events and found.cursor < head:
		# an old consumer can't move its cursor over an empty page
		reader.cursor = found.cursor
		found = read_slice(reader, head)
	record_deliveries(reader, found.events, contained=found.contained)
	record_renamed(reader, found.events)
	count_withheld(reader, found.cursor)
	# its own cursor stands still where nothing is meant for it: that must not keep the log from being cleared
	taken = reader.cursor if found.events else found.cursor
	contacted(consumer, taken if asks_for_all else cursor)
	return _in_old_format(found.events, reader.hidden)


def _position_of_time(last_update: Any) -> int:
	"""The position up to which an old consumer is, from the time that it was given with its last event."""
	try:
		moment = get_datetime(cstr(last_update).strip()) if last_update else None
	except Exception:
		moment = None
	if moment is None:
		frappe.throw(
			_(
				"last_update is not a date and time: {0}. Give the creation of the last delivered event."
			).format(cstr(last_update)[:40] or _("empty"))
		)
	return position_at(moment)


def _in_old_format(events: list[Candidate], hidden: dict[str, Hidden]) -> list[dict[str, Any]]:
	times = {event.position: event.sequenced_on for event in events if event.at_position == event.position}
	renamed = _renamed_documents(events)
	answer = []
	for index, event in enumerate(events):
		if event.at_position == event.position:
			moment = event.sequenced_on
		else:
			# brought forward: its time must not be after the event that it comes before
			moment = events[index - 1].sequenced_on if index else event.sequenced_on
			moment = min(moment, times.get(event.at_position, moment))
		for update_type, docname, data in _old_words(event, renamed, hidden.get(event.ref_doctype)):
			answer.append(
				{
					"update_type": update_type,
					"ref_doctype": event.ref_doctype,
					"docname": docname,
					"data": data,
					"name": event.name,
					"creation": str(moment),
				}
			)
	return answer


def _renamed_documents(events: list[Candidate]) -> dict[Key, Document]:
	"""The documents that were renamed, under their new names, as they are now: those that are still called so, and that
	may be read."""
	keys = [(event.ref_doctype, new_name) for event in events if (new_name := _new_name(event))]
	return {
		(doctype, name): doc
		for doctype, names in by_doctype(keys).items()
		for name, doc in load_documents(doctype, permitted_names(doctype, names)).items()
	}


def _new_name(event: Candidate) -> str | None:
	"""The name that a rename gave; a merge made no new document."""
	if event.update_type != RENAME:
		return None
	rename = json.loads(event.data or "{}")
	return None if rename.get("merge") else rename.get("new_name")


def _old_words(
	event: Candidate, renamed: dict[Key, Document], hidden: Hidden | None
) -> list[tuple[str, str, str | None]]:
	if event.update_type != RENAME:
		return [(event.update_type, event.docname, event.data)]
	new_name = _new_name(event)
	if not new_name:
		return []
	words: list[tuple[str, str, str | None]] = [(DELETE, event.docname, None)]
	if doc := renamed.get((event.ref_doctype, new_name)):
		words.append((CREATE, new_name, dump(as_sent(hidden, snapshot(doc), None)[0])))
	return words
