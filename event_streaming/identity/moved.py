"""Which local documents were renamed or deleted while an event is applied: by this site's controllers as well.

Frappe hands a hook the document alone, so the list stands in `frappe.local` while somebody watches.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe


@contextmanager
def watching() -> Iterator[set[tuple[str, str]]]:
	"""(DocType, name) of the documents that lose their name, or are deleted, inside the block."""
	before = getattr(frappe.local, "event_streaming_moved", None)
	frappe.local.event_streaming_moved = moved = set()
	try:
		yield moved
	finally:
		frappe.local.event_streaming_moved = before


def local_document_renamed(doc, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""Hook for every rename on this site."""
	_note(doc.doctype, old)


def local_document_deleted(doc, method: str | None = None) -> None:
	"""Hook for every deletion on this site."""
	_note(doc.doctype, doc.name)


def _note(doctype: str, name: str) -> None:
	moved = getattr(frappe.local, "event_streaming_moved", None)
	if moved is not None:
		moved.add((doctype, str(name)))
