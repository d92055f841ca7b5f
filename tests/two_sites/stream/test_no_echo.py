"""Two sites that subscribe to each other, and three in a ring: each change crosses once, and then it is quiet."""

import pytest
from doctypes import CITY, ORDER, TICKET, with_orders
from documents import change, delete, find_name, insert, read_doc, read_rows, unique
from logs import sync_logs, update_logs
from streams import require_nothing, settle, subscribe


def count(site, doctype: str) -> int:
	return len(site.run(read_rows, doctype=doctype, filters={}))


@pytest.fixture
def both_ways(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY, ORDER)
	subscribe(producer, consumer, CITY, ORDER)
	return (consumer, producer), (producer, consumer)


def test_each_change_crosses_once_in_both_directions(producer, consumer, both_ways):
	here, there = unique("made on the consumer"), unique("made on the producer")
	producer.run(insert, doctype=CITY, title=there)
	consumer.run(insert, doctype=CITY, title=here)

	assert settle(*both_ways) == 2
	assert producer.run(read_doc, doctype=CITY, name=here) and consumer.run(
		read_doc, doctype=CITY, name=there
	)

	producer.run(change, doctype=CITY, name=here, country_name="changed on the producer")
	consumer.run(change, doctype=CITY, name=there, country_name="changed on the consumer")
	assert settle(*both_ways) == 2
	assert consumer.run(read_doc, doctype=CITY, name=here)["country_name"] == "changed on the producer"
	assert producer.run(read_doc, doctype=CITY, name=there)["country_name"] == "changed on the consumer"

	producer.run(delete, doctype=CITY, name=here)
	consumer.run(delete, doctype=CITY, name=there)
	assert settle(*both_ways) == 2
	for site in (producer, consumer):
		assert not site.run(read_doc, doctype=CITY, name=here) and not site.run(
			read_doc, doctype=CITY, name=there
		)


def test_rows_and_submission_cross_once_in_both_directions(producer, consumer, both_ways):
	order = producer.run(insert, doctype=ORDER, title=unique("order"), rows=[{"item": "bolt", "qty": 1}])
	settle(*both_ways)

	consumer.run(add_row_and_submit, name=order)
	settle(*both_ways)

	there, here = (site.run(read_doc, doctype=ORDER, name=order) for site in (producer, consumer))
	assert there["docstatus"] == here["docstatus"] == 1
	assert [(row["name"], row["item"]) for row in there["rows"]] == [
		(row["name"], row["item"]) for row in here["rows"]
	]
	assert len(there["rows"]) == 2


def add_row_and_submit(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.append("rows", {"item": "nut", "qty": 2})
	doc.submit()


def test_with_local_naming_no_duplicate_is_ever_made(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, TICKET, use_same_name=0)
	subscribe(producer, consumer, TICKET, use_same_name=0)
	pairs = (consumer, producer), (producer, consumer)
	before = count(producer, TICKET), count(consumer, TICKET)
	name = producer.run(insert, doctype=TICKET, title=unique("ticket"))

	assert settle(*pairs) == 1
	here = consumer.run(find_name, doctype=TICKET, remote_docname=name, remote_site_name=producer.url)
	consumer.run(change, doctype=TICKET, name=here, note="answered on the consumer")
	assert settle(*pairs) == 1
	assert producer.run(read_doc, doctype=TICKET, name=name)["note"] == "answered on the consumer"
	producer.run(change, doctype=TICKET, name=name, note="closed on the producer")
	assert settle(*pairs) == 1

	assert consumer.run(read_doc, doctype=TICKET, name=here)["note"] == "closed on the producer"
	assert (count(producer, TICKET), count(consumer, TICKET)) == (before[0] + 1, before[1] + 1)

	consumer.run(delete, doctype=TICKET, name=here)
	settle(*pairs)
	assert (count(producer, TICKET), count(consumer, TICKET)) == before


def test_a_rename_crosses_once_and_stops(producer, consumer, both_ways):
	old, new = unique("old"), unique("new")
	producer.run(insert, doctype=CITY, title=old)
	settle(*both_ways)

	consumer.run(rename, doctype=CITY, old=old, new=new)

	assert settle(*both_ways) <= 2
	for site in (producer, consumer):
		assert site.run(read_doc, doctype=CITY, name=new) and not site.run(read_doc, doctype=CITY, name=old)


def rename(doctype: str, old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(doctype, old, new)


@pytest.mark.parametrize("use_same_name", [1, 0])
def test_a_change_goes_round_a_ring_of_three_once(producer, consumer, third, use_same_name):
	ring = [producer, consumer, third]
	with_orders(*ring)
	doctype = ORDER if use_same_name else TICKET
	pairs = [(ring[(i + 1) % 3], ring[i]) for i in range(3)]
	for taker, giver in pairs:
		subscribe(taker, giver, doctype, use_same_name=use_same_name)
	title = unique("round")
	before = [count(site, doctype) for site in ring]

	producer.run(insert, doctype=doctype, title=title)
	assert settle(*pairs) == 2
	names = [site.run(find_name, doctype=doctype, title=title) for site in ring]
	assert all(names)

	# the last of the ring changes it: the change comes to the first, where the document was made, and goes on
	third.run(change, doctype=doctype, name=names[2], note="from the third")
	assert settle(*pairs) == 2
	assert [
		site.run(read_doc, doctype=doctype, name=name)["note"] for site, name in zip(ring, names, strict=True)
	] == ["from the third"] * 3
	assert [count(site, doctype) for site in ring] == [number + 1 for number in before]


def test_what_came_from_the_other_site_is_logged_with_its_origin(producer, consumer, both_ways):
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	settle(*both_ways)

	(log,) = update_logs(consumer, docname=city)
	assert log["origin"] == producer.url
	assert sync_logs(producer) == []


def test_what_a_hook_changes_besides_goes_to_the_other_site_and_what_is_applied_does_not(
	producer, consumer, both_ways
):
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	twin = producer.run(insert, doctype=CITY, title=f"{city} twin")
	settle(*both_ways)
	consumer.run(make_hook)
	try:
		producer.run(change, doctype=CITY, name=city, country_name="Siam")
		crossed = settle(*both_ways)
	finally:
		consumer.run(require_nothing, doctype=CITY)

	assert crossed == 2
	for site in (producer, consumer):
		assert site.run(read_doc, doctype=CITY, name=twin)["country_name"] == "Siam"
	assert [update_logs(consumer, docname=name)[-1]["origin"] for name in (city, twin)] == [producer.url, ""]


def make_hook() -> None:
	"""This site keeps a city and its twin in the same country."""
	import frappe

	script = """
if frappe.db.exists("Streamed City", doc.title + " twin"):
	twin = frappe.get_doc("Streamed City", doc.title + " twin")
	twin.country_name = doc.country_name
	twin.save()
"""
	frappe.get_doc(
		{
			"doctype": "Server Script",
			"name": "twins",
			"script_type": "DocType Event",
			"reference_doctype": CITY,
			"doctype_event": "After Save",
			"script": script,
		}
	).insert()
	frappe.clear_cache()
