"""Gives committed events their positions: 1, 2, 3 … in an order in which nothing can be missed.

A row's name is taken before its transaction commits, so names are not in the order of commits: 5 can appear after 6 has
been read. Rows are therefore written with position 0 and numbered here, under one short lock, when they are already
committed; `position > cursor` then misses nothing. Within one document names follow the order of its changes (the
second change waits for the first one's row lock), and so do positions. The events of one transaction get positions side by
side, where its last one stands: see `ordering`.

The lock is the counter's own row in `tabSeries`: the counter survives the clearing of the whole log, and a lock that
belongs to a transaction can't outlive its process. This module commits; call it where no work is open.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import frappe
from frappe.utils import create_batch, get_datetime, now_datetime
from pypika import Order

from event_streaming.database.locks import advisory_lock
from event_streaming.database.passing import is_passing
from event_streaming.producer.log import epochs, mark, ordering, restored
from event_streaming.producer.log.epochs import LogState
from event_streaming.producer.log.ordering import Row
from event_streaming.producer.log.receipts import Receipt
from event_streaming.producer.log.restored import Finding
from event_streaming.producer.log.rows import MOST_TOGETHER

LOG = "Event Update Log"
COUNTER = "event_streaming.position"
# rows of one UPDATE
BATCH = 1_000
# so many get their positions under one lock, and a caller does not wait for more; the next one goes on
AT_ONCE = 10_000
ATTEMPTS = 5
# for whoever begins an epoch just now
LOCK_SECONDS, PAUSE = 10, 0.2

Result = TypeVar("Result")

UPDATE = {
	"mariadb": """
		UPDATE `tabEvent Update Log` FORCE INDEX (PRIMARY)
		SET sequenced_on = %(base)s + INTERVAL (name + {offset} - %(head)s) MICROSECOND, position = name + {offset}
		WHERE name IN ({names})
	""",
	"postgres": """
		UPDATE "tabEvent Update Log"
		SET sequenced_on = %(base)s::timestamp + (name + {offset} - %(head)s) * interval '1 microsecond',
			position = name + {offset}
		WHERE name IN ({names})
	""",
}


def assign_positions() -> int:
	"""Number the events that are committed and have no position yet; returns the head: the last position given.

	Everything that was committed before the call has a position afterwards, unless more than AT_ONCE were waiting.
	"""
	return numbered().head


def numbered() -> LogState:
	"""The same, with the epochs of the log. A database that was put back to an older state is found here, before anything
	gets a position that was given before."""
	if frappe.db.transaction_writes:
		raise RuntimeError("assign_positions commits: call it where no work is open")
	_more, log = tried_again(_assign_batch)
	return log


def position_of_all() -> int:
	"""The last position given once everything that was committed before the call has one, however much that is."""
	if frappe.db.transaction_writes:
		raise RuntimeError("position commits: call it after the commit")
	while True:
		more, log = tried_again(_assign_batch)
		if not more:
			return log.head


def positions_of(names: list[int]) -> dict[int, int]:
	"""Name -> position of events that are committed; those that have none yet get theirs now."""
	log = frappe.qb.DocType(LOG)
	while True:
		head = assign_positions()
		found = dict(frappe.qb.from_(log).select(log.name, log.position).where(log.name.isin(names)).run())
		if all(found.values()):
			# one that has been cleared since had been taken long before
			return {name: found.get(name, head) for name in names}


def head_position() -> int:
	"""The last position given, as the open transaction sees it."""
	series = frappe.qb.DocType("Series")
	row = frappe.qb.from_(series).select(series.current).where(series.name == COUNTER).run()
	return row[0][0] if row else 0


def position_at(moment: object) -> int:
	"""The last position given at or before a moment: where a cursor of the old protocol stands in the new one."""
	log = frappe.qb.DocType(LOG)
	row = (
		frappe.qb.from_(log)
		.select(log.position)
		.where((log.sequenced_on <= get_datetime(moment)) & (log.position > 0))
		# two of the older app's events may have one time: whoever has taken one has taken both
		.orderby(log.sequenced_on, order=Order.desc)
		.orderby(log.name, order=Order.desc)
		.limit(1)
		.run()
	)
	return row[0][0] if row else 0


def reserve_positions(count: int) -> None:
	"""The positions up to `count` are given to events that are not in the log yet: the next one comes after them."""
	if _locked_head() < count:
		_set_head(count)


def go_on_after_receipt(receipt: Receipt, consumer: str) -> LogState:
	"""A consumer shows a receipt that the log contradicts: a backup was restored here, and it was not noticed at once.

	What has been numbered since gets positions behind all that may have been given: a consumer that was ahead would never
	see it otherwise, and one that has had it knows it by its id and moment.
	"""
	tried_again(lambda: _renumber(lambda log: restored.by_receipt(receipt, consumer, log)))
	return numbered()


def go_on_after_backup(backup: datetime) -> LogState:
	"""An administrator says that the database is that of a backup of this moment."""
	common = position_at(backup)
	reason = restored.said_by(frappe.session.user, backup)
	tried_again(
		lambda: _renumber(
			lambda log: Finding(reason, min(common, log.head), log.head + restored.FAR),
		)
	)
	return numbered()


def _renumber(find: Callable[[LogState], Finding | None]) -> None:
	frappe.db.commit()
	log = LogState(_locked_head(), epochs.read())
	if finding := find(log):
		rows = frappe.qb.DocType(LOG)
		frappe.qb.update(rows).set(rows.position, 0).where(rows.position > finding.same_up_to).run()
		log = _begin_epoch(log, finding)
	frappe.db.commit()
	mark.write(log.epoch, log.head)


def _begin_epoch(log: LogState, finding: Finding) -> LogState:
	log = epochs.add(log, finding.same_up_to, finding.goes_on_after, finding.reason, finding.lost)
	_set_head(log.head)
	restored.tell(finding)
	return log


def tried_again(work: Callable[[], Result]) -> Result:
	"""Run `work`, a transaction of its own, again when it met another transaction."""
	for attempt in range(1, ATTEMPTS + 1):
		try:
			return work()
		except Exception as error:
			frappe.db.rollback()
			if attempt == ATTEMPTS or not is_passing(error):
				raise
	raise AssertionError


def _assign_batch() -> tuple[bool, LogState]:
	"""One batch in one transaction: whether more may be waiting, and how the log stands."""
	kept = mark.read()
	# ends the old picture of the database that repeatable read would go on showing
	frappe.db.commit()
	log = LogState(head_position(), epochs.read())
	if not restored.by_mark(kept, log):
		return _number_batch(may_begin=False) if _is_any_unnumbered() else (False, log)
	# until the mark is written, whoever comes next would find the same again
	with advisory_lock("epoch", LOCK_SECONDS) as taken:
		if not taken:
			time.sleep(PAUSE)
			raise frappe.QueryTimeoutError
		return _number_batch(may_begin=True)


def _number_batch(may_begin: bool) -> tuple[bool, LogState]:
	frappe.db.commit()
	head = _locked_head()
	# the picture is taken by this read, after the lock: it has all that was committed until now
	log = LogState(head, epochs.read())
	if finding := restored.by_mark(mark.read(), log):
		if not may_begin:
			# it was put back a moment ago
			raise frappe.QueryTimeoutError
		log = _begin_epoch(log, finding)
	rows = _unnumbered(AT_ONCE)
	more = len(rows) == AT_ONCE
	names = ordering.in_order(rows, _going_on(rows) if more else ())
	for some in create_batch(names, BATCH):
		_number(some, log.head)
		log = LogState(log.head + len(some), log.epochs)
	if names:
		_set_head(log.head)
	frappe.db.commit()
	# a process that dies before this leaves a mark that is behind
	mark.write(log.epoch, log.head)
	return more, log


def _is_any_unnumbered() -> bool:
	log = frappe.qb.DocType(LOG)
	return bool(frappe.qb.from_(log).select(log.name).where(log.position == 0).limit(1).run())


def _unnumbered(limit: int) -> list[Row]:
	log = frappe.qb.DocType(LOG)
	# by names alone first, which the index on the position has: as long as InnoDB has not cleared away what stood at position 0, it
	# takes these for many, and would rather read the whole log in the order of names
	names = frappe.qb.from_(log).select(log.name).where(log.position == 0).orderby(log.name).limit(limit)
	waiting = names.as_("waiting")
	query = frappe.qb.from_(waiting).join(log).on(log.name == waiting.name)
	rows = query.select(log.name, log.transaction_id).orderby(log.name).run()
	return [(int(name), transaction or "") for name, transaction in rows]


def _going_on(rows: list[Row]) -> set[str]:
	"""Those transactions of the first rows without a position that have more of them later, and are not to be divided."""
	wanted, log = ordering.small_ones(rows, MOST_TOGETHER), frappe.qb.DocType(LOG)
	query = frappe.qb.from_(log).select(log.transaction_id).distinct()
	query = query.where((log.position == 0) & (log.name > rows[-1][0]))
	return set(query.where(log.transaction_id.isin(sorted(wanted))).run(pluck=True)) if wanted else set()


def _number(names: Sequence[int], head: int) -> None:
	"""Positions head + 1, head + 2 … in the order of `names`, each row addressed by its primary key alone.

	(A scan would wait for rows that other transactions have not committed yet.) Names are mostly consecutive, so
	the position is the name plus an offset that changes only at a gap, or where transactions have met.
	"""
	query = UPDATE[frappe.db.db_type].format(
		offset=_offset_sql(names, head), names=",".join(str(name) for name in names)
	)
	frappe.db.sql(query, {"base": _time_base(head), "head": head})


def _offset_sql(names: Sequence[int], head: int) -> str:
	places = sorted((name, head + number) for number, name in enumerate(names, start=1))
	cases, offset = [], places[0][1] - places[0][0]
	for name, position in places[1:]:
		if position - name != offset:
			cases.append(f"WHEN name < {name} THEN {offset}")
			offset = position - name
	return f"(CASE {' '.join(cases)} ELSE {offset} END)" if cases else f"({offset})"


def _time_base(head: int) -> datetime:
	"""The time from which this batch counts microseconds: later than every time given before, whatever the clock does."""
	log = frappe.qb.DocType(LOG)
	# no event has the position of the head where an epoch has just begun
	last_event = frappe.qb.from_(log).select(log.sequenced_on).where(log.position.between(1, head))
	row = last_event.orderby(log.position, order=Order.desc).limit(1).run() if head else None
	now, last = now_datetime(), row and row[0][0]
	return max(now, get_datetime(last)) if last else now


def _locked_head() -> int:
	series = frappe.qb.DocType("Series")
	query = frappe.qb.from_(series).select(series.current).where(series.name == COUNTER).for_update()
	row = query.run()
	if not row:
		frappe.qb.into(series).columns(series.name, series.current).insert(COUNTER, 0).run()
		row = query.run()
	return row[0][0]


def _set_head(head: int) -> None:
	series = frappe.qb.DocType("Series")
	frappe.qb.update(series).set(series.current, head).where(series.name == COUNTER).run()


def time_of_head() -> datetime:
	"""A time not before that of any event that has a position: where a consumer that counts in times starts."""
	return _time_base(head_position())
