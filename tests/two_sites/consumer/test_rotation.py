"""New keys for both directions of a connection, asked for on either side, while everything else goes on."""

import json

import pytest
from doctypes import CITY, with_orders
from documents import delete, insert, insert_cities, read_doc, read_rows, set_settings, unique
from fake_producer import OlderProducer
from faulty_proxy import FaultyProxy
from logs import sync_logs
from streams import (
	KEYS,
	SUBSCRIBER,
	asked_on,
	decide,
	make_event_producer,
	make_subscriber,
	old_keys_work,
	producer_can_call,
	pull,
	pull_now,
	rotate_now,
	rotated_on,
	subscribe,
	wait_for,
	words,
)

from sandbox.errors import RestError
from sandbox.sites.shell import RemoteError

API = "event_streaming.api.rotate_keys"
ROW = {"ref_doctype": CITY, "use_same_name": 1}


@pytest.fixture(autouse=True)
def subscribed(producer, consumer, orders):
	subscribe(consumer, producer, CITY)
	yield
	# other tests use these keys
	producer.run(make_subscriber)


def make_city(producer) -> str:
	return producer.run(insert, doctype=CITY, title=unique("city"))


def test_new_keys_are_in_force_in_both_directions_and_the_old_ones_end(producer, consumer):
	secret, token = words(producer, consumer)
	before = make_city(producer)

	assert consumer.rest().method(API, event_producer=producer.url) is True

	new_secret, new_token = words(producer, consumer)
	assert new_secret not in (secret, KEYS[1]) and new_token != token
	assert not old_keys_work(producer)
	after = make_city(producer)
	pull(consumer, producer)
	assert [log["producer_doc"] for log in sync_logs(consumer)] == [before, after]
	assert producer_can_call(producer, consumer)
	assert (
		rotated_on(consumer)
		and producer.run(read_doc, doctype="Event Consumer", name=consumer.url)["rotated_on"]
	)
	for site, doctype in ((consumer, "Event Producer"), (producer, "Event Consumer")):
		comments = site.run(read_rows, doctype="Comment", filters={"reference_doctype": doctype})
		last = max(comments, key=lambda row: row["creation"])
		assert last["content"] == "The new keys for both directions are in use."


def test_the_old_token_is_valid_until_the_new_one_is_used(producer, consumer):
	_secret, old = words(producer, consumer)
	consumer.run(rotate_now, event_producer=producer.url)
	_secret, new = words(producer, consumer)

	valid = {"name": producer.url, "tokens": [old, new]}
	assert consumer.run(which_are_valid, **valid) == [True, True]
	assert producer_can_call(producer, consumer)
	assert consumer.run(which_are_valid, **valid) == [False, True]


def which_are_valid(name: str, tokens: list[str]) -> list[bool]:
	from event_streaming.consumer.subscriptions.keys import is_token_of

	return [is_token_of(name, token) for token in tokens]


def test_asking_whether_the_site_is_there_ends_no_token(producer, consumer):
	"""The producer asks that while it registers: it may yet lose what it has been given."""
	_secret, old = words(producer, consumer)
	consumer.run(rotate_now, event_producer=producer.url)

	producer.run(examine, event_consumer=consumer.url)

	assert consumer.run(which_are_valid, name=producer.url, tokens=[old]) == [True]


def examine(event_consumer: str) -> list[str]:
	from event_streaming.admin.doctor.examination import examine

	return [finding.message for finding in examine(event_consumer=event_consumer) if finding.needs_a_person]


def test_the_doctor_of_the_producer_is_content_with_a_token(producer, consumer):
	pull(consumer, producer)

	assert producer.run(examine, event_consumer=consumer.url) == []


