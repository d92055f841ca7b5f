"""The events of one page, from the log to the order in which they are to be applied.

The steps: scan the log after the cursor, find what the documents are called now, keep what the consumer's user may read
and what meets its condition, take out what is hidden from the consumer, cut to the page's bounds, read the data. Never writes.
"""

from dataclasses import dataclass, field

import frappe
from frappe.utils import cint

from event_streaming.messages.coded import _
from event_streaming.producer.documents.names import Fates, find_documents
from event_streaming.producer.feed.hidden import without_hidden
from event_streaming.producer.feed.meeting import meeting_conditions
from event_streaming.producer.feed.open import open_doctypes
from event_streaming.producer.feed.permitted import permitted
from event_streaming.producer.log.rows import LOG, Candidate, read_candidates, read_data, select_candidates
from event_streaming.producer.subscriptions.reader import Reader, is_for
from event_streaming.site.address import public_url
from event_streaming.wire.events import Event

# a page looks at no more positions than this, so that a rare DocType does not make it slow
WINDOW = 5_000


@dataclass
class Slice:
	"""The events of a page, in the order in which they are to be applied, and how far they reach."""

	events: list[Candidate]
	cursor: int
	head: int
	# DocType -> what became of the names of its documents
	fates: dict[str, Fates] = field(default_factory=dict)
	# those of which the log holds anything in this part
	doctypes: frozenset[str] = frozenset()
	# as they are sent, where that is known already
	on_the_wire: list[Event] | None = None


def read_slice(reader: Reader, head: int) -> Slice:
	"""The steps from the log to the events of a page."""
	if reader.cursor > head:
		reader.warnings.append(
			_(
				"The consumer says that it has taken events up to {0}, but the log of {1} ends at {2}, and nothing there proves"
				" that it ever went further. If a backup was restored there, its administrator says so: event-streaming"
				" restored --help."
			).format(reader.cursor, public_url(), head)
		)
		return Slice([], reader.cursor, head)
	scanned, reach = _scan(reader, head)
	doctypes = frozenset(event.ref_doctype for event in scanned)
	reader.open = open_doctypes(reader, doctypes)
	fates = find_documents(scanned)
	scanned = permitted(reader, scanned)
	scanned = meeting_conditions(reader, scanned, fates)
	scanned = without_hidden(reader, scanned)
	events, cursor = _cut(reader, scanned, reach)
	if any(event.ref_doctype in reader.hidden and not event.ready for event in events):
		raise AssertionError("an event would be sent with what is hidden in it")
	read_data(events)
	return Slice(events, cursor, head, fates, doctypes)


def _scan(reader: Reader, head: int) -> tuple[list[Candidate], int]:
	"""What the log holds after the cursor for the approved DocTypes, and the position up to which that is all."""
	first = _first_position(reader) if reader.rows else None
	if first is None:
		return [], head
	reach = min(first - 1 + WINDOW, head)
	log = frappe.qb.DocType(LOG)
	query = (
		select_candidates(log)
		.where((log.position >= first) & (log.position <= reach))
		.where(log.ref_doctype.isin(list(reader.rows)))
		.where(is_for(reader, log))
		.orderby(log.position)
		.limit(reader.limit + 1)
	)
	found = read_candidates(query)
	if len(found) > reader.limit:
		reach = found[-1].position - 1
		found.pop()
	return [
		event for event in found if event.position > cint(reader.rows[event.ref_doctype].from_position)
	], reach


def _first_position(reader: Reader) -> int | None:
	"""Where there is anything to look at: a consumer that starts late does not walk through what is cleared or not for it."""
	start = max(reader.cursor, min(cint(row.from_position) for row in reader.rows.values()))
	log = frappe.qb.DocType(LOG)
	row = (
		frappe.qb.from_(log)
		.select(log.position)
		.where(log.position > start)
		.orderby(log.position)
		.limit(1)
		.run()
	)
	return row[0][0] if row else None


def _cut(reader: Reader, events: list[Candidate], reach: int) -> tuple[list[Candidate], int]:
	"""As many events as the bounds allow, and the cursor after them. What belongs together stays together."""
	chosen: list[Candidate] = []
	size = 0
	for group in _groups(events):
		group_size = sum(event.size for event in group)
		if chosen and (size + group_size > reader.max_bytes or len(chosen) + len(group) > reader.limit):
			return chosen, group[0].at_position - 1
		chosen.extend(group)
		size += group_size
	return chosen, reach


def _groups(events: list[Candidate]) -> list[list[Candidate]]:
	groups: list[list[Candidate]] = []
	for event in events:
		if groups and groups[-1][0].at_position == event.at_position:
			groups[-1].append(event)
		else:
			groups.append([event])
	return groups
