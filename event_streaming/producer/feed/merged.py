"""Merges of documents that a consumer under a condition has not got: into one that it has, or that comes to it later.

A merge gives the document that stays the other one's files and a later time stamp, and no event of that document says so. Never writes.
"""

import json
from collections.abc import Iterable
from dataclasses import replace

from event_streaming.producer.documents import file_rows
from event_streaming.producer.documents.reading import by_doctype
from event_streaming.producer.feed.histories import History, has_got
from event_streaming.producer.feed.permitted import merged_into
from event_streaming.producer.log.rows import Candidate, Key, Subject, read_data
from event_streaming.producer.subscriptions.reader import Reader
from event_streaming.wire.events import ATTACH, CREATE, RENAME


def left_by(merges: Iterable[Candidate]) -> list[Candidate]:
	"""The documents that are left, each as a candidate in the place of the merge into it; the merges are read."""
	return [
		replace(event, docname=into, now=into)
		for event in merges
		if event.update_type == RENAME and (into := merged_into(event))
	]


def merges_into_what_it_has(
	reader: Reader, events: list[Candidate], meeting: set[Subject], histories: dict[Key, History]
) -> set[str]:
	"""Names of the merges into a document that the consumer has, or gets with an earlier event of the page."""
	coming: set[Key] = set()
	found: set[str] = set()
	for event in events:
		if event.subject in meeting:
			coming |= {event.key, (event.ref_doctype, event.gives or event.docname)}
		for left in left_by([event]):
			history = histories.get(left.key)
			here = has_got(reader, left.key, history) and not (history and history.left)
			if here or left.key in coming:
				found.add(event.name)
	return found


def with_files_untold(
	reader: Reader, events: list[Candidate], meeting: set[Subject], histories: dict[Key, History]
) -> set[Subject]:
	"""The documents that are to come by what the log holds of them, and have files that nothing in it tells of: others that were merged
	into them had these."""
	if ATTACH in reader.without:
		return set()
	told: dict[Subject, list[Candidate]] = {}
	for event in events:
		history = histories.get(event.key)
		if event.subject in meeting and history and is_new(history):
			told.setdefault(event.subject, list(history.waiting)).append(event)
	attached = {
		subject: [each for each in mine if each.update_type == ATTACH] for subject, mine in told.items()
	}
	read_data([each for mine in attached.values() for each in mine])
	known = {
		subject: {json.loads(each.data or "{}").get("file") for each in mine}
		for subject, mine in attached.items()
	}
	untold: set[Subject] = set()
	for doctype, names in by_doctype([(subject[0], str(subject[2])) for subject in told]).items():
		files = file_rows.attached_to(doctype, names)
		untold |= {
			subject
			for subject in told
			if subject[0] == doctype
			and any(
				not file["attached_to_field"] and file["file"] not in known[subject]
				for file in files.get(str(subject[2]), [])
			)
		}
	return untold


def is_new(history: History) -> bool:
	"""Whether the document is to be made by events that stand before the cursor."""
	waiting = history.waiting
	return bool(waiting) and (not history.delivered or waiting[0].update_type == CREATE)
