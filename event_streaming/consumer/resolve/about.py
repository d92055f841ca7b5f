"""What one event is about: found out once, handed down, and never changed."""

from dataclasses import dataclass, replace

from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.identity.registry import LINKED, LOST, Identity, LocalKey, RemoteKey
from event_streaming.wire.events import Root


@dataclass(frozen=True)
class About:
	"""A remote document, and the local one that stands for it.

	`local` may be known and not be there any more: `is_here` says so. `site` is the site on which the document was first
	made, as far as the event or its identity say; `came_home` that the event itself names this one.
	"""

	key: RemoteKey
	subscription: Subscription
	root: Root | None
	identity: Identity | None
	local: LocalKey | None
	is_here: bool
	site: str
	here: str
	# with local naming: the name that it had here and is to have again
	former_name: str | None = None
	# a person of this site has deleted what stood for it: what has the name of `local` by now is another one
	deleted_here: bool = False

	@property
	def covered_to(self) -> int:
		"""Events at or before this position are contained in the local document."""
		return self.identity.covered_to if self.identity else 0

	def covers(self, position: int) -> bool:
		return 0 < position <= self.covered_to

	def lacks_numbers(self, position: int) -> bool:
		"""Whether what an event brings is here, but for the numbers that are added up: the document was written whole without."""
		known = self.identity
		return bool(known and known.counted_to and self.covers(position) and position > known.counted_to)

	@property
	def is_only_linked(self) -> bool:
		"""The local document was linked by a person or by Match By, and has nothing of the producer's yet; or what it has was lost there."""
		return self.covered_to in (LINKED, LOST)

	@property
	def came_home(self) -> bool:
		return bool(self.root) and self.root["site"] == self.here

	@property
	def first_made_here(self) -> bool:
		return self.came_home or bool(self.identity and self.identity.root_site == self.here)

	def gone(self) -> "About":
		"""The same of a local document that was looked for and is not there."""
		return replace(self, is_here=False)

	def as_before(self, local: LocalKey | None) -> "About":
		"""The same of a document that is not here any more and comes back under the name that it had."""
		return replace(self, former_name=local[1] if local and not self.is_here else None)
