"""Before there were tokens every producer was given the Event Subscriber's API keys: the forms say so until they can tell better.

The token itself comes with the next pull.
"""

import frappe


def execute() -> None:
	table = frappe.qb.DocType("Event Producer Last Update")
	(
		frappe.qb.update(table)
		.set(table.keys_sent_on, table.creation)
		.where(table.keys_sent_on.isnull() & table.token_hash.isnull() & (table.protocol >= 1))
	).run()
