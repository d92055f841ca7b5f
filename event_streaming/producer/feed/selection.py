"""The events of one page, from the log to the order in which they are to be applied.

The steps: scan the log after the cursor, find what the documents are called now, keep what the consumer's user may read
and what meets its condition, take out what is hidden from the consumer, cut to the page's bounds, read the data. Never writes.

What one transaction has made is in one page, as far as it is for the consumer, be the page larger for it than was asked for. Only a
transaction that is too large for one page of any size is divided; its events say so. For a consumer that is far behind a page reaches further, and changes
of a document are put together in it, see composing.py.
"""

from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.messages.coded import _
from event_streaming.producer.documents.names import Fates, find_documents
from event_streaming.producer.feed.composing import Wish, compose
from event_streaming.producer.feed.hidden import without_hidden
from event_streaming.producer.feed.meeting import meeting_conditions
from event_streaming.producer.feed.open import open_doctypes
from event_streaming.producer.feed.permitted import permitted
from event_streaming.producer.log.rows import (
	ENVELOPE_BYTES,
	LOG,
	MOST_BYTES_TOGETHER,
	MOST_TOGETHER,
	Candidate,
	dump,
	read_candidates,
	read_data,
	select_candidates,
)
from event_streaming.producer.subscriptions.reader import Reader, is_for
from event_streaming.site.address import public_url
from event_streaming.wire.events import Event

# a page looks at no more positions than this, so that a rare DocType does not make it slow
WINDOW = 5_000
# a page in which changes are put together looks at so many times as many events as it holds, one after the other; and at no more bytes
REACHES = (2, 4, 10)
MOST_BYTES_READ = 8 * 1024 * 1024


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
	# those that are contained in others of the page
	contained: list[Candidate] = field(default_factory=list)
	# as they are sent, where that is known already
	on_the_wire: list[Event] | None = None


def read_slice(reader: Reader, head: int) -> Slice:
	"""The steps from the log to the events of a page."""
	if reader.furthest > head:
		reader.warnings.append(
			_(
				"The consumer says that it has taken events up to {0}, but the log of {1} ends at {2}, and nothing there proves"
				" that it ever went further. If a backup was restored there, its administrator says so: event-streaming"
				" restored --help."
			).format(reader.furthest, public_url(), head)
		)
		return Slice([], reader.cursor, head)
	wish = Wish(reader.as_one - reader.hidden.keys(), reader.apart)
	scanned, reach = _scan(reader, head, reader.limit)
	if wish := wish if reach < head else Wish():
		scanned, reach = _scan_far(reader, head, wish)
	doctypes = frozenset(event.ref_doctype for event in scanned)
	reader.open = open_doctypes(reader, doctypes)
	fates = find_documents(scanned)
	scanned = permitted(reader, scanned)
	scanned, came_along = meeting_conditions(reader, scanned, fates)
	scanned = without_hidden(reader, scanned)
	if wish:
		events, contained, cursor = _put_together(reader, scanned, reach, wish)
	else:
		(events, cursor), contained = _cut(reader, scanned, reach), []
	contained += [event for event in came_along if event.at_position <= cursor]
	if any(event.ref_doctype in reader.hidden and not event.ready for event in events):
		raise AssertionError("an event would be sent with what is hidden in it")
	read_data(events)
	return Slice(events, cursor, head, fates, doctypes, contained)


def _scan(reader: Reader, head: int, most: int) -> tuple[list[Candidate], int]:
	"""What the log holds after the cursor for the approved DocTypes, about so many at most, and the position up to which that is all."""
	first = first_position(reader) if reader.rows else None
	if first is None:
		return [], head
	reach, cut = min(first - 1 + WINDOW, head), ""
	found = _for_reader(reader, first, reach, most + 1)
	if len(found) > most and all(_are_together(found[0], event) for event in found):
		# the page is smaller than its first transaction
		most += MOST_TOGETHER
		found = _for_reader(reader, first, reach, most + 1)
	if len(found) <= most:
		edge, cut = _edge(found, reach, head)
		found += _for_reader(reader, reach + 1, edge, MOST_TOGETHER) if edge > reach else []
		reach = edge
	elif whole := without_last_transaction(found):
		reach, found = found[len(whole)].position - 1, whole
	else:
		reach, cut = found.pop().position - 1, found[0].transaction_id
	for event in found:
		event.divided = bool(cut) and event.transaction_id == cut
	return [
		event for event in found if event.position > cint(reader.rows[event.ref_doctype].from_position)
	], reach


def _scan_far(reader: Reader, head: int, wish: Wish) -> tuple[list[Candidate], int]:
	"""The same, as far as the documents of which there are changes might fill a page."""
	found: list[Candidate] = []
	reach = 0
	for times in REACHES:
		before = reach
		found, reach = _scan(reader, head, reader.limit * times)
		count, size, seen = 0, 0, set()
		for number, event in enumerate(found):
			count += not (wish.takes(event) and event.subject in seen)
			size += event.size
			seen.add(event.subject)
			if count > reader.limit or size > MOST_BYTES_READ:
				if whole := without_last_transaction(found[: number + 1]):
					return whole, found[len(whole)].position - 1
				return _scan(reader, head, reader.limit)
		if reach == before or reach == head:
			break
	return found, reach


