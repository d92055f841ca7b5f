"""Documents and files that the producer was asked for: what has been fetched, and its answers as checked plain data."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from event_streaming.wire.checks import InvalidPage, check_shape, list_of, whole_number
from event_streaming.wire.events import Root, parse_root
from event_streaming.wire.files import RemoteFile, parse_file, parse_files

# why the producer does not give a document
NOT_FOUND = "not found"
# (DocType, name, address) of a file in a document's field, as the producer knows them
FileReference = tuple[str, str, str]


@dataclass
class FetchedDocuments:
	"""Documents read from the producer, by (DocType, name) there.

	Every event of a document at or before its entry in `positions` is contained in it. `missing` gives the reason.
	"""

	documents: dict[tuple[str, str], dict] = field(default_factory=dict)
	positions: dict[tuple[str, str], int] = field(default_factory=dict)
	roots: dict[tuple[str, str], Root] = field(default_factory=dict)
	missing: dict[tuple[str, str], str] = field(default_factory=dict)
	files: dict[tuple[str, str], list[RemoteFile]] = field(default_factory=dict)

	def add(self, more: "FetchedDocuments") -> None:
		self.documents.update(more.documents)
		self.positions.update(more.positions)
		self.roots.update(more.roots)
		self.missing.update(more.missing)
		self.files.update(more.files)

	def forget(self, key: tuple[str, str]) -> None:
		"""It is to be read again."""
		for known in (self.documents, self.positions, self.roots, self.missing, self.files):
			known.pop(key, None)

	def only(self, keys: Iterable[tuple[str, str]]) -> "FetchedDocuments":
		"""Some of the documents; all that is known to be missing."""
		wanted = [key for key in keys if key in self.documents]
		return FetchedDocuments(
			{key: self.documents[key] for key in wanted},
			{key: self.positions[key] for key in wanted if key in self.positions},
			{key: self.roots[key] for key in wanted if key in self.roots},
			dict(self.missing),
			{key: self.files[key] for key in wanted if key in self.files},
		)


def add_documents(fetched: FetchedDocuments, answer: Any, asked: set[tuple[str, str]]) -> None:
	"""Check one answer of the documents' endpoint and add it to what has been fetched."""
	if not isinstance(answer, dict):
		raise InvalidPage("The producer's answer to a request for documents is not an object.")
	position = whole_number(answer.get("position") or 0, "position")
	for entry in list_of(answer, "documents"):
		key = (str(entry.get("doctype")), str(entry.get("name"))) if isinstance(entry, dict) else None
		if key not in asked or not isinstance(entry.get("data"), dict):
			raise InvalidPage("The producer sent a document that was not asked for.")
		try:
			check_shape(entry["data"])
		except InvalidPage as error:
			# the document fails alone, and says why
			fetched.missing[key] = str(error)
			continue
		fetched.documents[key] = entry["data"]
		fetched.positions[key] = whole_number(entry.get("position") or position, "position")
		root = parse_root(entry.get("root"))
		if root:
			fetched.roots[key] = root
		try:
			fetched.files[key] = parse_files(entry.get("files"))
		except InvalidPage as error:
			# the document fails alone, and says why
			del fetched.documents[key]
			fetched.missing[key] = str(error)
	for entry in list_of(answer, "missing"):
		if not isinstance(entry, list) or len(entry) != 3:
			raise InvalidPage(
				"The producer's list of missing documents is not one of DocType, name and reason."
			)
		doctype, name, reason = entry
		fetched.missing[(str(doctype), str(name))] = str(reason)[:200]


def add_files(
	found: dict[FileReference, RemoteFile],
	missing: dict[FileReference, str],
	answer: Any,
	asked: set[FileReference],
) -> None:
	"""Check one answer of the endpoint that finds files."""
	if not isinstance(answer, dict):
		raise InvalidPage("The producer's answer to a search for files is not an object.")
	for entry in list_of(answer, "files"):
		reference = entry.get("reference") if isinstance(entry, dict) else None
		key = tuple(map(str, reference)) if isinstance(reference, list) else None
		if key not in asked:
			raise InvalidPage("The producer sent a file that was not asked for.")
		try:
			found[key] = parse_file(entry.get("file"))
		except InvalidPage as error:
			# one file that can't be taken is no reason to stop the others
			missing[key] = str(error)
	for entry in list_of(answer, "missing"):
		if not isinstance(entry, list) or len(entry) != 4:
			raise InvalidPage(
				"The producer's list of missing files is not one of DocType, name, address and reason."
			)
		doctype, name, url, reason = entry
		missing[(str(doctype), str(name), str(url))] = str(reason)[:200]
