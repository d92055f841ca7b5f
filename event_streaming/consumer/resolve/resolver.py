"""Which local document a remote one is: asked by everybody, answered by the rules of `rules.py` from what is looked up here.

For the events of a page the answers are looked up together (`begin_page`), and so are those for what its documents need
(`find_needed`). Rare questions are looked up when a rule asks them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import frappe
from frappe.utils import get_datetime

from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.resolve import local_names, rules
from event_streaming.consumer.resolve.about import About
from event_streaming.consumer.resolve.former import Whole, may_be_former
from event_streaming.consumer.resolve.identities import Identities
from event_streaming.consumer.resolve.lookups import Lookups, as_key, question_of, same_moment
from event_streaming.consumer.resolve.rules import Question
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.consumer.unit_of_work.group_log import GroupLog
from event_streaming.exceptions import TransactionLost
from event_streaming.identity import fates, made, registry
from event_streaming.identity.registry import Identity, LocalKey, RemoteKey
from event_streaming.messages.coded import _
from event_streaming.wire.events import CREATE, UPDATE, Event, Root, remote_key


@dataclass
class Needed:
	"""What was found out about documents that others point to.

	Of `taken`, this site has a document of that name, and nothing proves that it is the same. `recognised` are those of
	`found` whose identity is still to be kept.
	"""

	found: dict[RemoteKey, LocalKey] = field(default_factory=dict)
	recognised: set[RemoteKey] = field(default_factory=set)
	taken: set[RemoteKey] = field(default_factory=set)
	impossible: set[RemoteKey] = field(default_factory=set)


class Resolver:
	"""One producer's documents as this site has them, for one page."""

	def __init__(
		self,
		event_producer: str,
		here: str,
		subscriptions: dict[str, Subscription],
		protocol: int,
		time_zone: str,
		tell: Callable[[RemoteKey, LocalKey | None], None],
		log: GroupLog,
	):
		self.event_producer = event_producer
		self.here = here
		self.subscriptions = subscriptions
		self.protocol = protocol
		self.time_zone = time_zone
		self.identities = Identities(event_producer, tell, log)
		self.seen = Lookups(event_producer, here, subscriptions, protocol, self.identities)

	# ---------------------------------------------------------------- what is asked

	def about(self, event: Event, subscription: Subscription) -> About:
		"""What an event is about. Whether the document of an Update is here shows when it is locked for the change."""
		key, known = remote_key(event), self.identities.of(remote_key(event))
		# a copy and a repair bring what is not here, whatever was here once
		covered = bool(known and event["id"] and 0 < event["position"] <= known.covered_to)
		found = self.look(key, event["root"], subscription, covered or event["update_type"] == UPDATE)
		return found if event["update_type"] == CREATE else self._as_renamed_here(found)

	def look_named(self, key: RemoteKey, root: Root | None, subscription: Subscription) -> About:
		"""What an event names besides the document that it is about: the producer may call it as this site has renamed it."""
		return self._as_renamed_here(self.look(key, root, subscription))

	def look(
		self, key: RemoteKey, root: Root | None, subscription: Subscription, there: bool = False
	) -> About:
		"""The same for a document that no event is at hand of; `there` leaves it open whether it is here."""
		known = self.identities.known(key, root)
		local = self.find(key, root, subscription)
		deleted = self.is_deleted_here(key, root)
		about = About(
			key,
			subscription,
			root,
			known,
			local,
			bool(local and not deleted and (there or local_names.exists(local))),
			root["site"] if root else known.root_site if known else self.event_producer,
			self.here,
			deleted_here=deleted,
		)
		return self.look_again(about) if local and not about.is_here else about

	def look_again(self, about: About) -> About:
		"""The local document is not where it was when the page was read: its identity as it is now says whether a user
		has renamed it in the meantime."""
		if not about.identity:
			return about.gone()
		known = self.identities.read_again(about.key)
		local = (known.local_doctype, known.local_name) if known else None
		if local is None or local == about.local or local[0] != about.subscription.local_doctype:
			deleted = bool(known and known.deleted_here)
			return self._in_anothers_place(about) or replace(about.gone(), deleted_here=deleted)
		# as it is now, not as it was when this transaction began
		is_here = not known.deleted_here and bool(frappe.db.get_value(*local, "name", for_update=True))
		if not known.deleted_here:
			self.identities.tell(about.key, local)
		return replace(
			about, identity=known, local=local, is_here=is_here, deleted_here=bool(known.deleted_here)
		)

	def is_deleted_here(self, key: RemoteKey, root: Root | None) -> bool:
		"""Whether a person of this site has deleted what stood for it, so that another document may have its name by now."""
		known = self.identities.known(key, root)
		return bool(known.deleted_here) if known else bool(root and self.seen.is_deleted_here(root))

	def _in_anothers_place(self, about: About) -> About | None:
		"""Merged on both sites, each time into the other one: what has this name on the producer is by now the one of the two
		that this site has kept, as its root says; its identity is that of the one that this site has merged away."""
		root, subscription = about.root, about.subscription
		if not root or root == about.identity.root:
			return None
		if not self.seen.is_given(subscription.local_doctype, to_producer=True):
			return None
		local = self.seen.by_root(root)
		if not local or local[0] != subscription.local_doctype or not local_names.exists(local):
			return None
		if known := self.seen.producers_own(local):
			self.drop((known.remote_doctype, known.remote_name))
		self.keep(
			about.key,
			local,
			root,
			known.covered_to if known else 0,
			known.counted_to if known else None,
		)
		return About(
			about.key, subscription, root, self.identities.of(about.key), local, True, root["site"], self.here
		)

	def raise_if_deleted_since(self, about: About) -> None:
		"""Raise TransactionLost if a person of this site has deleted it since the page was read: it is looked at again then."""
		known = self.identities.read_again(about.key) if about.identity and not about.deleted_here else None
		if known and known.deleted_here:
			raise TransactionLost(
				_("A person has deleted the document here while the event was being applied.")
			)

	def find(self, key: RemoteKey, root: Root | None, subscription: Subscription) -> LocalKey | None:
		"""The local document that stands for a remote one, there or not.

		Only one of the DocType that the subscription is for: what the producer says of a root opens no other.
		"""
		return self._ask(rules.KNOWN, question_of(key, subscription, root))

	def find_same(
		self, key: RemoteKey, data: dict, subscription: Subscription
	) -> tuple[LocalKey | None, bool]:
		"""The local document that is the very same as a whole one that nothing stands for yet; and whether another one has
		its name."""
		question = question_of(key, subscription, None, self.creation(data, subscription), data)
		local = self._ask(rules.SAME, question)
		return local, not local and self.is_taken(key, subscription)

	def is_taken(self, key: RemoteKey, subscription: Subscription) -> bool:
		"""Whether a local document has the name of a remote one that is to keep it."""
		namesake = (subscription.local_doctype, key[1])
		found = self.seen.namesake(namesake) if subscription.use_same_name else None
		if found:
			# it was seen when the page began: an event of the page may have deleted or renamed it since
			return self.exists(namesake)
		return subscription.use_same_name and self.seen.made.of(namesake) is not None

	def read_namesake(self, local: LocalKey) -> None:
		"""Look again for a document that a hook may have made since it was looked for."""
		if not self.seen.namesakes.get(local):
			for found in local_names.namesakes(local[0], [local[1]]).values():
				self.seen.namesakes[local] = found

	def find_needed(self, local_doctypes: dict[RemoteKey, str]) -> Needed:
		"""Which local documents stand for remote ones that others point to; `local_doctypes` says what each is here.

		One query for the identities, and a fixed number for each DocType.
		"""
		needed, view = Needed(), self.seen.look_up_needed(local_doctypes)
		for key, doctype in local_doctypes.items():
			if not local_names.doctype_exists(doctype):
				needed.impossible.add(key)
				continue
			question = self.seen.question_of_need(key, doctype)
			answer = rules.ask(rules.NEEDED, question, view)
			if answer:
				needed.found[key] = answer[0]
				if answer[1] is rules.made_by_a_life_cycle:
					needed.recognised.add(key)
			elif question.use_same_name and self.seen.namesake(question.namesake):
				needed.taken.add(key)
		return needed

	def find_by_roots(self, keys: dict[RemoteKey, Root]) -> dict[RemoteKey, LocalKey]:
		"""Documents that are here already because they were first made here, or came by another way, found by their roots
		together. Of what is not subscribed to, whatever was first made here can have been given away with something else."""
		for root in keys.values():
			self.seen.roots.pop(as_key(root), None)
		self.seen.look_up_roots(keys.values())
		found = {}
		for key, root in keys.items():
			local = None if self.seen.is_deleted_here(root) else self.seen.by_root(root)
			if root["site"] == self.here and key[0] not in self.subscriptions:
				local = (root["doctype"], root["name"])
			if root["site"] == self.here and not (local and local_names.exists(local)):
				# it left under a name that it has no more: rules.came_home_renamed
				local = self._renamed_since(root)
			if local and local_names.doctype_exists(local[0]) and local_names.exists(local):
				found[key] = local
		return found

	def _renamed_since(self, root: Root) -> LocalKey | None:
		if not local_names.doctype_exists(root["doctype"]) or not self.seen.is_given(root["doctype"]):
			return None
		local = self.seen.name_now((root["doctype"], root["name"]))
		return local if local[1] != root["name"] else None

	def find_former(self, documents: dict[RemoteKey, tuple[str, dict, dict]]) -> dict[RemoteKey, Identity]:
		"""Whole documents that may have come under another name, with that one's identity. Each is given with its DocType here,
		as it is on the producer, and in this site's fields."""
		by_doctype: dict[str, dict[RemoteKey, Whole]] = {}
		for key, (doctype, data, values) in documents.items():
			moment = self.moment(data, doctype)
			if moment and isinstance(data.get("owner"), str) and not local_names.is_single(doctype):
				by_doctype.setdefault(doctype, {})[key] = Whole(moment, data["owner"], values)
		found = {}
		for doctype, wholes in by_doctype.items():
			found.update(may_be_former(self.event_producer, doctype, wholes))
		return found

	def find_merged(self, roots: dict[RemoteKey, Root]) -> dict[RemoteKey, LocalKey]:
		"""Documents that were first made here, and that this site has merged into others, before the producer heard of that."""
		found = {}
		for key, root in roots.items():
			local = root["doctype"], root["name"]
			if root["site"] != self.here or not local_names.doctype_exists(local[0]):
				continue
			if not self.seen.is_given(local[0], to_producer=True) or local_names.exists(local):
				continue
			if into := fates.merged_into(*self.seen.name_now(local)):
				found[key] = local[0], into
		return found

	def name_here(self, about: About) -> LocalKey | None:
		"""What a document that need not be here any more is or was called here."""
		if about.identity or not about.came_home:
			return about.local
		root = about.root
		if root["doctype"] != about.subscription.local_doctype:
			return None
		return self.seen.name_now((root["doctype"], root["name"]))

	def is_renamed_here(self, about: About, data: dict) -> bool:
		"""Whether a Create is of another document than the one of its identity: this site has renamed that, the producer has
		taken that over, and has given the name anew."""
		known, subscription = about.identity, about.subscription
		if not known or not subscription.use_same_name or subscription.mapping:
			return False
		if known.local_name == about.key[1] or known.covered_to == registry.LINKED:
			# one that a person has linked may be called otherwise
			return False
		there = self.creation(data, subscription)
		here = frappe.db.get_value(known.local_doctype, known.local_name, "creation")
		return bool(here and there) and not same_moment(here, there)

	def stands_for_others(self, about: About) -> bool:
		"""Whether the local document stands for another one of this producer's as well: a person has merged the two here."""
		doctype, name = about.local
		return any(
			each.event_producer == self.event_producer
			and (each.remote_doctype, each.remote_name) != about.key
			and each.root_site != self.here
			for each in registry.find_for_local(doctype, [name]).get(name, ())
		)

	def exists(self, local: LocalKey) -> bool:
		return local_names.exists(local)

	def identity(self, key: RemoteKey) -> LocalKey | None:
		"""The local document that has an identity as the remote one."""
		known = self.identities.of(key)
		return (known.local_doctype, known.local_name) if known else None

	# ---------------------------------------------------------------- what is told

	def begin_page(self, events: list[Event]) -> list[Event]:
		"""Look up together what will be asked about the page's documents; returns the events of those that are not known."""
		return self.seen.begin_page(events)

	def keep_identity(
		self, about: About, local: LocalKey, covered_to: int, counted_to: int | None = None
	) -> None:
		"""From now on the local document stands for the remote one, up to the position at least."""
		self.keep(about.key, local, about.root, max(covered_to, self.covered_to(about.key)), counted_to)

	def covered_to(self, key: RemoteKey) -> int:
		known = self.identities.of(key)
		return known.covered_to if known else 0

	def counted_to(self, key: RemoteKey) -> int:
		"""The same as covered now for the numbers that are added up: what is written next is written without them."""
		known = self.identities.of(key)
		return (known.counted_to or max(known.covered_to, 0) if known else 0) or registry.NOTHING

	def keep(
		self,
		key: RemoteKey,
		local: LocalKey,
		root: Root | None,
		covered_to: int = 0,
		counted_to: int | None = None,
		deleted_here: bool = False,
	) -> None:
		self.identities.keep(key, local, root, covered_to, counted_to, deleted_here)
		self.seen.made.stands_for_another(local)

	def adopt(self, local: LocalKey) -> None:
		"""A document that nobody had told of is the producer's: where this site gives it back, it says so no more."""
		if self.seen.made.of(local) and self.seen.is_given(local[0], to_producer=True):
			made.is_the_producers(self.event_producer, local)

	def drop(self, key: RemoteKey) -> None:
		self.identities.drop(key)

	# ---------------------------------------------------------------- inside

	def _ask(self, asked: tuple[rules.Rule, ...], question: Question) -> LocalKey | None:
		answer = rules.ask(asked, question, self.seen)
		return answer[0] if answer and answer[0][0] == question.local_doctype else None

	def _as_renamed_here(self, about: About) -> About:
		"""One that is not known: by the name that this site has given it, if it has, and from now on known by that."""
		if about.local or about.identity:
			return about
		question = question_of(about.key, about.subscription, about.root)
		local = self._ask(rules.CHANGED, question)
		renamed = self.seen.producers_own(local) if local else None
		if not renamed:
			return about
		self.drop((renamed.remote_doctype, renamed.remote_name))
		self.keep(about.key, local, about.root, renamed.covered_to, renamed.counted_to)
		return self.look(about.key, about.root, about.subscription)

	def creation(self, data: dict, subscription: Subscription) -> datetime | None:
		"""When a remote document was made, in this site's time. Raises CannotApply for an unknown time zone."""
		return self.moment(data, subscription.local_doctype)

	def moment(self, data: dict, doctype: str) -> datetime | None:
		"""The same for a document that is of that DocType here."""
		stamp = convert_times(doctype, {"creation": data.get("creation")}, self.time_zone)["creation"]
		try:
			return get_datetime(stamp) if stamp else None
		except (ValueError, TypeError, OverflowError):
			# no moment: saving the document says so
			return None
