"""Changes that come as one stand where the last of them did: what is committed before them takes the cursor past none of their steps."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import insert, insert_cities, read_doc, set_settings, unique
from killing import die_at, run_until_it_is_killed
from shop import same_on_both
from streams import copy_now, pull_and_count, subscribe

PAGE = 6


def change_with_cities_between(name: str, prefix: str, times: int = 6) -> None:
	"""The first change alone sets `urgent`; after each of them a city is made."""
	import frappe

	for number in range(times):
		doc = frappe.get_doc(ORDER, name)
		doc.note = f"change {number}"
		doc.urgent = 1
		doc.save()
		frappe.db.commit()
		frappe.get_doc({"doctype": CITY, "title": f"{prefix} {number}"}).insert()
		frappe.db.commit()


@pytest.fixture
def order(producer, consumer):
	"""An order that a copy has brought, so that no row says what this site was given; its changes come on the second page."""
	with_orders(producer, consumer)
	for site in (producer, consumer):
		site.run(set_settings, events_per_page=PAGE, events_per_commit=1)
	title = unique("order")
	name = producer.run(insert, doctype=ORDER, title=title)
	subscribe(consumer, producer, ORDER, CITY)
	filters = {ORDER: {"title": title}}
	assert consumer.run(copy_now, event_producer=producer.url, doctypes=[ORDER], filters=filters)["made"] == 1
	producer.run(insert_cities, prefix=unique("before"), count=PAGE)
	producer.run(change_with_cities_between, name=name, prefix=unique("between"))
	return name


def pull_after_change_here(event_producer: str, name: str) -> dict:
	"""The order is changed here, in another field, when the first page is in; which changes came as how many."""
	import frappe

	from event_streaming.consumer.subscriptions.remote import Producer

	original, came, asked = Producer.get_page, [], []

	def get_page(self, *args, **kwargs):
		asked.append(1)
		if len(asked) == 2:
			doc = frappe.get_doc(ORDER, name)
			doc.total = 7
			doc.save()
			frappe.db.commit()
		page = original(self, *args, **kwargs)
		came.append([event["changes"] for event in page["events"] if event["docname"] == name])
		return page

	Producer.get_page = get_page
	try:
		return {**pull_and_count(event_producer), "came": came}
	finally:
		Producer.get_page = original


def test_a_document_that_was_changed_here_gets_its_first_step_too(producer, consumer, order):
	done = consumer.run(pull_after_change_here, event_producer=producer.url, name=order)

	assert done["failed"] == 0 and done["requests"] == 0
	# it came as one, and then in steps
	assert done["came"][1][0] > 1 and done["came"][2][0] == 0
	here = consumer.run(read_doc, doctype=ORDER, name=order)
	assert (here["urgent"], here["note"], here["total"]) == (1, "change 5", 7)


def pull_and_die(event_producer: str) -> None:
	"""The cities that stand before the changes are in, and these are not."""
	from event_streaming.consumer.pull.loop import pull as pull_here

	die_at("consumer.apply.step:apply_composed", "before", 1)
	pull_here(event_producer)


def pull_until_a_city(event_producer: str) -> dict:
	"""The slice is over as soon as the first city is in that stands before the changes."""
	from types import SimpleNamespace

	from event_streaming.consumer.folding.runs import is_composed
	from event_streaming.consumer.pull.cursor import Cursor
	from event_streaming.consumer.pull.loop import pull as pull_here
	from event_streaming.consumer.unit_of_work import groups

	original, time = Cursor.committed, groups.time
	left = []

	def committed(self, upto, statuses):
		original(self, upto, statuses)
		if any(map(is_composed, self.events[upto:])):
			left.append(upto)
			groups.time = SimpleNamespace(monotonic=lambda: float("inf"))

	Cursor.committed = committed
	try:
		return {"more": pull_here(event_producer).more, "left": left}
	finally:
		Cursor.committed, groups.time = original, time


@pytest.mark.parametrize("killed", [True, False])
def test_what_is_cut_off_before_the_changes_brings_all_of_them_later(producer, consumer, order, killed):
	if killed:
		run_until_it_is_killed(consumer, pull_and_die, event_producer=producer.url)
	else:
		done = consumer.run(pull_until_a_city, event_producer=producer.url)
		assert done == {"more": True, "left": [1]}

	done = consumer.run(pull_and_count, event_producer=producer.url)

	assert done["failed"] == 0 and done["requests"] == 0
	assert same_on_both(producer, consumer, ORDER, order)["urgent"] == 1
