"""Consumers are told soon, once at a time and without anybody waiting for it; and that one that can't be told is left alone."""

import json
import time

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import insert, read_doc, unique
from fake_site import FakeSite
from streams import decide, make_event_consumer, make_subscriber, subscribe, wait_for

NOTIFY = "new_event_notification"
SEND = "event_streaming.producer.notify.notifications.send_notifications"
CALL = "event_streaming.producer.notify.notifications.notify_consumer"
USER = "stream@example.com"


def add_consumer(url: str, status: str = "Approved", protocol: int = 2, doctype: str = CITY) -> None:
	make_event_consumer(url, [{"ref_doctype": doctype, "status": status}], protocol=protocol)


def jobs() -> list[str]:
	"""The functions of this app that are queued."""
	from frappe.utils.background_jobs import get_queue, get_queue_list

	names = []
	for queue in get_queue_list():
		names += [job.kwargs.get("method") for job in get_queue(queue).jobs if job]
	return [str(name) for name in names if "event_streaming" in str(name)]


def forget_queue() -> None:
	"""As a Redis does that is started again with nothing in it."""
	import frappe
	from frappe.utils.background_jobs import get_queue, get_queue_list

	for queue in get_queue_list():
		get_queue(queue).empty()
	frappe.cache.delete(frappe.cache.make_key("event_streaming:notification_queued"))


def add_cities(count: int = 1, outcome: str = "commit") -> None:
	import uuid

	import frappe

	for number in range(count):
		frappe.get_doc({"doctype": CITY, "title": f"{uuid.uuid4().hex} {number}"}).insert()
	getattr(frappe.db, outcome)()


def send() -> None:
	from event_streaming.producer.notify import notifications

	notifications.send_notifications()


def call(consumer: str) -> bool:
	from event_streaming.producer.notify import notifications

	return notifications.notify_consumer(consumer)


def minutely() -> None:
	from event_streaming import tasks

	tasks.event_streaming_every_minute()


def set_notify_after(consumer: str, seconds: int, failures: int = 1) -> None:
	import frappe
	from frappe.utils import add_to_date, now_datetime

	values = {"notify_after": add_to_date(now_datetime(), seconds=seconds), "notify_failures": failures}
	frappe.db.set_value("Event Consumer", consumer, values)


def look_at(consumer: str) -> dict:
	import frappe
	from frappe.utils import now_datetime

	doc = frappe.get_doc("Event Consumer", consumer)
	wait = (doc.notify_after - now_datetime()).total_seconds() if doc.notify_after else None
	return {"failures": doc.notify_failures, "wait": wait, "error": doc.last_error}


@pytest.fixture
def site(producer):
	with_orders(producer)
	producer.run(make_subscriber)
	return producer


@pytest.fixture
def fake():
	with FakeSite() as server:
		yield server


@pytest.fixture
def other():
	with FakeSite() as server:
		yield server


# ---------------------------------------------------------------- what is queued


def test_a_hundred_changes_in_one_transaction_queue_one_job(site, fake):
	site.run(add_consumer, url=fake.url)

	site.run(add_cities, count=100)

	assert site.run(jobs) == [SEND]


def test_many_transactions_queue_one_job_until_it_begins(site, fake):
	site.run(add_consumer, url=fake.url)

	for _each in range(5):
		site.run(add_cities)

	assert site.run(jobs) == [SEND]


def test_a_transaction_that_is_rolled_back_queues_nothing(site, fake):
	site.run(add_consumer, url=fake.url)

	site.run(add_cities, count=3, outcome="rollback")

	assert site.run(jobs) == []


def test_the_next_transaction_of_the_same_process_is_told_of_too(site, fake):
	site.run(add_consumer, url=fake.url)
	site.run(add_cities, outcome="rollback")
	site.run(add_cities)
	site.run(forget_queue)

	site.run(add_cities)

	assert site.run(jobs) == [SEND]


def test_what_nobody_subscribes_to_queues_nothing(site, fake):
	site.run(add_consumer, url=fake.url, doctype=ORDER)

	site.run(add_cities)

	assert site.run(jobs) == []


def test_a_loop_of_changes_asks_redis_once_in_a_while(site, fake):
	site.run(add_consumer, url=fake.url)

	assert site.run(times_asked, seconds_between=[0, 0.005, 0.005, 0.005]) == 1
	assert site.run(times_asked, seconds_between=[0, 0.015, 0.015, 0.015]) == 2
	# whoever could not ask tries again with the next commit
	assert site.run(times_asked, seconds_between=[0, 0.005], asked_in_vain=True) == 2


