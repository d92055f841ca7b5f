"""Fields This Site Decides: never taken over, not followed, not compared, no conflict; and checked when they are named."""

import pytest
from doctypes import CITY, ORDER
from documents import change, insert, read_doc, unique
from logs import sync_logs
from streams import make_event_producer, make_subscriber, pull, subscribe

from sandbox.errors import RemoteError

DECIDED = "note, total\nrows.qty"
pytestmark = pytest.mark.usefixtures("orders")


def order(producer, **values) -> str:
	rows = [{"item": "bolt", "qty": 2}, {"item": "nut", "qty": 3}]
	return producer.run(insert, doctype=ORDER, **{"title": unique("order"), "rows": rows, **values})


def test_they_are_taken_over_neither_when_a_document_is_made_nor_when_it_changes(producer, consumer):
	subscribe(consumer, producer, ORDER, fields_this_site_decides=DECIDED)
	name = order(producer, note="there", total=5, urgent=1)
	pull(consumer, producer)
	made = consumer.run(read_doc, doctype=ORDER, name=name)

	consumer.run(change, doctype=ORDER, name=name, note="here", total=1)
	producer.run(change, doctype=ORDER, name=name, note="changed there", total=7, urgent=0)
	producer.run(change_rows, name=name)
	pull(consumer, producer)
	changed = consumer.run(read_doc, doctype=ORDER, name=name)

	assert (made["note"], made["total"], made["urgent"]) == (None, 0, 1)
	assert [(row["item"], row["qty"]) for row in made["rows"]] == [("bolt", 0), ("nut", 0)]
	assert (changed["note"], changed["total"], changed["urgent"]) == ("here", 1, 0)
	assert [(row["item"], row["qty"]) for row in changed["rows"]] == [("screw", 0), ("nut", 0), ("nail", 0)]


