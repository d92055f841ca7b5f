"""Everything that one page of events needs to know before it is applied, read in a fixed number of queries and requests.

It reads and fetches; it applies and writes nothing.
"""

from dataclasses import dataclass, field

import frappe
from frappe.utils import cint, get_datetime

from event_streaming import identity, wire
from event_streaming.consumer import gaps, links, sync_log
from event_streaming.consumer.dependencies import Dependencies
from event_streaming.consumer.fields import REMOTE_NAME, REMOTE_SITE
from event_streaming.consumer.files import Files
from event_streaming.consumer.group_log import GroupLog
from event_streaming.consumer.remote import FetchedDocuments, Producer
from event_streaming.consumer.subscription import Subscription, doctypes_given, subscriptions_of
from event_streaming.identity import Identity, LocalKey, RemoteKey, own_identity
from event_streaming.site import public_url
from event_streaming.wire import Event, InvalidPage, Root


@dataclass
class Work:
	"""What is known while a producer's events are applied. Changes made for one event are kept apart until it is done."""

	event_producer: str
	user: str
	producer: Producer
	subscriptions: dict[str, Subscription]
	protocol: int
	time_zone: str
	here: str = field(default_factory=public_url)
	identities: dict[RemoteKey, Identity | None] = field(default_factory=dict)
	by_root: dict[tuple[str, str, str], LocalKey] = field(default_factory=dict)
	same_named: dict[LocalKey, object] = field(default_factory=dict)
	held_back: set[RemoteKey] = field(default_factory=set)
	# documents of which one of several workers has left an event to the pull: held back for it
	left: set[RemoteKey] = field(default_factory=set)
	known: set[tuple[str, str]] = field(default_factory=set)
	# documents that changed on the producer while this site was not told
	gaps: set[RemoteKey] = field(default_factory=set)
	fetched: FetchedDocuments = field(default_factory=FetchedDocuments)
	staged: dict[RemoteKey, Identity | None] = field(default_factory=dict)
	# up to this time of the producer, events may have come by another number while it ran the older app
	renumbered_until: str | None = None
	asked_by: str = ""
	# the producer did not answer the last time it was asked
	away: bool = False
	# what a person has decided about the conflicts of the event being applied: key -> "here" or "there"
	decision: dict[str, str] | None = None
	# documents that came with the page: nobody has to ask for them
	brought: FetchedDocuments | None = None
	dependencies: Dependencies | None = None
	files: Files = field(init=False)
	log: GroupLog = field(init=False)

	def __post_init__(self):
		self.files = Files(self)
		self.log = GroupLog(self.event_producer)

	def identity_of(self, key: RemoteKey) -> Identity | None:
		"""The identity of a remote document as it stands in the middle of the event being applied."""
		if key in self.staged:
			return self.staged[key]
		if key not in self.identities:
			self.identities.update({key: None, **identity.load_many(self.event_producer, [key])})
		return self.identities[key]

	def keep(self, new: Identity) -> None:
		"""Remember, in the event's transaction, which local document stands for a remote one."""
		key = (new.remote_doctype, new.remote_name)
		if self.identity_of(key):
			identity.save(new)
		else:
			identity.add(new)
		self.staged[key] = new
		self.dependencies.arrived(key, (new.local_doctype, new.local_name))

	def recognise(self, key: RemoteKey, local: LocalKey, root: Root) -> None:
		"""Remember that a remote document is one that came here by another way, or from here."""
		self.keep(own_identity(self.event_producer, key, local, root))

	def drop(self, key: RemoteKey) -> None:
		identity.forget(self.event_producer, *key)
		self.staged[key] = None
		self.dependencies.gone(key)

	def event_done(self) -> None:
		self.identities.update(self.staged)
		self.staged.clear()
		self.log.identities.event_done()
		self.dependencies.keep()
		self.files.event_done()

	def event_undone(self) -> None:
		self.staged.clear()
		self.log.identities.event_undone()
		self.dependencies.forget()
		self.files.event_undone()

	def fetch(self, keys: list[RemoteKey]) -> FetchedDocuments:
		"""Documents from the producer; each is asked for once a page."""
		new = [
			key
			for key in dict.fromkeys(keys)
			if key not in self.fetched.documents and key not in self.fetched.missing
		]
		if new:
			get = (
				self.producer.get_documents if self.protocol >= 2 else self.producer.get_documents_one_by_one
			)
			self.fetched.add(get(new))
		return self.fetched


