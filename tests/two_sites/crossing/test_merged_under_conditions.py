"""A document that a consumer has never got is merged into one that it has, or gets later: what that has since is there, too."""

import pytest
from doctypes import ORDER, with_orders
from documents import change, insert, read_doc, unique
from logs import sync_logs
from streams import pull, subscribe

URGENT = {"ref_doctype": ORDER, "use_same_name": 1, "condition": "doc.urgent == 1"}
KEPT, REMOVED = URGENT, {**URGENT, "when_condition_ends": "Remove"}


@pytest.fixture(autouse=True)
def orders(producer, consumer):
	with_orders(producer, consumer)


def order(site, urgent: int, content: str = "") -> str:
	name = site.run(insert, doctype=ORDER, title=unique("order"), urgent=urgent)
	if content:
		site.run(attach, name=name, content=content)
	return name


def attach(name: str, content: str) -> None:
	import frappe

	owner = {"attached_to_doctype": ORDER, "attached_to_name": name}
	frappe.get_doc({"doctype": "File", "file_name": f"{content}.txt", "content": content, **owner}).insert()


def merge(old: str, into: str) -> None:
	import frappe

	frappe.rename_doc(ORDER, old, into, merge=True, show_alert=False, rebuild_search=False)


def look(name: str) -> dict | None:
	import frappe

	if not frappe.db.exists(ORDER, name):
		return None
	owner = {"attached_to_doctype": ORDER, "attached_to_name": name}
	files = frappe.get_all("File", owner, pluck="file_name")
	stamps = frappe.db.get_value(ORDER, name, ["modified", "modified_by"])
	return {"files": sorted(files), "stamps": [str(stamp) for stamp in stamps]}


def all_synced(site) -> bool:
	return all(log["status"] == "Synced" for log in sync_logs(site))


@pytest.mark.parametrize("at_once", [True, False], ids=["in_one_pull", "one_by_one"])
@pytest.mark.parametrize("row", [KEPT, REMOVED], ids=["keep", "remove"])
def test_one_that_does_not_fit_is_merged_into_one_that_does(producer, consumer, row, at_once):
	subscribe(consumer, producer, row)
	content = unique("file")
	unknown, into = order(producer, 0, content), order(producer, 1)
	if not at_once:
		pull(consumer, producer)

	producer.run(merge, old=unknown, into=into)
	pull(consumer, producer)

	assert consumer.run(look, name=into) == producer.run(look, name=into)
	assert consumer.run(look, name=into)["files"] == [f"{content}.txt"]
	assert consumer.run(look, name=unknown) is None
	assert all_synced(consumer)


@pytest.mark.parametrize("when", ["before", "between", "afterwards"])
def test_it_is_merged_into_one_that_comes_to_fit(producer, consumer, when):
	"""The other one is changed when the merge was heard of, or before."""
	subscribe(consumer, producer, KEPT)
	content = unique("file")
	unknown, into = order(producer, 0, content), order(producer, 0)
	producer.run(attach, name=into, content=f"{content} own")
	if when == "before":
		pull(consumer, producer)
	producer.run(merge, old=unknown, into=into)
	if when == "between":
		pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=into, note="changed")
	producer.run(change, doctype=ORDER, name=into, urgent=1)
	pull(consumer, producer)

	assert consumer.run(look, name=into) == producer.run(look, name=into)
	assert consumer.run(look, name=into)["files"] == [f"{content} own.txt", f"{content}.txt"]
	assert consumer.run(read_doc, doctype=ORDER, name=into)["note"] == "changed"
	assert all_synced(consumer)


def test_it_is_merged_into_one_that_is_kept_and_fits_again(producer, consumer):
	subscribe(consumer, producer, KEPT)
	content = unique("file")
	unknown, into = order(producer, 0, content), order(producer, 1)
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=into, urgent=0)
	pull(consumer, producer)
	producer.run(merge, old=unknown, into=into)
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=into, urgent=1)
	pull(consumer, producer)

	assert consumer.run(look, name=into) == producer.run(look, name=into)
	assert consumer.run(look, name=into)["files"] == [f"{content}.txt"]


def test_one_that_was_sent_is_merged_into_one_that_comes_to_fit(producer, consumer):
	subscribe(consumer, producer, KEPT)
	content = unique("file")
	sent, into = order(producer, 1, content), order(producer, 0)
	pull(consumer, producer)
	producer.run(merge, old=sent, into=into)
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=into, urgent=1)
	pull(consumer, producer)

	assert consumer.run(look, name=sent) is None
	assert consumer.run(look, name=into) == producer.run(look, name=into)
	assert consumer.run(look, name=into)["files"] == [f"{content}.txt"]


def test_of_two_that_do_not_fit_nothing_is_told(producer, consumer):
	subscribe(consumer, producer, KEPT)
	one, other = order(producer, 0), order(producer, 0)
	pull(consumer, producer)
	producer.run(merge, old=one, into=other)
	pull(consumer, producer)

	assert not sync_logs(consumer)
