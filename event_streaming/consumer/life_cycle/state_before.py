"""The state that a document had when it was read and locked, kept for the save that follows.

Frappe reads a document with all its tables again at the beginning of a save: to see whether somebody else has changed it in
the meantime, and for `get_doc_before_save()`. Nobody can have changed one that this transaction has locked, so that this is
what was read when it was locked. It never keeps a state that may not hold any more: then Frappe reads it again.
"""

import copy
import weakref
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import frappe
from frappe.model.base_document import BaseDocument
from frappe.model.docstatus import DocStatus
from frappe.model.document import Document

from event_streaming.consumer.unit_of_work.lost_transaction import Moment

# what can't be changed in place, and what documents are full of
PLAIN = frozenset((str, int, float, bool, type(None), datetime, date, timedelta, Decimal, DocStatus))
# Frappe 16 gives the rows theirs too; under 15 rows have none, and all that is asked of them has changed
ROWS_TOO = int(frappe.__version__.split(".")[0]) >= 16


def keep_state(doc: Document) -> None:
	"""Keep the state of a document that has just been read and locked, for its next save.

	Not where its class reads it in a way of its own, nor where the object holds something that can't be copied.
	"""
	copied_as_usual = all(
		getattr(type(doc), name, None) is getattr(Document, name, None)
		for name in ("__getstate__", "remove_unpicklable_values")
	)
	if doc.meta.issingle or not copied_as_usual or not is_frappes(type(doc), "load_doc_before_save"):
		return
	try:
		doc.load_doc_before_save = StateBefore(doc)
	except Exception:
		return


def is_frappes(kind: type, name: str) -> bool:
	"""Whether a method of documents of a class is neither the class's own nor one that an app has put in Frappe's place."""
	method = getattr(kind, name, None)
	return (
		method is not None
		and method is getattr(Document, name, None)
		and method.__module__ in (Document.__module__, BaseDocument.__module__)
		and not hasattr(method, "__wrapped__")
	)


class StateBefore:
	"""Stands in for a document's `load_doc_before_save`, once: what is saved after that has another state before.

	Where this transaction has written anything since, be it in a hook, or has ended, the state is read as always. A class,
	because hooks may pickle the document into a job; there it is read as well.
	"""

	def __init__(self, doc: Document):
		self.doc = doc
		self.before = twin_of(doc)
		self.moment = Moment()

	def __getstate__(self) -> dict:
		return {**vars(self), "before": None, "moment": None}

	def __call__(self, **how: Any) -> None:
		doc = self.doc
		del doc.load_doc_before_save
		if self.before is None or self.moment.is_over():
			doc.load_doc_before_save(**how)
			return
		doc._doc_before_save = self.before
		if ROWS_TOO:
			before = {(row.parentfield, row.name): row for row in self.before.get_all_children()}
			for row in doc.get_all_children():
				row._doc_before_save = before.get((row.parentfield, row.name))


def twin_of(doc: BaseDocument) -> Any:
	"""Another object with the same values, as if it had been read again; the two have nothing in common that can change."""
	twin = type(doc).__new__(type(doc))
	values, known = doc.__getstate__(), {id(doc): twin}
	for key, value in values.items():
		if type(value) in PLAIN:
			continue
		if isinstance(value, list) and value and isinstance(value[0], BaseDocument):
			values[key] = [row_of(row, twin) for row in value]
		else:
			values[key] = copy.deepcopy(value, known)
	vars(twin).update(values)
	return twin


def row_of(row: BaseDocument, parent: BaseDocument) -> Any:
	twin = twin_of(row)
	# as Frappe does, so that the two do not keep each other alive
	twin.parent_doc = weakref.ref(parent)
	return twin
