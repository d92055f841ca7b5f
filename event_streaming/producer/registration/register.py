"""A site registers as a consumer: who it is, that it can be reached, and what it wants. The other half of the handshake
is in `event_streaming.consumer.subscriptions.registration`.

Writes the Event Consumer on behalf of the other site, and never approves anything: see subscriptions.py for what a
registration may change. Every refusal says to the admin over there what to do.
"""

import json
import re
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.exceptions import EventStreamingError, RemoteRefused, WrongSite
from event_streaming.http.client import SiteClient
from event_streaming.http.confidential import Confidential
from event_streaming.messages.coded import _
from event_streaming.producer.log.sequence import assign_positions, head_position, position_at, time_of_head
from event_streaming.producer.registration.approval import CALL_SECONDS
from event_streaming.producer.registration.rate import count_registration
from event_streaming.producer.registration.unlogged import unlogged
from event_streaming.producer.subscriptions import calling, conditions
from event_streaming.producer.subscriptions.hidden import hidden_of
from event_streaming.producer.subscriptions.met import refuse_known, refuse_other
from event_streaming.producer.subscriptions.reader import subscriptions_of
from event_streaming.producer.subscriptions.streamed import APPROVED, CONSUMER, PENDING
from event_streaming.site.address import public_url, time_zone, web_address
from event_streaming.site.refused import refuse_system_doctypes
from event_streaming.site.roles import ADMINISTRATOR, SUBSCRIBER, may_subscribe
from event_streaming.site.site_id import own_id, refuse_if_for_another
from event_streaming.wire.checks import as_site_id
from event_streaming.wire.pages import KEEP, PROTOCOL, REMOVE
from event_streaming.wire.paths import CONFIRM

MOST_FIELDS = 500
FIELD = re.compile(r"\w{1,140}(\.\w{1,140})?")


def register(data: dict | str) -> dict[str, Any]:
	"""A consumer makes itself known, or says again what it subscribes to; answers what the contract says.

	Raises with a message for the admin of the other site, who sees it when saving the Event Producer.
	"""
	count_registration()
	refuse_if_for_another()
	data = _parsed(data)
	callback_url = _callback_url(data)
	user = _check_user(data)
	wanted = _wanted(data)
	refuse_system_doctypes(list(wanted))
	existing = frappe.db.get_value(
		CONSUMER, callback_url, ["name", "user", "site_id", "ca_certificate"], as_dict=True
	)
	if existing and existing.user != user:
		frappe.throw(
			_(
				"{0} is already registered on {1} by another user ({2}). Delete that Event Consumer there first."
			).format(callback_url, public_url(), existing.user),
			EventStreamingError,
		)
	if not existing and user == ADMINISTRATOR:
		frappe.throw(
			_(
				"Administrator may do everything on {0}, and its keys would lie on another site. Make a user of its own there, with the role {1}, and choose it as Event Subscriber."
			).format(public_url(), SUBSCRIBER),
			EventStreamingError,
		)
	_check_site(callback_url, user, existing, as_site_id(data.get("site_id")))
	_check_conditions(wanted, existing and existing.name, cint(data.get("saved")))
	if cint(data.get("protocol")) >= PROTOCOL:
		if cint(data.get("reachable")):
			_call_back(callback_url, data, existing.ca_certificate if existing else "")
	elif existing:
		# an old consumer changes its subscriptions through the document
		return {"last_update": str(time_of_head())}
	# "from now on" starts after everything that is committed, also what has no position yet
	frappe.db.commit()
	assign_positions()
	token = calling.checked_key(data["consumer_token"]) if data.get("consumer_token") else ""
	consumer = _save_consumer(callback_url, user, data, wanted, bool(existing))
	if token:
		calling.keep_token(consumer, token)
	return _registration(consumer, made=not existing, last_update=data.get("last_update"))


def register_from_json(data: str | dict) -> str:
	"""`register`, as the public endpoint speaks it: JSON in, JSON out. Raises NotFinished for what nobody has foreseen."""
	return unlogged(
		lambda: json.dumps(register(data), default=str),
		_keys_in(data),
		"Event Streaming: a registration broke off",
		_("{0} could not finish the registration. Its Error Log {1} says where; then try again.").format(
			public_url(), "{0}"
		),
	)


def _keys_in(data: str | dict) -> list:
	try:
		given = json.loads(data) if isinstance(data, str) else data
		return [given.get(name) for name in ("api_key", "api_secret", "consumer_token", "token")]
	except (ValueError, AttributeError):
		return []


def _parsed(data: dict | str) -> dict:
	if isinstance(data, str):
		try:
			data = json.loads(data)
		except ValueError:
			data = None
	if not isinstance(data, dict):
		frappe.throw(_("The registration is not a JSON object."), EventStreamingError)
	return data


