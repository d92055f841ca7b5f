"""Which events of a page the consumer's user may read, and how many it may not.

Asks Frappe's permissions once for each DocType.
"""

import frappe
from frappe.utils import cint

from event_streaming.messages.coded import _
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
	trusted.update(reader.open)
	for doctype in by_doctype([event.key for event in events]):
		if doctype in reader.open:
			continue
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
			event.only_the_end = event.ref_doctype not in trusted
			if not event.only_the_end or event.update_type == DELETE:
				kept.append(event)
		elif event.ref_doctype in reader.open or event.document in permitted:
			kept.append(event)
		else:
			reader.withheld.append((event.ref_doctype, event.position))
	return kept


def count_withheld(reader: Reader, cursor: int) -> None:
	"""Add what was withheld up to the page's end to the rows of the Event Consumer, each event once however often it is read."""
	found: dict[str, list[int]] = {}
	for doctype, position in reader.withheld:
		if cint(reader.rows[doctype].withheld_position) < position <= cursor:
			found.setdefault(doctype, []).append(position)
	for doctype, positions in found.items():
		row = reader.rows[doctype]
		row.withheld, row.withheld_position = cint(row.withheld) + len(positions), max(positions)
		values = {"withheld": row.withheld, "withheld_position": row.withheld_position}
		frappe.db.set_value(row.doctype, row.name, values, update_modified=False)
