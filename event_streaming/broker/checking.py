"""Checks what a person enters about a broker, when it is saved."""

from typing import Any

import frappe

from event_streaming.broker.addresses import read_servers
from event_streaming.broker.nats_client import import_nats
from event_streaming.messages.coded import _
from event_streaming.wire.broker.grants import NATS


def refuse_wrong_servers(doc: Any, *fieldnames: str) -> None:
	"""Raises frappe.ValidationError with the address that is none."""
	for fieldname in fieldnames:
		try:
			doc.set(fieldname, "\n".join(read_servers(doc.get(fieldname))) or None)
		except ValueError as error:
			frappe.throw(
				_(
					"{0} is no address of a NATS server: enter tls://host:4222 or nats://host:4222, without a user."
				).format(frappe.utils.escape_html(str(error)))
			)


def refuse_without_package(doc: Any) -> None:
	"""Raises BrokerMissing when a document asks for NATS for the first time and this site can't speak it."""
	before = doc.get_doc_before_save()
	if doc.get("transport") == NATS and not (before and before.get("transport") == NATS):
		import_nats()
