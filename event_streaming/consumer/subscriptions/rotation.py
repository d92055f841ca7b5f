"""New keys for one producer: the secret with which this site calls it, and the token with which it calls here.

This site makes both, keeps them as pending, commits, and only then tells the producer, which puts them in force in one transaction.
Whatever becomes of the answer, and of this process, one of the two secrets that are kept here is the right one (the client tries
the other when the first is not known there), and both tokens are valid until the new one is used. So no event is lost, and
whoever rotates again begins where the last one ended. What is recorded goes to `site/rotations.py`.
"""

from contextlib import contextmanager

import frappe

from event_streaming.consumer.logs import state
from event_streaming.consumer.subscriptions import keys
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.database.locks import advisory_lock
from event_streaming.exceptions import EventStreamingError, PullRunning
from event_streaming.messages.coded import _
from event_streaming.site.claims import claim, redis_key
from event_streaming.site.rotations import record_rotation
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.pages import PROTOCOL, Page


def rotate(event_producer: str) -> None:
	"""New keys, because a person here wants them. Commits.

	Raises the Remote* errors with what to do, PullRunning while somebody else is at it, and EventStreamingError for a producer
	that runs the older app.
	"""
	doc = frappe.get_doc(keys.PRODUCER, event_producer)
	refuse_older(doc.name)
	producer = Producer(doc)
	try:
		with alone(doc.name) as taken:
			if not taken:
				raise PullRunning(_("The keys for {0} are being changed just now.").format(doc.name))
			renew(doc.name, producer, with_secret=True)
	finally:
		producer.client.close()


def keep_in_order(doc, producer: Producer, page: Page) -> None:
	"""Between two pages: what the producer asks for with the page, and what is known since. Commits; never raises for the other site."""
	if producer.client.spare_used:
		adopt_spare(doc.name, producer)
	if not page["rotate"] and page["token"] is not False:
		return
	key = redis_key("keys", doc.name)
	if not claim(key):
		# tried within the last minute
		return
	try:
		with alone(doc.name) as taken:
			if taken:
				renew(doc.name, producer, with_secret=page["rotate"])
				frappe.cache.delete(frappe.cache.make_key(key))
	except (EventStreamingError, InvalidPage) as error:
		frappe.db.rollback()
		frappe.logger("event_streaming").warning(f"{doc.name}: no new keys: {error}")


def renew(event_producer: str, producer: Producer, with_secret: bool) -> None:
	"""A new token for the producer, and a new secret of this site's user there. Each step may be the last that this process does."""
	token = keys.pending_token(event_producer)
	secret = keys.pending_secret(event_producer) if with_secret else None
	# before anybody else knows them
	frappe.db.commit()
	producer.rotate_keys(token, secret)
	keys.token_taken(event_producer)
	if secret:
		keys.secret_taken(event_producer, secret)
		producer.client.use_secret(secret)
		record_rotation(keys.PRODUCER, event_producer, _("The new keys for both directions are in use."))
	frappe.db.commit()


def adopt_spare(event_producer: str, producer: Producer) -> None:
	"""The answer to a change was lost, or the process that made it: the producer knows the new secret, not the old one."""
	secret = producer.client.spare_used
	producer.client.spare_used = ""
	if secret == keys.pending_of(event_producer, keys.PENDING_SECRET):
		keys.secret_taken(event_producer, secret)
		record_rotation(keys.PRODUCER, event_producer, _("The new keys for both directions are in use."))
		frappe.db.commit()


def refuse_older(event_producer: str) -> None:
	if state.load_state(event_producer).protocol < PROTOCOL:
		frappe.throw(
			_(
				"{0} runs the older app, or has not answered yet: its keys can't be changed from here. Generate new keys for the user"
				" there, and enter them on its Event Producer here."
			).format(event_producer),
			EventStreamingError,
		)


@contextmanager
def alone(event_producer: str):
	"""Yields whether nobody else changes the keys for this producer."""
	with advisory_lock(f"keys {event_producer}") as taken:
		yield taken
