"""Calling a consumer: with the token that it has given, or with the API keys of one that gives none.

The only module that reads or writes the token. It is kept in Frappe's password store under the Event Consumer, encrypted and in no
field, so that no form and no REST call shows it; *Token* on the form says whether there is one that works. Never commits.
"""

import re

import frappe
from frappe.utils.password import (
	get_decrypted_password,
	remove_encrypted_password,
	set_encrypted_password,
)

from event_streaming.exceptions import EventStreamingError, RemoteRefused
from event_streaming.http.client import SiteClient
from event_streaming.http.client import client_of as client_with_keys
from event_streaming.http.confidential import Confidential
from event_streaming.messages.coded import _
from event_streaming.producer.subscriptions.streamed import CONSUMER
from event_streaming.site.address import public_url
from event_streaming.wire.paths import NOTIFY, NOTIFY_WITH_TOKEN

TOKEN = "token"
IN_ORDER, REFUSED = "In Order", "Refused"
# as `secrets.token_urlsafe` makes them; an HTTP header holds them, and nobody guesses them
KEY = re.compile(r"[A-Za-z0-9_-]{40,140}")


def client_of(consumer) -> SiteClient:
	"""The client with which this site calls a consumer. Raises RemoteRefused when there is nothing to call it with."""
	if consumer.get("token_state"):
		return SiteClient(
			consumer.callback_url,
			token=token_of(consumer.name),
			expects=consumer.get("site_id") or "",
			authorities=consumer.get("ca_certificate") or "",
		)
	if not consumer.api_key:
		raise RemoteRefused(
			_("{0} has given this site no token to call it with: it does with its next pull.").format(
				consumer.name
			)
		)
	return client_with_keys(consumer)


def notify(client: SiteClient, consumer, seconds: float) -> None:
	"""Say that there is something to pull. Raises as `SiteClient.call`."""
	said = {"producer_url": public_url()}
	if consumer.get("token_state"):
		client.call(NOTIFY_WITH_TOKEN, said, timeout=seconds)
	else:
		client.call_any_generation(NOTIFY, said, timeout=seconds)


def token_of(event_consumer: str) -> Confidential:
	try:
		token = get_decrypted_password(CONSUMER, event_consumer, TOKEN, raise_exception=False)
	except frappe.ValidationError:
		frappe.clear_last_message()
		token = ""
	if not token:
		raise RemoteRefused(
			_(
				"The token of {0} is missing or can't be decrypted: it gives this site a new one with its next pull."
			).format(event_consumer)
		)
	return Confidential(token)


def keep_token(consumer, token: str) -> None:
	"""Call the consumer with this token from now on. The keys that it may have given before are forgotten."""
	set_encrypted_password(CONSUMER, consumer.name, token, TOKEN)
	remove_encrypted_password(CONSUMER, consumer.name, "api_secret")
	values = {
		"token_state": IN_ORDER,
		"api_key": None,
		"api_secret": None,
		# what failed with the one before need not fail any more
		"notify_failures": 0,
		"notify_after": None,
	}
	frappe.db.set_value(CONSUMER, consumer.name, values, update_modified=False)
	consumer.update(values)


def checked_key(value: object) -> Confidential:
	"""A token or secret that another site has made, if it is one. Raises EventStreamingError."""
	if not isinstance(value, str) or not KEY.fullmatch(value):
		frappe.throw(_("A new key has to be 40 to 140 letters, digits, - and _."), EventStreamingError)
	return Confidential(value)
