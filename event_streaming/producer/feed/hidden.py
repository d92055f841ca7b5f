"""Takes out of a page's events what is hidden from the consumer. An event of which nothing is left is none for it.

Done before the page is cut to its bounds: these are of what is sent, or a consumer that asks for small pages could tell how long
the rest is. Where nothing is hidden, nothing is done.
"""

import json
from typing import Any

from event_streaming.producer.documents.file_rows import read, told
from event_streaming.producer.documents.reading import by_doctype, load_documents
from event_streaming.producer.log.rows import (
	ENVELOPE_BYTES,
	MOST_BYTES_TOGETHER,
	Candidate,
	Key,
	dump,
	read_data,
)
from event_streaming.producer.subscriptions.hiding import Hidden
from event_streaming.producer.subscriptions.reader import Reader
from event_streaming.wire.difference import snapshot
from event_streaming.wire.events import ATTACH, CREATE, DETACH, FILES_KEY, OF_FILES, UPDATE
from event_streaming.wire.files import RemoteFile

# so much data, as it is in the log, is held in memory before it is known what is left of it
BYTES_AT_ONCE = 4 * 1024 * 1024
# the file that a document has lost, to one who knows it by its name in File: what it was called is nothing new to it
LOST = {"file_name": "file", "file_url": "/files/file", "content_hash": "", "file_size": 0}


def without_hidden(reader: Reader, events: list[Candidate]) -> list[Candidate]:
	"""The events as they are sent. Those after what fills a page are left as they are: none of them goes into it."""
	if not any(event.ref_doctype in reader.hidden for event in events):
		return events
	documents = _with_files(reader, events)
	kept: list[Candidate] = []
	size = 0
	for some in _batches(events):
		whole = size <= MOST_BYTES_TOGETHER and kept and _is_of_first(some[0], kept)
		if size > reader.max_bytes and not whole:
			kept.extend(some)
			continue
		to_hide = [event for event in some if event.ref_doctype in reader.hidden]
		read_data(to_hide)
		files = _files_now(to_hide)
		for event in some:
			hidden = reader.hidden.get(event.ref_doctype)
			if hidden and not _hide(event, hidden, documents, files):
				continue
			kept.append(event)
			size += event.size
	return kept


def _is_of_first(event: Candidate, kept: list[Candidate]) -> bool:
	"""Whether the event goes into the page, however full it is, with the first one."""
	return bool(event.transaction_id) and kept[0].transaction_id == event.transaction_id


def _batches(events: list[Candidate]) -> list[list[Candidate]]:
	"""What belongs together stays together, as in the page."""
	batches: list[list[Candidate]] = [[]]
	size, at_position = 0, None
	for event in events:
		if size > BYTES_AT_ONCE and event.at_position != at_position:
			batches.append([])
			size = 0
		batches[-1].append(event)
		size, at_position = size + event.size, event.at_position
	return batches


def _hide(
	event: Candidate,
	hidden: Hidden,
	documents: dict[Key, dict[str, Any]],
	files: dict[str, tuple[Key, RemoteFile]],
) -> bool:
	"""Make of an event what is sent of it; returns whether there is anything to send."""
	data, before = _parsed(event.data), _parsed(event.data_before)
	if event.update_type in OF_FILES:
		data = _file_as_sent(event, data, hidden, documents, files)
	elif event.update_type == CREATE:
		data = _whole_as_sent(data, hidden)
	elif event.update_type == UPDATE and data is not None:
		if (left := hidden.change_to_send(data)) is None:
			return False
		data, before = left, before and hidden.change(before)
	if data is None and event.update_type in OF_FILES:
		return False
	event.data = None if data is None else dump(data)
	event.data_before = None if before is None else dump(before)
	event.size = len(event.data or "") + len(event.data_before or "") + ENVELOPE_BYTES
	event.ready = True
	return True


def _parsed(text: str | None) -> Any:
	"""The data of an event; what can't be read can't be sent either, as nobody knows what it holds."""
	try:
		data = json.loads(text) if text else None
	except ValueError:
		return None
	return data if isinstance(data, dict) else None


def _whole_as_sent(data: dict[str, Any] | None, hidden: Hidden) -> dict[str, Any] | None:
	if data is None:
		return None
	files = data.get(FILES_KEY)
	state = {key: value for key, value in data.items() if key != FILES_KEY}
	sent = hidden.document(state)
	if files is None:
		return sent
	return {**sent, FILES_KEY: [file for file in files if not hidden.hides_file(file, state, sent)]}


def _file_as_sent(
	event: Candidate,
	file: dict[str, Any] | None,
	hidden: Hidden,
	documents: dict[Key, dict[str, Any]],
	files: dict[str, tuple[Key, RemoteFile]],
) -> dict[str, Any] | None:
	"""Of a file that the document has not got any more nobody can tell what named it: that it came is nothing to tell of then."""
	state = documents.get(event.document) if event.now else None
	if file is None or hidden.hides_file(file, state):
		return None
	if event.update_type == DETACH:
		return {**file, **LOST}
	owner, now = files.get(str(file.get("file")), (None, None))
	return None if owner != event.document or hidden.hides_file(now, state) else file


def _files_now(events: list[Candidate]) -> dict[str, tuple[Key, RemoteFile]]:
	"""Name of a file that an event tells of -> the document that has it now, and the file as it is."""
	told_of = {
		str(file.get("file"))
		for event in events
		if event.update_type == ATTACH and (file := _parsed(event.data))
	}
	return {
		row.name: ((row.attached_to_doctype, str(row.attached_to_name)), told(row, None))
		for row in read({"name": told_of})
	}


def _with_files(reader: Reader, events: list[Candidate]) -> dict[Key, dict[str, Any]]:
	"""The documents that have or had the files of a page, as they are now: a query for each of their tables."""
	keys = [
		event.document
		for event in events
		if event.update_type in (ATTACH, DETACH) and event.now and event.ref_doctype in reader.hidden
	]
	return {
		(doctype, name): snapshot(doc)
		for doctype, names in by_doctype(keys).items()
		for name, doc in load_documents(doctype, names).items()
	}