def _put_together(
	reader: Reader, events: list[Candidate], reach: int, wish: Wish
) -> tuple[list[Candidate], list[Candidate], int]:
	"""The events of a page, those that are contained in them, and the cursor after both."""

	def is_as_sent(event: Candidate) -> bool:
		return event.ready or event.ref_doctype not in reader.hidden

	def write(event: Candidate, change: dict[str, Any], before: dict[str, Any]) -> None:
		event.data, event.data_before, event.ready = dump(change), dump(before), True
		event.size = len(event.data) + len(event.data_before) + ENVELOPE_BYTES

	whole = groups(divided(events))
	chosen, contained, count = compose(
		wish, whole, reader.limit, reader.max_bytes, read_data, write, is_as_sent
	)
	return chosen, contained, whole[count][0].at_position - 1 if count < len(whole) else reach


def _for_reader(reader: Reader, first: int, last: int, limit: int) -> list[Candidate]:
	"""The events from one position to another that may be for the reader: the first `limit` of them."""
	log = frappe.qb.DocType(LOG)
	query = select_candidates(log).where((log.position >= first) & (log.position <= last))
	query = without_taken(reader, log, query.where(log.ref_doctype.isin(list(reader.rows))))
	return read_candidates(query.where(is_for(reader, log)).orderby(log.position).limit(limit))


def without_taken(reader: Reader, log: Any, query: Any) -> Any:
	"""The query without the events that the consumer has taken ahead of its cursor."""
	for doctype, position in reader.taken.items():
		if doctype in reader.rows:
			query = query.where((log.ref_doctype != doctype) | (log.position > position))
	return query


def _edge(found: list[Candidate], reach: int, head: int) -> tuple[int, str]:
	"""`reach`, or where the last transaction ends that goes on there; and that one, if it is too large for that."""
	last = found[-1].transaction_id if found else ""
	if not last or reach == head:
		return reach, ""
	rows = _transactions(reach + 1, head, MOST_TOGETHER)
	going_on = [position for position, _transaction in takewhile(lambda row: row[1] == last, rows)]
	if not going_on:
		return reach, ""
	return going_on[-1], last if len(going_on) == MOST_TOGETHER else ""


def _transactions(first: int, last: int, limit: int) -> list[tuple[int, str | None]]:
	"""The positions from one to another, each with its transaction: the first `limit` of them."""
	log = frappe.qb.DocType(LOG)
	query = frappe.qb.from_(log).select(log.position, log.transaction_id)
	query = query.where((log.position >= first) & (log.position <= last))
	return query.orderby(log.position).limit(limit).run()


def without_last_transaction(found: list[Candidate]) -> list[Candidate]:
	"""Without the events at the end that may not be all of their transaction."""
	end = len(found)
	while end and _are_together(found[end - 1], found[-1]):
		end -= 1
	return found[:end]


def _are_together(one: Candidate, other: Candidate) -> bool:
	"""Whether two events are of one transaction; the older ones that come with an event are of the event's."""
	if one.transaction_id and not one.divided:
		return one.transaction_id == other.transaction_id
	return one.at_position == other.at_position


def first_position(reader: Reader) -> int | None:
	"""Where there is anything to look at: a consumer that starts late does not walk through what is cleared or not for it, nor some
	DocTypes that come first through what stands between their events."""
	start = max(reader.cursor, min(cint(row.from_position) for row in reader.rows.values()))
	log = frappe.qb.DocType(LOG)
	query = frappe.qb.from_(log).select(log.position).where(log.position > start)
	if reader.is_ahead:
		query = query.where(log.ref_doctype.isin(list(reader.rows)) & is_for(reader, log))
		query = without_taken(reader, log, query)
	row = query.orderby(log.position).limit(1).run()
	return row[0][0] if row else None


def _cut(reader: Reader, events: list[Candidate], reach: int) -> tuple[list[Candidate], int]:
	"""As many events as the bounds allow, and the cursor after them. What belongs together stays together."""
	chosen: list[Candidate] = []
	size = 0
	for group in groups(divided(events)):
		group_size = sum(event.size for event in group)
		if chosen and (size + group_size > reader.max_bytes or len(chosen) + len(group) > reader.limit):
			return chosen, group[0].at_position - 1
		chosen.extend(group)
		size += group_size
	return chosen, reach


def divided(events: list[Candidate]) -> list[Candidate]:
	"""The events; those of transactions that are too large for one page say so, and are taken one by one."""
	for group in groups(events):
		if len(group) > MOST_TOGETHER or sum(event.size for event in group) > MOST_BYTES_TOGETHER:
			for event in group:
				event.divided = bool(event.transaction_id)
	return events


def groups(events: list[Candidate]) -> list[list[Candidate]]:
	"""What is to stay together, in order."""
	found: list[list[Candidate]] = []
	for event in events:
		if found and _are_together(found[-1][-1], event):
			found[-1].append(event)
		else:
			found.append([event])
	return found
