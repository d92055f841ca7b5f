"""A site that is behind gets rows of high priority first: everything once, each document in its order, whoever dies when."""

import json

import pytest
from doctypes import CITY, ORDER, TICKET, with_orders
from documents import change, read_doc, read_rows, set_settings, unique
from killing import die_at, run_until_it_is_killed
from logs import sync_logs, update_logs
from streams import decide, pull, set_unsubscribed, subscribe

HIGH, NORMAL, LOW = "High", "Normal", "Low"
# more than goes in order anyway
MANY = 70
pytestmark = pytest.mark.usefixtures("small_pages")


@pytest.fixture
def small_pages(producer, consumer):
	with_orders(producer, consumer)
	consumer.run(set_settings, events_per_page=20, events_per_commit=3)


def subscribe_in_order(consumer, producer, order: dict | None = None, city: dict | None = None) -> str:
	"""Orders are of high priority and cities of low."""
	rows = [
		{"ref_doctype": ORDER, "use_same_name": 1, "priority": HIGH, **(order or {})},
		{"ref_doctype": CITY, "use_same_name": 1, "priority": LOW, **(city or {})},
	]
	return subscribe(consumer, producer, *rows)


def make_many(prefix: str, count: int = MANY) -> list[str]:
	"""Cities, each in a transaction of its own."""
	import frappe

	names = []
	for number in range(count):
		names.append(frappe.get_doc({"doctype": CITY, "title": f"{prefix} {number:03}"}).insert().name)
		frappe.db.commit()
	return names


def make_order(title: str, **values) -> str:
	import frappe

	return frappe.get_doc({"doctype": ORDER, "title": title, **values}).insert().name


def pull_pages(event_producer: str, pages: int) -> dict:
	"""So many pages and no more, as if the slice were over."""
	from dataclasses import asdict

	from event_streaming.consumer.pull import loop

	real, asked = loop.may_use_line, []

	def so_many(doc, producer, summary, deadline) -> bool:
		asked.append(1)
		return len(asked) <= pages and real(doc, producer, summary, deadline)

	loop.may_use_line = so_many
	try:
		return asdict(loop.pull(event_producer))
	finally:
		loop.may_use_line = real


def cursors(event_producer: str) -> dict:
	from event_streaming.consumer.logs.state import load_state

	kept = load_state(event_producer)
	return {"position": kept.position, "taken": kept.taken}


def come_in(consumer) -> list[str]:
	return [log["producer_doc"] for log in sync_logs(consumer)]


def test_an_order_comes_before_all_cities_that_were_made_before_it(producer, consumer):
	subscribe_in_order(consumer, producer)
	cities = producer.run(make_many, prefix=unique("city"))
	orders = [producer.run(make_order, title=unique("order")) for _ in range(3)]

	first = consumer.run(pull_pages, event_producer=producer.url, pages=1)

	assert first["synced"] == 3 and come_in(consumer) == orders
	stands = consumer.run(cursors, event_producer=producer.url)
	head = max(log["position"] for log in update_logs(producer))
	assert (stands["position"], stands["taken"]) == (head - MANY - 3, {ORDER: head})
	# what was taken does not come once more
	assert pull(consumer, producer)["events"] == MANY
	assert come_in(consumer) == [*orders, *cities]
	stands = consumer.run(cursors, event_producer=producer.url)
	assert (stands["position"], stands["taken"]) == (head, {})


def test_without_priorities_everything_comes_in_order(producer, consumer):
	subscribe(consumer, producer, ORDER, CITY)
	cities = producer.run(make_many, prefix=unique("city"))
	order = producer.run(make_order, title=unique("order"))

	pull(consumer, producer)

	assert come_in(consumer) == [*cities, order]


def test_who_is_hardly_behind_gets_everything_in_order(producer, consumer):
	subscribe_in_order(consumer, producer)
	cities = producer.run(make_many, prefix=unique("city"), count=10)
	order = producer.run(make_order, title=unique("order"))

	pull(consumer, producer)

	assert come_in(consumer) == [*cities, order]


