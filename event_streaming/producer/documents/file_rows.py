"""Rows of Frappe's DocType File, as they are told to consumers. Reads only, a fixed number of queries for each DocType.

Who may have them is not asked here.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.producer.documents.names import roots_of_documents
from event_streaming.site.refused import FILE
from event_streaming.wire.checks import printable
from event_streaming.wire.events import Root
from event_streaming.wire.files import LOCAL_URLS, MAX_FILES, REMOTE_URLS, RemoteFile

COLUMNS = (
	"name",
	"owner",
	"file_name",
	"file_url",
	"is_private",
	"content_hash",
	"file_size",
	"attached_to_doctype",
	"attached_to_name",
	"attached_to_field",
)


def attached_to(doctype: str, names: Collection[str]) -> dict[str, list[RemoteFile]]:
	"""Name of the document -> its files, in the order in which they were attached: two queries."""
	found: dict[str, list[RemoteFile]] = {}
	for row, told in _told(read({"attached_to_doctype": {doctype}, "attached_to_name": set(names)})):
		files = found.setdefault(str(row.attached_to_name), [])
		if len(files) < MAX_FILES:
			files.append(told)
	return found


def contents_of(doctype: str, names: Collection[str], but_of: str) -> dict[str, list[str]]:
	"""Name of the document -> the hashes of its files' contents, without those that were first made on the site `but_of`: two queries,
	none where no file is attached to any."""
	if not names or not frappe.db.exists(FILE, {"attached_to_doctype": doctype}):
		return {}
	rows = read({"attached_to_doctype": {doctype}, "attached_to_name": set(names)})
	roots = roots_of_documents(FILE, [row.name for row in rows])
	found: dict[str, list[str]] = {}
	for row in rows:
		root = roots.get(row.name)
		if row.content_hash and row.file_url.startswith(LOCAL_URLS) and not (root and root["site"] == but_of):
			found.setdefault(str(row.attached_to_name), []).append(row.content_hash)
	return found


def read(filters: dict[str, Collection[str]]) -> list[Any]:
	"""The rows that can be told of; oldest first. Folders, and addresses of Frappe's own methods, can't."""
	if not all(filters.values()):
		return []
	table = frappe.qb.DocType(FILE)
	query = frappe.qb.from_(table).select(*(table[column] for column in COLUMNS)).where(table.is_folder == 0)
	for column, values in filters.items():
		query = query.where(table[column].isin(sorted(values)))
	rows = query.orderby(table.creation).orderby(table.name).run(as_dict=True)
	return [row for row in rows if is_told(row)]


def is_told(row: Any) -> bool:
	return bool(row.file_url and row.file_url.startswith((*LOCAL_URLS, *REMOTE_URLS)))


def _told(rows: list[Any]) -> Iterable[tuple[Any, RemoteFile]]:
	roots = roots_of_documents(FILE, [row.name for row in rows])
	return [(row, told(row, roots.get(row.name))) for row in rows]


def told(row: Any, root: Root | None) -> RemoteFile:
	"""A file as a consumer is told of it; `row` is anything that has the columns."""
	return {
		"file": row.name,
		"file_name": re.sub(r"[/\\]", "_", printable(row.file_name or row.file_url.rsplit("/", 1)[-1])),
		"file_url": row.file_url,
		"is_private": cint(row.is_private),
		"content_hash": row.content_hash or "",
		"file_size": max(cint(row.file_size), 0),
		"attached_to_field": row.attached_to_field or "",
		"root": root,
	}
