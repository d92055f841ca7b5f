"""Which events of a page the consumer's user may read, and how many it may not.

Asks Frappe's permissions once for each DocType.
"""

import json

import frappe
from frappe.utils import cint

from event_streaming.messages.coded import _
from event_streaming.producer.documents.reading import by_doctype, may_read_all, permitted_names
from event_streaming.producer.log.rows import Candidate, Key, read_data
from event_streaming.producer.subscriptions.reader import Reader
from event_streaming.site.address import public_url
from event_streaming.wire.events import DELETE, RENAME


def permitted(reader: Reader, events: list[Candidate]) -> list[Candidate]:
	"""Only what the consumer's user may read.

	Of a document that is gone nobody can say any more who might read it: its events go to a user who provably may read every
	document of the DocType, to others only its end, and that it was merged into one that they may read.
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
	for event in events:
		event.only_the_end = event.now is None and event.ref_doctype not in trusted
	merges = _into_permitted(
		[event for event in events if event.only_the_end and event.update_type == RENAME]
	)
	kept = []
	for event in events:
		if event.now is None:
			if not event.only_the_end or event.update_type == DELETE or event.name in merges:
				kept.append(event)
		elif event.ref_doctype in reader.open or event.document in permitted:
			kept.append(event)
		else:
			reader.withheld.append((event.ref_doctype, event.position))
	return kept


def _into_permitted(renames: list[Candidate]) -> set[str]:
	"""Names of the renames that are merges into a document that the user may read."""
	read_data(renames)
	into = {event.name: name for event in renames if (name := merged_into(event))}
	found: set[str] = set()
	for doctype in {event.ref_doctype for event in renames}:
		mine = [event.name for event in renames if event.ref_doctype == doctype and event.name in into]
		readable = permitted_names(doctype, {into[name] for name in mine})
		found |= {name for name in mine if into[name] in readable}
	return found


def merged_into(event: Candidate) -> str:
	"""The document into which a rename that is read has merged its own; "" for none."""
	data = json.loads(event.data or "{}")
	return str(data.get("new_name") or "") if data.get("merge") else ""


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
