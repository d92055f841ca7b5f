"""Reads the next lot of events from the log, with all that a message says: one picture of the database for the events, for who may
read them, and for the epoch. Numbers what has no position yet, so it commits; call it where no work is open."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import frappe
from pypika import Order

from event_streaming.producer.documents.names import find_documents
from event_streaming.producer.feed.page import on_the_wire
from event_streaming.producer.feed.selection import Slice
from event_streaming.producer.log import epochs
from event_streaming.producer.log.epochs import LogState
from event_streaming.producer.log.rows import LOG, Candidate, read_candidates, read_data, select_candidates
from event_streaming.producer.log.sequence import head_position, numbered
from event_streaming.producer.publishing.standing import Standing, Standings
from event_streaming.wire.events import Event

EVENTS, BYTES = 500, 4 * 1024 * 1024


@dataclass
class Entry:
	"""An event that is published, and where the last event of each DocType stood before it."""

	event: Event
	numbered_on: object
	before: dict[str, int]


@dataclass
class Lot:
	"""Events in the order of the log; `reach` is how far they go: up to there nothing else is published."""

	log: LogState
	standing: Standing
	reach: int
	entries: list[Entry] = field(default_factory=list)
	# where the last event of each DocType stands at its end
	heads: dict[str, int] = field(default_factory=dict)


class LogReader:
	"""Reads on from a position. `heads` has, for each DocType of the standing, its last event up to there: as the log has it."""

	def __init__(self, standings: Standings):
		self.standings = standings
		self.at = 0
		self.epoch = ""
		self.heads: dict[str, int] = {}

	def go_to(self, position: int) -> None:
		self.at, self.heads = position, {}

	def next_lot(self) -> Lot:
		numbered()
		# the picture of all that follows
		frappe.db.commit()
		log, standing = LogState(head_position(), epochs.read()), self.standings.now()
		found, reach = self._scan(standing, log.head)
		published = [event for event in found if event.ref_doctype in standing.open_to]
		fates = find_documents(published)
		read_data(published)
		events = {event["id"]: event for event in on_the_wire(Slice(published, reach, log.head, fates))}
		lot = Lot(log, standing, reach, heads=self._heads_of(standing.doctypes, log.epoch))
		for event in found:
			if event.name in events:
				lot.entries.append(Entry(events[event.name], event.sequenced_on, dict(lot.heads)))
			lot.heads[event.ref_doctype] = event.position
		return lot

	def take(self, lot: Lot) -> None:
		"""The lot is published."""
		self.at, self.heads, self.epoch = lot.reach, lot.heads, lot.log.epoch

	def _scan(self, standing: Standing, head: int) -> tuple[list[Candidate], int]:
		if not standing.doctypes or head <= self.at:
			return [], max(head, self.at)
		log = frappe.qb.DocType(LOG)
		query = (
			select_candidates(log)
			.where((log.position > self.at) & (log.position <= head))
			.where(log.ref_doctype.isin(list(standing.doctypes)))
			.orderby(log.position)
			.limit(EVENTS)
		)
		found = read_candidates(query)
		reach, size = head if len(found) < EVENTS else found[-1].position, 0
		for number, event in enumerate(found):
			size += event.size
			if size > BYTES and number:
				return found[:number], found[number - 1].position
		return found, reach

	def _heads_of(self, doctypes: Iterable[str], epoch: str) -> dict[str, int]:
		"""From the log, never from what was published: what has come before may have been sent by nobody."""
		known = self.heads if epoch == self.epoch else {}
		return {
			doctype: known[doctype] if doctype in known else self._head_of(doctype) for doctype in doctypes
		}

	def _head_of(self, doctype: str) -> int:
		log = frappe.qb.DocType(LOG)
		query = frappe.qb.from_(log).select(log.position).where(log.ref_doctype == doctype)
		row = (
			query.where((log.position <= self.at) & (log.position > 0))
			.orderby(log.position, order=Order.desc)
			.limit(1)
			.run()
		)
		return row[0][0] if row else 0
