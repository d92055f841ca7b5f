"""Pages of documents that exist already, in the order of their names: what a consumer's first copy is made of.

As with the feed, the subscription on record decides: approved, readable for the consumer's user, condition met. Filters
only narrow that down. Each document comes as a made-up Create whose position is exact: the events of the document at or
before it are contained in what is sent, and none after it. A consumer that has documents already says which, with digests of them: of
those that it may have it hears whether they are the same, and gets none. What it may not have is as if it were not there, whatever it
says of it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.messages.coded import _
from event_streaming.producer.documents.digesting import Digester, what_counts
from event_streaming.producer.documents.exact import events_after, load_with_positions
from event_streaming.producer.documents.file_rows import attached_to
from event_streaming.producer.documents.filters import wanted_conditions
from event_streaming.producer.documents.given import record_given
from event_streaming.producer.documents.names import roots_of_documents
from event_streaming.producer.log.rows import ENVELOPE_BYTES, LOG, dump
from event_streaming.producer.log.sequence import head_position
from event_streaming.producer.subscriptions import conditions
from event_streaming.producer.subscriptions.hiding import as_sent
from event_streaming.producer.subscriptions.reader import Reader, load_consumer, reader_for
from event_streaming.site.address import public_url, time_zone
from event_streaming.wire.checks import MAX_NAME, InvalidPage, text
from event_streaming.wire.difference import snapshot
from event_streaming.wire.digests import parse_shape
from event_streaming.wire.events import CREATE, FILES_KEY, RENAME, Root
from event_streaming.wire.files import RemoteFile
from event_streaming.wire.lean.known import unpack_known
from event_streaming.wire.pages import PROTOCOL

# so many are held in memory at once
BATCH = 100
# the count is for a progress bar
MOST_COUNTED = 1_000_000
# so many renames that a consumer has still to take are held in memory
MOST_RENAMES = 100_000


@dataclass
class Found:
	"""The documents of a page as events, and the name up to which everything was looked at."""

	events: list[dict[str, Any]] = field(default_factory=list)
	after: str = ""
	has_more: bool = False
	size: int = 0
	looked_at: int = 0
	# of those that the consumer has: how many are as here, and which are not
	same: int = 0
	differing: list[str] = field(default_factory=list)


@dataclass
class Known:
	"""The documents that the consumer has, with their digests there: all up to the name `upto`, where there are more."""

	digester: Digester
	lacking: list[str]
	digests: dict[str, int]
	upto: str

	def compare(self, names: list[str], found: Found) -> None:
		"""Count what is the same, or will be once the consumer has taken what is on its way; and keep the names of the rest."""
		digester = self.digester
		compared = dict(digester.of(names))
		differing = [name for name, digest in compared.items() if digest != self.digests[name]]
		reader, doctype = digester.reader, digester.doctype
		coming = {
			docname
			for _log, docname in (
				events_after(doctype, differing, reader.cursor, reader.consumer.name) if differing else ()
			)
		}
		differing = [name for name in differing if name not in coming]
		# one that was deleted a moment ago is neither
		found.same += len(compared) - len(differing)
		found.differing += differing


def copy_page(
	event_consumer: str,
	doctype: str,
	after: str,
	cursor: Any,
	filters: Any,
	limit: Any,
	max_bytes: Any,
	trial: Any = 0,
	known: Any = None,
) -> dict[str, Any]:
	"""The answer of the endpoint `get_copy_page`; `known` is what the consumer has, see `known_in`; with `trial` nothing counts as given. Raises frappe.ValidationError with what to do."""
	consumer, reader = reader_of_existing(event_consumer, doctype, cursor, limit, max_bytes)
	reader.trial = bool(cint(trial))
	wanted = wanted_conditions(reader, doctype, filters)
	found, has = Found(after=after), known_in(reader, doctype, known)
	if has and has.lacking:
		# their digests are of more than documents have here: asked again without that
		found.has_more = True
	elif not cint(consumer.paused):
		read_documents(reader, doctype, wanted, found, has)
	return {
		"protocol": PROTOCOL,
		"events": found.events,
		"after": found.after,
		"looked_at": found.looked_at,
		"has_more": found.has_more,
		"time_zone": time_zone(),
		"site": public_url(),
		"paused": cint(consumer.paused),
		**({"without": has.lacking, "same": found.same, "differing": found.differing} if has else {}),
	}


def known_in(reader: Reader, doctype: str, known: Any) -> Known | None:
	"""What a request says of the documents that the consumer has: {"shape": …, "packed": …, "upto": name or ""}."""
	if not known:
		return None
	try:
		said = frappe.parse_json(known)
		shape, packed = parse_shape(said.get("shape")), unpack_known(said.get("packed"))
		upto = text(said.get("upto") or "", "upto", MAX_NAME)
	except (InvalidPage, ValueError, AttributeError, RecursionError) as error:
		frappe.throw(_("The request to compare documents can't be read: {0}").format(error))
	shape, lacking = what_counts(reader, doctype, shape)
	return Known(Digester(reader, doctype, shape), lacking, packed, upto)


def copy_count(event_consumer: str, doctype: str, filters: Any) -> int:
	"""How many documents a copy will look at; those that do not meet the condition are among them."""
	_consumer, reader = reader_of_existing(event_consumer, doctype, 0, None, None)
	return count_names(doctype, wanted_conditions(reader, doctype, filters))


def reader_of_existing(
	event_consumer: str, doctype: str, cursor: Any, limit: Any, max_bytes: Any
) -> tuple[Any, Reader]:
	"""The consumer and the bounds, if it is its own user who asks and the DocType is approved for it."""
	consumer = load_consumer(event_consumer)
	reader = reader_for(consumer, max(cint(cursor), 0), limit, max_bytes)
	if doctype not in reader.rows:
		frappe.throw(
			_("{0} is not approved for {1} on {2}: approve it on the Event Consumer there first.").format(
				doctype, consumer.name, public_url()
			)
		)
	frappe.has_permission(doctype, "read", throw=True)
	return consumer, reader


def read_documents(
	reader: Reader, doctype: str, wanted: list[list], found: Found, known: Known | None = None
) -> None:
	"""Fill a page: batches of documents until its bounds are reached or there are no more."""
	left, to_come = reader.limit + (len(known.digests) if known else 0), NamesToCome(doctype, reader)
	upto = known.upto if known else ""
	within = [*wanted, [doctype, "name", "<=", upto]] if upto else wanted
	while left > 0:
		names = names_after(doctype, within, found.after, min(BATCH, left))
		if not names and upto:
			if found.looked_at:
				# what comes after is asked for with what the consumer has of it
				break
			# nor is there anything in between: the next come without that, or in the consumer's order of names `upto` is no later one.
			# A page ends with a name of its own, so that it never leads back
			upto, within = "", wanted
			continue
		if not names:
			return
		left -= len(names)
		for name, event in events_of(reader, doctype, names, to_come, found, known):
			if event:
				size = len(event["data"]) + ENVELOPE_BYTES
				if found.events and (
					found.size + size > reader.max_bytes or len(found.events) >= reader.limit
				):
					found.has_more = True
					return
				found.size += size
				found.events.append(event)
			found.after = name
			found.looked_at += 1
	found.has_more = bool(names_after(doctype, wanted, found.after, 1))


def events_of(
	reader: Reader,
	doctype: str,
	names: list[str],
	to_come: "NamesToCome",
	found: Found,
	known: Known | None = None,
) -> Iterator[tuple[str, dict[str, Any] | None]]:
	"""Each name with its document as an event; None when it is gone by now, does not meet the condition, comes anyway, or is known."""
	row, hidden = reader.rows[doctype], reader.hidden.get(doctype)
	conditional = bool((row.condition or "").strip())
	has = [name for name in names if name in known.digests] if known else []
	# of what is known nothing more is asked than whether it is the same, but for what the condition says
	documents, positions = load_with_positions(
		doctype, names if conditional or not has else [name for name in names if name not in known.digests]
	)
	# read after the documents, so that no rename is missed that they show
	to_come.look()
	for name in to_come.names & documents.keys():
		del documents[name]
	if conditional:
		documents = those_meeting(reader, doctype, documents)
		if not reader.trial:
			record_given(reader.consumer.name, doctype, {name: positions[name] for name in documents})
		has = [name for name in has if name in documents]
	if known:
		known.compare([name for name in has if name not in to_come.names], found)
		documents = {name: doc for name, doc in documents.items() if name not in known.digests}
	roots, files = roots_of_documents(doctype, list(documents)), attached_to(doctype, list(documents))
	for name in names:
		event = None
		if doc := documents.get(name):
			state = with_files(*as_sent(hidden, snapshot(doc), files.get(name)))
			event = as_event(doctype, name, state, positions[name], roots.get(name))
		yield name, event


class NamesToCome:
	"""Names that documents got by renames which the consumer has still to take.

	It may have such a document under its old name; the rename gives it the new one, or brings it. Each rename is read once,
	however often a page looks.
	"""

	def __init__(self, doctype: str, reader: Reader):
		self.doctype, self.reader, self.names = doctype, reader, set()
		self.after = max(reader.cursor, cint(reader.rows[doctype].from_position))

	def look(self) -> None:
		"""Add what there is since the last look; raises frappe.ValidationError when it is too much to look at."""
		# what has no position yet is read again: it comes after
		head, log = head_position(), frappe.qb.DocType(LOG)
		query = (
			frappe.qb.from_(log)
			.select(log.data)
			.where((log.position > self.after) | (log.position == 0))
			.where((log.ref_doctype == self.doctype) & (log.update_type == RENAME))
			.where(log.origin.isnull() | (log.origin != self.reader.consumer.name))
			.limit(MOST_RENAMES)
		)
		found = query.run()
		self.names.update(json.loads(data)["new_name"] for (data,) in found)
		if len(found) >= MOST_RENAMES:
			frappe.throw(
				_("{0} has still to take {1} renames of {2} and more. Let it pull first.").format(
					self.reader.consumer.name, MOST_RENAMES, self.doctype
				)
			)
		self.after = max(head, self.after)


def new_names_to_come(doctype: str, reader: Reader) -> set[str]:
	"""The names of one look: see NamesToCome."""
	to_come = NamesToCome(doctype, reader)
	to_come.look()
	return to_come.names


def those_meeting(reader: Reader, doctype: str, documents: dict[str, Any]) -> dict[str, Any]:
	"""The documents that meet the subscription's condition. One that raises an error ends the copy with it."""
	row, hidden = reader.rows[doctype], reader.hidden.get(doctype)
	meeting, failed = {}, ""
	with conditions.without_writing():
		for name, doc in documents.items():
			update_log = frappe._dict(
				doctype=LOG, name=None, update_type=CREATE, ref_doctype=doctype, docname=name, creation=None
			)
			try:
				if conditions.meets(row.condition, doc, reader.consumer, update_log, hidden):
					meeting[name] = doc
			except Exception as error:
				failed = conditions.as_told(name, error, hidden)
				break
	if failed:
		# not while the error is handled: Frappe's answer would show that too, with what it says of the document
		frappe.throw(_("The condition for {0} failed on {1}: {2}").format(doctype, public_url(), failed))
	return meeting


