"""What is looked up on this site about one producer's documents, together for a page: it is what the rules have `Seen`.

It only reads. Rare questions are looked up when a rule asks them.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

import frappe
from frappe.utils import get_datetime

from event_streaming.consumer.resolve import local_names, rules
from event_streaming.consumer.resolve.identities import Identities
from event_streaming.consumer.resolve.rules import Namesake, Question
from event_streaming.consumer.subscriptions.subscription import Subscription, doctypes_given
from event_streaming.identity import fates, registry
from event_streaming.identity.made import MadeDocuments
from event_streaming.identity.registry import REMOTE_NAME, REMOTE_SITE, Identity, LocalKey, RemoteKey
from event_streaming.site.refused import why_refused
from event_streaming.wire.events import Event, Root, keys_of, remote_key
from event_streaming.wire.pages import PROTOCOL

USER = "User"


class Lookups:
	"""One producer's documents as this site has them, for one page."""

	def __init__(
		self,
		event_producer: str,
		here: str,
		subscriptions: dict[str, Subscription],
		protocol: int,
		identities: Identities,
	):
		self.event_producer = event_producer
		self.here = here
		self.subscriptions = subscriptions
		self.protocol = protocol
		self.identities = identities
		self.made = MadeDocuments(
			event_producer, frozenset(each.local_doctype for each in subscriptions.values())
		)
		# (site, DocType, name) -> the local document, also None, for roots that were looked up
		self.roots: dict[tuple[str, str, str], LocalKey | None] = {}
		# those of them whose local document a person of this site has deleted
		self.deleted: set[tuple[str, str, str]] = set()
		self.namesakes: dict[LocalKey, Namesake] = {}
		self._claimed: dict[LocalKey, list[Identity]] = {}
		self._given: dict[tuple[str, bool], bool] = {}
		self._counted: dict[str, bool] = {}
		self._remote_names: dict[RemoteKey, LocalKey] = {}
		self._merged: dict[RemoteKey, LocalKey] = {}

	# ---------------------------------------------------------------- for the events of a page

	def begin_page(self, events: list[Event]) -> list[Event]:
		"""Look up what the rules will ask about the page's documents; returns the events of those that are not known."""
		for kept in (self.roots, self.deleted, self.namesakes, self._claimed, self._given, self._counted):
			kept.clear()
		self.made.begin_page()
		self.identities.begin_page(dict.fromkeys(key for event in events for key in keys_of(event)))
		unknown = [event for event in events if not self.identities.of(remote_key(event))]
		self._assume_remote_names(unknown)
		self._look_up_namesakes(unknown)
		self._assume_same_names(unknown)
		self.look_up_roots(event["root"] for event in unknown if event["root"])
		return unknown

	def _assume_remote_names(self, events: list[Event]) -> None:
		"""Documents that came before there was an identity table carry their origin only in two custom fields."""
		for doctype, names in self._by_local_doctype(events).items():
			for name, local_name in self._remote_names_in(doctype, names).items():
				self.identities.assume((names[name], name), (doctype, local_name))

	def _assume_same_names(self, events: list[Event]) -> None:
		"""Where the older app is or was at work, a document of the same name is the same document."""
		for event in events:
			key, subscription = remote_key(event), self.subscriptions.get(event["ref_doctype"])
			if not subscription or self.identities.of(key):
				continue
			local = rules.same_name_of_the_older_app(question_of(key, subscription), self)
			if local and local[1] == key[1]:
				self.identities.assume(key, local)

	def _look_up_namesakes(self, events: list[Event]) -> None:
		for doctype, names in self._by_local_doctype(events, same_name=True).items():
			self.namesakes.update(
				{(doctype, name): each for name, each in local_names.namesakes(doctype, names).items()}
			)
		self.made.look_up(self.namesakes)
		if local_naming := self._by_local_doctype(events, same_name=False):
			self.made.look_up((doctype, name) for doctype, names in local_naming.items() for name in names)

	def look_up_roots(self, roots: Iterable[Root]) -> None:
		"""Two kinds: what was first made here, if this site gives it away at all, and what came by another way."""
		wanted = {as_key(root): root for root in roots if as_key(root) not in self.roots}
		if not wanted:
			return
		self.roots.update(dict.fromkeys(wanted))
		known = registry.load_by_roots(root for key, root in wanted.items() if key[0] != self.here)
		self.roots.update({key: (row.local_doctype, row.local_name) for key, row in known.items()})
		self.deleted.difference_update(wanted)
		self.deleted.update(key for key, row in known.items() if row.deleted_here)
		mine: dict[str, set[str]] = {}
		for site, doctype, name in wanted:
			if site == self.here and local_names.doctype_exists(doctype):
				mine.setdefault(doctype, set()).add(name)
		for doctype in doctypes_given(None, set(mine)) if mine else ():
			namesakes = local_names.namesakes(doctype, mine[doctype]).items()
			named = {name for name, found in namesakes if found.name == name}
			others = self._first_made_elsewhere(doctype, named)
			self.roots.update({(self.here, doctype, name): (doctype, name) for name in named - others})
			again = registry.load_by_roots(
				Root(site=self.here, doctype=doctype, name=name) for name in others
			)
			self.roots.update({key: (row.local_doctype, row.local_name) for key, row in again.items()})
			self.deleted.update(key for key, row in again.items() if row.deleted_here)

	def _first_made_elsewhere(self, doctype: str, names: Collection[str]) -> set[str]:
		"""Those of the documents here that came from another site: this one was restored from a backup, and has given the name of a
		document that was lost by that to another one."""
		known = registry.find_for_local(doctype, names) if names else {}
		came = {name for name, rows in known.items() if all(row.root_site != self.here for row in rows)}
		# what was made here, and another one merged into it, stands for that one too
		return fates.came_from_elsewhere(doctype, came) if came else set()

	def _by_local_doctype(
		self, events: list[Event], same_name: bool | None = None
	) -> dict[str, dict[str, str]]:
		"""Local DocType -> {remote name: remote DocType} of the events whose DocType is subscribed to and is here."""
		grouped: dict[str, dict[str, str]] = {}
		for event in events:
			subscription = self.subscriptions.get(event["ref_doctype"])
			if not subscription or (same_name is not None and subscription.use_same_name != same_name):
				continue
			doctype = subscription.local_doctype
			if local_names.doctype_exists(doctype) and not local_names.is_single(doctype):
				grouped.setdefault(doctype, {})[event["docname"]] = event["ref_doctype"]
		return grouped

	def _remote_names_in(self, doctype: str, names: Collection[str]) -> dict[str, str]:
		"""Remote name -> local name, as the two custom fields have it."""
		if not names or not frappe.get_meta(doctype).has_field(REMOTE_NAME):
			return {}
		rows = frappe.get_all(
			doctype,
			filters={REMOTE_NAME: ["in", sorted(names)], REMOTE_SITE: self.event_producer},
			fields=["name", REMOTE_NAME],
			order_by=None,
		)
		# the database may take other names for the same, of documents that are known
		return {row[REMOTE_NAME]: str(row.name) for row in rows if row[REMOTE_NAME] in names}

	# ---------------------------------------------------------------- for what documents need

	def look_up_needed(self, local_doctypes: dict[RemoteKey, str]) -> "OfNeeds":
		known = registry.load_many(self.event_producer, local_doctypes)
		# by a name that a restored producer may have given again, or a person here: which document it is shows when it has come
		lost = {key for key, row in known.items() if row.covered_to == registry.LOST or row.deleted_here}
		known = {key: row for key, row in known.items() if key not in lost}
		here: dict[RemoteKey, LocalKey] = {}
		wanted: dict[str, set[str]] = {}
		for key, doctype in local_doctypes.items():
			if key in known:
				wanted.setdefault(known[key].local_doctype, set()).add(known[key].local_name)
			elif self.question_of_need(key, doctype).use_same_name:
				wanted.setdefault(doctype, set()).add(key[1])
		for doctype, names in wanted.items():
			found = local_names.namesakes(doctype, names)
			for name in names:
				self.namesakes.pop((doctype, name), None)
			self.namesakes.update({(doctype, name): each for name, each in found.items()})
		for key, row in known.items():
			if found := self.namesake((row.local_doctype, row.local_name)):
				here[key] = (row.local_doctype, found.name)
		open_ones = {key: doctype for key, doctype in local_doctypes.items() if key not in here}
		self._look_up_merged({key: known[key] for key in open_ones if key in known})
		self._look_up_claims(open_ones)
		self._look_up_remote_names(open_ones.keys() - lost)
		return OfNeeds(self, here)

	def _look_up_merged(self, gone: dict[RemoteKey, Identity]) -> None:
		"""What was merged here into another one, where the producer is still to hear of that: one query for a DocType."""
		self._merged = {}
		by_doctype: dict[str, dict[str, RemoteKey]] = {}
		for key, row in gone.items():
			if self.is_given(row.local_doctype, to_producer=True):
				by_doctype.setdefault(row.local_doctype, {})[row.local_name] = key
		for doctype, names in by_doctype.items():
			for name in fates.merged_names(doctype, names):
				if into := fates.merged_into(doctype, name):
					self._merged[names[name]] = doctype, into

	def _look_up_claims(self, needs: dict[RemoteKey, str]) -> None:
		"""Whether the namesakes of what is needed came from anywhere, or were made by a life cycle."""
		by_doctype: dict[str, set[str]] = {}
		for key, doctype in needs.items():
			if doctype != USER and (found := self.namesake((doctype, key[1]))):
				by_doctype.setdefault(doctype, set()).add(found.name)
		for doctype, names in by_doctype.items():
			claimed = registry.find_for_local(doctype, names)
			self._claimed.update({(doctype, name): claimed.get(name, []) for name in names})
			self.made.look_up((doctype, name) for name in names)

	def _look_up_remote_names(self, needs: Iterable[RemoteKey]) -> None:
		by_doctype: dict[str, dict[str, RemoteKey]] = {}
		for key in needs:
			subscription = self.subscriptions.get(key[0])
			if subscription and local_names.doctype_exists(subscription.local_doctype):
				by_doctype.setdefault(subscription.local_doctype, {})[key[1]] = key
		self._remote_names = {
			by_name[name]: (doctype, local_name)
			for doctype, by_name in by_doctype.items()
			for name, local_name in self._remote_names_in(doctype, by_name).items()
		}

	def question_of_need(self, key: RemoteKey, doctype: str) -> Question:
		subscription = self.subscriptions.get(key[0])
		return Question(
			key,
			doctype,
			use_same_name=not subscription or subscription.use_same_name,
			streamed=bool(subscription and subscription.active) and doctype != USER,
		)

	# ---------------------------------------------------------------- what the rules have seen

	def identity(self, key: RemoteKey, root: Root | None) -> LocalKey | None:
		known = self.identities.known(key, root)
		return (known.local_doctype, known.local_name) if known else None

	def by_root(self, root: Root) -> LocalKey | None:
		self.look_up_roots([root])
		return self.roots[as_key(root)]

	def is_deleted_here(self, root: Root) -> bool:
		self.look_up_roots([root])
		return as_key(root) in self.deleted

	def is_given(self, doctype: str, to_producer: bool = False) -> bool:
		if (doctype, to_producer) not in self._given:
			to = self.event_producer if to_producer else None
			self._given[doctype, to_producer] = bool(doctypes_given(to, {doctype}))
		return self._given[doctype, to_producer]

	def name_now(self, local: LocalKey) -> LocalKey:
		return local[0], fates.name_now(*local)

	def merged(self, key: RemoteKey) -> LocalKey | None:
		return self._merged.get(key)

	def exists(self, local: LocalKey) -> bool:
		return local_names.exists(local)

	def stands_for_the_producers(self, local: LocalKey) -> bool:
		return self.producers_own(local) is not None

	def is_anothers(self, local: LocalKey) -> bool:
		return bool(self._claimed.get(local))

	def namesake(self, local: LocalKey) -> Namesake | None:
		return self.namesakes.get(local)

	def maker(self, local: LocalKey) -> RemoteKey | None:
		made = self.made.of(local)
		if not made:
			return None
		# its name may be another document's by now
		creation = frappe.db.get_value(*local, "creation")
		return made.maker if creation and same_moment(creation, made.creation) else None

	def is_single(self, doctype: str) -> bool:
		return local_names.is_single(doctype)

	def is_counted(self, doctype: str) -> bool:
		if doctype not in self._counted:
			# what can't be brought has no event and no document to compare with: its name is all there is
			self._counted[doctype] = not why_refused(doctype) and local_names.is_counted(doctype)
		return self._counted[doctype]

	def had_by_the_older_app(self, question: Question, namesake: Namesake) -> bool:
		"""What was here when its data was taken over, and what this site gives to a producer that still runs it: such a
		producer gives that back as if it had made it."""
		subscription = self.subscriptions.get(question.key[0])
		if not subscription:
			return False
		if self.protocol < PROTOCOL and self.is_given(question.local_doctype, to_producer=True):
			return True
		until = subscription.same_names_until
		return bool(until and namesake.creation and namesake.creation <= until)

	def carries_remote_name(self, question: Question) -> LocalKey | None:
		return self._remote_names.get(question.key)

	def producers_own(self, local: LocalKey) -> Identity | None:
		standing_for = registry.find_for_local(local[0], [local[1]]).get(local[1], [])
		return next((each for each in standing_for if each.event_producer == self.event_producer), None)


class OfNeeds:
	"""What was looked up of needed documents: one that is known and not here any more counts for nothing."""

	def __init__(self, lookups: Lookups, here: dict[RemoteKey, LocalKey]):
		self._lookups, self._here = lookups, here

	def identity(self, key: RemoteKey, root: Root | None) -> LocalKey | None:
		return self._here.get(key)

	def __getattr__(self, name: str):
		return getattr(self._lookups, name)


def question_of(
	key: RemoteKey,
	subscription: Subscription,
	root: Root | None = None,
	creation: datetime | None = None,
	data: dict | None = None,
) -> Question:
	return Question(
		key,
		subscription.local_doctype,
		use_same_name=subscription.use_same_name,
		mapped=bool(subscription.mapping),
		streamed=True,
		root=root,
		creation=creation,
		data=data,
	)


def as_key(root: Root) -> tuple[str, str, str]:
	return root["site"], root["doctype"], root["name"]


def same_moment(here: object, there: object) -> bool:
	"""Two documents of one name that were made in the same microsecond are one."""
	return bool(here and there) and get_datetime(here) == get_datetime(there)