def test_the_producers_side_asks_and_the_consumer_does_it_with_its_next_page(producer, consumer):
	secret, token = words(producer, consumer)

	assert producer.rest().method(API, event_consumer=consumer.url) is False

	assert asked_on(producer, consumer) and words(producer, consumer) == (secret, token)
	city = make_city(producer)
	pull(consumer, producer)
	assert not asked_on(producer, consumer)
	assert not {secret, token} & set(words(producer, consumer))
	assert rotated_on(consumer)
	pull(consumer, producer)
	assert [log["producer_doc"] for log in sync_logs(consumer)] == [city]

	# and once more, at once
	producer.rest().method(API, event_consumer=consumer.url)
	third = words(producer, consumer)
	pull(consumer, producer)
	assert words(producer, consumer) != third


def test_a_consumer_that_can_be_reached_is_woken(producer, consumer):
	secret, _token = words(producer, consumer)
	producer.start_worker()

	producer.rest().method(API, event_consumer=consumer.url)

	wait_for(lambda: rotated_on(consumer), "the rotation")
	assert words(producer, consumer)[0] != secret


def test_the_commands_have_the_same_words(producer, consumer):
	done = consumer.command("event-streaming", "rotate-keys", "--producer", producer.url)
	assert (done.returncode, "the new keys are in use" in done.stdout) == (0, True), done.stderr

	done = producer.command("event-streaming", "rotate-keys", "--consumer", consumer.url)
	assert (done.returncode, "with its next pull" in done.stdout) == (0, True), done.stderr
	assert asked_on(producer, consumer)


def test_a_user_whom_two_sites_share_is_not_locked_out(producer, consumer, third):
	with_orders(third)
	subscribe(third, producer, CITY)
	before = words(producer, consumer)

	with pytest.raises(RestError, match=third.url) as refused:
		consumer.rest().method(API, event_producer=producer.url)
	assert SUBSCRIBER in refused.value.message
	with pytest.raises(RestError, match=third.url):
		producer.rest().method(API, event_consumer=consumer.url)

	assert words(producer, consumer) == before and old_keys_work(producer)
	assert not asked_on(producer, consumer)
	for site in (consumer, third):
		pull(site, producer)


def test_a_user_whose_keys_a_site_with_the_older_app_has_is_not_locked_out(producer, consumer):
	"""The producer is itself a consumer of an older site, and has given it the same user's keys."""
	with OlderProducer("http://nobody.example", CITY) as older:
		older.documents[f"Event Consumer/{producer.url}"] = {"consumer_doctypes": []}
		producer.run(make_event_producer, url=older.url, rows=[ROW])

		with pytest.raises(RestError, match=older.url):
			consumer.rest().method(API, event_producer=producer.url)
	assert old_keys_work(producer)


def test_a_site_with_the_older_app_is_told_how_it_is_done_by_hand(consumer):
	with OlderProducer(consumer.url, CITY) as older:
		consumer.run(make_event_producer, url=older.url, rows=[ROW])

		with pytest.raises(RestError, match="runs the older app"):
			consumer.rest().method(API, event_producer=older.url)


def test_a_consumer_with_the_older_app_is_told_how_it_is_done_by_hand(producer, consumer):
	producer.run(set_protocol, event_consumer=consumer.url)

	with pytest.raises(RestError, match="runs the older app"):
		producer.rest().method(API, event_consumer=consumer.url)


def set_protocol(event_consumer: str) -> None:
	import frappe

	frappe.db.set_value("Event Consumer", event_consumer, "protocol", 1)


def test_a_second_rotation_at_the_same_time_is_told_so(producer, consumer):
	before = words(producer, consumer)
	other = consumer.shell()
	other.run(take_lock, event_producer=producer.url, commit=False)

	with pytest.raises(RemoteError, match="being changed just now"):
		consumer.run(rotate_now, event_producer=producer.url)
	done = consumer.command("event-streaming", "rotate-keys", "--producer", producer.url)
	assert done.returncode == 4
	assert words(producer, consumer) == before
	other.stop()

	consumer.run(rotate_now, event_producer=producer.url)
	assert words(producer, consumer) != before


def take_lock(event_producer: str) -> None:
	"""Until this process ends, as another rotation has it."""
	import frappe

	from event_streaming.database.locks import TAKE, lock_key

	assert frappe.db.sql(TAKE[frappe.db.db_type], (lock_key(f"keys {event_producer}"), 0))[0][0]


