"""Attached files on the wire, and the check of what comes in. Pure."""

from dataclasses import dataclass
from typing import Any, TypedDict

from event_streaming.wire.checks import MAX_NAME, InvalidPage, text, whole_number
from event_streaming.wire.events import Root, parse_root

MAX_URL = 2_000
MAX_FILES = 1_000
# of a file's content in one answer
CHUNK_BYTES = 4 * 1024 * 1024
LOCAL_URLS = ("/files/", "/private/files/")
REMOTE_URLS = ("http://", "https://")


class RemoteFile(TypedDict):
	"""A file of the producer: one row of its DocType File. `root` says where the file was first made."""

	file: str
	file_name: str
	file_url: str
	is_private: int
	content_hash: str
	file_size: int
	attached_to_field: str
	root: Root | None


def parse_file(entry: Any) -> RemoteFile:
	"""One file, checked: nothing of it may lead out of the folder for files."""
	if not isinstance(entry, dict):
		raise InvalidPage("A file is not an object.")
	file_name = text(entry.get("file_name"), "file_name", MAX_NAME, required=True)
	if "/" in file_name or "\\" in file_name or file_name in (".", ".."):
		raise InvalidPage(f"The file name {file_name[:60]!r} has parts of a path.")
	file_url = entry.get("file_url")
	if not is_local_url(file_url):
		file_url = text(file_url, "file_url", MAX_URL, required=True)
	if not file_url.startswith((*LOCAL_URLS, *REMOTE_URLS)) or len(file_url) > MAX_URL:
		raise InvalidPage(f"The address {file_url[:60]!r} of file {file_name} is not one of a file.")
	content_hash = text(entry.get("content_hash") or "", "content_hash", 32)
	if content_hash and (len(content_hash) != 32 or set(content_hash) - set("0123456789abcdef")):
		raise InvalidPage(f"The content hash of file {file_name} is not one.")
	return {
		"file": text(entry.get("file"), "file", MAX_NAME, required=True),
		"file_name": file_name,
		"file_url": file_url,
		"is_private": 1 if entry.get("is_private") else 0,
		"content_hash": content_hash,
		"file_size": whole_number(entry.get("file_size") or 0, "file_size"),
		"attached_to_field": text(entry.get("attached_to_field") or "", "attached_to_field", MAX_NAME),
		"root": parse_root(entry.get("root")),
	}


def parse_files(entries: Any) -> list[RemoteFile]:
	if entries is None:
		return []
	if not isinstance(entries, list) or len(entries) > MAX_FILES:
		raise InvalidPage(f"A document's files are not a list of at most {MAX_FILES}.")
	return [parse_file(entry) for entry in entries]


def is_local_url(value: Any) -> bool:
	"""Whether a field's value is the address of a file on the site that the document is from."""
	return isinstance(value, str) and value.startswith(LOCAL_URLS)


@dataclass
class Piece:
	"""One answer of the producer: a part of the content, and what it is a part of."""

	content: bytes
	size: int
	content_hash: str
