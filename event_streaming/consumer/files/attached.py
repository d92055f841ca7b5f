"""The files of documents: one remote file -> one row of File here, attached to the document that it belongs to.

Which row stands for which remote file, Event Document Identity says, as for documents. Applying the same file twice
makes one. Rows are made, changed and deleted through Frappe's File; what is on the disk is content.py's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import frappe
from frappe.model import table_fields
from frappe.utils import cint

from event_streaming.consumer.files.content import Folder, find_content, remove_unused
from event_streaming.consumer.files.fields import LEAVE_OUT, AttachShape, every_url_in, with_urls
from event_streaming.consumer.life_cycle.stand_ins import stored_already
from event_streaming.consumer.resolve.file_rows import find_file, same_attached
from event_streaming.consumer.resolve.resolver import Resolver
from event_streaming.consumer.subscriptions.fetched import FetchedDocuments, FileReference
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.consumer.unit_of_work.event_scope import EventScope
from event_streaming.consumer.unit_of_work.lost_transaction import hooks_run
from event_streaming.exceptions import CannotApply, FileGone, RemoteError
from event_streaming.identity.origin import ROOT_FLAG, taking_from, writing
from event_streaming.identity.registry import LocalKey, RemoteKey
from event_streaming.messages.coded import _
from event_streaming.site.refused import FILE
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.events import CREATE, FILES_KEY, OF_FILES, UPDATE, Event, Root, parse_data
from event_streaming.wire.files import MAX_URL, REMOTE_URLS, Piece, RemoteFile, parse_file

ATTACH_FIELDS = ("Attach", "Attach Image")


class Surroundings(Protocol):
	"""What is asked of the context in which a producer's files are applied."""

	event_producer: str
	here: str
	producer: Producer
	subscriptions: Mapping[str, Subscription]
	resolver: Resolver
	protocol: int
	# documents that were fetched for the page, and mappings
	fetched: FetchedDocuments
	dependencies: Any


