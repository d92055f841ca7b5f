"""Event Producer and Event Consumer: they stay, with keys, rows, conditions and statuses; what they lack is filled in.

A site does not know what runs on the other one: each is taken for one with the older app until it says otherwise.
"""

import frappe
from frappe.utils import now_datetime

from event_streaming.consumer.logs import state
from event_streaming.consumer.subscriptions.producer_form import MODULE
from event_streaming.database.indexes import add_index
from event_streaming.identity.registry import REMOTE_NAME, REMOTE_SITE
from event_streaming.patches.v1_0.older_app.tables import columns_of

OLDER_PROTOCOL = 1


def take_over() -> None:
	for name in frappe.get_all("Event Consumer", filters={"protocol": 0}, pluck="name", limit=0):
		pending = {"parent": name, "status": "Pending", "unsubscribed": 0}
		values = {
			"protocol": OLDER_PROTOCOL,
			"pending_doctypes": frappe.db.count("Event Consumer Document Type", pending),
		}
		frappe.db.set_value("Event Consumer", name, values, update_modified=False)
	take_over_cursors()
	keep_names_as_they_are()
	take_over_custom_fields()
	frappe.db.commit()


def take_over_cursors() -> None:
	"""The time of the last event that came is where this site goes on; nothing before it is read again.

	The first versions of Frappe's module had it on the Event Producer itself.
	"""
	on_producer = "last_update" in columns_of("tabEvent Producer")
	table = frappe.qb.DocType("Event Producer")
	for name in frappe.get_all("Event Producer", pluck="name", limit=0):
		kept = state.load_state(name)
		if on_producer and not kept.last_update:
			[(kept.last_update,)] = (
				frappe.qb.from_(table).select(table.last_update).where(table.name == name).run()
			)
		if kept.last_update and not kept.protocol:
			state.save_state(name, last_update=kept.last_update, taken_until=kept.last_update)


def keep_names_as_they_are() -> None:
	"""The older app knew a document by its name alone, also those that it had only brought along for others."""
	rows = frappe.qb.DocType("Event Producer Document Type")
	(
		frappe.qb.update(rows)
		.set(rows.same_names_until, now_datetime())
		.where((rows.use_same_name == 1) & rows.same_names_until.isnull())
		.run()
	)


def take_over_custom_fields() -> None:
	"""The two fields that say where a document came from become ours: indexed, and removed with the app."""
	doctypes = frappe.get_all("Event Producer Document Type", pluck="ref_doctype", distinct=True, limit=0)
	for field in frappe.get_all(
		"Custom Field",
		filters={
			"dt": ["in", doctypes],
			"fieldname": ["in", (REMOTE_NAME, REMOTE_SITE)],
			"module": ["is", "not set"],
		},
		fields=["name", "dt", "fieldname"],
		limit=0,
	):
		values = {"module": MODULE, "search_index": 1}
		add_index(field.dt, [field.fieldname], f"{field.fieldname}_index")
		frappe.db.set_value("Custom Field", field.name, values, update_modified=False)
		frappe.clear_cache(doctype=field.dt)
