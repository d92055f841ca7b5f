"""A site registers as a consumer: who it is, that it can be reached, and what it wants. The other half of the handshake
is in `event_streaming.consumer.subscriptions.registration`.

Writes the Event Consumer on behalf of the other site, and never approves anything: see subscriptions.py for what a
registration may change. Every refusal says to the admin over there what to do.
"""

import json
import re
from typing import Any

import frappe
from frappe import _
from frappe.utils import cint

from event_streaming.exceptions import EventStreamingError, NotFinished, RemoteRefused
from event_streaming.http.client import SiteClient
from event_streaming.producer.log.sequence import assign_positions, head_position, position_at, time_of_head
from event_streaming.producer.registration.approval import CALL_SECONDS
from event_streaming.producer.subscriptions import conditions
from event_streaming.producer.subscriptions.hidden import hidden_of
from event_streaming.producer.subscriptions.reader import subscriptions_of
from event_streaming.producer.subscriptions.streamed import APPROVED, CONSUMER, PENDING
from event_streaming.site.address import public_url, time_zone, web_address
from event_streaming.site.refused import refuse_system_doctypes
from event_streaming.wire.pages import KEEP, PROTOCOL, REMOVE
from event_streaming.wire.paths import CONFIRM

MOST_FIELDS = 500
FIELD = re.compile(r"\w{1,140}(\.\w{1,140})?")


def register(data: dict | str) -> dict[str, Any]:
	"""A consumer makes itself known, or says again what it subscribes to; answers what the contract says.

	Raises with a message for the admin of the other site, who sees it when saving the Event Producer.
	"""
	data = _parsed(data)
	callback_url = _callback_url(data)
	user = _check_user(data)
	wanted = _wanted(data)
	refuse_system_doctypes(list(wanted))
	existing = frappe.db.get_value(CONSUMER, callback_url, ["name", "user"], as_dict=True)
	if existing and existing.user != user:
		frappe.throw(
			_(
				"{0} is already registered on {1} by another user ({2}). Delete that Event Consumer there first."
			).format(callback_url, public_url(), existing.user),
			EventStreamingError,
		)
	_check_conditions(wanted, existing and existing.name, cint(data.get("saved")))
	if cint(data.get("protocol")) >= PROTOCOL:
		if cint(data.get("reachable")):
			_call_back(callback_url, data)
	elif existing:
		# an old consumer changes its subscriptions through the document
		return {"last_update": str(time_of_head())}
	# "from now on" starts after everything that is committed, also what has no position yet
	frappe.db.commit()
	assign_positions()
	consumer = _save_consumer(callback_url, user, data, wanted, bool(existing))
	return _registration(consumer, data.get("last_update"))


def register_from_json(data: str | dict) -> str:
	"""`register`, as the public endpoint speaks it: JSON in, JSON out. Raises NotFinished for what nobody has foreseen."""
	try:
		return json.dumps(register(data), default=str)
	except Exception as error:
		if getattr(error, "http_status_code", 500) < 500:
			raise
		frappe.db.rollback()
		name = _log_without_keys(data)
	frappe.throw(
		_("{0} could not finish the registration. Its Error Log {1} says where; then try again.").format(
			public_url(), name
		),
		NotFinished,
	)


def _log_without_keys(data: dict | str) -> str:
	"""The error that is being handled, in the Error Log; returns its name there, or "" where that can't be written either.

	Not by `frappe.log_error`, which adds the request; nor with the values of variables: the keys are in both.
	"""
	try:
		trace = frappe.get_traceback(with_context=False)
		given = _parsed(data)
		for secret in (given.get("api_key"), given.get("api_secret")):
			trace = trace.replace(str(secret), "***") if secret else trace
		log = frappe.new_doc("Error Log", method="Event Streaming: a registration broke off", error=trace)
		log.insert(ignore_permissions=True)
		frappe.db.commit()
		return log.name
	except Exception as error:
		frappe.logger("event_streaming").warning(f"a registration broke off: {type(error).__name__}")
		frappe.db.rollback()
		return ""


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
	"""The user of the subscription: who calls, enabled and a System Manager."""
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
	if "System Manager" not in frappe.get_roles(user):
		frappe.throw(
			_("The user {0} is not a System Manager on {1}. Give it that role there.").format(user, here),
			frappe.PermissionError,
		)
	return user


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


def _call_back(callback_url: str, data: dict) -> None:
	"""Ask at the consumer's address whether it is the site that is registering, with the keys that it gave."""
	client = SiteClient(callback_url, str(data.get("api_key") or ""), str(data.get("api_secret") or ""))
	here = public_url()
	try:
		answer = client.call(CONFIRM, {"token": str(data.get("token") or "")}, timeout=CALL_SECONDS)
	except RemoteRefused:
		frappe.throw(
			_(
				"{0} refused the API keys of {1} that it was registered with. Generate keys for that user there again."
			).format(callback_url, data.get("user")),
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
	if not isinstance(answer, dict) or not answer.get("token_known"):
		frappe.throw(
			_(
				"At {0} another site answers than the one that is registering. Correct the public URL in the consumer's"
				" Event Streaming Settings."
			).format(callback_url),
			EventStreamingError,
		)


def _save_consumer(callback_url: str, user: str, data: dict, wanted: dict[str, dict], exists: bool):
	consumer = frappe.get_doc(CONSUMER, callback_url) if exists else frappe.new_doc(CONSUMER)
	protocol = min(cint(data.get("protocol")) or 1, PROTOCOL)
	consumer.update(
		{
			"callback_url": callback_url,
			"user": user,
			"api_key": data.get("api_key"),
			"api_secret": data.get("api_secret"),
			"protocol": protocol,
			# a consumer of the older app says nothing about it, and can be reached as far as anybody knows
			"not_reachable": int(protocol >= PROTOCOL and not cint(data.get("reachable"))),
		}
	)
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
	consumer.save(ignore_permissions=True) if exists else consumer.insert(ignore_permissions=True)
	return consumer


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


def _registration(consumer, last_update: Any = None) -> dict[str, Any]:
	"""The answer to a registration. `last_update` is where the consumer stood in the old protocol."""
	answer: dict[str, Any] = {"last_update": str(time_of_head())}
	if consumer.protocol >= PROTOCOL:
		answer.update(
			protocol=PROTOCOL,
			position=head_position(),
			site=public_url(),
			time_zone=time_zone(),
			subscriptions=subscriptions_of(consumer),
		)
		if last_update:
			answer["position_then"] = position_at(last_update)
	return answer
