"""What documents are called: the name that they have now, and the site and name where they were first made.

A fixed number of queries for each DocType, or for each hundred of its documents. Never writes.
"""

from collections.abc import Collection, Iterator

from event_streaming.identity import registry
from event_streaming.identity.fates import RENAMES, ends_of
from event_streaming.producer.documents.reading import existing_names
from event_streaming.producer.log.rows import Candidate
from event_streaming.wire.events import RENAME, Called, Root

NOT_NUMBERED = 2**63
# in the log: position, and the number of the row, for those that have no position yet
Place = tuple[int, int]


class Fates:
	"""What became of names of a DocType: renames and deletions, also of the names that these lead to."""

	def __init__(self, doctype: str, names: Collection[str]):
		# name -> (its place in the log, new name or None for a deletion), oldest first
		self.steps: dict[str, list[tuple[Place, str | None]]] = {}
		# of documents that were deleted: where they had come from
		self.roots: dict[tuple[str, Place], Root] = {}
		# former names that are another document's by now
		self.taken: set[str] = set()
		wanted = set(names)
		for _step in range(RENAMES):
			found: dict[str, list[tuple[Place, str | None]]] = {}
			for end in ends_of(doctype, wanted) if wanted else []:
				# one that was committed a moment ago has no position yet: it comes after all that have
				place = (end.position or NOT_NUMBERED, end.number)
				found.setdefault(end.name, []).append((place, end.new))
				if end.root:
					self.roots[end.name, place] = end.root
			self.steps.update({old: sorted(steps, key=lambda step: step[0]) for old, steps in found.items()})
			wanted = {new for steps in found.values() for _place, new in steps if new} - self.steps.keys()

	def name_now(self, event: Candidate) -> str | None:
		"""The name that the document of an event has now; None when it was deleted."""
		return self._follow(event, None)

	def last_name(self, event: Candidate) -> str:
		"""The same, or the name that it had last."""
		return self._follow(event, event.docname) or event.docname

	def called(self, event: Candidate) -> Called | None:
		"""The name that its document has got since an event, with the position of the rename, where it lost the one that it has by that
		event, and whether the one before is another's; None where nothing is to be told. What is not numbered yet is not told."""
		steps = [step for step in self._steps_since(event) if step[0][0] < NOT_NUMBERED]
		renames = [(new, place[0]) for place, new in steps if new is not None]
		name, since = renames[-1] if renames else (event.docname, 0)
		# a merge has no new name; it is told where the one that is gone is another document's
		again = (
			event.update_type == RENAME
			and event.docname in self.taken
			and (name != event.docname or not since)
		)
		if name == event.docname and not again:
			return None
		# by a rename it has the name that this gives it
		later = steps[1:] if event.update_type == RENAME else steps
		return {"name": name, "since": since, "given_up": later[0][0][0] if later else 0, "again": again}

	def names_since(self, event: Candidate) -> list[tuple[str, int, int]]:
		"""The names that its document has had since an event, each with the positions between which it had it."""
		found, name, since = [], event.docname, event.position
		for (position, _number), new in self._steps_since(event):
			found.append((name, since, position))
			if new is None:
				return found
			name, since = new, position
		return [*found, (name, since, NOT_NUMBERED)]

	def _steps_since(self, event: Candidate) -> Iterator[tuple[Place, str | None]]:
		"""By what its document gave up one name after another since an event, up to its deletion."""
		name, place = event.docname, (event.position, 0)
		while step := next((step for step in self.steps.get(name, []) if step[0] > place), None):
			yield step
			place, new = step
			if new is None:
				return
			name = new

	def root_of_deleted(self, event: Candidate) -> Root | None:
		"""Where its document was first made, if it was deleted here and had come from elsewhere."""
		name, place = event.docname, (event.position, 0)
		while step := next((step for step in self.steps.get(name, []) if step[0] > place), None):
			place, new = step
			if new is None:
				return self.roots.get((name, place))
			name = new
		return None

	def _follow(self, event: Candidate, deleted: str | None) -> str | None:
		name, place = event.docname, (event.position, 0)
		while step := next((step for step in self.steps.get(name, []) if step[0] > place), None):
			place, new = step
			if new is None:
				return deleted and name
			name = new
		return name

	def are_of_one(self, old: Candidate, event: Candidate) -> bool:
		"""Whether two events of one name are of one document: the name was not given up between them."""
		steps = self.steps.get(event.docname, [])
		return not any(old.position <= place[0] < event.position for place, _new in steps)


def find_documents(events: list[Candidate]) -> dict[str, Fates]:
	"""Set what the document of each event is called now, None when it is gone; returns DocType -> what became of the names.

	A name that was given up, by a rename or a deletion, may be another document's by now: an event is of the one that had it then.
	"""
	fates: dict[str, Fates] = {}
	for doctype, mine in _of_each_doctype(events).items():
		known = fates[doctype] = Fates(doctype, {event.docname for event in mine})
		for event in mine:
			event.now = known.name_now(event)
		names_now, former = {event.now for event in mine if event.now}, _former_names(mine)
		found = existing_names(doctype, names_now | former) if names_now | former else set()
		known.taken = former & found
		for event in mine:
			event.now = event.now if event.now in found else None
	return fates


def find_fates(events: list[Candidate]) -> dict[str, Fates]:
	"""DocType -> what became of the names, for whom it is nothing whether the documents are there: it is asked of former names alone."""
	fates: dict[str, Fates] = {}
	for doctype, mine in _of_each_doctype(events).items():
		known = fates[doctype] = Fates(doctype, {event.docname for event in mine})
		if former := _former_names(mine):
			known.taken = former & existing_names(doctype, former)
	return fates


def _of_each_doctype(events: list[Candidate]) -> dict[str, list[Candidate]]:
	found: dict[str, list[Candidate]] = {}
	for event in events:
		found.setdefault(event.ref_doctype, []).append(event)
	return found


def _former_names(events: list[Candidate]) -> set[str]:
	return {event.docname for event in events if event.update_type == RENAME}


def roots_of(events: list[Candidate], fates: dict[str, Fates]) -> dict[str, Root]:
	"""Name of the event -> where its document was first made, for those that came here from elsewhere."""
	roots: dict[str, Root] = {}
	for doctype, known_fates in fates.items():
		mine = [event for event in events if event.ref_doctype == doctype]
		last = {event.name: known_fates.last_name(event) for event in mine}
		known = roots_of_documents(doctype, set(last.values()))
		roots.update({event: known[name] for event, name in last.items() if name in known})
		# what was known of a deleted one may be gone with it, or be another's by now
		deleted = {event.name: known_fates.root_of_deleted(event) for event in mine}
		roots.update({event: root for event, root in deleted.items() if root})
	return roots


def roots_of_documents(doctype: str, names: Collection[str]) -> dict[str, Root]:
	"""Where those of the present documents that came here from elsewhere were first made: one query."""
	roots: dict[str, Root] = {}
	for name, identities in (registry.find_for_local(doctype, names) if names else {}).items():
		for known in identities:
			if known.root_site and known.root_name:
				roots[name] = {
					"site": known.root_site,
					"doctype": known.root_doctype or doctype,
					"name": known.root_name,
				}
				break
	return roots