@dataclass
class Files:
	"""What is known about a producer's files while its events are applied; `found` is for one page."""

	work: Surroundings
	event: EventScope
	folder: Folder = field(init=False)
	found: dict[FileReference, RemoteFile] = field(default_factory=dict)
	missing: dict[FileReference, str] = field(default_factory=dict)
	warnings: list[str] = field(default_factory=list)
	_shapes: dict[str, AttachShape] = field(default_factory=dict)

	def __post_init__(self):
		self.folder = Folder(self.event)

	# before a page, and after an event

	def ask_ahead(self, events: list[Event]) -> None:
		"""Ask together for the files that a page's documents name in fields, and which of its files are here already."""
		self.found.clear()
		self.missing.clear()
		self.warnings.clear()
		files: list[RemoteKey] = []
		references: list[FileReference] = []
		for event in events:
			try:
				if event["update_type"] in OF_FILES:
					files.append((FILE, parse_file(parse_data(event))["file"]))
				else:
					references.extend(self._references(event))
			except InvalidPage:
				# it fails with its own event
				continue
		self.work.resolver.identities.read_many(files)
		self._find(references)

	def _references(self, event: Event) -> list[FileReference]:
		subscription = self.work.subscriptions.get(event["ref_doctype"])
		if not subscription or event["update_type"] not in (CREATE, UPDATE):
			return []
		if event["origin"] == self.work.here or not self._shape(subscription.local_doctype):
			return []
		data = parse_data(event)
		data.pop(FILES_KEY, None)
		urls = dict.fromkeys([*every_url_in(data), *every_url_in(parse_data(event, "data_before"))])
		return [(event["ref_doctype"], event["docname"], url) for url in urls]

	def take_warnings(self) -> list[str]:
		taken, self.warnings = list(dict.fromkeys(self.warnings)), []
		return taken

	# fields for attachments

	def localise(self, doctype: str, data: dict, key: RemoteKey) -> dict:
		"""A document or difference whose fields for attachments name this site's files; they are here afterwards."""
		if self.work.protocol < 2:
			return data
		return with_urls(self._shape(doctype), data, lambda url: self._local_url(key, url))

	def localise_before(self, doctype: str, data: dict, key: RemoteKey) -> dict:
		"""The same for what fields held before; what this site can't tell is left out, and nothing is brought."""
		return with_urls(self._shape(doctype), data, lambda url: self._url_of_before(key, url))

	def _local_url(self, key: RemoteKey, url: str) -> str | None:
		remote = self._reference(key, url)
		if remote:
			try:
				return self._bring(remote).file_url
			except FileGone:
				pass
		reason = self.missing.get((*key, url), "not found")
		told = {
			"not found": _("{0} is not among the producer's files (any more): the field is left empty"),
			"not permitted": _(
				"{0} may not be read by this subscription's user on the producer: the field is left empty"
			),
		}
		self.event.stage("warnings", self.take_warnings, self.take_warnings)
		self.warnings.append(told.get(reason, "{0}: {1}").format(url, reason))
		return None

	def _url_of_before(self, key: RemoteKey, url: str) -> Any:
		remote = self._reference(key, url)
		if not remote:
			return LEAVE_OUT
		if name := find_file(remote, self.work.resolver):
			return frappe.db.get_value(FILE, name, "file_url")
		stored = find_content(remote["content_hash"], remote["is_private"])
		return stored.url if stored else LEAVE_OUT

	def _reference(self, key: RemoteKey, url: str) -> RemoteFile | None:
		for remote in self.work.fetched.files.get(key, ()):
			if remote["file_url"] == url:
				return remote
		reference = (*key, url)
		if len(url) <= MAX_URL:
			self._find([reference])
		return self.found.get(reference)

	def _find(self, references: list[FileReference]) -> None:
		new = [
			each for each in dict.fromkeys(references) if each not in self.found and each not in self.missing
		]
		if new and self.work.protocol >= 2:
			found, missing = self.work.producer.find_files(new)
			self.found.update(found)
			self.missing.update(missing)

	def _shape(self, doctype: str) -> AttachShape:
		if doctype not in self._shapes:
			known = frappe.db.exists("DocType", doctype, cache=True)
			self._shapes[doctype] = shape_of(doctype) if known else AttachShape()
		return self._shapes[doctype]

	# files of a document

	def attach(self, remote: RemoteFile, owner: LocalKey, subscription: Subscription | None = None) -> str:
		"""The file is the document's here too, and as it is on the producer; returns its name here.

		Raises FileGone, CannotApply, the Remote* errors, or what Frappe raises.
		"""
		writing(*owner)
		return self._bring(remote, owner, self._local_field(remote, subscription)).name

	def attach_all(self, files: list[RemoteFile], owner: LocalKey, subscription: Subscription | None) -> None:
		"""The files of a document that was brought as it is on the producer now."""
		for remote in files:
			try:
				self.attach(remote, owner, subscription)
			except FileGone:
				# gone between two requests: an event of its own says so
				continue

	def detach(self, remote: RemoteFile, owner: LocalKey | None) -> bool:
		"""The document has lost the file; returns whether it had it here."""
		name = find_file(remote, self.work.resolver)
		attached = name and frappe.db.get_value(FILE, name, ["attached_to_doctype", "attached_to_name"])
		if attached and owner and (attached[0], str(attached[1])) == owner:
			hooks_run()
			writing(*owner)
			frappe.delete_doc(FILE, name)
			self.work.resolver.drop((FILE, remote["file"]))
			return True
		return False

	def _local_field(self, remote: RemoteFile, subscription: Subscription | None) -> str:
		name = remote["attached_to_field"]
		if not name or not subscription or not subscription.mapping:
			return name
		mapping = self.work.dependencies.mappings.get(subscription.mapping)
		fields = [
			*mapping.fields,
			*(each for table in mapping.fields if table.inner for each in table.inner.fields),
		]
		return next((each.local_fieldname for each in fields if each.remote_fieldname == name), "")

	# one file

	def _bring(self, remote: RemoteFile, owner: LocalKey | None = None, fieldname: str = "") -> Any:
		"""The row of File that stands for the remote one, as it has to be. Without an owner it is left where it is."""
		resolver = self.work.resolver
		name = find_file(remote, resolver) or (owner and same_attached(remote, owner, fieldname, resolver))
		if name:
			doc = self._update(frappe.get_doc(FILE, name), remote, owner, fieldname)
		else:
			doc = self._insert(remote, owner, fieldname)
		self._keep_identity(remote, doc.name)
		return doc

	def _insert(self, remote: RemoteFile, owner: LocalKey | None, fieldname: str) -> Any:
		doc = frappe.get_doc(
			{
				"doctype": FILE,
				"file_name": remote["file_name"],
				"is_private": remote["is_private"],
				"attached_to_doctype": owner[0] if owner else None,
				"attached_to_name": owner[1] if owner else None,
				"attached_to_field": fieldname or None if owner else None,
			}
		)
		doc.flags[ROOT_FLAG] = self._root(remote)
		if remote["file_url"].startswith(REMOTE_URLS):
			doc.file_url, doc.file_size = remote["file_url"], remote["file_size"]
			hooks_run()
			doc.insert()
			return doc
		stored = self.folder.store(remote, self._fetch)
		doc.file_url = stored.url
		hooks_run()
		with stored_already(doc, stored):
			doc.insert()
		return doc

	def _update(self, doc: Any, remote: RemoteFile, owner: LocalKey | None, fieldname: str) -> Any:
		old_url, values = doc.file_url, {"file_name": remote["file_name"]}
		if owner:
			values |= {
				"attached_to_doctype": owner[0],
				"attached_to_name": owner[1],
				"attached_to_field": fieldname or None,
			}
		if remote["file_url"].startswith(REMOTE_URLS):
			values["file_url"] = remote["file_url"]
		elif self._has_other_content(doc, remote):
			stored = self.folder.store(remote, self._fetch)
			values |= {
				"file_url": stored.url,
				"content_hash": stored.content_hash,
				"file_size": stored.size,
				"is_private": remote["is_private"],
			}
		if all((doc.get(key) or None) == (value or None) for key, value in values.items()):
			return doc
		if owner and doc.attached_to_doctype and doc.attached_to_name:
			taking_from(doc.attached_to_doctype, doc.attached_to_name)
		doc.update(values)
		hooks_run()
		doc.save()
		if doc.file_url != old_url:
			self._follow(doc, old_url)
		return doc

	def _has_other_content(self, doc: Any, remote: RemoteFile) -> bool:
		other_hash = bool(remote["content_hash"]) and doc.content_hash != remote["content_hash"]
		return other_hash or cint(doc.is_private) != remote["is_private"]

	def _follow(self, doc: Any, old_url: str) -> None:
		"""The fields that named the file name it again, as Frappe has it; what nobody names any more goes."""
		doctype, name = doc.attached_to_doctype, doc.attached_to_name
		for fieldname in self._shape(doctype).fields if doctype and name else ():
			if frappe.db.get_value(doctype, name, fieldname) == old_url:
				if frappe.get_meta(doctype).issingle:
					frappe.db.set_single_value(doctype, fieldname, doc.file_url, update_modified=False)
				else:
					frappe.db.set_value(doctype, name, fieldname, doc.file_url, update_modified=False)
		frappe.db.after_commit.add(lambda: remove_unused(old_url))

	def _keep_identity(self, remote: RemoteFile, name: str) -> None:
		key = (FILE, remote["file"])
		known = self.work.resolver.identity(key)
		if not known or known[1] != name:
			self.work.resolver.keep(key, (FILE, name), self._root(remote))

	def _root(self, remote: RemoteFile) -> Root:
		return remote["root"] or {"site": self.work.event_producer, "doctype": FILE, "name": remote["file"]}

	def _fetch(self, file: str, offset: int) -> Piece:
		try:
			return self.work.producer.get_content(file, offset)
		except RemoteError as error:
			if error.exc_type == "DoesNotExistError":
				raise FileGone(_("The file is not on the producer any more.")) from error
			raise CannotApply(str(error)) from error


def shape_of(doctype: str) -> AttachShape:
	"""The fields for attachments of a DocType and of its child tables."""
	meta = frappe.get_meta(doctype)
	fields = tuple(
		df.fieldname for df in meta.fields if df.fieldtype in ATTACH_FIELDS and not cint(df.get("is_virtual"))
	)
	tables = {
		df.fieldname: shape_of(df.options)
		for df in meta.fields
		if df.fieldtype in table_fields and not cint(df.get("is_virtual"))
	}
	return AttachShape(fields, {fieldname: shape for fieldname, shape in tables.items() if shape})
