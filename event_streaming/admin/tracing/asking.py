"""Asks the other site where a document is: one call with a time limit, whose answer is checked. That it could not be asked is an answer, too."""

from typing import Any

import frappe
from frappe.utils import cint, strip_html

from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.exceptions import EventStreamingError, RemoteError
from event_streaming.http.client import SiteClient, is_unknown_method
from event_streaming.messages.coded import _
from event_streaming.producer.subscriptions import calling
from event_streaming.site.address import public_url
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.pages import PROTOCOL
from event_streaming.wire.paths import TRACE_ARRIVAL, TRACE_DOCUMENT
from event_streaming.wire.tracing import parse_trace

SECONDS = 5.0
# (what the other site says, or why it says nothing)
Answer = tuple[dict[str, Any] | None, str]


def ask_producer(doc, protocol: int, doctype: str, name: str) -> Answer:
	"""What a producer says of its document for this site."""
	if protocol < PROTOCOL:
		return None, _("{0} runs the older app, which can't be asked.").format(doc.name)
	producer = None
	try:
		producer = Producer(doc, patience=SECONDS)
		asked = {"event_consumer": public_url(), "doctype": doctype, "name": name}
		return _asked(producer.client, TRACE_DOCUMENT, asked, doc.name)
	except EventStreamingError as error:
		return None, _said(error)
	finally:
		if producer:
			producer.client.close()


def ask_consumer(doc, doctype: str, name: str) -> Answer:
	"""What a consumer says of a document of this site."""
	if cint(doc.not_reachable):
		return None, _("{0} can't be reached from this site, as it says itself.").format(doc.name)
	if not doc.get("token_state"):
		return None, _("{0} runs the older app, which can't be asked.").format(doc.name)
	client = None
	try:
		client = calling.client_of(doc)
		asked = {"producer_url": public_url(), "doctype": doctype, "name": name}
		return _asked(client, TRACE_ARRIVAL, asked, doc.name)
	except EventStreamingError as error:
		return None, _said(error)
	finally:
		if client:
			client.close()


def _asked(client: SiteClient, method: str, values: dict[str, str], site: str) -> Answer:
	try:
		return parse_trace(client.call(method, values, timeout=SECONDS)), ""
	except RemoteError as error:
		if is_unknown_method(error, method):
			return None, _("{0} runs an earlier version, which can't say where a document is.").format(site)
		return None, _said(error)
	except InvalidPage as error:
		return None, _said(error)


def _said(error: Exception) -> str:
	frappe.clear_messages()
	return _("It could not be asked: {0}").format(strip_html(str(error))[:500])
