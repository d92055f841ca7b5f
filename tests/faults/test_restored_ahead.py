"""A producer is put back to an older state while a consumer has taken rows of high priority ahead of its cursor."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import read_doc, set_settings, unique
from logs import sync_logs
from streams import pull, subscribe
from test_restored import back_up, drop_backups, put_back, read_mark

MANY = 70


@pytest.fixture(autouse=True)
def sites(producer, consumer):
	with_orders(producer, consumer)
	consumer.run(set_settings, events_per_page=20)
	yield
	for site in (producer, consumer):
		site.run(drop_backups)


def make(doctype: str, prefix: str, count: int) -> list[str]:
	import frappe

	names = []
	for number in range(count):
		doc = frappe.get_doc({"doctype": doctype, "title": f"{prefix} {number:03}"})
		names.append(doc.insert(set_name=doc.title).name)
		frappe.db.commit()
	return names


def pull_one_page(event_producer: str) -> dict:
	from dataclasses import asdict

	from event_streaming.consumer.pull import loop

	real, asked = loop.may_use_line, []

	def once(doc, producer, summary, deadline) -> bool:
		asked.append(1)
		return len(asked) == 1 and real(doc, producer, summary, deadline)

	loop.may_use_line = once
	try:
		return asdict(loop.pull(event_producer))
	finally:
		loop.may_use_line = real


def state(event_producer: str) -> dict:
	from event_streaming.consumer.logs.state import load_state

	kept = load_state(event_producer)
	return {
		"position": kept.position,
		"furthest": kept.furthest,
		"restored_to": kept.restored_to,
		"documents": kept.restored_documents or "",
	}


@pytest.mark.parametrize("machine", ["kept", "lost"])
def test_what_was_taken_ahead_and_is_lost_there_is_told_and_what_comes_then_arrives_once(
	producer, consumer, machine
):
	rows = [
		{"ref_doctype": ORDER, "use_same_name": 1, "priority": "High"},
		{"ref_doctype": CITY, "use_same_name": 1, "priority": "Low"},
	]
	subscribe(consumer, producer, *rows)
	cities = producer.run(make, doctype=CITY, prefix=unique("old"), count=MANY)
	pull_first = producer.run(make, doctype=ORDER, prefix=unique("old order"), count=2)
	producer.run(number)
	producer.run(back_up, doctype=ORDER)
	producer.run(read_mark)
	lost = producer.run(make, doctype=ORDER, prefix=unique("lost"), count=3)
	consumer.run(pull_one_page, event_producer=producer.url)
	before = consumer.run(state, event_producer=producer.url)
	assert before["furthest"] - before["position"] > MANY
	producer.run(put_back, mark=machine)
	new = producer.run(make, doctype=ORDER, prefix=unique("new"), count=2)

	pull(consumer, producer)

	told = consumer.run(state, event_producer=producer.url)
	assert told["restored_to"] == before["furthest"]
	assert all(name in told["documents"] for name in lost)
	arrived = [log["producer_doc"] for log in sync_logs(consumer)]
	assert sorted(arrived) == sorted([*cities, *pull_first, *lost, *new])
	assert all(consumer.run(read_doc, doctype=ORDER, name=name) for name in new)
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	assert told["position"] == told["furthest"]


def number() -> None:
	import frappe

	from event_streaming.producer.log.sequence import numbered

	frappe.db.commit()
	numbered()
