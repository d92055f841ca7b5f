"""A producer that is down, slow or sick costs time and nothing else: no loss, no hot loop, a wait that is stored."""

import json

import pytest
from doctypes import CITY, with_orders
from documents import change, insert, insert_cities, read_doc, read_rows, unique
from faulty_proxy import FaultyProxy
from logs import make_due, sync_logs
from streams import SUBSCRIBER, decide, make_event_producer, make_subscriber, pull_now

from sandbox.sites.rest import RestError

SETTINGS = "Event Streaming Settings"
FEED = "endpoints.get_page"


@pytest.fixture
def line(producer, consumer):
	"""A subscription whose every request goes through a proxy that can be told to misbehave."""
	with_orders(producer, consumer)
	for site in (producer, consumer):
		site.run(make_subscriber)
	with FaultyProxy(producer.url) as proxy:
		producer.run(change, doctype=SETTINGS, name=SETTINGS, public_url=proxy.url)
		consumer.run(change, doctype=SETTINGS, name=SETTINGS, read_timeout=2, connect_timeout=1)
		consumer.run(make_event_producer, url=proxy.url, rows=[{"ref_doctype": CITY, "use_same_name": 1}])
		producer.run(decide, consumer_url=consumer.url)
		proxy.requests.clear()
		proxy.only = FEED
		yield proxy


def state_of(consumer) -> dict:
	(state,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={})
	return state


@pytest.mark.parametrize("fault", [500, 502, 503, 429, "hang", "cut", "lost", "html"])
def test_a_bad_answer_loses_nothing_and_is_not_asked_again_at_once(producer, consumer, line, fault):
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	line.faults.append(fault)

	summary = consumer.run(pull_now, event_producer=line.url)

	state = state_of(consumer)
	assert summary["error"] and summary["events"] == 0
	assert sum(FEED in path for path in line.requests) == 1
	assert (state["connection"], state["failures"]) == ("Offline", 1)
	assert state["next_pull"] > state["last_contact"] and state["last_error"]

	assert consumer.run(pull_now, event_producer=line.url)["synced"] == 1
	assert consumer.run(read_doc, doctype=CITY, name=city)
	state = state_of(consumer)
	assert (state["connection"], state["failures"], state["next_pull"], state["last_error"]) == (
		"Online",
		0,
		None,
		None,
	)


def test_what_the_other_side_asks_to_wait_is_waited(producer, consumer, line):
	line.faults.append(429)

	consumer.run(pull_now, event_producer=line.url)

	assert consumer.run(seconds_to_next_pull, event_producer=line.url) > 110


def seconds_to_next_pull(event_producer: str) -> float:
	from frappe.utils import now_datetime

	from event_streaming.consumer.logs.state import load_state

	return (load_state(event_producer).next_pull - now_datetime()).total_seconds()


def test_failure_after_failure_waits_longer_each_time_up_to_a_bound(producer, consumer, line):
	line.always = 503
	waits = []
	for _each in range(9):
		consumer.run(pull_now, event_producer=line.url)
		waits.append(state_of(consumer)["failures"])

	assert waits == list(range(1, 10))
	assert consumer.run(seconds_to_next_pull, event_producer=line.url) <= 600


def test_the_scheduler_does_not_ask_before_the_stored_time(producer, consumer, line):
	line.always = 503
	for _each in range(4):
		consumer.run(pull_now, event_producer=line.url)
	asked = len(line.requests)

	assert consumer.run(queue_due) == 0
	assert len(line.requests) == asked


def queue_due() -> int:
	"""How many pull jobs the minute's sweep queues."""
	from event_streaming.consumer.pull import sweep

	queued = []
	request_pull = sweep.request_pull
	sweep.request_pull = lambda name: queued.append(name)
	try:
		sweep.pull_due()
	finally:
		sweep.request_pull = request_pull
	return len(queued)


def test_a_clock_that_goes_back_an_hour_puts_no_pull_off(producer, consumer, line):
	"""The end of summer time; what was stored as ten minutes is an hour more by then."""
	consumer.run(store_next_pull, event_producer=line.url, minutes=1 + 60)

	assert consumer.run(queue_due) == 1


def store_next_pull(event_producer: str, minutes: int) -> None:
	import frappe

	from event_streaming.consumer.logs import state

	state.save_state(
		event_producer, next_pull=frappe.utils.add_to_date(None, minutes=minutes, as_datetime=True)
	)


