"""Documents that a hook of this site made while an event of a producer was applied: remembered with the event's document.

The producer's life cycle makes the same ones there, and tells of them; then they are adopted, see `resolve.rules`. A Customer
makes its Contact on both sites, a Company its accounts. The only module that reads or writes Event Made Document. What a job
makes that is started after the commit is not seen.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import frappe
from frappe.utils import now_datetime

from event_streaming.database.bulk_inserting import OWN_COLUMNS
from event_streaming.identity.registry import LocalKey, RemoteKey

DOCTYPE = "Event Made Document"
# this site's own
LOG = "Event Update Log"
COLUMNS = (
	*OWN_COLUMNS,
	"event_producer",
	"remote_doctype",
	"remote_name",
	"local_doctype",
	"local_name",
	"made_on",
)
BATCH = 1_000
# those that are watching in this process, whichever thread: asked with every insert on the site, and mostly nobody is
watching: list["MadeDocuments"] = []


@dataclass(frozen=True)
class Made:
	"""`maker` is what the producer calls the document that was applied when this one was made."""

	local: LocalKey
	maker: RemoteKey
	creation: Any


@dataclass
class MadeDocuments:
	"""What was made here for one producer's events; of the DocTypes `doctypes` (those whose events come) for longer than a
	page.

	`found` was looked up, or was made by events that are done; `fresh` was made by the event that is being applied, and
	`unwritten` is written before the next commit, whoever commits.
	"""

	event_producer: str
	doctypes: frozenset[str]
	found: dict[LocalKey, Made] = field(default_factory=dict)
	fresh: dict[LocalKey, Made] = field(default_factory=dict)
	unwritten: dict[LocalKey, Made] = field(default_factory=dict)
	maker: RemoteKey = ("", "")

	@contextmanager
	def by(self, maker: RemoteKey) -> Iterator[None]:
		"""Documents that are inserted inside the block were made by the life cycle of the remote document `maker`."""
		outer, before = getattr(frappe.local, "event_streaming_made", None), self.maker
		frappe.local.event_streaming_made, self.maker = self, maker
		watching.append(self)
		try:
			yield
		finally:
			watching.pop()
			frappe.local.event_streaming_made, self.maker = outer, before

	def note(self, local: LocalKey, creation: Any) -> None:
		if not self.fresh:
			frappe.db.before_commit.add(self.write)
		self.fresh[local] = Made(local, self.maker, creation)

	def of(self, local: LocalKey) -> Made | None:
		return self.fresh.get(local) or self.found.get(local)

	def stands_for_another(self, local: LocalKey) -> None:
		"""It has an identity by now: it is the event's own document, or was adopted."""
		self.fresh.pop(local, None)
		self.unwritten.pop(local, None)

	def event_done(self) -> None:
		self.found.update(self.fresh)
		self.unwritten.update({key: made for key, made in self.fresh.items() if key[0] in self.doctypes})
		self.fresh.clear()

	def event_undone(self) -> None:
		self.fresh.clear()

	def begin_page(self) -> None:
		"""What was not committed is not in the database any more."""
		for kept in (self.found, self.fresh, self.unwritten):
			kept.clear()

	def look_up(self, documents: Iterable[LocalKey]) -> None:
		"""Find out which of these documents were made so: one query, none for none."""
		wanted = [local for local in documents if local[0] in self.doctypes and not self.of(local)]
		if not wanted:
			return
		table = frappe.qb.DocType(DOCTYPE)
		rows = (
			frappe.qb.from_(table)
			.select(
				table.local_doctype, table.local_name, table.remote_doctype, table.remote_name, table.made_on
			)
			.where(table.event_producer == self.event_producer)
			.where(table.local_doctype.isin(sorted({doctype for doctype, _name in wanted})))
			.where(table.local_name.isin(sorted({name for _doctype, name in wanted})))
			.run()
		)
		for doctype, name, remote_doctype, remote_name, made_on in rows:
			self.found[doctype, name] = Made((doctype, name), (remote_doctype, remote_name), made_on)

	def write(self) -> None:
		"""Called before a commit: the rows belong to the transaction of the documents."""
		self.event_done()
		rows, now, user = list(self.unwritten.values()), now_datetime(), frappe.session.user
		self.unwritten.clear()
		if rows:
			values = [
				(
					frappe.generate_hash(length=20),
					*(now, now, user, user),
					*(self.event_producer, *each.maker, *each.local, each.creation),
				)
				for each in rows
			]
			frappe.db.bulk_insert(DOCTYPE, list(COLUMNS), values)


def document_inserted(doc: Any, method: str | None = None) -> None:
	"""A document is inserted on this site; to be asked only while somebody is `watching`."""
	made = getattr(frappe.local, "event_streaming_made", None)
	if made is not None:
		made.note((doc.doctype, str(doc.name)), doc.creation)


def is_the_producers(event_producer: str, local: LocalKey) -> None:
	"""A made document was adopted: what this site has logged of it until now is no news for the producer, who has the
	document itself. Sent there it would overwrite what is true with what the life cycle here began with."""
	log = frappe.qb.DocType(LOG)
	(
		frappe.qb.update(log)
		.set(log.origin, event_producer)
		.where((log.ref_doctype == local[0]) & (log.docname == local[1]))
		.where(log.origin.isnull() | (log.origin == ""))
		.run()
	)


def clear(days: int = 60) -> None:
	"""Forget what was made more than `days` days ago: the producer's own would have come long since. Commits batches."""
	table, before = frappe.qb.DocType(DOCTYPE), now_datetime() - timedelta(days=days)
	while True:
		query = frappe.qb.from_(table).select(table.name).where(table.creation < before).limit(BATCH)
		names = query.run(pluck=True)
		if not names:
			return
		frappe.qb.from_(table).delete().where(table.name.isin(names)).run()
		frappe.db.commit()
