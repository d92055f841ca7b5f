"""Everything that changes a document flows, whether this site keeps the producer's names or gives its own."""

import pytest
from doctypes import CITY, ORDER, TICKET, with_orders
from documents import change, discard, insert, read_doc, unique
from logs import sync_logs
from streams import pull, subscribe

# Use Same Name, and a DocType whose names both sites count for themselves
NAMINGS = {"same_names": (1, ORDER), "own_names": (0, TICKET)}


@pytest.fixture(params=NAMINGS)
def doctype(request, producer, consumer):
	use_same_name, doctype = NAMINGS[request.param]
	with_orders(producer, consumer)
	subscribe(consumer, producer, doctype, CITY, use_same_name=use_same_name)
	return doctype


def take(producer, consumer) -> None:
	pull(consumer, producer)
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}, sync_logs(consumer)


def here(consumer, doctype: str, title: str) -> dict | None:
	"""The document of that title: its name may be another one here."""
	return consumer.run(read_titled, doctype=doctype, title=title)


def read_titled(doctype: str, title: str) -> dict | None:
	import frappe

	names = frappe.get_all(doctype, {"title": title}, pluck="name")
	assert len(names) < 2, names
	return frappe.get_doc(doctype, names[0]).as_dict(convert_dates_to_str=True) if names else None


def insert_and_submit(doctype: str, title: str) -> str:
	"""One object, saved twice more."""
	import frappe

	doc = frappe.get_doc({"doctype": doctype, "title": title, "rows": [{"item": "one"}]}).insert()
	doc.total = 5
	doc.save()
	doc.submit()
	return doc.name


def cancel_and_amend(doctype: str, name: str, title: str) -> str:
	import frappe

	doc = frappe.get_doc(doctype, name)
	doc.cancel()
	amended = frappe.copy_doc(doc)
	amended.update({"amended_from": name, "title": title, "docstatus": 0})
	return amended.insert().name


def set_in_database(doctype: str, name: str, **values) -> None:
	import frappe

	frappe.get_doc(doctype, name).db_set(values)


def turn_round(doctype: str, name: str) -> None:
	import frappe

	doc = frappe.get_doc(doctype, name)
	doc.rows.reverse()
	for number, row in enumerate(doc.rows, start=1):
		row.idx = number
	doc.save()


def rename(old: str, new: str, merge: bool = False) -> None:
	import frappe

	frappe.rename_doc(CITY, old, new, merge=merge, show_alert=False, rebuild_search=False)


def test_what_is_inserted_saved_and_submitted_in_one_go_is_submitted_here(producer, consumer, doctype):
	title = unique("one go")
	producer.run(insert_and_submit, doctype=doctype, title=title)

	take(producer, consumer)

	doc = here(consumer, doctype, title)
	assert (doc["docstatus"], doc["total"], [row["item"] for row in doc["rows"]]) == (1, 5, ["one"])


def test_an_amendment_comes_with_its_rows_and_names_the_document_that_it_amends(producer, consumer, doctype):
	first, second = unique("first"), unique("second")
	name = producer.run(insert_and_submit, doctype=doctype, title=first)
	producer.run(cancel_and_amend, doctype=doctype, name=name, title=second)

	take(producer, consumer)

	cancelled, amended = here(consumer, doctype, first), here(consumer, doctype, second)
	assert (cancelled["docstatus"], amended["docstatus"]) == (2, 0)
	assert amended["amended_from"] == cancelled["name"]
	assert [row["item"] for row in amended["rows"]] == ["one"]


def test_db_set_reordered_rows_and_a_discarded_draft_flow(producer, consumer, doctype):
	title = unique("draft")
	rows = [{"item": item} for item in "abc"]
	name = producer.run(insert, doctype=doctype, title=title, rows=rows)
	take(producer, consumer)

	producer.run(set_in_database, doctype=doctype, name=name, note="set", urgent=1)
	producer.run(turn_round, doctype=doctype, name=name)
	take(producer, consumer)
	doc = here(consumer, doctype, title)
	assert (doc["note"], doc["urgent"], [row["item"] for row in doc["rows"]]) == ("set", 1, ["c", "b", "a"])

	producer.run(discard, doctype=doctype, name=name)
	take(producer, consumer)
	assert here(consumer, doctype, title)["docstatus"] == 2


def test_what_others_link_to_is_renamed_and_merged_and_their_links_follow(producer, consumer, doctype):
	city, renamed, other, title = unique("city"), unique("renamed"), unique("other"), unique("order")
	for name in (city, other):
		producer.run(insert, doctype=CITY, title=name)
	order = producer.run(insert, doctype=doctype, title=title, city=city)
	take(producer, consumer)

	producer.run(rename, old=city, new=renamed)
	producer.run(change, doctype=CITY, name=renamed, country_name="Siam")
	producer.run(change, doctype=doctype, name=order, note="after")
	take(producer, consumer)
	doc = here(consumer, doctype, title)
	assert doc["note"] == "after"
	assert consumer.run(read_doc, doctype=CITY, name=doc["city"])["country_name"] == "Siam"

	producer.run(rename, old=renamed, new=other, merge=True)
	producer.run(change, doctype=CITY, name=other, country_name="Laos")
	take(producer, consumer)
	doc = here(consumer, doctype, title)
	assert consumer.run(read_doc, doctype=CITY, name=doc["city"])["country_name"] == "Laos"
	assert consumer.run(cities_left, names=[city, renamed, other]) == 1


def cities_left(names: list[str]) -> int:
	import frappe

	return frappe.db.count(CITY, {"name": ["in", names]})
