"""Unsubscribe and subscribe again; approve, reject, approve again: what is delivered and what is not."""

import pytest
from doctypes import CITY, ORDER, make_doctype
from documents import change, delete, insert, read_doc, unique
from logs import sync_logs, update_logs
from streams import decide, pull, require_field, require_nothing, set_unsubscribed, subscribe, wait_for

COUNTED = "Streamed Counted"
pytestmark = pytest.mark.usefixtures("orders")


def new_city(producer) -> str:
	return producer.run(insert, doctype=CITY, title=unique("city"))


def is_here(consumer, city: str) -> bool:
	return consumer.run(read_doc, doctype=CITY, name=city) is not None


def test_what_changes_while_unsubscribed_does_not_come_and_what_comes_after_does(producer, consumer):
	subscribe(consumer, producer, CITY, ORDER)
	consumer.run(set_unsubscribed, name=producer.url, doctype=CITY, unsubscribed=1)
	meanwhile = new_city(producer)
	pull(consumer, producer)

	consumer.run(set_unsubscribed, name=producer.url, doctype=CITY, unsubscribed=0)
	after = new_city(producer)
	pull(consumer, producer)

	assert (is_here(consumer, meanwhile), is_here(consumer, after)) == (False, True)


def test_the_approval_holds_while_unsubscribed(producer, consumer):
	subscribe(consumer, producer, CITY)
	for unsubscribed in (1, 0):
		consumer.run(set_unsubscribed, name=producer.url, doctype=CITY, unsubscribed=unsubscribed)

	(row,) = consumer.run(read_doc, doctype="Event Producer", name=producer.url)["producer_doctypes"]
	assert row["status"] == "Approved"


def test_a_change_after_subscribing_again_brings_what_was_missed_of_that_document(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(set_unsubscribed, name=producer.url, doctype=CITY, unsubscribed=1)
	meanwhile = new_city(producer)
	consumer.run(set_unsubscribed, name=producer.url, doctype=CITY, unsubscribed=0)

	producer.run(change, doctype=CITY, name=meanwhile, country_name="Siam")
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=meanwhile)["country_name"] == "Siam"


def test_what_was_logged_but_not_pulled_before_unsubscribing_does_not_come_later(producer, consumer):
	subscribe(consumer, producer, CITY)
	before = new_city(producer)
	consumer.run(set_unsubscribed, name=producer.url, doctype=CITY, unsubscribed=1)

	consumer.run(set_unsubscribed, name=producer.url, doctype=CITY, unsubscribed=0)
	pull(consumer, producer)

	assert not is_here(consumer, before)


def test_rejecting_stops_and_approving_again_starts_from_then(producer, consumer):
	subscribe(consumer, producer, CITY)
	first = new_city(producer)
	pull(consumer, producer)

	producer.run(decide, consumer_url=consumer.url, status="Rejected")
	second = new_city(producer)
	pull(consumer, producer)
	producer.run(decide, consumer_url=consumer.url, status="Approved")
	third = new_city(producer)
	pull(consumer, producer)

	assert [is_here(consumer, city) for city in (first, second, third)] == [True, False, True]


def test_a_document_deleted_while_unsubscribed_stays(producer, consumer):
	"""Nothing is known of it afterwards; verify finds it."""
	subscribe(consumer, producer, CITY)
	city = new_city(producer)
	pull(consumer, producer)
	consumer.run(set_unsubscribed, name=producer.url, doctype=CITY, unsubscribed=1)

	producer.run(delete, doctype=CITY, name=city)
	consumer.run(set_unsubscribed, name=producer.url, doctype=CITY, unsubscribed=0)
	pull(consumer, producer)

	assert is_here(consumer, city)


