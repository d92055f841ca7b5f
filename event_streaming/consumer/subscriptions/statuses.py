"""Writes into the rows of an Event Producer what the producer has decided: statuses, and what it does not send. No document life cycle."""

import frappe
from frappe.utils import cint, now_datetime

from event_streaming.site.settings import get_settings
from event_streaming.wire.pages import Subscription, parse_subscriptions

APPROVED = "Approved"
BEGIN_COPIES = "event_streaming.consumer.long_work.runner.resume_tasks"


def adopt_statuses(doc, answer: dict) -> None:
	if answer.get("subscriptions"):
		write_statuses(doc, parse_subscriptions(answer["subscriptions"]))


def write_statuses(doc, on_record: dict[str, Subscription]) -> bool:
	"""Write the producer's decisions into the rows: statuses, and what it does not send; returns whether any changed.

	No document life cycle.
	"""
	changed = wanted = False
	targets = {row.name: row for row in doc.producer_doctypes}
	for row in targets.values():
		remote = row.ref_doctype
		if row.has_mapping and row.mapping:
			remote = frappe.db.get_value("Document Type Mapping", row.mapping, "remote_doctype", cache=True)
		told = on_record.get(remote) or {}
		status = told.get("status")
		for fieldname, names in (
			("not_sent", told.get("fields_not_sent")),
			("masked", told.get("fields_masked")),
		):
			if names is not None and (row.get(fieldname) or "") != "\n".join(names):
				row.db_set(fieldname, "\n".join(names) or None, update_modified=False)
				changed = True
		if told and cint(told.get("withheld")) != cint(row.withheld):
			row.db_set("withheld", cint(told.get("withheld")), update_modified=False)
		if status and status != row.status:
			if row.status == APPROVED:
				# what is changed from now on, until it is approved again, is not sent
				row.db_set("stopped_on", now_datetime(), update_modified=False)
			row.db_set("status", status, update_modified=False)
			changed = True
			wanted = wanted or (status == APPROVED and cint(row.copy_existing) and not row.copied_on)
	if changed:
		doc.clear_cache()
		doc.notify_update()
	if wanted:
		# if this is lost, the minute's sweep begins it
		frappe.enqueue(BEGIN_COPIES, queue=get_settings().queue, enqueue_after_commit=True)
	return changed
