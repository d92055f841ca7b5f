"""The record that a producer with the older app has of this site: it is changed through the document, as that app does.

What such a producer sends is read in remote.py. Nothing here writes to this site's database.
"""

from frappe.utils import cint

from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.wire.checks import list_of
from event_streaming.wire.pages import Subscription, parse_subscriptions

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