def times_asked(seconds_between: list[float], asked_in_vain: bool = False) -> int:
	"""How often Redis was asked, in one process that commits a change after each of these seconds."""
	import frappe

	from event_streaming.producer.notify import notifications

	frappe.local.event_streaming_asked = None
	asked, now, original = [], [1000.0], (notifications.ask_for_look, notifications.monotonic)
	notifications.ask_for_look = lambda: asked.append(1) or not asked_in_vain
	notifications.monotonic = lambda: now[0]
	try:
		for seconds in seconds_between:
			now[0] += seconds
			add_cities()
	finally:
		notifications.ask_for_look, notifications.monotonic = original
	return len(asked)


@pytest.mark.parametrize(("moment", "fails"), [("_tell", False), ("_tell", True), ("sleep", False)])
def test_what_did_not_ask_is_not_overlooked_when_it_comes_after_a_look(site, fake, moment, fails):
	site.run(add_consumer, url=fake.url)
	site.run(add_cities)
	site.run(forget_queue)

	site.run(change_during_a_look, moment=moment, fails=fails)

	assert site.run(jobs) == [SEND]


def test_a_look_that_overlooked_nothing_queues_no_other(site, fake):
	site.run(add_consumer, url=fake.url)
	site.run(add_cities)
	site.run(forget_queue)

	site.run(send)

	assert site.run(jobs) == []


def change_during_a_look(moment: str, fails: bool) -> None:
	"""As another process does it that asked just before the look made room for the next to ask."""
	import time

	import frappe

	from event_streaming.producer.notify import notifications

	original = getattr(notifications, moment)

	def changed(*arguments):
		original(*arguments)
		frappe.local.event_streaming_asked = (frappe.local.site, time.monotonic())
		add_cities()
		if fails:
			raise RuntimeError("the call is broken off")

	setattr(notifications, moment, changed)
	try:
		notifications.send_notifications()
	except RuntimeError:
		assert fails
	finally:
		setattr(notifications, moment, original)


def test_a_web_worker_that_has_told_quickly_leaves_what_came_meanwhile_to_a_job(site, fake):
	site.run(add_consumer, url=fake.url)
	site.run(add_cities)
	site.run(forget_queue)

	site.run(answer_while_others_save)

	assert len(fake.calls(NOTIFY)) == 1 and site.run(jobs) == [SEND]


def answer_while_others_save() -> None:
	"""A request whose answer is out: a call that takes long, while a job commits; then what was put after the answer."""
	from types import SimpleNamespace

	import frappe
	from frappe.utils import CallbackManager

	from event_streaming.producer.notify import notifications

	original = notifications._call_consumer

	def takes_long(*arguments):
		told = original(*arguments)
		frappe.local.event_streaming_asked = (frappe.local.site, notifications.monotonic())
		add_cities()
		frappe.cache.delete(frappe.cache.make_key("event_streaming:notified_quickly"))
		return told

	frappe.local.request = SimpleNamespace(after_response=CallbackManager())
	notifications._call_consumer = takes_long
	try:
		notifications.ask_for_look()
		frappe.local.request.after_response.run()
	finally:
		notifications._call_consumer = original
		frappe.local.request = None


def test_a_queue_that_takes_no_more_jobs_does_not_make_the_save_fail(site, fake):
	site.run(add_consumer, url=fake.url)

	messages = site.run(add_city_while_the_queue_is_full)

	assert messages == []
	# counting a full queue takes longer than a save: not with each of them
	site.run(add_cities)
	assert site.run(jobs) == []
	# and after some seconds the next change tries again
	assert 0 < site.run(seconds_until_the_next_try) <= 5
	site.run(forget_queue)
	site.run(add_cities)
	assert site.run(jobs) == [SEND]


def seconds_until_the_next_try() -> int:
	import frappe

	return frappe.cache.ttl(frappe.cache.make_key("event_streaming:notification_queued"))


def add_city_while_the_queue_is_full() -> list:
	import frappe

	def refuse(*_args, **_kwargs):
		frappe.throw("Too many queued background jobs")

	original, frappe.enqueue = frappe.enqueue, refuse
	try:
		add_cities()
	finally:
		frappe.enqueue = original
	return [str(message) for message in frappe.local.message_log]


# ---------------------------------------------------------------- without a job


def save_in_the_desk(site) -> None:
	"""As a person does: over the web, with an answer."""
	site.rest().insert({"doctype": CITY, "title": unique("by hand")})


