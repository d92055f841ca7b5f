"""Which local document stands for which remote one: the only module that reads or writes Event Document Identity.

Producer, remote DocType and remote name together name a document; the name alone never does. Each row also keeps the
*root*, the site and name where the document was first made, so that a document that comes round a ring, or from two
sides, is recognised. Nothing here touches the documents themselves.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Protocol

import frappe
from frappe.utils import create_batch, get_datetime, now_datetime

from event_streaming.database import bulk_inserting
from event_streaming.exceptions import TransactionLost
from event_streaming.identity.origin import applied_now
from event_streaming.messages.coded import _
from event_streaming.site.address import public_url
from event_streaming.wire.events import Root

DOCTYPE = "Event Document Identity"
# where a document came from: this site's own to say, never taken over from another site
REMOTE_NAME, REMOTE_SITE = "remote_docname", "remote_site_name"
# the column that came last
MARK = "deleted_here"
FIELDS = (
	"event_producer",
	"remote_doctype",
	"remote_name",
	"local_doctype",
	"local_name",
	"root_site",
	"root_doctype",
	"root_name",
	"covered_to",
	"counted_to",
	MARK,
)

# `covered_to` of a local document that was linked and has nothing of the producer's yet: the next that comes comes whole
LINKED = -1
# the same where its making was lost with a restored backup of the producer: the name may be given to another document there
LOST = -2
# `counted_to` of a document that was written whole, but for its numbers, before any event of it
NOTHING = -1

AT_ONCE = 500
# sites whose table is known to have it
_with_mark: set[str] = set()

RemoteKey = tuple[str, str]
LocalKey = tuple[str, str]


@dataclass
class Identity:
	"""One remote document and the local one that stands for it.

	Events of the document at or before position `covered_to` are already contained in the local document.
	"""

	event_producer: str
	remote_doctype: str
	remote_name: str
	local_doctype: str
	local_name: str
	root_site: str
	root_doctype: str
	root_name: str
	covered_to: int = 0
	# of the numbers that are added up, those of events up to here are contained: 0, up to `covered_to`; NOTHING, of none
	counted_to: int = 0
	# a person of this site has deleted the local document: what has its name by now is another one
	deleted_here: int = 0

	@property
	def root(self) -> Root:
		return {"site": self.root_site, "doctype": self.root_doctype, "name": self.root_name}

	def is_another(self, root: Root | None) -> bool:
		"""Whether a remote document of this name, first made at `root` (None: on the producer), is not the one that this stands for."""
		made = root or {
			"site": self.event_producer,
			"doctype": self.remote_doctype,
			"name": self.remote_name,
		}
		return self.covered_to == LOST and made != self.root

	@property
	def key(self) -> str:
		return identity_key(self.event_producer, self.remote_doctype, self.remote_name)


class WriteFirst(Protocol):
	"""Rows that wait to be written."""

	def write_in_the_middle(self) -> None: ...


# the same few are asked for again and again while a page is applied
@lru_cache(maxsize=4096)
def identity_key(event_producer: str, remote_doctype: str, remote_name: str) -> str:
	"""The row's name: exact where a collation would take "a" and "A" for the same."""
	text = "\n".join((event_producer, remote_doctype, remote_name))
	return hashlib.sha256(text.encode()).hexdigest()[:40]


def own_identity(
	event_producer: str,
	key: RemoteKey,
	local: LocalKey,
	root: Root | None,
	covered_to: int = 0,
	counted_to: int = 0,
) -> Identity:
	"""The identity of a remote document; without a root it was first made on the producer itself."""
	return Identity(
		event_producer=event_producer,
		remote_doctype=key[0],
		remote_name=key[1],
		local_doctype=local[0],
		local_name=local[1],
		root_site=root["site"] if root else event_producer,
		root_doctype=root["doctype"] if root else key[0],
		root_name=root["name"] if root else key[1],
		covered_to=covered_to,
		counted_to=counted_to,
	)


def load_many(event_producer: str, keys: Iterable[RemoteKey]) -> dict[RemoteKey, Identity]:
	"""The identities of the remote documents `keys` ((DocType, name) on the producer) that are known here: one query."""
	names = {identity_key(event_producer, doctype, name) for doctype, name in keys}
	found = _read({"name": names})
	return {(row.remote_doctype, row.remote_name): row for row in found}


def load_locked(event_producer: str, key: RemoteKey) -> Identity | None:
	"""The identity of one remote document as it is now, whatever this transaction has seen; nobody changes it meanwhile."""
	write_kept()
	table = frappe.qb.DocType(DOCTYPE)
	query = frappe.qb.from_(table).select(*(table[field] for field in FIELDS))
	query = query.where(table.name == identity_key(event_producer, *key)).for_update()
	rows = query.run(as_dict=True)
	return Identity(**rows[0]) if rows else None


