"""A document's present state in the place of the events that a consumer would need to make it: one Create that the feed makes up.

What that state contains is not told once more: it counts as delivered with it. Never writes.
"""

import json
from typing import Any

import frappe
from frappe.utils import create_batch

from event_streaming.identity.fates import NAMES_AT_ONCE
from event_streaming.producer.documents import file_rows
from event_streaming.producer.documents.names import NOT_NUMBERED, Fates
from event_streaming.producer.documents.reading import by_doctype, load_documents
from event_streaming.producer.log.rows import (
	ENVELOPE_BYTES,
	LOG,
	Candidate,
	Key,
	dump,
	read_candidates,
	select_candidates,
)
from event_streaming.producer.subscriptions.reader import Reader, is_for
from event_streaming.wire.difference import snapshot
from event_streaming.wire.events import CREATE, FILES_KEY, UPDATE

# of one document; what is beyond them is told once more
MOST_CONTAINED = 500


def becomes_create(event: Candidate) -> Candidate:
	"""The event as a Create of its document; `fill_in` says the rest."""
	event.update_type, event.made, event.data_before = CREATE, True, None
	return event


def fill_in(
	reader: Reader,
	made: list[Candidate],
	documents: dict[Key, Any],
	fates: dict[str, Fates],
	with_files: bool,
) -> list[Candidate]:
	"""Give Creates that are made up what they say; returns the changes that are contained in it, each at the position of its Create.

	The log is read first: what stands in it then is in the documents that are read after it. One that is gone by then is said as it
	was in `documents`.
	"""
	contained: list[Candidate] = []
	for doctype in dict.fromkeys(event.ref_doctype for event in made):
		mine = [event for event in made if event.ref_doctype == doctype]
		later = _changes_after(reader, doctype, mine, fates[doctype])
		present = load_documents(doctype, [event.document[1] for event in mine])
		for event in mine:
			doc = present.get(event.document[1])
			_say(event, doc or documents[event.document])
			contained += later.get(event.name, []) if doc else []
	if with_files:
		_add_files(made)
	return contained


def _say(event: Candidate, doc: Any) -> None:
	state = snapshot(doc)
	# the name that it had then: a rename that is still to come changes it
	state["name"] = event.docname
	event.data = dump(state)
	event.size = len(event.data) + ENVELOPE_BYTES


def _changes_after(
	reader: Reader, doctype: str, made: list[Candidate], fates: Fates
) -> dict[str, list[Candidate]]:
	"""Name of the Create -> the changes of its document that the log holds after it, under all its names, also those without a position
	yet."""
	# name -> the documents that had it, each between two positions
	of: dict[str, list[tuple[Candidate, int, int]]] = {}
	for event in made:
		for name, since, until in fates.names_since(event):
			of.setdefault(name, []).append((event, since, until))
	log, found = frappe.qb.DocType(LOG), {}
	for some in create_batch(sorted(of), NAMES_AT_ONCE):
		first = min(since for name in some for _event, since, _until in of[name])
		most = MOST_CONTAINED * len(some)
		query = (
			select_candidates(log)
			.where((log.ref_doctype == doctype) & log.docname.isin(some))
			.where((log.position == 0) | (log.position > first))
			.where((log.update_type == UPDATE) & is_for(reader, log))
			.orderby(log.position)
			.limit(most)
		)
		changes = read_candidates(query)
		for change in changes:
			if not change.position and len(changes) == most:
				# older ones may be told that did not fit in here
				continue
			place = change.position or NOT_NUMBERED
			for event, since, until in of.get(change.docname, []):
				if since < place <= until:
					change.at_position = event.at_position
					found.setdefault(event.name, []).append(change)
	return found


def _add_files(made: list[Candidate]) -> None:
	"""A Create that stands for all that came before it stands for the files that came before it too, and says so where there are none."""
	keys = {event.name: event.document for event in made}
	files = {
		(doctype, name): found
		for doctype, names in by_doctype(list(keys.values())).items()
		for name, found in file_rows.attached_to(doctype, names).items()
	}
	for event in made:
		event.data = dump({**json.loads(event.data or "{}"), FILES_KEY: files.get(keys[event.name], [])})
		event.size = len(event.data) + ENVELOPE_BYTES
