"""Positions for consumers that listen over NATS: whoever looks puts them into Redis, and the process that publishes hands them on.

So nobody who saves has to do with the server. Nothing waits for an answer, and what is lost costs the minute. Where that process does
not run, nothing is offered: consumers are called, or pull each minute.
"""

import json
import time
from collections.abc import Mapping

import frappe
from frappe.utils.password import decrypt, get_decrypted_password
from redis.exceptions import RedisError

from event_streaming.broker.settings import ReaderSettings
from event_streaming.http.confidential import Confidential
from event_streaming.producer.notify.spreading import seconds_for
from event_streaming.site.claims import KEPT
from event_streaming.wire.broker import positions
from event_streaming.wire.pages import Listen

BACK_END = "nats"
WAITING, RUNNING = f"{KEPT}positions", f"{KEPT}relay"
MOST_WAITING = 10_000
# of positions nobody has fetched, and since the process was there last
KEPT_SECONDS = 60
Told = tuple[str, bytes]


def put_all(told: Mapping[str, tuple[str, int]]) -> None:
	"""For each consumer its user and a position, in one go. Where Redis is away they are lost."""
	said = [json.dumps([event_consumer, user, position]) for event_consumer, (user, position) in told.items()]
	try:
		pipe = frappe.cache.pipeline(transaction=True)
		pipe.rpush(_key(WAITING), *said)
		pipe.ltrim(_key(WAITING), -MOST_WAITING, -1)
		pipe.expire(_key(WAITING), KEPT_SECONDS)
		pipe.execute()
	except RedisError:
		pass


def wait(seconds: float) -> bytes | None:
	"""Wait so long at most until somebody puts a position: that is for `take`. Where Redis can't be waited for, it is slept."""
	try:
		found = frappe.cache.blpop([_key(WAITING)], timeout=seconds)
	except RedisError:
		time.sleep(seconds)
		return None
	return found[1] if found else None


def take(first: bytes | None = None) -> list[Told]:
	"""(Subject, sealed position) of the newest for each consumer of which somebody has put one since, and of what `wait` has found. One
	query, where there are any."""
	try:
		pipe = frappe.cache.pipeline(transaction=True)
		pipe.lrange(_key(WAITING), 0, -1)
		pipe.delete(_key(WAITING))
		said = pipe.execute()[0]
	except RedisError:
		said = []
	if first:
		said = [first, *said]
	newest: dict[tuple[str, str], int] = {}
	for each in said:
		event_consumer, user, position = json.loads(each)
		key = (event_consumer, user)
		newest[key] = max(position, newest.get(key, 0))
	secrets = _secrets_of({user for _consumer, user in newest})
	newest = {key: position for key, position in newest.items() if key[1] in secrets}
	within = seconds_for(len(newest))
	return [
		(
			positions.subject_of(secrets[user], consumer),
			positions.seal_position(position, positions.key_of(secrets[user], consumer), within),
		)
		for (consumer, user), position in newest.items()
	]


def is_running() -> bool:
	"""Whether a process has said that it hands positions on."""
	try:
		return bool(frappe.cache.get(_key(RUNNING)))
	except RedisError:
		return False


def say_running() -> None:
	"""The process says so, for KEPT_SECONDS."""
	try:
		frappe.cache.set(_key(RUNNING), 1, ex=KEPT_SECONDS)
	except RedisError:
		pass


def say_ended() -> None:
	try:
		frappe.cache.delete(_key(RUNNING))
	except RedisError:
		pass


def offer(user: str, settings: ReaderSettings) -> Listen | None:
	"""Where a consumer with this user can listen; None where nobody would hear."""
	if not settings.servers or not is_running():
		return None
	try:
		secret = get_decrypted_password("User", user, "api_secret", raise_exception=False)
	except frappe.ValidationError:
		# of another encryption key: nobody can sign in with it either
		secret = None
	if not secret:
		return None
	return {
		"back_end": BACK_END,
		"port": 0,
		"site": frappe.local.site,
		"servers": list(settings.servers),
		"login": positions.seal_login(settings.user, settings.password, secret),
	}


def _secrets_of(users: set[str]) -> dict[str, str]:
	"""User -> the secret of its API keys, for those that have one: one query."""
	auth = frappe.qb.Table("__Auth")
	query = (
		frappe.qb.from_(auth)
		.select(auth.name, auth.password)
		.where((auth.doctype == "User") & (auth.fieldname == "api_secret") & (auth.encrypted == 1))
		.where(auth.name.isin(sorted(users)))
	)
	found = {}
	for user, password in query.run() if users else ():
		try:
			found[user] = Confidential(decrypt(password))
		except frappe.ValidationError:
			# one that can't be read keeps nothing from the others
			continue
	return found


def _key(name: str) -> str:
	return frappe.cache.make_key(name)
