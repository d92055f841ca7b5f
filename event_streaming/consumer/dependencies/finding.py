"""What this site knows of the documents that are needed: looked up together, fetched in bulk, each asked for once a page.

What an event makes or removes is told with `arrived` and `gone`, and holds for good or never was with the event. It writes nothing.
"""

from collections.abc import Iterable
from dataclasses import replace

from event_streaming.adapters.doctypes import fields_decided_here, refuse_what_cannot_come
from event_streaming.consumer.dependencies import users
from event_streaming.consumer.dependencies.places import Link, links_in_document
from event_streaming.consumer.dependencies.plan import (
	Need,
	PlannedDocument,
	Source,
	describe,
	explain_missing,
	explain_waiting,
)
from event_streaming.consumer.dependencies.shapes import Shapes
from event_streaming.consumer.dependencies.unasked import is_row
from event_streaming.consumer.mapping.records import DocumentReference, Places
from event_streaming.consumer.mapping.store import MappingStore, to_local_document
from event_streaming.consumer.subscriptions.fetched import NOT_FOUND, FetchedDocuments
from event_streaming.consumer.unit_of_work.event_scope import EventScope
from event_streaming.exceptions import CannotApply, RemoteError, RemoteRefused
from event_streaming.identity.registry import LocalKey, RemoteKey
from event_streaming.messages.coded import _
from event_streaming.site.settings import FAIL, USE_SUBSCRIBER
from event_streaming.wire.events import Root
from event_streaming.wire.left_out import document_without

USER = "User"
MAX_LEVELS = 500


class Known:
	"""What is known, during one page, about the documents that its events need, and how it is found out."""

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

	def look_up_here(self, needs: Iterable[Need]) -> None:
		"""Find out which of these are here; what is missing is not fetched."""
		self._look_up(self._unknown((need.key for need in needs), set()))

	def is_streamed(self, key: RemoteKey) -> bool:
		"""Whether events of the document come by themselves."""
		subscription = self.source.subscriptions.get(key[0])
		return bool(subscription and subscription.active)

	def local_key(self, key: RemoteKey) -> LocalKey | None:
		"""The local document that stands for a remote one, as far as is known in the middle of an event."""
		if key in self._staged:
			return self._staged[key]
		return self.here.get(key)

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
				self.missing[key] = explain_missing(answer.missing.get(key, NOT_FOUND))
		self._look_for_former_names([key for key in wanted if key in self.fetched], answer)

	def _look_for_former_names(self, keys: list[RemoteKey], answer: FetchedDocuments) -> None:
		"""Documents of which no events come may be here by a name that they had when they came."""
		documents = {
			key: (self._local_doctype(key), answer.documents[key], self.fetched[key].data)
			for key in keys
			if key[0] != USER and key not in answer.roots and not self.is_streamed(key)
		}
		former = self.source.resolver.find_former(documents) if documents else {}
		if not former:
			return
		now = self.source.fetch([(each.remote_doctype, each.remote_name) for each in former.values()])
		for key, known in former.items():
			# one that the producer still has is another document
			if now.missing.get((known.remote_doctype, known.remote_name)) == NOT_FOUND:
				self.fetched[key] = replace(self.fetched[key], former=known, data={}, needs=[])

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

	def _local_doctype(self, key: RemoteKey) -> str:
		"""The DocType that a remote document has here."""
		subscription = self.source.subscriptions.get(key[0])
		if subscription:
			return subscription.local_doctype
		through = self._through.get(key)
		return self.mappings.get(through).local_doctype if through else key[0]
