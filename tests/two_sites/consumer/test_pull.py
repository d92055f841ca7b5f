"""The pull: in order, once, one at a time, started by a notification, a person, the scheduler or the command line."""

from datetime import datetime

import pytest
import requests
from doctypes import CITY, ORDER, with_orders
from documents import change, delete, insert, insert_cities, read_doc, read_rows, set_settings, unique
from logs import make_due, sync_logs
from streams import pull, pull_at_once, pull_now, require_field, require_nothing, subscribe, wait_for

SYNC_LOG_METHODS = "event_streaming.event_streaming.doctype.event_sync_log.event_sync_log"


@pytest.fixture(autouse=True)
def subscribed(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	yield
	consumer.run(allow_all)


def test_a_backlog_of_many_pages_arrives_whole_and_in_order(producer, consumer):
	consumer.run(set_settings, events_per_page=20, events_per_commit=7)
	names = producer.run(insert_cities, prefix=unique("city"), count=90)

	summary = pull(consumer, producer)

	assert summary["synced"] == 90
	assert [log["producer_doc"] for log in sync_logs(consumer)] == names
	assert all(consumer.run(all_exist, doctype=CITY, names=names))


def all_exist(doctype: str, names: list[str]) -> list[bool]:
	import frappe

	return [bool(frappe.db.exists(doctype, name)) for name in names]


def test_a_page_is_bounded_in_bytes_too(producer, consumer):
	consumer.run(set_settings, page_kilobytes=16)
	prefix = unique("big")
	producer.run(insert_big, prefix=prefix, count=12)

	summary = pull(consumer, producer)

	assert summary["synced"] == 12


def insert_big(prefix: str, count: int) -> None:
	import frappe

	for i in range(count):
		frappe.get_doc({"doctype": CITY, "title": f"{prefix} {i}", "country_name": "x" * 130}).insert()
		# what one transaction has made is in one page, however large
		frappe.db.commit()


def test_a_second_pull_finds_nothing_to_do(producer, consumer):
	producer.run(insert, doctype=CITY, title=unique("city"))
	pull(consumer, producer)

	summary = pull(consumer, producer)

	assert (summary["events"], len(sync_logs(consumer))) == (0, 1)


def test_while_one_pull_runs_another_does_nothing(producer, consumer):
	other = consumer.shell()
	other.run(hold_lock, event_producer=producer.url, commit=False)

	summary = consumer.run(pull_at_once, event_producer=producer.url)

	assert summary["busy"] and not summary["events"]


def test_a_lock_held_by_a_dead_process_frees_itself(producer, consumer):
	other = consumer.shell()
	other.run(hold_lock, event_producer=producer.url, commit=False)
	producer.run(insert, doctype=CITY, title=unique("city"))

	other.kill()

	summary = wait_for(lambda: pull(consumer, producer), "a pull")
	while summary["busy"]:
		summary = pull(consumer, producer)
	assert summary["synced"] == 1


def hold_lock(event_producer: str) -> bool:
	import frappe

	from event_streaming.database.locks import advisory_lock

	# kept open in the shell's process on purpose
	frappe.flags.held_lock = advisory_lock(f"pull:{event_producer}")
	return frappe.flags.held_lock.__enter__()


def test_a_notification_after_commit_brings_the_change_without_a_person(producer, consumer):
	producer.start_worker()
	consumer.start_worker()
	city = unique("city")

	producer.rest().insert({"doctype": CITY, "title": city})

	wait_for(lambda: consumer.run(read_doc, doctype=CITY, name=city), "the document's arrival")
	producer.rest().delete(CITY, city)
	wait_for(lambda: not consumer.run(read_doc, doctype=CITY, name=city), "the document's deletion")


def test_the_scheduler_pulls_when_every_notification_is_lost(producer, consumer):
	city = unique("city")
	producer.run(insert, doctype=CITY, title=city)
	consumer.start_worker()

	consumer.run(minute_passes)

	wait_for(lambda: consumer.run(read_doc, doctype=CITY, name=city), "the document's arrival")


def apply_one_by_one(event_producer: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	for row in doc.producer_doctypes:
		row.one_by_one = 1
	doc.save()


def minute_passes() -> None:
	from event_streaming.tasks import event_streaming_every_minute

	event_streaming_every_minute()


def test_an_event_that_fails_is_kept_and_its_document_waits_while_others_go_on(producer, consumer):
	good, bad = unique("good"), unique("bad")
	consumer.run(require_country)
	# the second event mends the first: as one they would be in
	consumer.run(apply_one_by_one, event_producer=producer.url)
	producer.run(insert, doctype=CITY, title=bad)
	producer.run(change, doctype=CITY, name=bad, country_name="Nowhere")
	producer.run(insert, doctype=CITY, title=good, country_name="Siam")

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=good)
	assert consumer.run(read_doc, doctype=CITY, name=bad) is None
	assert [log["status"] for log in sync_logs(consumer)] == ["Retrying", "Waiting", "Synced"]
	assert "country_name is missing" in sync_logs(consumer)[0]["error"]

	consumer.run(allow_all)
	consumer.run(make_due)
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=bad)["country_name"] == "Nowhere"
	assert [log["status"] for log in sync_logs(consumer)] == ["Synced"] * 3


