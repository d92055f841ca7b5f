"""Tells consumers that listen up to which position there is something to pull: a number, published after the commit.

Frappe's realtime server hands it to the sockets of the consumer's user, who has shown the consumer's keys to it; or a NATS server does,
over the process that publishes (relay.py). One message at most for each consumer and look, found with a number of queries that does
not depend on how many listen. Nothing waits for an answer: a message that is lost costs the time until the consumer's own pull of the
minute.
"""

from typing import Any

import frappe
from frappe.query_builder.functions import Max
from frappe.realtime import get_user_room
from frappe.utils import cint
from redis.exceptions import RedisError

from event_streaming.broker.settings import get_broker_settings
from event_streaming.producer.log.sequence import head_position
from event_streaming.producer.notify import relay
from event_streaming.producer.subscriptions.streamed import APPROVED, CONSUMER, LOG, ROWS
from event_streaming.site.settings import OFF, REALTIME, get_settings
from event_streaming.wire.broker.grants import NATS
from event_streaming.wire.pages import Listen
from event_streaming.wire.paths import WITHDRAWN_EVENT, position_event

# the head at the last look; where Redis has lost it, so many positions are looked at
TOLD_UP_TO = "event_streaming:told_up_to"
MOST_POSITIONS = 1_000
# Frappe's other name for a user without an account
GUEST = "Guest"


def offered(event_consumer: Any) -> Listen | None:
	"""Over what a consumer can listen, as each page tells it; None where it can't."""
	settings = get_settings()
	if settings.listen_through == NATS:
		return relay.offer(event_consumer.user, get_broker_settings())
	if settings.listen_through != REALTIME:
		return None
	return {"back_end": REALTIME.lower(), "port": settings.realtime_port, "site": frappe.local.site}


def tell_listeners(head: int) -> int:
	"""Publish to each consumer that listens the newest position that is for it, of what was logged since the last look; returns how
	many were told. For after a commit: it reads what is committed."""
	if get_settings().listen_through == OFF:
		return 0
	start = _told_up_to(head)
	users = _listening_users() if start < head else {}
	newest = _newest(start, head, users) if users else {}
	for consumer, position in newest.items():
		publish(consumer, users[consumer], position)
	_remember(head)
	return len(newest)


def ask(event_consumer: str) -> None:
	"""Have a consumer that listens ask for a page although there may be nothing to pull: the position after the last one."""
	if user := _listening_users(event_consumer).get(event_consumer):
		publish(event_consumer, user, head_position() + 1)


def publish(event_consumer: str, user: str, position: int) -> None:
	"""One message to one consumer. The room is named, as Frappe has another one for what a job publishes to a user."""
	if get_settings().listen_through == NATS:
		relay.put(event_consumer, user, position)
		return
	frappe.publish_realtime(position_event(event_consumer), {"position": position}, room=get_user_room(user))


def user_changed(doc: Any, method: str | None = None) -> None:
	"""Called when a User was saved or deleted: what was opened with its keys has to be opened anew, after the commit."""
	# between new code and the end of `migrate` users are saved too
	known = frappe.db.table_exists(CONSUMER) and frappe.db.has_column(CONSUMER, "listens")
	if known and frappe.db.exists(CONSUMER, {"user": doc.name, "listens": 1}):
		cut_off(doc.name)


def cut_off(user: str) -> None:
	"""After the commit, have the realtime server close what was opened with the keys of this user (realtime/handlers.js)."""
	frappe.publish_realtime(WITHDRAWN_EVENT, {}, room=get_user_room(user), after_commit=True)


def _listening_users(event_consumer: str | None = None) -> dict[str, str]:
	"""Consumer that listens -> its user, if that may still sign in: a socket that is open outlives the keys it was opened with."""
	consumer, user = frappe.qb.DocType(CONSUMER), frappe.qb.DocType("User")
	query = (
		frappe.qb.from_(consumer)
		.inner_join(user)
		.on(user.name == consumer.user)
		.select(consumer.name, consumer.user)
		.where((consumer.listens == 1) & (consumer.paused == 0))
		.where((user.enabled == 1) & user.api_key.isnotnull() & (user.api_key != "") & (user.name != GUEST))
	)
	if event_consumer:
		query = query.where(consumer.name == event_consumer)
	return dict(query.run())


def _newest(start: int, head: int, users: dict[str, str]) -> dict[str, int]:
	"""Consumer -> the last position after `start` of an event that may be for it and that it has not taken."""
	log, rows, consumer = frappe.qb.DocType(LOG), frappe.qb.DocType(ROWS), frappe.qb.DocType(CONSUMER)
	logged = (
		frappe.qb.from_(log)
		.select(log.ref_doctype, log.origin, Max(log.position))
		.where((log.position > start) & (log.position <= head))
		.groupby(log.ref_doctype, log.origin)
		.run()
	)
	by_doctype: dict[str, list[tuple[str | None, int]]] = {}
	for doctype, origin, position in logged:
		by_doctype.setdefault(doctype, []).append((origin, cint(position)))
	if not by_doctype:
		return {}
	subscribed = (
		frappe.qb.from_(rows)
		.inner_join(consumer)
		.on(consumer.name == rows.parent)
		.select(rows.parent, rows.ref_doctype, consumer.position)
		.where((rows.parenttype == CONSUMER) & (rows.status == APPROVED) & (rows.unsubscribed == 0))
		.where((consumer.listens == 1) & rows.ref_doctype.isin(list(by_doctype)))
		.run()
	)
	found: dict[str, int] = {}
	for name, doctype, taken in subscribed:
		positions = [position for origin, position in by_doctype[doctype] if origin != name]
		newest = max(positions, default=0)
		if name in users and newest > max(cint(taken), found.get(name, 0)):
			found[name] = newest
	return found


def _told_up_to(head: int) -> int:
	try:
		kept = frappe.cache.get(frappe.cache.make_key(TOLD_UP_TO))
	except RedisError:
		kept = None
	lowest = max(head - MOST_POSITIONS, 0)
	# further than the log goes: it was put back to an older state
	return lowest if kept is None or cint(kept) > head else max(cint(kept), lowest)


def _remember(head: int) -> None:
	"""After it was published: whoever dies in between has the next look tell it again."""
	try:
		frappe.cache.set(frappe.cache.make_key(TOLD_UP_TO), head)
	except RedisError:
		pass
