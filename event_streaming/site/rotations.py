"""Where a change of keys is recorded: one place for both sides of a connection. Never with a key in it."""

import frappe

from event_streaming.site import audit


def record_rotation(doctype: str, name: str, what: str) -> None:
	"""Say on the Event Producer or Event Consumer, and in the audit log, what has become of its keys. Who and when comes with it."""
	audit.record(audit.KEYS_ROTATED, doctype, name, after={"keys": what})
	frappe.get_doc(doctype, name).add_comment("Info", what)