def open_work(event_producer, producer: Producer, protocol: int, time_zone: str) -> Work:
	"""What does not change from page to page."""
	return Work(
		event_producer=event_producer.name,
		user=event_producer.user,
		producer=producer,
		subscriptions=subscriptions_of(event_producer),
		protocol=protocol,
		time_zone=time_zone,
	)


def prepare(work: Work, events: list[Event]) -> None:
	"""Look up what the events of a page need: identities, held-back documents, namesakes, documents to be fetched."""
	unknown = look_up(work, events)
	fetch_unknown_documents(work, unknown)
	work.gaps = gaps.find_gaps(work, events)
	work.files.prepare(events)
	links.prepare(work, events)


def look_up(work: Work, events: list[Event]) -> list[Event]:
	"""The part of it that asks nobody but this site; returns the events of documents that are not known here."""
	keys = list(dict.fromkeys(key for event in events for key in keys_of(event)))
	work.identities = {key: None for key in keys}
	work.identities.update(identity.load_many(work.event_producer, keys))
	work.held_back = sync_log.documents_held_back(work.event_producer, keys) | work.left
	# the cursor is past all that was dealt with, unless a hook has committed in the middle of a group
	work.known = sync_log.events_known(work.event_producer, events)
	if work.renumbered_until:
		work.known |= sync_log.events_known_otherwise(work.event_producer, events, work.renumbered_until)
	work.fetched = FetchedDocuments()
	if work.brought:
		work.fetched.add(work.brought)
	work.staged.clear()
	work.dependencies = links.open_dependencies(work)
	unknown = [event for event in events if not work.identities[remote_key(event)]]
	add_legacy_identities(work, unknown)
	add_same_names(work, unknown)
	roots = [event["root"] for event in unknown if event["root"]]
	work.by_root = identity.find_by_roots(root for root in roots if root["site"] != work.here)
	work.by_root.update(local_roots(work, roots))
	work.same_named = find_namesakes(work, unknown)
	return unknown


def remote_key(event: Event) -> RemoteKey:
	return event["ref_doctype"], event["docname"]


def keys_of(event: Event) -> list[RemoteKey]:
	"""The remote documents that an event is about: two for a rename."""
	keys = [remote_key(event)]
	if event["update_type"] == wire.RENAME:
		try:
			keys.append((event["ref_doctype"], str(wire.parse_data(event).get("new_name") or "")))
		except InvalidPage:
			pass
	return keys


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
		given = work.protocol < wire.PROTOCOL and doctype in doctypes_given(work.event_producer, {doctype})
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
		if event["update_type"] == wire.CREATE:
			created.add(key)
		elif (
			event["update_type"] in (wire.UPDATE, wire.ATTACH)
			and key not in created
			and find_by_root(work, event["root"]) is None
		):
			if event["ref_doctype"] in work.subscriptions and key not in work.held_back:
				wanted.append(key)
	work.fetch(wanted)


def find_by_root(work: Work, root: Root | None) -> LocalKey | None:
	if not root:
		return None
	return work.by_root.get((root["site"], root["doctype"], root["name"]))


def same_creation(here: object, there: object) -> bool:
	"""Two documents of one name that were made in the same microsecond are one: this site began as a copy."""
	return bool(here and there) and get_datetime(here) == get_datetime(there)
