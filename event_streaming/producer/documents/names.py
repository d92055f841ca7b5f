"""What documents are called: the name that they have now, and the site and name where they were first made.

A fixed number of queries for each DocType, or for each hundred of its documents. Never writes.
"""

from collections.abc import Collection

from event_streaming.identity import registry
from event_streaming.identity.fates import RENAMES, names_now, renames_of
from event_streaming.producer.documents.reading import by_doctype, existing_names
from event_streaming.producer.log.rows import Candidate, Key
from event_streaming.wire.events import Root

NOT_NUMBERED = 2**63


def present_names(events: list[Candidate]) -> dict[Key, str | None]:
	"""(DocType, name in the event) -> the name that the document has now; None when it is gone."""
	present: dict[Key, str | None] = {}
	for doctype, names in by_doctype([event.key for event in events]).items():
		found = existing_names(doctype, names)
		present.update({(doctype, name): name if name in found else None for name in names})
		if gone := [name for name in names if name not in found]:
			present.update(_renamed(doctype, gone))
	return present


def _renamed(doctype: str, names: list[str]) -> dict[Key, str | None]:
	"""Where documents that are gone under their old names are now."""
	moved = names_now(doctype, names)
	found = existing_names(doctype, set(moved.values())) if moved else set()
	return {(doctype, name): current for name, current in moved.items() if current in found}


def roots_of(events: list[Candidate]) -> dict[str, Root]:
	"""Name of the event -> where its document was first made, for those that came here from elsewhere.

	A document is known by the name that it has now, and a name that was given up may be another document's by now: only
	renames after the event lead from it to its document.
	"""
	roots: dict[str, Root] = {}
	for doctype, names in by_doctype([event.key for event in events]).items():
		renames = _all_renames(doctype, names)
		mine = [event for event in events if event.ref_doctype == doctype]
		current = {event.name: _name_after(event.docname, event.position, renames) for event in mine}
		known = roots_of_documents(doctype, set(current.values()))
		roots.update({event: known[name] for event, name in current.items() if name in known})
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


def _all_renames(doctype: str, names: Collection[str]) -> dict[str, list[tuple[int, str]]]:
	"""Name -> (position, new name) of its renames, oldest first; also of the names that these lead to."""
	renames: dict[str, list[tuple[int, str]]] = {}
	wanted = set(names)
	for _step in range(RENAMES):
		found: dict[str, list[tuple[int, str]]] = {}
		for old, new, position in renames_of(doctype, wanted) if wanted else []:
			# one that was committed a moment ago has no position yet: it comes after all that have
			found.setdefault(old, []).append((position or NOT_NUMBERED, new))
		renames.update({old: sorted(steps) for old, steps in found.items()})
		wanted = {new for steps in found.values() for _position, new in steps} - renames.keys()
	return renames


def _name_after(name: str, position: int, renames: dict[str, list[tuple[int, str]]]) -> str:
	"""The name that the document which had `name` at `position` (or got another one with it) has now."""
	while step := next((step for step in renames.get(name, []) if step[0] >= position), None):
		position, name = step[0] + 1, step[1]
	return name
