"""What comes first where a consumer is behind: pages of the DocTypes that it wants before the others, then all the rest in order.

A page of such DocTypes leaves the cursor where it is; the consumer says with its next request up to where it has taken them. Within
one DocType everything stays in the order of its positions. Never writes but what was withheld.
"""

from dataclasses import dataclass, field, replace

from event_streaming.producer.feed.permitted import count_withheld
from event_streaming.producer.feed.selection import Slice, first_position, read_slice
from event_streaming.producer.feed.shared import read_page
from event_streaming.producer.log.epochs import LogState
from event_streaming.producer.subscriptions.reader import Reader
from event_streaming.wire.wishes.priorities import Wish

# who is no more positions behind gets all of them in order, if they go into one page
LITTLE = 50


@dataclass
class Found:
	"""A page. `ahead`: DocType -> up to where all of it is dealt with once the page is. `held`: something waits that is not wanted now."""

	page: Slice
	is_ahead: bool = False
	ahead: dict[str, int] = field(default_factory=dict)
	held: bool = False

	@property
	def has_more(self) -> bool:
		if self.held:
			return False
		return self.is_ahead or self.page.cursor < self.page.head


def read_in_order_of(reader: Reader, log: LogState, wish: Wish) -> Found:
	"""The page that is wanted next, for one who may read up to the log's head."""
	if reader.furthest > log.head:
		# what it has is not of this log: no page can be right, and the first step of each says so
		return Found(read_slice(reader, log.head))
	if not wish.only and (not wish.first or log.head - reader.cursor <= LITTLE):
		found = _read_rest(reader, log)
		if found.cursor == log.head or not wish.first:
			return Found(found)
		# read again below, in another order
		reader.withheld.clear()
		reader.warnings.clear()
	ahead: dict[str, int] = {}
	for group in wish.first:
		some = _only(reader, group)
		if not some.rows or some.cursor >= log.head:
			continue
		found = read_slice(some, log.head)
		count_withheld(some, found.cursor)
		# one of the group may have been taken further already
		ahead.update((doctype, max(found.cursor, reader.cursor_of(doctype))) for doctype in some.rows)
		if found.events or found.cursor < log.head:
			reader.open = some.open
			return Found(replace(found, cursor=reader.cursor), True, ahead)
	if wish.only and _something_else_waits(reader, wish):
		return Found(Slice([], reader.cursor, log.head), ahead=ahead, held=True)
	return Found(_read_rest(reader, log), ahead=ahead)


def _read_rest(reader: Reader, log: LogState) -> Slice:
	"""What comes after the cursor, without what was taken ahead of it."""
	return read_slice(reader, log.head) if reader.taken else read_page(reader, log)


def _only(reader: Reader, doctypes: tuple[str, ...]) -> Reader:
	"""The same reader, of these DocTypes alone, from where all of one of them is dealt with."""
	rows = {doctype: reader.rows[doctype] for doctype in doctypes if doctype in reader.rows}
	cursor = min((reader.cursor_of(doctype) for doctype in rows), default=reader.cursor)
	return replace(reader, rows=rows, cursor=cursor, is_ahead=True, withheld=[])


def _something_else_waits(reader: Reader, wish: Wish) -> bool:
	first = {doctype for group in wish.first for doctype in group}
	others = replace(reader, rows={k: row for k, row in reader.rows.items() if k not in first}, is_ahead=True)
	return bool(others.rows) and first_position(others) is not None
