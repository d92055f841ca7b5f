"""Event Sync Log: what the older app has applied, and what it failed to apply.

It went on past a failure. So one that later events of the same document have followed is history; any other is tried
again, in the way that `consumer.apply` has for what the older app left over.
"""

from typing import Any

import frappe
from frappe import _
from frappe.query_builder import Table
from frappe.utils import now_datetime
from pypika import Case
from pypika.terms import ExistsCriterion

from event_streaming.consumer.logs.sync_log import FAILED, RETRYING, SYNCED
from event_streaming.patches.v1_0.older_app.tables import SYNC_LOG, copy_log, rows_kept

BATCH = 500


def take_over() -> None:
	mappings = frappe.get_all("Document Type Mapping", fields=["name", "remote_doctype"], limit=0)
	copy_log(SYNC_LOG, lambda kept: columns(kept, {row.name: row.remote_doctype for row in mappings}))


def columns(kept: Table, remote_doctypes: dict[str, str]) -> dict[str, Any]:
	same = (
		"update_type",
		"status",
		"event_producer",
		"ref_doctype",
		"docname",
		"producer_doc",
		"mapping",
		"error",
	)
	remote = kept.ref_doctype
	if remote_doctypes:
		remote = Case().else_(kept.ref_doctype)
		for mapping, doctype in remote_doctypes.items():
			remote = remote.when(kept.mapping == mapping, doctype)
	return {
		**{column: kept[column] for column in same},
		"remote_doctype": remote,
		"use_same_name": Case().when(kept.use_same_name.isin(("1", "True")), 1).else_(0),
		# of a deletion it wrote "null"
		"data": Case().when(kept.update_type == "Delete", None).else_(kept.data),
		"origin": kept.event_producer,
	}


def settle_failed() -> None:
	"""Each row that the older app has left as Failed becomes Retrying, or history. Rows of producers that are no more
	stay as they are."""
	producers = frappe.get_all("Event Producer", pluck="name", limit=0)
	total = rows_kept(SYNC_LOG)
	if not producers or not total:
		return
	table = frappe.qb.DocType(SYNC_LOG)
	failed = (
		frappe.qb.from_(table)
		.select(table.name)
		.where((table.status == FAILED) & (table.name <= total) & table.event_producer.isin(producers))
		.orderby(table.name)
		.limit(BATCH)
	)
	while names := failed.run(pluck=True):
		passed = _followed_by_others(names)
		_set(
			passed,
			status="",
			outcome=_("Failed in the older app; later events of this document have been applied since"),
		)
		_set([name for name in names if name not in passed], status=RETRYING, next_retry=now_datetime())
		frappe.db.commit()


def _followed_by_others(names: list[int]) -> list[int]:
	"""Those of the rows after which another event of the document was applied."""
	table, other = frappe.qb.DocType(SYNC_LOG), frappe.qb.DocType(SYNC_LOG).as_("other")
	later = (
		frappe.qb.from_(other)
		.select(other.name)
		.where(
			(other.event_producer == table.event_producer) & (other.remote_doctype == table.remote_doctype)
		)
		.where(
			(other.producer_doc == table.producer_doc) & (other.status == SYNCED) & (other.name > table.name)
		)
	)
	return (
		frappe.qb.from_(table)
		.select(table.name)
		.where(table.name.isin(names) & (table.update_type != "Create") & ExistsCriterion(later))
		.run(pluck=True)
	)


def _set(names: list[int], **values) -> None:
	if not names:
		return
	table = frappe.qb.DocType(SYNC_LOG)
	query = frappe.qb.update(table).where(table.name.isin(names))
	for column, value in values.items():
		query = query.set(table[column], value)
	query.run()