def test_what_comes_while_low_ones_are_taken_overtakes_the_rest_of_them(producer, consumer):
	subscribe_in_order(consumer, producer)
	producer.run(make_many, prefix=unique("city"), count=100)
	# an answer that there is nothing of high priority, and a page of others
	consumer.run(pull_pages, event_producer=producer.url, pages=1)
	order = producer.run(make_order, title=unique("order"))

	consumer.run(pull_pages, event_producer=producer.url, pages=1)

	assert come_in(consumer)[20:] == [order]
	pull(consumer, producer)
	assert len(come_in(consumer)) == len(set(come_in(consumer))) == 101


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 2, 3, 5, 8])
def test_a_pull_that_is_killed_loses_nothing_and_does_nothing_twice(producer, consumer, when, nth):
	subscribe_in_order(consumer, producer)
	cities = producer.run(make_many, prefix=unique("city"))
	orders = [producer.run(make_order, title=unique("order")) for _ in range(8)]
	producer.run(change, doctype=ORDER, name=orders[0], note="changed")

	run_until_it_is_killed(consumer, die_in_cursor, event_producer=producer.url, when=when, nth=nth)
	pull(consumer, producer)

	arrived = come_in(consumer)
	assert sorted(arrived) == sorted([*cities, *orders, orders[0]])
	# changes of one order may be applied as one, where the last of them stands
	assert sorted(arrived[:9]) == sorted([*orders, orders[0]])
	assert consumer.run(read_doc, doctype=ORDER, name=orders[0])["note"] == "changed"
	assert consumer.run(cursors, event_producer=producer.url)["taken"] == {}


def die_in_cursor(event_producer: str, when: str, nth: int) -> dict:
	from dataclasses import asdict

	from event_streaming.consumer.pull.loop import pull

	die_at("consumer.logs.state:move_cursor", when, nth)
	return asdict(pull(event_producer))


def test_a_city_that_an_order_needs_is_fetched_and_its_waiting_events_write_nothing_old(producer, consumer):
	subscribe_in_order(consumer, producer)
	city = producer.run(make_order_city, title=unique("needed"), country_name="first")
	producer.run(make_many, prefix=unique("city"))
	producer.run(change, doctype=CITY, name=city, country_name="second")
	order = producer.run(make_order, title=unique("order"), city=city)

	consumer.run(pull_pages, event_producer=producer.url, pages=1)

	assert consumer.run(read_doc, doctype=ORDER, name=order)["city"] == city
	assert consumer.run(read_doc, doctype=CITY, name=city)["country_name"] == "second"
	# its first event comes with the next page, the change of it only with the last
	consumer.run(pull_pages, event_producer=producer.url, pages=2)
	assert city in come_in(consumer)[1:-1] and MANY > len(come_in(consumer))
	assert consumer.run(read_doc, doctype=CITY, name=city)["country_name"] == "second"
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=CITY, name=city)["country_name"] == "second"
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def make_order_city(title: str, **values) -> str:
	import frappe

	return frappe.get_doc({"doctype": CITY, "title": title, **values}).insert().name


def test_a_city_that_was_renamed_before_the_order_is_one_city(producer, consumer):
	subscribe_in_order(consumer, producer)
	old = producer.run(make_order_city, title=unique("old"))
	producer.run(make_many, prefix=unique("city"))
	new = producer.run(rename_city, old=old, new=unique("new"))
	producer.run(make_order, title=unique("order"), city=new)

	consumer.run(pull_pages, event_producer=producer.url, pages=1)
	assert consumer.run(read_doc, doctype=CITY, name=new)
	pull(consumer, producer)

	found = consumer.run(read_rows, doctype=CITY, filters={"name": ["in", [old, new]]})
	assert [row["name"] for row in found] == [new]
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def rename_city(old: str, new: str) -> str:
	import frappe

	return frappe.rename_doc(CITY, old, new)


def test_a_row_that_gets_another_priority_in_between_loses_nothing(producer, consumer):
	name = subscribe_in_order(consumer, producer)
	cities = producer.run(make_many, prefix=unique("city"))
	orders = [producer.run(make_order, title=unique("order")) for _ in range(3)]
	consumer.run(pull_pages, event_producer=producer.url, pages=1)
	later = producer.run(make_many, prefix=unique("later"))
	consumer.run(set_priorities, name=name, priorities={ORDER: LOW, CITY: HIGH})
	orders.append(producer.run(make_order, title=unique("order")))

	pull(consumer, producer)

	arrived = come_in(consumer)
	assert arrived == [*orders[:3], *cities, *later, orders[3]]
	consumer.run(set_priorities, name=name, priorities={ORDER: NORMAL, CITY: NORMAL})
	assert pull(consumer, producer)["events"] == 0


def set_priorities(name: str, priorities: dict) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	for row in doc.producer_doctypes:
		row.priority = priorities[row.ref_doctype]
	doc.save()


def test_three_priorities_come_one_after_the_other(producer, consumer):
	subscribe_in_order(consumer, producer)
	consumer.run(add_row, name=producer.url, doctype=TICKET)
	producer.run(decide, consumer_url=consumer.url)
	cities = producer.run(make_many, prefix=unique("city"))
	ticket = producer.run(make_ticket, title=unique("ticket"))
	order = producer.run(make_order, title=unique("order"))

	pull(consumer, producer)

	assert come_in(consumer) == [order, ticket, *cities]


