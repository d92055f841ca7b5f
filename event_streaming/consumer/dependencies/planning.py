"""What a document links to and this site lacks: which has to be made before it, in which order. It writes nothing.

`fetch_ahead` looks at all documents of a page together; `plan` says, for one event, which documents have to be made before
it and which links have to be set after it. What `plan` finds missing beyond what was prepared, it fetches as well, so
`fetch_ahead` only saves requests. How documents are found is in finding.py.
"""

from collections.abc import Collection, Iterable

import frappe

from event_streaming.adapters.doctypes import may_stay_empty
from event_streaming.consumer.dependencies.finding import USER, Known
from event_streaming.consumer.dependencies.order import order_by_need
from event_streaming.consumer.dependencies.places import Link, with_local_names
from event_streaming.consumer.dependencies.plan import Need, Plan, PlannedDocument, Source
from event_streaming.consumer.mapping.store import MappingStore
from event_streaming.consumer.unit_of_work.event_scope import EventScope
from event_streaming.identity.registry import LocalKey, RemoteKey
from event_streaming.messages.coded import _
from event_streaming.site.settings import USE_SUBSCRIBER

# one event may need so many; a page is prepared with so many at most, to keep memory bounded
MAX_DOCUMENTS = 5_000
MAX_PREPARED = 2_000


class Dependencies(Known):
	"""What the events of one page need, with the names and documents of this site."""

	def __init__(self, source: Source, event: EventScope, mappings: MappingStore | None = None):
		super().__init__(source, event, mappings)
		self._warnings: list[str] = []

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

	def take_warnings(self) -> list[str]:
		taken, self._warnings = list(dict.fromkeys(self._warnings)), []
		return taken

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

	# one event's part of it

	def _tell_of_empty(self, needs: list[Need]) -> None:
		for need in needs:
			if self.stays_empty(need):
				self.event.stage((id(self), "warnings"), self.take_warnings, self.take_warnings)
				self._warnings.append(
					_(
						"A link to {0} {1} stays empty: the document is not on this site, and documents of {0} come only if they have a row of their own."
					).format(_(need.key[0]), frappe.utils.escape_html(need.key[1]))
				)

	def _complete(self, key: RemoteKey, needs: list[Need]) -> dict[RemoteKey, None]:
		"""Find out about everything that one event needs; returns the documents to be made, in no order."""
		while True:
			reached = self._reach(needs, key)
			every = self._every_key(needs, (self.fetched[each] for each in reached))
			if not self._unknown(every, {key}):
				return reached
			for left in self._explore(every, {key}, MAX_DOCUMENTS):
				self.missing[left] = _("more documents are missing than can be brought at once")

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


def needed_keys(needs: Iterable[Need], among: Collection[RemoteKey]) -> dict[RemoteKey, bool]:
	"""The documents that are needed, and whether one of the links to each can't stay empty."""
	needed: dict[RemoteKey, bool] = {}
	for need in needs:
		if need.key in among:
			needed[need.key] = needed.get(need.key, False) or need.link.required
	return needed
