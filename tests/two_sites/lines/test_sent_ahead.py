"""What a producer keeps of what it has sent ahead: what did not arrive is known, and a request looks at the last answers alone."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, read_doc, set_settings, unique
from logs import update_logs
from streams import pull
from test_priorities import (
	ask_and_forget,
	come_in,
	delete_order,
	make_many,
	make_order,
	pull_pages,
	subscribe_in_order,
)

PAGE = 20


@pytest.fixture(autouse=True)
def small_pages(producer, consumer):
	with_orders(producer, consumer)
	consumer.run(set_settings, events_per_page=PAGE, events_per_commit=3)


def rows_looked_at(consumer_url: str, taken: dict | None = None) -> int:
	"""How many rows the database gives where the consumer's next request is looked at; `taken` as if it said that."""
	import frappe

	from event_streaming.producer.log.deliveries import forget_undelivered
	from event_streaming.producer.subscriptions.reader import reader_for
	from event_streaming.wire.wishes.priorities import read_taken

	consumer = frappe.get_doc("Event Consumer", consumer_url)
	reader = reader_for(consumer, consumer.position, None, None)
	reader.taken = read_taken(consumer.taken_ahead) if taken is None else taken
	found, original = [], frappe.db.sql

	def counted(*args, **kwargs):
		rows = original(*args, **kwargs)
		found.extend(rows or ())
		return rows

	frappe.db.sql = counted
	try:
		forget_undelivered(reader)
	finally:
		del frappe.db.sql
	frappe.db.rollback()
	return len(found)


def delivered(consumer_url: str) -> int:
	import frappe

	return frappe.db.count("Event Update Log Consumer", {"consumer": consumer_url})


def make_many_orders(prefix: str, count: int) -> list[str]:
	import frappe

	names = []
	for number in range(count):
		names.append(
			frappe.get_doc({"doctype": ORDER, "title": f"{prefix} {number}", "total": 1}).insert().name
		)
		frappe.db.commit()
	return names


def test_a_request_looks_at_what_the_last_answer_sent_and_not_at_all_that_was_taken_ahead(producer, consumer):
	subscribe_in_order(consumer, producer, order={"condition": "doc.total < 100"})
	producer.run(make_many, prefix=unique("city"))
	producer.run(make_many_orders, prefix=unique("order"), count=3 * PAGE)

	consumer.run(pull_pages, event_producer=producer.url, pages=3)

	assert producer.run(delivered, consumer_url=consumer.url) == 3 * PAGE
	assert 0 < producer.run(rows_looked_at, consumer_url=consumer.url) <= PAGE
	# nothing more of them comes, and a page of cities has no rows
	consumer.run(pull_pages, event_producer=producer.url, pages=2)
	assert producer.run(delivered, consumer_url=consumer.url) == 3 * PAGE
	assert producer.run(rows_looked_at, consumer_url=consumer.url) == 0


def test_of_a_consumer_that_went_back_all_is_looked_at(producer, consumer):
	subscribe_in_order(consumer, producer, order={"condition": "doc.total < 100"})
	producer.run(make_many, prefix=unique("city"))
	producer.run(make_many_orders, prefix=unique("order"), count=2 * PAGE)
	consumer.run(pull_pages, event_producer=producer.url, pages=4)
	head = max(log["position"] for log in update_logs(producer))

	# of another DocType it has as much as before
	taken = {ORDER: head - PAGE, CITY: head}

	assert producer.run(rows_looked_at, consumer_url=consumer.url, taken=taken) == 2 * PAGE


def test_a_low_row_that_did_not_arrive_is_not_taken_for_delivered(producer, consumer):
	subscribe_in_order(consumer, producer, city={"condition": "doc.country_name != 'gone'"})
	cities = producer.run(make_many, prefix=unique("city"))
	producer.run(make_order, title=unique("order"))
	consumer.run(pull_pages, event_producer=producer.url, pages=1)
	# a page of cities that does not arrive
	assert consumer.run(ask_and_forget, event_producer=producer.url) == PAGE
	producer.run(change, doctype=CITY, name=cities[0], country_name="gone")
	# which only who has it is told
	producer.run(delete_city, name=cities[0])

	pull(consumer, producer)

	assert come_in(consumer)[1:] == cities[1:]


