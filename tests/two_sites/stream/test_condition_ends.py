"""A document that was sent and no longer meets its condition: it is kept, or removed, as the subscription says."""

import pytest
from doctypes import CITY, ORDER, TICKET, with_orders
from documents import change, delete, insert, read_doc, read_rows, unique
from logs import sync_logs
from streams import pull, subscribe

URGENT = "doc.urgent == 1"


@pytest.fixture
def subscribe_with(producer, consumer):
	with_orders(producer, consumer)

	def make(condition: str = URGENT, **values):
		subscribe(consumer, producer, ORDER, condition=condition, **values)

	return make


def make_order(site, **values) -> str:
	return site.run(insert, doctype=ORDER, title=unique("order"), **values)


def test_by_default_the_document_stays_as_it_was(producer, consumer, subscribe_with):
	subscribe_with()
	order = make_order(producer, urgent=1, note="then")
	pull(consumer, producer)

	producer.run(change, doctype=ORDER, name=order, urgent=0, note="now")
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=order)["note"] == "then"
	assert len(sync_logs(consumer)) == 1


def test_the_choice_is_on_both_forms_and_can_be_changed(producer, consumer, subscribe_with):
	subscribe_with(when_condition_ends="Remove")
	(row,) = producer.run(read_rows, doctype="Event Consumer Document Type", filters={})
	assert row["when_condition_ends"] == "Remove"

	consumer.run(choose, event_producer=producer.url, value="Keep")

	(row,) = producer.run(read_rows, doctype="Event Consumer Document Type", filters={})
	assert (row["when_condition_ends"], row["status"]) == ("Keep", "Approved")


def choose(event_producer: str, value: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.producer_doctypes[0].when_condition_ends = value
	doc.save()


@pytest.mark.parametrize(("doctype", "use_same_name"), [(TICKET, 0), (ORDER, 1)])
def test_remove_deletes_it_and_it_comes_back_when_it_meets_the_condition_again(
	producer, consumer, doctype, use_same_name
):
	with_orders(producer, consumer)
	subscribe(
		consumer,
		producer,
		doctype,
		condition=URGENT,
		when_condition_ends="Remove",
		use_same_name=use_same_name,
	)
	order = producer.run(insert, doctype=doctype, title=unique("order"), urgent=1)
	never = producer.run(insert, doctype=doctype, title=unique("order"))
	pull(consumer, producer)
	(log,) = sync_logs(consumer)

	producer.run(change, doctype=doctype, name=order, urgent=0)
	producer.run(change, doctype=doctype, name=never, note="not for you")
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=doctype, name=log["docname"]) is None
	assert [(log["update_type"], log["status"]) for log in sync_logs(consumer)[1:]] == [("Delete", "Synced")]
	assert "No longer meets the condition" in sync_logs(consumer)[1]["outcome"]

	producer.run(
		change, doctype=doctype, name=order, urgent=1, note="back", rows=[{"item": "bolt", "qty": 2}]
	)
	pull(consumer, producer)
	back = sync_logs(consumer)[-1]
	doc = consumer.run(read_doc, doctype=doctype, name=back["docname"])
	assert (doc["note"], len(doc["rows"])) == ("back", 1)
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def test_it_is_told_once_however_often_the_document_changes_afterwards(producer, consumer, subscribe_with):
	subscribe_with(when_condition_ends="Remove")
	order = make_order(producer, urgent=1)
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=order, urgent=0)
	producer.run(change, doctype=ORDER, name=order, note="more")
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=order, note="and more")
	pull(consumer, producer)

	assert [log["update_type"] for log in sync_logs(consumer)] == ["Create", "Delete"]


def test_a_submitted_copy_is_cancelled_and_deleted(producer, consumer, subscribe_with):
	subscribe_with(condition="doc.docstatus == 1", when_condition_ends="Remove")
	order = make_order(producer)
	producer.run(submit, name=order)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=ORDER, name=order)["docstatus"] == 1

	producer.run(cancel, name=order)
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=order) is None
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def submit(name: str) -> None:
	import frappe

	frappe.get_doc(ORDER, name).submit()


def cancel(name: str) -> None:
	import frappe

	frappe.get_doc(ORDER, name).cancel()


def test_a_condition_that_fails_removes_nothing(producer, consumer, subscribe_with):
	subscribe_with(condition="doc.total > 5 or 1 / (1 - doc.urgent) > 5", when_condition_ends="Remove")
	order = make_order(producer, total=10)
	pull(consumer, producer)

	producer.run(change, doctype=ORDER, name=order, total=1, urgent=1)
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=order)


def test_a_document_that_leaves_and_is_deleted_is_gone(producer, consumer, subscribe_with):
	subscribe_with(when_condition_ends="Remove")
	order = make_order(producer, urgent=1)
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=order, urgent=0)
	producer.run(delete, doctype=ORDER, name=order)
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=order) is None
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def test_what_was_first_made_on_the_consumer_is_not_removed_there(producer, consumer):
	"""Both subscribe to each other; the consumer's own document is no copy."""
	with_orders(producer, consumer)
	condition = "doc.country_name != 'Nowhere'"
	subscribe(consumer, producer, CITY, condition=condition, when_condition_ends="Remove")
	subscribe(producer, consumer, CITY)
	city = consumer.run(insert, doctype=CITY, title=unique("city"))
	pull(producer, consumer)
	producer.run(change, doctype=CITY, name=city, country_name="Siam")
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=CITY, name=city)["country_name"] == "Siam"

	producer.run(change, doctype=CITY, name=city, country_name="Nowhere")
	pull(consumer, producer)
	pull(producer, consumer)

	assert "kept" in sync_logs(consumer)[-1]["outcome"]
	assert consumer.run(read_doc, doctype=CITY, name=city)
	assert producer.run(read_doc, doctype=CITY, name=city)
