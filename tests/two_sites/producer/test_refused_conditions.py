"""A condition that the producer refuses is not saved; one that could not be asked for yet lets nothing wider through."""

import pytest
from doctypes import ORDER, with_orders
from documents import insert, read_doc, unique
from streams import pull, subscribe

from sandbox.sites.shell import RemoteError


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


def last_error(event_producer: str) -> str:
	import frappe

	return (
		frappe.db.get_value("Event Producer Last Update", {"event_producer": event_producer}, "last_error")
		or ""
	)


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
	assert any("not in force yet" in message for message in messages)
	name = producer.run(insert, doctype=ORDER, title=unique("order"))

	pull(consumer, producer)
	later = producer.run(insert, doctype=ORDER, title=unique("order"))
	pull(consumer, producer)

	assert producer.run(row_of, doctype="Event Consumer", name=consumer.url)["status"] == "Pending"
	assert consumer.run(row_of, doctype="Event Producer", name=producer.url)["status"] == "Pending"
	assert "publik" in consumer.run(last_error, event_producer=producer.url)
	assert [consumer.run(read_doc, doctype=ORDER, name=each) for each in (name, later)] == [None, None]
