"""What documents are called: the name that they have now, and the site and name where they were first made.

A fixed number of queries for each DocType, however many documents. Never writes.
"""

import json

import frappe

from event_streaming import identity
from event_streaming.producer.documents import Key, by_doctype, existing_names
from event_streaming.producer.log import LOG, Candidate
from event_streaming.wire import RENAME, Root

# names followed from rename to rename
RENAMES = 5


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


def names_now(doctype: str, names: list[str]) -> dict[str, str]:
	"""Old name -> the name it was changed to in the end, for those of the names that were."""
	now = {name: name for name in names}
	for _step in range(RENAMES):
		followed = _renames(doctype, set(now.values())) if now else {}
		if not followed:
			break
		now = {name: followed.get(current, current) for name, current in now.items()}
	return {name: current for name, current in now.items() if current != name}


def _renames(doctype: str, names: set[str]) -> dict[str, str]:
	log = frappe.qb.DocType(LOG)
	query = (
		frappe.qb.from_(log)
		.select(log.docname, log.data)
		.where((log.ref_doctype == doctype) & log.docname.isin(sorted(names)) & (log.update_type == RENAME))
		.orderby(log.position)
	)
	return {name: json.loads(data)["new_name"] for name, data in query.run()}


def roots_of(keys: list[Key]) -> dict[Key, Root]:
	"""Where documents that came here from elsewhere were first made; renamed ones are known by the name they have now."""
	roots: dict[Key, Root] = {}
	for doctype, names in by_doctype(keys).items():
		roots.update(_known_roots(doctype, {name: name for name in names}))
		rest = [name for name in names if (doctype, name) not in roots]
		roots.update(_known_roots(doctype, names_now(doctype, rest)))
	return roots


def _known_roots(doctype: str, current: dict[str, str]) -> dict[Key, Root]:
	"""For each name that has a root, looked up under the name that stands beside it: one query."""
	found = identity.find_for_local(doctype, set(current.values())) if current else {}
	roots: dict[Key, Root] = {}
	for name, now in current.items():
		for known in found.get(now, []):
			if known.root_site and known.root_name:
				root_doctype = known.root_doctype or doctype
				roots[doctype, name] = {
					"site": known.root_site,
					"doctype": root_doctype,
					"name": known.root_name,
				}
				break
	return roots