def delete_city(name: str) -> None:
	import frappe

	frappe.delete_doc(CITY, name)


def test_what_two_answers_at_once_have_sent_is_looked_at(producer, consumer):
	subscribe_in_order(consumer, producer)

	noted = producer.run(note_two, consumer_url=consumer.url)

	assert noted == ["[5, 6]", "[3, 6]", "[]"]


def note_two(consumer_url: str) -> list[str]:
	"""What stands there after each of two answers that began at once, and after one that sends nothing."""
	from types import SimpleNamespace

	import frappe

	from event_streaming.producer.log.deliveries import note_sent
	from event_streaming.producer.subscriptions.reader import reader_for

	def begun():
		return reader_for(frappe.get_doc("Event Consumer", consumer_url), 0, None, None)

	def note(reader, *positions: int) -> str:
		note_sent(reader, [SimpleNamespace(ref_doctype=ORDER, at_position=each) for each in positions])
		return frappe.db.get_value("Event Consumer", consumer_url, "sent_between")

	one, other = begun(), begun()
	return [note(one, 5, 6), note(other, 3, 4), note(begun())]


def test_what_was_sent_before_a_pause_is_looked_at_after_it(producer, consumer):
	subscribe_in_order(consumer, producer, order={"condition": "doc.total < 100"})
	producer.run(make_many, prefix=unique("city"))
	orders = producer.run(make_many_orders, prefix=unique("order"), count=2)
	consumer.run(pull_pages, event_producer=producer.url, pages=1)
	before = producer.run(noted_of, consumer_url=consumer.url)

	producer.run(set_paused, consumer_url=consumer.url, paused=1)
	consumer.run(ask_and_forget, event_producer=producer.url)

	assert producer.run(noted_of, consumer_url=consumer.url) == before != "[]"
	producer.run(set_paused, consumer_url=consumer.url, paused=0)
	producer.run(delete_order, name=orders[0])
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=ORDER, name=orders[0]) is None


def noted_of(consumer_url: str) -> str:
	import frappe

	return frappe.db.get_value("Event Consumer", consumer_url, "sent_between")


def set_paused(consumer_url: str, paused: int) -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", consumer_url)
	doc.paused = paused
	doc.save()


def test_what_is_sent_again_in_another_hour_counts_once(producer):
	answers = [
		("10:00", CITY, 5, False),
		("11:00", ORDER, 8, True),
		("12:00", ORDER, 8, True),
		# the clock is set back
		("10:30", ORDER, 9, True),
		("10:31", ORDER, 9, True),
		# of a DocType that was not taken ahead
		("12:30", CITY, 6, False),
		("12:31", ORDER, 8, False),
	]

	assert producer.run(count_all, answers=answers) == [1, 2, 2, 3, 3, 4, 4]


def count_all(answers: list) -> list[int]:
	"""How many events have counted after each of the answers."""
	from datetime import datetime
	from types import SimpleNamespace

	from event_streaming.producer.log import hours

	real, found = hours.now_datetime, []
	try:
		for clock, doctype, position, is_ahead in answers:
			now = datetime.fromisoformat(f"2026-11-29T{clock}")
			hours.now_datetime = lambda now=now: now
			event = SimpleNamespace(
				ref_doctype=doctype, position=position, at_position=position, steps=1, creation=now
			)
			hours.count_sent("http://somebody.example", [event], is_ahead)
			found.append(
				sum(
					each.events for each in hours.hours_since("http://somebody.example", datetime(2026, 1, 1))
				)
			)
	finally:
		hours.now_datetime = real
	return found
