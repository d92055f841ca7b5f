"""Attached files of the documents that are compared: by the hash of their contents, where both sites have one.

A file that this site attached by itself is nobody's business; so is one that the producer has only the address of, that is too large
for this site, or that both sites know no hash of. It reads, and writes nothing.
"""

import frappe
from frappe import _

from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.resolve.file_rows import find_file
from event_streaming.consumer.verify.differences import Shown
from event_streaming.identity.registry import LocalKey
from event_streaming.site.refused import FILE
from event_streaming.site.settings import get_settings
from event_streaming.wire.files import LOCAL_URLS, RemoteFile


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
