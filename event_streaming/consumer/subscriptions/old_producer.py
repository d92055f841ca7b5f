"""A producer with the older app: what is asked of it in its own protocol, and the record that it has of this site, which is changed
through the document, as that app does.

Nothing here writes to this site's database.
"""

import json
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.consumer.subscriptions.fetched import FetchedDocuments
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.exceptions import RemoteError, RemoteRefused
from event_streaming.http.client import is_unknown_method
from event_streaming.identity.registry import REMOTE_NAME, REMOTE_SITE
from event_streaming.site.address import public_url
from event_streaming.wire.checks import InvalidPage, list_of
from event_streaming.wire.events import CREATE, Event, read_event
from event_streaming.wire.pages import Subscription, parse_subscriptions
from event_streaming.wire.paths import ABOUT, OLD_FEED

CONSUMER = "Event Consumer"
# stands on the record in place of keys, which it has to have
KEYS_NOT_SENT = "not-sent"


def asked_old_producer(event_producer: str) -> str:
	"""The Redis key that is there while a producer need not be asked again whether it still runs the older app."""
	return f"event_streaming:old:{event_producer}"


def take_over_old_record(producer: Producer, data: dict, own_keys: dict) -> dict[str, Subscription]:
	"""The producer knows this site already: bring its record to what is wanted now (`data` as for a registration).

	`own_keys` go there where it had none, as this site could not be reached.

	Returns what is on record then. Raises the Remote* errors or InvalidPage.
	"""
	record = producer.client.get_document(CONSUMER, data["event_consumer"])
	rows = [row for row in list_of(record, "consumer_doctypes") if isinstance(row, dict)]
	known = {str(row.get("ref_doctype")): row for row in rows}
	wanted = [
		{
			"ref_doctype": row["doctype"],
			"status": (known.get(row["doctype"]) or {}).get("status") or "Pending",
			"unsubscribed": row["unsubscribed"],
			"condition": row["condition"],
		}
		for row in data["rows"]
	]
	lacking = own_keys if record.get("api_key") == KEYS_NOT_SENT != own_keys["api_key"] else {}
	if (
		lacking
		or record.get("user") != data["user"]
		or list(map(content_of, rows)) != list(map(content_of, wanted))
	):
		values = {"consumer_doctypes": wanted, "user": data["user"], "incoming_change": 1, **lacking}
		producer.client.update_document(CONSUMER, data["event_consumer"], values)
	return parse_subscriptions({row["ref_doctype"]: row for row in wanted})


def content_of(row: dict) -> tuple:
	return row.get("ref_doctype"), cint(row.get("unsubscribed")), str(row.get("condition") or "").strip()


def events_since(producer: Producer, doctypes: list[str], since: str | None) -> list[Event]:
	"""Events of a producer that speaks the old protocol, after the time `since`, oldest first."""
	answer = producer.client.call_any_generation(
		OLD_FEED,
		{"event_consumer": public_url(), "doctypes": json.dumps(doctypes), "last_update": since or ""},
	)
	if not isinstance(answer or [], list):
		raise InvalidPage("The producer's events are not a list.")
	return [parse_old_event(entry, producer.name) for entry in answer or []]


def documents_one_by_one(producer: Producer, keys: list[tuple[str, str]]) -> FetchedDocuments:
	"""The documents ((DocType, name) on the producer) as they are there now, over its REST API."""
	fetched = FetchedDocuments()
	for doctype, name in keys:
		try:
			fetched.documents[(doctype, name)] = producer.client.get_document(doctype, name)
		except RemoteRefused:
			fetched.missing[(doctype, name)] = "not permitted"
		except RemoteError as error:
			if error.status != 404:
				raise
			fetched.missing[(doctype, name)] = "not found"
	return fetched


def runs_older_app(producer: Producer) -> bool:
	"""Whether the producer has none of the calls of this app. Raises RemoteUnavailable."""
	try:
		producer.client.call(ABOUT)
	except RemoteRefused:
		# it has the call, and does not let everybody
		return False
	except RemoteError as error:
		return is_unknown_method(error, ABOUT)
	return False


def parse_old_event(entry: Any, producer: str) -> Event:
	"""An event of the old protocol in the shape of the new one (position 0; its time stands for it)."""
	if not isinstance(entry, dict):
		raise InvalidPage("An event is not an object.")
	data = entry.get("data")
	data = data if data is None or isinstance(data, str) else frappe.as_json(data)
	return read_event(
		{
			"id": str(entry.get("name") or ""),
			"position": 0,
			"update_type": entry.get("update_type"),
			"ref_doctype": entry.get("ref_doctype"),
			"docname": entry.get("docname"),
			"data": data,
			"creation": str(entry.get("creation") or ""),
			"origin": producer,
			"root": root_in(entry, data),
		},
		producer,
	)


def root_in(entry: dict, data: str | None) -> dict | None:
	"""Where a document was first made that the producer names itself: its own two fields say so."""
	if entry.get("update_type") != CREATE or not data or REMOTE_SITE not in data:
		return None
	try:
		values = json.loads(data)
		site, name = values.get(REMOTE_SITE), values.get(REMOTE_NAME)
	except (ValueError, AttributeError, RecursionError):
		return None
	return {"site": site, "doctype": entry.get("ref_doctype"), "name": name} if site and name else None
