"""Documents that changed on the producer while this site was not told: unsubscribed, not approved, or events cleared there.

The first event afterwards says what the fields held before it, and that is not what this site was last given. Without a
look at what this site did itself, that would be taken for a change of both sites. It reads and fetches; it writes nothing.
"""

from datetime import datetime
from typing import TYPE_CHECKING

import frappe
from frappe.utils import get_datetime

from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.logs import taken_events
from event_streaming.exceptions import CannotApply
from event_streaming.identity import registry
from event_streaming.identity.registry import LocalKey, RemoteKey
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.events import UPDATE, Event, parse_data

if TYPE_CHECKING:
	from event_streaming.consumer.apply.work import Work


def find_gaps(work: "Work", events: list[Event]) -> set[RemoteKey]:
	"""The documents that are here as this site was last given them, but that the producer has changed since by more
	than it tells: they are to be brought whole, and are fetched. Two queries for each DocType, two for the log, one for the identities,
	one request.
	"""
	first = _first_updates(work, events)
	modified = _modified_here({local for _event, local in first.values()})
	changed = {
		key: local
		for key, (event, local) in first.items()
		if local in modified and _modified_before(event, local[0], work) not in (None, modified[local])
	}
	gaps = _as_given(work.event_producer, {key: (local, modified[local]) for key, local in changed.items()})
	return {key for key in gaps if key in work.fetch(gaps).documents}


def _as_given(event_producer: str, here: dict[RemoteKey, tuple[LocalKey, datetime]]) -> list[RemoteKey]:
	"""Those of the documents, with what they are here and their time stamps, that nobody has changed here since this site was given them.

	What came with a copy, or with another document, has no row in Event Sync Log. It has the producer's stamp still, which is older than
	the moment at which it came here first; a person's change is younger. One that came from another producer need not be.
	"""
	if not here:
		return []
	given = taken_events.last_given(event_producer, here)
	noted = registry.noted_on(event_producer, here.keys() - given.keys())
	others = _of_others(event_producer, {here[key][0] for key in noted})
	return [
		key
		for key, (local, stamp) in here.items()
		if (
			given[key] == stamp
			if key in given
			else key in noted and local not in others and stamp <= noted[key]
		)
	]


def _of_others(event_producer: str, documents: set[LocalKey]) -> set[LocalKey]:
	"""Those of the documents here that stand for one of another producer's as well: one query for each DocType."""
	names: dict[str, set[str]] = {}
	for doctype, name in documents:
		names.setdefault(doctype, set()).add(name)
	return {
		(doctype, name)
		for doctype, wanted in names.items()
		for name, known in registry.find_for_local(doctype, wanted).items()
		if any(each.event_producer != event_producer for each in known)
	}


def _first_updates(work: "Work", events: list[Event]) -> dict[RemoteKey, tuple[Event, LocalKey]]:
	"""The first event of each document, where that is an update of one that is known here."""
	first: dict[RemoteKey, Event] = {}
	for event in events:
		key = (event["ref_doctype"], event["docname"])
		known = work.resolver.identities.of(key)
		if not known or not 0 < event["position"] <= known.covered_to:
			first.setdefault(key, event)
	found = {}
	for key, event in first.items():
		known = work.resolver.identities.of(key)
		if known and event["update_type"] == UPDATE and key not in work.held_back:
			if key[0] in work.subscriptions and frappe.db.exists("DocType", known.local_doctype, cache=True):
				found[key] = (event, (known.local_doctype, known.local_name))
	return found


def _modified_here(documents: set[LocalKey]) -> dict[LocalKey, datetime]:
	names: dict[str, list[str]] = {}
	for doctype, name in documents:
		if not frappe.get_meta(doctype).issingle:
			names.setdefault(doctype, []).append(name)
	return {
		(doctype, str(row.name)): get_datetime(row.modified)
		for doctype, wanted in names.items()
		for row in frappe.get_all(
			doctype, filters={"name": ["in", sorted(wanted)]}, fields=["name", "modified"], order_by=None
		)
	}


def _modified_before(event: Event, doctype: str, work: "Work") -> datetime | None:
	"""The document's time stamp before the event, in this site's time zone; None when the producer does not say."""
	try:
		changed = parse_data(event, "data_before").get("changed")
		stamp = changed.get("modified") if isinstance(changed, dict) else None
		return (
			get_datetime(convert_times(doctype, {"modified": stamp}, work.time_zone)["modified"])
			if stamp
			else None
		)
	except (InvalidPage, CannotApply, ValueError, TypeError):
		# it fails with its own event
		return None
