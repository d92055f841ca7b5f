"""Setting up a subscription: what each side then holds, and that every failure says what to do."""

import json

import pytest
from doctypes import CITY, ORDER, make_doctype, with_orders
from documents import change, delete, insert, read_doc, read_rows, set_settings, unique
from logs import sync_logs, update_logs
from streams import (
	SUBSCRIBER,
	decide,
	make_event_producer,
	make_subscriber,
	pull,
	pull_now,
	subscribe,
	wait_for,
)

from sandbox.errors import RestError
from sandbox.sites.shell import RemoteError

SETTINGS = "Event Streaming Settings"
CONSUMER_FORM = "event_streaming.event_streaming.doctype.event_consumer.event_consumer"
PLAIN = "plain-user@example.com"
ROW = {"ref_doctype": CITY, "use_same_name": 1}


@pytest.fixture(autouse=True)
def subscribers(producer, consumer):
	with_orders(producer, consumer)
	for site in (producer, consumer):
		site.run(make_subscriber)


def statuses(site, doctype: str, name: str, table: str) -> dict[str, str]:
	return {
		row["ref_doctype"]: row["status"] for row in site.run(read_doc, doctype=doctype, name=name)[table]
	}


def on_consumer(consumer, producer) -> dict[str, str]:
	return statuses(consumer, "Event Producer", producer.url, "producer_doctypes")


def on_producer(consumer, producer) -> dict[str, str]:
	return statuses(producer, "Event Consumer", consumer.url, "consumer_doctypes")


def rows_on_producer(consumer, producer) -> list[tuple]:
	rows = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)["consumer_doctypes"]
	return [(row["ref_doctype"], row["status"], row["unsubscribed"]) for row in rows]


def test_saving_an_event_producer_registers_a_pending_consumer(producer, consumer):
	consumer.run(make_event_producer, url=producer.url, rows=[ROW])

	doc = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)
	assert on_producer(consumer, producer) == on_consumer(consumer, producer) == {CITY: "Pending"}
	assert (doc["user"], doc["token_state"], doc["protocol"]) == (SUBSCRIBER, "In Order", 2)


@pytest.mark.parametrize("status", ["Approved", "Rejected"])
def test_the_producers_decision_shows_on_the_consumer_at_once(producer, consumer, status):
	consumer.run(
		make_event_producer, url=producer.url, rows=[ROW, {"ref_doctype": ORDER, "use_same_name": 1}]
	)

	producer.run(decide, consumer_url=consumer.url, status=status, doctypes=[CITY])

	assert on_consumer(consumer, producer) == {CITY: status, ORDER: "Pending"}


def test_a_consumer_cannot_approve_itself(producer, consumer):
	consumer.run(make_event_producer, url=producer.url, rows=[{**ROW, "status": "Approved"}])

	consumer.run(approve_myself, name=producer.url)

	assert on_consumer(consumer, producer) == on_producer(consumer, producer) == {CITY: "Pending"}


