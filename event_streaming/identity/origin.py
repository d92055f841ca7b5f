"""The site on which the change that is being saved was first made, and which event it is of.

While the consumer applies an event it says so here, and capture stamps it on what this site logs in turn;
that is what stops echoes. It holds for the one document that is applied, never for what its hooks save besides.
What is applied can be asked for by any hook of this site (`event_streaming.is_applying`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import frappe

# flag of a document that is being made for another site's: where that was first made (a wire.Root)
ROOT_FLAG = "event_streaming_root"


@dataclass(frozen=True)
class Applied:
	"""What is being applied: a document of the producer, by the producer's name. `doctype` is what this site calls it.

	`quiet`: no mails, webhooks or assignments are to come of it.
	"""

	producer: str
	doctype: str
	remote_doctype: str
	name: str
	update_type: str
	quiet: bool = False


@contextmanager
def applying(doctype: str, origin: str, applied: Applied | None = None) -> Iterator[None]:
	"""Changes of documents of `doctype` made inside the block were first made on the site `origin` (a URL).

	`applied` says what is applied; None leaves that as it is.
	"""
	local = frappe.local
	before = getattr(local, "event_streaming_origin", None), applied_now()
	local.event_streaming_origin = (doctype, origin)
	local.event_streaming_applied = applied or before[1]
	try:
		yield
	finally:
		local.event_streaming_origin, local.event_streaming_applied = before


def current_origin(doctype: str) -> str:
	"""The origin (a URL) of the change being saved, or "" when it is made on this site itself."""
	applied = getattr(frappe.local, "event_streaming_origin", None)
	if applied and applied[0] == doctype:
		return applied[1]
	return ""


def applied_now() -> Applied | None:
	"""What is being applied by this process at this moment."""
	return getattr(frappe.local, "event_streaming_applied", None)
