"""How far a site and its consumers are. Runs inside a site, which imports it by name."""


def cursor(producer: str) -> int:
	import frappe

	return frappe.db.get_value("Event Producer Last Update", {"event_producer": producer}, "position") or 0


def wanted_head(consumer: str) -> int:
	"""The position of the last event that is for this consumer."""
	import frappe

	from event_streaming.producer.log.sequence import assign_positions

	assign_positions()
	# of what has a condition it is told only of what fits
	open_ones = {"parent": consumer, "condition": ["is", "not set"]}
	rows = frappe.get_all("Event Consumer Document Type", open_ones, pluck="ref_doctype")
	log = frappe.qb.DocType("Event Update Log")
	query = (
		frappe.qb.from_(log)
		.select(log.position)
		.where(log.ref_doctype.isin(rows))
		.where(log.origin.isnull() | (log.origin != consumer))
		.orderby(log.position, order=frappe.qb.desc)
		.limit(1)
	)
	found = query.run()
	return found[0][0] if found else 0