def find_many(event_producer: str, keys: Iterable[RemoteKey]) -> dict[RemoteKey, LocalKey]:
	"""(DocType, name) on the producer -> (DocType, name) here, for those that are known."""
	return {
		key: (row.local_doctype, row.local_name)
		for key, row in load_many(event_producer, keys).items()
		if not row.deleted_here
	}


def noted_on(event_producer: str, keys: Iterable[RemoteKey]) -> dict[RemoteKey, datetime]:
	"""When it was noted first, by this site's clock, which local document stands for each: of those that were made on the producer, have been
	brought whole, and have no other name there by now. One query."""
	names = sorted({identity_key(event_producer, doctype, name) for doctype, name in keys})
	if not names:
		return {}
	write_kept()
	table = frappe.qb.DocType(DOCTYPE)
	query = frappe.qb.from_(table).select(table.remote_doctype, table.remote_name, table.creation)
	query = query.where(table.name.isin(names) & (table.covered_to > 0))
	query = query.where((table.root_site == event_producer) & (table.root_name == table.remote_name))
	return {(doctype, name): get_datetime(noted) for doctype, name, noted in query.run()}


def find_by_roots(roots: Iterable[Root]) -> dict[tuple[str, str, str], LocalKey]:
	"""(site, DocType, name) of where documents were first made -> the local document that stands for it: one query."""
	return {
		key: (row.local_doctype, row.local_name)
		for key, row in load_by_roots(roots).items()
		if not row.deleted_here
	}


def load_by_roots(roots: Iterable[Root]) -> dict[tuple[str, str, str], Identity]:
	"""The same with all that is known: of several one whose document was not deleted here."""
	wanted = {(root["site"], root["doctype"], root["name"]) for root in roots}
	if not wanted:
		return {}
	rows = _read(
		{
			"root_site": {site for site, _doctype, _name in wanted},
			"root_doctype": {doctype for _site, doctype, _name in wanted},
			"root_name": {name for _site, _doctype, name in wanted},
		}
	)
	rows.sort(key=lambda row: -row.deleted_here)
	found = {(row.root_site, row.root_doctype, row.root_name): row for row in rows}
	return {key: row for key, row in found.items() if key in wanted}


def find_for_local(local_doctype: str, local_names: Collection[str]) -> dict[str, list[Identity]]:
	"""Local name -> the remote documents that it stands for: one query."""
	return _for_local(local_doctype, local_names, deleted_here=0)


def find_for_deleted(local_doctype: str, local_names: Collection[str]) -> dict[str, list[Identity]]:
	"""Local name -> the remote documents for which a document stood that a person of this site has deleted: one query."""
	return _for_local(local_doctype, local_names, deleted_here=1)


def _for_local(
	local_doctype: str, local_names: Collection[str], deleted_here: int
) -> dict[str, list[Identity]]:
	found: dict[str, list[Identity]] = {}
	for row in _read({"local_doctype": {local_doctype}, "local_name": set(local_names)}):
		if row.deleted_here == deleted_here:
			found.setdefault(row.local_name, []).append(row)
	return found


def local_names_from(event_producer: str, local_doctype: str, local_names: Collection[str]) -> set[str]:
	"""Those of the documents here that stand for one of that producer's: one query for each AT_ONCE of them."""
	table, found = frappe.qb.DocType(DOCTYPE), set()
	for some in create_batch(sorted(local_names), AT_ONCE):
		query = (
			frappe.qb.from_(table)
			.select(table.local_name)
			.where((table.local_doctype == local_doctype) & table.local_name.isin(some))
			.where(table.event_producer == event_producer)
		)
		found.update(str(name) for name in query.run(pluck=True))
	return found & set(local_names)


def made_at(
	event_producer: str,
	local_doctype: str,
	remote_doctypes: Collection[str],
	moments: Collection[datetime],
	most: int,
) -> list[tuple[str, datetime, str]]:
	"""(name, when it was made, by whom) of documents here that were first made on the producer, at one of those moments there.

	One query, by way of the identities of the DocType, which have an index: one of `creation` is not everywhere.
	"""
	write_kept()
	known, table = frappe.qb.DocType(DOCTYPE), frappe.qb.DocType(local_doctype)
	rows = (
		frappe.qb.from_(known)
		.join(table)
		.on(table.name == known.local_name)
		.select(table.name, table.creation, table.owner)
		.where((known.local_doctype == local_doctype) & (known.event_producer == event_producer))
		.where((known.root_site == event_producer) & known.remote_doctype.isin(sorted(remote_doctypes)))
		.where(table.creation.isin(sorted(moments)))
		.limit(most)
		.run()
	)
	return [(str(name), get_datetime(creation), owner) for name, creation, owner in rows]


