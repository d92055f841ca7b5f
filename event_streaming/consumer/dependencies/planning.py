"""What a document links to and this site lacks: found, fetched in bulk, put in order. It writes nothing.

`fetch_ahead` looks at all documents of a page together; `plan` says, for one event, which documents have to be made before
it and which links have to be set after it. What `plan` finds missing beyond what was prepared, it fetches as well, so
`fetch_ahead` only saves requests. What an event makes or removes is told with `arrived` and `gone`, and holds for good with
`keep` or never was with `forget` (the event was rolled back).
"""

from collections.abc import Collection, Iterable

import frappe

from event_streaming.adapters.doctypes import (
	fields_decided_here,
	may_stay_empty,
	refuse_what_cannot_come,
)
from event_streaming.consumer.dependencies import users
from event_streaming.consumer.dependencies.order import order_by_need
from event_streaming.consumer.dependencies.places import Link, links_in_document, with_local_names
from event_streaming.consumer.dependencies.plan import (
	Need,
	Plan,
	PlannedDocument,
	Source,
	describe,
	explain_missing,
	explain_waiting,
)
from event_streaming.consumer.dependencies.shapes import Shapes
from event_streaming.consumer.dependencies.unasked import is_row
from event_streaming.consumer.mapping.rules import DocumentReference, Places
from event_streaming.consumer.mapping.store import MappingStore, to_local_document
from event_streaming.consumer.subscriptions.fetched import FetchedDocuments
from event_streaming.consumer.unit_of_work.event_scope import EventScope
from event_streaming.exceptions import CannotApply, RemoteError, RemoteRefused
from event_streaming.identity.registry import LocalKey, RemoteKey
from event_streaming.messages.coded import _
from event_streaming.site.settings import FAIL, USE_SUBSCRIBER
from event_streaming.wire.events import Root
from event_streaming.wire.left_out import document_without

USER = "User"
MAX_LEVELS = 500
# one event may need so many; a page is prepared with so many at most, to keep memory bounded
MAX_DOCUMENTS = 5_000
MAX_PREPARED = 2_000


