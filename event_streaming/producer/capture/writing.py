"""What a document holds when Frappe writes it: noted by what stands in for the method of the document that writes it.

As a hook for before_save it would be called for every document on the site, and it would be too early: after that Frappe still
mends what it writes (numbers, images in texts).
"""

import sys
from typing import Any

from frappe.model.document import Document

from event_streaming.producer.capture.hooks import capture_before_write, times_logged

INSERT, UPDATE, SINGLE = "db_insert", "db_update", "update_single"


class BeforeTheWrite:
	"""Stands in for one method of one document, once: notes what is about to be written, and has it written.

	An object of a class: hooks may copy the document, or pickle it into a job; there it only calls the document's own.
	"""

	def __init__(self, doc: Any, method: str):
		self.doc = doc
		self.method = method
		self.notes = True
		# what is logged of the document until it is written makes another state the one before
		self.logged = 0 if method == INSERT else times_logged(doc)

	def __getstate__(self) -> dict[str, Any]:
		return {**vars(self), "notes": False}

	def __call__(self, *args: Any, **options: Any) -> Any:
		doc, method = self._written(sys._getframe(1).f_locals), self.method
		doc.__dict__.pop(method, None)
		if self.notes and doc is self.doc:
			capture_before_write(doc, self.logged)
		return getattr(doc, method)(*args, **options)

	def _written(self, caller: dict[str, Any]) -> Any:
		"""The document that is written: one that was copied by its attributes has the same stand-in as this one."""
		for each in (caller.get("self"), *caller.values()):
			if isinstance(each, Document) and each.__dict__.get(self.method) is self:
				return each
		return self.doc


def note_before_the_write(doc: Any) -> None:
	"""The document is being saved: note what it holds when it is written, whatever its hooks make of it until then."""
	values = doc.__dict__
	if doc.meta.issingle:
		method = SINGLE
	else:
		method = INSERT if values.get("__islocal") else UPDATE
	# one of an earlier save that failed, or of the document that this is a copy of, is not this save's
	if method not in values or isinstance(values[method], BeforeTheWrite):
		values[method] = BeforeTheWrite(doc, method)
