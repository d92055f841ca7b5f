"""The consumer's side of the handshake: telling the producer what this site subscribes to. What it hears is in hearing.py.

A producer gets a token that is good for three calls (keys.py). One that runs the older app knows no tokens: it gets the Event
Subscriber's API keys on this site, and only if it can reach this site. Neither side relies on a message arriving: every page of the
feed says what the producer has on record, and what differs is settled then (agreement.py).
"""

import json

import frappe
from frappe.utils import cint, now_datetime

from event_streaming.consumer.logs import state, sync_log
from event_streaming.consumer.logs.state import PullState
from event_streaming.consumer.subscriptions import keys, sites
from event_streaming.consumer.subscriptions.old_producer import (
	KEYS_NOT_SENT,
	asked_old_producer,
	runs_older_app,
	take_over_old_record,
)
from event_streaming.consumer.subscriptions.producer_form import (
	keys_on_this_site,
	make_custom_fields,
)
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.statuses import adopt_statuses
from event_streaming.consumer.subscriptions.subscription import subscriptions_of
from event_streaming.consumer.tasks import task
from event_streaming.exceptions import (
	EventStreamingError,
	RemoteError,
	RemoteRefused,
	RemoteUnavailable,
)
from event_streaming.identity.registry import lose_beyond
from event_streaming.messages.coded import _
from event_streaming.site.address import public_url, time_zone, web_address
from event_streaming.site.claims import KEPT
from event_streaming.site.settings import get_settings
from event_streaming.site.site_id import own_id
from event_streaming.wire.checks import InvalidPage, whole_number
from event_streaming.wire.pages import PROTOCOL

REGISTERING_FOR = 120
MODULE = "Event Streaming"


# ---- the form


def producer_changed(doc) -> None:
	"""After an Event Producer is saved: tell the producer, and make the fields that local naming needs."""
	if cint(doc.incoming_change):
		doc.db_set("incoming_change", 0, update_modified=False)
		return
	before = doc.get_doc_before_save()
	new = not before
	if before and before.api_key != doc.api_key:
		keys.forget_pending_secret(doc.name)
	producer = Producer(doc)
	try:
		answer = register(doc, producer)
	except (RemoteUnavailable, RemoteRefused, RemoteError, InvalidPage) as error:
		if new:
			# with its own status Frappe would write the request into the Error Log, with the keys that are being saved, or
			# the Desk show a text of its own
			frappe.throw(str(error), EventStreamingError, title=_("Not Registered"))
		if isinstance(error, RemoteError) and asks_for_something_else(doc):
			# saved, it would be asked for in vain, and what the producer has on record would stay in force unseen
			frappe.throw(str(error), EventStreamingError, title=_("Refused by {0}").format(doc.name))
		tell_saved_only(doc, error)
		answer = None
	finally:
		producer.client.close()
	if answer:
		adopt_statuses(doc, answer)
		warn_of_other_name(doc, answer)
	make_custom_fields(doc)


def tell_saved_only(doc, error: Exception) -> None:
	"""The form is saved, and the producer has not taken it: whether that will heal, or somebody has to correct it."""
	unreachable = isinstance(error, RemoteUnavailable)
	values = {} if unreachable else {"connection": state.REFUSED}
	met = getattr(error, "site_id", "") or None
	state.save_state(doc.name, last_error=str(error)[:2000], other_site_id=met, **values)
	frappe.cache.delete_value(asked_old_producer(doc.name))
	if unreachable:
		text = _(
			"Saved, but {0} could not be reached: {1} It is told at the next contact. Until then it sends what was agreed before:"
			" a new condition has no effect yet."
		)
	else:
		text = _(
			"Saved, but {0} refuses it: {1} Correct it and save again: nothing new takes effect until then."
		)
	frappe.msgprint(
		text.format(doc.name, error),
		indicator="orange" if unreachable else "red",
		title=_("Saved, Not Sent Yet") if unreachable else _("Saved, but Refused"),
	)


def asks_for_something_else(doc) -> bool:
	"""Whether this save changes what is asked of the producer, so that its refusal may be of just that."""
	return registration_data(doc)["rows"] != registration_data(doc.get_doc_before_save())["rows"]