def with_files(state: dict[str, Any], files: list[RemoteFile]) -> dict[str, Any]:
	"""The data of a made-up Create: the document, and its files where it has any."""
	return {**state, FILES_KEY: files} if files else state


def as_event(
	doctype: str, name: str, state: dict[str, Any], position: int, root: Root | None
) -> dict[str, Any]:
	return {
		"id": "",
		"position": position,
		"at_position": position,
		"update_type": CREATE,
		"ref_doctype": doctype,
		"docname": name,
		"data": dump(state),
		"data_before": None,
		"creation": state.get("modified") or "",
		"modified_by": state.get("modified_by") or "",
		"origin": root["site"] if root else public_url(),
		"root": root,
	}


# ---- names


def names_after(doctype: str, wanted: list[list], after: str, limit: int) -> list[str]:
	"""The next names that the session's user may read and the filters find, in the database's order of names."""
	if frappe.get_meta(doctype).issingle:
		return [] if after else [doctype]
	filters = [*wanted, [doctype, "name", ">", after]] if after else wanted
	rows = frappe.get_list(
		doctype,
		filters=filters,
		fields=["name"],
		order_by=f"`tab{doctype}`.name asc",
		limit_page_length=limit,
		distinct=needs_distinct(doctype, wanted),
	)
	return [str(row.name) for row in rows]


def count_names(doctype: str, wanted: list[list], **options: bool) -> int:
	"""How many there are, counted up to MOST_COUNTED; `options` are those of `frappe.get_list`."""
	if frappe.get_meta(doctype).issingle:
		return 1
	names = frappe.get_list(
		doctype,
		filters=wanted,
		fields=["name"],
		limit_page_length=MOST_COUNTED,
		order_by=None,
		distinct=needs_distinct(doctype, wanted),
		run=False,
		**options,
	)
	# the database counts: a million names are not brought into memory
	return frappe.db.sql(f"select count(*) from ({names}) counted")[0][0]


def needs_distinct(doctype: str, wanted: list[list]) -> bool:
	"""A filter on a child table finds a document once for each of its rows."""
	return any(condition[0] != doctype for condition in wanted)
