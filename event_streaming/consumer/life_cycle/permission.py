"""The subscriber's permission to write a document, asked as Frappe would ask it, before anything is written.

It is all or nothing: where the user lacks a permission level, Frappe would put single fields silently back to their old
values; so its own questions about the same rights are answered by `stand_ins` while the document is written.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import frappe
from frappe.model.document import Document

from event_streaming.messages.coded import _
from event_streaming.messages.markup import without_markup


def authorise(doc: Document, *rights: str) -> None:
	"""Raise frappe.PermissionError, which names the user, the right and the document, unless the user has all `rights`."""
	for right in rights:
		if not doc.has_permission(right):
			raise refusal(doc, right)


def refusal(doc: Document, right: str) -> frappe.PermissionError:
	why = without_markup(str(frappe.flags.pop("error_message", None) or ""))
	message = _("{0} may not {1} {2} {3} on this site: give the user a role that may.").format(
		frappe.session.user, _(right), _(doc.doctype), doc.name or ""
	)
	return frappe.PermissionError(f"{message} {why}".strip())


@contextmanager
def as_it_will_be(doc: Document, name: str | None, stamps: dict[str, Any]) -> Iterator[None]:
	"""Rights that depend on the owner or the name are asked of the document as it will be, also before it is stored."""
	before = doc.name, doc.owner
	doc.name, doc.owner = name or doc.name, stamps.get("owner") or doc.owner
	try:
		yield
	finally:
		doc.name, doc.owner = before
