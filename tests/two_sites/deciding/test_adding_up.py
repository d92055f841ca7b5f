"""Add Up, policies of single fields and kinds of conflict: both sites count in the same number, and every meeting has a name."""

import json

import pytest
from doctypes import CITY, ORDER
from documents import change, delete, insert, read_doc, unique
from logs import sync_logs
from streams import make_event_producer, make_subscriber, pull, require_field, settle, subscribe

from sandbox.errors import RemoteError

COUNTED = "total\nrows.qty"
pytestmark = pytest.mark.usefixtures("orders")


def order(producer, **values) -> str:
	rows = [{"item": "bolt", "qty": 2}, {"item": "nut", "qty": 3}]
	return producer.run(
		insert, doctype=ORDER, **{"title": unique("order"), "rows": rows, "total": 10, **values}
	)


def count(name: str, total: float = 0, qty: float = 0, **values) -> None:
	"""Add to the number of an order, and to that of its first row."""
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.total += total
	doc.rows[0].qty += qty
	doc.update(values)
	doc.save()


def set_past_the_document(name: str, total: float) -> None:
	import frappe

	frappe.db.set_value(ORDER, name, "total", total, update_modified=False)


def remove_row(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.remove(doc.rows[1])
	doc.save()


def change_second_row(name: str, item: str, total: float) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.rows[1].item = item
	doc.total += total
	doc.save()


def forget_rule(doctype: str) -> None:
	import frappe

	frappe.delete_doc("Server Script", f"{doctype} needs note")


def resync(name) -> str:
	from event_streaming.event_streaming.doctype.event_sync_log.event_sync_log import resync_log

	return resync_log(name)


def verify(event_producer: str) -> dict:
	import frappe

	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.verify import verifying

	name = verifying.begin(event_producer).name
	frappe.db.commit()
	while run_slice(name).more:
		pass
	return frappe.get_doc("Event Streaming Task", name).as_dict(convert_dates_to_str=True)


def numbers(site, name: str) -> tuple:
	doc = site.run(read_doc, doctype=ORDER, name=name)
	return doc["total"], [row["qty"] for row in doc["rows"]]


def test_what_the_producer_adds_is_added_once_whatever_happens(producer, consumer):
	event_producer = subscribe(consumer, producer, ORDER, add_up=COUNTED, conflict_policy="Ask")
	name = order(producer)
	pull(consumer, producer)
	assert numbers(consumer, name) == (10, [2, 3])

	consumer.run(count, name=name, total=-2, qty=5)
	producer.run(count, name=name, total=-3, qty=1)
	pull(consumer, producer)
	assert numbers(consumer, name) == (5, [8, 3])
	log = sync_logs(consumer)[-1]
	assert (log["status"], log["conflicts"], log["conflict_type"]) == ("Synced", None, None)
	assert "Added up: total, rows.qty" in log["outcome"]

	# an event that fails, and is tried again
	consumer.run(require_field, doctype=ORDER, fieldname="note")
	producer.run(count, name=name, total=-1)
	pull(consumer, producer)
	failed = sync_logs(consumer)[-1]
	assert failed["status"] != "Synced" and numbers(consumer, name)[0] == 5
	consumer.run(forget_rule, doctype=ORDER)
	assert consumer.run(resync, name=failed["name"]) == "Synced"
	assert consumer.run(resync, name=failed["name"]) == "Synced"
	assert numbers(consumer, name)[0] == 4

	# the document comes whole in the place of a change; what was counted here stays, and so does what comes after it
	consumer.run(remove_row, name=name)
	producer.run(change_second_row, name=name, item="screw", total=2)
	producer.run(count, name=name, total=1, qty=1)
	pull(consumer, producer)
	assert [log["status"] for log in sync_logs(consumer)[-2:]] == ["Synced", "Synced"]
	assert numbers(consumer, name) == (7, [9, 3])

	# code of this site has set it past the document
	consumer.run(set_past_the_document, name=name, total=100)
	producer.run(count, name=name, total=1)
	pull(consumer, producer)
	assert numbers(consumer, name)[0] == 101
	# of other tests' orders some differ
	report = json.loads(consumer.run(verify, event_producer=event_producer)["report"])
	assert report["doctypes"][ORDER]["documents"] and name not in [
		each["remote_name"] for each in report["findings"]
	]


def test_both_ways_they_come_to_the_same_number_and_each_field_has_its_policy(producer, consumer):
	policies = "note: Consumer Wins\ncity: Newest Wins"
	row = {"use_same_name": 1, "add_up": COUNTED, "field_policies": policies}
	subscribe(consumer, producer, {"ref_doctype": ORDER, **row})
	name = order(producer, note="first")
	pull(consumer, producer)
	subscribe(producer, consumer, {"ref_doctype": ORDER, **row})

	for number in range(3):
		producer.run(count, name=name, total=-1, qty=1, note=f"theirs {number}", title=f"theirs {number}")
		consumer.run(count, name=name, total=-2, qty=1, note=f"ours {number}", title=f"ours {number}")
	settle((consumer, producer), (producer, consumer))

	here, there = (site.run(read_doc, doctype=ORDER, name=name) for site in (consumer, producer))
	assert numbers(consumer, name) == numbers(producer, name) == (1, [8, 3])
	assert (here["note"], here["title"]) == (there["note"], there["title"]) == ("ours 2", "theirs 2")
	log = next(log for log in sync_logs(consumer) if log["conflicts"])
	assert log["conflict_type"] == "Both Changed a Field"
	assert {each["fieldname"]: each["policy"] for each in json.loads(log["conflicts"])} == {
		"note": "Consumer Wins",
		"title": "Producer Wins",
	}
	assert "Consumer Wins" in log["outcome"] and "Producer Wins" in log["outcome"]


def conflicts_lately() -> dict:
	from datetime import timedelta

	from frappe.utils import now_datetime

	from event_streaming.admin.charts import conflicts_in_the_last_week
	from event_streaming.consumer.logs.figures import conflicts_since

	found = conflicts_since(now_datetime() - timedelta(days=1))
	return {
		"kinds": {kind: number for kind, number in found.items() if number},
		**conflicts_in_the_last_week(),
	}


def test_every_meeting_has_a_kind_and_they_are_counted(producer, consumer):
	row = {"ref_doctype": ORDER, "use_same_name": 1, "field_policies": "note: Ask"}
	subscribe(consumer, producer, row, CITY)
	asked = order(producer, note="first")
	gone = producer.run(insert, doctype=CITY, title=unique("gone there"))
	deleted = producer.run(insert, doctype=CITY, title=unique("deleted here"))
	pull(consumer, producer)

	consumer.run(change, doctype=ORDER, name=asked, note="ours", title="ours")
	producer.run(change, doctype=ORDER, name=asked, note="theirs", title="theirs")
	consumer.run(change, doctype=CITY, name=gone, country_name="changed here")
	producer.run(delete, doctype=CITY, name=gone)
	consumer.run(delete, doctype=CITY, name=deleted)
	producer.run(change, doctype=CITY, name=deleted, country_name="changed there")
	pull(consumer, producer)

	kinds = {log["producer_doc"]: (log["status"], log["conflict_type"]) for log in sync_logs(consumer)[-3:]}
	assert kinds == {
		asked: ("Conflict", "Both Changed a Field"),
		gone: ("Synced", "Changed Here, Deleted There"),
		deleted: ("Synced", "Deleted Here, Changed There"),
	}
	(conflict,) = json.loads(next(log for log in sync_logs(consumer) if log["conflicts"])["conflicts"])
	assert conflict["fieldname"] == "note"
	lately = consumer.run(conflicts_lately)
	assert lately["kinds"] == {kind: 1 for _status, kind in kinds.values()} and lately["value"] == 3


@pytest.mark.parametrize(
	("field", "value", "said"),
	[
		("add_up", "title", "holds no number"),
		("add_up", "rows.item", "holds no number"),
		("field_policies", "note: Sometimes", "Newest Wins"),
		("field_policies", "nothing: Ask", "has no field"),
	],
)
def test_what_can_not_be_is_said_when_it_is_named(producer, consumer, field, value, said):
	consumer.run(make_subscriber)
	with pytest.raises(RemoteError, match=said):
		consumer.run(make_event_producer, url=producer.url, rows=[{"ref_doctype": ORDER, field: value}])