def test_a_pull_leaves_no_document_as_one_that_is_being_saved(producer, consumer):
	"""Frappe leaves every inserted document in a list that each later save of the process searches through."""
	bad, good = unique("bad"), unique("good")
	consumer.run(require_country)
	producer.run(insert, doctype=CITY, title=bad)
	producer.run(insert, doctype=CITY, title=good, country_name="Siam")
	producer.run(change, doctype=CITY, name=good, country_name="Thailand")

	assert consumer.run(pull_and_look, producer=producer.url) == []

	assert [log["status"] for log in sync_logs(consumer)] == ["Retrying", "Synced", "Synced"]


def pull_and_look(producer: str) -> list:
	import frappe

	from event_streaming.consumer.pull.loop import pull

	pull(producer)
	return frappe.flags.currently_saving


def require_country() -> None:
	"""A rule of the consumer's own."""
	require_field(CITY, "country_name")


def allow_all() -> None:
	require_nothing(CITY)


def test_an_event_that_goes_on_failing_is_tried_so_many_times_later_each_time_and_then_waits_for_a_person(
	producer, consumer
):
	consumer.run(set_settings, max_attempts=4)
	consumer.run(require_country)
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	pull(consumer, producer)
	waits = []
	for _each in range(4):
		(log,) = sync_logs(consumer)
		if not log["next_retry"]:
			break
		# what a rule of this site refuses is shown to a person after three attempts, and is tried on
		assert log["status"] == ("Failed" if log["attempts"] >= 3 else "Retrying")
		waits.append(datetime.fromisoformat(log["next_retry"]) - datetime.fromisoformat(log["modified"]))
		# not before its time
		assert pull(consumer, producer)["events"] == 0
		consumer.run(make_due)
		pull(consumer, producer)

	assert (log["status"], log["attempts"], log["next_retry"]) == ("Failed", 4, None)
	# twice as long each time, of which up to half is chance
	assert len(waits) == 3 and waits[0] < waits[2]
	assert pull(consumer, producer)["events"] == 0

	consumer.run(allow_all)
	consumer.run(resync_all)
	assert consumer.run(read_doc, doctype=CITY, name=city)


def resync_all() -> None:
	from event_streaming.consumer.pull.by_hand import resync_all

	resync_all("Administrator")


def test_a_retry_whose_time_a_clock_has_stored_that_was_an_hour_ahead_is_not_put_off_by_it(
	producer, consumer
):
	"""The end of summer time gives an hour back."""
	consumer.run(require_country)
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	pull(consumer, producer)
	consumer.run(allow_all)
	consumer.run(give_an_hour_back)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=city)


def give_an_hour_back() -> None:
	import frappe

	frappe.db.sql(
		"""update `tabEvent Sync Log` set next_retry = next_retry + interval 1 hour, modified = modified + interval 1 hour"""
	)


def test_resync_by_hand_brings_a_failed_document_and_says_who_asked(producer, consumer):
	city = unique("city")
	consumer.run(require_country)
	producer.run(insert, doctype=CITY, title=city)
	pull(consumer, producer)
	(log,) = sync_logs(consumer)
	assert log["status"] == "Retrying"
	consumer.run(allow_all)

	status = consumer.rest().method(
		"event_streaming.event_streaming.doctype.event_producer.event_producer.resync",
		update=consumer.run(as_json, doctype="Event Sync Log", name=str(log["name"])),
	)

	assert status == "Synced"
	(log,) = sync_logs(consumer)
	assert (log["status"], log["retried_by"]) == ("Synced", "Administrator")
	assert log["retried_on"] >= log["creation"]
	assert consumer.run(read_doc, doctype=CITY, name=city)


def test_a_script_pulls_from_every_producer_that_is_not_paused(producer, consumer):
	city = producer.run(insert, doctype=CITY, title=unique("city"))

	assert consumer.run(pull_as_scripts_do) == [[producer.url, 1]]

	assert consumer.run(read_doc, doctype=CITY, name=city)
	consumer.run(change, doctype="Event Producer", name=producer.url, paused=1)
	assert consumer.run(pull_as_scripts_do) == []


def pull_as_scripts_do() -> list:
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_producer_data

	return [(summary.event_producer, summary.synced) for summary in pull_producer_data()]


def test_resync_from_a_browser_keeps_the_person_logged_in(producer, consumer):
	city = unique("city")
	consumer.run(require_country)
	producer.run(insert, doctype=CITY, title=city)
	pull(consumer, producer)
	(log,) = sync_logs(consumer)
	consumer.run(allow_all)
	browser = requests.Session()
	browser.post(
		f"{consumer.url}/api/method/login", data={"usr": "Administrator", "pwd": "admin"}
	).raise_for_status()

	answer = browser.post(
		f"{consumer.url}/api/method/{SYNC_LOG_METHODS}.resync_log", data={"name": str(log["name"])}
	)

	assert answer.json()["message"] == "Synced"
	user = browser.get(f"{consumer.url}/api/method/frappe.auth.get_logged_user")
	assert user.json().get("message") == "Administrator"


