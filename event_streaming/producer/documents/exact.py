"""Documents together with their exact position in the log: what is in them, and what is still to come.

A consumer that gets such a document passes over the events up to its position and applies those after it, so that
nothing is applied to it twice and nothing is missed. It commits, and writes nothing but positions.
"""

from collections.abc import Collection

import frappe
from frappe.model.document import Document
from frappe.utils import create_batch

from event_streaming.database.picture import begin_picture
from event_streaming.identity.fates import NAMES_AT_ONCE
from event_streaming.producer.documents.reading import load_documents
from event_streaming.producer.log.rows import LOG
from event_streaming.producer.log.sequence import assign_positions, positions_of


def load_with_positions(doctype: str, names: Collection[str]) -> tuple[dict[str, Document], dict[str, int]]:
	"""(name -> document, name -> position): each event of a document up to its position is in it, and none after.

	The log and the documents are read in one picture of the database, the log first. An event that stands in the
	picture and was numbered late has its position looked up afterwards.
	"""
	# ends the old picture; what is committed by now is numbered
	frappe.db.commit()
	known = assign_positions()
	begin_picture()
	recent = events_after(doctype, names, known) if names else []
	documents = load_documents(doctype, names)
	positions = dict.fromkeys(names, known)
	if recent:
		numbered = positions_of([log for log, _name in recent])
		for log, name in recent:
			positions[name] = max(positions.get(name, 0), numbered[log])
	return documents, positions


def events_after(
	doctype: str, names: Collection[str], position: int, not_from: str = ""
) -> list[tuple[int, str]]:
	"""(name in the log, document) of the events that came after a position, or have none yet.

	Those that were first made on the site `not_from` are left out.
	"""
	log, found = frappe.qb.DocType(LOG), []
	for some in create_batch(sorted(names), NAMES_AT_ONCE):
		query = (
			frappe.qb.from_(log)
			.select(log.name, log.docname)
			.where((log.ref_doctype == doctype) & log.docname.isin(some))
			.where((log.position == 0) | (log.position > position))
		)
		if not_from:
			query = query.where(log.origin.isnull() | (log.origin != not_from))
		found += [(int(name), str(docname)) for name, docname in query.run()]
	return found
