"""What became of documents that are not here under a name any more: this site's own Event Update Log knows.

Asked while the two sites of a subscription have not yet heard of each other's renames and deletions. Never writes.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

import frappe
from frappe.utils import cint, create_batch, get_datetime
from pypika import Order

from event_streaming.wire.events import CREATE, DELETE, RENAME, Root
from event_streaming.wire.tracing import chain_of

LOG = "Event Update Log"
# names followed from rename to rename
RENAMES = 5
# of one name that is made, merged and deleted again and again
MOST_ENDS = 200
# With more of them in one IN (its eq_range_index_dive_limit is 200), MariaDB does not look into the index how few rows that
# are, takes the average of the whole log instead, and reads all events of the DocType.
NAMES_AT_ONCE = 100


@dataclass(frozen=True)
class Deletion:
	"""A document that was deleted here: on which site first ("" for this one), and what it was then."""

	origin: str
	docstatus: int
	creation: Any


class GivenUp(NamedTuple):
	"""By what a name was given up: a rename to `new`, or a deletion (None), with the document's root, where it came from elsewhere."""

	name: str
	new: str | None
	position: int
	number: int
	root: Root | None


def names_now(doctype: str, names: Collection[str]) -> dict[str, str]:
	"""Old name -> the name it was changed to in the end, for those of the names that were.

	A document that was merged into another one has no new name: it is gone.
	"""
	now = {name: name for name in names}
	for _step in range(RENAMES):
		followed = {old: new for old, new, _position in renames_of(doctype, set(now.values()))} if now else {}
		if not followed:
			break
		now = {name: followed.get(current, current) for name, current in now.items()}
	return {name: current for name, current in now.items() if current != name}


def name_now(doctype: str, name: str) -> str:
	"""The name that a document has here by now, if it is here."""
	return names_now(doctype, [name]).get(name, name)


def last_deletion(doctype: str, name: str) -> Deletion | None:
	"""The last deletion of a document of that name on this site, as far back as the log goes."""
	log = frappe.qb.DocType(LOG)
	rows = (
		frappe.qb.from_(log)
		.select(log.origin, log.data_before)
		.where((log.ref_doctype == doctype) & (log.docname == name) & (log.update_type == DELETE))
		.orderby(log.name, order=Order.desc)
		.limit(1)
		.run()
	)
	if not rows:
		return None
	origin, before = rows[0]
	was = json.loads(before or "{}").get("changed") or {}
	return Deletion(origin or "", cint(was.get("docstatus")), was.get("creation"))


def came_from_elsewhere(doctype: str, names: Collection[str]) -> set[str]:
	"""Those of the names whose documents were last made by what came from another site, as far back as the log goes."""
	log, last = frappe.qb.DocType(LOG), {}
	for some in create_batch(sorted(names), NAMES_AT_ONCE):
		query = (
			frappe.qb.from_(log)
			.select(log.docname, log.origin)
			.where((log.ref_doctype == doctype) & log.docname.isin(some) & (log.update_type == CREATE))
			.orderby(log.name)
		)
		last.update(query.run())
	return {str(name) for name, origin in last.items() if origin}


def was_deleted(doctype: str, name: str, creation: Any) -> bool:
	"""Whether a document of that name that was made at that moment was deleted on this site, as far back as the log goes."""
	return any(
		end.creation and get_datetime(end.creation) == get_datetime(creation)
		for end in _ends_here(doctype, name)
		if end.update_type == DELETE
	)


@dataclass(frozen=True)
class Merge:
	"""A document (what it was called, when it was made) was merged into another one, on which site first, and with which
	event of this site's log; `into` is what the other one is called by now."""

	name: str
	creation: Any
	into: str
	into_creation: Any
	origin: str
	position: int


def merges_of(doctype: str, name: str, creation: Any = None) -> list[Merge]:
	"""What a document was merged into here, what that was merged into, and so on; `creation` says which one of that name.

	Empty when it was not, or when what it has become is not here any more.
	"""
	found: list[Merge] = []
	for _step in range(RENAMES):
		merge = _merged_once(doctype, name, creation)
		if not merge:
			return []
		found.append(merge)
		there = frappe.db.get_value(doctype, merge.into, "creation")
		if there and not _is_another(doctype, merge, there):
			return found
		name, creation = merge.into, merge.into_creation
	return []


def merged_into(doctype: str, name: str, creation: Any = None) -> str | None:
	"""The present name of the document into which this site has merged another one; `creation` says which one of that name."""
	merges = merges_of(doctype, name, creation)
	return merges[-1].into if merges else None