def test_a_change_that_comes_alone_is_told_of_without_a_job(site, fake):
	site.run(add_consumer, url=fake.url)

	save_in_the_desk(site)

	wait_for(lambda: fake.calls(NOTIFY), "the call")
	assert fake.calls(NOTIFY) == [{"producer_url": site.url}]
	assert site.run(jobs) == []


def test_what_follows_within_a_second_is_a_jobs(site, fake):
	site.run(add_consumer, url=fake.url)
	site.run(tell_quickly_just_now)

	save_in_the_desk(site)

	assert site.run(jobs) == [SEND] and fake.requests == []


def tell_quickly_just_now() -> None:
	import frappe

	frappe.cache.set(frappe.cache.make_key("event_streaming:notified_quickly"), 1, ex=30)


def test_several_consumers_are_a_jobs(site, fake, other):
	for server in (fake, other):
		site.run(add_consumer, url=server.url)

	save_in_the_desk(site)

	wait_for(lambda: site.run(jobs), "the job")
	assert site.run(jobs) == [SEND] and fake.requests == other.requests == []


def test_a_consumer_that_does_not_take_a_quick_call_is_told_by_a_job(site, fake):
	site.run(add_consumer, url=fake.url)
	fake.status = 503

	save_in_the_desk(site)

	wait_for(lambda: site.run(jobs), "the job")
	assert site.run(jobs) == [SEND] and len(fake.calls(NOTIFY)) == 1
	# that says nothing about it yet
	assert site.run(look_at, consumer=fake.url)["failures"] == 0


