"""Changes of one document that the consumer has not taken yet, as one: what travels then is the last, with all that they say together.

For a consumer that is more than a page behind and says that nobody there needs the steps. A page reads further then, and ends where
what is left of it fills one. The change stands where its last step stood, so that none of its steps may be passed over there:

- nothing but changes goes in, each made on what the one before left, none that submits or cancels; whatever else there is of the
  document ends the run, and a new name of any document ends all of them;
- a document that stands in between and names this one, or that a step names, ends it too: it meets what it met here;
- a transaction is left out whole or not at all, and into one other transaction.

Pure: events are read and written by the caller. It decides nothing of what the consumer may have: that is done before.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from event_streaming.wire.events import RENAME, UPDATE, texts_in
from event_streaming.wire.lean.composing import Change, before_both, both, has_shape, has_shape_before

if TYPE_CHECKING:
	from event_streaming.producer.log.rows import Candidate

# a document, and one whose name may be another's: as in `producer/log/rows.py`
Key = tuple[str, str]
Subject = tuple[str, str, str | None]
# so many events have their data read at once
BATCH = 500
# so many changes are one at most: each step goes through all that the ones before it say
MOST_STEPS = 100


# gives an event its data, and what stood before
Write = Callable[["Candidate", dict[str, Any], dict[str, Any]], None]


@dataclass(frozen=True)
class Wish:
	"""Of which DocTypes nobody at the consumer needs the steps, and the documents of which they are needed all the same."""

	doctypes: frozenset[str] = frozenset()
	apart: frozenset[Key] = frozenset()

	def __bool__(self) -> bool:
		return bool(self.doctypes)

	def takes(self, event: "Candidate") -> bool:
		"""Whether an event may be one with others, as far as that can be said without its data."""
		return (
			event.update_type == UPDATE
			and event.ref_doctype in self.doctypes
			and event.key not in self.apart
			and event.at_position == event.position
			and not (event.made or event.leaves or event.divided or event.only_the_end)
		)


@dataclass
class Said:
	"""Events of a document that stand side by side in one transaction, mostly one: what they name, and the change that they make where
	that can be put together with others."""

	event: "Candidate"
	texts: set[str]
	size: int
	# of it, what is not the envelope
	own: int
	change: dict[str, Any] | None = None
	before: dict[str, Any] = field(default_factory=dict)
	modified: Any = None
	stamped: bool = False
	steps: list["Candidate"] = field(default_factory=list)


@dataclass
class Group:
	"""What a transaction has changed: it can be left out if it holds one change of each document, and nothing else."""

	subjects: set[Subject]
	movable: bool


@dataclass
class Run:
	"""Changes of a document that are one so far, and the transaction in which they stand."""

	said: Said
	group: Group


@dataclass
class Composer:
	"""Puts the events of a page together, transaction by transaction, until its bounds are reached."""

	wish: Wish
	most: int
	most_bytes: int
	events: list["Candidate"] = field(default_factory=list)
	count: int = 0
	size: int = 0
	runs: dict[Subject, Run] = field(default_factory=dict)
	ended: list[Run] = field(default_factory=list)
	# name of a document -> the open runs that are of it, and those that name it
	named: dict[str, set[Subject]] = field(default_factory=dict)
	naming: dict[str, set[Subject]] = field(default_factory=dict)

	def add(self, group: Sequence["Candidate"]) -> bool:
		"""Take what was made together into the page; False: it has no room any more, and nothing of it is taken."""
		units = side_by_side([read(event, self.wish) for event in group])
		subjects = {unit.event.subject for unit in units}
		whole = Group(
			subjects, len(subjects) == len(units) and all(unit.change is not None for unit in units)
		)
		going_on = self._going_on(units)
		size = sum(unit.size for unit in units) - sum(
			self.runs[subject].said.size + unit.size - longer.size
			for subject, (unit, longer) in going_on.items()
		)
		count = len(units) - len(going_on)
		if self.events and (self.count + count > self.most or self.size + size > self.most_bytes):
			return False
		self.count, self.size = self.count + count, self.size + size
		self.events.extend(group)
		for unit in units:
			subject = unit.event.subject
			for met in self._met(unit):
				self._end(met)
			next_one, longer = going_on.get(subject, (None, unit))
			if next_one is unit:
				self._open(subject, Run(longer, whole), unit.texts)
			else:
				self._end(subject)
				if unit.change is not None:
					self._open(subject, Run(unit, whole), unit.texts)
		return True

	def _going_on(self, units: Sequence[Said]) -> dict[Subject, tuple[Said, Said]]:
		"""What goes on with the run of its document, and what both are then; without what would leave a transaction torn."""
		into: dict[Subject, tuple[Said, Said]] = {}
		gone: set[Subject] = set()
		for unit in units:
			subject = unit.event.subject
			gone |= self._met(unit)
			run = self.runs.get(subject)
			if run and subject not in gone and (longer := joined(run.said, unit)):
				into[subject] = unit, longer
			# another one of the document in this transaction goes on with nothing
			gone.add(subject)
		return {subject: both_of for subject, both_of in into.items() if self._is_left_whole(subject, into)}

	def _is_left_whole(self, subject: Subject, into: Collection[Subject]) -> bool:
		"""Whether all of the transaction in which a run stands goes into the same other one."""
		group = self.runs[subject].group
		return group.movable and all(
			each in into and self.runs[each].group is group for each in group.subjects
		)

	def _met(self, unit: Said) -> set[Subject]:
		"""The open runs whose documents would be met in another state than on this site, or would meet another one."""
		if unit.event.update_type == RENAME:
			return set(self.runs)
		name = unit.event.docname
		met = self.named.get(name, set()) | self.naming.get(name, set())
		for text in unit.texts & self.named.keys():
			met = met | self.named[text]
		return met - {unit.event.subject}

	def _open(self, subject: Subject, run: Run, texts: set[str]) -> None:
		self.runs[subject] = run
		self.named.setdefault(run.said.event.docname, set()).add(subject)
		for text in texts:
			self.naming.setdefault(text, set()).add(subject)

	def _forget(self, subject: Subject) -> Run | None:
		run = self.runs.pop(subject, None)
		if run:
			for index, texts in ((self.named, [run.said.event.docname]), (self.naming, run.said.texts)):
				for text in texts:
					index[text].discard(subject)
					if not index[text]:
						del index[text]
		return run

	def _end(self, subject: Subject) -> None:
		if run := self._forget(subject):
			self.ended.append(run)

	def finished(self, write: Write) -> tuple[list["Candidate"], list["Candidate"]]:
		"""The events that travel, in their order, and those that are contained in them, each at the position of that one."""
		contained: list[Candidate] = []
		for run in (*self.ended, *self.runs.values()):
			said = run.said
			if not said.steps:
				continue
			last = said.event
			write(last, said.change or {}, said.before)
			last.steps, last.steps_from = len(said.steps) + 1, said.steps[0].position
			for step in said.steps:
				step.at_position = last.position
			contained += said.steps
		left_out = set(map(id, contained))
		return [event for event in self.events if id(event) not in left_out], contained


def side_by_side(said: Sequence[Said]) -> list[Said]:
	"""Changes of a document that follow one another within a transaction are one."""
	units: list[Said] = []
	for each in said:
		if units and units[-1].event.subject == each.event.subject and (longer := joined(units[-1], each)):
			units[-1] = longer
		else:
			units.append(each)
	return units


def read(event: "Candidate", wish: Wish) -> Said:
	data, before = parsed(event.data), parsed(event.data_before)
	said = Said(
		event,
		{*texts_in(data), *texts_in(before)},
		event.size,
		len(event.data or "") + len(event.data_before or ""),
	)
	if wish.takes(event) and is_change(data, before):
		changed = data.get("changed") or {}
		said.change, said.before = data, before
		said.modified, said.stamped = (
			changed.get("modified") or before["changed"]["modified"],
			"modified" in changed,
		)
	return said


def follows(run: Said, unit: Said) -> bool:
	"""Whether a change was made on what the one before it leaves, on the same site, and is not one too many."""
	return (
		run.change is not None
		and unit.change is not None
		and unit.before["changed"]["modified"] == run.modified
		and unit.stamped == run.stamped
		and unit.event.origin == run.event.origin
		and len(run.steps) + len(unit.steps) + 2 <= MOST_STEPS
	)


def joined(run: Said, unit: Said) -> Said | None:
	"""The change that both make; None where they can't be put together."""
	first, second = run.change or {}, unit.change or {}
	together = both(first, second) if follows(run, unit) else None
	if together is None:
		return None
	# a bound of the size, as to write it out at each step would take too long
	says_it_again = (
		second.keys() == {"changed"} and second["changed"].keys() <= (first.get("changed") or {}).keys()
	)
	return Said(
		event=unit.event,
		texts=run.texts | unit.texts,
		size=max(run.size, unit.size) if says_it_again else run.size + unit.own,
		own=run.own + unit.own,
		change=together,
		before=before_both(together, run.before, unit.before),
		modified=unit.modified,
		stamped=run.stamped,
		steps=[*run.steps, run.event, *unit.steps],
	)


