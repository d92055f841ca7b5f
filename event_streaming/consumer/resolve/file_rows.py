"""Which row of File stands for a remote file: by identity, by where it was first made, by its content.

Roots open less than for documents: a file follows its document, so that it asks whether that may have left this site.
"""

import frappe
from frappe.utils import cint

from event_streaming.consumer.resolve.resolver import Resolver
from event_streaming.consumer.subscriptions.subscription import doctypes_given
from event_streaming.identity import registry
from event_streaming.identity.registry import LocalKey
from event_streaming.site.refused import FILE
from event_streaming.wire.events import Root
from event_streaming.wire.files import REMOTE_URLS, RemoteFile


def find_file(remote: RemoteFile, resolver: Resolver) -> str | None:
	"""The row that stands for a remote file: by identity, else by where it was first made."""
	known = resolver.identity((FILE, remote["file"]))
	name = known[1] if known else None
	if not name and remote["root"]:
		name = by_root(remote["root"], resolver)
	return name if name and frappe.db.exists(FILE, name) else None


def by_root(root: Root, resolver: Resolver) -> str | None:
	"""What the producer says of a root opens no file that it can't have had: of one that was first made here, only where
	this site gives the DocType of its document away; of another, where it takes that from this producer."""
	if root["site"] == resolver.here:
		name = root["name"]
	else:
		local = registry.find_by_roots([root]).get((root["site"], root["doctype"], root["name"]))
		name = local[1] if local and local[0] == FILE else None
	row = name and frappe.db.get_value(
		FILE, name, ["attached_to_doctype", "is_private", "owner"], as_dict=True
	)
	if not row:
		return None
	if not row.attached_to_doctype:
		return name if not cint(row.is_private) or row.owner == frappe.session.user else None
	open_to_it = doctypes_given(None, {row.attached_to_doctype})
	if root["site"] != resolver.here:
		open_to_it |= {each.local_doctype for each in resolver.subscriptions.values()}
	return name if row.attached_to_doctype in open_to_it else None


def same_attached(remote: RemoteFile, owner: LocalKey, fieldname: str, resolver: Resolver) -> str | None:
	"""The same content, or address elsewhere, that the document has already, without being another file of this producer."""
	if remote["file_url"].startswith(REMOTE_URLS):
		same = {"file_url": remote["file_url"]}
	elif remote["content_hash"]:
		same = {"content_hash": remote["content_hash"], "is_private": remote["is_private"]}
	else:
		return None
	rows = frappe.get_all(
		FILE,
		filters={"attached_to_doctype": owner[0], "attached_to_name": owner[1], **same},
		fields=["name", "attached_to_field"],
		order_by="creation asc",
	)
	known = registry.find_for_local(FILE, [row.name for row in rows]) if rows else {}
	free = [
		row
		for row in rows
		if all(each.event_producer != resolver.event_producer for each in known.get(row.name, ()))
	]
	free.sort(key=lambda row: (row.attached_to_field or "") != fieldname)
	return free[0].name if free else None
