"""A change of keys that is killed at any step: neither site is locked out, no event is lost, and the next one ends it."""

import json

import pytest
from doctypes import CITY
from documents import insert, read_rows, unique
from killing import die_at, run_until_it_is_killed, wait_for
from logs import sync_logs
from streams import (
	SUBSCRIBER,
	all_keys,
	asked_on,
	make_subscriber,
	old_keys_work,
	producer_can_call,
	pull,
	rotate_now,
	rotated_on,
	subscribe,
	where_it_stands,
	words,
)

API = "event_streaming.api.rotate_keys"
RENEW = "consumer.subscriptions.rotation:renew"
CONSUMER_STEPS = [
	("consumer.subscriptions.keys:pending_token", "before", 1),
	("consumer.subscriptions.keys:pending_token", "after", 1),
	("consumer.subscriptions.keys:pending_secret", "after", 1),
	("commit:1", "after", 1),
	("consumer.subscriptions.remote:Producer.rotate_keys", "before", 1),
	("consumer.subscriptions.remote:Producer.rotate_keys", "after", 1),
	("consumer.subscriptions.keys:token_taken", "after", 1),
	("consumer.subscriptions.keys:secret_taken", "after", 1),
	("consumer.subscriptions.rotation:record_rotation", "after", 1),
	("commit:2", "before", 2),
	("commit:2", "after", 2),
]
PRODUCER_STEPS = [
	("producer.registration.keys:set_secret", "before", 1),
	("producer.registration.keys:set_secret", "after", 1),
	("producer.registration.keys:record_rotation", "after", 1),
	("producer.subscriptions.calling:keep_token", "before", 1),
	("producer.subscriptions.calling:keep_token", "after", 1),
]


@pytest.fixture(autouse=True)
def subscribed(producer, consumer, orders):
	subscribe(consumer, producer, CITY)
	yield
	producer.run(make_subscriber)


def make_city(producer) -> str:
	return producer.run(insert, doctype=CITY, title=unique("city"))


def rotate_and_die(event_producer: str, target: str, when: str, nth: int) -> None:
	from event_streaming.consumer.subscriptions.rotation import rotate

	die_at(target, when, nth)
	rotate(event_producer)


def pull_and_die(event_producer: str, target: str, when: str, nth: int) -> None:
	from event_streaming.consumer.pull.loop import pull

	die_at(target, when, nth)
	pull(event_producer)


def check_all_works(producer, consumer, cities: list[str]) -> None:
	"""Nothing is lost; both sites reach each other; the next change of keys goes through, and ends the keys of before."""
	cities.append(make_city(producer))
	wait_for(lambda: not pull(consumer, producer)["busy"], "the lock of the dead process")
	assert [log["producer_doc"] for log in sync_logs(consumer)] == cities
	assert producer_can_call(producer, consumer)

	consumer.run(rotate_now, event_producer=producer.url)

	cities.append(make_city(producer))
	pull(consumer, producer)
	assert [log["producer_doc"] for log in sync_logs(consumer)] == cities
	assert producer_can_call(producer, consumer) and not old_keys_work(producer)
	assert rotated_on(consumer) and consumer.run(pending_keys) == []


def pending_keys() -> list[str]:
	import frappe

	return [
		row[0] for row in frappe.db.sql("select fieldname from `__Auth` where fieldname like 'pending%%'")
	]


@pytest.mark.parametrize(("target", "when", "nth"), CONSUMER_STEPS)
def test_a_rotation_that_is_killed_at_this_step_locks_nobody_out(producer, consumer, target, when, nth):
	cities = [make_city(producer)]

	run_until_it_is_killed(
		consumer, rotate_and_die, event_producer=producer.url, target=target, when=when, nth=nth
	)

	check_all_works(producer, consumer, cities)


@pytest.mark.parametrize(
	("target", "when", "nth"), [step for step in CONSUMER_STEPS if "commit" not in step[0]]
)
def test_a_pull_that_is_killed_while_it_rotates_locks_nobody_out(producer, consumer, target, when, nth):
	cities = [make_city(producer)]
	producer.rest().method(API, event_consumer=consumer.url)

	run_until_it_is_killed(
		consumer, pull_and_die, event_producer=producer.url, target=target, when=when, nth=nth
	)

	check_all_works(producer, consumer, cities)
	assert not asked_on(producer, consumer)


