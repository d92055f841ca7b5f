"""What each event of a page touches: which ones two workers may apply at the same time, and which not.

Together are events of one transaction; of one document, under whatever name and of whatever root; of documents that name each other, whether
by a Link, a Dynamic Link or anything else that holds a name; of documents that need the same missing one; and what takes
turns anyhow: the documents of a tree, names given by a counter, deletions, files, documents that are not here yet. Too much
held together costs only time.

It reads and fetches, in a fixed number of queries and requests for a page; it applies and writes nothing. A document that
two workers bring all the same, because it came into being on the producer in this moment, is made once: see `registry.add`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import frappe
from frappe.utils import cint

from event_streaming.consumer.apply import localise
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.dependencies.plan import Need, PlannedDocument
from event_streaming.consumer.subscriptions.fetched import FetchedDocuments
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.consumer.workers.lanes import Mark, components
from event_streaming.identity import registry
from event_streaming.identity.registry import Identity, RemoteKey
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.events import (
	CREATE,
	DELETE,
	FILES_KEY,
	OF_FILES,
	RENAME,
	Event,
	end_of_transaction,
	keys_of,
	parse_data,
	remote_key,
	texts_in,
	transaction_of,
)
from event_streaming.wire.files import is_local_url

# a name is given without looking at how many there are
NAMED_WITHOUT_COUNTING = ("hash", "random", "prompt", "field:", "autoincrement", "uuid")


def have_to_be_alone(events: list[Event]) -> list[bool]:
	"""For each event of a page whether nobody may be at work beside it, or beside what was made together with it."""
	alone: list[bool] = []
	while len(alone) < len(events):
		end = end_of_transaction(events, len(alone))
		some = events[len(alone) : end]
		alone += [any(map(has_to_be_alone, some))] * len(some)
	return alone


def has_to_be_alone(event: Event) -> bool:
	"""A rename touches whatever links to the document; and an event without a mark of its own is not known again."""
	return (
		event["update_type"] == RENAME or not event["id"] or not event["creation"] or bool(event["problem"])
	)


@dataclass
class Together:
	"""Events that have to be applied by one worker, by their numbers, and the missing documents that they need."""

	events: list[int]
	needed: list[RemoteKey]


def belonging_together(work: Work, events: list[Event]) -> list[Together]:
	"""The components of a page. `work` has what was fetched, and has to be prepared anew before anything is applied."""
	work.fetched, work.dependencies = FetchedDocuments(), localise.open_dependencies(work)
	needs = localise.needs_of_page(work, events)
	keys = [key for event in events for key in keys_of(event)]
	known = registry.load_many(work.event_producer, keys)
	page = Footprints(work, known, {name.casefold() for _doctype, name in keys}, set(keys))
	touched = [page.of_event(event, needed) for event, needed in zip(events, needs, strict=True)]
	# documents that are to be made besides hold those together that need them
	planned = list(work.dependencies.fetched.values())
	touched += [page.of_planned(each) for each in planned]
	together = [
		Together(
			[number for number in members if number < len(events)],
			[planned[number - len(events)].key for number in members if number >= len(events)],
		)
		for members in components(touched)
	]
	return [each for each in together if each.events]


def components_of_page(work: Work, events: Sequence[Event]) -> list[int]:
	"""For each event of a page that is prepared, the number of the component that it belongs to."""
	events = list(events)
	needs = localise.needs_of_page(work, events)
	keys = [key for event in events for key in keys_of(event)]
	known = {key: found for key in keys if (found := work.resolver.identities.of(key))}
	page = Footprints(work, known, {name.casefold() for _doctype, name in keys}, set(keys))
	touched = [page.of_event(event, needed) for event, needed in zip(events, needs, strict=True)]
	touched += [page.of_planned(each) for each in work.dependencies.fetched.values()]
	number_of = {number: which for which, members in enumerate(components(touched)) for number in members}
	return [number_of[number] for number in range(len(events))]


class Footprints:
	"""The marks of a page's events, asked for in their order.

	`known` are the identities of the page's documents, `names` and `keys` what the producer calls them.
	"""

	def __init__(self, work: Work, known: dict[RemoteKey, Identity], names: set[str], keys: set[RemoteKey]):
		self.work = work
		self.known = known
		self.names = names
		self.keys = keys
		# what the events so far make
		self.made: set[RemoteKey] = set()
		self._kinds: dict[str, tuple[bool, bool]] = {}

	def of_event(self, event: Event, needs: Iterable[Need]) -> set[Mark]:
		key = remote_key(event)
		subscription = self.work.subscriptions.get(key[0])
		marks = {document(key), name(key[1])} | self._needed(needs)
		marks |= self._said(event)
		if transaction := transaction_of(event):
			marks.add(("transaction", transaction))
		if event["update_type"] == DELETE:
			marks.add(("deletions",))
		if event["update_type"] in OF_FILES:
			marks.add(("files",))
		if subscription:
			marks |= self._here(event, key, subscription)
		return marks

	def of_planned(self, planned: PlannedDocument) -> set[Mark]:
		"""A document that is not here and that some event needs."""
		subscription = self.work.subscriptions.get(planned.doctype)
		marks = {document(planned.key), name(planned.name)} | self._needed(planned.needs)
		same_name = not subscription or subscription.use_same_name
		marks |= self._made(planned.local_doctype, planned.name, same_name)
		if self.work.fetched.files.get(planned.key):
			marks.add(("files",))
		return marks

	def _needed(self, needs: Iterable[Need]) -> set[Mark]:
		"""Documents of the page, and those that are not here: what is here and stays as it is holds nobody together."""
		dependencies = self.work.dependencies
		return {
			document(need.key)
			for need in needs
			if need.key in self.keys
			or (dependencies.local_key(need.key) is None and need.key not in dependencies.missing)
		}

	def _said(self, event: Event) -> set[Mark]:
		"""The page's documents that an event names, and whether it has to do with files."""
		marks: set[Mark] = set()
		for part in ("data", "data_before"):
			try:
				data = parse_data(event, part)
			except InvalidPage:
				# it fails with its own event
				continue
			if data.get(FILES_KEY):
				marks.add(("files",))
			for text in texts_in(data):
				if is_local_url(text):
					marks.add(("files",))
				elif text.casefold() in self.names:
					marks.add(name(text))
		return marks

	def _here(self, event: Event, key: RemoteKey, subscription: Subscription) -> set[Mark]:
		known, root = self.known.get(key), event["root"]
		marks: set[Mark] = set()
		if root:
			marks.add(("root", root["site"], root["doctype"], root["name"].casefold()))
			if root["site"] == self.work.here:
				marks.add(local(root["doctype"], root["name"]))
		if known:
			marks |= {
				local(known.local_doctype, known.local_name),
				("root", known.root_site, known.root_doctype, known.root_name.casefold()),
			}
			if self._kind(subscription.local_doctype)[0]:
				marks.add(("tree", subscription.local_doctype))
			return marks
		if event["update_type"] == CREATE:
			self.made.add(key)
		elif key not in self.made:
			# brought whole, with files and with what it links to by now
			marks |= {("not here",), ("files",)}
		return marks | self._made(subscription.local_doctype, key[1], subscription.use_same_name)

	def _made(self, local_doctype: str, remote_name: str, same_name: bool) -> set[Mark]:
		is_tree, counts = self._kind(local_doctype)
		marks: set[Mark] = {("tree", local_doctype)} if is_tree else set()
		if same_name:
			marks.add(local(local_doctype, remote_name))
		elif counts:
			# the counter's row is locked until the commit: one after the other in any case
			marks.add(("counter", local_doctype))
		return marks

	def _kind(self, doctype: str) -> tuple[bool, bool]:
		"""Whether a DocType of this site is a tree, and whether its names are given by a counter."""
		if doctype not in self._kinds:
			if frappe.db.exists("DocType", doctype, cache=True):
				meta = frappe.get_meta(doctype)
				rule = (meta.autoname or "hash").lower()
				self._kinds[doctype] = (
					bool(cint(meta.get("is_tree"))),
					not rule.startswith(NAMED_WITHOUT_COUNTING),
				)
			else:
				self._kinds[doctype] = (False, False)
		return self._kinds[doctype]


def document(key: RemoteKey) -> Mark:
	return "document", key[0], key[1].casefold()


def name(text: str) -> Mark:
	return "name", text.casefold()


def local(doctype: str, local_name: str) -> Mark:
	return "local", doctype, str(local_name).casefold()