def warn_of_other_name(doc, answer: dict) -> None:
	"""A producer that goes by another address than this site knows it by tells this site in vain."""
	site = web_address(answer.get("site"))
	if site and site != doc.name:
		frappe.msgprint(
			_(
				"{0} calls itself {1}. Set the public URL in its Event Streaming Settings to {0}: until then its notifications"
				" and decisions are not recognised here, and come with the pull of every minute only."
			).format(doc.name, frappe.utils.escape_html(site)),
			indicator="orange",
			title=_("Another address"),
		)


def producer_removed(doc) -> None:
	"""Before an Event Producer is deleted. Its secret is gone by now, so the producer can't be told."""
	state.remove_state(doc.name)
	task.remove_all(doc.name)
	dropped = sync_log.drop_open(doc.name, _("Not applied: the Event Producer was deleted."))
	frappe.msgprint(
		_(
			"Nothing is pulled from {0} any more. It continues to log for this site until its Event Consumer {1} is deleted there."
		).format(doc.name, public_url())
		+ (f" {told_of_dropped(dropped)}" if dropped else ""),
		indicator="blue",
	)


def told_of_dropped(count: int) -> str:
	return _(
		"{0} events that had not been applied are not tried again. If you subscribe again, verify and repair brings what is missing."
	).format(f"{count:,}")


# ---- telling the producer


def registration_data(doc) -> dict:
	"""What this site asks of the producer: `rows` per remote DocType, and who and where this site is."""
	rows = [
		{
			"doctype": subscription.remote_doctype,
			"condition": subscription.condition,
			"unsubscribed": cint(subscription.unsubscribed),
			"when_condition_ends": subscription.when_condition_ends,
			"not_wanted": list(subscription.not_wanted),
		}
		for subscription in subscriptions_of(doc).values()
	]
	return {
		"event_consumer": public_url(),
		"site_id": own_id(),
		"rows": rows,
		"user": doc.user,
		"protocol": PROTOCOL,
		"reachable": 0 if get_settings().not_reachable else 1,
		"time_zone": time_zone(),
	}


def wire_form(data: dict) -> dict:
	"""As `register_consumer` has always taken it: the DocTypes are JSON inside the JSON."""
	rest = {key: value for key, value in data.items() if key != "rows"}
	return {**rest, "consumer_doctypes": json.dumps(data["rows"])}


def register(doc, producer: Producer, saved: bool = False) -> dict:
	"""Register this site with the producer, or change what it has on record; returns its answer.

	`saved`: nobody is saving it now, so that a refusal would come too late to keep it from being saved; the producer then sends
	nothing under what it refuses to replace. The state row gets the position to start from when it has none. Raises the Remote* errors or InvalidPage.
	"""
	sites.ask_first(doc, producer.client)
	data = registration_data(doc)
	answer = send(doc, producer, {**data, "saved": int(saved)})
	if answer is None:
		answer = {
			"last_update": str(now_datetime()),
			"subscriptions": take_over_old_record(producer, data, keys_for_older(doc)),
		}
	sites.keep_met(doc, answer.get("site_id"))
	keep_answer(doc.name, answer)
	return answer


def send(doc, producer: Producer, data: dict) -> dict | None:
	"""Send a registration, with a token or, to a producer that runs the older app, with keys; returns what it answers."""
	kept = state.load_state(doc.name)
	# who has spoken the new protocol once gets no keys, whatever it says later
	older = kept.protocol < PROTOCOL and runs_older_app(producer)
	token, nonce = "", keys.new_key()
	if older:
		data = {**data, **keys_for_older(doc)}
		note_keys_sent(doc, kept, data)
	elif not keys.has_token(doc.name):
		token = keys.new_key()
		data = {**data, "consumer_token": token}
	frappe.cache.set_value(registering_key(nonce), 1, expires_in_sec=REGISTERING_FOR)
	try:
		answer = producer.register({**wire_form(data), **old_cursor(kept), "token": nonce})
	finally:
		frappe.cache.delete_value(registering_key(nonce))
	if kept.protocol >= PROTOCOL > protocol_in(answer or {}):
		# going back would mean to send keys, and to read a log by its times that has been read by positions
		raise RemoteError(
			_(
				"{0} answers as the older app does, although it has run this one. If that is meant, delete its Event Producer and make it"
				" again."
			).format(doc.name)
		)
	if token and answer and answer.get("token"):
		keys.producer_has(doc.name, token)
	return answer


