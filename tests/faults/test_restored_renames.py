"""A document was renamed on the producer, and a backup from before that is restored there: the consumer has it once, and goes on with it."""

import pytest
from doctypes import ORDER, ROW, TICKET, make_doctype
from documents import change, find_name, insert, read_doc, unique
from logs import sync_logs
from streams import copy_now, pull, subscribe
from test_restored import back_up, drop_backups, number_them, put_back, read_mark

pytestmark = pytest.mark.usefixtures("orders", "no_backup_left")


@pytest.fixture
def no_backup_left(producer, consumer):
	yield
	for site in (producer, consumer):
		site.run(drop_backups)


def make_order(title: str) -> str:
	import frappe

	rows = [{"item": item, "qty": 1} for item in ("bolt", "nut")]
	return frappe.get_doc({"doctype": ORDER, "title": title, "rows": rows}).insert(set_name=title).name


def rename_order(name: str, new: str) -> None:
	import frappe

	frappe.rename_doc(ORDER, name, new, show_alert=False, rebuild_search=False)


def count_orders(title: str) -> int:
	import frappe

	return frappe.db.count(ORDER, {"title": title})


@pytest.fixture
def renamed_and_restored(producer, consumer):
	"""Renamed twice, and twice given, after the backup; returns the name that it has on the producer again."""
	subscribe(consumer, producer, ORDER)
	name = producer.run(make_order, title=unique("ORD"))
	pull(consumer, producer)
	pull(consumer, producer)
	for table in (ROW, ORDER):
		producer.run(back_up, doctype=table)
	mark = producer.run(read_mark)
	producer.run(rename_order, name=name, new=f"{name} second")
	producer.run(rename_order, name=f"{name} second", new=f"{name} third")
	pull(consumer, producer)
	assert consumer.run(find_name, doctype=ORDER, title=name) == f"{name} third"
	producer.run(put_back, mark=mark)
	return name


def test_its_next_change_comes_to_the_document_that_was_renamed(producer, consumer, renamed_and_restored):
	name = renamed_and_restored
	producer.run(change, doctype=ORDER, name=name, note="after the restore")
	producer.run(number_them)
	pull(consumer, producer)

	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}, sync_logs(consumer)
	assert consumer.run(count_orders, title=name) == 1
	here = consumer.run(read_doc, doctype=ORDER, name=f"{name} third")
	assert (here["note"], [row["item"] for row in here["rows"]]) == ("after the restore", ["bolt", "nut"])


def test_it_can_be_renamed_again_and_deleted(producer, consumer, renamed_and_restored):
	name = renamed_and_restored
	producer.run(rename_order, name=name, new=f"{name} once more")
	producer.run(change, doctype=ORDER, name=f"{name} once more", note="after the restore")
	pull(consumer, producer)
	assert consumer.run(find_name, doctype=ORDER, title=name) == f"{name} once more"

	producer.run(delete_order, name=f"{name} once more")
	pull(consumer, producer)

	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}, sync_logs(consumer)
	assert consumer.run(count_orders, title=name) == 0


def delete_order(name: str) -> None:
	import frappe

	frappe.delete_doc(ORDER, name)


def make_ticket(title: str) -> str:
	import frappe

	return frappe.get_doc({"doctype": TICKET, "title": title}).insert().name


REMARK = "Streamed Remark"


def make_remark_doctype() -> None:
	fields = [
		{"fieldname": "title", "label": "Title", "fieldtype": "Data"},
		{"fieldname": "ticket", "label": "Ticket", "fieldtype": "Link", "options": TICKET},
	]
	make_doctype(REMARK, fields, autoname="field:title")


@pytest.fixture
def given_again(producer, consumer) -> dict:
	"""The sites name tickets by counters of their own. One of the producer is lost; the next one that it takes from the consumer gets its
	name. The titles of both, and that name."""
	for site in (producer, consumer):
		site.run(make_remark_doctype)
	subscribe(consumer, producer, TICKET, REMARK, use_same_name=0)
	subscribe(producer, consumer, TICKET, use_same_name=0)
	producer.run(back_up, doctype=TICKET)
	mark = producer.run(read_mark)
	lost, own = unique("LOST"), unique("OWN")
	name = producer.run(make_ticket, title=lost)
	pull(consumer, producer)
	producer.run(put_back, mark=mark)
	consumer.run(make_ticket, title=own)
	pull(producer, consumer)
	assert producer.run(find_name, doctype=TICKET, title=own) == name
	return {"lost": lost, "own": own, "name": name}


def here_as(consumer, title: str) -> str:
	return consumer.run(find_name, doctype=TICKET, title=title)


def test_a_name_that_is_given_again_after_a_restore_is_not_taken_for_the_one_that_was_lost(
	producer, consumer, given_again
):
	"""What is changed by that name is the consumer's own ticket."""
	producer.run(change, doctype=TICKET, name=given_again["name"], note="after the restore")
	producer.run(number_them)
	pull(consumer, producer)

	notes = {
		each: consumer.run(read_doc, doctype=TICKET, name=here_as(consumer, given_again[each]))["note"]
		for each in ("lost", "own")
	}
	assert notes == {"lost": None, "own": "after the restore"}
	producer.run(change, doctype=TICKET, name=given_again["name"], note="and again")
	pull(consumer, producer)
	own = here_as(consumer, given_again["own"])
	assert consumer.run(read_doc, doctype=TICKET, name=own)["note"] == "and again"


def test_a_link_to_a_name_that_is_given_again_leads_to_the_document_that_has_it_now(
	producer, consumer, given_again
):
	remark = producer.run(insert, doctype=REMARK, title=unique("remark"), ticket=given_again["name"])
	producer.run(number_them)
	pull(consumer, producer)

	here = consumer.run(read_doc, doctype=REMARK, name=consumer.run(find_name, doctype=REMARK, title=remark))
	assert here["ticket"] == here_as(consumer, given_again["own"])


@pytest.mark.parametrize("copied", [False, True], ids=["a change", "a copy"])
def test_the_one_that_was_lost_comes_home_as_another_than_the_one_that_has_its_name_now(
	producer, consumer, given_again, copied
):
	"""The consumer has still the lost one, tells of it by the name that it had on the producer, and is right: it was first made there."""
	lost = here_as(consumer, given_again["lost"])
	consumer.run(change, doctype=TICKET, name=lost, note="of the lost one")
	if copied:
		producer.run(copy_now, event_producer=consumer.url, doctypes=[TICKET])
	pull(producer, consumer)

	own = producer.run(read_doc, doctype=TICKET, name=given_again["name"])
	assert (own["title"], own["note"]) == (given_again["own"], None)
	came = producer.run(find_name, doctype=TICKET, title=given_again["lost"])
	assert came != given_again["name"]
	assert producer.run(read_doc, doctype=TICKET, name=came)["note"] == "of the lost one"
	consumer.run(change, doctype=TICKET, name=lost, note="once more")
	pull(producer, consumer)
	assert producer.run(read_doc, doctype=TICKET, name=came)["note"] == "once more"
	producer.run(change, doctype=TICKET, name=came, note="and back")
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=TICKET, name=lost)["note"] == "and back"
	assert not {log["status"] for log in sync_logs(producer)} & {"Failed", "Waiting"}, sync_logs(producer)