def test_two_rotations_and_pulls_of_several_processes_leave_keys_that_work(producer, consumer):
	cities = producer.run(insert_cities, prefix=unique("both"), count=20)
	shells = [consumer.shell() for _each in range(3)]

	pending = [shell.start(rotate_and_pull, event_producer=producer.url) for shell in shells]
	for each in pending:
		each.wait()

	pull(consumer, producer)
	assert [log["producer_doc"] for log in sync_logs(consumer)] == cities
	assert producer_can_call(producer, consumer) and not old_keys_work(producer)


def rotate_and_pull(event_producer: str) -> None:
	import frappe

	from event_streaming.consumer.pull.loop import pull
	from event_streaming.consumer.subscriptions import rotation
	from event_streaming.exceptions import PullRunning

	for _each in range(3):
		try:
			rotation.rotate(event_producer)
		except PullRunning:
			frappe.db.rollback()
		pull(event_producer)


def test_a_pull_that_runs_meanwhile_goes_on_with_the_new_keys(producer, consumer):
	consumer.run(set_settings, events_per_page=2)
	cities = producer.run(insert_cities, prefix=unique("page"), count=5)
	other = consumer.shell()
	pending = other.start(pull_slowly, event_producer=producer.url)
	wait_for(lambda: consumer.run(look_at_key, key="first_page"), "the first page")

	consumer.run(rotate_now, event_producer=producer.url)
	consumer.run(set_key, key="rotated")
	summary = pending.wait()

	assert not summary["error"] and summary["synced"] == 5
	assert [log["producer_doc"] for log in sync_logs(consumer)] == cities
	assert not old_keys_work(producer)


def pull_slowly(event_producer: str) -> dict:
	"""A pull that has read its first page, and waits before the second."""
	import time
	from dataclasses import asdict

	import frappe

	from event_streaming.consumer.pull.loop import pull
	from event_streaming.consumer.subscriptions.remote import Producer

	original, calls = Producer.get_page, []

	def waits(self, cursor, *more, **wishes):
		calls.append(cursor)
		if len(calls) == 2:
			# the transaction sees the keys as they were
			frappe.db.sql("select password from `__Auth` limit 1")
			set_key("first_page")
			while not look_at_key("rotated"):
				time.sleep(0.05)
		return original(self, cursor, *more, **wishes)

	Producer.get_page = waits
	return asdict(pull(event_producer))


def set_key(key: str) -> None:
	import frappe

	frappe.cache.set(f"test_rotation:{key}", 1, ex=60)


def look_at_key(key: str) -> bool:
	import frappe

	return bool(frappe.cache.get(f"test_rotation:{key}"))


# ---- a line that loses things


@pytest.fixture
def line(producer, consumer):
	"""A subscription through a proxy, which misbehaves when keys are changed."""
	with FaultyProxy(producer.url) as proxy:
		producer.run(set_settings, public_url=proxy.url)
		consumer.run(
			set_settings, read_timeout=2, connect_timeout=1, public_url="http://line.invalid", not_reachable=1
		)
		producer.run(delete_consumers)
		# one site, one connection
		consumer.run(delete, doctype="Event Producer", name=producer.url)
		consumer.run(make_event_producer, url=proxy.url, rows=[ROW])
		producer.run(decide, consumer_url="http://line.invalid")
		proxy.only = "rotate_keys"
		yield proxy


def delete_consumers() -> None:
	"""The user would be shared."""
	import frappe

	for name in frappe.get_all("Event Consumer", pluck="name"):
		frappe.delete_doc("Event Consumer", name)