def approve_myself(name: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	doc.producer_doctypes[0].status = "Approved"
	doc.save()


def test_doctypes_added_removed_and_unsubscribed_on_the_consumer_reach_the_producer(producer, consumer):
	subscribe(consumer, producer, CITY, ORDER)

	consumer.run(change_rows, name=producer.url)

	assert rows_on_producer(consumer, producer) == [(ORDER, "Approved", 1), ("ToDo", "Pending", 0)]


def change_rows(name: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	doc.remove(next(row for row in doc.producer_doctypes if row.ref_doctype == CITY))
	doc.producer_doctypes[0].unsubscribe = 1
	doc.append("producer_doctypes", {"ref_doctype": "ToDo"})
	doc.save()


def test_nothing_comes_for_a_doctype_that_is_unsubscribed_or_rejected(producer, consumer):
	subscribe(consumer, producer, CITY, ORDER)
	consumer.run(unsubscribe, name=producer.url, doctype=CITY)
	producer.run(decide, consumer_url=consumer.url, status="Rejected", doctypes=[ORDER])

	producer.run(insert, doctype=CITY, title=unique("city"))
	producer.run(insert, doctype=ORDER, title=unique("order"))

	assert update_logs(producer) == []
	assert pull(consumer, producer)["events"] == 0


def unsubscribe(name: str, doctype: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	for row in doc.producer_doctypes:
		row.unsubscribe = int(row.ref_doctype == doctype)
	doc.save()


def test_a_trailing_slash_and_capitals_do_not_make_another_site(producer, consumer):
	name = consumer.run(make_event_producer, url=producer.url.replace("http", "HTTP") + "/", rows=[ROW])

	assert name == producer.url


def failure(site, function, **kwargs) -> str:
	with pytest.raises(RemoteError) as raised:
		site.run(function, **kwargs)
	return raised.value.message


def test_an_unreachable_address_says_so(producer, consumer):
	message = failure(consumer, make_event_producer, url="http://127.0.0.1:9", rows=[ROW])

	assert "can't be reached" in message
	assert consumer.run(read_rows, doctype="Event Producer", filters={}) == []


@pytest.mark.parametrize(
	"url", ["head-office.example.com", "ftp://head-office", "http://head-office:one", "http://"]
)
def test_what_is_no_address_is_refused_with_an_example(consumer, url):
	for doctype, address in (("Event Producer", "producer_url"), (SETTINGS, "public_url")):
		message = failure(consumer, set_address, doctype=doctype, **{address: url})
		assert "must be an address such as https://" in message


def set_address(doctype: str, **values) -> None:
	import frappe

	doc = frappe.get_doc(doctype) if doctype == SETTINGS else frappe.new_doc(doctype, user=SUBSCRIBER)
	doc.update(values)
	doc.save()


def test_a_producer_that_goes_by_another_address_is_named_on_day_one(producer, consumer):
	producer.run(set_settings, public_url="http://head-office.example")

	messages = consumer.run(make_and_listen, url=producer.url)

	assert len(messages) == 1
	assert f"{producer.url} calls itself http://head-office.example" in messages[0]


def make_and_listen(url: str) -> list[str]:
	import frappe

	frappe.local.message_log = []
	make_event_producer(url, [ROW])
	return [str(message) for message in frappe.local.message_log]


def test_wrong_keys_say_so(producer, consumer):
	message = failure(consumer, make_event_producer, url=producer.url, rows=[ROW], api_secret="wrong")

	assert "API key and secret" in message


def test_the_site_itself_is_refused(consumer):
	assert "this site itself" in failure(consumer, make_event_producer, url=consumer.url + "/", rows=[ROW])


def test_the_same_producer_twice_is_refused(producer, consumer):
	consumer.run(make_event_producer, url=producer.url, rows=[ROW])

	assert "already" in failure(consumer, make_event_producer, url=producer.url + "/", rows=[ROW])


def test_a_user_without_the_role_there_is_refused_with_its_name(producer, consumer):
	producer.run(set_role, add=False)
	try:
		message = failure(consumer, make_event_producer, url=producer.url, rows=[ROW])
	finally:
		producer.run(set_role, add=True)

	assert "Event Subscriber" in message


def set_role(add: bool) -> None:
	import frappe

	doc = frappe.get_doc("User", SUBSCRIBER)
	(doc.add_roles if add else doc.remove_roles)("System Manager")


def test_keys_of_another_user_there_are_refused(producer, consumer):
	producer.run(make_subscriber, user="other@example.com", keys=["otherkey", "othersecret"])

	message = failure(
		consumer,
		make_event_producer,
		url=producer.url,
		rows=[ROW],
		api_key="otherkey",
		api_secret="othersecret",
	)

	assert SUBSCRIBER in message and "other@example.com" in message


def test_a_doctype_that_the_producer_lacks_is_named(producer, consumer):
	consumer.run(
		make_doctype, name="Only Here", fields=[{"fieldname": "a", "label": "A", "fieldtype": "Data"}]
	)

	message = failure(
		consumer, make_event_producer, url=producer.url, rows=[ROW, {"ref_doctype": "Only Here"}]
	)

	assert "Only Here" in message


def test_an_event_producer_that_is_deleted_and_made_again_takes_its_record_over(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(delete, doctype="Event Producer", name=producer.url)
	missed = producer.run(insert, doctype=CITY, title=unique("missed"))

	consumer.run(make_event_producer, url=producer.url, rows=[ROW])

	assert on_consumer(consumer, producer) == {CITY: "Approved"}
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=CITY, name=city)
	assert consumer.run(read_doc, doctype=CITY, name=missed) is None


def test_another_user_cannot_take_a_consumers_record_over(producer, consumer, third):
	subscribe(consumer, producer, CITY)
	producer.run(make_subscriber, user="other@example.com", keys=["otherkey", "othersecret"])

	message = failure(producer, register_as_other, url=consumer.url)

	assert "other@example.com" in message or SUBSCRIBER in message
	assert producer.run(read_doc, doctype="Event Consumer", name=consumer.url)["user"] == SUBSCRIBER


def register_as_other(url: str) -> None:
	import json

	import frappe

	from event_streaming.event_streaming.doctype.event_consumer.event_consumer import register_consumer

	frappe.set_user("other@example.com")
	data = {"event_consumer": url, "user": "other@example.com", "api_key": "a", "api_secret": "b"}
	register_consumer(json.dumps({**data, "consumer_doctypes": json.dumps([{"doctype": CITY}])}))


def test_a_public_url_that_cannot_be_reached_is_found_on_day_one(producer, consumer):
	consumer.run(set_settings, public_url="http://127.0.0.1:9")

	message = failure(consumer, make_event_producer, url=producer.url, rows=[ROW])

	assert "http://127.0.0.1:9" in message and "Event Streaming Settings" in message


def test_a_public_url_that_is_another_site_is_found_on_day_one(producer, consumer, third):
	third.run(make_subscriber)
	consumer.run(set_settings, public_url=third.url)

	message = failure(consumer, make_event_producer, url=producer.url, rows=[ROW])

	assert third.url in message and "Event Streaming Settings" in message


def test_a_site_that_nobody_can_reach_can_still_subscribe(producer, consumer):
	consumer.run(set_settings, public_url="http://shop.invalid", not_reachable=1)
	consumer.run(make_event_producer, url=producer.url, rows=[ROW])
	producer.run(decide, consumer_url="http://shop.invalid")
	city = producer.run(insert, doctype=CITY, title=unique("city"))

	consumer.run(pull_now, event_producer=producer.url)
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=city)
	assert producer.run(due_consumers) == []


def due_consumers() -> list[str]:
	"""Who would be called now: a change is waiting for everybody."""
	import frappe

	from event_streaming.producer.notify import notifications

	frappe.get_doc({"doctype": CITY, "title": frappe.generate_hash()}).insert()
	frappe.db.commit()
	return notifications.due_consumers()


def test_whether_a_consumer_can_be_reached_is_as_it_last_said(producer, consumer):
	subscribe(consumer, producer, CITY)
	assert producer.run(due_consumers) == [consumer.url]

	consumer.run(set_settings, not_reachable=1)
	pull(consumer, producer)
	assert producer.run(due_consumers) == []

	consumer.run(set_settings, not_reachable=0)
	pull(consumer, producer)
	assert producer.run(due_consumers) == [consumer.url]


def test_nobody_learns_from_a_registration_whether_a_user_exists(producer, consumer):
	producer.run(make_plain_user)
	answers = []
	for user in (SUBSCRIBER, "nobody-at-all@example.com"):
		with pytest.raises(RestError) as raised:
			producer.rest(PLAIN).method(
				f"{CONSUMER_FORM}.register_consumer",
				data=json.dumps({"event_consumer": "http://elsewhere.example", "user": user}),
			)
		assert raised.value.status == 403
		answers.append(raised.value.message.replace(user, "USER"))
	assert answers[0] == answers[1]


def make_plain_user() -> None:
	import frappe

	if not frappe.db.exists("User", PLAIN):
		frappe.get_doc(
			{"doctype": "User", "email": PLAIN, "first_name": "P", "send_welcome_email": 0}
		).insert()


def test_a_consumer_that_is_deleted_leaves_nothing_of_what_it_was_sent(producer, consumer, third):
	with_orders(third)
	for each in (consumer, third):
		subscribe(each, producer, CITY)
	producer.run(insert, doctype=CITY, title=unique("city"))
	for each in (consumer, third):
		pull(each, producer)
	producer.start_worker()

	producer.run(delete, doctype="Event Consumer", name=consumer.url)

	wait_for(lambda: producer.run(sent_to) == [third.url], "forgetting")


def sent_to() -> list[str]:
	import frappe

	return frappe.get_all("Event Delivery Hour", pluck="consumer")


def test_a_decision_made_while_the_consumer_is_down_arrives_with_the_next_pull(producer, consumer):
	consumer.run(make_event_producer, url=producer.url, rows=[ROW])
	consumer.stop_web()
	try:
		producer.run(decide, consumer_url=consumer.url)
	finally:
		consumer.start_web()
	assert on_consumer(consumer, producer) == {CITY: "Pending"}

	pull(consumer, producer)

	assert on_consumer(consumer, producer) == {CITY: "Approved"}


def test_a_change_made_while_the_producer_is_down_arrives_with_the_next_pull(producer, consumer):
	subscribe(consumer, producer, CITY, ORDER)
	producer.stop_web()
	try:
		consumer.run(change_rows, name=producer.url)
	finally:
		producer.start_web()

	pull(consumer, producer)

	assert rows_on_producer(consumer, producer) == [(ORDER, "Approved", 1), ("ToDo", "Pending", 0)]


def test_a_row_that_is_only_removed_while_the_producer_is_down_is_removed_with_the_next_pull(
	producer, consumer
):
	subscribe(consumer, producer, CITY, ORDER)
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	order = producer.run(insert, doctype=ORDER, title=unique("order"))
	producer.stop_web()
	try:
		consumer.run(remove_row, name=producer.url, doctype=CITY)
	finally:
		producer.start_web()

	pull(consumer, producer)

	assert rows_on_producer(consumer, producer) == [(ORDER, "Approved", 0)]
	assert [(log["producer_doc"], log["status"]) for log in sync_logs(consumer)] == [(order, "Synced")]
	assert consumer.run(read_doc, doctype=CITY, name=city) is None


def remove_row(name: str, doctype: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	doc.remove(next(row for row in doc.producer_doctypes if row.ref_doctype == doctype))
	doc.save()


def test_a_pull_that_began_before_a_change_does_not_take_it_back(producer, consumer):
	subscribe(consumer, producer, CITY)

	consumer.run(settle_with_an_old_picture, name=producer.url)

	assert rows_on_producer(consumer, producer) == [(CITY, "Approved", 0), (ORDER, "Pending", 0)]


def settle_with_an_old_picture(name: str) -> None:
	import frappe

	from event_streaming.consumer.subscriptions import agreement
	from event_streaming.consumer.subscriptions.remote import Producer

	old, doc = frappe.get_doc("Event Producer", name), frappe.get_doc("Event Producer", name)
	doc.append("producer_doctypes", {"ref_doctype": ORDER, "use_same_name": 1})
	doc.save()
	frappe.db.commit()
	producer = Producer(doc)
	fresh = agreement.settle(old, producer, producer.get_page(0))
	assert [row.ref_doctype for row in fresh.producer_doctypes] == [CITY, ORDER]


def test_two_decisions_made_at_once_both_hold(producer, consumer):
	subscribe(consumer, producer, CITY, ORDER, approve=False)
	other = producer.shell()
	# the picture of the database that this transaction goes on seeing
	other.run(read_rows, doctype="Event Consumer", filters={}, commit=False)

	producer.run(approve_one, event_consumer=consumer.url, doctype=CITY)
	other.run(approve_one, event_consumer=consumer.url, doctype=ORDER)

	rows = producer.run(read_rows, doctype="Event Consumer Document Type", filters={})
	assert {row["ref_doctype"]: row["status"] for row in rows} == {CITY: "Approved", ORDER: "Approved"}


def approve_one(event_consumer: str, doctype: str) -> None:
	from event_streaming.admin.decisions import approve

	approve(event_consumer, [doctype])


def test_a_changed_condition_is_pending_again(producer, consumer):
	subscribe(consumer, producer, CITY)

	consumer.run(set_condition, name=producer.url, condition="doc.country_name == 'Siam'")

	assert on_producer(consumer, producer) == on_consumer(consumer, producer) == {CITY: "Pending"}


def set_condition(name: str, condition: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	doc.producer_doctypes[0].condition = condition
	doc.save()


def test_a_registration_that_breaks_off_leaves_no_keys_in_the_error_log(producer, consumer):
	data = {
		"event_consumer": consumer.url,
		"user": SUBSCRIBER,
		"api_key": "theirkey",
		"api_secret": "theirsecret",
		"consumer_token": "theirtoken" * 5,
	}
	data["consumer_doctypes"] = json.dumps([{"doctype": CITY}])
	table, away = "tabEvent Consumer Document Type", "tabAway"
	logged_before = {log["name"] for log in producer.run(read_rows, doctype="Error Log", filters={})}
	producer.run(rename_table, old=table, new=away)
	try:
		with pytest.raises(RestError, match="could not finish the registration") as raised:
			producer.rest(SUBSCRIBER).method(f"{CONSUMER_FORM}.register_consumer", data=json.dumps(data))
	finally:
		producer.run(rename_table, old=away, new=table)

	assert raised.value.status == 425
	producer.run(write_deferred)
	logs = producer.run(read_rows, doctype="Error Log", filters={})
	logs = [log for log in logs if log["name"] not in logged_before]
	assert [log["method"] for log in logs] == ["Event Streaming: a registration broke off"]
	assert "Event Consumer Document Type" in logs[0]["error"]
	written = json.dumps(logs) + producer.log("web")
	assert "theirsecret" not in written and "theirtoken" not in written
	assert producer.run(read_rows, doctype="Event Consumer", filters={}) == []


def rename_table(old: str, new: str) -> None:
	import frappe

	frappe.db.sql_ddl(f"ALTER TABLE `{old}` RENAME TO `{new}`")


def write_deferred() -> None:
	from frappe.deferred_insert import save_to_db

	save_to_db()


def test_the_consumer_is_told_of_a_decision_when_nothing_is_locked_any_more(producer, consumer):
	subscribe(consumer, producer, CITY, approve=False)

	assert producer.run(is_free_when_told, event_consumer=consumer.url) == [True]


def is_free_when_told(event_consumer: str) -> list[bool]:
	"""Whether another connection gets the Event Consumer's row, with the decision, while the consumer is told."""
	import frappe

	from event_streaming.admin.decisions import approve
	from event_streaming.http.client import SiteClient

	seen, call = [], SiteClient.call

	def look(*args, **options):
		own = frappe.local.db
		frappe.connect(set_admin_as_user=False)
		other, frappe.local.db = frappe.local.db, own
		try:
			other.sql(
				"select name from `tabEvent Consumer` where name = %s for update nowait", event_consumer
			)
			seen.append(True)
		except Exception:
			seen.append(False)
		finally:
			other.close()

	SiteClient.call = look
	try:
		approve(event_consumer)
		frappe.db.commit()
	finally:
		SiteClient.call = call
	return seen


# ---- the same address, and another log behind it


def begin_log_anew() -> None:
	"""The site was made anew from a copy of its documents: no event, no consumer and no position is left. Runs inside the producer."""
	from pathlib import Path

	import frappe

	from event_streaming.producer.log.sequence import COUNTER
	from event_streaming.producer.subscriptions.streamed import refresh_streamed_doctypes

	for doctype in ("Event Consumer", "Event Consumer Document Type", "Event Update Log", "Event Log Epoch"):
		frappe.db.delete(doctype)
	series = frappe.qb.DocType("Series")
	frappe.qb.update(series).set(series.current, 0).where(series.name == COUNTER).run()
	frappe.db.commit()
	Path(frappe.get_site_path("event_streaming_log.json")).unlink(missing_ok=True)
	refresh_streamed_doctypes()
	frappe.clear_cache()


def set_country(name: str, country: str) -> None:
	"""Past the document life cycle: no event tells of it."""
	import frappe

	frappe.db.set_value(CITY, name, "country_name", country, update_modified=False)


def test_an_event_producer_that_is_made_again_for_a_site_that_was_made_anew_takes_its_changes(
	producer, consumer
):
	"""What its former log had got to says nothing of the new one, which counts from one again."""
	name = unique("anew")
	producer.run(insert, doctype=CITY, title=name)
	subscribe(consumer, producer, CITY)
	for _each in range(5):
		producer.run(insert, doctype=CITY, title=unique("other"))
	producer.run(change, doctype=CITY, name=name, country_name="Siam")
	pull(consumer, producer)
	consumer.run(delete, doctype="Event Producer", name=producer.url)
	producer.run(begin_log_anew)
	producer.run(set_country, name=name, country="unknown")
	consumer.run(make_event_producer, url=producer.url, rows=[ROW])
	producer.run(decide, consumer_url=consumer.url)

	producer.run(change, doctype=CITY, name=name, title=name, country_name="Thailand")
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=name)["country_name"] == "Thailand"
	(state,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={})
	assert state["restored_on"]


def test_an_event_producer_that_is_made_again_for_the_same_log_goes_on(producer, consumer):
	name = unique("again")
	producer.run(insert, doctype=CITY, title=name)
	subscribe(consumer, producer, CITY)
	producer.run(change, doctype=CITY, name=name, country_name="Siam")
	pull(consumer, producer)
	before = consumer.run(read_rows, doctype="Event Document Identity", filters={"remote_name": name})
	consumer.run(delete, doctype="Event Producer", name=producer.url)

	consumer.run(make_event_producer, url=producer.url, rows=[ROW])

	after = consumer.run(read_rows, doctype="Event Document Identity", filters={"remote_name": name})
	assert [row["covered_to"] for row in after] == [row["covered_to"] for row in before] != [0]
	(state,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={})
	assert not state["restored_on"]
