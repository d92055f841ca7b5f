"""Reads Event Update Log for the feed: events without their data, and the data of those that go into a page.

Which events, and how many, is the caller's business. Never writes.
"""

import json
from dataclasses import dataclass
from typing import Any

import frappe
from frappe.utils.response import json_handler
from pypika.terms import Function

from event_streaming.database.dialects import numbers

LOG = "Event Update Log"
# a document: DocType and name
Key = tuple[str, str]
# a document whose name may be or have been another's: DocType, name in the event, name now
Subject = tuple[str, str, str | None]
# what an envelope adds to an event's data
ENVELOPE_BYTES = 400
# a transaction with more events, or bytes, than this is divided: whoever applies it has it in memory, and in one transaction
MOST_TOGETHER = 500
MOST_BYTES_TOGETHER = 4 * 1024 * 1024


@dataclass
class Candidate:
	"""An event that may go into the page; `data` is read only for those that do."""

	name: str
	position: int
	at_position: int
	update_type: str
	ref_doctype: str
	docname: str
	creation: Any
	sequenced_on: Any
	owner: str
	origin: str
	size: int
	data: str | None = None
	data_before: str | None = None
	# made up for this page, with the document's present state
	made: bool = False
	# what it was made together with; "" where nothing is known
	transaction_id: str = ""
	# its transaction is too large to be sent in one piece
	divided: bool = False
	# its data is read, and holds what the consumer may have and nothing else
	ready: bool = False
	# a deletion in the place of the event: the document no longer meets the consumer's condition
	leaves: bool = False
	# the name that its document has now; None when it is gone
	now: str | None = None
	# of a rename that is read: the name that it gives
	gives: str = ""
	# of a rename: the consumer has not got all of what was changed of its document before
	misses: bool = False
	# the consumer's user may know of it only that it is gone
	only_the_end: bool = False
	# it says what so many changes of its document have made together, and where the first of them stands
	steps: int = 0
	steps_from: int = 0

	@property
	def subject(self) -> Subject:
		"""The document that it is about: another one may have had, or may get, the same name."""
		return self.ref_doctype, self.docname, self.now

	@property
	def document(self) -> Key:
		"""DocType and name now, of a document that is not gone."""
		return self.ref_doctype, str(self.now)

	@property
	def key(self) -> Key:
		return self.ref_doctype, self.docname


def select_candidates(log):
	return frappe.qb.from_(log).select(
		log.name,
		log.position,
		log.update_type,
		log.ref_doctype,
		log.docname,
		log.creation,
		log.sequenced_on,
		log.owner,
		log.origin,
		log.transaction_id,
		(Function("LENGTH", log.data) + Function("COALESCE", Function("LENGTH", log.data_before), 0)).as_(
			"size"
		),
	)


def read_candidates(query) -> list[Candidate]:
	return [
		Candidate(
			name=str(name),
			position=position,
			at_position=position,
			update_type=update_type,
			ref_doctype=doctype,
			docname=docname,
			creation=creation,
			sequenced_on=sequenced_on,
			owner=owner,
			origin=origin or "",
			transaction_id=transaction or "",
			size=(size or 0) + ENVELOPE_BYTES,
		)
		for name, position, update_type, doctype, docname, creation, sequenced_on, owner, origin, transaction, size in query.run()
	]


def read_data(events: list[Candidate]) -> None:
	wanted = [event.name for event in events if not event.made and not event.ready]
	if not wanted:
		return
	log = frappe.qb.DocType(LOG)
	rows = (
		frappe.qb.from_(log)
		.select(log.name, log.data, log.data_before)
		.where(log.name.isin(numbers(wanted)))
		.run()
	)
	data = {str(name): (text, before) for name, text, before in rows}
	for event in events:
		if not event.made and not event.ready:
			event.data, event.data_before = data.get(event.name, (None, None))


def dump(data: dict) -> str:
	"""Compact JSON; whatever is not plain is written as Frappe writes it."""
	return _encode(data)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=json_handler).encode