def keys_for_older(doc) -> dict:
	"""What a producer that runs the older app calls this site with, if it can; it does not register anybody without."""
	if get_settings().not_reachable:
		return {"api_key": KEYS_NOT_SENT, "api_secret": KEYS_NOT_SENT}
	api_key, api_secret = keys_on_this_site(doc.user)
	return {"api_key": api_key, "api_secret": api_secret}


def note_keys_sent(doc, kept: PullState, data: dict) -> None:
	"""Keep that this site's own keys have left it, and say so to whoever is saving."""
	if data["api_key"] == KEYS_NOT_SENT:
		return
	state.save_state(doc.name, keys_sent_on=now_datetime())
	if not kept.keys_sent_on:
		frappe.msgprint(
			_(
				"{0} runs the older app, which knows no tokens: it is given the API keys of {1} on this site, and can do here what"
				" this user can."
			).format(doc.name, doc.user),
			indicator="orange",
			title=_("API keys are sent"),
		)


def protocol_in(answer: dict) -> int:
	"""Which protocol the producer speaks, by its answer to a registration."""
	return whole_number(answer.get("protocol") or 1, "protocol")


def old_cursor(kept: PullState) -> dict:
	"""Where this site stands in the old protocol, for a producer that may speak the new one by now."""
	return {"last_update": kept.reads_from} if kept.protocol < PROTOCOL and kept.last_update else {}


def keep_answer(event_producer: str, answer: dict) -> None:
	"""Keep what the producer answered; the cursor is set only when there is none yet."""
	kept = state.load_state(event_producer)
	values = {"protocol": protocol_in(answer)}
	if not kept.protocol or (values["protocol"] >= 2 > kept.protocol):
		# whoever stood somewhere goes on there, whoever is new begins at the end
		start = "position_then" if old_cursor(kept) else "position"
		values["position"] = whole_number(answer.get(start) or 0, start)
		if not kept.protocol and values["protocol"] >= PROTOCOL:
			values |= begin_with(kept, whole_number(answer.get("position") or 0, "position"))
	elif answer.get("made") and kept.furthest > (head := whole_number(answer.get("position"), "position")):
		# another log than the one that this site knows: a backup from before the registration was restored there
		values |= {"position": min(kept.position, head), "taken_ahead": None, "epoch": "", "receipt": ""}
		values |= state.restored(kept, head, kept.furthest)
	if not kept.last_update and answer.get("last_update"):
		values["last_update"] = str(answer["last_update"])[:26]
	if answer.get("time_zone"):
		values["remote_time_zone"] = str(answer["time_zone"])[:140]
	state.record_contact(event_producer, **values)


def begin_with(kept: PullState, head: int) -> dict[str, object]:
	"""What is to be kept besides where a site begins with a log that has got to `head`, and has had another one of this producer before
	(its Event Producer was deleted, and the other site made anew): what stands for documents of that says nothing of this one."""
	furthest = lose_beyond(kept.event_producer, head)
	return state.restored(kept, head, furthest) if furthest else {}


def ensure_registered(doc, producer: Producer, kept: PullState) -> PullState:
	"""A state without a protocol was never registered (or comes from an older version): do it now."""
	if kept.protocol:
		return kept
	adopt_statuses(doc, register(doc, producer))
	return state.load_state(doc.name)


def registering_key(nonce: str) -> str:
	"""Where Redis has that this site is registering with this word, by which the producer that it told can call back."""
	return f"{KEPT}registering:{keys.hash_of(nonce)}"


def is_registering(nonce: str) -> bool:
	return bool(frappe.cache.get_value(registering_key(nonce), expires=True))
