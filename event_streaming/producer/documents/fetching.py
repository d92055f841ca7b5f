"""Whole documents for a consumer that needs them before it can apply an event: what its user may read, by name.

Never gives the framework's own DocTypes, never a password, and of a user only what names a person. No condition is asked: what
another document needs comes whole, and counts as given.
"""

import time
from typing import Any

import frappe
from frappe.utils import create_batch

from event_streaming.messages.coded import _
from event_streaming.producer.documents import file_rows
from event_streaming.producer.documents.exact import load_with_positions
from event_streaming.producer.documents.given import record_given
from event_streaming.producer.documents.names import roots_of_documents
from event_streaming.producer.documents.reading import by_doctype, existing_names, permitted_names
from event_streaming.producer.log.rows import Key, dump
from event_streaming.producer.log.sequence import assign_positions, tried_again
from event_streaming.producer.subscriptions.hiding import Hidden, as_sent
from event_streaming.producer.subscriptions.reader import parsed_list, reader_for
from event_streaming.site.refused import FILE, is_system
from event_streaming.site.settings import get_settings
from event_streaming.wire.difference import snapshot

MOST_DOCUMENTS = 500
# so many are held in memory at once
BATCH = 50
# what finds no room in an answer is asked for again; the first batch always does
SECONDS = 5.0
USER_FIELDS = ("name", "email", "first_name", "last_name", "full_name", "enabled", "time_zone", "language")


def fetch(consumer: Any, documents: str | list, trial: bool = False) -> dict[str, Any]:
	"""The answer of the endpoint `get_documents`, for the consumer's user; names that it says nothing of found no room.

	With `trial` nothing counts as given: what needs it is taken back.
	"""
	keys = _asked_for(documents)
	# for consumers that know of one position only: events at or before it are contained in what is read from here on
	frappe.db.commit()
	position = assign_positions()
	reader = reader_for(consumer, 0, None, None)
	rows = reader.rows
	conditional = {doctype for doctype, row in rows.items() if (row.condition or "").strip()}
	found: list[dict[str, Any]] = []
	missing: list[list[str]] = []
	size, most_bytes, deadline = 0, get_settings().page_bytes, time.monotonic() + SECONDS
	for doctype, names in by_doctype(keys).items():
		if not may_be_fetched(doctype):
			reason = "not allowed" if frappe.db.exists("DocType", doctype) else "not found"
			missing.extend([doctype, name, reason] for name in names)
			continue
		for some in create_batch(names, BATCH):
			if found and (size > most_bytes or time.monotonic() >= deadline):
				return {"documents": found, "missing": missing, "position": position}
			fetched = _fetch(doctype, some, missing, reader.hidden.get(doctype))
			if doctype in conditional and not trial:
				_count_as_given(consumer.name, doctype, fetched)
			size += sum(len(dump(entry["data"])) for entry in fetched)
			found.extend(fetched)
	return {"documents": found, "missing": missing, "position": position}


def _count_as_given(event_consumer: str, doctype: str, fetched: list[dict[str, Any]]) -> None:
	positions = {entry["name"]: entry["position"] for entry in fetched}
	# another worker of the consumer may fetch the same; nothing else is written in this transaction
	tried_again(lambda: record_given(event_consumer, doctype, positions, for_another=True))


def _asked_for(documents: str | list) -> list[Key]:
	asked = parsed_list(documents)
	if len(asked) > MOST_DOCUMENTS:
		frappe.throw(_("Not more than {0} documents can be asked for at once.").format(MOST_DOCUMENTS))
	keys = []
	for entry in asked:
		if (
			not isinstance(entry, list | tuple)
			or len(entry) != 2
			or not all(isinstance(part, str) for part in entry)
		):
			frappe.throw(_("Documents are asked for as a list of [DocType, name]."))
		keys.append((entry[0], entry[1]))
	return keys


def may_be_fetched(doctype: str) -> bool:
	if doctype == "User":
		return True
	if doctype == FILE or is_system(doctype) or not frappe.db.exists("DocType", doctype):
		return False
	meta = frappe.get_meta(doctype)
	return not meta.istable and not meta.get("is_virtual") and meta.module != "Event Streaming"


def _fetch(
	doctype: str, names: list[str], missing: list[list[str]], hidden: Hidden | None
) -> list[dict[str, Any]]:
	permitted = permitted_names(doctype, names)
	if unread := [name for name in names if name not in permitted]:
		exist = existing_names(doctype, unread)
		missing.extend([doctype, name, "not permitted" if name in exist else "not found"] for name in unread)
	roots = roots_of_documents(doctype, permitted)
	files = file_rows.attached_to(doctype, permitted)
	found = []
	documents, positions = load_with_positions(doctype, permitted)
	for name, doc in documents.items():
		data, told = as_sent(hidden, snapshot(doc), files.get(name))
		if doctype == "User":
			data = {"doctype": doctype, **{fieldname: data.get(fieldname) for fieldname in USER_FIELDS}}
		entry = {
			"doctype": doctype,
			"name": name,
			"data": data,
			"root": roots.get(name),
			"position": positions[name],
		}
		if told:
			entry["files"] = told
		found.append(entry)
	return found