@pytest.mark.parametrize(
	("fault", "old_work"), [("lost", False), ("cut", False), (503, True), ("hang", True)]
)
def test_a_lost_answer_or_request_locks_nobody_out(producer, consumer, line, fault, old_work):
	city = make_city(producer)
	line.faults.append(fault)

	with pytest.raises(RemoteError):
		consumer.run(rotate_now, event_producer=line.url)

	assert old_keys_work(producer) == old_work
	assert not consumer.run(pull_now, event_producer=line.url)["error"]
	assert [log["producer_doc"] for log in sync_logs(consumer)] == [city]
	assert bool(rotated_on(consumer, line.url)) != old_work

	# the next one ends what the last has begun
	consumer.run(rotate_now, event_producer=line.url)
	assert not old_keys_work(producer) and rotated_on(consumer, line.url)
	assert not consumer.run(pull_now, event_producer=line.url)["error"]


def test_asking_again_and_again_while_answers_are_lost_ends_well(producer, consumer, line):
	"""Each time the same keys are sent: others would take the place of those that the producer has by now."""
	line.faults.extend(["lost", "hang", "lost"])
	for _each in range(3):
		with pytest.raises(RemoteError):
			consumer.run(rotate_now, event_producer=line.url)

	consumer.run(rotate_now, event_producer=line.url)

	assert rotated_on(consumer, line.url) and not old_keys_work(producer)
	assert not consumer.run(pull_now, event_producer=line.url)["error"]


def test_a_form_that_is_saved_after_a_lost_answer_is_not_refused(producer, consumer, line):
	line.faults.append("lost")
	with pytest.raises(RemoteError):
		consumer.run(rotate_now, event_producer=line.url)

	assert consumer.run(save_and_listen, name=line.url) == []


def save_and_listen(name: str) -> list[str]:
	import frappe

	frappe.local.message_log = []
	doc = frappe.get_doc("Event Producer", name)
	doc.workers = 3
	doc.save()
	return [str(message) for message in frappe.local.message_log]


def test_keys_that_a_person_enters_are_used(producer, consumer):
	consumer.run(rotate_now, event_producer=producer.url)
	producer.run(make_subscriber)
	assert consumer.run(pull_now, event_producer=producer.url)["error"]

	consumer.run(enter_secret, name=producer.url, secret=KEYS[1])

	pull(consumer, producer)


def enter_secret(name: str, secret: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	doc.api_secret = secret
	doc.save()


# ---- what a consumer may not do


@pytest.mark.parametrize("key", ["short", "x" * 200, "with space " * 5, "a:b" * 20, "<script>" * 8, 7, None])
def test_a_key_that_is_none_is_refused(producer, consumer, key):
	rest = producer.rest(SUBSCRIBER)
	good = "a" * 43

	with pytest.raises(RestError) as refused:
		rest.method("event_streaming.endpoints.rotate_keys", event_consumer=consumer.url, consumer_token=key)
	assert refused.value.status in (417, 403)
	if key is not None:
		with pytest.raises(RestError):
			rest.method(
				"event_streaming.endpoints.rotate_keys",
				event_consumer=consumer.url,
				consumer_token=good,
				api_secret=key,
			)
	assert old_keys_work(producer)
	assert producer_can_call(producer, consumer)


def test_what_nobody_has_foreseen_leaves_no_key_in_the_error_log(producer, consumer):
	table, away = "tabEvent Consumer Document Type", "tabAway"
	producer.run(rename_table, old=table, new=away)
	keys = {"consumer_token": "t" * 43, "api_secret": "s" * 43}
	try:
		with pytest.raises(RestError, match="could not finish the change of keys") as raised:
			producer.rest(SUBSCRIBER).method(
				"event_streaming.endpoints.rotate_keys", event_consumer=consumer.url, **keys
			)
	finally:
		producer.run(rename_table, old=away, new=table)

	assert raised.value.status == 425
	logs = json.dumps(producer.run(read_rows, doctype="Error Log", filters={}), default=str)
	assert "a change of keys broke off" in logs
	assert "t" * 43 not in logs and "s" * 43 not in logs
	assert "t" * 43 not in producer.log("web") and "s" * 43 not in producer.log("web")


def rename_table(old: str, new: str) -> None:
	import frappe

	frappe.db.sql_ddl(f"ALTER TABLE `{old}` RENAME TO `{new}`")
