"""The site on which the change that is being saved was first made.

While the consumer applies an event it says so here, and capture stamps it on what this site logs in turn;
that is what stops echoes. It holds for the one document that is applied, never for what its hooks save besides.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe

# flag of a document that is being made for another site's: where that was first made (a wire.Root)
ROOT_FLAG = "event_streaming_root"


@contextmanager
def applying(doctype: str, origin: str) -> Iterator[None]:
	"""Changes of documents of `doctype` made inside the block were first made on the site `origin` (a URL)."""
	before = getattr(frappe.local, "event_streaming_origin", None)
	frappe.local.event_streaming_origin = (doctype, origin)
	try:
		yield
	finally:
		frappe.local.event_streaming_origin = before


def current_origin(doctype: str) -> str:
	"""The origin (a URL) of the change being saved, or "" when it is made on this site itself."""
	applied = getattr(frappe.local, "event_streaming_origin", None)
	if applied and applied[0] == doctype:
		return applied[1]
	return ""
