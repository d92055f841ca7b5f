"""Verify and repair: what differs on two sites is found with few bytes, shown, and brought in line."""

import json

import pytest
from streams import (
	CITY,
	ORDER,
	TICKET,
	change,
	delete,
	insert,
	pull,
	read_doc,
	read_rows,
	subscribe,
	sync_logs,
	unique,
	update_logs,
	with_orders,
)


@pytest.fixture(autouse=True)
def orders(producer, consumer):
	with_orders(producer, consumer)


# ---- inside a site


def check(
	event_producer: str,
	kind: str = "Verify",
	doctypes: list | None = None,
	filters: dict | None = None,
	delete_extra: bool = False,
	pulls: bool = True,
) -> dict:
	"""A verify or repair to its end, here and now, with its report, and the bytes that it was answered."""
	import frappe

	from event_streaming import http_client
	from event_streaming.consumer import checking, repair, task, verify
	from event_streaming.consumer.long_work import run_slice

	if kind == "Verify":
		name = verify.begin(event_producer, doctypes, filters).name
	else:
		name = repair.begin(event_producer, delete_extra).name
	frappe.db.commit()
	received, read = [], http_client.read_bounded

	def counted(response, url):
		content = read(response, url)
		received.append(len(content))
		return content

	pull_first, checking.let_pull = checking.let_pull, checking.let_pull if pulls else print
	http_client.read_bounded = counted
	try:
		while (done := run_slice(name)).more:
			pass
	finally:
		checking.let_pull, http_client.read_bounded = pull_first, read
	result = {**task.as_progress(done.task), **done.task.report, "bytes": sum(received)}
	return json.loads(json.dumps(result, default=str))


def set_value(doctype: str, name: str, **values) -> None:
	"""Past the document life cycle: no event tells of it."""
	import frappe

	frappe.db.set_value(doctype, name, values)


def sql(query: str, values: list | None = None) -> None:
	import frappe

	frappe.db.sql(query, values or [])


def make_orders(prefix: str, count: int) -> list[str]:
	import frappe

	city = frappe.get_doc({"doctype": CITY, "title": f"{prefix} city"}).insert()
	names = []
	for number in range(count):
		order = frappe.get_doc(
			{
				"doctype": ORDER,
				"title": f"{prefix} {number}",
				"city": city.name,
				"total": 10.5 * number,
				"due": "2026-05-01 10:00:00",
				"day": "2026-05-02",
				"rows": [{"item": "bolt", "qty": 2}, {"item": "nut", "qty": 3}],
			}
		).insert()
		names.append(order.name)
	frappe.get_doc(ORDER, names[0]).submit()
	return names


def forget_documents() -> None:
	"""What other tests have left would be found, too."""
	import frappe

	for doctype in (ORDER, TICKET, CITY, "Streamed Order Row"):
		frappe.db.delete(doctype)
	frappe.db.delete("Event Document Identity")


# ---- what a test says


@pytest.fixture
def fresh(producer, consumer):
	for site in (producer, consumer):
		site.run(forget_documents)


def verify(consumer, producer, *doctypes, **options) -> dict:
	done = consumer.run(check, event_producer=producer.url, doctypes=list(doctypes) or None, **options)
	assert done["status"] == "Done", done["message"]
	return done


def repair(consumer, producer, **options) -> dict:
	done = consumer.run(check, event_producer=producer.url, kind="Repair", **options)
	assert done["status"] == "Done", done["message"]
	return done


def found(done: dict) -> dict:
	return {each["remote_name"]: each for each in done["findings"]}


def test_equal_sites_have_nothing_to_show_and_a_change_past_the_life_cycle_is_found_and_repaired(
	producer, consumer, fresh
):
	subscribe(consumer, producer, ORDER, CITY)
	names = producer.run(make_orders, prefix="order", count=30)
	pull(consumer, producer)

	equal = verify(consumer, producer)
	producer.run(set_value, doctype=ORDER, name=names[3], note="past the life cycle", total=99.5)
	differing = verify(consumer, producer)
	untouched = consumer.run(read_doc, doctype=ORDER, name=names[3])["note"]
	repaired = repair(consumer, producer)
	again = verify(consumer, producer)

	assert (equal["done"], equal["here"], equal["differing"], equal["findings"]) == (31, 31, 0, [])
	assert equal["bytes"] < 3_000
	assert (differing["differing"], differing["here"]) == (1, 30)
	(finding,) = differing["findings"]
	assert (finding["kind"], finding["local_name"]) == ("Different", names[3])
	assert finding["fields"] == [["Note", "", "past the life cycle"], ["Total", "31.5", "99.5"]]
	assert untouched in (None, "")
	assert (repaired["made"], repaired["failed"]) == (1, 0)
	assert consumer.run(read_doc, doctype=ORDER, name=names[3])["note"] == "past the life cycle"
	assert again["differing"] == 0
	log = sync_logs(consumer, producer_doc=names[3])[-1]
	assert (log["update_type"], log["status"]) == ("Update", "Synced") and "repair" in log["outcome"]