def test_logging_ends_when_nobody_is_subscribed_any_more(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(set_unsubscribed, name=producer.url, doctype=CITY, unsubscribed=1)
	before = len(update_logs(producer))

	new_city(producer)

	assert len(update_logs(producer)) == before


def test_a_document_whose_link_was_renamed_since_arrives_as_it_is_now(producer, consumer):
	"""Its Create says the old name of a city that has a new one by now, and nobody subscribes to cities."""
	subscribe(consumer, producer, ORDER)
	old, new = unique("old town"), unique("new town")
	producer.run(insert, doctype=CITY, title=old)
	order = producer.run(insert, doctype=ORDER, title=unique("order"), city=old)
	producer.run(rename, doctype=CITY, old=old, new=new)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=order)["city"] == new
	assert [log["status"] for log in sync_logs(consumer)] == ["Synced"]


def rename(doctype: str, old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(doctype, old, new)


def test_resync_all_failed_tries_everything_in_the_background(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(require_country, required=1)
	try:
		cities = [new_city(producer) for _each in range(3)]
		pull(consumer, producer)
		assert {log["status"] for log in sync_logs(consumer)} == {"Retrying"}
	finally:
		consumer.run(require_country, required=0)
	consumer.start_worker()

	asked = consumer.rest().method(
		"event_streaming.event_streaming.doctype.event_sync_log.event_sync_log.resync_all_failed"
	)

	assert asked == 3
	wait_for(lambda: all(is_here(consumer, city) for city in cities))
	wait_for(lambda: {log["status"] for log in sync_logs(consumer)} == {"Synced"})
	assert {log["retried_by"] for log in sync_logs(consumer)} == {"Administrator"}


def require_country(required: int) -> None:
	"""A rule of the consumer's own, on and off."""
	if required:
		require_field(CITY, "country_name")
	else:
		require_nothing(CITY)


def test_what_a_paused_consumer_has_not_taken_is_not_cleared(producer, consumer):
	subscribe(consumer, producer, CITY)
	first = new_city(producer)
	pull(consumer, producer)
	producer.run(set_paused, consumer_url=consumer.url, paused=1)
	city = new_city(producer)
	# the newest event is always kept: this one is not it
	new_city(producer)

	producer.run(clear_everything)
	producer.run(set_paused, consumer_url=consumer.url, paused=0)
	pull(consumer, producer)

	assert is_here(consumer, city) and is_here(consumer, first)


def set_paused(consumer_url: str, paused: int) -> None:
	import frappe

	frappe.db.set_value("Event Consumer", consumer_url, "paused", paused)
	frappe.clear_document_cache("Event Consumer", consumer_url)


def clear_everything() -> None:
	from event_streaming.producer.log.retention import clear_update_log
	from event_streaming.producer.log.sequence import assign_positions

	assign_positions()
	clear_update_log(0)


def test_a_condition_may_look_at_the_document_from_inside_a_comprehension(producer, consumer):
	subscribe(consumer, producer, ORDER, condition="all(row.item != doc.title for row in doc.rows)")
	same = unique("order")
	producer.run(insert, doctype=ORDER, title=same, rows=[{"item": same, "qty": 1}])
	other = producer.run(insert, doctype=ORDER, title=unique("order"), rows=[{"item": "bolt", "qty": 1}])

	pull(consumer, producer)

	assert [log["producer_doc"] for log in sync_logs(consumer)] == [other]


def test_numbers_that_came_as_names_are_not_given_to_the_sites_own_documents(producer, consumer):
	for site in (producer, consumer):
		site.run(make_counted)
	subscribe(consumer, producer, COUNTED)
	names = [producer.run(insert, doctype=COUNTED, title="there") for _each in range(3)]
	pull(consumer, producer)

	mine = consumer.run(insert, doctype=COUNTED, title="here")

	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	assert int(mine) > max(int(name) for name in names)


def make_counted() -> None:
	import frappe

	make_doctype(
		COUNTED, [{"fieldname": "title", "label": "Title", "fieldtype": "Data"}], autoname="autoincrement"
	)
	# of another run: the two sites' numbers would meet
	frappe.db.delete(COUNTED)
