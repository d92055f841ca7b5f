"""Where a document of this site goes, and how many are not sent to a consumer that has asked for their DocType.

`standing.py` knows how a document stands with a consumer; here that is a state for the form of the document.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.producer.documents.copying import count_names, reader_of_existing
from event_streaming.producer.documents.filters import wanted_conditions
from event_streaming.producer.documents.reading import may_read_all
from event_streaming.producer.reach.history import History, history_of
from event_streaming.producer.reach.reasons import Reason
from event_streaming.producer.reach.standing import standing
from event_streaming.producer.subscriptions.streamed import CONSUMER, ROWS
from event_streaming.wire import tracing as codes

# with a condition each has to be asked: no form waits for a thousand
MOST_CONSUMERS = 50
SENT, COMING, WITHHELD, MISSED = "Sent", "Coming", "Withheld", "Missed"
# they say nothing against a document's changes being sent
LIGHT = (codes.MADE_THERE, codes.NOT_LOGGED, codes.FRESH_COPY)


@dataclass(frozen=True)
class Destination:
	"""How a document stands with one consumer: `reason` says why its last change is not there, if it is not or may not be."""

	site: str
	state: str
	reason: Reason | None = None
	# when the consumer fetched the last of its events
	last: datetime | None = None


def asked_doctypes() -> set[str]:
	"""The DocTypes that any consumer asks for, approved or not."""
	filters = {"parenttype": CONSUMER, "unsubscribed": 0, "not_asked": 0}
	return set(frappe.get_all(ROWS, filters=filters, pluck="ref_doctype", distinct=True, order_by=None))


def destinations(doctype: str, name: str) -> list[Destination]:
	"""Each consumer that asks for the DocType, by name, MOST_CONSUMERS at most. It is asked in the name of their users."""
	sites = frappe.get_all(
		ROWS,
		filters={"parenttype": CONSUMER, "ref_doctype": doctype, "unsubscribed": 0, "not_asked": 0},
		pluck="parent",
		order_by="parent asc",
		limit=MOST_CONSUMERS,
	)
	history = history_of(doctype, name) if sites else History()
	return [_destination(site, doctype, name, history) for site in sites]


def _destination(site: str, doctype: str, name: str, history: History) -> Destination:
	last = history.last_sent(site)
	if history.events and (site, history.events[0].name) in history.sent:
		return Destination(site, SENT, last=last)
	found = standing(frappe.get_doc(CONSUMER, site), doctype, name, history)
	return Destination(site, *_state(found.reasons), last)


def _state(reasons: list[Reason]) -> tuple[str, Reason | None]:
	"""What a document's reasons, the gravest first, come to."""
	by_code = {reason.code: reason for reason in reasons}
	# what is paused is kept, and comes
	held = by_code.pop(codes.PAUSED, None)
	behind = by_code.pop(codes.BEHIND, None)
	grave = next((reason for code, reason in by_code.items() if code not in LIGHT), None)
	if grave:
		return (MISSED if grave.code == codes.MISSED else WITHHELD), grave
	if behind:
		return COMING, held or behind
	return SENT, next(iter(by_code.values()), None)


def count_withheld(event_consumer: str, doctype: str, filters: Any) -> int:
	"""How many of a DocType's documents the consumer's user may not read; 0 with filters, by which it could find out what is in them.

	Where that is none, what was withheld before is no news any more: whoever asks is about to copy or to compare.
	"""
	_consumer, reader = reader_of_existing(event_consumer, doctype, 0, None, None)
	if wanted_conditions(reader, doctype, filters):
		return 0
	found = 0
	if not may_read_all(doctype):
		found = max(count_names(doctype, [], ignore_permissions=True) - count_names(doctype, []), 0)
	row = reader.rows[doctype]
	if not found and cint(row.withheld):
		frappe.db.set_value(row.doctype, row.name, "withheld", 0, update_modified=False)
	return found
