"""Events that had failed before rows had a cause get theirs, so that they are grouped with the others.

May be interrupted and run again: each batch is a transaction.
"""

import frappe

from event_streaming.consumer.logs.open_causes import fill

BATCH = 500


def execute() -> None:
	while fill(BATCH):
		frappe.db.commit()
