"""Documents that are cancelled and never were submitted here, or were never here at all: written without their life cycle.

Submitting one to cancel it again would post its ledger, send its mails and ask for stock that is long gone. This app's own
hooks hear of each, so that sites further on are told.
"""

from frappe.model.document import Document

CANCELLED = 2


def insert(doc: Document, name: str | int | None) -> None:
	"""Write a new cancelled document, its rows too. Stands in the way of nothing: links and mandatory fields are as they came."""
	doc.set("__islocal", True)
	doc.flags.notifications_executed = []
	doc._set_defaults()
	doc.set_user_and_timestamp()
	doc.set_new_name(set_name=name, set_child_names=False)
	doc.set_parent_in_children()
	as_cancelled(doc)
	doc._validate_length()
	doc.db_insert()
	for row in doc.get_all_children():
		row.db_insert()
	for key in ("__islocal", "__unsaved"):
		vars(doc).pop(key, None)
	doc.run_method("on_written_as_cancelled")


def discard(doc: Document) -> None:
	"""A draft that was discarded: as Frappe 16 does it, with all that has changed besides. Frappe 15 has no such thing."""
	discards = hasattr(doc, "discard")
	if discards:
		doc.run_method("before_discard")
	as_cancelled(doc)
	write_through(doc, "on_discard" if discards else "on_change")


def write_through(doc: Document, event: str = "on_change") -> None:
	"""Write a document's fields and rows as they stand, with the event that `db_set` fires."""
	doc.load_doc_before_save()
	doc.set_user_and_timestamp()
	doc.db_update()
	doc.update_children()
	doc.run_method(event)


def as_cancelled(doc: Document) -> None:
	doc.docstatus = CANCELLED
	for row in doc.get_all_children():
		row.docstatus = CANCELLED
