"""What keeping quiet and counting names rely on: where Frappe looks before it tells somebody, and how it counts."""

import pytest
from contract_doctypes import HASHED, SERIES
from doctypes import ORDER

TELLERS = (
	"frappe.automation.doctype.assignment_rule.assignment_rule.apply",
	"frappe.workflow.doctype.workflow_action.workflow_action.process_workflow_actions",
)


def test_the_hooks_of_documents_are_kept_for_the_request_and_asked_for_with_each_event(site):
	assert site.run(swap_hooks) == {"kept": True, "called": ["validate"]}


def swap_hooks() -> dict:
	import sys
	import types

	import frappe

	module = types.ModuleType("contract_teller")
	module.called = []
	module.note = lambda doc, method=None, *args: module.called.append(method)
	sys.modules["contract_teller"] = module
	hooks, get_attr = frappe.get_doc_hooks(), frappe.get_attr
	frappe.get_attr = lambda path: module.note if path == "contract_teller.note" else get_attr(path)
	frappe.local.doc_events_hooks = {"*": {"validate": ["contract_teller.note"]}}
	try:
		frappe.get_doc({"doctype": HASHED}).insert()
	finally:
		frappe.local.doc_events_hooks, frappe.get_attr = hooks, get_attr
	return {"kept": frappe.get_doc_hooks() is hooks, "called": module.called}


@pytest.mark.parametrize("path", TELLERS)
def test_what_tells_people_hangs_on_the_hooks_of_all_documents(site, path):
	"""By its path in Frappe's package, whatever that is called."""
	handlers = site.run(handlers_of_all)

	assert path.partition(".")[2] in [each.partition(".")[2] for each in handlers]


def handlers_of_all() -> list[str]:
	import frappe

	return [each for handlers in frappe.get_doc_hooks()["*"].values() for each in handlers]


def test_each_insert_and_save_begins_with_a_new_list_of_notifications_that_were_sent(site):
	assert site.run(lists_of_sent) == 3


def lists_of_sent() -> int:
	import frappe

	doc = frappe.get_doc({"doctype": HASHED}).insert()
	lists = [doc.flags.notifications_executed]
	for title in ("a", "b"):
		doc.title = title
		doc.save()
		lists.append(doc.flags.notifications_executed)
	return len({id(each) for each in lists})


def test_a_notification_that_counts_as_sent_is_not_sent(site):
	assert site.run(send_notification) == [1, 0]


def send_notification() -> list[int]:
	import frappe
	from frappe.email.doctype.notification import notification

	from event_streaming.consumer.life_cycle.quiet import quietly

	frappe.get_doc(
		{
			"doctype": "Notification",
			"subject": "x",
			"document_type": HASHED,
			"event": "New",
			"channel": "System Notification",
			"message": "x",
			"recipients": [{"receiver_by_role": "System Manager"}],
		}
	).insert(set_name="Contract Notification")
	sent, original = [], notification.evaluate_alert
	notification.evaluate_alert = lambda doc, *args, **kwargs: sent.append(doc.name)
	try:
		frappe.get_doc({"doctype": HASHED}).insert()
		loud = len(sent)
		with quietly():
			frappe.get_doc({"doctype": HASHED}).insert()
	finally:
		notification.evaluate_alert = original
		frappe.delete_doc("Notification", "Contract Notification")
	return [loud, len(sent) - loud]


def test_webhooks_wait_in_a_list_of_the_request_until_the_commit(site):
	assert site.run(queue_webhook) == 1


def queue_webhook() -> int:
	import frappe
	from frappe.integrations.doctype.webhook import _add_webhook_to_queue

	frappe.local._webhook_queue = []
	_add_webhook_to_queue(frappe._dict(name="x"), frappe.get_doc({"doctype": HASHED}))
	waiting = len(frappe.local._webhook_queue)
	frappe.local._webhook_queue.clear()
	return waiting


def test_a_muted_mail_is_written_into_the_queue_all_the_same(site):
	"""Therefore it has to be taken out again."""
	assert site.run(send_muted_mail) == 1


def send_muted_mail() -> int:
	import frappe

	before = frappe.db.count("Email Queue")
	frappe.flags.mute_emails = True
	frappe.conf.mail_server, frappe.conf.mail_login = "localhost", "x@example.com"
	frappe.conf.auto_email_id = "x@example.com"
	frappe.sendmail(recipients=["a@example.com"], sender="x@example.com", subject="x", message="x")
	return frappe.db.count("Email Queue") - before


# ---- how names are counted


def test_the_counter_of_a_series_is_called_what_stands_before_the_number(site):
	key, before, after = site.run(count_one, doctype=SERIES, key="CONA-")

	assert (key, after - before) == ("CONA-", 1)


def test_all_formats_are_counted_by_one_counter_without_a_name(site):
	key, before, after = site.run(count_one, doctype=ORDER, key="", title="counted")

	assert (key, after - before) == ("", 1)


def current(key: str) -> int:
	import frappe

	series = frappe.qb.DocType("Series")
	row = frappe.qb.from_(series).select(series.current).where(series.name == key).run()
	return row[0][0] if row else 0


def count_one(doctype: str, key: str, **values) -> list:
	import frappe

	before = current(key)
	frappe.get_doc({"doctype": doctype, **values}).insert()
	return [key, before, current(key)]


def test_a_name_that_is_given_moves_no_counter(site):
	assert site.run(insert_given) == 0


def insert_given() -> int:
	import frappe

	before = current("CONA-")
	frappe.get_doc({"doctype": SERIES}).insert(set_name=f"CONA-{before + 1:05}")
	frappe.db.rollback()
	return current("CONA-") - before


def test_deleting_the_last_one_takes_its_number_back(site):
	"""Therefore a counter that is known to be ahead is looked at again after a deletion."""
	assert site.run(delete_last) == [1, 0]


def delete_last() -> list[int]:
	import frappe

	before = current("CONA-")
	doc = frappe.get_doc({"doctype": SERIES}).insert()
	counted = current("CONA-")
	frappe.delete_doc(SERIES, doc.name)
	return [counted - before, current("CONA-") - before]
