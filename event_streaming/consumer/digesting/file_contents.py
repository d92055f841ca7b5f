"""What the attached files of documents hold, by their hashes: those that stand for one of the producer's. It reads, and writes nothing."""

from collections.abc import Collection

import frappe

from event_streaming.consumer.digesting.compared import Compared
from event_streaming.identity.registry import DOCTYPE as IDENTITY
from event_streaming.site.refused import FILE


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
