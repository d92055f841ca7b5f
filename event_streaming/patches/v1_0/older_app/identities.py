"""Which local document stands for which remote one: from the two custom fields under local naming, and from Event Sync
Log under Use Same Name. What is known already stays as it is.

Documents that the older app brought along for others are in neither; `same_names_until` takes care of those.
"""

from datetime import datetime, timedelta

import frappe

from event_streaming.consumer.logs.sync_log import SYNCED
from event_streaming.consumer.subscriptions.subscription import Subscription, subscriptions_of
from event_streaming.identity import registry
from event_streaming.identity.registry import REMOTE_NAME, REMOTE_SITE, Identity, own_identity
from event_streaming.patches.v1_0.older_app.tables import SYNC_LOG, columns_of, in_batches, rows_kept
from event_streaming.site.address import public_url
from event_streaming.wire.events import Root

SAME_TRANSACTION = timedelta(minutes=1)


def take_over() -> None:
	for name in frappe.get_all("Event Producer", pluck="name", limit=0):
		for subscription in subscriptions_of(frappe.get_doc("Event Producer", name)).values():
			if not subscription.use_same_name:
				from_custom_fields(name, subscription)
	from_sync_log()


def from_custom_fields(event_producer: str, subscription: Subscription) -> None:
	doctype = subscription.local_doctype
	if not {REMOTE_NAME, REMOTE_SITE} <= columns_of(f"tab{doctype}"):
		return
	table = frappe.qb.DocType(doctype)
	query = (
		frappe.qb.from_(table)
		.select(table.name, table[REMOTE_NAME])
		.where((table[REMOTE_SITE] == event_producer) & (table[REMOTE_NAME] != ""))
	)
	for rows in in_batches(query, table):
		registry.add_new(
			own_identity(
				event_producer, (subscription.remote_doctype, remote_name), (doctype, str(name)), None
			)
			for name, remote_name in rows
		)
		frappe.db.commit()


def from_sync_log() -> None:
	table = frappe.qb.DocType(SYNC_LOG)
	query = (
		frappe.qb.from_(table)
		.select(
			table.name,
			table.creation,
			table.event_producer,
			table.remote_doctype,
			table.update_type,
			table.ref_doctype,
			table.docname,
		)
		.where((table.name <= rows_kept(SYNC_LOG)) & (table.status == SYNCED))
		.where((table.use_same_name == 1) & table.update_type.isin(("Create", "Update")))
		.where(table.docname == table.producer_doc)
	)
	here = public_url()
	for rows in in_batches(query, table):
		made = _when_made({(doctype, name) for *_rest, doctype, name in rows})
		new: dict[str, Identity] = {}
		for _name, moment, producer, remote_doctype, update_type, *local in rows:
			doctype, name = local
			if (doctype, name) not in made:
				continue
			root: Root | None = None
			if update_type == "Create" and moment - made[doctype, name] > SAME_TRANSACTION:
				# it was here when the producer "made" it: this site has given it to the producer
				root = {"site": here, "doctype": doctype, "name": name}
			found = own_identity(producer, (remote_doctype, name), (doctype, name), root)
			new.setdefault(found.key, found)
		registry.add_new(new.values())
		frappe.db.commit()


def _when_made(keys: set[tuple[str, str]]) -> dict[tuple[str, str], datetime]:
	"""The creation of those of the documents that exist. The older app took the moment at which it saved them here."""
	found = {}
	for doctype in {doctype for doctype, _name in keys}:
		if not frappe.db.exists("DocType", doctype):
			continue
		names = sorted(name for other, name in keys if other == doctype)
		for row in frappe.get_all(
			doctype, filters={"name": ["in", names]}, fields=["name", "creation"], limit=0, order_by=None
		):
			found[doctype, str(row.name)] = row.creation
	return found