@pytest.mark.parametrize(("target", "when", "nth"), PRODUCER_STEPS)
def test_a_producer_that_is_killed_at_this_step_locks_nobody_out(producer, consumer, target, when, nth):
	cities = [make_city(producer)]
	secret, token = words(producer, consumer)
	run_until_it_is_killed(
		consumer, rotate_and_die, event_producer=producer.url, target="commit:1", when="after", nth=1
	)

	run_until_it_is_killed(
		producer, take_keys_and_die, event_consumer=consumer.url, target=target, when=when, nth=nth
	)

	assert words(producer, consumer) == (secret, token)
	check_all_works(producer, consumer, cities)


def take_keys_and_die(event_consumer: str, target: str, when: str, nth: int) -> None:
	"""As the request of the consumer is served."""
	import frappe

	from event_streaming.producer.registration import keys

	frappe.set_user(SUBSCRIBER)
	die_at(target, when, nth)
	keys.renew(event_consumer, "t" * 43, "s" * 43, lambda _user: [])


# ---- where keys are not


@pytest.mark.mariadb(
	"what a worker has changed since the request began can't be saved in it there: it has to be saved again"
)
def test_keys_can_be_read_nowhere_whatever_becomes_of_a_rotation(producer, consumer):
	"""Neither in tables nor in Redis, where jobs and messages are, nor in what processes write."""
	known = {"streamsecret", *consumer.run(all_keys), *producer.run(all_keys)}
	for target, when in (("consumer.subscriptions.keys:secret_taken", "before"), ("commit:1", "after")):
		run_until_it_is_killed(
			consumer, rotate_and_die, event_producer=producer.url, target=target, when=when, nth=1
		)
		known |= {*consumer.run(all_keys), *producer.run(all_keys)}
		pull(consumer, producer)
	producer.start_worker()
	consumer.run(rotate_now, event_producer=producer.url)
	producer.rest().method(API, event_consumer=consumer.url)
	make_city(producer)
	# the worker may be calling at this moment, for the city
	wait_for(lambda: producer_can_call(producer, consumer), "the worker's own call")
	consumer.run(save_the_form, name=producer.url)
	producer.run(save_consumer, name=consumer.url)
	trace = consumer.run(trace_of_interrupted_rotation, event_producer=producer.url)
	pull(consumer, producer)
	known |= {*consumer.run(all_keys), *producer.run(all_keys)}

	assert len(known) >= 6 and "TimeIsUp" in trace
	for site in (producer, consumer):
		assert site.run(where_it_stands, secrets=sorted(known)) == []
	written = trace + "".join(
		site.log(process) for site in (producer, consumer) for process in ("web", "worker")
	)
	assert not [secret for secret in known if secret in written]
	shown = json.dumps(
		[
			site.run(read_rows, doctype=doctype, filters={})
			for site in (producer, consumer)
			for doctype in ("Event Producer", "Event Consumer", "Version", "Comment", "Error Log")
		],
		default=str,
	)
	assert not [secret for secret in known if secret in shown]


def save_the_form(name: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	doc.workers = 5
	doc.save()


def save_consumer(name: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", name)
	doc.consumer_doctypes[0].status = "Rejected"
	doc.save()
	doc.consumer_doctypes[0].status = "Approved"
	doc.save()


def trace_of_interrupted_rotation(event_producer: str) -> str:
	"""What the Error Log gets of a rotation that a time limit ends in the middle of the request."""
	import time

	import frappe
	from urllib3.connection import HTTPConnection

	from event_streaming.consumer.subscriptions import rotation
	from event_streaming.exceptions import PullRunning

	class TimeIsUp(Exception):
		pass

	def time_is_up(self):
		raise TimeIsUp

	answer, HTTPConnection.getresponse = HTTPConnection.getresponse, time_is_up
	end = time.monotonic() + 30
	try:
		while time.monotonic() < end:
			try:
				rotation.rotate(event_producer)
			except PullRunning:
				# what the producer has asked for is under way
				frappe.db.rollback()
				time.sleep(0.1)
	except TimeIsUp:
		trace = frappe.get_traceback(with_context=True)
		frappe.log_error("interrupted", trace)
		return trace
	finally:
		HTTPConnection.getresponse = answer
