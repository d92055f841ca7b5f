"""A bound in KB a second: kept by all processes of a site together, also when one of them dies; nobody is held up with work open."""

import pytest
from doctypes import CITY, with_orders
from documents import insert, unique
from killing import run_until_it_is_killed
from logs import sync_logs
from streams import decide, make_event_producer, make_subscriber, pull

KB_PER_SECOND = 10


@pytest.fixture(autouse=True)
def bound(producer, consumer):
	with_orders(producer, consumer)
	for site in (producer, consumer):
		site.run(make_subscriber)
	rows = [{"ref_doctype": CITY, "use_same_name": 1}]
	consumer.run(make_event_producer, url=producer.url, rows=rows, most_kb_per_second=KB_PER_SECOND)
	producer.run(decide, consumer_url=consumer.url)
	consumer.run(empty, event_producer=producer.url)
	yield
	consumer.run(empty, event_producer=producer.url)


def empty(event_producer: str) -> None:
	import frappe

	from event_streaming.site.claims import redis_key

	frappe.cache.delete(frappe.cache.make_key(redis_key("line", event_producer)))


def use(event_producer: str, kilobytes: int) -> float:
	"""Use the line; how long the next request has to wait."""
	import frappe

	from event_streaming.consumer.line.meter import meter_of

	line = meter_of(frappe.get_doc("Event Producer", event_producer))
	line.count(kilobytes * 1024)
	return line.wait_seconds()


def use_and_die(event_producer: str, kilobytes: int) -> None:
	import os
	import signal

	import frappe

	from event_streaming.consumer.line.meter import meter_of

	meter_of(frappe.get_doc("Event Producer", event_producer)).count(kilobytes * 1024)
	os.kill(os.getpid(), signal.SIGKILL)


def test_what_one_process_has_used_another_waits_for(producer, consumer):
	waits = consumer.run(use, event_producer=producer.url, kilobytes=100 * KB_PER_SECOND)

	other = consumer.shell().run(use, event_producer=producer.url, kilobytes=100 * KB_PER_SECOND)

	# a hundred seconds each, less two that may go at once and what has passed since
	assert 90 < waits <= 98 and 130 < other <= 198


def test_a_process_that_dies_takes_nothing_along(producer, consumer):
	run_until_it_is_killed(consumer, use_and_die, event_producer=producer.url, kilobytes=100 * KB_PER_SECOND)

	assert consumer.run(use, event_producer=producer.url, kilobytes=0) > 30


def test_a_pull_that_would_wait_for_long_gives_its_worker_back_and_goes_on_by_itself(producer, consumer):
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	consumer.run(use, event_producer=producer.url, kilobytes=100 * KB_PER_SECOND)

	summary = consumer.run(pull_and_count_calls, event_producer=producer.url)

	assert summary["asked"] == [] and summary["more"] and 30 < summary["later"] <= 98
	assert sync_logs(consumer) == []
	assert 0 < consumer.run(seconds_until_next_pull, name=producer.url) <= 98
	consumer.run(empty, event_producer=producer.url)
	pull(consumer, producer)
	assert [log["producer_doc"] for log in sync_logs(consumer)] == [city]


def pull_and_count_calls(event_producer: str) -> dict:
	from dataclasses import asdict

	from event_streaming.consumer.pull.loop import pull
	from event_streaming.http.client import SiteClient

	asked, call = [], SiteClient.call

	def counted(self, method, *args, **kwargs):
		asked.append(method)
		return call(self, method, *args, **kwargs)

	SiteClient.call = counted
	try:
		return {**asdict(pull(event_producer)), "asked": asked}
	finally:
		SiteClient.call = call


def seconds_until_next_pull(name: str) -> float:
	from frappe.utils import now_datetime

	from event_streaming.consumer.logs.state import load_state

	return (load_state(name).next_pull - now_datetime()).total_seconds()


def test_bytes_are_counted_as_they_are_on_the_wire(producer, consumer):
	producer.run(insert_similar, prefix=unique("city"), count=100)

	counted = consumer.run(pull_counted, event_producer=producer.url)

	# compressed, the page is a fraction of its JSON; requests and headers are counted, too
	assert counted["json"] > 40_000
	assert 1_000 < counted["wire"] < counted["json"] / 3


def insert_similar(prefix: str, count: int) -> None:
	import frappe

	for number in range(count):
		frappe.get_doc({"doctype": CITY, "title": f"{prefix} {number}", "country_name": "Siam"}).insert()


