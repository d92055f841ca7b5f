"""Gives committed events their positions: 1, 2, 3 … in an order in which nothing can be missed.

A row's name is taken before its transaction commits, so names are not in the order of commits: 5 can appear after 6 has
been read. Rows are therefore written with position 0 and numbered here, under one short lock, when they are already
committed; `position > cursor` then misses nothing. Within one document names follow the order of its changes (the
second change waits for the first one's row lock), and numbering goes by name, so positions do too.

The lock is the counter's own row in `tabSeries`: the counter survives the clearing of the whole log, and a lock that
belongs to a transaction can't outlive its process. This module commits; call it where no work is open.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import frappe
from frappe.utils import get_datetime, now_datetime
from pypika import Order

LOG = "Event Update Log"
COUNTER = "event_streaming.position"
BATCH = 1_000
# a caller does not wait for more than this; the next one goes on
AT_ONCE = 10_000
ATTEMPTS = 5
# no backup is so old that this many events have been lost with it; whoever asks from further away is not believed
MOST_AHEAD = 1_000_000
# deadlock, lock wait time-out, record has changed since last read (innodb_snapshot_isolation)
PASSING_ERRORS = (1213, 1205, 1020)

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
	if frappe.db.transaction_writes:
		raise RuntimeError("assign_positions commits: call it where no work is open")
	for _round in range(AT_ONCE // BATCH):
		given, head = tried_again(_assign_batch)
		if given < BATCH:
			break
	return head


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


def go_on_after(position: int, taken: int) -> int:
	"""A consumer has taken events up to `position`, and the log ends before that: a backup was restored here.

	Positions go on after it, or what is logged from now on would get some that it is past. Events after `taken`, which it had
	taken by the time of the backup, get new ones: which of them are from after the restore, nobody can say, and the
	consumer knows those that it has had. Returns the head.
	"""
	tried_again(lambda: _go_on_after(position, taken))
	return assign_positions()


def _go_on_after(position: int, taken: int) -> None:
	frappe.db.commit()
	head = _locked_head()
	if head < position <= head + MOST_AHEAD:
		log = frappe.qb.DocType(LOG)
		frappe.qb.update(log).set(log.position, 0).where(log.position > taken).run()
		_set_head(position)
	frappe.db.commit()


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


def is_passing(error: Exception) -> bool:
	"""Whether the error says only that another transaction was in the way."""
	if isinstance(error, frappe.QueryDeadlockError | frappe.QueryTimeoutError):
		return True
	return bool(error.args) and error.args[0] in PASSING_ERRORS


def _assign_batch() -> tuple[int, int]:
	"""One batch in one transaction: (how many were numbered, head)."""
	# ends the old picture of the database that repeatable read would go on showing
	frappe.db.commit()
	if not _unnumbered(1):
		return 0, head_position()
	frappe.db.commit()
	head = _locked_head()
	# the picture is taken by this read, after the lock: it has all that was committed until now
	names = _unnumbered(BATCH)
	if names:
		_number(names, head)
		_set_head(head + len(names))
	frappe.db.commit()
	return len(names), head + len(names)


def _unnumbered(limit: int) -> list[int]:
	log = frappe.qb.DocType(LOG)
	query = frappe.qb.from_(log).select(log.name).where(log.position == 0).orderby(log.name).limit(limit)
	return [int(name) for (name,) in query.run()]


def _number(names: list[int], head: int) -> None:
	"""Positions head + 1, head + 2 … in the order of `names`, each row addressed by its primary key alone.

	(A scan would wait for rows that other transactions have not committed yet.) Names are mostly consecutive, so
	the position is the name plus an offset that changes only at a gap.
	"""
	query = UPDATE[frappe.db.db_type].format(
		offset=_offset_sql(names, head), names=",".join(str(name) for name in names)
	)
	frappe.db.sql(query, {"base": _time_base(head), "head": head})


def _offset_sql(names: list[int], head: int) -> str:
	cases, offset = [], head + 1 - names[0]
	for index, name in enumerate(names[1:], start=1):
		if head + 1 + index - name != offset:
			cases.append(f"WHEN name < {name} THEN {offset}")
			offset = head + 1 + index - name
	return f"(CASE {' '.join(cases)} ELSE {offset} END)" if cases else f"({offset})"


def _time_base(head: int) -> datetime:
	"""The time from which this batch counts microseconds: later than every time given before, whatever the clock does."""
	log = frappe.qb.DocType(LOG)
	row = frappe.qb.from_(log).select(log.sequenced_on).where(log.position == head).run() if head else None
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