def local_doctypes() -> frozenset[str]:
	"""The DocTypes of documents here that stand for remote ones: by the index's leading column alone."""
	table = frappe.qb.DocType(DOCTYPE)
	return frozenset(
		filter(None, frappe.qb.from_(table).select(table.local_doctype).distinct().run(pluck=True))
	)


def made_here(identity: Identity) -> bool:
	"""Whether the document was first made on this site, whoever sends it now."""
	return identity.root_site == public_url()


def keep_together(kept: WriteFirst | None) -> None:
	"""From now on `kept` has rows that are not written yet: whatever reads or changes the table here has them written first.

	That stands in `frappe.local` and is no argument, as Frappe calls hooks of ours in the middle of an event (a rename, a
	deleted file) and hands them the document alone. None ends it. Who asks for it writes the rows before whatever commits.
	"""
	frappe.local.event_streaming_kept = kept


def write_kept() -> None:
	kept = getattr(frappe.local, "event_streaming_kept", None)
	if kept:
		kept.write_in_the_middle()


def save(identity: Identity) -> None:
	"""Insert or replace the row of one remote document, in the transaction of the document itself."""
	write_kept()
	write_many([identity])


def claim_many(identities: list[Identity]) -> None:
	"""Insert rows of remote documents that have none: of several workers one can do that.

	Waits for a transaction that is about to do the same. Raises TransactionLost when another one has brought a document:
	looked at again, it is here.
	"""
	try:
		# in one order, so that two workers do not wait for each other
		bulk_inserting.insert(DOCTYPE, COLUMNS, sorted(_row(each) for each in identities))
	except Exception as error:
		if not frappe.db.is_duplicate_entry(error):
			raise
		raise TransactionLost(_("Another worker has created the document in the meantime.")) from error


def write_many(identities: list[Identity]) -> None:
	"""Insert or replace rows, in few statements."""
	if not identities:
		return
	bulk_inserting.insert_or_update(DOCTYPE, COLUMNS, CHANGED, [_row(each) for each in identities])


CHANGED = ("modified", "modified_by", *FIELDS)
COLUMNS = ("name", "creation", "owner", *CHANGED)


def _row(identity: Identity) -> tuple:
	"""The values of COLUMNS."""
	now, user = now_datetime(), frappe.session.user
	return (identity.key, now, user, now, user, *(getattr(identity, field) for field in FIELDS))


def add_new(identities: Iterable[Identity]) -> None:
	"""Insert those that are not there yet, in one statement; what is there already stays as it is, unless its document was
	deleted here."""
	write_kept()
	identities = list(identities)
	_forget_deleted(identities)
	now, user = now_datetime(), frappe.session.user
	rows = [
		(each.key, now, now, user, user, *(getattr(each, field) for field in FIELDS)) for each in identities
	]
	if rows:
		columns = ["name", "creation", "modified", "owner", "modified_by", *FIELDS]
		frappe.db.bulk_insert(DOCTYPE, columns, rows, ignore_duplicates=True)


def _forget_deleted(identities: list[Identity]) -> None:
	table = frappe.qb.DocType(DOCTYPE)
	for some in create_batch(sorted(each.key for each in identities), AT_ONCE):
		frappe.qb.from_(table).delete().where(table.name.isin(some) & (table.deleted_here == 1)).run()


def forget(event_producer: str, remote_doctype: str, remote_name: str) -> None:
	"""Remove the row of one remote document, if there is one."""
	write_kept()
	table = frappe.qb.DocType(DOCTYPE)
	key = identity_key(event_producer, remote_doctype, remote_name)
	frappe.qb.from_(table).delete().where(table.name == key).run()


def lose(event_producer: str, keys: Iterable[RemoteKey]) -> None:
	"""The producer has lost the documents with a restored backup, or that they were made: what comes next under these names comes
	whole, and may be another document."""
	write_kept()
	table = frappe.qb.DocType(DOCTYPE)
	names = sorted({identity_key(event_producer, doctype, name) for doctype, name in keys})
	for some in create_batch(names, AT_ONCE):
		frappe.qb.update(table).set(table.covered_to, LOST).where(table.name.isin(some)).run()


def lose_beyond(event_producer: str, position: int) -> int:
	"""The same of all documents that contain what the producer's log has not got to: it is another log. Returns up to where they went; 0
	where there are none."""
	write_kept()
	table, after, furthest = frappe.qb.DocType(DOCTYPE), "", 0
	while True:
		# page by page through the table: there is no index for what is asked once, when a site registers
		rows = (
			frappe.qb.from_(table)
			.select(table.name, table.covered_to)
			.where((table.name > after) & (table.event_producer == event_producer))
			.where(table.covered_to > position)
			.orderby(table.name)
			.limit(AT_ONCE)
			.run()
		)
		if not rows:
			return furthest
		names, after = [name for name, _covered_to in rows], rows[-1][0]
		furthest = max(furthest, *(covered_to for _name, covered_to in rows))
		frappe.qb.update(table).set(table.covered_to, LOST).where(table.name.isin(names)).run()


