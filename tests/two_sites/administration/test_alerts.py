"""An alert for each episode of trouble: in the Desk and by mail, once when it begins and once when it is over."""

import pytest
from doctypes import CITY, with_orders
from documents import change, delete, insert, read_doc, read_rows, unique
from streams import SUBSCRIBER, pull, subscribe, wait_for

ALERT, SETTINGS = "Event Streaming Alert", "Event Streaming Settings"
ADMIN = "alerted-admin@example.com"
SENDER = "Alerts of Tests"


@pytest.fixture(autouse=True)
def subscribed(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	pull(consumer, producer)


@pytest.fixture
def mail(consumer):
	"""A System Manager, and an account that mail could be sent from (nothing is sent: the queue is not flushed)."""
	consumer.run(make_admin_and_account)
	yield
	consumer.run(forget_account)


def make_admin_and_account() -> None:
	import frappe

	if not frappe.db.exists("User", ADMIN):
		doc = frappe.get_doc({"doctype": "User", "email": ADMIN, "first_name": "A", "send_welcome_email": 0})
		doc.insert()
		doc.add_roles("System Manager")
	account = frappe.get_doc(
		{
			"doctype": "Email Account",
			"email_account_name": SENDER,
			"email_id": "alerts@example.com",
			"smtp_server": "127.0.0.1",
			"enable_outgoing": 1,
			"default_outgoing": 1,
			"no_smtp_authentication": 1,
		}
	)
	# it would try to connect
	account.flags.ignore_validate = True
	account.db_insert()
	frappe.clear_cache()
	frappe.db.delete("Email Queue")
	frappe.db.delete("Notification Log")


def forget_account() -> None:
	import frappe

	frappe.db.delete("Email Account", {"name": SENDER})
	frappe.clear_cache()


def look(times: int = 1) -> list[list]:
	"""So many minutes pass; returns the alerts as (kind, status, sites), oldest first."""
	import frappe

	from event_streaming.admin import alerts

	for _time in range(times):
		alerts.check()
	return [
		[row.kind, row.status, row.sites]
		for row in frappe.get_all(
			"Event Streaming Alert", fields=["kind", "status", "sites"], order_by="creation asc"
		)
	]


def set_state(event_producer: str, hours: float = 0, **values) -> None:
	"""As if the last contact was so many hours ago, by the clock of now."""
	import frappe

	contact = frappe.utils.add_to_date(frappe.utils.now_datetime(), hours=-hours)
	frappe.db.set_value(
		"Event Producer Last Update",
		{"event_producer": event_producer},
		{"last_contact": contact, **values},
	)


def mails_and_logs() -> list:
	"""(recipient, subject) of the mails and of what the Desk shows."""
	import frappe

	queue = frappe.get_all("Email Queue", fields=["name", "message"], order_by="creation asc")
	mails = [
		[row.recipient, next(line for line in mail.message.split("\n") if line.startswith("Subject:"))]
		for mail in queue
		for row in frappe.get_all("Email Queue Recipient", {"parent": mail.name}, ["recipient"])
	]
	shown = frappe.get_all("Notification Log", ["for_user", "subject"], order_by="creation asc")
	return [mails, [[row.for_user, row.subject] for row in shown]]


def test_an_unreachable_producer_is_told_in_the_desk_and_by_mail_once_and_when_it_is_over(
	producer, consumer, mail
):
	consumer.run(
		set_state, event_producer=producer.url, hours=1, connection="Offline", last_error="<b>down</b>"
	)
	consumer.start_worker()

	assert consumer.run(look, times=30) == [["Producer Unreachable", "Open", producer.url]]
	# a restart: nothing but the database is left
	consumer.run("frappe.clear_cache")
	assert len(consumer.run(look, times=30)) == 1
	pull(consumer, producer)
	assert consumer.run(look, times=20) == [["Producer Unreachable", "Over", producer.url]]

	def told_of_both():
		mails, shown = consumer.run(mails_and_logs)
		return [each for each in (mails, shown) if len([one for one in each if one[0] == ADMIN]) == 2]

	wait_for(lambda: len(told_of_both()) == 2, "mail and Desk")
	mails, shown = consumer.run(mails_and_logs)
	for told in (mails, shown):
		subjects = [subject for user, subject in told if user == ADMIN]
		assert len(subjects) == 2 and "Producer Unreachable" in subjects[0] and "Over" in subjects[1]
	(alert,) = consumer.run(read_rows, doctype=ALERT, filters={})
	assert "<b>" not in alert["details"] and alert["details"].endswith(": down (ES-758)")


def test_thresholds_decide_and_a_pause_is_no_trouble(producer, consumer):
	consumer.run(
		set_state,
		event_producer=producer.url,
		hours=1,
		connection="Offline",
		last_error="down",
	)
	consumer.run(change, doctype=SETTINGS, name=SETTINGS, alert_unreachable_minutes=120)
	assert consumer.run(look, times=5) == []

	consumer.run(change, doctype=SETTINGS, name=SETTINGS, alert_unreachable_minutes=10)
	consumer.run(change, doctype="Event Producer", name=producer.url, paused=1)
	consumer.run(set_state, event_producer=producer.url, hours=1, connection="Offline")
	assert consumer.run(look, times=5) == []

	consumer.run(change, doctype="Event Producer", name=producer.url, paused=0)
	consumer.run(set_state, event_producer=producer.url, hours=1, connection="Offline")
	assert consumer.run(look, times=5) == [["Producer Unreachable", "Open", producer.url]]


def test_events_that_wait_or_have_failed_are_told(producer, consumer):
	name = unique("Taken")
	consumer.run(insert, doctype=CITY, title=name)
	producer.run(insert, doctype=CITY, title=name)
	pull(consumer, producer)
	consumer.run(set_state, event_producer=producer.url, events_behind=5_000)

	assert sorted(consumer.run(look, times=20)) == [
		["Events Behind", "Open", producer.url],
		["Events Failed", "Open", producer.url],
	]
	consumer.run(delete, doctype=CITY, name=name)
	consumer.run("event_streaming.consumer.pull.by_hand.resync_all", asked_by="Administrator")
	pull(consumer, producer)

	assert {status for _kind, status, _sites in consumer.run(look, times=20)} == {"Over"}


def test_a_producer_that_answers_and_from_which_nothing_comes_is_told(producer, consumer):
	"""Pulls that nobody does, as the workers of their queue are gone; and those that end with an error, each of them."""
	consumer.run(set_state, event_producer=producer.url, hours=2)
	assert consumer.run(look, times=10) == [["Not Pulling", "Open", producer.url]]
	pull(consumer, producer)
	assert consumer.run(look, times=20) == [["Not Pulling", "Over", producer.url]]

	broken = "The last pull ended with an unexpected error, KeyError: see the Error Log."
	consumer.run(set_state, event_producer=producer.url, last_error=broken)
	assert consumer.run(look, times=10)[1:] == [["Not Pulling", "Open", producer.url]]
	assert broken in consumer.run(message_of_alert)


def test_an_alert_keeps_up_leads_to_itself_and_is_not_for_users_of_other_sites(producer, consumer):
	names = [unique("Taken") for _each in range(3)]
	for site in (consumer, producer):
		site.run(insert, doctype=CITY, title=names[0])
	pull(consumer, producer)
	consumer.run(look, times=20)
	assert "1 events from" in consumer.run(message_of_alert)
	for name in names[1:]:
		for site in (consumer, producer):
			site.run(insert, doctype=CITY, title=name)
	pull(consumer, producer)
	consumer.run(look)

	message = consumer.run(message_of_alert)
	assert "3 events from" in message and "/event-streaming-alert/" in message
	assert SUBSCRIBER not in consumer.run(read_rows, doctype=ALERT, filters={})[0]["recipients"]

	as_made, changed = [["System Manager", None]], [["System Manager", None], ["Website Manager", None]]
	assert consumer.run(after_the_patch, rows=as_made) == [[None, "recipients"]]
	assert consumer.run(after_the_patch, rows=changed) == changed


def message_of_alert() -> str:
	"""What the mail says of the alert that is open."""
	import frappe

	from event_streaming.admin.alerts import MESSAGE

	(name,) = frappe.get_all("Event Streaming Alert", {"status": "Open"}, pluck="name")
	doc = frappe.get_doc("Event Streaming Alert", name)
	return frappe.render_template(MESSAGE, {"doc": doc, "frappe": frappe})


def after_the_patch(rows: list) -> list:
	"""Rows of recipients of the Notification by mail, as (role, field), and what the patch makes of them."""
	import frappe

	from event_streaming.admin.alerts import MAIL
	from event_streaming.patches.v1_0 import mend_alert_recipients

	doc = frappe.get_doc("Notification", MAIL)
	doc.set("recipients", [{"receiver_by_role": role} for role, _field in rows])
	doc.save()
	mend_alert_recipients.execute()
	doc.reload()
	found = [[row.receiver_by_role or None, row.receiver_by_document_field or None] for row in doc.recipients]
	frappe.db.rollback()
	return found


def test_a_consumer_that_has_been_silent_for_days_is_told(producer, consumer):
	assert producer.run(look, times=5) == []
	producer.run(set_contact, event_consumer=consumer.url, days=4)

	assert producer.run(look, times=5) == [["Consumer Silent", "Open", consumer.url]]
	pull(consumer, producer)
	assert producer.run(look, times=20) == [["Consumer Silent", "Over", consumer.url]]


def test_a_site_that_was_back_and_falls_out_again_is_told_although_another_is_still_away(producer, consumer):
	other = "https://shop-2.example.com"
	consumer.run(add_producer, event_producer=other, like=producer.url)
	away = {"hours": 1, "connection": "Offline"}
	consumer.run(set_state, event_producer=producer.url, **away)
	assert consumer.run(look, times=5) == [["Producer Unreachable", "Open", f"{producer.url}\n{other}"]]

	pull(consumer, producer)
	assert consumer.run(look, times=20) == [["Producer Unreachable", "Open", other]]
	consumer.run(set_state, event_producer=producer.url, **away)

	assert consumer.run(look, times=20) == [
		["Producer Unreachable", "Open", other],
		["Producer Unreachable", "Open", producer.url],
	]


def add_producer(event_producer: str, like: str) -> None:
	"""Another one, which has been away for an hour."""
	import frappe

	from event_streaming.consumer.logs.state import save_state

	doc = frappe.copy_doc(frappe.get_doc("Event Producer", like))
	doc.name = doc.producer_url = event_producer
	doc.docstatus = 0
	doc.set("producer_doctypes", [])
	doc.db_insert()
	contact = frappe.utils.add_to_date(frappe.utils.now_datetime(), hours=-1)
	save_state(event_producer, connection="Offline", last_contact=contact)


def set_contact(event_consumer: str, days: float) -> None:
	import frappe

	contact = frappe.utils.add_to_date(frappe.utils.now_datetime(), days=-days)
	frappe.db.set_value("Event Consumer", event_consumer, "last_contact", contact)


def test_a_clock_that_was_set_back_hides_no_trouble_and_makes_none(producer, consumer):
	"""The last contact lies in the future then; only the failures in a row still count."""
	consumer.run(set_state, event_producer=producer.url, hours=-48, connection="Offline", failures=2)
	producer.run(set_contact, event_consumer=consumer.url, days=-400)
	assert consumer.run(look, times=5) == producer.run(look, times=5) == []

	consumer.run(set_state, event_producer=producer.url, hours=-48, connection="Offline", failures=20)

	assert consumer.run(look, times=5) == [["Producer Unreachable", "Open", producer.url]]


def test_alerts_that_are_switched_off_say_nothing_at_all(producer, consumer, mail):
	consumer.run(set_state, event_producer=producer.url, hours=1, connection="Offline")
	consumer.run(look, times=5)
	before = consumer.run(mails_and_logs)[0]
	assert before
	consumer.run(change, doctype=SETTINGS, name=SETTINGS, no_alerts=1)

	assert consumer.run(look, times=30) == [["Producer Unreachable", "Over", producer.url]]

	assert consumer.run(mails_and_logs)[0] == before


def test_a_notification_that_an_admin_has_broken_costs_its_message_and_not_the_alert(producer, consumer):
	consumer.run(break_notification, message="{{ doc.details.no_such.thing }}")
	try:
		consumer.run(set_state, event_producer=producer.url, hours=1, connection="Offline")
		found = consumer.run(look, times=10)
	finally:
		consumer.run(mend_notification)

	assert found == [["Producer Unreachable", "Open", producer.url]]
	assert consumer.run(count_errors) <= 3


def break_notification(message: str) -> None:
	import frappe

	frappe.db.delete("Error Log")
	frappe.db.set_value("Notification", "Event Streaming Alert in the Desk", "message", message)


def mend_notification() -> None:
	import frappe

	from event_streaming.admin import alerts

	frappe.delete_doc("Notification", alerts.DESK)
	alerts.make_notifications()


def count_errors() -> int:
	import frappe

	return frappe.db.count("Error Log")


def test_the_task_of_every_minute_looks_even_when_another_part_of_it_fails(producer, consumer):
	consumer.run(set_state, event_producer=producer.url, hours=1, connection="Offline")

	assert consumer.run(minutes_with_a_broken_part, times=5) == ["RuntimeError"] * 5

	assert consumer.run(read_rows, doctype=ALERT, filters={"status": "Open"})


def minutes_with_a_broken_part(times: int) -> list[str]:
	from unittest.mock import patch

	from event_streaming import tasks

	raised = []
	for _time in range(times):
		with patch("event_streaming.consumer.pull.sweep.pull_due", side_effect=RuntimeError("broken")):
			try:
				tasks.event_streaming_every_minute()
			except RuntimeError as error:
				raised.append(type(error).__name__)
	return raised


def test_old_alerts_are_cleared_and_open_ones_are_not(consumer):
	consumer.run(make_alerts)

	consumer.run("event_streaming.admin.alerts.clear_alerts", days=180)

	left = {row["title"] for row in consumer.run(read_rows, doctype=ALERT, filters={})}
	assert left == {"open", "young"}


def make_alerts() -> None:
	import frappe

	now = frappe.utils.now_datetime()
	for title, status, days in (("old", "Over", 181), ("young", "Over", 179), ("open", "Open", 400)):
		ended = frappe.utils.add_days(now, -days)
		doc = frappe.get_doc(
			{
				"doctype": "Event Streaming Alert",
				"title": title,
				"kind": "Events Failed",
				"status": status,
				"ended": ended if status == "Over" else None,
			}
		)
		doc.flags.notifications = []
		doc.insert()


def test_an_open_alert_is_in_the_status_and_in_the_metrics(producer, consumer):
	consumer.run(set_state, event_producer=producer.url, hours=1, connection="Offline", last_error="down")
	consumer.run(look, times=5)

	done = consumer.command("event-streaming", "status")

	assert done.returncode == 3
	assert f"Producer Unreachable: {producer.url}" in done.stdout
	assert 'alerts_open{kind="Producer Unreachable"} 1' in consumer.run(
		"event_streaming.admin.metrics.metrics"
	)
	assert consumer.run(read_doc, doctype="Notification", name="Event Streaming Alert by Mail")["enabled"]
