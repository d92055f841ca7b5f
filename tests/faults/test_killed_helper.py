"""Several workers on one backlog, and some of them die: an ordinary pull afterwards brings every event, once.

The pull and its helper each run in a process of their own, and are killed with SIGKILL at one step, or at a moment drawn
from a seed that is printed.
"""

import os
import random
import time

import pytest
from doctypes import CITY, with_orders
from documents import change, read_rows, set_settings, unique
from killing import die_at, run_until_it_is_killed, wait_for
from logs import sync_logs, update_logs
from streams import pull, subscribe

CITIES = 24
PULL_STEPS = [
	("consumer.workers.crew:Crew.hand_out", "after", 1),
	("consumer.logs.sync_log:write", "after", 3),
	("consumer.workers.shared_page:deal_with_what_is_left", "before", 1),
	("consumer.logs.state:move_cursor", "after", 1),
]
HELPER_STEPS = [
	("consumer.workers.helper:work_on_lane", "before", 1),
	("consumer.workers.crew:Crew.may_commit", "after", 1),
	("commit:1", "after", 1),
]
JOB_KEY = "event_streaming_test_helper"


@pytest.fixture
def backlog(producer, consumer) -> list[str]:
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	consumer.run(change, doctype="Event Producer", name=producer.url, workers=2)
	consumer.run(set_settings, events_per_commit=5)
	consumer.run(forget_helper)
	return producer.run(make_cities, prefix=unique("city"))


def make_cities(prefix: str) -> list[str]:
	"""Each is made and changed once, each time in a transaction of its own: workers do not share one."""
	import frappe

	names = []
	for number in range(CITIES):
		names.append(frappe.get_doc({"doctype": CITY, "title": f"{prefix} {number:03}"}).insert().name)
		frappe.db.commit()
	for name in names:
		doc = frappe.get_doc(CITY, name)
		doc.country_name = "Siam"
		doc.save()
		frappe.db.commit()
	return names


def forget_helper() -> None:
	import frappe

	frappe.cache.delete_value(JOB_KEY)


def pull_with_helper(event_producer: str, target: str = "", when: str = "", nth: int = 0) -> dict:
	"""A pull that leaves the helper's job for `help_and_die`, and begins when the helper has come."""
	from dataclasses import asdict
	from time import monotonic, sleep

	import frappe

	from event_streaming.consumer.pull import loop
	from event_streaming.consumer.workers import crew
	from event_streaming.database.locks import locks_held

	hand_out, enqueue = crew.Crew.hand_out, frappe.enqueue

	def hand_out_to_helper(self, lanes):
		until = monotonic() + 30
		while not locks_held([crew.helper_lock(event_producer, 1)]) and monotonic() < until:
			sleep(0.02)
		hand_out(self, lanes)

	def enqueued(method, **kwargs):
		if method == crew.HELP_JOB:
			frappe.cache.set_value(JOB_KEY, {"token": kwargs["token"], "number": kwargs["number"]})

	crew.Crew.hand_out, frappe.enqueue = hand_out_to_helper, enqueued
	if target:
		die_at(target, when, nth)
	try:
		return asdict(loop.pull(event_producer))
	finally:
		crew.Crew.hand_out, frappe.enqueue = hand_out, enqueue


def help_and_die(event_producer: str, target: str = "", when: str = "", nth: int = 0) -> None:
	from time import monotonic, sleep

	import frappe

	from event_streaming.consumer.workers.helper import help_job

	until, job = monotonic() + 30, None
	while not job and monotonic() < until:
		sleep(0.02)
		job = frappe.cache.get_value(JOB_KEY, expires=True)
	if target:
		die_at(target, when, nth)
	help_job(event_producer, **job)


def check_all_is_there_once(producer, consumer, names: list) -> None:
	def summary_of_free_pull():
		"""The database server takes a moment to see that a connection is dead, and its lock free."""
		summary = pull(consumer, producer)
		return not summary["busy"] and summary

	while wait_for(summary_of_free_pull, "the lock's end")["more"]:
		pass
	logs = sync_logs(consumer)
	assert sorted(log["event_id"] for log in logs) == sorted(
		str(log["name"]) for log in update_logs(producer)
	)
	assert {log["status"] for log in logs} == {"Synced"}, [log["error"] for log in logs if log["error"]]
	came = {}
	for log in logs:
		came.setdefault(log["producer_doc"], []).append(log["update_type"])
	assert came == {name: ["Create", "Update"] for name in names}
	here, there = (
		site.run(read_rows, doctype=CITY, filters={"name": ["in", names]}) for site in (consumer, producer)
	)
	assert [(row["name"], row["country_name"]) for row in here] == [
		(row["name"], row["country_name"]) for row in there
	]
	(state,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={})
	assert state["position"] == max(log["position"] for log in update_logs(producer))


@pytest.mark.parametrize(("target", "when", "nth"), HELPER_STEPS)
def test_what_a_killed_helper_was_at_is_done_by_the_pull(producer, consumer, backlog, target, when, nth):
	pulling = consumer.shell().start(pull_with_helper, event_producer=producer.url)

	run_until_it_is_killed(
		consumer, help_and_die, event_producer=producer.url, target=target, when=when, nth=nth
	)

	done = pulling.wait()
	assert (done["error"], done["failed"], done["more"]) == ("", 0, False)
	assert done["synced"] == 2 * CITIES
	check_all_is_there_once(producer, consumer, backlog)


@pytest.mark.parametrize(("target", "when", "nth"), PULL_STEPS)
def test_a_killed_pull_with_a_helper_loses_nothing_and_doubles_nothing(
	producer, consumer, backlog, target, when, nth
):
	helping = consumer.shell().start(help_and_die, event_producer=producer.url)

	run_until_it_is_killed(
		consumer, pull_with_helper, event_producer=producer.url, target=target, when=when, nth=nth
	)

	# while the helper may still be at its lane
	check_all_is_there_once(producer, consumer, backlog)
	helping.wait()
	assert len(sync_logs(consumer)) == 2 * CITIES


def test_pulls_and_helpers_killed_at_random_moments_lose_nothing(producer, consumer, backlog):
	seed = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(10**6))
	print(f"KILL_SEED={seed}")
	chance = random.Random(seed)
	names = list(backlog)
	for _round in range(3):
		consumer.run(forget_helper)
		pulling, helping = consumer.shell(), consumer.shell()
		pulling.start(pull_with_helper, event_producer=producer.url)
		helping.start(help_and_die, event_producer=producer.url)
		wait_for(lambda: consumer.run(is_handed_out), "the helper's job")
		first, second = chance.sample([pulling, helping], 2)
		time.sleep(chance.uniform(0.02, 0.5))
		first.kill()
		time.sleep(chance.uniform(0.0, 0.3))
		second.kill()
		names += producer.run(make_cities, prefix=unique("city"))

	check_all_is_there_once(producer, consumer, names)


def is_handed_out() -> bool:
	import frappe

	return bool(frappe.cache.get_value(JOB_KEY, expires=True))
