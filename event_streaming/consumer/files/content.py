"""The content of files: fetched from the producer, checked, and put into this site's folder for files.

What is here already by its hash is never fetched. What an event has written goes again when the event is undone, which
Frappe sees to only when the whole transaction is. Knows nothing of events or documents.
"""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import frappe
from frappe.utils import cint, get_files_path, get_hook_method

from event_streaming.consumer.unit_of_work.event_scope import EventScope
from event_streaming.exceptions import CannotApply
from event_streaming.messages.coded import _
from event_streaming.site.refused import FILE
from event_streaming.site.settings import get_settings
from event_streaming.wire.files import Piece, RemoteFile

MEGABYTE = 1024 * 1024
LONGEST_NAME = 100


@dataclass
class Stored:
	"""Content that lies in this site's folder for files."""

	url: str
	content_hash: str
	size: int


# the piece of a file (its name on the producer) from a byte on
Fetch = Callable[[str, int], Piece]


@dataclass
class Folder:
	"""This site's folder for files, during one pull; `written` is what the event being applied has put there."""

	event: EventScope
	written: list[str] = field(default_factory=list)

	def store(self, remote: RemoteFile, fetch: Fetch) -> Stored:
		"""The content of a remote file, here: found by its hash, or fetched. Raises CannotApply, the Remote* errors."""
		refuse_too_large(remote["file_name"], remote["file_size"])
		if stored := find_content(remote["content_hash"], remote["is_private"]):
			return stored
		content = self.read_other_folder(remote) or receive(remote, fetch)
		content_hash = hash_of(content)
		# what the producer did not know or has changed since the event
		return find_content(content_hash, remote["is_private"]) or self.write(remote, content, content_hash)

	def read_other_folder(self, remote: RemoteFile) -> bytes | None:
		"""Content that is here, but public where a private file is wanted or the other way round."""
		twin = find_content(remote["content_hash"], 0 if remote["is_private"] else 1)
		if not twin:
			return None
		with open(path_of(twin.url), "rb") as opened:
			content = opened.read()
		return content if hash_of(content) == remote["content_hash"] else None

	def write(self, remote: RemoteFile, content: bytes, content_hash: str) -> Stored:
		"""Write content under the producer's name of the file, or one like it that is free."""
		doc = frappe.get_doc(
			{"doctype": FILE, "file_name": remote["file_name"], "is_private": remote["is_private"]}
		)
		doc.file_name = free_name(remote["file_name"], content_hash, remote["is_private"])
		doc._content = doc.content = content
		doc.file_size, doc.content_hash = len(content), content_hash
		write = get_hook_method("write_file")
		if write:
			# a site that keeps its files elsewhere
			write(doc)
		else:
			doc.file_url = ("/private/files/" if remote["is_private"] else "/files/") + doc.file_name
			self.written.append(doc.file_url)
			self.event.stage(id(self), self.written.clear, self.undone)
			frappe.db.after_rollback.add(self.undone)
			doc.write_file()
		return Stored(doc.file_url, content_hash, len(content))

	def undone(self) -> None:
		"""The event's rows are gone again: so is what it has written, unless somebody else has come to use it."""
		for url in self.written:
			remove_unused(url)
		self.written.clear()


def refuse_too_large(file_name: str, size: int) -> None:
	"""Raises CannotApply with the limit that is exceeded and where it is set."""
	from frappe.core.api.file import get_max_file_size

	limits = (
		(get_settings().max_file_bytes, _("Largest File in Megabytes in Event Streaming Settings")),
		(get_max_file_size(), _("Max File Size in System Settings (or max_file_size in site_config.json)")),
	)
	for limit, where in limits:
		if size > limit:
			raise CannotApply(
				_(
					"The file {0} has {1} MB, and this site takes files of at most {2} MB. Raise {3} on this site, then resync."
				).format(file_name, megabytes(size), megabytes(limit), where)
			)


def megabytes(size: int) -> str:
	return f"{size / MEGABYTE:.1f}".removesuffix(".0")


def receive(remote: RemoteFile, fetch: Fetch) -> bytes:
	"""The whole content, piece by piece, and what it has to be. Raises CannotApply, the Remote* errors."""
	content, first = bytearray(), None
	while first is None or len(content) < first.size:
		piece = fetch(remote["file"], len(content))
		first = first or piece
		refuse_too_large(remote["file_name"], max(first.size, len(content) + len(piece.content)))
		if not piece.content or (piece.size, piece.content_hash) != (first.size, first.content_hash):
			break
		content += piece.content
	if not first or len(content) != first.size:
		raise CannotApply(
			_("The file {0} came with {1} bytes instead of {2}: resync to fetch it again.").format(
				remote["file_name"], len(content), first.size if first else remote["file_size"]
			)
		)
	if not content:
		raise CannotApply(_("The file {0} is empty on the producer.").format(remote["file_name"]))
	wanted = first.content_hash or remote["content_hash"]
	if wanted and hash_of(content) != wanted:
		raise CannotApply(
			_(
				"The content of {0} is not what its hash says: it was changed on the producer's disk or on the way. Attach it"
				" there anew, or resync."
			).format(remote["file_name"])
		)
	return bytes(content)


def hash_of(content: bytes) -> str:
	"""As Frappe hashes a file's content."""
	return hashlib.md5(content, usedforsecurity=False).hexdigest()


def find_content(content_hash: str, is_private: int) -> Stored | None:
	"""A file of this site with this content, private or public as wanted, that is really on the disk.

	Of private ones only those that the current user may read: whoever knows a hash does not get at content by it.
	"""
	if not content_hash:
		return None
	for row in frappe.get_all(
		FILE,
		filters={"content_hash": content_hash, "is_private": is_private, "is_folder": 0},
		fields=["name", "file_url", "file_size"],
		limit=5,
		order_by=None,
	):
		path = path_of(row.file_url)
		if (
			path
			and os.path.isfile(path)
			and (not is_private or frappe.get_doc(FILE, row.name).has_permission())
		):
			return Stored(row.file_url, content_hash, cint(row.file_size) or os.path.getsize(path))
	return None


def free_name(file_name: str, content_hash: str, is_private: int) -> str:
	"""A name that no file in the folder has; without what an address or a file system would take amiss."""
	stem, extension = os.path.splitext(re.sub(r"[/\\%?#]", "_", file_name).lstrip("."))
	stem = stem[:LONGEST_NAME] or "file"
	for suffix in ("", content_hash[-6:], content_hash):
		if not os.path.exists(get_files_path(stem + suffix + extension, is_private=is_private)):
			return stem + suffix + extension
	return f"{stem}{frappe.generate_hash(length=12)}{extension}"


def path_of(url: str | None) -> str | None:
	"""Where on the disk an address of this site leads to; None when it leads elsewhere."""
	for prefix, is_private in (("/private/files/", 1), ("/files/", 0)):
		if url and url.startswith(prefix):
			folder = os.path.realpath(get_files_path(is_private=is_private))
			path = os.path.realpath(os.path.join(folder, url.removeprefix(prefix)))
			return path if path.startswith(folder + os.sep) else None
	return None


def remove_unused(url: str) -> None:
	"""Take content from the disk that no file of this site has (any more)."""
	path = path_of(url)
	if path and os.path.isfile(path) and not frappe.db.exists(FILE, {"file_url": url}):
		os.remove(path)
