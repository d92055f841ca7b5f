"""Which events of a page the consumer's user may read. Asks Frappe's permissions once for each DocType."""

import frappe
from frappe import _

from event_streaming.producer.documents.reading import by_doctype, may_read_all, permitted_names
from event_streaming.producer.log.rows import Candidate, Key
from event_streaming.producer.subscriptions.reader import Reader
from event_streaming.site.address import public_url
from event_streaming.wire.events import DELETE


def permitted(reader: Reader, events: list[Candidate]) -> list[Candidate]:
	"""Only what the consumer's user may read.

	Of a document that is gone nobody can say any more who might read it: its events go to a user who provably may read every
	document of the DocType, to others only its end.
	"""
	permitted: set[Key] = set()
	trusted: set[str] = set()
	gone = {event.ref_doctype for event in events if event.now is None}
	for doctype in by_doctype([event.key for event in events]):
		if not frappe.has_permission(doctype, "read"):
			reader.warnings.append(
				_("The user {0} may not read {1} on {2}: its events are held back.").format(
					frappe.session.user, doctype, public_url()
				)
			)
			continue
		if doctype in gone and may_read_all(doctype):
			trusted.add(doctype)
		now = {event.now for event in events if event.ref_doctype == doctype and event.now}
		permitted.update((doctype, name) for name in permitted_names(doctype, now))
	kept = []
	for event in events:
		if event.now is None:
			if event.ref_doctype in trusted or event.update_type == DELETE:
				kept.append(event)
		elif event.document in permitted:
			kept.append(event)
	return kept
