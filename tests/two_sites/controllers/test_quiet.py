"""Copies, old backlogs and rows with No Notifications tell nobody: no mails, Notifications, webhooks, assignments."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, insert, unique
from logs import update_logs
from streams import SUBSCRIBER, make_subscriber, pull, stream_orders, subscribe

RULES = {
	"Notification": "Told of a city",
	"Webhook": "Webhook of a city",
	"Assignment Rule": "Assigned a city",
}
NOTHING = {"assigned": 0, "jobs": [], "mails": 0, "applied": True}


@pytest.fixture(autouse=True)
def somebody_is_told(producer, consumer):
	with_orders(producer, consumer)
	consumer.run(make_subscriber)
	consumer.run(make_rules)
	yield
	consumer.run(remove_rules)


def make_rules() -> None:
	"""Whatever happens to a city, somebody is told of it in each of Frappe's ways."""
	import frappe

	frappe.get_doc(
		{
			"doctype": "Notification",
			"name": "Told of a city",
			"subject": "A city",
			"document_type": CITY,
			"event": "New",
			"channel": "System Notification",
			"message": "made",
			"recipients": [{"receiver_by_role": "System Manager"}],
		}
	).insert(set_name="Told of a city")
	frappe.get_doc(
		{
			"doctype": "Webhook",
			"webhook_doctype": CITY,
			"webhook_docevent": "after_insert",
			"request_url": "http://nobody.example",
			"request_method": "POST",
			"request_structure": "Form URL-Encoded",
			"enabled": 1,
		}
	).insert(set_name="Webhook of a city")
	frappe.get_doc(
		{
			"doctype": "Assignment Rule",
			"name": "Assigned a city",
			"document_type": CITY,
			"assign_condition": "True",
			"unassign_condition": "False",
			"description": "a city",
			"rule": "Round Robin",
			"users": [{"user": SUBSCRIBER}],
			"assignment_days": [
				{"day": day}
				for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
			],
		}
	).insert(set_name="Assigned a city")


def remove_rules() -> None:
	import frappe

	# no other ones: the app's own Notifications tell of its alerts
	for doctype, name in RULES.items():
		frappe.delete_doc(doctype, name, force=True)
	frappe.clear_cache()


def pull_and_listen(url: str, title: str, copy: bool = False) -> dict:
	"""A pull (or a copy), and who is told of the city `title`. A hook of the site sends a mail, too."""
	import frappe

	from event_streaming.adapters import calls
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	mails = frappe.db.count("Email Queue")
	jobs, enqueue = [], frappe.enqueue

	def listen(method, *args, **kwargs):
		name = method if isinstance(method, str) else method.__name__
		jobs.append(name.rpartition(".")[2])

	def mail(kind, doc, came, original=calls.call):
		if kind == "after_apply":
			frappe.sendmail(
				recipients=["somebody@example.com"], sender="x@example.com", subject="a city", message="x"
			)
		return original(kind, doc, came)

	frappe.enqueue, original, calls.call = listen, calls.call, mail
	frappe.conf.mail_server = frappe.conf.mail_server or "localhost"
	frappe.conf.mail_login = frappe.conf.mail_login or "x@example.com"
	frappe.conf.auto_email_id = frappe.conf.auto_email_id or "x@example.com"
	try:
		if copy:
			copy_all(url)
		else:
			pull_from_node(url)
	finally:
		frappe.enqueue, calls.call = enqueue, original
	return {
		"assigned": frappe.db.count("ToDo", {"reference_type": CITY, "reference_name": title}),
		"jobs": sorted(set(jobs) & {"enqueue_webhook", "make_notification_logs"}),
		"mails": frappe.db.count("Email Queue") - mails,
		"applied": bool(frappe.db.exists(CITY, title)),
	}


def copy_all(url: str) -> None:
	import frappe

	from event_streaming.consumer.first_copy import copying
	from event_streaming.consumer.long_work.runner import run_slice

	name = copying.begin(url).name
	frappe.db.commit()
	while run_slice(name).more:
		pass


def make_old(title: str, hours: int) -> None:
	import frappe
	from frappe.utils import add_to_date, now_datetime

	frappe.db.set_value(
		"Event Update Log",
		{"docname": title},
		"creation",
		add_to_date(now_datetime(), hours=-hours),
		update_modified=False,
	)