def parsed(text: str | None) -> dict[str, Any]:
	try:
		data = json.loads(text) if text else {}
	except (ValueError, RecursionError):
		return {}
	return data if isinstance(data, dict) else {}


def is_change(data: Change, before: Change) -> bool:
	"""Whether it says on which state of the document it was made, and leaves it the same kind of state."""
	return (
		bool(data)
		and has_shape(data)
		and has_shape_before(before)
		and bool(before["changed"].get("modified"))
		and "docstatus" not in (data.get("changed") or {})
	)


def compose(
	wish: Wish,
	groups: Sequence[Sequence["Candidate"]],
	most: int,
	most_bytes: int,
	read_data: Callable[[list["Candidate"]], None],
	write: Write,
	may_be_sent: Callable[["Candidate"], bool],
) -> tuple[list["Candidate"], list["Candidate"], int]:
	"""(the events of a page, those that are contained in them, how many of the groups that is)."""
	composer, known, number = Composer(wish, most, most_bytes), 0, 0
	for number, group in enumerate(groups):
		if number >= known:
			known = number
			some: list[Candidate] = []
			while known < len(groups) and (not some or len(some) < BATCH):
				some.extend(groups[known])
				known += 1
			read_data(some)
		if not all(map(may_be_sent, group)) or not composer.add(group):
			break
	else:
		number = len(groups)
	return *composer.finished(write), number