class Dependencies:
	"""What is known, during one page, about the documents that its events need."""

	def __init__(self, source: Source, event: EventScope, mappings: MappingStore | None = None):
		self.source = source
		self.event = event
		self.mappings = mappings or MappingStore()
		self.site = Shapes(source.subscriptions)
		self.here: dict[RemoteKey, LocalKey] = {}
		self.missing: dict[RemoteKey, str] = {}
		self.fetched: dict[RemoteKey, PlannedDocument] = {}
		self.recognised: dict[RemoteKey, tuple[LocalKey, Root | None]] = {}
		# documents whose name another one has here, and whose own event is open: what needs them waits
		self.waited_for: set[RemoteKey] = set()
		self._found: dict[tuple, list[str]] = {}
		self._through: dict[RemoteKey, str] = {}
		self._staged: dict[RemoteKey, LocalKey | None] = {}
		self._warnings: list[str] = []

	# what the caller asks

	def needs_of_document(self, doctype: str, data: dict, places: Places | None = None) -> list[Need]:
		"""All that a local-shaped document with the producer's names points to; `places` is what its mapping says."""
		return self._needs(links_in_document(self.site.of(doctype), data), places)

	def needs_of_change(
		self,
		doctype: str,
		change: dict,
		current: dict | None = None,
		places: Places | None = None,
	) -> list[Need]:
		"""The same for a difference; `current` is the document as it is here (for Dynamic Links)."""
		return self._needs(self.site.links_in_change(doctype, change, current), places)

	def fetch_ahead(self, items: Iterable[tuple[RemoteKey | None, list[Need]]]) -> None:
		"""Look up and fetch what the documents of a page need, together.

		Each item is the key of the document that an event makes (None: it makes none) and what the event needs, in the
		order of the events: what an earlier one makes is not fetched.
		"""
		coming: set[RemoteKey] = set()
		wanted: list[RemoteKey] = []
		for key, needs in items:
			if key:
				coming.add(key)
			wanted.extend(need.key for need in needs if need.key not in coming)
		self._explore(wanted, coming, MAX_PREPARED)

	def look_up_here(self, needs: Iterable[Need]) -> None:
		"""Find out which of these are here; what is missing is not fetched."""
		self._look_up(self._unknown((need.key for need in needs), set()))

	def names_here(self, data: dict, needs: Iterable[Need]) -> dict:
		"""A document with the local names of what it points to; what is not here keeps the name that it has there, unless the
		link would stay empty."""
		by_path = {need.link.path: need for need in needs}

		def local_key(link: Link) -> LocalKey | None:
			key = by_path[link.path].key
			if local := self.local_key(key):
				return local
			if key[0] == USER and self.source.missing_user == USE_SUBSCRIBER:
				return USER, self.source.subscriber
			return None if self.stays_empty(by_path[link.path]) else (self._local_doctype(key), key[1])

		return with_local_names(data, [need.link for need in needs], local_key)

	def plan(self, key: RemoteKey, needs: list[Need]) -> Plan:
		"""What has to be made before the document `key`, which needs `needs`, and what has to be made and set after it."""
		if not needs:
			# most changes touch no link
			return Plan([], [], [], [], [])
		reached = self._complete(key, needs)
		unresolved = self._unresolved(key, needs, reached)
		if not unresolved:
			self._tell_of_empty([*needs, *(need for each in reached for need in self.fetched[each].needs)])
		absent = self.local_key(key) is None
		graph = {each: needed_keys(self.fetched[each].needs, {*reached, key}) for each in reached}
		graph[key] = needed_keys(needs, {*reached, key}) if absent else {}
		ordered, cut = order_by_need(graph, last=key)
		before, after = ordered[: ordered.index(key)], ordered[ordered.index(key) + 1 :]
		if not absent:
			before, after = [*before, *after], []
		documents, afterwards = ([self.fetched[each] for each in some] for some in (before, after))
		for document in (*documents, *afterwards):
			document.later = [need for need in document.needs if (document.key, need.key) in cut]
		later = [need for need in needs if (key, need.key) in cut]
		recognised = [
			(each, *self.recognised[each])
			for each in self._every_key(needs, (*documents, *afterwards))
			if each in self.recognised
		]
		waits_for = next((key for *key, _reason in unresolved if tuple(key) in self.waited_for), None)
		waits_for = tuple(waits_for) if waits_for else None
		return Plan(documents, needs, later, unresolved, waits_for, recognised, afterwards)

	def stays_empty(self, need: Need) -> bool:
		"""Whether a link is left empty because what it points to is not here, may not be brought, and is not missed."""
		link = need.link
		if link.required or link.from_remote or self.local_key(need.key) or self.is_streamed(need.key):
			return False
		return may_stay_empty(self._local_doctype(need.key)) and bool(self._why_not(need.key))

	def _tell_of_empty(self, needs: list[Need]) -> None:
		for need in needs:
			if self.stays_empty(need):
				self.event.stage((id(self), "warnings"), self.take_warnings, self.take_warnings)
				self._warnings.append(
					_(
						"A link to {0} {1} stays empty: the document is not on this site, and documents of {0} come only if they have a row of their own."
					).format(_(need.key[0]), frappe.utils.escape_html(need.key[1]))
				)

	def take_warnings(self) -> list[str]:
		taken, self._warnings = list(dict.fromkeys(self._warnings)), []
		return taken

	def is_streamed(self, key: RemoteKey) -> bool:
		"""Whether events of the document come by themselves."""
		subscription = self.source.subscriptions.get(key[0])
		return bool(subscription and subscription.active)

	def local_key(self, key: RemoteKey) -> LocalKey | None:
		"""The local document that stands for a remote one, as far as is known in the middle of an event."""
		if key in self._staged:
			return self._staged[key]
		return self.here.get(key)

	def data_here(self, data: dict, needs: Iterable[Need], later: Iterable[Need] = ()) -> dict:
		"""A document or difference with the local names of what it points to; those of `later` are left empty."""
		keys = {need.link.path: need.key for need in needs}
		empty = {need.link.path for need in later}

		def local_key(link: Link) -> LocalKey | None:
			return None if link.path in empty else self.local_key(keys[link.path])

		return with_local_names(data, [need.link for need in needs], local_key)

	def links_later(self, data: dict, later: Iterable[Need]) -> dict:
		"""The difference that sets the links that were left empty, now that what they point to is there.

		`data` is the document that they belong to: its rows are named in it. In the wire's format of an Update.
		"""
		changed: dict = {}
		rows: dict[str, dict[str, dict]] = {}
		for need in later:
			local = self.local_key(need.key)
			if not local:
				continue
			values, path = changed, need.link.path
			if len(path) == 3:
				table, number, _fieldname = path
				name = data[table][number].get("name")
				values = rows.setdefault(table, {}).setdefault(name, {"name": name})
			values[path[-1]] = local[1]
			if need.link.doctype_path:
				values[need.link.doctype_path[-1]] = local[0]
		row_changed = {table: list(by_name.values()) for table, by_name in rows.items()}
		return {"changed": changed, "added": {}, "removed": {}, "row_changed": row_changed}

	# what the caller tells

	def arrived(self, key: RemoteKey, local: LocalKey) -> None:
		"""The remote document has a local one now."""
		self._stage(key, local)

	def gone(self, key: RemoteKey) -> None:
		"""The remote document has no local one any more (deleted, or renamed)."""
		self._stage(key, None)

	def _stage(self, key: RemoteKey, local: LocalKey | None) -> None:
		self._staged[key] = local
		self.event.stage(id(self), self._staged_is_true, self._staged.clear)

	def _staged_is_true(self) -> None:
		for key, local in self._staged.items():
			self.fetched.pop(key, None)
			self.missing.pop(key, None)
			if local:
				self.here[key] = local
			else:
				self.here.pop(key, None)
		self._staged.clear()

	# finding out

	def _needs(self, links: list[Link], places: Places | None) -> list[Need]:
		places = places or Places()
		settled = {reference.path for reference in places.references} | places.chosen_here
		needs = [Need(link, self.site.remote_key(link)) for link in links if link.path not in settled]
		needs.extend(self._need_of(reference) for reference in places.references)
		return needs

	def _need_of(self, reference: DocumentReference) -> Need:
		"""The one remote document that a mapped field points to."""
		mapping = reference.mapping
		names = self._search(mapping.remote_doctype, reference.filters)
		name = names[0] if len(names) == 1 else _("with {0}").format(describe(reference.filters))
		key = (mapping.remote_doctype, name)
		if len(names) != 1:
			self.missing[key] = _("not found") if not names else _("the filters find more than one")
		self._through.setdefault(key, mapping.name)
		return Need(Link(reference.path, "", name), key, mapping.local_doctype)

	def _search(self, doctype: str, filters: dict) -> list[str]:
		"""Each search is made once a page; filters for nothing but the name need none."""
		if set(filters) == {"name"} and isinstance(filters["name"], str | int):
			return [str(filters["name"])]
		question = (doctype, repr(sorted(filters.items())))
		if question not in self._found:
			self._found[question] = [str(name) for name in self.source.search(doctype, filters)]
		return self._found[question]

	def _complete(self, key: RemoteKey, needs: list[Need]) -> dict[RemoteKey, None]:
		"""Find out about everything that one event needs; returns the documents to be made, in no order."""
		while True:
			reached = self._reach(needs, key)
			every = self._every_key(needs, (self.fetched[each] for each in reached))
			if not self._unknown(every, {key}):
				return reached
			for left in self._explore(every, {key}, MAX_DOCUMENTS):
				self.missing[left] = _("more documents are missing than can be brought at once")

	def _explore(self, keys: Iterable[RemoteKey], coming: set[RemoteKey], most: int) -> list[RemoteKey]:
		"""Find out about `keys` and all that they need in turn, level by level; each is asked about once.

		Returns those left over when `most` documents have been fetched, or the chain of links is too long.
		"""
		left: list[RemoteKey] = []
		level = self._unknown(keys, coming)
		for _level in range(MAX_LEVELS):
			if not level:
				break
			self._look_up(level)
			absent = [key for key in level if not self.local_key(key) and key not in self.missing]
			left.extend(absent[most:])
			absent = absent[:most]
			most -= len(absent)
			self._fetch(absent)
			fetched = [self.fetched[key] for key in absent if key in self.fetched]
			level = self._unknown((need.key for document in fetched for need in document.needs), coming)
			level = [key for key in level if key not in left]
		return left + level

	def _unknown(self, keys: Iterable[RemoteKey], coming: set[RemoteKey]) -> list[RemoteKey]:
		return [
			key
			for key in dict.fromkeys(keys)
			if key not in coming
			and self.local_key(key) is None
			and key not in self.missing
			and key not in self.fetched
		]

	def _look_up(self, keys: list[RemoteKey]) -> None:
		needed = self.source.resolver.find_needed({key: self._local_doctype(key) for key in keys})
		self.here.update(needed.found)
		self.recognised.update({key: (needed.found[key], None) for key in needed.recognised})
		for key in needed.impossible:
			self.missing[key] = _("the DocType {0} does not exist on this site").format(
				self._local_doctype(key)
			)
		# where nothing is open, the document is fetched: it may be the very same as its namesake
		taken = [key for key in needed.taken if self.is_streamed(key)]
		for key in self.source.open_events(taken) if taken else ():
			self.waited_for.add(key)
			self.missing[key] = explain_waiting(key)
		for key in keys:
			if self._staged.get(key, key) is None:
				# deleted by the event that is being applied
				self.here.pop(key, None)

	def _fetch(self, keys: list[RemoteKey]) -> None:
		wanted = []
		for key in keys:
			if key[0] == USER and self.source.missing_user == USE_SUBSCRIBER:
				self.here[key] = (USER, self.source.subscriber)
			elif is_row(self._local_doctype(key)):
				self.here[key] = (self._local_doctype(key), key[1])
			elif reason := self._why_not(key):
				self.missing[key] = reason
			else:
				wanted.append(key)
		if not wanted:
			return
		answer = self.source.fetch(wanted)
		roots = {key: answer.roots[key] for key in wanted if key in answer.roots}
		known = self.source.resolver.find_by_roots(roots)
		merged = self.source.resolver.find_merged(
			{key: root for key, root in roots.items() if key not in known}
		)
		for key in wanted:
			if key in known:
				self.here[key] = known[key]
				self.recognised[key] = (known[key], answer.roots[key])
			elif key in merged:
				# it stays known as what it was: the producer tells what becomes of that
				self.here[key] = merged[key]
			elif key in answer.documents or key[0] == USER:
				try:
					self.fetched[key] = self._make_planned(key, answer)
				except (CannotApply, RemoteError, RemoteRefused) as error:
					self.missing[key] = str(error)
			else:
				self.missing[key] = explain_missing(answer.missing.get(key, "not found"))

	def _why_not(self, key: RemoteKey) -> str:
		doctype = key[0]
		if doctype == USER:
			return _("the user does not exist here") if self.source.missing_user == FAIL else ""
		return self.source.why_not_brought(self._local_doctype(key), key in self._through)

	def _make_planned(self, key: RemoteKey, answer: FetchedDocuments) -> PlannedDocument:
		doctype, name = key
		data = answer.documents.get(key)
		root, position = answer.roots.get(key), answer.positions.get(key, 0)
		if doctype == USER:
			return PlannedDocument(doctype, name, USER, users.disabled_user(name, data), [])
		local_doctype, places = doctype, None
		mapping_name = self._mapping_name(key)
		if mapping_name:
			mapping = self.mappings.get(mapping_name)
			mapped = to_local_document(mapping, data)
			local_doctype, data, places = mapping.local_doctype, mapped.data, mapped.places
		refuse_what_cannot_come(local_doctype, data)
		data = document_without(data, self._decided_here(doctype, local_doctype))
		needs = self.needs_of_document(local_doctype, data, places)
		return PlannedDocument(doctype, name, local_doctype, data, needs, mapping_name, root, position)

	def _decided_here(self, doctype: str, local_doctype: str) -> tuple[str, ...]:
		subscription = self.source.subscriptions.get(doctype)
		return subscription.fields_this_site_decides if subscription else fields_decided_here(local_doctype)

	def _mapping_name(self, key: RemoteKey) -> str | None:
		"""The mapping of the DocType's own subscription; without one, that of the field that points here."""
		subscription = self.source.subscriptions.get(key[0])
		return subscription.mapping if subscription else self._through.get(key)

	# one event's part of it

	def _reach(self, needs: list[Need], own: RemoteKey) -> dict[RemoteKey, None]:
		"""The documents to be made for an event, whatever their order."""
		reached: dict[RemoteKey, None] = {}
		waiting = [need.key for need in reversed(needs)]
		while waiting:
			key = waiting.pop()
			if key in reached or key == own or self.local_key(key) or key not in self.fetched:
				continue
			reached[key] = None
			waiting.extend(need.key for need in reversed(self.fetched[key].needs))
		return reached

	def _every_key(self, needs: list[Need], documents: Iterable[PlannedDocument]) -> dict[RemoteKey, None]:
		every = [*needs, *(need for document in documents for need in document.needs)]
		return dict.fromkeys(need.key for need in every)

	def _unresolved(
		self, own: RemoteKey, needs: list[Need], reached: Iterable[RemoteKey]
	) -> list[tuple[str, str, str]]:
		found: dict[RemoteKey, str] = {}
		for need in [*needs, *(need for key in reached for need in self.fetched[key].needs)]:
			local = self.local_key(need.key)
			if local is None and need.key != own and need.key not in self.fetched:
				if self.stays_empty(need):
					continue
				found[need.key] = self.missing.get(need.key) or _("not found")
				continue
			local_doctype = local[0] if local else self._local_doctype_to_be(need.key, own)
			wanted = need.local_doctype or ("" if need.link.from_remote else need.link.doctype)
			if wanted and local_doctype and local_doctype != wanted:
				found[need.key] = _("it is a {0} here, but the field {1} wants a {2}").format(
					local_doctype, need.link.path[-1], wanted
				)
		return [(*key, reason) for key, reason in found.items()]

	def _local_doctype_to_be(self, key: RemoteKey, own: RemoteKey) -> str:
		return self._local_doctype(key) if key == own else self.fetched[key].local_doctype

	def _local_doctype(self, key: RemoteKey) -> str:
		"""The DocType that a remote document has here."""
		subscription = self.source.subscriptions.get(key[0])
		if subscription:
			return subscription.local_doctype
		through = self._through.get(key)
		return self.mappings.get(through).local_doctype if through else key[0]


def needed_keys(needs: Iterable[Need], among: Collection[RemoteKey]) -> dict[RemoteKey, bool]:
	"""The documents that are needed, and whether one of the links to each can't stay empty."""
	needed: dict[RemoteKey, bool] = {}
	for need in needs:
		if need.key in among:
			needed[need.key] = needed.get(need.key, False) or need.link.required
	return needed
