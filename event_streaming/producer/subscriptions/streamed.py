"""The set of streamed DocTypes: those whose changes are logged, because a consumer is approved for them.

Asked with every save on the site, so it is `Kept`. What is subscribed to, and by whom, is decided elsewhere.
"""

import json
import secrets
from collections.abc import Iterable
from time import sleep

import frappe
from redis.exceptions import ConnectionError as RedisUnreachable

from event_streaming.database.kept import MEMO_SECONDS, Kept
from event_streaming.database.not_there_yet import unless_missing
from event_streaming.site.refused import FILE, OWN_MODULE

LOG = "Event Update Log"
CONSUMER = "Event Consumer"
ROWS = "Event Consumer Document Type"
APPROVED, PENDING = "Approved", "Pending"
STREAMED = "event_streaming:streamed"
STREAMED_VERSION = "event_streaming:streamed_version"
STREAMED_MARK = "event_streaming:streamed_mark"
KEPT_SECONDS = 24 * 60 * 60
GUESSED_SECONDS = 2
# only the newest reading counts: a slower process must not put an older one over it
SET_IF_NEWEST = """
if redis.call("GET", KEYS[1]) == ARGV[1] then
	return redis.call("SET", KEYS[2], ARGV[2], "EX", ARGV[3])
end
"""


def streamed_doctypes() -> frozenset[str]:
	"""The DocTypes whose changes are logged: approved for at least one consumer."""
	return KEPT.value()


def refresh_streamed_doctypes() -> frozenset[str]:
	"""Read the set and make it known to every process. For after a commit: it must see what was committed.

	Where it has changed, this returns only when no process remembers the old one: who approves a DocType has the answer
	then, and whatever is saved after that is logged.
	"""
	cache = frappe.cache
	version_key, key = cache.make_key(STREAMED_VERSION), cache.make_key(STREAMED)
	try:
		version, before = cache.incr(version_key), cache.get(key)
		cache.set(cache.make_key(STREAMED_MARK), secrets.token_hex(8), ex=KEPT_SECONDS)
		doctypes = _read_doctypes()
		cache.eval(SET_IF_NEWEST, 2, version_key, key, str(version), _packed(doctypes), KEPT_SECONDS)
		if before is None or frozenset(json.loads(before)) != doctypes:
			sleep(MEMO_SECONDS)
	except RedisUnreachable:
		doctypes = _read_doctypes()
	KEPT.remember(doctypes)
	return doctypes


def streamed_version() -> str:
	"""Another one after each decision about what is streamed, and each minute; "" where nobody can say. None comes twice, also
	where Redis was emptied in between."""
	try:
		version = frappe.cache.get(frappe.cache.make_key(STREAMED_MARK))
	except RedisUnreachable:
		return ""
	return version.decode() if version else ""


def forget_streamed_doctypes() -> None:
	"""After the app is removed or a site's database is put back: nothing that was remembered holds."""
	KEPT.forget()
	frappe.cache.delete_value([STREAMED, STREAMED_VERSION, STREAMED_MARK])


def _packed(doctypes: Iterable[str]) -> str:
	return json.dumps(sorted(doctypes))


def _read_doctypes() -> frozenset[str]:
	"""From the database. Nothing while the app's tables are not there yet, or are still those of the old app."""
	return unless_missing(_approved_doctypes, frozenset)


def _approved_doctypes() -> frozenset[str]:
	if not frappe.db.table_exists(LOG) or not frappe.db.has_column(LOG, "position"):
		return frozenset()
	rows = frappe.qb.DocType(ROWS)
	query = (
		frappe.qb.from_(rows)
		.select(rows.ref_doctype)
		.distinct()
		.where((rows.parenttype == CONSUMER) & (rows.status == APPROVED) & (rows.unsubscribed == 0))
	)
	subscribed = [doctype for (doctype,) in query.run() if doctype]
	return frozenset(subscribed) - _not_streamable(subscribed)


def _not_streamable(doctypes: list[str]) -> set[str]:
	if not doctypes:
		return set()
	table = frappe.qb.DocType("DocType")
	query = (
		frappe.qb.from_(table)
		.select(table.name)
		.where(table.name.isin(doctypes))
		.where((table.istable == 1) | (table.is_virtual == 1) | (table.module == OWN_MODULE))
	)
	return {name for (name,) in query.run()} | {FILE, *frappe.model.log_types}


# what one process reads by itself is not for long: see `Kept`
KEPT: Kept[frozenset[str]] = Kept(
	STREAMED, GUESSED_SECONDS, _read_doctypes, _packed, lambda packed: frozenset(json.loads(packed))
)
