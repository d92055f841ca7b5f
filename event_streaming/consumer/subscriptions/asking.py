"""What a producer is asked for besides pages: whether the connection works, and whether it speaks the new protocol by now."""

import frappe

from event_streaming.consumer.logs import state
from event_streaming.consumer.logs.state import PullState
from event_streaming.consumer.subscriptions import sites
from event_streaming.consumer.subscriptions.agreement import settle
from event_streaming.consumer.subscriptions.old_producer import (
	asked_old_producer,
	events_since,
	take_over_old_record,
)
from event_streaming.consumer.subscriptions.registration import (
	ensure_registered,
	keys_for_older,
	registration_data,
	send,
)
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.statuses import adopt_statuses
from event_streaming.consumer.subscriptions.subscription import subscriptions_of
from event_streaming.exceptions import RemoteError, RemoteRefused, WrongSite
from event_streaming.wire.checks import InvalidPage, whole_number
from event_streaming.wire.pages import PROTOCOL, Page


def test_connection(event_producer: str) -> dict:
	"""Ask the producer for the next page without applying it; returns what a person wants to know.

	Raises the Remote* errors with what to do.
	"""
	doc = frappe.get_doc("Event Producer", event_producer)
	producer = Producer(doc)
	try:
		kept = ensure_registered(doc, producer, state.load_state(doc.name))
		if kept.protocol < 2:
			return {"protocol": kept.protocol, "behind": None, "site": doc.name, "warnings": []}
		page = producer.get_page(kept.position, kept.epoch, kept.receipt)
		sites.keep_met(doc, page["site_id"])
		settle(doc, producer, page)
		# nothing of the page is applied, so that its events are behind too
		behind = page["behind"] + len(page["events"])
		state.record_contact(doc.name, events_behind=behind)
		return {"behind": behind, **{key: page[key] for key in ("protocol", "site", "warnings")}}
	finally:
		producer.client.close()


def old_page(doc, producer: Producer, kept: PullState) -> Page:
	"""The events of a producer of the old protocol as a page; once an hour, see whether it speaks the new one."""
	upgraded = try_new_protocol(doc, producer, kept)
	if upgraded:
		return upgraded
	doctypes = [name for name, subscription in subscriptions_of(doc).items() if subscription.active]
	events = events_since(producer, doctypes, kept.reads_from) if doctypes else []
	return {
		"protocol": 1,
		"events": events,
		"cursor": kept.position,
		"has_more": False,
		"behind": len(events),
		"time_zone": "",
		"site": doc.name,
		"site_id": "",
		"subscriptions": {},
		"warnings": [],
		"paused": False,
		"rotate": False,
		"token": None,
		"epoch": "",
		"same_up_to": None,
		"receipt": "",
		"broker": None,
		"from_broker": False,
		"place": "",
		"listen": None,
		"ahead": {},
		"held": False,
	}


def try_new_protocol(doc, producer: Producer, kept: PullState) -> Page | None:
	"""None while the producer runs the old app; else its first page, the cursor standing at the same moment.

	While it runs the old one, both sides are brought to the same table: it does that for nobody by itself.
	"""
	key = asked_old_producer(doc.name)
	if frappe.cache.get_value(key, expires=True):
		return None
	frappe.cache.set_value(key, 1, expires_in_sec=3600)
	data = registration_data(doc)
	try:
		answer = send(doc, producer, {**data, "reachable": 0})
		if not answer:
			on_record = take_over_old_record(producer, data, keys_for_older(doc))
			adopt_statuses(doc, {"subscriptions": on_record})
	except WrongSite:
		raise
	except (RemoteError, RemoteRefused, InvalidPage):
		return None
	if not answer or not answer.get("protocol"):
		return None
	sites.keep_met(doc, answer.get("site_id"))
	kept.protocol, kept.position = (
		PROTOCOL,
		whole_number(answer.get("position_then"), "position_then"),
	)
	state.save_state(doc.name, protocol=kept.protocol, position=kept.position)
	return producer.get_page(kept.position)
