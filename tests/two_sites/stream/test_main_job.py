"""A document made on the producer appears, changes and goes on the consumer, in both namings."""

import pytest
from doctypes import CITY, ORDER, TICKET, indexes_of, with_orders
from documents import change, delete, find_name, insert, read_doc, unique
from logs import sync_logs, update_logs
from streams import pull, subscribe


@pytest.fixture
def order(producer, consumer):
	"""A subscription to orders under the same name, and a function that makes one."""
	with_orders(producer, consumer)
	subscribe(consumer, producer, ORDER, CITY)

	def make(**values):
		values = {
			"title": unique("order"),
			"rows": [{"item": "bolt", "qty": 1.5}, {"item": "nut", "qty": 2}],
			**values,
		}
		return producer.run(insert, doctype=ORDER, **values)

	return make


def rows_of(doc: dict) -> list[tuple]:
	return [(row["idx"], row["item"], row["qty"], row["gift"]) for row in doc["rows"]]


def change_rows(name: str) -> None:
	"""One row goes, one changes, one is new, and it stands first."""
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.rows[0].qty = 7
	doc.remove(doc.rows[1])
	doc.append("rows", {"item": "washer", "qty": 3, "gift": 1})
	doc.rows.reverse()
	for number, row in enumerate(doc.rows, start=1):
		row.idx = number
	doc.note = "changed"
	doc.save()


def test_a_created_document_appears_with_its_rows_and_the_producers_stamps(producer, consumer, order):
	name = order(total=12.34, urgent=1, due="2026-01-02 03:04:05", day="2026-01-02")

	summary = pull(consumer, producer)

	there, here = (
		producer.run(read_doc, doctype=ORDER, name=name),
		consumer.run(read_doc, doctype=ORDER, name=name),
	)
	assert summary["synced"] == 1
	assert rows_of(here) == rows_of(there) == [(1, "bolt", 1.5, 0), (2, "nut", 2.0, 0)]
	for field in (
		"title",
		"total",
		"urgent",
		"due",
		"day",
		"owner",
		"creation",
		"modified",
		"modified_by",
		"docstatus",
	):
		assert here[field] == there[field], field


def test_an_update_changes_fields_and_rows_and_nothing_else(producer, consumer, order):
	name = order(note="first")
	pull(consumer, producer)

	producer.run(change_rows, name=name)
	pull(consumer, producer)

	there, here = (
		producer.run(read_doc, doctype=ORDER, name=name),
		consumer.run(read_doc, doctype=ORDER, name=name),
	)
	assert rows_of(here) == rows_of(there) == [(1, "washer", 3.0, 1), (2, "bolt", 7.0, 0)]
	assert (here["note"], here["title"]) == ("changed", there["title"])
	assert [row["name"] for row in here["rows"]] == [row["name"] for row in there["rows"]]
	assert here["modified"] == there["modified"]


def test_a_deleted_document_goes(producer, consumer, order):
	name = order()
	pull(consumer, producer)

	producer.run(delete, doctype=ORDER, name=name)
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=name) is None
	assert [log["update_type"] for log in sync_logs(consumer)] == ["Create", "Delete"]


def test_with_local_naming_the_consumer_names_the_document_and_remembers_where_it_came_from(
	producer, consumer
):
	with_orders(producer, consumer)
	subscribe(consumer, producer, TICKET, use_same_name=0)
	name = producer.run(insert, doctype=TICKET, title=unique("remote"), rows=[{"item": "bolt", "qty": 1}])
	# the two sites' counters must not agree by chance
	while consumer.run(insert, doctype=TICKET, title=unique("local")) < name:
		pass

	pull(consumer, producer)
	here = consumer.run(find_name, doctype=TICKET, remote_docname=name, remote_site_name=producer.url)
	assert here and here != name
	assert len(consumer.run(read_doc, doctype=TICKET, name=here)["rows"]) == 1

	producer.run(change_rows_of_one, name=name)
	pull(consumer, producer)
	doc = consumer.run(read_doc, doctype=TICKET, name=here)
	assert (doc["note"], rows_of(doc)) == ("twice", [(1, "bolt", 9.0, 0), (2, "pin", 1.0, 0)])
	assert (doc["remote_docname"], doc["remote_site_name"]) == (name, producer.url)
	assert {"remote_docname", "remote_site_name"} <= {
		columns[0] for columns in consumer.run(indexes_of, doctype=TICKET)
	}

	producer.run(delete, doctype=TICKET, name=name)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=TICKET, name=here) is None


def change_rows_of_one(name: str) -> None:
	import frappe

	doc = frappe.get_doc(TICKET, name)
	doc.rows[0].qty = 9
	doc.append("rows", {"item": "pin", "qty": 1})
	doc.note = "twice"
	doc.save()


