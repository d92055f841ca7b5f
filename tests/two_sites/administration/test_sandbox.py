"""What every other test relies on: sites that are separate, and tell the truth about themselves."""

import os
import time

import pytest
import requests
from doctypes import CITY
from documents import insert, read_doc, unique
from streams import SUBSCRIBER, decide, make_event_producer, make_subscriber, pull

from sandbox.errors import RemoteError, RestError, SandboxError, ShellDied
from sandbox.sites.remembered import MODULE, remembered, take
from sandbox.sites.reset import reset_site


def make_todo(description):
	import frappe

	return frappe.get_doc({"doctype": "ToDo", "description": description}).insert().name


def count_todos(description):
	import frappe

	return frappe.db.count("ToDo", {"description": description})


def queue_description(name, description):
	import frappe

	frappe.enqueue(
		"frappe.client.set_value",
		doctype="ToDo",
		name=name,
		fieldname="description",
		value=description,
		enqueue_after_commit=True,
	)


def description_of(name):
	import frappe

	return frappe.db.get_value("ToDo", name, "description")


def count_jobs():
	from frappe.utils.background_jobs import get_queue

	return get_queue("default").count


def own_url():
	import frappe

	return frappe.utils.get_url()


def fail(message):
	import frappe

	frappe.throw(message)


def sleep_for(seconds):
	time.sleep(seconds)
	return seconds


def wait_for(condition, seconds=20):
	deadline = time.monotonic() + seconds
	while not condition():
		assert time.monotonic() < deadline, "it did not happen in time"
		time.sleep(0.05)


def test_what_is_inserted_over_rest_is_there_inside_and_on_no_other_site(producer, consumer):
	name = producer.rest().insert({"doctype": "ToDo", "description": "over REST"})["name"]

	assert producer.run(description_of, name=name) == "over REST"
	assert consumer.run(description_of, name=name) is None


def test_each_site_knows_its_own_address(producer, consumer):
	assert producer.run(own_url) == producer.url
	assert consumer.run(own_url) == consumer.url != producer.url


def test_a_job_runs_when_the_site_has_a_worker_and_only_then(producer, consumer):
	name = producer.run(make_todo, description="before")
	producer.run(queue_description, name=name, description="by a job")

	consumer.start_worker()
	time.sleep(1)
	assert producer.run(description_of, name=name) == "before"

	producer.start_worker()
	wait_for(lambda: producer.run(description_of, name=name) == "by a job")


def test_a_job_that_one_test_left_in_a_queue_is_gone_before_the_next(producer):
	producer.run(queue_description, name=producer.run(make_todo, description="x"), description="y")
	assert producer.run(count_jobs) == 1

	reset_site(producer)

	assert producer.run(count_jobs) == 0


def test_a_transaction_is_seen_by_others_once_it_is_committed(producer):
	description = f"committed {time.time_ns()}"
	shell = producer.shell()

	shell.run(make_todo, commit=False, description=description)
	assert shell.run(count_todos, commit=False, description=description) == 1
	assert producer.run(count_todos, description=description) == 0

	shell.commit()
	assert producer.run(count_todos, description=description) == 1


def test_an_exception_inside_is_raised_here_and_nothing_of_the_call_stays(producer):
	with pytest.raises(RemoteError) as caught:
		producer.run(fail, message="No way")

	assert (caught.value.exc_type, caught.value.message) == ("ValidationError", "No way")
	assert "in fail" in caught.value.traceback


def test_a_call_can_go_on_while_others_are_made(producer):
	shell = producer.shell()

	pending = shell.start(sleep_for, seconds=1)
	assert not pending.is_done()
	with pytest.raises(SandboxError, match="still busy"):
		shell.run(own_url)
	assert producer.run(own_url) == producer.url

	assert pending.wait(10) == 1