def _callback_url(data: dict) -> str:
	url = web_address(data.get("event_consumer"))
	if not url:
		frappe.throw(
			_(
				"The consumer gave no address at which it can be reached: set the public URL in its Event Streaming Settings."
			),
			EventStreamingError,
		)
	if url == public_url():
		frappe.throw(
			_(
				"{0} is the address of the producer itself. A site can't subscribe to itself; if the consumer is another"
				" site, set the public URL in the Event Streaming Settings of both."
			).format(url),
			EventStreamingError,
		)
	return url


def _check_user(data: dict) -> str:
	"""The user of the subscription: who calls, enabled and with the role Event Subscriber, or a System Manager."""
	user, here = data.get("user"), public_url()
	if not user or not isinstance(user, str):
		frappe.throw(_("The registration names no user: choose an Event Subscriber."), EventStreamingError)
	# first of all: whether this site has some other user is nobody's business
	if user.lower() != frappe.session.user.lower():
		frappe.throw(
			_(
				"The API keys belong to {0} on {1}, but the Event Subscriber is {2}. Enter the keys that {2} has there, and"
				" make that user there if it is missing."
			).format(frappe.session.user, here, user),
			frappe.PermissionError,
		)
	user = frappe.session.user
	if not frappe.db.get_value("User", user, "enabled"):
		frappe.throw(
			_("The user {0} is disabled on {1}. Enable it there.").format(user, here), EventStreamingError
		)
	if not may_subscribe(user):
		frappe.throw(
			_("The user {0} does not have the role {1} on {2}. Give it that role there.").format(
				user, SUBSCRIBER, here
			),
			frappe.PermissionError,
		)
	return user


def _check_site(callback_url: str, user: str, existing: Any, site_id: str) -> None:
	"""One site, one Event Consumer: neither another site at its address, nor the same site at another."""
	if not site_id or (existing and existing.site_id == site_id):
		return
	if existing and existing.site_id:
		refuse_other(callback_url, existing.site_id, site_id)
	refuse_known(callback_url, site_id, user)


def _wanted(data: dict) -> dict[str, dict]:
	"""The entries of `consumer_doctypes` by DocType, in their order."""
	entries = data.get("consumer_doctypes") or []
	if isinstance(entries, str):
		try:
			entries = json.loads(entries)
		except ValueError:
			entries = None
	if not isinstance(entries, list) or not all(
		isinstance(entry, dict) and entry.get("doctype") for entry in entries
	):
		frappe.throw(
			_("The DocTypes of the registration are not a list of {doctype, condition}."), EventStreamingError
		)
	return {str(entry["doctype"]): entry for entry in entries}


def _check_conditions(wanted: dict[str, dict], event_consumer: str | None, saved: int) -> None:
	"""Refuse conditions that can't be evaluated here.

	Where it is `saved`, the consumer has saved them already, as this site could not be asked then: until they are mended nothing is
	sent under the conditions that they are to replace, which may be wider.
	"""
	hidden = hidden_of(frappe.get_doc(CONSUMER, event_consumer)) if event_consumer else {}
	for doctype, entry in wanted.items():
		try:
			conditions.check(entry.get("condition"), doctype, hidden.get(doctype))
		except frappe.ValidationError:
			if event_consumer and saved:
				_hold_back(event_consumer, doctype)
			raise


def _hold_back(event_consumer: str, doctype: str) -> None:
	"""Commits: the refusal that follows undoes the rest."""
	consumer = frappe.get_doc(CONSUMER, event_consumer)
	held = [
		row for row in consumer.consumer_doctypes if row.ref_doctype == doctype and row.status == APPROVED
	]
	if not held:
		return
	for row in held:
		row.status = PENDING
	consumer.flags.from_consumer_refused = True
	consumer.save(ignore_permissions=True)
	frappe.db.commit()


