"""What people and notifications do while a pull is at work, which may have read the subscription and the feed already."""

import pytest
from doctypes import CITY, with_orders
from documents import change, delete, insert, read_doc, read_rows, unique
from logs import sync_logs
from streams import make_subscriber, pull, pull_at_once, set_unsubscribed, subscribe, wait_for

SETTINGS = "Event Streaming Settings"


@pytest.fixture(autouse=True)
def subscribed(producer, consumer):
	with_orders(producer, consumer)
	consumer.run(make_subscriber)
	subscribe(consumer, producer, CITY)


def pull_that_waits(event_producer: str, at: str) -> dict:
	"""A pull that stands still with its first page in its hands, or with nothing more to do, until it is told to go on."""
	import time

	import frappe

	from event_streaming.consumer.pull import loop

	original = getattr(loop, at)

	def waiting(*args):
		result = original(*args)
		if not frappe.cache.get_value("test:reached"):
			frappe.cache.set_value("test:reached", 1)
			for _each in range(600):
				if frappe.cache.get_value("test:go"):
					break
				frappe.local.cache.clear()
				time.sleep(0.05)
		return result

	setattr(loop, at, waiting)
	try:
		return vars(loop.pull(event_producer))
	finally:
		setattr(loop, at, original)
		frappe.cache.delete_value(["test:reached", "test:go"])


def has_reached() -> bool:
	import frappe

	frappe.local.cache.clear()
	return bool(frappe.cache.get_value("test:reached"))


def let_go() -> None:
	import frappe

	frappe.cache.set_value("test:go", 1)


def begin(consumer, producer, at: str):
	pending = consumer.shell().start(pull_that_waits, event_producer=producer.url, at=at)
	wait_for(lambda: consumer.run(has_reached), "the pull's coming so far")
	return pending


def test_a_notification_that_comes_while_a_pull_is_at_work_is_seen_when_it_ends(producer, consumer):
	pending = begin(consumer, producer, "pull_as_subscriber")
	city = producer.run(insert, doctype=CITY, title=unique("city"))

	assert consumer.run(pull_at_once, event_producer=producer.url)["busy"]
	consumer.run(let_go)

	assert pending.wait(30)["synced"] == 1
	assert consumer.run(read_doc, doctype=CITY, name=city)


def test_a_notification_that_finds_the_lock_taken_has_left_word_before(consumer, producer):
	"""Whoever has the lock looks for that word once, after giving it back."""
	assert consumer.run(wanted_when_the_lock_is_tried, event_producer=producer.url) == [True]


def wanted_when_the_lock_is_tried(event_producer: str) -> list[bool]:
	from contextlib import contextmanager

	from event_streaming.consumer.pull import loop

	seen, original = [], loop.pull_lock

	@contextmanager
	def taken_by_another(_name):
		seen.append(loop.is_wanted(event_producer))
		yield False

	loop.pull_lock = taken_by_another
	try:
		loop.pull(event_producer)
	finally:
		loop.pull_lock = original
	return seen


def test_what_is_unsubscribed_during_a_pull_stays_unsubscribed_on_both_sites(producer, consumer):
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	pending = begin(consumer, producer, "next_page")

	consumer.run(set_unsubscribed, name=producer.url, doctype=CITY, unsubscribed=1)
	consumer.run(let_go)

	assert pending.wait(30)["error"] == ""
	(row,) = producer.run(read_rows, doctype="Event Consumer Document Type", filters={})
	assert row["unsubscribed"] == 1
	assert consumer.run(read_doc, doctype=CITY, name=city) is None


def test_a_producer_that_is_paused_during_a_pull_gives_nothing_more_until_it_is_resumed(producer, consumer):
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	pending = begin(consumer, producer, "next_page")

	consumer.run(change, doctype="Event Producer", name=producer.url, paused=1)
	consumer.run(let_go)

	assert "paused" in pending.wait(30)["error"]
	assert consumer.run(read_doc, doctype=CITY, name=city) is None
	consumer.run(change, doctype="Event Producer", name=producer.url, paused=0)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=CITY, name=city)


def test_a_producer_that_is_deleted_during_a_pull_ends_it_and_leaves_no_cursor(producer, consumer):
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	pending = begin(consumer, producer, "next_page")

	consumer.run(delete, doctype="Event Producer", name=producer.url)
	consumer.run(let_go)

	assert "There is no Event Producer" in pending.wait(30)["error"]
	assert consumer.run(read_doc, doctype=CITY, name=city) is None and sync_logs(consumer) == []
	assert consumer.run(read_rows, doctype="Event Producer Last Update", filters={}) == []


def test_a_backlog_longer_than_a_slice_goes_on_in_jobs_of_their_own_also_when_one_is_killed(
	producer, consumer
):
	consumer.run(change, doctype=SETTINGS, name=SETTINGS, events_per_page=3, events_per_commit=2)
	prefix = unique("city")
	for number in range(12):
		producer.run(insert, doctype=CITY, title=f"{prefix} {number:02}")

	first = consumer.run(one_slice, event_producer=producer.url)
	killed = consumer.shell()
	killed.start(job_that_is_killed, event_producer=producer.url)
	wait_for(lambda: not killed.child.is_running(), "the end of the killed job")
	assert first["more"] and first["queued"]
	assert 0 < len(sync_logs(consumer)) < 12

	for _each in range(12):
		done = consumer.run(one_slice, event_producer=producer.url)
		if not done["more"]:
			break
	assert not done["queued"]
	assert [log["producer_doc"] for log in sync_logs(consumer)] == [f"{prefix} {n:02}" for n in range(12)]


def one_slice(event_producer: str) -> dict:
	"""One job whose time is over with its first group; whether it has queued the next."""
	from event_streaming.consumer.pull import requests

	queued, summaries = [], []
	originals = requests.request_pull, requests.pull

	def one_group(name):
		summaries.append(originals[1](name, seconds=1e-9))
		return summaries[-1]

	requests.request_pull, requests.pull = queued.append, one_group
	try:
		requests.pull_job(event_producer)
	finally:
		requests.request_pull, requests.pull = originals
	return {"more": summaries[0].more, "queued": bool(queued)}


def job_that_is_killed(event_producer: str) -> None:
	import os
	import signal

	from event_streaming.consumer.apply import step
	from event_streaming.consumer.pull import requests

	original, applied = step.apply_event, []

	def apply_or_die(event, work):
		applied.append(event)
		if len(applied) > 3:
			os.kill(os.getpid(), signal.SIGKILL)
		return original(event, work)

	step.apply_event = apply_or_die
	requests.pull_job(event_producer)