def _is_another(doctype: str, merge: Merge, there: Any) -> bool:
	"""Whether the document that was merged into has been deleted, and the one that has its name now is another one."""
	made = merge.into_creation
	if not made or get_datetime(made) == get_datetime(there):
		return False
	return was_deleted(doctype, merge.into, made)


def merged_names(doctype: str, names: Collection[str]) -> set[str]:
	"""Those of the names under which a document was merged into another one."""
	log, found = frappe.qb.DocType(LOG), []
	for some in create_batch(sorted(names), NAMES_AT_ONCE):
		query = frappe.qb.from_(log).select(log.docname, log.data)
		query = query.where(
			(log.ref_doctype == doctype) & log.docname.isin(some) & (log.update_type == RENAME)
		)
		found += query.run()
	return {name for name, text in found if name in names and json.loads(text or "{}").get("merge")}


def _merged_once(doctype: str, name: str, creation: Any) -> Merge | None:
	merge = found = None
	for end in _ends_here(doctype, name):
		if end.update_type == RENAME:
			merge = end
			continue
		# of a merge, the deletion of the merged document is the next that is told of its name
		same = not creation or (end.creation and get_datetime(end.creation) == get_datetime(creation))
		if merge and merge.into and same:
			found = Merge(
				name,
				end.creation,
				name_now(doctype, merge.into),
				merge.into_creation,
				merge.origin,
				merge.position,
			)
		merge = None
	return found


@dataclass(frozen=True)
class End:
	"""What ended a document of a name; `into` is what it was merged into."""

	update_type: str
	creation: Any
	into: str | None
	into_creation: Any
	origin: str
	position: int


def _ends_here(doctype: str, name: str) -> list[End]:
	"""What ended documents of a name, oldest first, the last MOST_ENDS of them."""
	log = frappe.qb.DocType(LOG)
	rows = (
		frappe.qb.from_(log)
		.select(log.update_type, log.data, log.data_before, log.origin, log.position)
		.where((log.ref_doctype == doctype) & (log.docname == name) & log.update_type.isin((RENAME, DELETE)))
		.orderby(log.name, order=Order.desc)
		.limit(MOST_ENDS)
		.run()
	)
	ends = []
	for update_type, text, text_before, origin, position in reversed(rows):
		data, before = json.loads(text or "{}"), json.loads(text_before or "{}")
		into = before.get("into") or {}
		was = before.get("changed") or {}
		new_name = data.get("new_name") if data.get("merge") else None
		ends.append(
			End(
				update_type,
				was.get("creation"),
				new_name,
				into.get("creation"),
				origin or "",
				cint(position),
			)
		)
	return ends


def former_names(doctype: str, name: str) -> list[tuple[str, int]]:
	"""(a name that the document which now has this one had before, the number of the event that changed it), the last one first.

	No index leads from a new name to the old one: all renames of the DocType are read. For a person's question about one document.
	"""
	log = frappe.qb.DocType(LOG)
	rows = (
		frappe.qb.from_(log)
		.select(log.name, log.docname, log.data)
		.where((log.ref_doctype == doctype) & (log.update_type == RENAME))
		.run()
	)
	return chain_of(name, [(cint(number), str(old), text) for number, old, text in rows])


def renames_of(doctype: str, names: Collection[str]) -> list[tuple[str, str, int]]:
	"""(old name, new name, position) of the renames that were no merges, oldest first."""
	found = _read_ends(doctype, names, (RENAME,))
	return [(each.name, each.new, each.position) for each in found if each.new]


def ends_of(doctype: str, names: Collection[str]) -> list[GivenUp]:
	"""All by which the names were given up, oldest first.

	Of a merge, the deletion that follows it is told.
	"""
	return _read_ends(doctype, names, (RENAME, DELETE))


def _read_ends(doctype: str, names: Collection[str], update_types: tuple[str, ...]) -> list[GivenUp]:
	log, found = frappe.qb.DocType(LOG), []
	# each type is looked for under each name
	for some in create_batch(sorted(names), NAMES_AT_ONCE // len(update_types)):
		query = (
			frappe.qb.from_(log)
			.select(log.name, log.docname, log.update_type, log.data, log.data_before, log.position)
			.where((log.ref_doctype == doctype) & log.docname.isin(some) & log.update_type.isin(update_types))
		)
		found += query.run()
	ends: list[GivenUp] = []
	for number, old, update_type, text, before, position in sorted(found, key=lambda row: row[0]):
		data = json.loads(text) if update_type == RENAME else {}
		if not data.get("merge"):
			root = json.loads(before or "{}").get("root") if update_type == DELETE else None
			ends.append(GivenUp(old, data.get("new_name"), position, number, root))
	return ends
