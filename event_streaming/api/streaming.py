"""Commands over REST: what flows: pulls, pauses, approval, keys, which site it is."""

from dataclasses import asdict
from typing import Any

import frappe

from event_streaming.admin import decisions, rotating
from event_streaming.admin.connection import acting as deciding
from event_streaming.admin.decisions import APPROVED, CONSUMER, PRODUCER, REJECTED
from event_streaming.admin.remote import told_in_the_desk
from event_streaming.consumer.pull import by_hand, waiting
from event_streaming.consumer.pull.requests import request_pull
from event_streaming.messages.coded import _
from event_streaming.producer.log import sequence
from event_streaming.site.roles import ADMIN


@frappe.whitelist(methods=["POST"])
def set_subscribed(event_producer: str, doctype: str, subscribed: bool | int) -> bool:
	"""Take a DocType of a producer, or no more; returns whether that changed anything."""
	frappe.only_for(ADMIN)
	return deciding.set_subscribed(event_producer, doctype, bool(frappe.utils.cint(subscribed)))


@frappe.whitelist(methods=["POST"])
def pull(event_producer: str | None = None) -> list[str]:
	"""Have a background job pull from one producer, or from all that are not paused; returns which."""
	frappe.only_for(ADMIN)
	names = [event_producer] if event_producer else frappe.get_all(PRODUCER, {"paused": 0}, pluck="name")
	for name in names:
		request_pull(name, by_hand=True)
	return names


@frappe.whitelist(methods=["POST"])
def position() -> int:
	"""The position of this site's log up to which everything goes that is committed: for `wait_for` on another site."""
	frappe.only_for(ADMIN)
	return sequence.position_of_all()


@frappe.whitelist(methods=["POST"])
def wait_for(
	position: int | str, seconds: float | str = 5, event_producer: str | None = None
) -> dict[str, Any]:
	"""Wait, 5 seconds at most, until this site has everything of a producer up to `position`; says how far it is if it has not."""
	frappe.only_for(ADMIN)
	return asdict(waiting.wait_for(frappe.utils.cint(position), frappe.utils.flt(seconds), event_producer))


@frappe.whitelist(methods=["POST"])
def resync(event_producer: str | None = None, doctype: str | None = None) -> int:
	"""Try what has failed again, in the background; returns how many events that is."""
	frappe.only_for(ADMIN)
	return by_hand.request_resync_all(event_producer, doctype)


@frappe.whitelist(methods=["POST"])
def approve(
	event_consumer: str, doctypes: str | list | None = None, reject: bool | int = False
) -> dict[str, str]:
	"""Approve, or reject, DocTypes for a consumer, by default all that are pending; returns what has changed."""
	frappe.only_for(ADMIN)
	named = frappe.parse_json(doctypes) if doctypes else None
	if isinstance(named, str):
		named = [named]
	return decisions.approve(event_consumer, named, REJECTED if frappe.utils.cint(reject) else APPROVED)


@frappe.whitelist(methods=["POST"])
def pause(event_producer: str | None = None, event_consumer: str | None = None) -> bool:
	"""Pull nothing from a producer, or send nothing to a consumer, until `resume`; returns whether that is new."""
	return _set_paused(event_producer, event_consumer, True)


@frappe.whitelist(methods=["POST"])
def resume(event_producer: str | None = None, event_consumer: str | None = None) -> bool:
	"""Go on after `pause`; returns whether it was paused."""
	return _set_paused(event_producer, event_consumer, False)


@frappe.whitelist(methods=["POST"])
def accept_site(site_id: str, event_producer: str | None = None, event_consumer: str | None = None) -> None:
	"""Go on with the site `site_id`, which was refused as it is not the one that the connection is with."""
	frappe.only_for(ADMIN)
	decisions.accept_site(*_one_of_both(event_producer, event_consumer), site_id)


@frappe.whitelist(methods=["POST"])
def new_site_id(instead_of: str) -> str:
	"""On a copy of a site: make it a site of its own to all others; returns the id. `instead_of` is the one that it has now."""
	frappe.only_for(ADMIN)
	return decisions.new_site_id(instead_of)


@frappe.whitelist(methods=["POST"])
def rotate_keys(event_producer: str | None = None, event_consumer: str | None = None) -> bool:
	"""New keys for both directions; of a producer at once (true), a consumer is asked to make them with its next pull (false)."""
	frappe.only_for(ADMIN)
	with told_in_the_desk():
		return rotating.rotate_keys(event_producer, event_consumer)


def _set_paused(event_producer: str | None, event_consumer: str | None, paused: bool) -> bool:
	frappe.only_for(ADMIN)
	return decisions.set_paused(*_one_of_both(event_producer, event_consumer), paused)


def _one_of_both(event_producer: str | None, event_consumer: str | None) -> tuple[str, str]:
	"""(DocType, name) of the one that is named."""
	if bool(event_producer) == bool(event_consumer):
		frappe.throw(_("Name one: an Event Producer or an Event Consumer."))
	return (PRODUCER, event_producer) if event_producer else (CONSUMER, event_consumer)
