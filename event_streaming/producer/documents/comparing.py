"""What a consumer compares its documents with: digests of this site's, and the few documents that it has to look at.

As with the feed, the subscription on record decides: approved, readable for the consumer's user, condition met. The
consumer says which fields count; it learns digests of fields that it is sent anyway, never of a password. Documents that
were first made on the consumer are left out: this site takes them from there, and compares them itself. Nothing is kept
between two requests, and each ends after some seconds with the name that it has got to. Writes nothing but positions, and what was repaired.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.identity.registry import DOCTYPE as IDENTITY
from event_streaming.messages.coded import _
from event_streaming.producer.documents.copying import (
	as_event,
	names_after,
	new_names_to_come,
	reader_of_existing,
	those_meeting,
	with_files,
)
from event_streaming.producer.documents.digesting import Digester, what_counts
from event_streaming.producer.documents.exact import events_after, load_with_positions
from event_streaming.producer.documents.file_rows import attached_to
from event_streaming.producer.documents.filters import wanted_conditions
from event_streaming.producer.documents.given import record_given
from event_streaming.producer.documents.names import roots_of_documents
from event_streaming.producer.documents.reading import existing_names, load_documents, permitted_names
from event_streaming.producer.log.rows import ENVELOPE_BYTES
from event_streaming.producer.subscriptions.hiding import as_sent
from event_streaming.producer.subscriptions.reader import Reader, parsed_list
from event_streaming.site.address import time_zone
from event_streaming.wire import digests
from event_streaming.wire.checks import MAX_NAME, InvalidPage
from event_streaming.wire.difference import snapshot
from event_streaming.wire.digests import MOST_LISTED, Shape

BATCH = 2_000
# with a condition each document is made; so many are held in memory at once
BATCH_OF_DOCUMENTS = 200
# a request is over after so long: web servers and proxies allow for more
SECONDS = 5.0
MOST_LOOKED_AT = 20_000
MOST_NAMES = 200
NOT_FOUND, NOT_PERMITTED, CONDITION = "not found", "not permitted", "condition"


@dataclass
class Found:
	"""What one request has found: sums of all buckets, or the digests of the documents in some."""

	after: str
	sums: list[int]
	listed: dict[str, int] = field(default_factory=dict)
	looked_at: int = 0
	has_more: bool = False


# ---- digests


def digest_page(
	event_consumer: str, doctype: str, shape: Any, buckets: Any, wanted: Any, after: str, filters: Any
) -> dict[str, Any]:
	"""The answer of the endpoint `get_digests`; `wanted`, numbers of buckets, asks for single digests instead of sums."""
	consumer, reader = reader_of_existing(event_consumer, doctype, 0, None, None)
	comparer = Comparer(reader, doctype, *asked_for(reader, doctype, shape, buckets, wanted))
	conditions = wanted_conditions(reader, doctype, filters)
	found = Found(after, [0] * comparer.buckets)
	if not cint(consumer.paused):
		comparer.look_through(conditions, found)
	numbers = found.sums if comparer.wanted is None else list(found.listed.values())
	return {
		"after": found.after,
		"has_more": found.has_more,
		"looked_at": found.looked_at,
		"names": list(found.listed),
		"digests": digests.pack(numbers),
		"without": comparer.lacking,
		"time_zone": time_zone(),
		"paused": cint(consumer.paused),
	}


def asked_for(
	reader: Reader, doctype: str, shape: Any, buckets: Any, wanted: Any
) -> tuple[Shape, list[str], int, set | None]:
	"""What a request wants, checked: (shape of what there is here, the fields that are not, buckets, wanted ones)."""
	try:
		parsed = digests.parse_shape(frappe.parse_json(shape))
	except (InvalidPage, ValueError) as error:
		frappe.throw(_("The request to compare documents can't be read: {0}").format(error))
	count = min(max(cint(buckets), 1), digests.MOST_BUCKETS)
	numbers = None if wanted is None else {cint(number) for number in parsed_list(wanted)}
	parsed, lacking = what_counts(reader, doctype, parsed)
	return parsed, lacking, count, numbers


class Comparer:
	"""Digests the documents of one DocType for one consumer."""

	def __init__(
		self, reader: Reader, doctype: str, shape: Shape, lacking: list[str], buckets: int, wanted: set | None
	):
		self.reader, self.doctype, self.lacking = reader, doctype, lacking
		self.buckets, self.wanted = buckets, wanted
		self.conditional = bool((reader.rows[doctype].condition or "").strip())
		self.digester = Digester(reader, doctype, shape)
		self.from_consumer = bool(frappe.db.exists(IDENTITY, {"root_site": reader.consumer.name}))

	def look_through(self, conditions: list[list], found: Found) -> None:
		"""Batch after batch of names, until there are no more or the request has lasted long enough."""
		deadline = time.monotonic() + SECONDS
		size = BATCH_OF_DOCUMENTS if self.conditional else BATCH
		while True:
			names = names_after(self.doctype, conditions, found.after, size)
			self.add(self.to_digest(names), found)
			found.looked_at += len(names)
			if names:
				found.after = names[-1]
			if len(names) < size:
				return
			if (
				time.monotonic() >= deadline
				or (self.wanted is None and found.looked_at >= MOST_LOOKED_AT)
				or len(found.listed) + size > MOST_LISTED
			):
				found.has_more = True
				return

	def to_digest(self, names: list[str]) -> list[str]:
		"""Those of the names that are in a wanted bucket, did not come from the consumer and meet the condition."""
		if self.wanted is not None:
			names = [name for name in names if digests.bucket_of(name, self.buckets) in self.wanted]
		names = [name for name in names if len(name) <= MAX_NAME]
		if self.from_consumer:
			roots = roots_of_documents(self.doctype, names)
			here = self.reader.consumer.name
			names = [name for name in names if name not in roots or roots[name]["site"] != here]
		if self.conditional:
			meeting = those_meeting(self.reader, self.doctype, load_documents(self.doctype, names))
			names = [name for name in names if name in meeting]
		return names

	def add(self, names: list[str], found: Found) -> None:
		for name, digest in self.digester.of(names):
			if self.wanted is None:
				digests.add(found.sums, name, digest)
			else:
				found.listed[name] = digest


# ---- documents that differ, seem to be missing, or seem to be one too many


def look_at(event_consumer: str, doctype: str, names: Any, cursor: Any) -> dict[str, Any]:
	"""The answer of the endpoint `look_at`: the documents as they are, each with its exact position.

	Of each name it says one thing: the document, as in a copy's page; why there is none (`gone`); or that events of it
	are on their way to the consumer, whose cursor is `cursor` (`coming`). Names that it says nothing of found no room.
	"""
	consumer, reader = reader_of_existing(event_consumer, doctype, cursor, None, None)
	asked = [name for name in parsed_list(names) if isinstance(name, str) and name]
	if len(asked) > MOST_NAMES:
		frappe.throw(_("Not more than {0} documents can be asked for at once.").format(MOST_NAMES))
	events, gone, coming = [], [], []
	if asked and not cint(consumer.paused):
		events, gone, coming = looked_at(reader, doctype, list(dict.fromkeys(asked)))
	return {
		"events": events,
		"gone": gone,
		"coming": coming,
		"time_zone": time_zone(),
		"paused": cint(consumer.paused),
	}


def looked_at(reader: Reader, doctype: str, names: list[str]) -> tuple[list, list, list]:
	permitted = permitted_names(doctype, names)
	documents, positions = load_with_positions(doctype, names)
	coming = new_names_to_come(doctype, reader) | {
		docname for _log, docname in events_after(doctype, names, reader.cursor, reader.consumer.name)
	}
	readable = {name: doc for name, doc in documents.items() if name in permitted and name not in coming}
	meeting = readable
	if (reader.rows[doctype].condition or "").strip():
		meeting = those_meeting(reader, doctype, readable)
	there = existing_names(doctype, names)
	roots, files = roots_of_documents(doctype, list(meeting)), attached_to(doctype, list(meeting))
	events, gone, size, hidden = [], [], 0, reader.hidden.get(doctype)
	for name in names:
		if name in meeting:
			state = with_files(*as_sent(hidden, snapshot(meeting[name]), files.get(name)))
			event = as_event(doctype, name, state, positions[name], roots.get(name))
			size += len(event["data"]) + ENVELOPE_BYTES
			if events and size > reader.max_bytes:
				break
			events.append(event)
		elif name not in coming:
			reason = CONDITION if name in readable else NOT_PERMITTED if name in there else NOT_FOUND
			gone.append([name, reason, positions.get(name, 0)])
	return events, gone, [name for name in names if name in coming]


# ---- documents that the consumer has brought in line


def documents_repaired(event_consumer: str, doctype: str, positions: Any) -> None:
	"""A consumer has repaired documents as they were at these positions: they count as given, as far as it may have them."""
	consumer, reader = reader_of_existing(event_consumer, doctype, 0, None, None)
	try:
		parsed = frappe.parse_json(positions)
	except ValueError:
		parsed = None
	told = {name: max(cint(each), 0) for name, each in parsed.items()} if isinstance(parsed, dict) else {}
	if len(told) > MOST_NAMES:
		frappe.throw(_("Not more than {0} documents can be asked for at once.").format(MOST_NAMES))
	documents, exact = load_with_positions(doctype, list(permitted_names(doctype, list(told))))
	if (reader.rows[doctype].condition or "").strip():
		documents = those_meeting(reader, doctype, documents)
	record_given(consumer.name, doctype, {name: min(told[name], exact[name]) for name in documents})
