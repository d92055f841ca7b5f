"""A document is renamed while it does not meet the condition: what was changed before that comes once it meets it again."""

import pytest
from doctypes import ORDER, with_orders
from documents import change, insert, read_doc, unique
from logs import sync_logs
from streams import pull, subscribe

URGENT = {"ref_doctype": ORDER, "use_same_name": 1, "condition": "doc.urgent == 1"}
ROWS = [URGENT, {**URGENT, "when_condition_ends": "Remove"}]


@pytest.fixture(autouse=True)
def orders(producer, consumer):
	with_orders(producer, consumer)


def rename(old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(ORDER, old, new, show_alert=False, rebuild_search=False)


def attach(name: str, content: str) -> None:
	import frappe

	owner = {"attached_to_doctype": ORDER, "attached_to_name": name}
	frappe.get_doc({"doctype": "File", "file_name": f"{content}.txt", "content": content, **owner}).insert()


def files_of(name: str) -> list[str]:
	import frappe

	owner = {"attached_to_doctype": ORDER, "attached_to_name": name}
	return sorted(frappe.get_all("File", owner, pluck="file_name"))


@pytest.mark.parametrize("row", ROWS, ids=["keep", "remove"])
@pytest.mark.parametrize("pulls", [0, 1, 2], ids=["told_at_once", "told_before", "told_one_by_one"])
@pytest.mark.parametrize("renamed_before", [False, True])
def test_what_it_missed_before_it_was_renamed_comes_when_it_fits_again(
	producer, consumer, row, pulls, renamed_before
):
	subscribe(consumer, producer, row)
	title = unique("order")
	name = producer.run(insert, doctype=ORDER, title=title, urgent=1, total=1)
	pull(consumer, producer)
	if renamed_before:
		producer.run(rename, old=name, new=f"{title} at first")
		name = f"{title} at first"
		pull(consumer, producer)

	producer.run(change, doctype=ORDER, name=name, urgent=0)
	producer.run(change, doctype=ORDER, name=name, note="missed")
	producer.run(attach, name=name, content=title)
	if pulls == 2:
		pull(consumer, producer)
	producer.run(rename, old=name, new=f"{title} then")
	producer.run(rename, old=f"{title} then", new=f"{title} last")
	if pulls:
		pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=f"{title} last", urgent=1, total=2)
	pull(consumer, producer)

	doc = consumer.run(read_doc, doctype=ORDER, name=f"{title} last")
	assert (doc["note"], doc["total"], doc["urgent"]) == ("missed", 2, 1)
	assert consumer.run(files_of, name=f"{title} last") == [f"{title}.txt"]
	assert consumer.run(read_doc, doctype=ORDER, name=name) is None
	assert all(log["status"] == "Synced" for log in sync_logs(consumer))
