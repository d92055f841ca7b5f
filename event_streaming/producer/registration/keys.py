"""New keys for a consumer: it makes them and tells this site, which puts them in force in one transaction.

A user's secret is set only by that user itself, and only when nobody else is known to use it.
"""

from collections.abc import Callable, Iterable
from typing import Any

import frappe
from frappe.utils import cint, now_datetime
from frappe.utils.password import set_encrypted_password

from event_streaming.exceptions import EventStreamingError
from event_streaming.messages.coded import _
from event_streaming.producer.log.sequence import tried_again
from event_streaming.producer.notify import listeners, notifications
from event_streaming.producer.registration.unlogged import unlogged
from event_streaming.producer.subscriptions import calling
from event_streaming.producer.subscriptions.reader import load_consumer
from event_streaming.producer.subscriptions.streamed import CONSUMER
from event_streaming.site.address import public_url
from event_streaming.site.rotations import record_rotation
from event_streaming.wire.pages import PROTOCOL

# user -> names of the Event Producers to which this site has given that user's keys
AlsoUsed = Callable[[str], Iterable[str]]


def renew_for(event_consumer: str, token: str, secret: str | None, also_used: AlsoUsed) -> dict[str, Any]:
	"""The consumer's call, as its own user: the token to call it with, and the secret that its user has here from now on.

	The same twice does no harm: the consumer asks again when it has not got the answer.
	"""
	return unlogged(
		lambda: tried_again(lambda: renew(event_consumer, token, secret, also_used)),
		(token, secret),
		"Event Streaming: a change of keys broke off",
		_("{0} could not finish the change of keys. Its Error Log {1} says where; then try again.").format(
			public_url(), "{0}"
		),
	)


def renew(event_consumer: str, token: str, secret: str | None, also_used: AlsoUsed) -> dict[str, Any]:
	consumer = load_consumer(event_consumer)
	token = calling.checked_key(token)
	if secret is not None:
		secret = calling.checked_key(secret)
		refuse_shared(consumer, also_used(consumer.user))
		set_secret(consumer.user, secret)
		values = {"rotated_on": now_datetime(), "rotate_asked_on": None}
		frappe.db.set_value(CONSUMER, consumer.name, values, update_modified=False)
		record_rotation(CONSUMER, consumer.name, _("The new keys for both directions are in use."))
	calling.keep_token(consumer, token)
	return {"site": public_url()}


def set_secret(user: str, secret: str) -> None:
	"""The secret of the user's API keys, as Frappe keeps it. The user's document is not saved: no hook of it may end this."""
	if not frappe.db.get_value("User", user, "api_key"):
		frappe.throw(_("{0} has no API keys on {1}.").format(user, public_url()), EventStreamingError)
	set_encrypted_password("User", user, secret, "api_secret")
	# a form that is saved takes away the secret of a field that is empty
	frappe.db.set_value("User", user, "api_secret", "*" * len(secret), update_modified=False)
	listeners.cut_off(user)


def refuse_shared(consumer, also_used: Iterable[str]) -> None:
	"""A user has one secret: whoever else uses it would be locked out."""
	others = frappe.get_all(CONSUMER, {"user": consumer.user, "name": ["!=", consumer.name]}, pluck="name")
	if names := [*others, *also_used]:
		frappe.throw(
			_(
				"{0} use the keys of {1} on {2} too, and new ones would lock them out. Make a user on {2} for each of them first, or"
				" generate new keys there and enter them at each."
			).format(", ".join(names), consumer.user, public_url()),
			EventStreamingError,
		)


def ask_for_new_keys(event_consumer: str, also_used: AlsoUsed) -> None:
	"""A person here wants new keys: the consumer makes them with its next page, and is woken after the commit if it can be reached."""
	consumer = frappe.get_doc(CONSUMER, event_consumer)
	if cint(consumer.protocol) < PROTOCOL:
		frappe.throw(
			_(
				"{0} runs the older app: its keys can't be changed from here. Generate new keys for {1} here and enter them on the"
				" Event Producer there."
			).format(consumer.name, consumer.user),
			EventStreamingError,
		)
	refuse_shared(consumer, also_used(consumer.user))
	frappe.db.set_value(CONSUMER, consumer.name, "rotate_asked_on", now_datetime(), update_modified=False)
	record_rotation(CONSUMER, consumer.name, _("New keys were requested."))
	if (cint(consumer.listens) or not cint(consumer.not_reachable)) and not cint(consumer.paused):
		frappe.db.after_commit.add(lambda: notifications.wake(consumer.name))
