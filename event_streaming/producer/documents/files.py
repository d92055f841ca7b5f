"""Files for a consumer: which file an address in a document's field is, and a file's content, piece by piece.

A file goes to whoever may have the document that it is attached to: not one whose DocType this consumer has asked for
without being approved, never one of the framework's own, and only what the consumer's user may read. Never writes.
"""

import base64
import os
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.exceptions import FileNotSent
from event_streaming.messages.coded import _
from event_streaming.producer.documents.fetching import MOST_DOCUMENTS, may_be_fetched
from event_streaming.producer.documents.file_rows import read, told
from event_streaming.producer.documents.names import roots_of_documents
from event_streaming.producer.documents.reading import by_doctype, load_documents, permitted_names
from event_streaming.producer.subscriptions.hidden import hidden_of
from event_streaming.producer.subscriptions.reader import load_consumer, parsed_list
from event_streaming.producer.subscriptions.streamed import APPROVED
from event_streaming.site.address import public_url
from event_streaming.site.refused import FILE
from event_streaming.wire.difference import snapshot
from event_streaming.wire.files import CHUNK_BYTES, MAX_URL, is_local_url


def find_files(event_consumer: str, references: str | list) -> dict[str, Any]:
	"""The files that addresses in documents mean: `references` is JSON [[DocType, name, address], …].

	Of several files with one address the document's own comes first.
	"""
	consumer = load_consumer(event_consumer)
	asked = _asked_for(references)
	rows = without_hidden(consumer, read({"file_url": {url for _doctype, _name, url in asked}}))
	may = _may_send(consumer, rows)
	roots = roots_of_documents(FILE, may)
	files, missing = [], []
	for doctype, name, url in asked:
		found = [row for row in rows if row.file_url == url]
		sent = [row for row in found if row.name in may]
		own = [row for row in sent if (row.attached_to_doctype, str(row.attached_to_name)) == (doctype, name)]
		if sent:
			row = (own or sent)[0]
			files.append({"reference": [doctype, name, url], "file": told(row, roots.get(row.name))})
		else:
			missing.append([doctype, name, url, "not permitted" if found else "not found"])
	return {"files": files, "missing": missing}


def get_content(event_consumer: str, file: str, offset: int = 0) -> dict[str, Any]:
	"""A piece of the content of the file with this name, from byte `offset` on, in base64; and what it is as a whole."""
	consumer = load_consumer(event_consumer)
	rows = without_hidden(consumer, read({"name": {str(file)}}))
	if not rows:
		raise frappe.DoesNotExistError(_("There is no file {0} on {1}.").format(file, public_url()))
	(row,) = rows
	if row.name not in _may_send(consumer, rows):
		raise frappe.PermissionError(
			_("The user {0} may not have the file {1} of {2}.").format(
				frappe.session.user, row.file_name, public_url()
			)
		)
	try:
		path = frappe.get_doc(FILE, row.name).get_full_path()
		with open(path, "rb") as opened:
			size = os.fstat(opened.fileno()).st_size
			opened.seek(max(cint(offset), 0))
			piece = opened.read(CHUNK_BYTES)
	except (OSError, frappe.ValidationError):
		frappe.clear_messages()
		raise FileNotSent(
			_("{0} of {1} {2} is missing on the disk of {3}: put it back there, then resync.").format(
				row.file_name, row.attached_to_doctype or "", row.attached_to_name or "", public_url()
			)
		) from None
	return {
		"content": base64.b64encode(piece).decode(),
		"size": size,
		"content_hash": row.content_hash or "",
	}


def _asked_for(references: str | list) -> list[tuple[str, str, str]]:
	asked = parsed_list(references)
	if len(asked) > MOST_DOCUMENTS:
		frappe.throw(_("Not more than {0} files can be asked for at once.").format(MOST_DOCUMENTS))
	for entry in asked:
		if (
			not isinstance(entry, list | tuple)
			or len(entry) != 3
			or not all(isinstance(part, str) for part in entry)
			or not is_local_url(entry[2])
			or len(entry[2]) > MAX_URL
		):
			frappe.throw(_("Files are asked for as a list of [DocType, name, address]."))
	return [tuple(entry) for entry in asked]


def without_hidden(consumer, rows: list[Any]) -> list[Any]:
	"""Without the files of hidden fields: for this consumer there are none."""
	hidden = hidden_of(consumer)
	owners = {
		(row.attached_to_doctype, str(row.attached_to_name))
		for row in rows
		if row.attached_to_doctype in hidden
	}
	if not owners:
		return rows
	states = {
		(doctype, name): snapshot(doc)
		for doctype, names in by_doctype(sorted(owners)).items()
		for name, doc in load_documents(doctype, names).items()
	}
	return [
		row
		for row in rows
		if row.attached_to_doctype not in hidden
		or not hidden[row.attached_to_doctype].hides_file(
			told(row, None), states.get((row.attached_to_doctype, str(row.attached_to_name)))
		)
	]


def _may_send(consumer, rows: list[Any]) -> set[str]:
	"""Names of the files that this consumer may have."""
	held_back = {
		row.ref_doctype
		for row in consumer.consumer_doctypes
		if (row.status != APPROVED or cint(row.unsubscribed)) and not cint(row.not_asked)
	}
	attached = [row for row in rows if row.attached_to_doctype and row.attached_to_name]
	owners = [(row.attached_to_doctype, str(row.attached_to_name)) for row in attached]
	readable = {
		(doctype, name)
		for doctype, names in by_doctype(owners).items()
		if doctype not in held_back and doctype != "User" and may_be_fetched(doctype)
		for name in permitted_names(doctype, names)
	}
	may = {row.name for row, owner in zip(attached, owners, strict=True) if owner in readable}
	loose = [row for row in rows if not row.attached_to_doctype]
	return may | {row.name for row in loose if not cint(row.is_private) or row.owner == frappe.session.user}