def test_a_change_crosses_without_a_background_worker(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	# the job that subscribing has queued
	consumer.run(do_the_job, producer=producer.url)
	producer.run(forget_queue)

	save_in_the_desk(producer)

	name = producer.run(newest_city)
	wait_for(lambda: consumer.run(has_city, name=name), "the city")


def do_the_job(producer: str) -> None:
	from event_streaming.consumer.pull.requests import pull_job

	pull_job(producer)


def newest_city() -> str:
	import frappe

	return frappe.get_last_doc(CITY).name


def has_city(name: str) -> bool:
	import frappe

	return bool(frappe.db.exists(CITY, name))


def test_a_quick_pull_that_the_producer_does_not_answer_is_a_jobs_and_no_failure(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	consumer.run(forget_queue)
	consumer.run(set_url_that_nobody_answers, producer=producer.url)

	consumer.rest().method(
		"event_streaming.event_streaming.doctype.event_producer.event_producer.new_event_notification",
		producer_url=producer.url,
	)

	wait_for(lambda: consumer.run(jobs), "the job")
	assert consumer.run(jobs) == ["event_streaming.consumer.pull.requests.pull_job"]
	assert not consumer.run(failures_of, producer=producer.url)


def set_url_that_nobody_answers(producer: str) -> None:
	import frappe

	frappe.db.set_value("Event Producer", producer, "producer_url", "http://127.0.0.1:9")
	frappe.db.commit()
	frappe.clear_document_cache("Event Producer", producer)


def failures_of(producer: str) -> int:
	import frappe

	return frappe.db.get_value("Event Producer Last Update", {"event_producer": producer}, "failures")


# ---------------------------------------------------------------- who is called


def test_a_consumer_is_called_with_this_sites_address(site, fake):
	site.run(add_consumer, url=fake.url)
	site.run(add_cities)

	site.run(send)

	assert fake.calls(NOTIFY) == [{"producer_url": site.url}]


def test_a_consumer_with_nothing_to_pull_is_not_called(site, fake, other):
	site.run(add_consumer, url=fake.url)
	site.run(add_consumer, url=other.url, doctype=ORDER)
	site.run(add_cities)

	site.run(send)

	assert len(fake.calls(NOTIFY)) == 1 and other.requests == []


def test_one_call_to_a_consumer_is_on_its_way_at_a_time_and_what_came_meanwhile_is_told_afterwards(
	site, fake
):
	site.run(add_consumer, url=fake.url)
	site.run(add_cities)
	site.run(forget_queue)
	fake.hangs = True
	first = site.shell().start(call, consumer=fake.url)
	wait_for(lambda: fake.calls(NOTIFY), "the first call")

	second = site.run(call, consumer=fake.url)

	assert second is False and len(fake.calls(NOTIFY)) == 1
	fake.hangs = False
	fake.released.set()
	assert first.wait(20) is True
	assert site.run(jobs) == [CALL]


def test_a_process_that_dies_while_it_calls_keeps_nobody_from_calling(site, fake):
	site.run(add_consumer, url=fake.url)
	site.run(add_cities)
	fake.hangs = True
	dying = site.shell()
	dying.start(call, consumer=fake.url)
	wait_for(lambda: fake.calls(NOTIFY), "the first call")
	dying.kill()
	fake.hangs = False

	wait_for(lambda: site.run(call, consumer=fake.url), "the next call")


# ---------------------------------------------------------------- who can't be told


def test_a_consumer_that_fails_is_left_alone_for_longer_and_longer(site, fake):
	site.run(add_consumer, url=fake.url)
	site.run(add_cities)
	fake.status = 503

	site.run(send)
	first = site.run(look_at, consumer=fake.url)
	site.run(send)

	assert len(fake.calls(NOTIFY)) == 1
	assert first["failures"] == 1 and 10 < first["wait"] <= 30 and fake.url in first["error"]
	site.run(set_notify_after, consumer=fake.url, seconds=-1, failures=9)
	site.run(send)
	later = site.run(look_at, consumer=fake.url)
	assert later["failures"] == 10 and 1_700 < later["wait"] <= 3_600


def test_a_call_that_gets_through_ends_the_waiting(site, fake):
	site.run(add_consumer, url=fake.url)
	site.run(set_notify_after, consumer=fake.url, seconds=-1, failures=5)
	site.run(add_cities)

	site.run(send)

	assert site.run(look_at, consumer=fake.url) == {"failures": 0, "wait": None, "error": None}


@pytest.mark.parametrize("seconds", ["99999999999999", "inf", "nan", "-5"])
def test_a_consumer_cannot_ask_to_be_left_alone_for_ever(site, fake, seconds):
	site.run(add_consumer, url=fake.url)
	site.run(add_cities)
	fake.status, fake.headers = 503, {"Retry-After": seconds}

	site.run(send)

	told = site.run(look_at, consumer=fake.url)
	assert told["failures"] == 1 and 0 < told["wait"] <= 3_600


def test_a_time_that_a_wrong_clock_has_stored_does_not_count(site, fake):
	site.run(add_consumer, url=fake.url)
	site.run(set_notify_after, consumer=fake.url, seconds=365 * 24 * 3600)
	site.run(add_cities)

	site.run(send)

	assert len(fake.calls(NOTIFY)) == 1


def test_keys_that_fit_into_no_request_are_a_failure_like_others(site, fake):
	site.run(add_consumer, url=fake.url)
	site.run(set_key, consumer=fake.url, key="ключ\n")
	site.run(add_cities)

	site.run(send)

	assert site.run(look_at, consumer=fake.url)["failures"] == 1


def set_key(consumer: str, key: str) -> None:
	import frappe

	frappe.db.set_value("Event Consumer", consumer, "api_key", key)


def test_a_slow_consumer_does_not_hold_up_another(site, fake, other):
	for server in (fake, other):
		site.run(add_consumer, url=server.url)
	fake.hangs = True
	site.start_worker()

	site.run(add_cities)

	wait_for(lambda: other.calls(NOTIFY), "the call of the quick one")
	wait_for(lambda: site.run(look_at, consumer=fake.url)["failures"], "giving up the slow one")
	# from now on it is not waited for at all
	before, began = len(other.calls(NOTIFY)), time.monotonic()
	site.run(add_cities)
	wait_for(lambda: len(other.calls(NOTIFY)) > before, "the next call of the quick one")
	assert time.monotonic() - began < 8
	assert len(fake.calls(NOTIFY)) == 1


# ---------------------------------------------------------------- what is lost


def test_when_the_queue_is_lost_the_producers_scheduler_tells_the_consumer(site, fake):
	site.run(add_consumer, url=fake.url)
	site.run(add_cities)
	site.run(forget_queue)

	site.run(minutely)

	assert len(fake.calls(NOTIFY)) == 1


def test_trouble_with_pulling_does_not_keep_the_producers_side_from_being_done(site, fake):
	site.run(add_consumer, url=fake.url)
	site.run(add_cities)
	site.run(forget_queue)

	error = site.run(minute_with_a_pull_that_fails)

	assert error == "pulling failed" and len(fake.calls(NOTIFY)) == 1


def minute_with_a_pull_that_fails() -> str:
	from event_streaming import tasks
	from event_streaming.consumer.pull import sweep

	def fail():
		raise ValueError("pulling failed")

	original, sweep.pull_due = sweep.pull_due, fail
	try:
		tasks.event_streaming_every_minute()
	except ValueError as error:
		return str(error)
	finally:
		sweep.pull_due = original
	return ""


def test_when_the_notification_is_lost_the_consumers_scheduler_pulls(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	producer.run(forget_queue)
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	producer.run(forget_queue)
	consumer.start_worker()

	consumer.run(minutely)

	wait_for(lambda: consumer.run(read_doc, doctype=CITY, name=city), "the document on the consumer")


# ---------------------------------------------------------------- a consumer that runs the old app


def old_consumer(fake: FakeSite, producer_url: str, rows: list[dict]) -> dict:
	"""The Event Producer on a site with the old app, as its REST API gives it."""
	doc = {
		"doctype": "Event Producer",
		"name": producer_url,
		"producer_url": producer_url,
		"incoming_change": 0,
		"producer_doctypes": [
			{"name": f"row{number}", "idx": number, "status": "Pending", **row}
			for number, row in enumerate(rows, start=1)
		],
	}
	fake.documents[f"Event Producer/{producer_url}"] = doc
	return doc


def decide_and_look(consumer_url: str, status: str) -> list[str]:
	import frappe

	decide(consumer_url, status)
	frappe.db.commit()
	return [json.dumps(message, default=str) for message in frappe.local.message_log]


@pytest.mark.parametrize("status", ["Approved", "Rejected"])
def test_an_old_consumer_is_told_by_changing_its_event_producer(site, fake, status):
	doc = old_consumer(fake, site.url, [{"ref_doctype": CITY, "use_same_name": 1}])
	site.run(add_consumer, url=fake.url, status="Pending", protocol=1)

	messages = site.run(decide_and_look, consumer_url=fake.url, status=status)

	assert messages == []
	assert [request.verb for request in fake.requests if "/Event Producer/" in request.path] == ["GET", "PUT"]
	assert doc["incoming_change"] == 1
	assert doc["producer_doctypes"] == [
		{"name": "row1", "idx": 1, "status": status, "ref_doctype": CITY, "use_same_name": 1}
	]


def test_an_old_consumer_that_maps_is_told_under_its_own_doctype(site, fake):
	rows = [{"ref_doctype": "Town", "has_mapping": 1, "mapping": "Cities"}, {"ref_doctype": "Unrelated"}]
	doc = old_consumer(fake, site.url, rows)
	fake.documents["Document Type Mapping/Cities"] = {"local_doctype": "Town", "remote_doctype": CITY}
	site.run(add_consumer, url=fake.url, status="Pending", protocol=1)

	site.run(decide_and_look, consumer_url=fake.url, status="Approved")

	assert [row["status"] for row in doc["producer_doctypes"]] == ["Approved", "Pending"]


@pytest.mark.parametrize("trouble", ["down", "no Event Producer", "not a Frappe site"])
def test_an_old_consumer_that_cannot_be_told_does_not_keep_the_decision_from_being_saved(site, fake, trouble):
	site.run(add_consumer, url=fake.url, status="Pending", protocol=1)
	if trouble == "down":
		fake.status = 503
	elif trouble == "not a Frappe site":
		fake.documents[f"Event Producer/{site.url}"] = ["no", "document"]

	messages = site.run(decide_and_look, consumer_url=fake.url, status="Approved")

	assert len(messages) == 1 and fake.url in messages[0]
	doc = site.run(read_doc, doctype="Event Consumer", name=fake.url)
	assert doc["consumer_doctypes"][0]["status"] == "Approved"


class ConsumerWithFrappesModule(FakeSite):
	"""Frappe 14 as it answers: it knows the method only in its own module, and says so in its user's language."""

	def content_for(self, request):
		if request.path.startswith("/api/method/event_streaming."):
			said = json.dumps([json.dumps({"message": f"ไม่พบ {request.path.removeprefix('/api/method/')}"})])
			return 417, json.dumps({"exc_type": "ValidationError", "_server_messages": said}).encode()
		return super().content_for(request)


def test_a_consumer_with_frappes_own_module_is_called_by_the_name_that_it_knows(site):
	with ConsumerWithFrappesModule() as fake:
		site.run(add_consumer, url=fake.url, protocol=1)
		site.run(add_cities)

		site.run(send)

		assert [request.path for request in fake.requests][-1].startswith(
			"/api/method/frappe.event_streaming."
		)
		assert fake.calls(NOTIFY)[-1] == {"producer_url": site.url}
	assert site.run(look_at, consumer=fake.url)["failures"] == 0
