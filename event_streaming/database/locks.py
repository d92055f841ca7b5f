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
	"""Who has the lock `name` now. None when nobody has it, or where the database does not tell."""
	if frappe.db.db_type != "mariadb":
		return None
	connection = frappe.db.sql("SELECT IS_USED_LOCK(%s)", (lock_key(name),))[0][0]
	if not connection:
		return None
	# a user sees its own connections without any privilege
	row = frappe.db.sql(
		"SELECT TIME, COMMAND FROM information_schema.PROCESSLIST WHERE ID = %s", (connection,)
	)
	seconds, command = row[0] if row else (0, "")
	return Holder(int(connection), int(seconds or 0) if command == "Sleep" else 0)
