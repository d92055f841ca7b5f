"""Hooks of the DocType File -> Attach and Detach, events of the document that the file is attached to.

Called by the hooks for "File" in hooks.py; capture/hooks.py writes the row. Files that Frappe attaches without any event,
because a field for attachments names them, are found by that field: see files.py.
"""

from typing import Any

from frappe.utils import cint

from event_streaming.identity.origin import ROOT_FLAG
from event_streaming.producer.capture.hooks import log_file
from event_streaming.producer.documents.file_rows import is_told, read, told
from event_streaming.producer.documents.names import roots_of_documents
from event_streaming.producer.subscriptions.streamed import streamed_doctypes
from event_streaming.site.refused import FILE
from event_streaming.wire.events import ATTACH, DETACH

Owner = tuple[str, str]
WATCHED = ("file_name", "file_url", "is_private", "content_hash", "attached_to_field")


def capture_file_insert(doc, method: str | None = None) -> None:
	"""after_insert: the document has one more file."""
	if owner := _streamed_owner(doc):
		_log(ATTACH, owner, doc)


def capture_file_change(doc, method: str | None = None) -> None:
	"""on_change: the file is another document's now, or is not what it was."""
	before = doc.get_doc_before_save()
	if before is None or doc.flags.in_delete or vars(doc).get("__islocal") is not None:
		return
	old, new = _streamed_owner(before), _streamed_owner(doc)
	if old != new:
		if old:
			_log(DETACH, old, before)
		if new:
			_log(ATTACH, new, doc)
	elif new and any((before.get(field) or None) != (doc.get(field) or None) for field in WATCHED):
		_log(ATTACH, new, doc)
	if cint(before.is_private) != cint(doc.is_private):
		_log_same_content(doc)


def capture_file_delete(doc, method: str | None = None) -> None:
	"""after_delete. When the document itself is being deleted it is gone by now, and its files go with it everywhere."""
	if owner := _streamed_owner(doc):
		_log(DETACH, owner, doc)


def _streamed_owner(doc) -> Owner | None:
	"""The document that the file is attached to, if its changes are logged and the file is one that can be told of."""
	doctype, name = doc.attached_to_doctype, doc.attached_to_name
	if not doctype or not name or doctype not in streamed_doctypes():
		return None
	return None if cint(doc.is_folder) or not is_told(doc) else (doctype, str(name))


def _log(update_type: str, owner: Owner, doc: Any) -> None:
	# one that is being made has no identity yet
	root = (doc.get("flags") or {}).get(ROOT_FLAG) or roots_of_documents(FILE, [doc.name]).get(doc.name)
	log_file(update_type, *owner, told(doc, root))


def _log_same_content(doc) -> None:
	"""Frappe makes all files of one content private or public together, the others without any event."""
	if not doc.content_hash:
		return
	for row in read({"content_hash": {doc.content_hash}}):
		doctype, name = row.attached_to_doctype, row.attached_to_name
		if row.name != doc.name and doctype and name and doctype in streamed_doctypes():
			_log(ATTACH, (doctype, str(name)), row)
