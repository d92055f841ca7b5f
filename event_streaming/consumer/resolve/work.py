"""What is known while a producer's events are applied: the context that one pull hands down. It applies and writes nothing."""

from dataclasses import dataclass, field

from event_streaming.consumer.dependencies.planning import Dependencies
from event_streaming.consumer.files.attached import Files
from event_streaming.consumer.subscriptions.remote import FetchedDocuments, Producer
from event_streaming.consumer.subscriptions.subscription import Subscription, subscriptions_of
from event_streaming.consumer.unit_of_work.group_log import GroupLog
from event_streaming.identity import registry
from event_streaming.identity.registry import Identity, LocalKey, RemoteKey, own_identity
from event_streaming.site.address import public_url
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.events import RENAME, Event, Root, parse_data


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
	# held back, and tried again now
	retried: set[RemoteKey] = field(default_factory=set)
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
		self.log = GroupLog(self.event_producer)
		self.files = Files(self, self.log.event)

	def identity_of(self, key: RemoteKey) -> Identity | None:
		"""The identity of a remote document as it stands in the middle of the event being applied."""
		if key in self.staged:
			return self.staged[key]
		if key not in self.identities:
			self.identities.update({key: None, **registry.load_many(self.event_producer, [key])})
		return self.identities[key]

	def keep(self, new: Identity) -> None:
		"""Remember, in the event's transaction, which local document stands for a remote one."""
		key = (new.remote_doctype, new.remote_name)
		if self.identity_of(key):
			self.log.identities.save(new)
		else:
			self.log.identities.add(new)
		self._stage(key, new)
		self.dependencies.arrived(key, (new.local_doctype, new.local_name))

	def recognise(self, key: RemoteKey, local: LocalKey, root: Root) -> None:
		"""Remember that a remote document is one that came here by another way, or from here."""
		self.keep(own_identity(self.event_producer, key, local, root))

	def drop(self, key: RemoteKey) -> None:
		registry.forget(self.event_producer, *key)
		self._stage(key, None)
		self.dependencies.gone(key)

	def _stage(self, key: RemoteKey, identity: Identity | None) -> None:
		self.staged[key] = identity
		self.log.event.stage("identities", self._staged_is_true, self.staged.clear)

	def _staged_is_true(self) -> None:
		self.identities.update(self.staged)
		self.staged.clear()

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


def remote_key(event: Event) -> RemoteKey:
	return event["ref_doctype"], event["docname"]


def keys_of(event: Event) -> list[RemoteKey]:
	"""The remote documents that an event is about: two for a rename."""
	keys = [remote_key(event)]
	if event["update_type"] == RENAME:
		try:
			keys.append((event["ref_doctype"], str(parse_data(event).get("new_name") or "")))
		except InvalidPage:
			pass
	return keys