def test_two_documents_of_one_name_on_two_sites_never_meet(producer, consumer, order):
	"""The same series on both sites: the local document is left alone, and the log says what to do."""
	name = unique("same")
	mine = {"title": "mine", "name": name}
	consumer.run(insert_named, doctype=ORDER, name=name, title="mine")
	producer.run(insert_named, doctype=ORDER, name=name, title="theirs")

	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=name, note="changed over there")
	pull(consumer, producer)

	here = consumer.run(read_doc, doctype=ORDER, name=name)
	assert (here["title"], here["note"]) == (mine["title"], None)
	logs = sync_logs(consumer, producer_doc=name)
	assert [log["status"] for log in logs] == ["Failed", "Waiting"]
	assert "Adopt" in logs[0]["error"] and "rename" in logs[0]["error"]


def insert_named(doctype: str, name: str, **values) -> None:
	import frappe

	frappe.get_doc({"doctype": doctype, **values}).insert(set_name=name)


def test_passwords_never_leave_the_site(producer, consumer, order):
	name = order(secret="hunter2")

	pull(consumer, producer)

	assert all("hunter2" not in (log["data"] or "") for log in update_logs(producer))
	assert all("secret" not in (log["data"] or "") for log in update_logs(producer, docname=name))
	assert not consumer.run(read_doc, doctype=ORDER, name=name)["secret"]


def test_a_save_without_a_change_logs_nothing(producer, consumer, order):
	name = order(total="10.00", day="2026-03-04", due="2026-03-04 10:00:00")
	before = len(update_logs(producer))

	producer.run(save_with_other_types, name=name)

	assert len(update_logs(producer)) == before


def save_with_other_types(name: str) -> None:
	"""What a form sends: numbers and dates as text."""
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.update({"total": "10", "day": "2026-03-04", "due": "2026-03-04 10:00:00", "urgent": "0", "note": ""})
	doc.save()


def test_nothing_is_logged_for_a_doctype_without_an_approved_consumer(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, ORDER, approve=False)

	producer.run(insert, doctype=ORDER, title=unique("pending"))

	assert update_logs(producer) == []


def test_fields_that_the_consumer_lacks_are_left_out_and_named(producer, consumer, order, extra_fields):
	extra_fields(producer, ORDER, {"fieldname": "only_here", "label": "Only here", "fieldtype": "Data"})
	name = order(only_here="x")

	pull(consumer, producer)

	(log,) = sync_logs(consumer, producer_doc=name)
	assert log["status"] == "Synced"
	assert "only_here" in log["warnings"]


def test_submit_and_cancel_flow(producer, consumer, order):
	name = order()
	producer.run(set_docstatus, name=name, docstatus=1)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=ORDER, name=name)["docstatus"] == 1

	producer.run(change, doctype=ORDER, name=name, note="after submit")
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=ORDER, name=name)["note"] == "after submit"

	producer.run(set_docstatus, name=name, docstatus=2)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=ORDER, name=name)["docstatus"] == 2

	producer.run(delete, doctype=ORDER, name=name)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=ORDER, name=name) is None


def test_what_a_db_set_changes_of_a_cancelled_document_flows_with_its_time_stamp(producer, consumer, order):
	name = order()
	for docstatus in (1, 2):
		producer.run(set_docstatus, name=name, docstatus=docstatus)
	pull(consumer, producer)

	producer.run(set_note, name=name, note="afterwards")
	pull(consumer, producer)

	here, there = (site.run(read_doc, doctype=ORDER, name=name) for site in (consumer, producer))
	assert (here["note"], here["modified"]) == ("afterwards", there["modified"])


def set_note(name: str, note: str) -> None:
	import frappe

	frappe.get_doc(ORDER, name).db_set("note", note)


def set_docstatus(name: str, docstatus: int) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	if docstatus == 1:
		doc.submit()
	else:
		doc.cancel()


def test_rename_flows_in_both_namings(producer, consumer, order):
	city = unique("Old Town")
	new = unique("New Town")
	producer.run(insert, doctype=CITY, title=city)
	pull(consumer, producer)

	producer.run(rename, doctype=CITY, old=city, new=new)
	producer.run(change, doctype=CITY, name=new, country_name="Siam")
	pull(consumer, producer)

	assert [log["error"] for log in sync_logs(consumer)] == [None] * 3
	assert consumer.run(read_doc, doctype=CITY, name=city) is None
	assert consumer.run(read_doc, doctype=CITY, name=new)["country_name"] == "Siam"


def rename(doctype: str, old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(doctype, old, new)
