"""Where the changes in Event Update Log come from: the older app did not note it, and gave back what it had got.

Of a site that is both producer and consumer of this one, Event Sync Log says which changes it has brought: the event
that such a change has left in this site's log stands right before it, in the same transaction and of the same user.
"""

from datetime import timedelta

import frappe

from event_streaming.consumer.logs.sync_log import SYNCED
from event_streaming.patches.v1_0.older_app.tables import SYNC_LOG, UPDATE_LOG, in_batches, rows_kept

# how long the older app may have taken from logging a change to noting that it had been brought; what a person has
# changed must never be taken for that
AT_MOST = timedelta(seconds=5)


def take_over() -> None:
	consumers = set(frappe.get_all("Event Consumer", pluck="name", limit=0))
	for partner in frappe.get_all("Event Producer", pluck="name", limit=0):
		if partner in consumers:
			mark_what_came_from(partner)


def mark_what_came_from(partner: str) -> None:
	table, log = frappe.qb.DocType(SYNC_LOG), frappe.qb.DocType(UPDATE_LOG)
	applied = (
		frappe.qb.from_(table)
		.select(table.name, table.creation, table.ref_doctype, table.docname, table.update_type, table.owner)
		.where((table.name <= rows_kept(SYNC_LOG)) & (table.event_producer == partner))
		.where((table.status == SYNCED) & (table.docname != ""))
	)
	for rows in in_batches(applied, table):
		moments: dict[tuple, list] = {}
		for _name, moment, *change in rows:
			moments.setdefault(tuple(change), []).append(moment)
		logged = (
			frappe.qb.from_(log)
			.select(log.name, log.creation, log.ref_doctype, log.docname, log.update_type, log.owner)
			.where(log.ref_doctype.isin({doctype for doctype, *_rest in moments}))
			.where(log.docname.isin({docname for _doctype, docname, *_rest in moments}))
			.where(log.name <= rows_kept(UPDATE_LOG))
			.orderby(log.name)
		)
		last_before: dict[tuple, int] = {}
		for name, logged_on, *change in logged.run():
			for moment in moments.get(tuple(change), []):
				if timedelta() <= moment - logged_on <= AT_MOST:
					last_before[(*change, moment)] = name
		if names := sorted(set(last_before.values())):
			frappe.qb.update(log).set(log.origin, partner).where(log.name.isin(names)).run()
		frappe.db.commit()
