"""What is known while a producer's events are applied: the context that one pull hands down. It applies and writes nothing."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from frappe.utils import now_datetime

from event_streaming.consumer.dependencies.planning import Dependencies
from event_streaming.consumer.dependencies.unasked import Unasked, unasked_of
from event_streaming.consumer.files.attached import Files
from event_streaming.consumer.life_cycle import naming
from event_streaming.consumer.resolve.resolver import Resolver
from event_streaming.consumer.subscriptions.fetched import FetchedDocuments
from event_streaming.consumer.subscriptions.old_producer import documents_one_by_one
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import Subscription, subscriptions_of
from event_streaming.consumer.unit_of_work.group_log import GroupLog
from event_streaming.identity.registry import LocalKey, RemoteKey
from event_streaming.site.address import public_url
from event_streaming.site.address import time_zone as own_time_zone
from event_streaming.site.settings import get_settings
from event_streaming.wire.pages import PROTOCOL


def quiet_before_now() -> datetime | None:
	"""What was changed before this moment, in this site's time, makes no noise here; None when everything does."""
	hours = get_settings().quiet_after_hours
	return now_datetime() - timedelta(hours=hours) if hours else None


@dataclass
class Work:
	"""What is known while a producer's events are applied. Changes made for one event are kept apart until it is done."""

	event_producer: str
	user: str
	producer: Producer
	subscriptions: dict[str, Subscription]
	protocol: int
	time_zone: str
	unasked: Unasked
	here: str = field(default_factory=public_url)
	held_back: set[RemoteKey] = field(default_factory=set)
	# held back, and tried again now
	retried: set[RemoteKey] = field(default_factory=set)
	# documents of which one of several workers has left an event to the pull: held back for it
	left: set[RemoteKey] = field(default_factory=set)
	known: set[tuple[str, str]] = field(default_factory=set)
	# of documents of which several changes come as one: the last position of which there is a row
	taken_to: dict[RemoteKey, int] = field(default_factory=dict)
	# documents that changed on the producer while this site was not told
	gaps: set[RemoteKey] = field(default_factory=set)
	fetched: FetchedDocuments = field(default_factory=FetchedDocuments)
	# up to this time of the producer, events may have come by another number while it ran the older app
	renumbered_until: str | None = None
	asked_by: str = ""
	# the producer did not answer the last time it was asked
	away: bool = False
	# the event's own data can't be applied: the document is brought as it is there now
	as_it_is_now: bool = False
	# what a person has decided about the conflicts of the event being applied: key -> "here" or "there"
	decision: dict[str, str] | None = None
	# existing documents are brought over or mended: nobody is to be told of each
	quiet: bool = False
	# nor of what was changed before this moment; None: of everything
	quiet_before: datetime | None = field(default_factory=quiet_before_now)
	# documents that came with the page: nobody has to ask for them
	brought: FetchedDocuments | None = None
	dependencies: Dependencies | None = None
	resolver: Resolver = field(init=False)
	files: Files = field(init=False)
	log: GroupLog = field(init=False)

	def __post_init__(self):
		self.log = GroupLog(self.event_producer)
		self.resolver = Resolver(
			self.event_producer,
			self.here,
			self.subscriptions,
			self.protocol,
			self.time_zone,
			self._told,
			self.log,
		)
		self.files = Files(self, self.log.event)

	def _told(self, key: RemoteKey, local: LocalKey | None) -> None:
		"""A remote document has a local one from now on, or none any more."""
		if local:
			self.dependencies.arrived(key, local)
		else:
			self.dependencies.gone(key)

	def event_begins(self) -> None:
		"""What the event's life cycles make and count is true with it, or never was."""
		made = self.resolver.seen.made
		self.log.event.stage("made", made.event_done, made.event_undone)
		self.log.event.stage("names", lambda: None, naming.forget)

	def fetch(self, keys: list[RemoteKey]) -> FetchedDocuments:
		"""Documents from the producer; each is asked for once a page."""
		new = [
			key
			for key in dict.fromkeys(keys)
			if key not in self.fetched.documents and key not in self.fetched.missing
		]
		if new:
			older = self.protocol < PROTOCOL
			self.fetched.add(
				documents_one_by_one(self.producer, new) if older else self.producer.get_documents(new)
			)
		return self.fetched


def open_work(event_producer, producer: Producer, protocol: int, time_zone: str) -> Work:
	"""What does not change from page to page. A time zone that is this site's, too, is none: there is nothing to convert."""
	subscriptions = subscriptions_of(event_producer)
	return Work(
		event_producer=event_producer.name,
		user=event_producer.user,
		producer=producer,
		subscriptions=subscriptions,
		protocol=protocol,
		time_zone="" if time_zone == own_time_zone() else time_zone,
		unasked=unasked_of(event_producer, subscriptions),
	)
