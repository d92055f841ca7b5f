"""Where a change of keys is recorded: one place for both sides of a connection. Never with a key in it."""

import frappe


def record_rotation(doctype: str, name: str, what: str) -> None:
	"""Say on the Event Producer or Event Consumer what has become of its keys. Who and when comes with it.

	The one call that an audit log has to be wired to.
	"""
	frappe.get_doc(doctype, name).add_comment("Info", what)