def _call_back(callback_url: str, data: dict, authorities: str | None) -> None:
	"""Ask at the consumer's address whether it is the site that is registering: with the word that only it knows."""
	nonce, here = Confidential(data.get("token") or ""), public_url()
	site_id = as_site_id(data.get("site_id"))
	about = {"expects": site_id, "authorities": authorities or ""}
	# one of an earlier version of this app gives keys with it
	keys = [str(data.get(name) or "") for name in ("api_key", "api_secret")]
	client = (
		SiteClient(callback_url, *keys, **about)
		if all(keys)
		else SiteClient(callback_url, token=nonce, **about)
	)
	try:
		answer = client.call(CONFIRM, {"token": nonce}, timeout=CALL_SECONDS)
	except WrongSite:
		answer = None
	except RemoteRefused:
		frappe.throw(
			_(
				"{0} refused to be asked whether it is registering here. Does another site answer there, or something in front of it?"
				" Correct the public URL in the consumer's Event Streaming Settings."
			).format(callback_url),
			EventStreamingError,
		)
	except EventStreamingError as error:
		frappe.throw(
			_(
				"{0} tried to reach the consumer at {1} and could not: {2} Correct the public URL in the consumer's Event"
				" Streaming Settings, or tick there that other sites cannot reach it."
			).format(here, callback_url, str(error)),
			EventStreamingError,
		)
	finally:
		client.close()
	if not isinstance(answer, dict) or not answer.get("token_known") or _is_other(answer, site_id):
		frappe.throw(
			_(
				"At {0} another site answers than the one that is registering. Correct the public URL in the consumer's"
				" Event Streaming Settings."
			).format(callback_url),
			EventStreamingError,
		)


def _is_other(answer: dict, site_id: str) -> bool:
	met = as_site_id(answer.get("site_id"))
	return bool(met and site_id and met != site_id)


def _save_consumer(callback_url: str, user: str, data: dict, wanted: dict[str, dict], exists: bool):
	consumer = frappe.get_doc(CONSUMER, callback_url) if exists else frappe.new_doc(CONSUMER)
	protocol = min(cint(data.get("protocol")) or 1, PROTOCOL)
	consumer.update(
		{
			"callback_url": callback_url,
			"user": user,
			"protocol": protocol,
			# a consumer of the older app says nothing about it, and can be reached as far as anybody knows
			"not_reachable": int(protocol >= PROTOCOL and not cint(data.get("reachable"))),
		}
	)
	if site_id := as_site_id(data.get("site_id")):
		consumer.update({"site_id": site_id, "other_site_id": None, "claimed_by": None})
	if data.get("api_secret") or protocol < PROTOCOL:
		_take_keys(consumer, data)
	before = {row.ref_doctype: row for row in consumer.get("consumer_doctypes") or []}
	consumer.set("consumer_doctypes", [])
	for doctype, entry in wanted.items():
		row = before.get(doctype)
		values = {
			"ref_doctype": doctype,
			"condition": entry.get("condition") or None,
			"when_condition_ends": REMOVE if entry.get("when_condition_ends") == REMOVE else KEEP,
			"not_wanted": _not_wanted(entry),
			"not_asked": 0,
		}
		if "unsubscribed" in entry or row is None or cint(row.not_asked):
			values["unsubscribed"] = cint(entry.get("unsubscribed"))
		if row is None:
			consumer.append("consumer_doctypes", {**values, "status": PENDING})
		else:
			row.update(values)
			consumer.append("consumer_doctypes", row)
	if not exists:
		consumer.position = head_position()
	consumer.flags.from_consumer = True
	# a copy that had the id of another site, and has one of its own now
	frappe.db.set_value(CONSUMER, {"claimed_by": callback_url}, "claimed_by", None, update_modified=False)
	consumer.save(ignore_permissions=True) if exists else consumer.insert(ignore_permissions=True)
	return consumer


def _take_keys(consumer, data: dict) -> None:
	"""The keys with which a consumer that gives no token is called."""
	if not data.get("api_key") or not data.get("api_secret"):
		frappe.throw(
			_("The registration has neither a token nor API keys to call the consumer with."),
			frappe.MandatoryError,
		)
	consumer.api_key, consumer.api_secret = data["api_key"], data["api_secret"]


def _not_wanted(entry: dict) -> str | None:
	"""The fields that the consumer asks not to get, one a line; what this site does not know of does no harm."""
	names = entry.get("not_wanted") or []
	if (
		not isinstance(names, list)
		or len(names) > MOST_FIELDS
		or not all(isinstance(name, str) and FIELD.fullmatch(name) for name in names)
	):
		frappe.throw(
			_("The fields of {0} that are not wanted are not a list of names.").format(entry["doctype"]),
			EventStreamingError,
		)
	return "\n".join(names) or None


def _registration(consumer, made: bool, last_update: Any = None) -> dict[str, Any]:
	"""The answer to a registration. `made`: nothing was on record. `last_update` is where the consumer stood in the old
	protocol."""
	answer: dict[str, Any] = {"last_update": str(time_of_head())}
	if consumer.protocol >= PROTOCOL:
		answer.update(
			protocol=PROTOCOL,
			position=head_position(),
			made=int(made),
			site=public_url(),
			site_id=own_id(),
			time_zone=time_zone(),
			subscriptions=subscriptions_of(consumer),
			token=int(consumer.get("token_state") == calling.IN_ORDER),
		)
		if last_update:
			answer["position_then"] = position_at(last_update)
	return answer