def as_json(doctype: str, name: str) -> str:
	import frappe

	return frappe.as_json(frappe.get_doc(doctype, name))


def test_an_update_and_a_delete_between_two_pulls_both_arrive(producer, consumer):
	first, second = unique("city"), unique("city")
	producer.run(insert, doctype=CITY, title=first)
	pull(consumer, producer)

	producer.run(change, doctype=CITY, name=first, country_name="Siam")
	producer.run(delete, doctype=CITY, name=first)
	producer.run(insert, doctype=CITY, title=second)
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=first) is None
	assert consumer.run(read_doc, doctype=CITY, name=second)


def test_an_update_of_a_document_that_is_not_here_brings_it(producer, consumer):
	"""It existed before the subscription."""
	consumer_gone = unique("city")
	producer.run(insert, doctype=CITY, title=consumer_gone)
	pull(consumer, producer)
	consumer.run(delete, doctype=CITY, name=consumer_gone)

	producer.run(change, doctype=CITY, name=consumer_gone, country_name="Siam")
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=consumer_gone)["country_name"] == "Siam"


def test_broken_data_fails_alone(producer, consumer):
	bad, good = unique("city"), unique("city")
	producer.run(insert, doctype=CITY, title=bad)
	producer.run(insert, doctype=CITY, title=good)
	producer.run(break_data, docname=bad)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=good)
	assert [log["status"] for log in sync_logs(consumer)] == ["Failed", "Synced"]


def break_data(docname: str) -> None:
	import frappe

	frappe.db.set_value("Event Update Log", {"docname": docname}, "data", '{"cut off": ')


def test_a_producer_that_is_down_costs_a_stored_wait_and_no_event(producer, consumer):
	city = unique("city")
	producer.run(insert, doctype=CITY, title=city)
	producer.stop_web()
	try:
		summary = consumer.run(pull_now, event_producer=producer.url)
		(state,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={})
	finally:
		producer.start_web()

	assert "can't be reached" in summary["error"]
	assert (state["connection"], state["failures"]) == ("Offline", 1)
	assert state["next_pull"] and state["last_error"]
	assert pull(consumer, producer)["synced"] == 1
	(state,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={})
	assert (state["connection"], state["failures"], state["next_pull"]) == ("Online", 0, None)


def test_documents_log_and_cursor_are_one_commit(producer, consumer):
	"""A process that is killed in the middle of a group leaves nothing of it; the next pull brings all, once."""
	names = producer.run(insert_cities, prefix=unique("city"), count=12)
	# however slow the machine is, it is the number of events that ends a group here
	consumer.run(set_settings, events_per_commit=5, commit_milliseconds=10_000)
	shell = consumer.shell()

	shell.start(die_in_the_middle, event_producer=producer.url, after=8)
	wait_for(lambda: not shell.child.is_running(), "the end of the killed process")
	kept = sync_logs(consumer)
	assert [log["producer_doc"] for log in kept] == names[:5]
	assert consumer.run(all_exist, doctype=CITY, names=names) == [True] * 5 + [False] * 7

	pull(consumer, producer)
	assert [log["producer_doc"] for log in sync_logs(consumer)] == names


def die_in_the_middle(event_producer: str, after: int) -> None:
	import os
	import signal

	from event_streaming.consumer.apply import step
	from event_streaming.consumer.pull.loop import pull

	counted = {"events": 0}
	apply_event = step.apply_event

	def apply_or_die(event, work):
		counted["events"] += 1
		if counted["events"] > after:
			os.kill(os.getpid(), signal.SIGKILL)
		return apply_event(event, work)

	step.apply_event = apply_or_die
	pull(event_producer)


def test_orders_and_their_cities_flow_side_by_side(producer, consumer):
	consumer.run(forget_producer, event_producer=producer.url)
	subscribe(consumer, producer, ORDER, CITY)
	city = unique("city")
	producer.run(insert, doctype=CITY, title=city)
	order = producer.run(insert, doctype=ORDER, title=unique("order"), city=city)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=order)["city"] == city


def forget_producer(event_producer: str) -> None:
	import frappe

	frappe.delete_doc("Event Producer", event_producer)


def pull_keeping_lookups(event_producer: str) -> list[bool]:
	"""A pull as under Frappe 15, where a commit forgets no look-up: whether one is known after each group."""
	import frappe

	from event_streaming.consumer.unit_of_work import groups
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	known, forget = [], groups.forget_lookups
	frappe.db.value_cache["Note"] = {"looked up": {"name": "looked up"}}

	def seen():
		forget()
		known.append("Note" in frappe.db.value_cache)

	groups.forget_lookups = seen
	try:
		pull_from_node(event_producer)
	finally:
		groups.forget_lookups = forget
	return known


def test_what_was_looked_up_in_one_group_is_not_believed_in_the_next(producer, consumer):
	producer.run(insert, doctype=CITY, title=unique("city"))

	assert consumer.run(pull_keeping_lookups, event_producer=producer.url) == [False]