def pull_counted(event_producer: str) -> dict:
	import json

	from event_streaming.consumer.line.meter import Meter
	from event_streaming.consumer.pull.loop import pull
	from event_streaming.http.client import SiteClient

	found, count, answer = {"wire": 0, "json": 0}, Meter.count, SiteClient._answer

	def counted(self, number):
		found["wire"] += number
		count(self, number)

	def read(self, content):
		found["json"] += len(content)
		return answer(self, content)

	Meter.count, SiteClient._answer = counted, read
	try:
		assert not pull(event_producer).error
	finally:
		Meter.count, SiteClient._answer = count, answer
	return json.loads(json.dumps(found))


def test_the_rate_that_is_shown_is_what_was_used(producer, consumer):
	consumer.run(use, event_producer=producer.url, kilobytes=60)

	row = consumer.run(row_of, name=producer.url)

	assert 900 < row["bytes_per_second"] <= 2_000
	assert row["bytes_allowed"] == KB_PER_SECOND * 1024


def row_of(name: str) -> dict:
	from event_streaming.consumer.logs.overview import producers

	return producers(name)[0]


def test_nobody_waits_with_something_written(producer, consumer):
	consumer.run(use, event_producer=producer.url, kilobytes=100 * KB_PER_SECOND)

	assert consumer.run(slept_before_request, event_producer=producer.url, is_job=True, writes=True) == []


def test_a_job_waits_before_a_request_where_nothing_is_written(producer, consumer):
	consumer.run(use, event_producer=producer.url, kilobytes=100 * KB_PER_SECOND)

	# no longer than this, however long it is
	assert consumer.run(slept_before_request, event_producer=producer.url, is_job=True) == [30.0]


@pytest.mark.parametrize(("is_job", "patience"), [(False, None), (False, 3), (True, 3)])
def test_whoever_has_no_time_does_not_wait_and_is_counted(producer, consumer, is_job, patience):
	"""A form that is saved, a pull after an answer, the process that listens."""
	before = consumer.run(use, event_producer=producer.url, kilobytes=100 * KB_PER_SECOND)

	slept = consumer.run(
		slept_before_request, event_producer=producer.url, is_job=is_job, patience=patience, kilobytes=500
	)

	assert slept == []
	assert consumer.run(use, event_producer=producer.url, kilobytes=0) > before


def slept_before_request(
	event_producer: str,
	is_job: bool,
	patience: float | None = None,
	writes: bool = False,
	kilobytes: int = 0,
) -> list:
	"""How long the line of a Producer as it is made holds a request up; then so much is sent over it."""
	import frappe

	from event_streaming.consumer.line import meter
	from event_streaming.consumer.subscriptions.remote import Producer

	slept, real = [], meter.time.sleep
	job, frappe.local.job = getattr(frappe.local, "job", None), frappe._dict() if is_job else None
	if is_job:
		frappe.local.job.method = "a job"
	if writes:
		frappe.db.set_value("Event Producer", event_producer, "workers", 2)
	meter.time.sleep = slept.append
	try:
		line = Producer(frappe.get_doc("Event Producer", event_producer), patience).client.meter
		line.before()
		line.count(kilobytes * 1024)
	finally:
		meter.time.sleep = real
		frappe.local.job = job
		frappe.db.rollback()
	return slept


def test_pages_are_as_small_as_the_line_wants_them(producer, consumer):
	sizes = [consumer.run(page_bytes, kb_per_second=kb) for kb in (0, 1, 10, 1_000_000)]

	# four seconds of it, of documents that are sent as a quarter of what they are; never less than a few documents, nor more than is set
	assert sizes == [sizes[0], 16 * 1024, 160 * 1024, sizes[0]] and sizes[0] > 160 * 1024
	assert consumer.run(asked_page_bytes, event_producer=producer.url) == [160 * 1024]


def page_bytes(kb_per_second: int) -> int:
	from event_streaming.consumer.line.meter import Meter

	return Meter("nobody", kb_per_second).page_bytes()


def asked_page_bytes(event_producer: str) -> list[int]:
	"""What a pull asks the feed for."""
	from event_streaming.consumer.pull.loop import pull
	from event_streaming.http.client import SiteClient
	from event_streaming.wire import paths

	asked, call = set(), SiteClient.call

	def noted(self, method, args=None, timeout=None):
		if method == paths.FEED:
			asked.add(args["max_bytes"])
		return call(self, method, args, timeout)

	SiteClient.call = noted
	try:
		assert not pull(event_producer).error
	finally:
		SiteClient.call = call
	return sorted(asked)
