"""Attached files of the documents that are compared: by the hash of their contents, where both sites have one.

A file that this site attached by itself is nobody's business; so is one that the producer has only the address of, that is too large
for this site, or that both sites know no hash of. It reads, and writes nothing.
"""

from collections.abc import Collection

import frappe
from frappe import _

from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.resolve.file_rows import find_file
from event_streaming.consumer.verify.compared import Compared
from event_streaming.consumer.verify.differences import Shown
from event_streaming.identity.registry import DOCTYPE as IDENTITY
from event_streaming.identity.registry import LocalKey
from event_streaming.site.refused import FILE
from event_streaming.site.settings import get_settings
from event_streaming.wire.files import LOCAL_URLS, RemoteFile


def contents_here(
	event_producer: str, here: str, compared: Compared, names: Collection[str]
) -> dict[str, list[str]]:
	"""Document -> the hashes of those of its files that stand for one of the producer's: one query, none where none is attached."""
	doctype = compared.subscription.local_doctype
	if not names or not frappe.db.exists(FILE, {"attached_to_doctype": doctype}):
		return {}
	table, identity = frappe.qb.DocType(FILE), frappe.qb.DocType(IDENTITY)
	rows = (
		frappe.qb.from_(table)
		.join(identity)
		.on((identity.local_doctype == FILE) & (identity.local_name == table.name))
		.select(table.attached_to_name, table.content_hash)
		.where((table.attached_to_doctype == doctype) & table.attached_to_name.isin(sorted(names)))
		.where((identity.event_producer == event_producer) & (identity.root_site != here))
		.run()
	)
	found: dict[str, list[str]] = {}
	for name, content_hash in rows:
		if content_hash:
			found.setdefault(str(name), []).append(content_hash)
	return found


def files_that_differ(files: list[RemoteFile], owner: LocalKey, work: Work) -> list[Shown]:
	"""The producer's files of a document that are not attached to the one here, or hold something else, for a person."""
	found, largest = [], get_settings().max_file_bytes
	for remote in files:
		if not remote["content_hash"] or not remote["file_url"].startswith(LOCAL_URLS):
			continue
		if remote["file_size"] > largest or (remote["root"] and remote["root"]["site"] == work.here):
			continue
		name = find_file(remote, work.resolver)
		row = name and frappe.db.get_value(
			FILE, name, ["content_hash", "attached_to_doctype", "attached_to_name"], as_dict=True
		)
		if not row or (row.attached_to_doctype, str(row.attached_to_name)) != owner:
			here = _("missing")
		elif row.content_hash and row.content_hash != remote["content_hash"]:
			here = row.content_hash
		else:
			continue
		found.append(Shown(f"{_('Attached File')}: {remote['file_name']}", here, remote["content_hash"]))
	return found
