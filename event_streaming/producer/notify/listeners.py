"""Tells consumers that listen up to which position there is something to pull: a number, published after the commit.

Frappe's realtime server hands it to the sockets of the consumer's user, who has shown the consumer's keys to it; or a NATS server does,
over the process that publishes (relay.py). One message at most for each consumer and look, and none to whom nothing is for (whom.py):
found with a number of queries that does not depend on how many listen, sent in one go. Where many are told, it says how far they are
to spread what they ask. Nothing waits for an answer: a message that is lost costs the time until the consumer's own pull of the
minute.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import frappe
from frappe.realtime import get_user_room
from frappe.utils import cint
from frappe.utils.background_jobs import get_redis_connection_without_auth
from redis.exceptions import RedisError

from event_streaming.broker.settings import get_reader_settings
from event_streaming.producer.log.sequence import head_position
from event_streaming.producer.notify import relay
from event_streaming.producer.notify.spreading import seconds_for
from event_streaming.producer.notify.whom import newest_for
from event_streaming.producer.subscriptions.streamed import CONSUMER
from event_streaming.site.settings import OFF, REALTIME, get_settings
from event_streaming.wire.broker.grants import NATS
from event_streaming.wire.pages import Listen
from event_streaming.wire.paths import WITHDRAWN_EVENT, position_event, position_message

# the head at the last look; where Redis has lost it, so many positions are looked at
TOLD_UP_TO = "event_streaming:told_up_to"
MOST_POSITIONS = 1_000
# Frappe's other name for a user without an account
GUEST = "Guest"
# where Frappe's realtime server listens (frappe.realtime.emit_via_redis)
CHANNEL = "events"


class Listening(NamedTuple):
	"""A consumer that listens: whose keys it has shown, and what it has taken."""

	user: str
	taken: int


def offered(event_consumer: Any) -> Listen | None:
	"""Over what a consumer can listen, as each page tells it; None where it can't."""
	settings = get_settings()
	if settings.listen_through == NATS:
		return relay.offer(event_consumer.user, get_reader_settings())
	if settings.listen_through != REALTIME:
		return None
	return {"back_end": REALTIME.lower(), "port": settings.realtime_port, "site": frappe.local.site}


def tell_listeners(head: int) -> int:
	"""Publish to each consumer that listens the newest position that is for it, of what was logged since the last look; returns how
	many were told. For after a commit: it reads what is committed."""
	if get_settings().listen_through == OFF:
		return 0
	start = _told_up_to(head)
	listening = _listening() if start < head else {}
	newest = newest_for({name: max(start, each.taken) for name, each in listening.items()})
	if newest:
		publish_all({name: (listening[name].user, position) for name, position in newest.items()})
	_remember(head)
	return len(newest)


def ask(event_consumer: str) -> None:
	"""Have a consumer that listens ask for a page although there may be nothing to pull: the position after the last one."""
	if found := _listening(event_consumer).get(event_consumer):
		publish(event_consumer, found.user, head_position() + 1)


def publish(event_consumer: str, user: str, position: int) -> None:
	"""One message to one consumer."""
	publish_all({event_consumer: (user, position)})


def publish_all(told: Mapping[str, tuple[str, int]]) -> None:
	"""One message to each consumer, with its user and the position: all of them in one go. What Redis does not take is lost."""
	if get_settings().listen_through == NATS:
		relay.put_all(told)
		return
	within = seconds_for(len(told))
	try:
		pipe = get_redis_connection_without_auth().pipeline(transaction=False)
		for event_consumer, (user, position) in told.items():
			message = position_message(position, within)
			pipe.publish(CHANNEL, as_frappe_sends_it(position_event(event_consumer), message, user))
		pipe.execute()
	except RedisError:
		pass


def as_frappe_sends_it(event: str, message: dict[str, Any], user: str) -> str:
	"""What `frappe.publish_realtime` says to the realtime server, which takes a round trip for each message. The room is named, as Frappe
	has another one for what a job publishes to a user."""
	said = {"event": event, "message": message, "room": get_user_room(user), "namespace": frappe.local.site}
	return frappe.as_json(said)


def user_changed(doc: Any, method: str | None = None) -> None:
	"""Called when a User was saved or deleted: what was opened with its keys has to be opened anew, after the commit."""
	# between new code and the end of `migrate` users are saved too
	known = frappe.db.table_exists(CONSUMER) and frappe.db.has_column(CONSUMER, "listens")
	if known and frappe.db.exists(CONSUMER, {"user": doc.name, "listens": 1}):
		cut_off(doc.name)


def cut_off(user: str) -> None:
	"""After the commit, have the realtime server close what was opened with the keys of this user (realtime/handlers.js)."""
	frappe.publish_realtime(WITHDRAWN_EVENT, {}, room=get_user_room(user), after_commit=True)


def _listening(event_consumer: str | None = None) -> dict[str, Listening]:
	"""Consumers that listen, whose user may still sign in: a socket that is open outlives the keys it was opened with."""
	consumer, user = frappe.qb.DocType(CONSUMER), frappe.qb.DocType("User")
	query = (
		frappe.qb.from_(consumer)
		.inner_join(user)
		.on(user.name == consumer.user)
		.select(consumer.name, consumer.user, consumer.position)
		.where((consumer.listens == 1) & (consumer.paused == 0))
		.where((user.enabled == 1) & user.api_key.isnotnull() & (user.api_key != "") & (user.name != GUEST))
	)
	if event_consumer:
		query = query.where(consumer.name == event_consumer)
	return {name: Listening(user, cint(taken)) for name, user, taken in query.run()}


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