def change_rows(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.rows[0].update({"item": "screw", "qty": 20})
	doc.rows[1].qty = 30
	doc.append("rows", {"item": "nail", "qty": 40})
	doc.save()


def test_a_whole_table_stays_this_sites(producer, consumer):
	subscribe(consumer, producer, ORDER, fields_this_site_decides="rows")
	name = order(producer)
	pull(consumer, producer)
	consumer.run(add_row, name=name)
	producer.run(change_rows, name=name)

	pull(consumer, producer)

	rows = consumer.run(read_doc, doctype=ORDER, name=name)["rows"]
	assert [row["item"] for row in rows] == ["ours"]


def add_row(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.append("rows", {"item": "ours", "qty": 1})
	doc.save()


def test_what_they_link_to_is_not_brought(producer, consumer):
	subscribe(consumer, producer, ORDER, fields_this_site_decides="city")
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	name = order(producer, city=city)

	pull(consumer, producer)

	assert sync_logs(consumer)[-1]["status"] == "Synced"
	assert not consumer.run(read_doc, doctype=ORDER, name=name)["city"]
	assert not consumer.run(read_doc, doctype=CITY, name=city)


def test_nor_when_the_document_is_one_that_another_needs(producer, consumer, extra_fields):
	for site in (producer, consumer):
		extra_fields(site, CITY, {"fieldname": "twin", "label": "Twin", "fieldtype": "Link", "options": CITY})
	subscribe(
		consumer,
		producer,
		{"ref_doctype": ORDER, "use_same_name": 1},
		{"ref_doctype": CITY, "use_same_name": 1, "fields_this_site_decides": "twin\ncountry_name"},
	)
	twin = producer.run(insert, doctype=CITY, title=unique("twin"))
	city = producer.run(insert, doctype=CITY, title=unique("city"), twin=twin, country_name="there")
	consumer.run(forget_cursor_at_end, url=producer.url)
	order(producer, city=city)

	pull(consumer, producer)

	brought = consumer.run(read_doc, doctype=CITY, name=city)
	assert brought and not brought["twin"] and not brought["country_name"]
	assert not consumer.run(read_doc, doctype=CITY, name=twin)


def forget_cursor_at_end(url: str) -> None:
	"""The events up to here are not pulled: what they made is fetched when it is needed."""
	import frappe

	from event_streaming.consumer.logs import state
	from event_streaming.consumer.subscriptions.remote import Producer

	doc = frappe.get_doc("Event Producer", url)
	page = Producer(doc).get_page(state.load_state(url).position)
	frappe.db.set_value(
		"Event Producer Last Update",
		{"event_producer": url},
		"position",
		page["cursor"],
		update_modified=False,
	)


def test_both_sites_changing_one_is_no_conflict(producer, consumer):
	subscribe(consumer, producer, ORDER, fields_this_site_decides="note", conflict_policy="Ask")
	name = order(producer, note="first")
	pull(consumer, producer)
	consumer.run(change, doctype=ORDER, name=name, note="here")
	producer.run(change, doctype=ORDER, name=name, note="there", urgent=1)

	pull(consumer, producer)

	doc = consumer.run(read_doc, doctype=ORDER, name=name)
	assert sync_logs(consumer)[-1]["status"] == "Synced"
	assert (doc["note"], doc["urgent"]) == ("here", 1)


def test_verify_does_not_compare_them_and_says_so(producer, consumer):
	subscribe(consumer, producer, ORDER, fields_this_site_decides=DECIDED)

	compared = consumer.run(what_is_compared, url=producer.url, doctype=ORDER)

	assert not {"note", "total"} & set(compared["fields"])
	assert {"title", "urgent"} <= set(compared["fields"])
	assert compared["tables"] == {"rows": ["item", "gift"]}
	assert {"Note", "Total", "Rows: Quantity"} <= set(compared["left_out"])


def what_is_compared(url: str, doctype: str) -> dict:
	import frappe

	from event_streaming.consumer.digesting.compared import compared_fields
	from event_streaming.consumer.mapping.store import MappingStore
	from event_streaming.consumer.subscriptions.subscription import subscriptions_of

	subscription = subscriptions_of(frappe.get_doc("Event Producer", url))[doctype]
	compared = compared_fields(subscription, MappingStore())
	return {
		"fields": [each.local for each in compared.fields],
		"tables": {table.local: [each.local for each in table.fields] for table in compared.tables},
		"left_out": compared.left_out,
	}


def test_through_a_mapping_they_are_this_sites_field_names(producer, consumer):
	consumer.run(make_mapping)
	row = {"ref_doctype": CITY, "has_mapping": 1, "mapping": "City to City", "use_same_name": 1}
	subscribe(consumer, producer, {**row, "fields_this_site_decides": "country_name"})
	title = unique("city")
	producer.run(insert, doctype=CITY, title=title, country_name="there")

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=title)["country_name"] is None


def make_mapping() -> None:
	import frappe

	if frappe.db.exists("Document Type Mapping", "City to City"):
		return
	fields = ("title", "country_name")
	frappe.get_doc(
		{
			"doctype": "Document Type Mapping",
			"mapping_name": "City to City",
			"local_doctype": CITY,
			"remote_doctype": CITY,
			"field_mapping": [{"local_fieldname": each, "remote_fieldname": each} for each in fields],
		}
	).insert()


@pytest.mark.parametrize(
	("values", "named"),
	[
		({"fields_this_site_decides": "note, nott"}, "nott"),
		({"fields_this_site_decides": "rows.qyt"}, "qyt"),
		({"fields_this_site_decides": "title.qty"}, "title"),
		({"match_by": "title, tax_id"}, "tax_id"),
		({"match_by": "rows"}, "rows"),
		({"match_by": "secret"}, "secret"),
	],
)
def test_a_field_that_is_not_there_is_refused_by_name(producer, consumer, values, named):
	for site in (producer, consumer):
		site.run(make_subscriber)

	with pytest.raises(RemoteError) as caught:
		consumer.run(make_event_producer, url=producer.url, rows=[{"ref_doctype": ORDER, **values}])

	assert named in caught.value.message
	assert "Row 1" in caught.value.message


def test_fields_that_are_there_are_taken(producer, consumer):
	subscribe(
		consumer,
		producer,
		{"ref_doctype": ORDER, "fields_this_site_decides": DECIDED + ",rows", "match_by": "name"},
		{"ref_doctype": CITY, "match_by": "title, country_name"},
	)
