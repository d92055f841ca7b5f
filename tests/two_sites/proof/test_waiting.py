"""Knowing that a document is there: `position` on the producer, `wait_for` and *Caught Up as of* on the consumer."""

import time

import pytest
import requests
from doctypes import CITY
from documents import insert, unique
from streams import KEYS, pull, require_field, require_nothing, subscribe

pytestmark = pytest.mark.usefixtures("orders")


def position() -> int:
	import event_streaming

	return event_streaming.position()


def wait(position: int, seconds: float = 0, event_producer: str | None = None) -> dict:
	from dataclasses import asdict

	import event_streaming

	return asdict(event_streaming.wait_for(position, seconds, event_producer))


def with_work_open() -> list[str]:
	"""Both commit: with work open they refuse, and keep it open."""
	import frappe

	import event_streaming

	refused = []
	frappe.get_doc({"doctype": "Note", "title": frappe.generate_hash()}).insert()
	for call in (event_streaming.position, lambda: event_streaming.wait_for(1, 0)):
		try:
			call()
		except RuntimeError as error:
			refused.append(str(error))
	frappe.db.rollback()
	return refused


def caught_up(event_producer: str) -> str | None:
	import frappe

	value = frappe.db.get_value(
		"Event Producer Last Update", {"event_producer": event_producer}, "caught_up_on"
	)
	return str(value) if value else None


def now() -> str:
	import frappe

	return str(frappe.utils.now_datetime())


def test_a_site_knows_whether_it_has_everything_up_to_a_position(producer, consumer):
	subscribe(consumer, producer, CITY)
	city = unique("City")
	producer.run(insert, doctype=CITY, title=city)
	there = producer.run(position)

	before = consumer.run(wait, position=there)
	asked = consumer.run(now)
	pull(consumer, producer)
	after = consumer.run(wait, position=there)
	later = consumer.run(wait, position=there + 1)

	assert not before["reached"] and before["behind"] == there - before["position"] > 0
	assert (after["reached"], after["behind"], after["in_the_way"]) == (True, 0, [])
	assert not later["reached"] and later["behind"] == 1
	assert asked < consumer.run(caught_up, event_producer=producer.url) < consumer.run(now)
	assert len(producer.run(with_work_open)) == 2
	# a page that brings nothing says it as well
	pulled = consumer.run(now)
	pull(consumer, producer)
	assert pulled < consumer.run(caught_up, event_producer=producer.url)


def test_an_event_that_has_failed_is_not_there_until_it_is(producer, consumer):
	subscribe(consumer, producer, CITY)
	city = unique("City")
	consumer.run(require_field, doctype=CITY, fieldname="country_name")
	try:
		producer.run(insert, doctype=CITY, title=city)
		there = producer.run(position)
		began = time.monotonic()
		consumer.run(set_attempts, number=1)
		pull(consumer, producer)
		found = consumer.run(wait, position=there, seconds=60, event_producer=producer.url)
	finally:
		consumer.run(set_attempts, number=12)
		consumer.run(require_nothing, doctype=CITY)

	assert time.monotonic() - began < 50
	assert not found["reached"] and found["behind"] == 0
	assert [(each["doctype"], each["name"], each["status"]) for each in found["in_the_way"]] == [
		(CITY, city, "Failed")
	]
	assert city in found["message"]
	assert consumer.run(wait, position=there - 1)["reached"]


def set_attempts(number: int) -> None:
	import frappe

	frappe.db.set_single_value("Event Streaming Settings", "max_attempts", number)
	frappe.clear_document_cache("Event Streaming Settings", "Event Streaming Settings")


def test_waiting_starts_a_pull_and_holds_a_web_worker_for_five_seconds_at_most(producer, consumer):
	subscribe(consumer, producer, CITY)
	headers = {"Authorization": f"token {KEYS[0]}:{KEYS[1]}"}
	url = f"{consumer.url}/api/method/event_streaming.api.wait_for"
	producer.run(insert, doctype=CITY, title=unique("City"))
	asked = requests.post(
		f"{producer.url}/api/method/event_streaming.api.position", headers=headers, timeout=60
	)
	there = asked.json()["message"]

	began = time.monotonic()
	data = {"position": there + 1_000, "seconds": 600}
	late = requests.post(url, headers=headers, timeout=60, data=data).json()["message"]
	took = time.monotonic() - began
	consumer.start_worker()
	# the job that the first request has queued
	done = consumer.command("event-streaming", "wait-for", str(there), "--seconds", "30")

	assert not late["reached"] and 4.5 < took < 15
	assert done.returncode == 0, done.stdout
	assert f"up to position {there} is here" in done.stdout
	assert consumer.command("event-streaming", "wait-for", str(there + 9), "--seconds", "0").returncode == 4
