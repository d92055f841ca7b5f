"""A named lock that belongs to a database connection: it goes when its process dies, and commits don't touch it.

Each dialect's SQL stands side by side here. https://mariadb.com/kb/en/get_lock/ and
https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import frappe

from event_streaming.site.address import site_key

TAKE = {
	"mariadb": "SELECT GET_LOCK(%s, %s)",
	# it has no time to wait for: whoever does not get the lock comes again
	"postgres": "SELECT pg_try_advisory_lock(('x' || %s)::bit(64)::bigint)::int FROM (SELECT %s) AS seconds",
}
RELEASE = {
	"mariadb": "SELECT RELEASE_LOCK(%s)",
	"postgres": "SELECT pg_advisory_unlock(('x' || %s)::bit(64)::bigint)::int",
}
# who has it, and for how long that connection has done nothing
HOLDER = {
	"mariadb": """
SELECT ID, CASE WHEN COMMAND = 'Sleep' THEN TIME ELSE 0 END FROM information_schema.PROCESSLIST
WHERE ID = IS_USED_LOCK(%s)
""",
	"postgres": """
SELECT held.pid, CASE WHEN a.state LIKE 'idle%%' THEN EXTRACT(EPOCH FROM clock_timestamp() - a.state_change)::int ELSE 0 END
FROM pg_locks held JOIN pg_stat_activity a ON a.pid = held.pid
WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND ((held.classid::bigint << 32) | held.objid::bigint) = ('x' || %s)::bit(64)::bigint
""",
}
# how a person ends that connection
END = {"mariadb": "KILL {0};", "postgres": "SELECT pg_terminate_backend({0});"}
# of this database only: the key of each lock as a number, and whether this connection has it
HELD_POSTGRES = """
SELECT (classid::bigint << 32) | objid::bigint, pid = pg_backend_pid() FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 1
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@contextmanager
def advisory_lock(name: str, wait_seconds: int = 0) -> Iterator[bool]:
	"""Try to take the lock `name` of this site, where the database can for so long; yields whether it was got."""
	key = lock_key(name)
	dialect = frappe.db.db_type
	taken = bool(frappe.db.sql(TAKE[dialect], (key, wait_seconds))[0][0])
	try:
		yield taken
	finally:
		if taken:
			release(dialect, key)


def lock_key(name: str) -> str:
	return hashlib.sha256(f"{site_key()}\n{name}".encode()).hexdigest()[:16]


def release(dialect: str, key: str) -> None:
	"""Give the lock back. A connection that is gone has already done so."""
	try:
		frappe.db.sql(RELEASE[dialect], (key,))
	except Exception:
		# only a broken connection gets here, and the server frees its locks with it
		frappe.logger("event_streaming").warning("lock not released: the connection is gone")


def locks_held(names: Iterable[str]) -> dict[str, bool]:
	"""Those of the locks `names` that somebody has now, and whether that is this very connection: one query."""
	keys = {lock_key(name): name for name in names}
	if frappe.db.db_type == "postgres":
		held = {f"{number % 2**64:016x}": mine for number, mine in frappe.db.sql(HELD_POSTGRES)}
		return {name: bool(held[key]) for key, name in keys.items() if key in held}
	asked = ", ".join(["IS_USED_LOCK(%s)"] * len(keys))
	own, *holders = frappe.db.sql(f"SELECT CONNECTION_ID(), {asked}", tuple(keys))[0]
	return {name: holder == own for name, holder in zip(keys.values(), holders, strict=True) if holder}


@dataclass(frozen=True)
class Holder:
	"""Who has a lock: the database's number of the connection, and for how long that has done nothing."""

	connection: int
	idle_seconds: int


def lock_holder(name: str) -> Holder | None:
	"""Who has the lock `name` now; None when nobody has it."""
	# a user sees its own connections without any privilege
	row = frappe.db.sql(HOLDER[frappe.db.db_type], (lock_key(name),))
	return Holder(int(row[0][0]), int(row[0][1] or 0)) if row else None


def statement_that_ends(holder: Holder) -> str:
	"""What a person runs in the database to free a lock that is stuck."""
	return END[frappe.db.db_type].format(holder.connection)
