"""Reads the next lot of events from the log, with all that a message says: one picture of the database for the events, for who may
read them, and for the epoch. Numbers what has no position yet, so it commits; call it where no work is open."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import frappe
from pypika import Order

from event_streaming.database.picture import begin_picture
from event_streaming.producer.documents.names import find_fates
from event_streaming.producer.feed.selection import Slice, divided, groups, without_last_transaction
from event_streaming.producer.feed.shared import on_the_wire
from event_streaming.producer.log import epochs
from event_streaming.producer.log.epochs import LogState
from event_streaming.producer.log.rows import (
	LOG,
	MOST_TOGETHER,
	Candidate,
	read_candidates,
	read_data,
	select_candidates,
)
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
	# and where, after it, the last one of each DocType stands that was made together with it
	to_come: dict[str, int]


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
		begin_picture()
		log, standing = LogState(head_position(), epochs.read()), self.standings.now()
		found, reach = self._scan(standing, log.head)
		published = [event for event in found if event.ref_doctype in standing.open_to]
		fates = find_fates(published)
		read_data(published)
		events = {event["id"]: event for event in on_the_wire(Slice(published, reach, log.head, fates))}
		lot = Lot(log, standing, reach, heads=self._heads_of(standing.doctypes, log.epoch))
		for group in groups(found):
			to_come = _to_come(group)
			for event, after_it in zip(group, to_come, strict=True):
				if event.name in events:
					wire = events[event.name]
					lot.entries.append(Entry(wire, event.sequenced_on, dict(lot.heads), after_it))
				lot.heads[event.ref_doctype] = event.position
		return lot

	def take(self, lot: Lot) -> None:
		"""The lot is published."""
		self.at, self.heads, self.epoch = lot.reach, lot.heads, lot.log.epoch

	def _scan(self, standing: Standing, head: int) -> tuple[list[Candidate], int]:
		"""What comes next, and how far that goes: up to the edge of a transaction, but for those that are divided."""
		if not standing.doctypes or head <= self.at:
			return [], max(head, self.at)
		most, reach = EVENTS, head
		found = self._next_events(standing, self.at, head, most + 1)
		if len(found) > most and not without_last_transaction(found):
			most += MOST_TOGETHER
			found += self._next_events(standing, found[-1].position, head, MOST_TOGETHER)
		if len(found) > most:
			# nothing is left of what is divided in any case
			whole = without_last_transaction(found) or found[:-1]
			reach, found = found[len(whole)].position - 1, whole
		return _within_bytes(found, reach)

	def _next_events(self, standing: Standing, after: int, head: int, limit: int) -> list[Candidate]:
		log = frappe.qb.DocType(LOG)
		query = (
			select_candidates(log)
			.where((log.position > after) & (log.position <= head))
			.where(log.ref_doctype.isin(list(standing.doctypes)))
			.orderby(log.position)
			.limit(limit)
		)
		return read_candidates(query)

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


def _within_bytes(found: list[Candidate], reach: int) -> tuple[list[Candidate], int]:
	taken: list[Candidate] = []
	size = 0
	for group in groups(divided(found)):
		size += sum(event.size for event in group)
		if taken and size > BYTES:
			return taken, group[0].position - 1
		taken.extend(group)
	return taken, reach


def _to_come(group: list[Candidate]) -> list[dict[str, int]]:
	"""For each event of a group, where the last one of each DocType stands after it."""
	found: list[dict[str, int]] = []
	after: dict[str, int] = {}
	for event in reversed(group):
		found.append(dict(after))
		after.setdefault(event.ref_doctype, event.position)
	return found[::-1]