def add_row(name: str, doctype: str, priority: str = NORMAL) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	doc.append("producer_doctypes", {"ref_doctype": doctype, "use_same_name": 1, "priority": priority})
	doc.save()


def make_ticket(title: str) -> str:
	import frappe

	return frappe.get_doc({"doctype": TICKET, "title": title}).insert().name


@pytest.mark.parametrize("way", ["raised", "approved", "put back"])
def test_a_row_that_joins_the_first_ones_comes_page_after_page(producer, consumer, way):
	"""All orders are taken up to the end by then, and there are more tickets than go into one page."""
	name = subscribe_in_order(consumer, producer)
	consumer.run(add_row, name=producer.url, doctype=TICKET, priority=LOW if way == "raised" else HIGH)
	if way != "approved":
		producer.run(decide, consumer_url=consumer.url)
	cities = producer.run(make_many, prefix=unique("city"))
	tickets = producer.run(make_tickets, prefix=unique("ticket"))
	order = producer.run(make_order, title=unique("order"))
	if way == "put back":
		consumer.run(set_unsubscribed, name=name, doctype=TICKET, unsubscribed=1)
	consumer.run(pull_pages, event_producer=producer.url, pages=1)
	assert come_in(consumer) == [order]
	if way == "raised":
		consumer.run(set_priorities, name=name, priorities={ORDER: HIGH, TICKET: HIGH, CITY: LOW})
	else:
		if way == "put back":
			consumer.run(set_unsubscribed, name=name, doctype=TICKET, unsubscribed=0)
		producer.run(decide, consumer_url=consumer.url)
		# what was made before does not come
		tickets = producer.run(make_tickets, prefix=unique("later"))
	second = producer.run(make_order, title=unique("order"))

	pull(consumer, producer)

	assert come_in(consumer) == [order, *tickets, second, *cities]
	assert consumer.run(cursors, event_producer=producer.url)["taken"] == {}


def make_tickets(prefix: str, count: int = 45) -> list[str]:
	import frappe

	names = []
	for number in range(count):
		names.append(frappe.get_doc({"doctype": TICKET, "title": f"{prefix} {number:03}"}).insert().name)
		frappe.db.commit()
	return names


def test_deliveries_of_what_was_taken_ahead_are_kept_and_what_did_not_arrive_is_sent_again(
	producer, consumer
):
	"""Where a condition decides, what a consumer has got is known by rows: a document that no longer meets it is told of only then."""
	subscribe_in_order(consumer, producer, order={"condition": "doc.total < 100"})
	producer.run(make_many, prefix=unique("city"))
	order = producer.run(make_order, title=unique("order"), total=1)
	consumer.run(pull_pages, event_producer=producer.url, pages=1)
	assert come_in(consumer) == [order]
	# one that is sent and does not arrive
	second = producer.run(make_order, title=unique("order"), total=2)
	consumer.run(ask_and_forget, event_producer=producer.url)
	producer.run(change, doctype=ORDER, name=second, total=200)
	# more low ones come by, and the first is deleted, which only who has it is told
	consumer.run(pull_pages, event_producer=producer.url, pages=2)
	producer.run(delete_order, name=order)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=order) is None
	assert second not in come_in(consumer)
	producer.run(change, doctype=ORDER, name=second, total=3)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=ORDER, name=second)["total"] == 3


def ask_and_forget(event_producer: str) -> int:
	import frappe

	from event_streaming.consumer.logs.state import load_state
	from event_streaming.consumer.pull.source import Source
	from event_streaming.consumer.subscriptions.remote import Producer

	doc = frappe.get_doc("Event Producer", event_producer)
	return len(Source(doc, Producer(doc)).next_page(doc, load_state(event_producer))["events"])


def delete_order(name: str) -> None:
	import frappe

	frappe.delete_doc(ORDER, name)


def test_of_doctypes_without_a_row_nothing_is_kept(producer, consumer):
	name = subscribe_in_order(consumer, producer)
	producer.run(make_many, prefix=unique("city"), count=3)
	# only then they have positions
	consumer.run(ask_and_forget, event_producer=producer.url)
	head = max(log["position"] for log in update_logs(producer))
	consumer.run(set_unsubscribed, name=name, doctype=CITY, unsubscribed=1)
	taken = {ORDER: head, CITY: head, "Nothing of the Kind": head}

	consumer.run(say_taken, event_producer=producer.url, taken=taken)

	[row] = producer.run(read_rows, doctype="Event Consumer", filters={"name": consumer.url})
	assert json.loads(row["taken_ahead"]) == {ORDER: head, CITY: head}


