"""What a document holds when Frappe writes it: noted by what stands in for the method of the document that writes it.

As a hook for before_save it would be called for every document on the site, and it would be too early: after that Frappe still
mends what it writes (numbers, images in texts).
"""

from typing import Any

from event_streaming.producer.capture.hooks import capture_before_write

INSERT, UPDATE, SINGLE = "db_insert", "db_update", "update_single"


class BeforeTheWrite:
	"""Stands in for one method of one document, once: notes what is about to be written, and has it written.

	An object of a class: hooks may copy the document, or pickle it into a job; there it only calls the document's own.
	"""

	def __init__(self, doc: Any, method: str):
		self.doc = doc
		self.method = method
		self.notes = True

	def __getstate__(self) -> dict[str, Any]:
		return {"doc": self.doc, "method": self.method, "notes": False}

	def __call__(self, *args: Any, **options: Any) -> Any:
		doc, method = self.doc, self.method
		doc.__dict__.pop(method, None)
		if self.notes:
			capture_before_write(doc)
		return getattr(doc, method)(*args, **options)


def note_before_the_write(doc: Any) -> None:
	"""The document is being saved: note what it holds when it is written, whatever its hooks make of it until then."""
	values = doc.__dict__
	if doc.meta.issingle:
		method = SINGLE
	else:
		method = INSERT if values.get("__islocal") else UPDATE
	if method not in values:
		values[method] = BeforeTheWrite(doc, method)
