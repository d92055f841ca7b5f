"""Pure: the rules by which a local document is found for a remote one, in the order in which they are asked.

A rule answers with (DocType, name) of a local document, or None: then the next one is asked. It knows nothing of the database:
`Seen` tells it what was looked up. A new rule is a function here, its place in one of the lists at the end, and a test.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from event_streaming.wire.events import Root

Key = tuple[str, str]


@dataclass(frozen=True)
class Question:
	"""A remote document, and how this site takes such ones.

	`streamed` says that events of its DocType come by themselves. `creation` (in this site's time) and `data` are known only
	where the whole document is at hand.
	"""

	key: Key
	local_doctype: str
	use_same_name: bool = True
	mapped: bool = False
	streamed: bool = True
	root: Root | None = None
	creation: datetime | None = None
	data: dict | None = None

	@property
	def namesake(self) -> Key:
		return self.local_doctype, self.key[1]


@dataclass(frozen=True)
class Namesake:
	"""A local document that has the remote one's name, as the name is written here."""

	name: str
	creation: datetime | None


class Seen(Protocol):
	"""What was looked up on this site; rare questions are looked up when a rule asks them."""

	here: str

	def identity(self, key: Key, root: Root | None) -> Key | None:
		"""The local document that stands for a remote one by its identity; not one that was lost there, if the root is another."""

	def by_root(self, root: Root) -> Key | None:
		"""The one that stands for what was first made there, whoever told of it; one first made here, if it is there."""

	def is_given(self, doctype: str, to_producer: bool = False) -> bool:
		"""Whether documents of the DocType can have left this site (for the producer itself), and so come back."""

	def name_now(self, local: Key) -> Key:
		"""The name that a document has here by now, after renames."""

	def merged(self, key: Key) -> Key | None:
		"""The local document into which the one that stood for a remote one was merged here."""

	def exists(self, local: Key) -> bool:
		"""Whether it is here."""

	def stands_for_the_producers(self, local: Key) -> bool:
		"""Whether the local document stands for one of this producer's."""

	def is_anothers(self, local: Key) -> bool:
		"""Whether the local document came from anywhere."""

	def namesake(self, local: Key) -> Namesake | None:
		"""The local document of that name."""

	def maker(self, local: Key) -> Key | None:
		"""The remote document whose life cycle here made the local one, while it was applied for this producer."""

	def is_single(self, doctype: str) -> bool:
		"""Whether there is only one document of the DocType."""

	def is_counted(self, doctype: str) -> bool:
		"""Whether its names come from a counter or at random: two sites give the same one to different documents."""

	def had_by_the_older_app(self, question: Question, namesake: Namesake) -> bool:
		"""Whether the older app is or was at work: for it documents of one name were one."""

	def carries_remote_name(self, question: Question) -> Key | None:
		"""The document that says in its own two fields, as the older app left it, that it came from there."""


Rule = Callable[[Question, Seen], Key | None]


def identity(question: Question, seen: Seen) -> Key | None:
	"""It has come before: Event Document Identity says which one it is."""
	return seen.identity(question.key, question.root)


def root(question: Question, seen: Seen) -> Key | None:
	"""It was first made here, or came by another way: told by the site and the name where it was first made."""
	return seen.by_root(question.root) if question.root else None


def came_home_renamed(question: Question, seen: Seen) -> Key | None:
	"""It was first made here, and has another name here by now than the one under which it left."""
	root = question.root
	if not root or root["site"] != seen.here or not seen.is_given(root["doctype"]):
		return None
	local = seen.name_now((root["doctype"], root["name"]))
	# by the same name it would have been found by its root
	return local if local[1] != root["name"] and seen.exists(local) else None


def renamed_by_this_site(question: Question, seen: Seen) -> Key | None:
	"""The producer subscribes in turn, and calls it by the name that this site has given it: it took over a rename.

	Here it may have had another new name since.
	"""
	if not question.use_same_name or question.mapped:
		return None
	if not seen.is_given(question.local_doctype, to_producer=True):
		return None
	local = question.namesake
	if not seen.exists(local):
		local = seen.name_now(local)
	return local if seen.exists(local) and seen.stands_for_the_producers(local) else None


def renamed_by_this_site_and_gone(question: Question, seen: Seen) -> Key | None:
	"""The same of one that this site has deleted, or merged into another one, since it gave it that name."""
	if not question.use_same_name or question.mapped:
		return None
	if not seen.is_given(question.local_doctype, to_producer=True):
		return None
	for local in (question.namesake, seen.name_now(question.namesake)):
		if not seen.exists(local) and seen.stands_for_the_producers(local):
			return local
	return None


def merged_by_this_site(question: Question, seen: Seen) -> Key | None:
	"""This site has merged it into another one, and the producer has not heard of that yet."""
	return seen.merged(question.key)


def single(question: Question, seen: Seen) -> Key | None:
	"""There is only one, here and there."""
	return (
		(question.local_doctype, question.local_doctype) if seen.is_single(question.local_doctype) else None
	)


def same_creation(question: Question, seen: Seen) -> Key | None:
	"""The namesake was made in the same microsecond: this site began as a copy of the producer, or the other way round."""
	found = seen.namesake(question.namesake) if question.use_same_name else None
	if not found or found.name != question.key[1] or not question.creation:
		return None
	return question.namesake if found.creation == question.creation else None


def made_by_a_life_cycle(question: Question, seen: Seen) -> Key | None:
	"""A hook of this site made the namesake while an event of this producer was applied, as the producer's did there.

	A counted name alone says nothing, and neither does any with local naming: then the producer's document has to name the
	one that was applied.
	"""
	maker = seen.maker(question.namesake)
	if not maker:
		return None
	by_name = question.use_same_name and not seen.is_counted(question.local_doctype)
	return question.namesake if by_name or names(question.data, maker[1]) else None


def same_name_of_the_older_app(question: Question, seen: Seen) -> Key | None:
	"""The namesake, where the older app is or was at work: it knew no other rule."""
	found = seen.namesake(question.namesake) if question.use_same_name and question.streamed else None
	if not found or not seen.had_by_the_older_app(question, found):
		return None
	return question.local_doctype, found.name


def remote_name_of_the_older_app(question: Question, seen: Seen) -> Key | None:
	"""From before there were identities: the document carries its origin in two custom fields."""
	return seen.carries_remote_name(question)


def name_of_what_is_not_streamed(question: Question, seen: Seen) -> Key | None:
	"""A namesake of a DocType whose names mean something (a Currency, a Country) and of which no events come.

	Of others it may be anything: they have to be proven the same, see DESIGN 8.6.
	"""
	if question.streamed or seen.is_counted(question.local_doctype):
		return None
	found = seen.namesake(question.namesake)
	local = (question.local_doctype, found.name) if found else None
	return local if local and not seen.is_anothers(local) else None


def names(data: Any, name: str) -> bool:
	"""Whether a document's data holds the name anywhere."""
	waiting = [data]
	while waiting:
		value = waiting.pop()
		if value == name:
			return True
		if isinstance(value, dict):
			waiting.extend(value.values())
		elif isinstance(value, list):
			waiting.extend(value)
	return False


# which local document a remote one is, as far as its key and its root say
KNOWN: tuple[Rule, ...] = (identity, root, came_home_renamed)
# asked after these for an event that changes it
CHANGED: tuple[Rule, ...] = (renamed_by_this_site, renamed_by_this_site_and_gone)
# for a whole document that is about to be written: which namesake it may be
SAME: tuple[Rule, ...] = (single, same_creation, made_by_a_life_cycle)
# for a document that another one points to, of which only the name is at hand
NEEDED: tuple[Rule, ...] = (
	identity,
	merged_by_this_site,
	single,
	made_by_a_life_cycle,
	same_name_of_the_older_app,
	name_of_what_is_not_streamed,
	remote_name_of_the_older_app,
)


def ask(rules: tuple[Rule, ...], question: Question, seen: Seen) -> tuple[Key, Rule] | None:
	"""The first answer, and the rule that gave it; None when no rule knows."""
	for rule in rules:
		if local := rule(question, seen):
			return local, rule
	return None