def say_taken(event_producer: str, taken: dict) -> None:
	import frappe

	from event_streaming.consumer.logs.state import load_state
	from event_streaming.consumer.subscriptions.remote import Producer
	from event_streaming.wire.wishes.priorities import Wish

	producer = Producer(frappe.get_doc("Event Producer", event_producer))
	producer.get_page(load_state(event_producer).position, wish=Wish(taken=taken))


def test_a_producer_of_an_older_version_sends_everything_in_order(producer, consumer):
	subscribe_in_order(consumer, producer)
	cities = producer.run(make_many, prefix=unique("city"))
	order = producer.run(make_order, title=unique("order"))

	assert consumer.run(pull_from_older, event_producer=producer.url)["synced"] == MANY + 1

	assert come_in(consumer) == [*cities, order]


def pull_from_older(event_producer: str) -> dict:
	"""As if the producer did not know the argument."""
	from dataclasses import asdict

	from event_streaming.consumer.pull.loop import pull
	from event_streaming.http.client import SiteClient

	real = SiteClient.call

	def without(self, method, args=None, timeout=None):
		return real(self, method, {k: v for k, v in (args or {}).items() if k != "priorities"}, timeout)

	SiteClient.call = without
	try:
		return asdict(pull(event_producer))
	finally:
		SiteClient.call = real


def test_rows_that_are_applied_together_all_have_one_priority(producer, consumer):
	with pytest.raises(Exception, match="the same Priority"):
		subscribe_in_order(consumer, producer, order={"together": 1})


def test_what_is_sent_ahead_again_counts_once(producer, consumer):
	subscribe_in_order(consumer, producer)
	producer.run(make_many, prefix=unique("city"))
	for _ in range(3):
		producer.run(make_order, title=unique("order"))
	for _lost in range(2):
		assert consumer.run(ask_and_forget, event_producer=producer.url) == 3
	producer.run(make_order, title=unique("order"))

	pull(consumer, producer)

	hours = producer.run(read_rows, doctype="Event Delivery Hour", filters={"consumer": consumer.url})
	assert sum(hour["events"] for hour in hours) == MANY + 4


def test_what_was_taken_ahead_has_been_heard(producer, consumer):
	"""A merge that the other site knows of is not waited for, and a change that it has taken is not under way."""
	subscribe_in_order(consumer, producer)
	cities = producer.run(make_many, prefix=unique("city"))
	order = producer.run(make_order, title=unique("order"))
	# the second request says what was taken with the first
	consumer.run(pull_pages, event_producer=producer.url, pages=2)

	assert producer.run(under_way, other_site=consumer.url, doctype=ORDER, name=order) == [False, False]
	assert producer.run(under_way, other_site=consumer.url, doctype=CITY, name=cities[-1]) == [True, True]


def under_way(other_site: str, doctype: str, name: str) -> list[bool]:
	"""Whether the other site has still to hear of a document's last event: as a comparison sees it, and as a merge does."""
	from types import SimpleNamespace

	import frappe

	from event_streaming.consumer.apply.merging import wait_until_heard
	from event_streaming.consumer.verify.verifying import own_changes_under_way
	from event_streaming.exceptions import DependencyMissing

	nothing_known = SimpleNamespace(identities=SimpleNamespace(of=lambda key: None))
	work = SimpleNamespace(event_producer=other_site, resolver=nothing_known)
	subscription = SimpleNamespace(local_doctype=doctype)
	compared = own_changes_under_way(work, subscription, [{"ref_doctype": doctype, "docname": name}])
	position = frappe.get_all("Event Update Log", {"docname": name}, pluck="position")[0]
	try:
		wait_until_heard(doctype, [SimpleNamespace(origin="", position=position, name=name)], work)
		waits = False
	except DependencyMissing:
		waits = True
	return [name in compared, waits]


def test_where_is_my_document_knows_what_was_taken_ahead(producer, consumer):
	subscribe_in_order(consumer, producer)
	producer.run(make_many, prefix=unique("city"))
	order = producer.run(make_order, title=unique("order"))
	consumer.run(pull_pages, event_producer=producer.url, pages=2)

	[event] = producer.run(trace_of, consumer_url=consumer.url, doctype=ORDER, name=order)

	assert event["taken"]
	assert producer.run(sent_to, name=order) == [consumer.url]


def trace_of(consumer_url: str, doctype: str, name: str) -> list[dict]:
	import frappe

	from event_streaming.producer.reach.tracing import trace

	return trace(frappe.get_doc("Event Consumer", consumer_url), doctype, name)["events"]


def sent_to(name: str) -> list[str]:
	import frappe

	from event_streaming.producer.reach.history import openly_sent_to

	row = frappe.get_all(
		"Event Update Log", {"ref_doctype": ORDER, "docname": name}, ["position", "origin"], limit=1
	)[0]
	return openly_sent_to(ORDER, row.position, row.origin)