def rename_back(event_producer: str, now: RemoteKey, before: RemoteKey) -> None:
	"""The remote document has its former name again, and nothing that came of it since is certain: what comes next comes whole.
	Nothing is done where it is not known by the name of now, or another one is by the former."""
	found = load_many(event_producer, [now, before])
	if now not in found or before in found:
		return
	known = found[now]
	own = known.root_site == event_producer and known.root_name == now[1]
	root: Root = {**known.root, "name": before[1]} if own else known.root
	forget(event_producer, *now)
	back = own_identity(event_producer, before, (known.local_doctype, known.local_name), root, LINKED)
	save(replace(back, deleted_here=known.deleted_here))


def follow_local_rename(doctype: str, old: str, new: str, except_for: Collection[str] = ()) -> None:
	"""The local document was renamed: it goes on standing for the same remote one, but of the sites `except_for`.

	One that was first made here is known by its new name from now on, as on the sites that take the rename.
	"""
	write_kept()
	table = frappe.qb.DocType(DOCTYPE)
	moved = (table.local_doctype == doctype) & (table.local_name == old)
	if _has_mark():
		moved &= table.deleted_here == 0
	if except_for:
		moved &= table.event_producer.notin(sorted(except_for))
	made_here = (table.root_site == public_url()) & (table.root_doctype == doctype)
	frappe.qb.update(table).set(table.root_name, new).where(moved & made_here).run()
	frappe.qb.update(table).set(table.local_name, new).where(moved).run()


def _read(filters: dict[str, Collection]) -> list[Identity]:
	if not all(filters.values()):
		return []
	write_kept()
	table = frappe.qb.DocType(DOCTYPE)
	fields = [field for field in FIELDS if field != MARK or _has_mark()]
	query = frappe.qb.from_(table).select(*(table[field] for field in fields))
	for column, values in filters.items():
		query = query.where(table[column].isin(sorted(values)))
	return [Identity(**row) for row in query.run(as_dict=True)]


def _has_mark() -> bool:
	"""Between new code and the end of `migrate` the column is not there, and other apps' work goes on."""
	site = frappe.local.site
	if site not in _with_mark and frappe.db.has_column(DOCTYPE, MARK):
		_with_mark.add(site)
	return site in _with_mark


def local_document_renamed(doc, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""Hook for every rename on this site: a document that stands for a remote one goes on doing so."""
	if frappe.flags.in_install or old == new or not frappe.db.table_exists(DOCTYPE):
		return
	# a site that takes the merge itself has no document to tell of any more: what it still tells is about the old one
	follow_local_rename(doc.doctype, old, new, except_for=_sites_told(doc.doctype) if merge else ())


def local_document_deleted(doc) -> None:
	"""Hook for every deletion on this site: of a document that stands for a remote one, what gets its name from now on is another one.

	Not of what is deleted while an event is applied, of which the producer tells. A site that is told of the deletion itself may
	ask later what became of the document, see fates.py: for it nothing changes.
	"""
	if applied_now() or frappe.flags.in_install or not frappe.db.table_exists(DOCTYPE) or not _has_mark():
		return
	write_kept()
	table = frappe.qb.DocType(DOCTYPE)
	# looked for first: what stands for none locks nothing
	query = (
		frappe.qb.from_(table)
		.select(table.name, table.event_producer)
		.where((table.local_doctype == doc.doctype) & (table.local_name == str(doc.name)))
	)
	found = query.run()
	told = _sites_told(doc.doctype) if found else ()
	if rows := sorted(row for row, event_producer in found if event_producer not in told):
		frappe.qb.update(table).set(table.deleted_here, 1).where(table.name.isin(rows)).run()


def _sites_told(doctype: str) -> list[str]:
	"""The sites that take the events of a DocType from this one."""
	return frappe.get_all(
		"Event Consumer Document Type",
		filters={
			"ref_doctype": doctype,
			"parenttype": "Event Consumer",
			"status": "Approved",
			"unsubscribed": 0,
		},
		pluck="parent",
	)


def local_file_deleted(doc, method: str | None = None) -> None:
	"""Hook for the deletion of a file: files come and go with their documents, and nothing else would clear these rows."""
	if not frappe.db.table_exists(DOCTYPE):
		# this app is being installed or upgraded
		return
	write_kept()
	table = frappe.qb.DocType(DOCTYPE)
	(
		frappe.qb.from_(table)
		.delete()
		.where((table.local_doctype == doc.doctype) & (table.local_name == doc.name))
		.run()
	)
