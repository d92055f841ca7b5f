"""The words in which dependencies are spoken of: a need, a document that has to be made, the plan of one event."""

from collections.abc import Callable
from dataclasses import dataclass, field

from event_streaming.consumer.dependencies.places import Link
from event_streaming.consumer.resolve.resolver import Resolver
from event_streaming.consumer.subscriptions.fetched import FetchedDocuments
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.identity.registry import Identity, LocalKey, RemoteKey
from event_streaming.messages.coded import _
from event_streaming.wire.events import Root


@dataclass(frozen=True)
class Need:
	"""The document that a place in another one points to; `link` says where, `key` which, as the producer calls it."""

	link: Link
	key: RemoteKey
	local_doctype: str = ""


@dataclass
class PlannedDocument:
	"""A document of the producer that has to be made here, in the shape that it has here.

	The names of what it links to are still the producer's: `Plan.data_here` gives the local ones. `mapping` is set
	when it came through a Document Type Mapping. `later` are the needs that can be met only afterwards. `former` is set when it is
	here, under a name that the producer has given up without telling.
	"""

	doctype: str
	name: str
	local_doctype: str
	data: dict
	needs: list[Need]
	mapping: str | None = None
	root: Root | None = None
	position: int = 0
	later: list[Need] = field(default_factory=list)
	former: Identity | None = None

	@property
	def key(self) -> RemoteKey:
		return self.doctype, self.name


@dataclass
class Plan:
	"""What one event needs: `documents` in the order in which they are to be made, before the event's own document.

	`afterwards` can't do without the event's own document, and are made after it. `later` are links of the event's own
	document that can be set only once it is there. With anything in
	`unresolved` (DocType, name, reason), the event can't be applied now.
	"""

	documents: list[PlannedDocument]
	needs: list[Need]
	later: list[Need]
	unresolved: list[tuple[str, str, str]]
	# the first of the unresolved that waits for an event of its own; the others may never be had
	waits_for: RemoteKey | None = None
	recognised: list[tuple[RemoteKey, LocalKey, Root | None]] = field(default_factory=list)
	afterwards: list[PlannedDocument] = field(default_factory=list)

	@property
	def every_document(self) -> list[PlannedDocument]:
		return [*self.documents, *self.afterwards]

	def explain(self) -> str:
		"""The unresolved ones, as a person would say it."""
		return " · ".join(
			_("{0} {1} is needed and can't be fetched: {2}").format(_(doctype), name, reason)
			for doctype, name, reason in self.unresolved
		)


@dataclass
class Source:
	"""One producer, and how this site deals with it."""

	event_producer: str
	subscriber: str
	subscriptions: dict[str, Subscription]
	resolver: Resolver
	missing_user: str
	fetch: Callable[[list[RemoteKey]], FetchedDocuments]
	# the names of the remote documents of a DocType that filters find; two are enough to know that one is not alone
	search: Callable[[str, dict], list[str]]
	# those of the remote documents that have an event which has not taken effect
	open_events: Callable[[list[RemoteKey]], set[RemoteKey]]
	# why documents of a DocType of this site are not brought unasked; "" when they may be. True: a mapping names it
	why_not_brought: Callable[[str, bool], str]


def explain_waiting(key: RemoteKey) -> str:
	return _(
		"Waits for {0} {1}, whose own event has not been applied: another document has this name here. Adopt that or"
		" rename it, see Event Sync Log. If set-up has made it on both sites, there is no such event: put name into Match By"
		" on the row of {0} on the Event Producer."
	).format(_(key[0]), key[1])


def describe(filters: dict) -> str:
	return ", ".join(f"{fieldname} = {value}" for fieldname, value in filters.items())


def explain_missing(reason: str) -> str:
	"""The producer's reason, in this site's words."""
	return {
		"not found": _("the producer has no such document (any more)"),
		"not permitted": _("the user of this subscription may not read it on the producer"),
		"not allowed": _("documents of this DocType are not streamed"),
	}.get(reason, reason)
