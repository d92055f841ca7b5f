"""For a consumer that looks before it copies: how much there is of one DocType, what it looks like, and what its user may do.

Numbers, fields and rights only, and only of what the consumer's user may read; no value of any document, and nothing of fields that
are not sent. That is said before the DocType is approved, too. One DocType a call, of which a bounded number of documents is read.
Writes nothing.
"""

from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.adapters.doctypes import counters_of
from event_streaming.producer.documents.copying import count_names, names_after
from event_streaming.producer.documents.describing import described
from event_streaming.producer.documents.fetching import may_be_fetched
from event_streaming.producer.documents.reading import load_documents, may_read_all
from event_streaming.producer.log.rows import ENVELOPE_BYTES, dump
from event_streaming.producer.subscriptions.hidden import hidden_of, is_secret
from event_streaming.producer.subscriptions.hiding import Hidden, as_sent
from event_streaming.producer.subscriptions.reader import reader_for
from event_streaming.site.site_id import PRODUCER
from event_streaming.wire.difference import snapshot

# documents whose size is looked at
SAMPLE = 30
RIGHTS = ("read", "create", "write", "submit", "cancel", "delete")


def facts_of(consumer: Any, doctype: str) -> dict[str, Any]:
	"""The answer of the endpoint `get_check`, for the session's user, who is the consumer's. `problem` as in `describe`."""
	hidden = hidden_of(consumer).get(doctype)
	answer = {
		**described(doctype, hidden),
		"approved": doctype in reader_for(consumer, 0, None, None).rows,
		"paused": cint(consumer.paused),
	}
	if answer["problem"]:
		return answer
	names = names_after(doctype, [], "", SAMPLE) if may_be_fetched(doctype) else []
	sample = sampled(doctype, names, hidden)
	writes_as = subscriber_for(consumer)
	return {
		**answer,
		"documents": count_names(doctype, []) if names else 0,
		"sampled": len(names),
		"sampled_bytes": sum(len(dump(each)) + ENVELOPE_BYTES for each in sample),
		"writes_as": writes_as,
		"rights": {
			right: int(bool(frappe.has_permission(doctype, right, user=writes_as or None)))
			for right in RIGHTS
		},
		"unread": unread_links(doctype, sample),
		"reads_all": int(may_read_all(doctype)),
		"counted_by": [] if is_secret(hidden, "naming_series") else counters_of(doctype),
	}


def sampled(doctype: str, names: list[str], hidden: Hidden | None) -> list[dict[str, Any]]:
	"""These documents as they would be sent, without their files."""
	return [as_sent(hidden, snapshot(doc), None)[0] for doc in load_documents(doctype, names).values()]


def subscriber_for(consumer: Any) -> str:
	"""The user in whose name this site takes documents from the consumer's site, which need not be the one that reads here for
	it; "" where it takes none."""
	asked = {"site_id": consumer.site_id} if consumer.get("site_id") else {"name": consumer.name}
	return frappe.db.get_value(PRODUCER, asked, "user") or ""


def unread_links(doctype: str, sample: list[dict[str, Any]]) -> list[tuple[str, str]]:
	"""(field, DocType) of the links that are set in these documents and lead to what the session's user may not read."""
	found: dict[tuple[str, str], None] = {}
	meta = frappe.get_meta(doctype)
	for data in sample:
		rows = [("", meta, data)]
		for table in meta.get_table_fields():
			of_rows = frappe.get_meta(table.options)
			rows += [(f"{table.fieldname}.", of_rows, row) for row in data.get(table.fieldname) or ()]
		for table, fields, row in rows:
			for field in fields.get_link_fields():
				if row.get(field.fieldname) and field.options != "[Select]":
					found[table + field.fieldname, field.options] = None
	return [each for each in found if not frappe.has_permission(each[1], "read")]