def test_what_can_not_be_fetched_while_the_producer_is_away_for_days_is_not_given_up(
	producer, consumer, line
):
	consumer.run(change, doctype=SETTINGS, name=SETTINGS, max_attempts=3)
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	file = {"attached_to_doctype": CITY, "attached_to_name": city, "is_private": 1}
	producer.run(insert, doctype="File", file_name=f"{unique('paper')}.txt", content=unique("paper"), **file)
	line.only, line.always = "get_content", 503
	consumer.run(pull_now, event_producer=line.url)
	assert [log["status"] for log in sync_logs(consumer)] == ["Synced", "Retrying"]

	line.only = ""
	for _each in range(6):
		consumer.run(make_due)
		consumer.run(pull_now, event_producer=line.url)
	assert sync_logs(consumer)[1]["status"] == "Retrying"

	line.always = None
	consumer.run(make_due)
	consumer.run(pull_now, event_producer=line.url)
	assert [log["status"] for log in sync_logs(consumer)] == ["Synced", "Synced"]
	assert consumer.run(read_rows, doctype="File", filters=file)


def test_days_offline_are_caught_up_in_order_without_a_person(producer, consumer, line):
	line.always = 502
	prefix = unique("day")
	names = []
	for day in range(3):
		names += producer.run(insert_cities, prefix=f"{prefix} {day}", count=10)
		consumer.run(pull_now, event_producer=line.url)
	assert sync_logs(consumer) == []

	line.always = None
	consumer.run(pull_now, event_producer=line.url)

	assert [log["producer_doc"] for log in sync_logs(consumer)] == names


def test_an_answer_that_is_lost_on_its_way_is_given_again_and_applied_once(producer, consumer, line):
	"""The producer has done its work, and has recorded the delivery, when the line goes."""
	names = producer.run(insert_cities, prefix=unique("city"), count=5)
	line.faults.append("lost")
	consumer.run(pull_now, event_producer=line.url)

	consumer.run(pull_now, event_producer=line.url)
	consumer.run(pull_now, event_producer=line.url)

	assert [log["producer_doc"] for log in sync_logs(consumer)] == names


def test_secrets_are_in_no_error_and_no_log(producer, consumer, line):
	line.always = "cut"
	summary = consumer.run(pull_now, event_producer=line.url)

	assert "streamsecret" not in summary["error"] + state_of(consumer)["last_error"]
	assert all("streamsecret" not in path for path in line.requests)
	assert "streamsecret" not in producer.log("web") + consumer.log("web")


def test_secrets_are_in_no_variable_that_the_error_log_keeps(producer, consumer, line):
	"""Frappe writes the variables of all functions that an error has passed through into its Error Log."""
	trace = consumer.run(trace_of_interrupted_pull, event_producer=line.url)
	assert "TimeIsUp" in trace and "streamsecret" not in trace and "streamkey" not in trace

	data = {"doctype": "Event Producer", "producer_url": "http://127.0.0.1:9", "user": SUBSCRIBER}
	keys = {"api_key": "theirkey", "api_secret": "theirsecret"}
	with pytest.raises(RestError, match="can't be reached"):
		consumer.rest().insert({**data, **keys, "producer_doctypes": [{"ref_doctype": CITY}]})

	consumer.run(write_deferred)
	logged = json.dumps(consumer.run(read_rows, doctype="Error Log", filters={}), default=str)
	assert "streamsecret" not in logged and "theirsecret" not in logged


def trace_of_interrupted_pull(event_producer: str) -> str:
	"""What the Error Log gets of a pull that a queue's time limit ends in the middle of a request; it registers in it."""
	import frappe
	from urllib3.connection import HTTPConnection

	from event_streaming.consumer.logs import state
	from event_streaming.consumer.pull.loop import pull

	class TimeIsUp(Exception):
		pass

	def time_is_up(self):
		raise TimeIsUp

	state.save_state(event_producer, protocol=0)
	frappe.db.commit()
	answer, HTTPConnection.getresponse = HTTPConnection.getresponse, time_is_up
	try:
		pull(event_producer)
	except TimeIsUp:
		return frappe.get_traceback(with_context=True)
	finally:
		HTTPConnection.getresponse = answer


def write_deferred() -> None:
	from frappe.deferred_insert import save_to_db

	save_to_db()


def test_a_consumer_that_is_down_holds_up_no_save_and_catches_up(producer, consumer, line):
	producer.start_worker()
	consumer.stop_web()
	try:
		city = producer.run(insert, doctype=CITY, title=unique("city"))
	finally:
		consumer.start_web()

	consumer.run(pull_now, event_producer=line.url)

	assert consumer.run(read_doc, doctype=CITY, name=city)
