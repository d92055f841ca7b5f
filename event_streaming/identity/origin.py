"""The site on which the change that is being saved was first made, and which event it is of.

While the consumer applies an event it says so here, and capture stamps it on what this site logs in turn;
that is what stops echoes. It holds for the one document that is applied, never for what its hooks save besides, be it of
the same DocType: whoever writes the document says which one it is (`writing`, `named`). What is applied can be asked for by any hook of this site (`event_streaming.is_applying`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import frappe

# flag of a document that is being made for another site's: where that was first made (a wire.Root)
ROOT_FLAG = "event_streaming_root"


@dataclass(frozen=True)
class Applied:
	"""What is being applied: a document of the producer, by the producer's name. `doctype` is what this site calls it.

	`quiet`: no mails, webhooks or assignments are to come of it. `transaction_id` is the same for what one transaction of the
	producer has made.
	"""

	producer: str
	doctype: str
	remote_doctype: str
	name: str
	update_type: str
	quiet: bool = False
	transaction_id: str = ""


@dataclass
class Origin:
	"""Where the changes of one document come from; `made` are objects whose name is not certain before they are stored, `stamps`
	what it will have of them in the end, `others` documents that lose to it what they had."""

	doctype: str
	site: str
	names: set[str] = field(default_factory=set)
	made: list[Any] = field(default_factory=list)
	stamps: dict[str, Any] = field(default_factory=dict)
	others: set[tuple[str, str]] = field(default_factory=set)

	def is_of(self, doctype: str, name: str) -> bool:
		if (doctype, str(name)) in self.others:
			return True
		if doctype != self.doctype:
			return False
		return str(name) in self.names or any(str(doc.name) == str(name) for doc in self.made)


@contextmanager
def applying(doctype: str, origin: str, applied: Applied | None = None) -> Iterator[None]:
	"""Changes of the document of `doctype` that is written inside the block were first made on the site `origin` (a URL).

	Which one it is, `writing` and `named` say. `applied` says what is applied; None leaves that as it is.
	"""
	local = frappe.local
	before = getattr(local, "event_streaming_origin", None), applied_now()
	local.event_streaming_origin = Origin(doctype, origin)
	local.event_streaming_applied = applied or before[1]
	try:
		yield
	finally:
		local.event_streaming_origin, local.event_streaming_applied = before


def writing(doctype: str, *names: str, stamps: dict[str, Any] | None = None) -> None:
	"""The document that is applied is this one (a rename has two names of it); it is about to be written.

	`stamps` are those that it will have in the end where Frappe gives it others on the way, as in a merge.
	"""
	origin = getattr(frappe.local, "event_streaming_origin", None)
	if origin and origin.doctype == doctype:
		origin.names.update(str(name) for name in names)
		origin.stamps = stamps or {}


def taking_from(doctype: str, name: str) -> None:
	"""The document that is applied is about to get what this other one has: that is no change of this site's own."""
	origin = getattr(frappe.local, "event_streaming_origin", None)
	if origin:
		origin.others.add((doctype, str(name)))


def named(doc: Any) -> None:
	"""The document that is applied is this new one, which has a name now; Frappe may still give it another at random."""
	origin = getattr(frappe.local, "event_streaming_origin", None)
	if origin and origin.doctype == doc.doctype:
		origin.made.append(doc)


def current_origin(doctype: str, name: str) -> str:
	"""The origin (a URL) of the change of this document, or "" when it is made on this site itself."""
	origin = getattr(frappe.local, "event_streaming_origin", None)
	return origin.site if origin and origin.is_of(doctype, name) else ""


def stamps_in_the_end(doctype: str, name: str) -> dict[str, Any]:
	"""The stamps that the document which is applied will have, where they are not those that it has now; {} for any other."""
	origin = getattr(frappe.local, "event_streaming_origin", None)
	return origin.stamps if origin and origin.is_of(doctype, name) else {}


def told_of(doctype: str, name: str) -> tuple[str, Applied | None]:
	"""Both at once, with every event that is logged: the origin of the change, and what is being applied."""
	origin = getattr(frappe.local, "event_streaming_origin", None)
	if origin is None:
		# nothing is applied, see `applying`
		return "", None
	return origin.site if origin.is_of(doctype, name) else "", applied_now()


def applied_now() -> Applied | None:
	"""What is being applied by this process at this moment."""
	return getattr(frappe.local, "event_streaming_applied", None)
