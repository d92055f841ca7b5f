"""Everything that one page of events needs to know before it is applied, read in a fixed number of queries and requests.

It reads and fetches; it applies and writes nothing.
"""

import frappe
from frappe.utils import cint

from event_streaming.consumer.apply import gaps, localise
from event_streaming.consumer.logs import sync_log
from event_streaming.consumer.resolve.whereabouts import find_by_root
from event_streaming.consumer.resolve.work import Work, keys_of, remote_key
from event_streaming.consumer.subscriptions.remote import FetchedDocuments
from event_streaming.consumer.subscriptions.subscription import doctypes_given
from event_streaming.identity import registry
from event_streaming.identity.registry import REMOTE_NAME, REMOTE_SITE, LocalKey, own_identity
from event_streaming.wire.events import ATTACH, CREATE, UPDATE, Event, Root
from event_streaming.wire.pages import PROTOCOL


def prepare(work: Work, events: list[Event]) -> None:
	"""Look up what the events of a page need: identities, held-back documents, namesakes, documents to be fetched."""
	unknown = look_up(work, events)
	fetch_unknown_documents(work, unknown)
	work.gaps = gaps.find_gaps(work, events)
	work.files.prepare(events)
	localise.prepare(work, events)


def look_up(work: Work, events: list[Event]) -> list[Event]:
	"""The part of it that asks nobody but this site; returns the events of documents that are not known here."""
	keys = list(dict.fromkeys(key for event in events for key in keys_of(event)))
	work.identities = {key: None for key in keys}
	work.identities.update(registry.load_many(work.event_producer, keys))
	work.held_back = sync_log.documents_held_back(work.event_producer, keys) | work.left
	# the cursor is past all that was dealt with, unless a hook has committed in the middle of a group
	work.known = sync_log.events_known(work.event_producer, events)
	if work.renumbered_until:
		work.known |= sync_log.events_known_otherwise(work.event_producer, events, work.renumbered_until)
	work.fetched = FetchedDocuments()
	if work.brought:
		work.fetched.add(work.brought)
	work.staged.clear()
	work.dependencies = localise.open_dependencies(work)
	unknown = [event for event in events if not work.identities[remote_key(event)]]
	add_legacy_identities(work, unknown)
	add_same_names(work, unknown)
	roots = [event["root"] for event in unknown if event["root"]]
	work.by_root = registry.find_by_roots(root for root in roots if root["site"] != work.here)
	work.by_root.update(local_roots(work, roots))
	work.same_named = find_namesakes(work, unknown)
	return unknown


def add_legacy_identities(work: Work, events: list[Event]) -> None:
	"""Documents that came before there was an identity table carry their origin only in two custom fields."""
	for doctype, names in by_local_doctype(work, events).items():
		if not frappe.get_meta(doctype).has_field(REMOTE_NAME):
			continue
		rows = frappe.get_all(
			doctype,
			filters={
				REMOTE_NAME: ["in", sorted(names)],
				REMOTE_SITE: work.event_producer,
			},
			fields=["name", REMOTE_NAME],
			order_by=None,
		)
		for row in rows:
			key = (names[row[REMOTE_NAME]], row[REMOTE_NAME])
			work.identities[key] = own_identity(work.event_producer, key, (doctype, row.name), None)


def add_same_names(work: Work, events: list[Event]) -> None:
	"""Where the older app is or was at work, a document of the same name is the same document: it knew no other rule.

	That goes for what was here when its data was taken over, and for what this site gives to a producer that still
	runs it: such a producer gives that back as if it had made it.
	"""
	for doctype, names in by_local_doctype(work, events, same_name=True).items():
		given = work.protocol < PROTOCOL and doctype in doctypes_given(work.event_producer, {doctype})
		until = {name: work.subscriptions[remote].same_names_until for name, remote in names.items()}
		wanted = sorted(name for name, moment in until.items() if moment or given)
		if not wanted:
			continue
		for row in frappe.get_all(
			doctype, filters={"name": ["in", wanted]}, fields=["name", "creation"], order_by=None
		):
			name = str(row.name)
			key = (names.get(name, ""), name)
			if name not in until or work.identities.get(key):
				continue
			if given or row.creation <= until[name]:
				work.identities[key] = own_identity(work.event_producer, key, (doctype, name), None)


def local_roots(work: Work, roots: list[Root]) -> dict[tuple[str, str, str], LocalKey]:
	"""Documents that were first made on this site and come back: (site, DocType, name) -> the document itself.

	None of a DocType that this site gives to nobody: such a document can't have left it.
	"""
	wanted: dict[str, set[str]] = {}
	mine = {root["doctype"] for root in roots if root["site"] == work.here}
	given = doctypes_given(None, mine) if mine else set()
	for root in roots:
		if root["site"] == work.here and root["doctype"] in given:
			wanted.setdefault(root["doctype"], set()).add(root["name"])
	found = {}
	for doctype, names in wanted.items():
		for name in frappe.get_all(
			doctype, filters={"name": ["in", sorted(names)]}, pluck="name", order_by=None
		):
			found[(work.here, doctype, name)] = (doctype, name)
	return found


def find_namesakes(work: Work, events: list[Event]) -> dict[LocalKey, object]:
	"""Local documents that have the name of an unknown remote one under Use Same Name: (DocType, name) -> creation."""
	found: dict[LocalKey, object] = {}
	for doctype, names in by_local_doctype(work, events, same_name=True).items():
		for row in frappe.get_all(
			doctype, filters={"name": ["in", sorted(names)]}, fields=["name", "creation"], order_by=None
		):
			found[(doctype, row.name)] = row.creation
	return found


def by_local_doctype(work: Work, events: list[Event], same_name: bool = False) -> dict[str, dict[str, str]]:
	"""Local DocType -> {remote name: remote DocType} of the events whose DocType is subscribed to and is here."""
	grouped: dict[str, dict[str, str]] = {}
	for event in events:
		subscription = work.subscriptions.get(event["ref_doctype"])
		if not subscription or (same_name and not subscription.use_same_name):
			continue
		if not frappe.db.exists("DocType", subscription.local_doctype, cache=True):
			continue
		if cint(frappe.get_meta(subscription.local_doctype).issingle):
			continue
		grouped.setdefault(subscription.local_doctype, {})[event["docname"]] = event["ref_doctype"]
	return grouped


def fetch_unknown_documents(work: Work, unknown: list[Event]) -> None:
	"""Updates of documents that are not here bring the whole document: fetched for the page in one go."""
	created, wanted = set(), []
	for event in unknown:
		key = remote_key(event)
		if event["update_type"] == CREATE:
			created.add(key)
		elif (
			event["update_type"] in (UPDATE, ATTACH)
			and key not in created
			and find_by_root(work, event["root"]) is None
		):
			if event["ref_doctype"] in work.subscriptions and (
				key not in work.held_back or key in work.retried
			):
				wanted.append(key)
	work.fetch(wanted)
