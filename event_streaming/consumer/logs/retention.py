"""Clears Event Sync Log for Frappe's Log Settings; rows that are still open are never cleared."""

from datetime import timedelta

import frappe
from frappe.utils import now_datetime

from event_streaming.consumer.logs import sync_log

BATCH = 1_000


def clear_sync_log(days: int = 30) -> None:
	"""Delete what was dealt with more than `days` days ago, in batches that are committed one by one.

	Called by Frappe's daily job, which commits between log types itself.
	"""
	before = now_datetime() - timedelta(days=days)
	table = frappe.qb.DocType(sync_log.DOCTYPE)
	while True:
		names = (
			frappe.qb.from_(table)
			.select(table.name)
			.where((table.creation < before) & (table.status.notin(sync_log.OPEN)))
			.orderby(table.creation)
			.limit(BATCH)
			.run(pluck=True)
		)
		if not names:
			return
		frappe.qb.from_(table).delete().where(table.name.isin(names)).run()
		frappe.db.commit()
