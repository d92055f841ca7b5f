"""For a consumer that looks before it copies: how much there is of one DocType, what it looks like, and what its user may do.

Numbers, fields and rights only, and only of what the consumer's user may read; no value of any document, and nothing of fields that
are not sent. That is said before the DocType is approved, too. One DocType a call, of which a bounded number of documents is read.
Writes nothing.
"""

from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.producer.documents.copying import count_names, names_after
from event_streaming.producer.documents.describing import described
from event_streaming.producer.documents.fetching import may_be_fetched
from event_streaming.producer.documents.reading import load_documents, may_read_all
from event_streaming.producer.log.rows import ENVELOPE_BYTES, dump
from event_streaming.producer.subscriptions.hidden import hidden_of, is_secret
from event_streaming.producer.subscriptions.hiding import Hidden, as_sent
from event_streaming.producer.subscriptions.reader import reader_for
from event_streaming.site.schema import counted_by
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
	return {
		**answer,
		"documents": count_names(doctype, []) if names else 0,
		"sampled": len(names),
		"sampled_bytes": size_of(doctype, names, hidden),
		"rights": {right: int(bool(frappe.has_permission(doctype, right))) for right in RIGHTS},
		"reads_all": int(may_read_all(doctype)),
		"counted_by": [] if is_secret(hidden, "naming_series") else counted_by(doctype),
	}


def size_of(doctype: str, names: list[str], hidden: Hidden | None) -> int:
	"""Bytes that these documents take in a copy, without their files."""
	return sum(
		len(dump(as_sent(hidden, snapshot(doc), None)[0])) + ENVELOPE_BYTES
		for doc in load_documents(doctype, names).values()
	)
