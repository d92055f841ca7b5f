"""One page for all open readers: what one of them was given is kept in Redis for the next, for as long as it is asked for.

Whoever is served is asked for everything first, as without it: that it may read, that each DocType of the page is open to it, that
none of the events is its own. Kept is only what two have asked for; in SLOTS places of MOST_BYTES, so that its price is bounded.
Whatever is wrong with Redis, the page is read from the log.
"""

import contextlib
import hashlib
import json
import zlib
from dataclasses import replace
from typing import Any

import frappe
from frappe.utils import cint
from redis.exceptions import RedisError

from event_streaming.producer.documents.names import Fates, roots_of
from event_streaming.producer.feed.open import open_doctypes
from event_streaming.producer.feed.selection import Slice, read_slice
from event_streaming.producer.log.epochs import LogState
from event_streaming.producer.log.rows import LOG, Candidate, dump
from event_streaming.producer.subscriptions.reader import Reader
from event_streaming.site.address import public_url
from event_streaming.wire.events import CREATE, DELETE, RENAME, Event

# of what is kept: another one after each change of it
FORMAT = 5
SLOTS, MOST_BYTES, KEPT_SECONDS = 16, 512 * 1024, 30
PREFIX = "event_streaming:page:"


def read_page(reader: Reader, log: LogState) -> Slice:
	"""The events of a page, from what another reader was given or from the log."""
	if reader.cursor == log.head:
		# as where a broker has given everything: the log need not be asked
		reader.open = frozenset()
		return Slice([], reader.cursor, log.head)
	if not (first := _first_of_all(reader, log)):
		return read_slice(reader, log.head)
	identity = _identity(reader, log, first)
	found = None
	if kept := _kept(identity):
		found = _as_slice(kept, log) if _is_for(reader, kept) else None
	elif _was_asked_for(identity):
		found = _read_for_all(reader, log, first, identity)
	return found or read_slice(reader, log.head)


def _first_of_all(reader: Reader, log: LogState) -> int | None:
	"""The position of the first event of the page, where it can be one that others get too: by what is on record for the reader.

	Readers whose cursors differ by events of other DocTypes ask for the same page.
	"""
	rows = reader.rows.values()
	if not rows or reader.hidden or reader.without or reader.cursor > log.head or not log.epoch:
		return None
	if any((row.condition or "").strip() for row in rows):
		return None
	approved = [cint(row.from_position) for row in rows]
	table = frappe.qb.DocType(LOG)
	query = (
		frappe.qb.from_(table)
		.select(table.position)
		.where(table.position > max(reader.cursor, min(approved)))
		.where(table.ref_doctype.isin(list(reader.rows)))
		.orderby(table.position)
		.limit(1)
	)
	found = query.run()
	# of what was logged before one of them was approved others may get more
	return found[0][0] if found and found[0][0] > max(approved) else None


def _identity(reader: Reader, log: LogState, first: int) -> str:
	said = [
		FORMAT,
		public_url(),
		log.epoch,
		log.head,
		first,
		reader.limit,
		reader.max_bytes,
		sorted(reader.rows),
		sorted(reader.as_one),
		sorted(reader.apart),
	]
	return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _read_for_all(reader: Reader, log: LogState, first: int, identity: str) -> Slice | None:
	"""The page as for a reader of which none of the events is its own, kept for the others where it is open; None where one is."""
	everybody = replace(reader, cursor=first - 1, for_all=True, warnings=[], withheld=[], open=frozenset())
	found = read_slice(everybody, log.head)
	begins = min((event.steps_from or event.position for event in found.events), default=0)
	if begins != first:
		# nothing may be passed over that is not known to be for nobody
		_never_keep(identity)
		return None
	origins = {event.origin for event in found.events if event.origin}
	if found.doctypes and found.doctypes == everybody.open:
		found.on_the_wire = on_the_wire(found)
		kept = {"id": identity, "cursor": found.cursor, "events": found.on_the_wire}
		_keep(identity, {**kept, "doctypes": sorted(found.doctypes), "origins": sorted(origins)})
	else:
		_never_keep(identity)
	if reader.consumer.name in origins:
		return None
	reader.open = everybody.open
	reader.warnings += everybody.warnings
	reader.withheld += everybody.withheld
	return found


