"""What a consumer has taken over the broker: nobody has given it those events in a page, and its own cursor says that it has them.

Deliveries are recorded as if a page had brought them, so that a condition that is added later, a deletion, *Delivered To* and
clearing know of them.
"""

import frappe
from frappe.utils import cint

from event_streaming.producer.documents.reading import may_read_all
from event_streaming.producer.log.deliveries import record_deliveries
from event_streaming.producer.log.rows import LOG, read_candidates, select_candidates
from event_streaming.producer.subscriptions.open_rows import is_open
from event_streaming.producer.subscriptions.reader import Reader, is_for

BATCH = 1_000


def record_taken(reader: Reader, head: int) -> None:
	"""Of what lies between the cursor of its last page and the one that it shows now; it shows none of the pages in between."""
	start, end = cint(reader.consumer.position), min(reader.cursor, head)
	if not reader.consumer.get("transport") or start >= end:
		return
	doctypes = [
		doctype
		for doctype, row in reader.rows.items()
		if is_open(row, reader.hidden.get(doctype), may_read_all(doctype))
	]
	log = frappe.qb.DocType(LOG)
	while doctypes:
		query = (
			select_candidates(log)
			.where((log.position > start) & (log.position <= end))
			.where(log.ref_doctype.isin(doctypes) & is_for(reader, log))
			.orderby(log.position)
			.limit(BATCH)
		)
		events = read_candidates(query)
		record_deliveries(
			reader,
			[each for each in events if each.position > cint(reader.rows[each.ref_doctype].from_position)],
		)
		if len(events) < BATCH:
			return
		start = events[-1].position
