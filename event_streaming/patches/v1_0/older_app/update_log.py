"""Event Update Log: the older app's events get positions in the order in which they were written, and the record of who
has got them goes along.

The time that stood for an event's place, its creation, is kept as the time of its position: so the cursors of consumers
that count in times mean the same as before.
"""

from typing import Any

import frappe
from frappe.query_builder import Table
from pypika import Case
from pypika.terms import ValueWrapper

from event_streaming.patches.v1_0.older_app.tables import UPDATE_LOG, copy_log, rows_kept
from event_streaming.producer.log.sequence import reserve_positions

DELIVERIES = "Event Update Log Consumer"
BATCH = 1_000


def take_over() -> None:
	"""Copy the log. What is logged meanwhile comes after it."""
	reserve_positions(rows_kept(UPDATE_LOG))
	frappe.db.commit()
	copy_log(UPDATE_LOG, columns, renumber_deliveries)
	remove_deliveries_of_nothing()


def columns(kept: Table) -> dict[str, Any]:
	same = ("update_type", "ref_doctype", "docname", "data")
	return {
		**{column: kept[column] for column in same},
		"sequenced_on": kept.creation,
		"origin": ValueWrapper(""),
	}


def renumber_deliveries(names: list, done: int) -> None:
	"""Who has got these events has got them at their own positions, which are also their names now."""
	delivery, log = frappe.qb.DocType(DELIVERIES), frappe.qb.DocType(UPDATE_LOG)
	positions = range(done + 1, done + 1 + len(names))
	frappe.qb.update(log).set(log.position, log.name).where(log.name.isin(list(positions))).run()
	position, parent = Case(), Case()
	for name, place in zip(names, positions, strict=True):
		position = position.when(delivery.parent == str(name), place)
		parent = parent.when(delivery.parent == str(name), str(place))
	(
		frappe.qb.update(delivery)
		.set(delivery.at_position, position)
		.set(delivery.parent, parent)
		.where((delivery.parenttype == UPDATE_LOG) & (delivery.at_position == 0))
		.where(delivery.parent.isin([str(name) for name in names]))
		.run()
	)


def remove_deliveries_of_nothing() -> None:
	"""Rows of events that were deleted: the name that they have may be another event's by now."""
	delivery = frappe.qb.DocType(DELIVERIES)
	for (consumer,) in frappe.qb.from_(delivery).select(delivery.consumer).distinct().run():
		orphans = (
			frappe.qb.from_(delivery)
			.select(delivery.name)
			.where((delivery.consumer == consumer) & (delivery.at_position == 0))
			.limit(BATCH)
		)
		while names := orphans.run(pluck=True):
			frappe.qb.from_(delivery).delete().where(delivery.name.isin(names)).run()
			frappe.db.commit()