def _is_for(reader: Reader, kept: dict) -> bool:
	if reader.consumer.name in kept["origins"]:
		return False
	reader.open = open_doctypes(reader, kept["doctypes"])
	return len(reader.open) == len(kept["doctypes"])


def _as_slice(kept: dict, log: LogState) -> Slice:
	events = [
		Candidate(
			name=event["id"],
			position=event["position"],
			at_position=event["at_position"],
			update_type=event["update_type"],
			ref_doctype=event["ref_doctype"],
			docname=event["docname"],
			creation=event["creation"],
			sequenced_on=None,
			owner=event["modified_by"],
			origin=event["origin"],
			size=0,
			ready=True,
			steps=event.get("changes", 0),
			steps_from=event.get("changes_from", 0),
		)
		for event in kept["events"]
	]
	return Slice(
		events, kept["cursor"], log.head, doctypes=frozenset(kept["doctypes"]), on_the_wire=kept["events"]
	)


def on_the_wire(found: Slice) -> list[Event]:
	"""The events of a page as they are sent."""
	if found.on_the_wire is not None:
		return found.on_the_wire
	here = public_url()
	roots = roots_of(found.events, found.fates)
	return [
		{
			"id": event.name,
			"position": event.position,
			"at_position": event.at_position,
			"update_type": event.update_type,
			"ref_doctype": event.ref_doctype,
			"docname": event.docname,
			"data": event.data,
			"data_before": _without_another(event)
			if event.only_the_end and event.update_type == DELETE
			else event.data_before,
			"creation": str(event.creation),
			"modified_by": event.owner,
			"origin": event.origin or here,
			"root": roots.get(event.name),
			"transaction_id": event.transaction_id,
			"divided": event.divided,
			**({"changes": event.steps, "changes_from": event.steps_from} if event.steps else {}),
			**_called(event, found.fates),
		}
		for event in found.events
	]


def _called(event: Candidate, fates: dict[str, Fates]) -> dict[str, Any]:
	"""What a document is called by now that is made or renamed: the consumer may have it by that name, for another one that needs it."""
	if event.update_type not in (CREATE, RENAME) or event.only_the_end or event.ref_doctype not in fates:
		return {}
	called = fates[event.ref_doctype].called(event)
	return {"now": called} if called else {}


def _without_another(event: Candidate) -> str | None:
	"""What a deletion says to one who may know nothing else: not into which document it was merged."""
	before = json.loads(event.data_before or "{}")
	before.pop("into", None)
	before.pop("root", None)
	return dump(before) if before else None


# ---------------------------------------------------------------- Redis


def _slot(identity: str) -> bytes:
	return frappe.cache.make_key(f"{PREFIX}{int(identity[:8], 16) % SLOTS}")


def _kept(identity: str) -> dict | None:
	try:
		packed = frappe.cache.get(_slot(identity))
		if not packed or not packed.startswith(identity.encode()):
			return None
		kept = json.loads(zlib.decompress(packed[len(identity) :]))
		frappe.cache.expire(_slot(identity), KEPT_SECONDS)
	except (RedisError, ValueError, zlib.error):
		return None
	return kept


def _was_asked_for(identity: str) -> bool:
	"""Whether somebody has asked for the page a moment ago, and it may be kept; that this one has asked is remembered."""
	try:
		if frappe.cache.set(_asked(identity), 1, nx=True, ex=KEPT_SECONDS):
			return False
		return frappe.cache.get(_asked(identity)) == b"1"
	except RedisError:
		return False


def _never_keep(identity: str) -> None:
	"""Too large, or not open to who asks: whoever comes next does not try it again."""
	with contextlib.suppress(RedisError):
		frappe.cache.set(_asked(identity), 0, ex=KEPT_SECONDS)


def _asked(identity: str) -> bytes:
	return frappe.cache.make_key(f"{PREFIX}asked:{identity[:32]}")


def _keep(identity: str, kept: dict) -> None:
	packed = identity.encode() + zlib.compress(json.dumps(kept, separators=(",", ":")).encode(), 1)
	if len(packed) > MOST_BYTES:
		_never_keep(identity)
		return
	with contextlib.suppress(RedisError):
		frappe.cache.set(_slot(identity), packed, ex=KEPT_SECONDS)
