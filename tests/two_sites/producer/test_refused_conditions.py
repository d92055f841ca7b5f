"""A condition that the producer refuses is not saved; one that could not be asked for yet lets nothing wider through; of one
that nobody has approved nothing is done, and what it costs is bounded."""

import json
import time

import pytest
from doctypes import ORDER, with_orders
from documents import insert, read_doc, unique
from streams import KEYS, NOBODY_URL, SUBSCRIBER, make_event_consumer, make_subscriber, pull, subscribe

from sandbox.sites.rest import RestError
from sandbox.sites.shell import RemoteError

REGISTER = "event_streaming.event_streaming.doctype.event_consumer.event_consumer.register_consumer"
# a module that nothing else imports
MODULE = "event_streaming.patches.v1_0.older_app.origins"


@pytest.fixture
def subscribed(consumer, producer):
	with_orders(consumer, producer)
	subscribe(consumer, producer, ORDER, condition="doc.docstatus < 2")


def set_condition(producer_url: str, condition: str) -> list:
	"""The messages of the save."""
	import frappe

	doc = frappe.get_doc("Event Producer", producer_url)
	doc.producer_doctypes[0].condition = condition
	doc.save()
	return [str(message) for message in frappe.local.message_log]


def row_of(doctype: str, name: str) -> dict:
	import frappe

	doc = frappe.get_doc(doctype, name)
	row = doc.get("producer_doctypes") or doc.get("consumer_doctypes")
	return {"condition": row[0].condition, "status": row[0].status}


def what_is_said(event_producer: str) -> str:
	import frappe

	return (
		frappe.db.get_value("Event Producer Last Update", {"event_producer": event_producer}, "last_warning")
		or ""
	)


def troubles() -> list[str]:
	from event_streaming.admin.alerts import troubles
	from event_streaming.site.settings import get_settings

	return [each.kind for each in troubles(get_settings())]


@pytest.mark.parametrize(
	"condition, word", [("foo(doc)", "foo"), ("doc.title ==", "Python"), ("doc.publik == 1", "publik")]
)
def test_a_condition_that_the_producer_refuses_is_not_saved(consumer, producer, subscribed, condition, word):
	with pytest.raises(RemoteError) as refused:
		consumer.run(set_condition, producer_url=producer.url, condition=condition)

	assert word in refused.value.message
	there = producer.run(row_of, doctype="Event Consumer", name=consumer.url)
	assert there == {"condition": "doc.docstatus < 2", "status": "Approved"}
	assert consumer.run(row_of, doctype="Event Producer", name=producer.url) == there


def test_a_condition_refused_at_the_next_contact_lets_nothing_wider_through(consumer, producer, subscribed):
	producer.stop_web()
	try:
		messages = consumer.run(set_condition, producer_url=producer.url, condition="doc.publik == 1")
	finally:
		producer.start_web()
	assert any("has no effect yet" in message for message in messages)
	name = producer.run(insert, doctype=ORDER, title=unique("order"))

	pull(consumer, producer)
	later = producer.run(insert, doctype=ORDER, title=unique("order"))
	pull(consumer, producer)

	assert producer.run(row_of, doctype="Event Consumer", name=consumer.url)["status"] == "Pending"
	assert consumer.run(row_of, doctype="Event Producer", name=producer.url)["status"] == "Pending"
	assert "publik" in consumer.run(what_is_said, event_producer=producer.url)
	# what else is subscribed to goes on: nobody is alerted of pulls that end with an error
	assert consumer.run(troubles) == []
	assert [consumer.run(read_doc, doctype=ORDER, name=each) for each in (name, later)] == [None, None]


@pytest.fixture
def site(producer):
	with_orders(producer)
	producer.run(make_subscriber)
	return producer


def registered(site, condition: str) -> None:
	data = {
		"event_consumer": NOBODY_URL,
		"consumer_doctypes": json.dumps([{"doctype": ORDER, "condition": condition}]),
		"user": SUBSCRIBER,
		"api_key": KEYS[0],
		"api_secret": KEYS[1],
		"protocol": 2,
		"reachable": 0,
	}
	site.rest(SUBSCRIBER).method(REGISTER, data=json.dumps(data))


def register_here(condition: str) -> list:
	"""In this process: whether the module was imported, and the status of the row."""
	import sys

	import frappe

	from event_streaming.producer.registration.register import register

	sys.modules.pop(MODULE, None)
	frappe.set_user(SUBSCRIBER)
	data = {
		"event_consumer": NOBODY_URL,
		"consumer_doctypes": [{"doctype": ORDER, "condition": condition}],
		"user": SUBSCRIBER,
		"api_key": KEYS[0],
		"api_secret": KEYS[1],
		"protocol": 2,
	}
	try:
		answer = register(data)
	finally:
		frappe.set_user("Administrator")
	return [MODULE in sys.modules, answer["subscriptions"][ORDER]["status"]]


def test_registering_imports_nothing(site):
	assert site.run(register_here, condition=f"cmd: {MODULE}.execute") == [False, "Pending"]


def test_who_approves_is_told_that_there_is_no_such_function(site):
	registered(site, f"cmd: {MODULE}.not_there")

	with pytest.raises(RestError) as refused:
		site.rest().method("event_streaming.api.approve", event_consumer=NOBODY_URL)

	assert "no function that can be found" in str(refused.value)
	assert (
		site.run(read_doc, doctype="Event Consumer", name=NOBODY_URL)["consumer_doctypes"][0]["status"]
		== "Pending"
	)


@pytest.mark.parametrize(
	"path",
	[
		"frappe.utils.now",
		"nowhere.at.all",
		"event_streaming",
		"event_streaming.api",
		"event_streaming..api.approve",
		"event_streaming.__init__.x",
		"event_streaming.api.approve()",
		"event_streaming.api.approve; import os",
	],
)
def test_what_names_no_function_of_an_app_is_refused_when_it_registers(site, path):
	with pytest.raises(RestError):
		registered(site, f"cmd: {path}")


@pytest.mark.parametrize(
	("condition", "title"),
	[
		("doc.title * 999999999 == 'x'", "o"),
		("any(row.item == 'x' for row in doc.rows for each in doc.title for other in doc.title)", "o"),
		("'%999999999d' % 1 == doc.title", "o"),
	],
)
def test_what_would_cost_without_end_is_refused_or_ends(site, condition, title):
	begun = time.monotonic()
	try:
		registered(site, condition)
	except RestError as refused:
		assert "is not allowed" in str(refused)
	else:
		site.rest().method("event_streaming.api.approve", event_consumer=NOBODY_URL)
		order = site.run(insert, doctype=ORDER, title=unique(title))
		page = site.rest(SUBSCRIBER).method(
			"event_streaming.endpoints.get_page", event_consumer=NOBODY_URL, cursor=0
		)
		assert order not in [event["docname"] for event in page["events"]] and page["warnings"]
	assert time.monotonic() - begun < 20


def test_a_thai_text_is_compared_as_it_is_written(site):
	"""Frappe normalises what it evaluates, by which this vowel is another than in the document."""
	rows = [{"ref_doctype": ORDER, "status": "Approved", "condition": "doc.title == 'น้ำ'"}]
	site.run(make_event_consumer, url=NOBODY_URL, rows=rows)
	order = site.run(insert, doctype=ORDER, title="น้ำ")

	page = site.rest(SUBSCRIBER).method(
		"event_streaming.endpoints.get_page", event_consumer=NOBODY_URL, cursor=0
	)

	assert [event["docname"] for event in page["events"]] == [order]