def set_hours(hours: int | None) -> None:
	import frappe

	if hours is None:
		frappe.db.delete("Singles", {"doctype": "Event Streaming Settings", "field": "quiet_after_hours"})
		frappe.clear_document_cache("Event Streaming Settings", "Event Streaming Settings")
	else:
		frappe.db.set_single_value("Event Streaming Settings", "quiet_after_hours", hours)


def test_an_event_that_comes_at_once_tells_everybody(producer, consumer):
	subscribe(consumer, producer, CITY)
	title = producer.run(insert, doctype=CITY, title=unique("city"))

	told = consumer.run(pull_and_listen, url=producer.url, title=title)

	assert told == {
		"assigned": 1,
		"jobs": ["enqueue_webhook", "make_notification_logs"],
		"mails": 1,
		"applied": True,
	}


def test_a_row_with_no_notifications_tells_nobody(producer, consumer):
	subscribe(consumer, producer, CITY, no_notifications=1)
	title = producer.run(insert, doctype=CITY, title=unique("city"))

	assert consumer.run(pull_and_listen, url=producer.url, title=title) == NOTHING


def test_a_first_copy_tells_nobody(producer, consumer):
	title = producer.run(insert, doctype=CITY, title=unique("city"))
	subscribe(consumer, producer, CITY)

	assert consumer.run(pull_and_listen, url=producer.url, title=title, copy=True) == NOTHING


@pytest.mark.parametrize(
	("setting", "hours", "assigned"), [(None, 25, 0), (None, 23, 1), (2, 3, 0), (0, 2000, 1)]
)
def test_what_is_older_than_the_setting_tells_nobody(producer, consumer, setting, hours, assigned):
	subscribe(consumer, producer, CITY)
	consumer.run(set_hours, hours=setting)
	title = producer.run(insert, doctype=CITY, title=unique("city"))
	producer.run(make_old, title=title, hours=hours)

	told = consumer.run(pull_and_listen, url=producer.url, title=title)

	assert told["assigned"] == assigned
	assert told["mails"] == assigned
	assert bool(told["jobs"]) == bool(assigned)


def test_afterwards_everybody_is_told_again_also_when_it_failed(consumer):
	assert consumer.run(go_on_after_a_failure) == {"hooks": True, "muted": False, "webhooks": 1, "told": [1]}


def go_on_after_a_failure() -> dict:
	"""A quiet block that fails between two documents that are not."""
	import uuid

	import frappe

	from event_streaming.consumer.life_cycle.quiet import quietly

	def make() -> str:
		return frappe.get_doc({"doctype": CITY, "title": uuid.uuid4().hex}).insert().name

	make()
	hooks = frappe.get_doc_hooks()
	try:
		with quietly(), quietly():
			make()
			raise KeyError
	except KeyError:
		pass
	queued = len(frappe.local._webhook_queue)
	name = make()
	return {
		"hooks": frappe.get_doc_hooks() is hooks,
		"muted": bool(frappe.flags.mute_emails),
		"webhooks": queued,
		"told": [frappe.db.count("ToDo", {"reference_type": CITY, "reference_name": name})],
	}


def bring_an_order_through_its_life(producer, consumer, quiet: int) -> list:
	"""What the consumer tells in turn, with what has changed each time."""
	consumer.run(stream_orders)
	subscribe(consumer, producer, ORDER, no_notifications=quiet)
	name = producer.run(insert, doctype=ORDER, title=unique("order"), rows=[{"item": "bolt", "qty": 1}])
	for values in ({"total": 3}, {"docstatus": 1}, {"note": "after"}, {"docstatus": 2}):
		pull(consumer, producer)
		producer.run(change, doctype=ORDER, name=name, **values)
	pull(consumer, producer)
	return [log["update_type"] for log in update_logs(consumer, docname=name)]


@pytest.mark.parametrize("quiet", [0, 1])
def test_what_is_brought_quietly_is_told_on_to_other_sites_as_ever(producer, consumer, quiet):
	assert bring_an_order_through_its_life(producer, consumer, quiet) == ["Create", *["Update"] * 4]