def test_a_handshake_is_made_twice_and_then_remembered_until_something_that_it_depends_on_changes(
	producer, consumer, orders
):
	made, rows = [], []

	def shake_hands() -> str:
		made.append(len(rows))
		name = consumer.run(make_event_producer, url=producer.url, rows=[{"ref_doctype": CITY}])
		producer.run(decide, consumer_url=consumer.url)
		return name

	def put_back() -> None:
		for site in (producer, consumer):
			reset_site(site)
			site.run(make_subscriber)

	# the first one of all gives the DocType its fields
	put_back()
	shake_hands()
	made.clear()
	remembered_as = unique("connection")
	for _time in range(4):
		put_back()
		assert remembered([consumer, producer], remembered_as, SUBSCRIBER, shake_hands) == producer.url
		rows.append([site.run(take, module=MODULE) for site in (consumer, producer)])
		city = producer.run(insert, doctype=CITY, title=unique("city"))
		assert pull(consumer, producer)["synced"] == 1
		assert consumer.run(read_doc, doctype=CITY, name=city)
	assert made == [0, 1]
	assert without_moments(rows[3]) == without_moments(rows[2]) == without_moments(rows[1])

	put_back()
	consumer.run(insert, doctype="Role", role_name=unique("Role"))
	remembered([consumer, producer], remembered_as, SUBSCRIBER, shake_hands)
	assert made == [0, 1, 4]


def without_moments(sites: list[dict]) -> list:
	return [
		{
			table: [
				{name: value for name, value in row.items() if not isinstance(value, list)} for row in rows
			]
			for table, rows in site["rows"].items()
		}
		for site in sites
	]


@pytest.mark.skipif("EVENT_STREAMING_BENCH" in os.environ, reason="a bench's Python is its own")
def test_two_threads_that_compute_properties_which_need_each_other_go_on(producer):
	assert producer.run(compute_in_two_threads) == [3, 3]


def compute_in_two_threads() -> list[int]:
	import threading
	from functools import cached_property

	meeting = threading.Barrier(2, timeout=5)

	class Pair:
		def __init__(self, first):
			self.first = first

		@cached_property
		def one(self):
			self.meet("one")
			return 1 if self.first == "two" else self.two + 1

		@cached_property
		def two(self):
			self.meet("two")
			return 2 if self.first == "one" else self.one + 1

		def meet(self, name):
			if name == self.first:
				meeting.wait()

	results = []

	def compute(first):
		pair = Pair(first)
		getattr(pair, first)
		results.append(pair.one if first == "one" else pair.one + pair.two)

	threads = [threading.Thread(target=compute, args=[first], daemon=True) for first in ("one", "two")]
	for thread in threads:
		thread.start()
	for thread in threads:
		thread.join(10)
	return results


def test_a_call_that_does_not_come_back_says_where_it_is_and_costs_the_next_test_nothing(producer):
	pending = producer.start(sleep_for, seconds=60)

	with pytest.raises(TimeoutError, match="in sleep_for"):
		pending.wait(1)

	producer.end_what_a_test_started()
	assert producer.run(own_url) == producer.url


def test_a_killed_shell_says_so(producer):
	shell = producer.shell()
	pending = shell.start(sleep_for, seconds=60)

	shell.kill()

	with pytest.raises(ShellDied):
		pending.wait(10)


def test_what_the_fork_server_has_started_ends_with_it_and_the_site_can_be_started_again(producer):
	shell = producer.shell()
	pending = shell.start(sleep_for, seconds=60)

	producer.processes.fork_server.child.kill()

	with pytest.raises(ShellDied):
		pending.wait(10)
	wait_for(lambda: not producer.processes.is_running("web"))
	producer.start_web()
	assert producer.rest().method("ping") == "pong"
	assert producer.run(own_url) == producer.url


def test_a_command_gives_its_exit_code_and_what_it_printed(producer):
	helped = producer.command("event-streaming", "--help")
	unknown = producer.command("event-streaming", "no-such-command")

	assert (helped.returncode, helped.stderr) == (0, "")
	assert "Usage: site event-streaming" in helped.stdout
	assert (unknown.returncode, unknown.stdout) == (2, "")
	assert "No such command" in unknown.stderr


def test_a_site_that_is_down_refuses_connections_and_comes_back_at_the_same_address(producer):
	url = producer.url
	producer.stop_web()
	with pytest.raises(requests.ConnectionError):
		requests.get(url, timeout=5)

	producer.start_web()

	assert producer.url == url
	assert producer.rest().method("ping") == "pong"


def test_errors_over_rest_have_the_names_that_frappe_gives_them(producer):
	rest = producer.rest()

	with pytest.raises(RestError) as missing:
		rest.get_doc("ToDo", "no such name")
	with pytest.raises(RestError) as empty:
		rest.insert({"doctype": "ToDo"})

	assert (missing.value.status, missing.value.exc_type) == (404, "DoesNotExistError")
	assert (empty.value.status, empty.value.exc_type) == (417, "MandatoryError")
