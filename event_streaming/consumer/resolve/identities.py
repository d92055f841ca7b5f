"""Which remote documents are known here, as it stands in the middle of the event being applied.

What an event changes is kept apart until it is done; the rows themselves are the registry's.
"""

from collections.abc import Callable, Iterable

from event_streaming.consumer.unit_of_work.group_log import GroupLog
from event_streaming.identity import registry
from event_streaming.identity.registry import Identity, LocalKey, RemoteKey, own_identity
from event_streaming.wire.events import Root


class Identities:
	"""The identities of one producer's documents, read for a page and changed by its events."""

	def __init__(
		self, event_producer: str, tell: Callable[[RemoteKey, LocalKey | None], None], log: GroupLog
	):
		self.event_producer = event_producer
		# told of everything that is kept or dropped
		self.tell = tell
		# the rows of a group are written together
		self.log = log
		self.read: dict[RemoteKey, Identity | None] = {}
		self.staged: dict[RemoteKey, Identity | None] = {}
		self.assumed: set[RemoteKey] = set()

	def begin_page(self, keys: Iterable[RemoteKey]) -> None:
		self.read.clear()
		self.staged.clear()
		self.assumed.clear()
		self.read_many(keys)

	def read_many(self, keys: Iterable[RemoteKey]) -> None:
		"""Read together, in one query, what will be asked for."""
		keys = list(keys)
		self.read.update(dict.fromkeys(keys) | registry.load_many(self.event_producer, keys))

	def of(self, key: RemoteKey) -> Identity | None:
		if key in self.staged:
			return self.staged[key]
		if key not in self.read:
			self.read_many([key])
		return self.read[key]

	def known(self, key: RemoteKey, root: Root | None) -> Identity | None:
		"""The same for a document of which it is known where it was first made: not that of a lost one that had its name."""
		found = self.of(key)
		return None if found and found.is_another(root) else found

	def read_again(self, key: RemoteKey) -> Identity | None:
		"""As it is now, whoever has changed it since the page was read: another process may have renamed the document."""
		found = registry.load_locked(self.event_producer, key)
		if found or key not in self.assumed:
			self.staged.pop(key, None)
			self.read[key] = found
		return self.of(key)

	def assume(self, key: RemoteKey, local: LocalKey) -> None:
		"""Take it that a local document stands for a remote one: it is written when an event makes use of that."""
		self.read[key] = own_identity(self.event_producer, key, local, None)
		self.assumed.add(key)

	def keep(
		self,
		key: RemoteKey,
		local: LocalKey,
		root: Root | None,
		covered_to: int = 0,
		counted_to: int | None = None,
		deleted_here: bool = False,
	) -> None:
		"""Remember, in the event's transaction, which local document stands for a remote one. `counted_to` None stays as it is."""
		before = self.of(key)
		if counted_to is None:
			counted_to = before.counted_to if before else 0
		new = own_identity(self.event_producer, key, local, root, covered_to, counted_to)
		new.deleted_here = int(deleted_here)
		if before:
			self.log.identities.save(new)
		else:
			self.log.identities.add(new)
		self._stage(key, new)
		self.tell(key, None if deleted_here else local)

	def drop(self, key: RemoteKey) -> None:
		"""Nothing stands for it any more."""
		registry.forget(self.event_producer, *key)
		self._stage(key, None)
		self.tell(key, None)

	def _stage(self, key: RemoteKey, identity: Identity | None) -> None:
		self.staged[key] = identity
		self.log.event.stage("identities", self._staged_is_true, self.staged.clear)

	def _staged_is_true(self) -> None:
		self.read.update(self.staged)
		self.staged.clear()
