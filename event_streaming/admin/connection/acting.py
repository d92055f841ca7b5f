"""What a person does on the connection page: takes a DocType or leaves it off. Each change is made by saving the form's document.

So that its checks run and the audit log has it. Never approves anything: that is decided on the other site.
"""

import frappe
from frappe.utils import cint

from event_streaming.admin.decisions import PRODUCER, existing
from event_streaming.messages.coded import _


def set_subscribed(event_producer: str, doctype: str, subscribed: bool) -> bool:
	"""Take a DocType (as the row calls it) of a producer, or no more; returns whether that changed anything.

	Raises frappe.ValidationError when there is no such row, or the producer can't be told.
	"""
	doc = frappe.get_doc(PRODUCER, existing(PRODUCER, event_producer), for_update=True)
	doc.check_permission("write")
	rows = [row for row in doc.producer_doctypes if row.ref_doctype == doctype]
	if not rows:
		frappe.throw(_("Event Producer {0} has no row for {1}.").format(doc.name, doctype))
	changed = [row for row in rows if bool(cint(row.unsubscribe)) == subscribed]
	for row in changed:
		row.unsubscribe = int(not subscribed)
	if changed:
		doc.save()
	return bool(changed)
