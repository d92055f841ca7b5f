"""Documents that a copy had given whole stood among the deliveries of events; they have a DocType of their own now.

May be interrupted and run again: each batch is written and removed in one transaction.
"""

import frappe

from event_streaming.producer.documents.given import record_given
from event_streaming.producer.log.deliveries import DELIVERIES

BATCH = 1_000
# what such a row had in place of the field of the event's form
MARK = "given"


def execute() -> None:
	table = frappe.qb.DocType(DELIVERIES)
	query = (
		frappe.qb.from_(table)
		.select(table.name, table.consumer, table.parenttype, table.parent, table.at_position)
		.where(table.parentfield == MARK)
		.limit(BATCH)
	)
	while rows := query.run():
		moved: dict[tuple[str, str], dict[str, int]] = {}
		for _name, consumer, doctype, docname, position in rows:
			positions = moved.setdefault((consumer, doctype), {})
			positions[docname] = max(position or 0, positions.get(docname, 0))
		for (consumer, doctype), positions in moved.items():
			record_given(consumer, doctype, positions)
		frappe.qb.from_(table).delete().where(table.name.isin([row[0] for row in rows])).run()
		frappe.db.commit()
