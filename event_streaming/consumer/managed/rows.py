"""The rows of Event Producers with *Managed by Producer*, by the DocType that they manage here.

Asked with every save on the site, so it is kept twice: in the process for a moment, in Redis for all processes. A row counts
while its DocType is approved and not unsubscribed.
"""

import json
from dataclasses import asdict, dataclass
from time import monotonic

import frappe
from frappe.utils import cint
from redis.exceptions import ConnectionError as RedisUnreachable

from event_streaming.wire.left_out import names_in

ROWS = "Event Producer Document Type"
PRODUCER = "Event Producer"
KEPT = "event_streaming:managed"
KEPT_SECONDS = 60
MEMO_SECONDS = 0.05


@dataclass(frozen=True)
class ManagedRow:
	"""One row: the producer, the user in whose name its documents are written here, and the fields that stay free."""

	event_producer: str
	user: str
	free: tuple[str, ...]


Managed = dict[str, list[ManagedRow]]
_memo: dict[str, tuple[float, Managed]] = {}


def managed_rows() -> Managed:
	"""DocType of this site -> the rows that manage it. One look-up in the process, at most MEMO_SECONDS old."""
	site = frappe.local.site
	memo, now = _memo.get(site), monotonic()
	if memo and now - memo[0] < MEMO_SECONDS:
		return memo[1]
	found = _cached()
	_memo[site] = (now, found)
	return found


def forget_managed(*_args: object) -> None:
	"""A subscription has changed: now, and again once that is committed, for a process may have read the old one meanwhile."""
	_forget()
	frappe.db.after_commit.add(_forget)


def _forget() -> None:
	_memo.pop(frappe.local.site, None)
	frappe.cache.delete_value(KEPT)


def _cached() -> Managed:
	cache = frappe.cache
	key = cache.make_key(KEPT)
	try:
		if (packed := cache.get(key)) is not None:
			return _unpacked(packed)
		found = _read()
		# not for long: this transaction's picture may be old
		cache.set(key, _packed(found), ex=KEPT_SECONDS, nx=True)
	except RedisUnreachable:
		return _read()
	return found


def _packed(managed: Managed) -> str:
	return json.dumps({doctype: [asdict(row) for row in rows] for doctype, rows in managed.items()})


def _unpacked(packed: str | bytes) -> Managed:
	return {
		doctype: [ManagedRow(row["event_producer"], row["user"], tuple(row["free"])) for row in rows]
		for doctype, rows in json.loads(packed).items()
	}


def _read() -> Managed:
	"""From the database, one query. Nothing while the app's tables are not there yet, or are those of an older version."""
	rows, producers = frappe.qb.DocType(ROWS), frappe.qb.DocType(PRODUCER)
	query = (
		frappe.qb.from_(rows)
		.join(producers)
		.on(rows.parent == producers.name)
		.select(
			rows.ref_doctype,
			rows.parent,
			producers.user,
			rows.has_mapping,
			rows.fields_this_site_decides,
			rows.add_up,
			rows.not_sent,
		)
		.where((rows.parenttype == PRODUCER) & (rows.managed_by_producer == 1))
		.where((rows.status == "Approved") & (rows.unsubscribe == 0))
	)
	found: Managed = {}
	try:
		for row in query.run(as_dict=True):
			free = [*names_in(row.fields_this_site_decides), *names_in(row.add_up)]
			if not cint(row.has_mapping):
				# what the producer does not send is named as it calls it there
				free += names_in(row.not_sent)
			managed = ManagedRow(row.parent, row.user, tuple(dict.fromkeys(free)))
			found.setdefault(row.ref_doctype, []).append(managed)
	except Exception as error:
		if frappe.db.is_table_missing(error) or frappe.db.is_missing_column(error):
			return {}
		raise
	return found
