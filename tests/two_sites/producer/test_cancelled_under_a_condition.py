"""A document that is cancelled ends on the consumer too, whatever the condition says, if the consumer has it."""

import pytest
from doctypes import ORDER, with_orders
from documents import insert, read_doc, unique
from logs import sync_logs
from streams import pull, subscribe

SUBMITTED_ONLY = "doc.docstatus == 1"


@pytest.fixture
def subscribed(consumer, producer, request):
	with_orders(consumer, producer)
	ends = getattr(request, "param", "Keep")
	subscribe(consumer, producer, ORDER, condition=SUBMITTED_ONLY, when_condition_ends=ends)
	return ends


def make_order(site, docstatus: int = 1) -> str:
	return site.run(insert, doctype=ORDER, title=unique("order"), docstatus=docstatus)


def cancel(name: str) -> None:
	import frappe

	frappe.get_doc(ORDER, name).cancel()


def set_note(name: str, note: str) -> None:
	import frappe

	frappe.get_doc(ORDER, name).db_set("note", note)


def amend(name: str) -> str:
	import frappe

	new = frappe.copy_doc(frappe.get_doc(ORDER, name))
	new.docstatus = 1
	return new.insert().name


@pytest.mark.parametrize("subscribed", ["Keep", "Remove"], indirect=True)
def test_a_cancellation_is_told_under_a_condition_for_submitted_documents(consumer, producer, subscribed):
	name = make_order(producer)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=ORDER, name=name)["docstatus"] == 1

	producer.run(cancel, name=name)
	pull(consumer, producer)

	here = consumer.run(read_doc, doctype=ORDER, name=name)
	assert here is None if subscribed == "Remove" else here["docstatus"] == 2
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def test_what_was_cancelled_before_it_came_stays_away(consumer, producer, subscribed):
	name = make_order(producer)
	producer.run(cancel, name=name)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=name) is None
	assert sync_logs(consumer) == []


def test_later_changes_of_a_cancelled_document_stay_away(consumer, producer, subscribed):
	name = make_order(producer)
	pull(consumer, producer)
	producer.run(cancel, name=name)
	pull(consumer, producer)

	producer.run(set_note, name=name, note="for this site only")
	pull(consumer, producer)

	here = consumer.run(read_doc, doctype=ORDER, name=name)
	assert here["docstatus"] == 2 and not here["note"]


def test_a_cancellation_and_what_follows_it_in_one_page(consumer, producer, subscribed):
	name = make_order(producer)
	pull(consumer, producer)
	producer.run(set_note, name=name, note="last before the end")
	producer.run(cancel, name=name)
	amended = producer.run(amend, name=name)

	pull(consumer, producer)

	here = consumer.run(read_doc, doctype=ORDER, name=name)
	assert here["docstatus"] == 2
	assert consumer.run(read_doc, doctype=ORDER, name=amended)["docstatus"] == 1
