"""A broker between the sites, and all that can go wrong with it: nothing is lost, nothing comes twice, the order is kept."""

import socket
import threading

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, delete, insert, insert_cities, read_doc, set_settings, unique
from hubs import (
	USERS,
	cursor_of,
	forget_what_the_feed_said,
	head,
	lose,
	lose_all,
	messages_at,
	pages_of_a_pull,
	publish_all,
	publish_first,
	pull_and_watch,
	put,
	set_servers,
	set_up,
)
from killing import die_at, run_until_it_is_killed
from logs import sync_logs
from streams import decide, make_event_consumer, set_unsubscribed, subscribe

from sandbox.servers.brokers import NatsServer


@pytest.fixture
def hub(cluster, tmp_path):
	server = NatsServer(tmp_path, cluster.engine.logs, users=USERS)
	server.start()
	yield server
	server.stop()


@pytest.fixture(autouse=True)
def over_the_broker(producer, consumer, hub):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	set_up(producer, consumer, hub.url)
	begin(producer, consumer)


def begin(producer, consumer) -> None:
	"""The producer hears that the consumer would, and publishes; the consumer hears of that, and has read to the end of both."""
	watch(producer, consumer)
	assert producer.run(publish_first, title=unique("first")) == 1
	for _each in range(2):
		watch(producer, consumer)


def watch(producer, consumer) -> dict:
	came = consumer.run(pull_and_watch, event_producer=producer.url)
	assert not came["error"], came["error"]
	return came


def a_minute_later(producer, consumer) -> dict:
	consumer.run(forget_what_the_feed_said, event_producer=producer.url)
	return watch(producer, consumer)


def make(producer, count: int = 10, together: int = 1) -> list[str]:
	"""New cities, so many of them in each transaction."""
	return producer.run(insert_together, prefix=unique("city"), count=count, together=together)


def insert_together(prefix: str, count: int, together: int) -> list[str]:
	import frappe

	names = []
	for number in range(0, count, together):
		titles = [f"{prefix} {number:05} {each:03}" for each in range(together)]
		names += [frappe.get_doc({"doctype": CITY, "title": title}).insert().name for title in titles]
		frappe.db.commit()
	return names


def check(producer, consumer, cities: list[str]) -> None:
	"""Every one of them came, once, in the order in which they were made; nothing failed."""
	logs = [log for log in sync_logs(consumer) if log["docname"] in cities]
	assert sorted(log["docname"] for log in logs) == sorted(cities)
	assert {log["status"] for log in logs} == {"Synced"}
	assert [log["docname"] for log in sorted(logs, key=lambda log: int(log["name"]))] == cities
	assert consumer.run(cursor_of, event_producer=producer.url) == producer.run(head)


def test_events_come_over_the_broker_without_a_request_to_the_feed(producer, consumer):
	cities = make(producer, 20)
	assert producer.run(publish_all) == 20

	came = watch(producer, consumer)

	assert came == {"feed": 0, "broker": 20, "requests": 0, "error": "", "failed": 0, "synced": 20}
	check(producer, consumer, cities)


# ---- how often the feed is asked


def two_minutes_later(producer, consumer) -> dict:
	consumer.run(feed_was_asked, event_producer=producer.url, seconds_ago=120)
	return watch(producer, consumer)


def test_as_long_as_new_events_come_over_the_broker_the_feed_need_not_be_asked_each_minute(
	producer, consumer
):
	cities = make(producer)
	producer.run(publish_all)

	first, second = [two_minutes_later(producer, consumer) for _each in range(2)]

	assert (first["broker"], first["requests"]) == (10, 0)
	# the last event was logged a moment ago: whatever may be missing, it is younger than that
	assert (second["broker"], second["requests"]) == (0, 0)
	check(producer, consumer, cities)


def test_where_no_event_has_come_for_a_minute_the_feed_is_asked(producer, consumer, hub):
	make(producer)
	producer.run(publish_all)
	watch(producer, consumer)
	cities = make(producer)
	producer.run(publish_all)
	lose(hub.url, [number for number, *_rest in messages_at(hub.url)[-10:]])

	consumer.run(set_last_logged, event_producer=producer.url, seconds_ago=61)
	came = two_minutes_later(producer, consumer)

	assert (came["broker"], came["feed"]) == (0, 10)
	check(producer, consumer, cities)


@pytest.mark.parametrize("seconds", [-90, 90], ids=["is from before", "seems to be of a time to come"])
def test_where_what_comes_over_the_broker_is_not_of_the_last_minute_the_feed_is_asked(
	producer, consumer, seconds
):
	"""As when the broker holds everything back for a while; or the two clocks don't agree."""
	cities = make(producer)
	producer.run(shift_last_events, count=10, seconds=seconds)
	producer.run(publish_all)

	came = two_minutes_later(producer, consumer)

	assert (came["broker"], came["requests"]) == (10, 1)
	check(producer, consumer, cities)
	assert watch(producer, consumer)["requests"] == 0


def test_after_five_minutes_the_feed_is_asked_whatever_comes_over_the_broker(producer, consumer):
	make(producer)
	producer.run(publish_all)
	consumer.run(feed_was_asked, event_producer=producer.url, seconds_ago=301)

	assert watch(producer, consumer)["requests"] >= 1


def feed_was_asked(event_producer: str, seconds_ago: int) -> None:
	"""As if the feed's last answer were so old."""
	import json
	import time

	import frappe
	from frappe.utils.password import decrypt, encrypt

	from event_streaming.site.claims import redis_key

	key = redis_key("broker", event_producer)
	said = json.loads(decrypt(frappe.cache.get_value(key, expires=True)))
	kept = encrypt(json.dumps({**said, "asked": time.time() - seconds_ago}))
	frappe.cache.set_value(key, kept, expires_in_sec=600)


def set_last_logged(event_producer: str, seconds_ago: int) -> None:
	import time

	import frappe

	from event_streaming.site.claims import redis_key

	key = redis_key("broker_logged", event_producer)
	assert frappe.cache.get_value(key, expires=True), "nothing is known of when the last event was logged"
	frappe.cache.set_value(key, time.time() - seconds_ago, expires_in_sec=60)


def shift_last_events(count: int, seconds: int) -> None:
	"""As if the last events had been logged at another time."""
	import frappe
	from frappe.utils import add_to_date

	for name, creation in frappe.get_all(
		"Event Update Log", fields=["name", "creation"], order_by="name desc", limit=count, as_list=True
	):
		moment = add_to_date(creation, seconds=seconds)
		frappe.db.set_value("Event Update Log", name, "creation", moment, update_modified=False)


# ---- what may be wrong


def test_changes_renames_and_deletions_come_in_their_order(producer, consumer):
	(city, other) = make(producer, 2)
	producer.run(change, doctype=CITY, name=city, country_name="Laos")
	producer.run(delete, doctype=CITY, name=other)
	producer.run(publish_all)

	assert watch(producer, consumer)["requests"] == 0

	assert consumer.run(read_doc, doctype=CITY, name=city)["country_name"] == "Laos"
	assert consumer.run(read_doc, doctype=CITY, name=other) is None


def test_without_the_hub_the_feed_has_everything_and_the_hub_goes_on_where_it_was(producer, consumer, hub):
	before = make(producer)
	producer.run(publish_all)
	hub.stop()
	during = make(producer)

	assert watch(producer, consumer)["feed"] == 20
	hub.start()
	after = make(producer)
	assert producer.run(publish_all) == 20
	a_minute_later(producer, consumer)
	last = make(producer)
	producer.run(publish_all)
	came = watch(producer, consumer)

	assert (came["broker"], came["requests"]) == (10, 0)
	check(producer, consumer, [*before, *during, *after, *last])
	assert len(messages_at(hub.url)) == 41


def test_a_hub_that_is_killed_while_it_is_published_to_gets_the_rest_later(producer, consumer, hub):
	cities = make(producer, 30)
	pending = producer.shell().start(publish_for, seconds=5, slowly=0.2)
	wait_until(lambda: len(messages_at(hub.url)) > 3)
	hub.stop()
	hub.start()
	pending.wait(30)

	watch(producer, consumer)
	a_minute_later(producer, consumer)
	check(producer, consumer, cities)
	subjects = [subject for _number, subject, _payload in messages_at(hub.url)]
	assert len(subjects) == 31


def publish_for(seconds: float, slowly: float) -> list[str]:
	"""The command's own loop, for a while; three events at a time."""
	import time

	import frappe

	from event_streaming.producer.publishing import publisher, reading

	reading.EVENTS, publisher.LOOK_EVERY = 3, 0.05
	said, until = [], time.monotonic() + seconds
	original = publisher.Publisher.publish_next

	def slow(self):
		time.sleep(slowly)
		return original(self)

	publisher.Publisher.publish_next = slow
	frappe.db.commit()
	publisher.publish_until(lambda: time.monotonic() > until, said.append)
	return said


def wait_until(condition) -> None:
	from streams import wait_for

	wait_for(condition)


def test_a_hub_whose_disk_is_lost_costs_requests_to_the_feed(producer, consumer, hub):
	before = make(producer)
	producer.run(publish_all)
	hub.throw_away()
	hub.start()
	producer.run(publish_first, title=unique("first"))
	after = make(producer)
	assert producer.run(publish_all) == 10

	watch(producer, consumer)
	check(producer, consumer, [*before, *after])
	watch(producer, consumer)
	last = make(producer)
	producer.run(publish_all)
	came = watch(producer, consumer)

	assert (came["broker"], came["requests"]) == (10, 0)
	check(producer, consumer, [*before, *after, *last])


@pytest.mark.parametrize("lost", [[4, 5], [0, 9]], ids=str)
def test_messages_that_are_lost_are_filled_from_the_feed(producer, consumer, hub, lost):
	cities = make(producer)
	producer.run(publish_all)
	numbers = [number for number, _subject, _payload in messages_at(hub.url)][-10:]
	lose(hub.url, [numbers[each] for each in lost])

	watch(producer, consumer)
	a_minute_later(producer, consumer)

	check(producer, consumer, cities)
	last = make(producer)
	producer.run(publish_all)
	assert watch(producer, consumer)["requests"] == 0
	check(producer, consumer, [*cities, *last])


@pytest.mark.parametrize("order", ["doubled", "shuffled"])
def test_messages_that_come_again_or_in_another_order_are_taken_once_in_the_log_s(
	producer, consumer, hub, order
):
	consumer.run(set_settings, events_per_page=4)
	cities = make(producer)
	producer.run(publish_all)
	messages = [(subject, payload) for _number, subject, payload in messages_at(hub.url)][-10:]
	lose_all(hub.url)
	put(
		hub.url,
		{"doubled": messages * 2, "shuffled": messages[::2][::-1] + messages[1::2]}[order],
	)

	watch(producer, consumer)
	check(producer, consumer, cities)
	last = make(producer)
	assert producer.run(publish_all) == 10

	watch(producer, consumer)
	check(producer, consumer, [*cities, *last])


def test_what_two_publishers_send_at_once_is_in_the_stream_once_and_in_order(producer, consumer, hub):
	cities = make(producer)

	assert producer.run(publish_as_two) == "wrong last sequence"

	check_stream(hub, 21)
	watch(producer, consumer)
	check(producer, consumer, [*cities, *producer.run(newest_cities, count=10)])


def publish_as_two() -> str:
	"""As if the lease had been lost and not noticed. Says why the stream does not take what does not come behind its end."""
	import frappe

	from event_streaming.broker.settings import get_broker_settings
	from event_streaming.producer.publishing.publisher import Publisher

	frappe.db.commit()
	first, second = Publisher(get_broker_settings()), Publisher(get_broker_settings())
	try:
		first.publish_next()
		# it believes that the stream ends where it did
		second.publish_next()
		insert_cities(prefix=unique("city"), count=10)
		frappe.db.commit()
		second.publish_next()
		first.publish_next()
		told = first.client._run(
			first.client._publish_one(f"event_streaming.{first.site}.a.b.c", "new", b"", 3)
		)
		return told["error"]["description"].partition(":")[0]
	finally:
		first.close()
		second.close()


def newest_cities(count: int) -> list[str]:
	import frappe

	return frappe.get_all(CITY, pluck="name", order_by="creation desc", limit=count)[::-1]


def check_stream(hub, count: int) -> None:
	subjects = [payload for _number, _subject, payload in messages_at(hub.url)]
	assert len(subjects) == len(set(subjects)) == count


def test_a_second_publisher_waits_for_the_first_to_end(producer):
	said = producer.run(publish_while_somebody_has_the_lease)

	assert said == ["Another process publishes this site's events: waiting for it to end."]


def publish_while_somebody_has_the_lease() -> list[str]:
	import time

	from event_streaming.database import locks
	from event_streaming.producer.publishing import publisher

	said, until = [], time.monotonic() + 1
	original = publisher.advisory_lock

	def taken(name, wait_seconds=0):
		return locks.contextmanager(lambda: (yield False))()

	publisher.advisory_lock = taken
	try:
		publisher.publish_until(lambda: time.monotonic() > until or len(said) > 0, said.append)
	finally:
		publisher.advisory_lock = original
	return said


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_publisher_that_dies_is_followed_by_one_that_goes_on(producer, consumer, hub, when):
	cities = make(producer)
	producer.run(publish_all)
	more = make(producer)

	run_until_it_is_killed(
		producer, publish_and_die, target="broker.nats_client:NatsClient.publish", when=when
	)
	assert producer.run(publish_all) == (10 if when == "before" else 0)

	check_stream(hub, 21)
	watch(producer, consumer)
	check(producer, consumer, [*cities, *more])


def publish_and_die(target: str, when: str) -> int:
	die_at(target, when, 1)
	return publish_all()


@pytest.mark.parametrize(
	("target", "when", "nth"),
	[
		("consumer.logs.state:move_cursor", "after", 2),
		("consumer.pull.source:BrokerPages.page_after", "after", 1),
		("consumer.apply.step:apply_event", "after", 4),
	],
)
def test_a_consumer_that_dies_takes_nothing_twice(producer, consumer, target, when, nth):
	consumer.run(set_settings, events_per_commit=3)
	cities = make(producer)
	producer.run(publish_all)

	run_until_it_is_killed(
		consumer, pull_and_die, event_producer=producer.url, target=target, when=when, nth=nth
	)
	watch(producer, consumer)

	check(producer, consumer, cities)


def pull_and_die(event_producer: str, target: str, when: str, nth: int) -> dict:
	die_at(target, when, nth)
	return pull_and_watch(event_producer)


# ---- a broker that lies


def test_what_the_producer_has_not_signed_is_nothing(producer, consumer, hub):
	_number, subject, payload = messages_at(hub.url)[-1]
	forged = [
		(subject, b""),
		(subject, b"rubbish"),
		(subject, payload[:-1]),
		(subject, payload[:-20] + bytes(20)),
		(subject, payload.replace(b",1,", b",999999,", 1)),
		(subject, b"ES1" + b"\xff" * 400),
	]
	put(hub.url, forged)
	cities = make(producer)
	producer.run(publish_all)

	came = watch(producer, consumer)

	assert (came["broker"], came["failed"]) == (10, 0)
	check(producer, consumer, cities)


def test_an_event_that_was_signed_for_another_place_is_not_taken_in_this_one(producer, consumer, hub):
	"""The producer's own message of another DocType, under the subject of one that the consumer may read."""
	producer.run(
		make_event_consumer,
		url="http://other.example",
		user="Administrator",
		transport="NATS",
		rows=[{"ref_doctype": ORDER, "status": "Approved"}],
	)
	a_minute_later(producer, consumer)
	(subject,) = {subject.rpartition(".")[0] for _number, subject, _payload in messages_at(hub.url)}
	producer.run(insert, doctype=ORDER, title=unique("order"))
	producer.run(publish_all)
	order = messages_at(hub.url)[-1]
	assert not order[1].startswith(subject)
	put(hub.url, [(f"{subject}.0", order[2])])
	cities = make(producer)
	producer.run(publish_all)

	for _each in range(2):
		a_minute_later(producer, consumer)

	check(producer, consumer, cities)
	assert not [log for log in sync_logs(consumer) if log["ref_doctype"] == ORDER]


@pytest.mark.parametrize(
	"answer",
	[b"", b'INFO {"max_payload": 5}\r\n'],
	ids=["silence", "hello"],
)
def test_a_server_that_is_none_costs_a_request_to_the_feed(producer, consumer, answer):
	cities = make(producer)
	with pretender(answer) as url:
		producer.run(set_servers, url=url)
		a_minute_later(producer, consumer)
		cities += make(producer)
		came = watch(producer, consumer)

	assert came["feed"] == 10
	check(producer, consumer, cities)


class pretender:
	"""A server that takes connections, says one thing, and nothing more."""

	def __init__(self, answer: bytes):
		self.answer, self.open = answer, []
		self.server = socket.create_server(("127.0.0.1", 0))

	def __enter__(self) -> str:
		threading.Thread(target=self.accept, daemon=True).start()
		return f"nats://127.0.0.1:{self.server.getsockname()[1]}"

	def accept(self) -> None:
		while True:
			try:
				connection, _address = self.server.accept()
			except OSError:
				return
			self.open.append(connection)
			connection.sendall(self.answer)

	def __exit__(self, *_error) -> None:
		self.server.close()
		for connection in self.open:
			connection.close()


# ---- who may read what


def test_an_approval_that_is_withdrawn_is_gone_with_the_next_message(producer, consumer, hub):
	somebody_else(producer, consumer)
	known = consumer.run(keys_of, event_producer=producer.url)
	producer.run(decide, consumer_url=consumer.url, status="Rejected")
	cities = make(producer)
	producer.run(publish_all)

	messages = messages_at(hub.url)[-10:]
	assert (
		producer.run(can_be_opened, payloads=[payload.hex() for _n, _s, payload in messages], keys=known) == 0
	)
	watch(producer, consumer)
	assert not [log for log in sync_logs(consumer) if log["docname"] in cities]
	assert not consumer.run(keys_of, event_producer=producer.url)


def test_what_was_sent_before_can_be_opened_with_the_keys_of_then(producer, consumer, hub):
	"""The measure of the test before this one."""
	somebody_else(producer, consumer)
	known = consumer.run(keys_of, event_producer=producer.url)
	make(producer)
	producer.run(publish_all)

	messages = messages_at(hub.url)[-10:]
	assert (
		producer.run(can_be_opened, payloads=[payload.hex() for _n, _s, payload in messages], keys=known)
		== 10
	)


def somebody_else(producer, consumer) -> None:
	"""Another consumer that goes on reading."""
	producer.run(
		make_event_consumer,
		url="http://other.example",
		user="Administrator",
		transport="NATS",
		rows=[{"ref_doctype": CITY, "status": "Approved"}],
	)
	producer.run(publish_all)
	a_minute_later(producer, consumer)


def keys_of(event_producer: str) -> list[str]:
	from event_streaming.consumer.pull.source import kept_said

	said = kept_said(event_producer)
	grant = said and said.page["broker"]
	return [each["key"] for each in grant["doctypes"].values()] if grant else []


def can_be_opened(payloads: list[str], keys: list[str]) -> int:
	from event_streaming.producer.subscriptions.broker_keys import public_key
	from event_streaming.wire.broker.messages import InvalidMessage, Reader, unseal

	opened, reader = 0, Reader(public_key())
	for payload in payloads:
		message = reader.read(bytes.fromhex(payload))
		for key in keys:
			try:
				unseal(message, bytes.fromhex(key), CITY, "http://somebody.example")
				opened += 1
			except InvalidMessage:
				pass
	return opened


def test_a_site_that_is_paused_reads_nothing_more(producer, consumer):
	somebody_else(producer, consumer)
	producer.run(change, doctype="Event Consumer", name=consumer.url, paused=1)
	cities = make(producer)
	producer.run(publish_all)

	assert "paused" in consumer.run(pull_and_watch, event_producer=producer.url)["error"]
	assert not [log for log in sync_logs(consumer) if log["docname"] in cities]


def test_events_of_what_was_approved_a_moment_ago_are_not_passed_over(producer, consumer):
	"""The consumer has not heard of it yet: its keys are those of before."""
	subscribe_to_orders(producer, consumer)
	producer.run(approve_without_a_word, consumer_url=consumer.url)
	order = producer.run(insert, doctype=ORDER, title=unique("order"))
	cities = make(producer)
	producer.run(publish_all)

	watch(producer, consumer)
	a_minute_later(producer, consumer)

	check(producer, consumer, cities)
	assert [log["docname"] for log in sync_logs(consumer) if log["ref_doctype"] == ORDER] == [order]


def subscribe_to_orders(producer, consumer, **row) -> None:
	consumer.run(add_row, name=producer.url, row={"ref_doctype": ORDER, "use_same_name": 1, **row})
	watch(producer, consumer)


def add_row(name: str, row: dict) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	doc.append("producer_doctypes", row)
	doc.save()


def approve_without_a_word(consumer_url: str) -> None:
	"""The call that tells the consumer is lost."""
	from event_streaming.producer.registration import approval

	original, approval.tell_consumer = approval.tell_consumer, lambda name: None
	try:
		decide(consumer_url)
		import frappe

		frappe.db.commit()
	finally:
		approval.tell_consumer = original


def test_events_under_a_condition_come_from_the_feed_in_between(producer, consumer):
	subscribe_to_orders(producer, consumer, condition="doc.note == 'mine'")
	producer.run(decide, consumer_url=consumer.url)
	for _each in range(2):
		producer.run(publish_all)
		a_minute_later(producer, consumer)
	cities = make(producer, 5)
	mine = producer.run(insert, doctype=ORDER, title=unique("order"), note="mine")
	producer.run(insert, doctype=ORDER, title=unique("order"), note="another's")
	cities += make(producer, 5)
	assert producer.run(publish_all) == 10

	came = watch(producer, consumer)

	check(producer, consumer, cities)
	assert [log["docname"] for log in sync_logs(consumer) if log["ref_doctype"] == ORDER] == [mine]
	assert came["broker"] == 5


def test_what_this_site_does_not_want_any_more_is_not_taken_from_the_broker(producer, consumer):
	consumer.run(set_unsubscribed, name=producer.url, doctype=CITY, unsubscribed=1)
	cities = make(producer)
	producer.run(publish_all)

	watch(producer, consumer)

	assert not [log for log in sync_logs(consumer) if log["docname"] in cities]


def test_what_was_made_at_the_consumer_does_not_come_back(producer, consumer):
	city = producer.run(insert_as_from, origin=consumer.url, title=unique("city"))
	(other,) = make(producer, 1)
	assert producer.run(publish_all) == 2

	came = watch(producer, consumer)

	assert (came["broker"], came["requests"]) == (1, 0)
	assert consumer.run(read_doc, doctype=CITY, name=other)
	assert consumer.run(read_doc, doctype=CITY, name=city) is None
	assert consumer.run(cursor_of, event_producer=producer.url) == producer.run(head)


def insert_as_from(origin: str, title: str) -> str:
	import frappe

	name = frappe.get_doc({"doctype": CITY, "title": title}).insert().name
	frappe.db.set_value("Event Update Log", {"docname": name}, "origin", origin, update_modified=False)
	return name


def test_what_came_over_the_broker_alone_ends_with_a_condition_that_is_added_later(producer, consumer):
	"""None of it was in a page of the feed, which notes for those DocTypes, too, from where on the cursor says what was taken."""
	subscribe_to_orders(producer, consumer, when_condition_ends="Remove")
	producer.run(decide, consumer_url=consumer.url)
	a_minute_later(producer, consumer)
	producer.run(publish_all)
	a_minute_later(producer, consumer)
	order = producer.run(insert, doctype=ORDER, title=unique("order"))
	producer.run(publish_all)
	assert watch(producer, consumer)["requests"] == 0
	assert consumer.run(read_doc, doctype=ORDER, name=order)

	consumer.run(set_condition, name=producer.url, condition="doc.note == 'mine'")
	watch(producer, consumer)
	producer.run(decide, consumer_url=consumer.url)
	a_minute_later(producer, consumer)
	producer.run(change, doctype=ORDER, name=order, note="another's")
	producer.run(publish_all)
	a_minute_later(producer, consumer)

	assert consumer.run(read_doc, doctype=ORDER, name=order) is None
	assert producer.run(rows_of_deliveries, doctype=CITY) == 0


def set_condition(name: str, condition: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	next(row for row in doc.producer_doctypes if row.ref_doctype == ORDER).condition = condition
	doc.save()


def rows_of_deliveries(doctype: str) -> int:
	import frappe

	events = frappe.get_all("Event Update Log", {"ref_doctype": doctype}, pluck="name")
	return frappe.db.count("Event Update Log Consumer", {"parent": ["in", events]})


# ---- transactions


def test_transactions_come_whole_over_the_broker(producer, consumer):
	"""However few of its messages are asked for at once."""
	consumer.run(set_settings, events_per_page=8)
	cities = make(producer, 18, together=6)
	assert producer.run(publish_all) == 18

	pages = consumer.run(pull_and_list, event_producer=producer.url)

	check_whole(pages)
	assert [(where, len(transactions)) for where, transactions in pages if transactions] == [
		("broker", 6)
	] * 3
	check(producer, consumer, cities)


@pytest.mark.parametrize("lost", [8, 11])
def test_a_transaction_of_which_a_message_is_lost_comes_whole_from_the_feed(producer, consumer, hub, lost):
	"""Of the last one of the stream no later message tells: its own do."""
	cities = make(producer, 12, together=6)
	producer.run(publish_all)
	numbers = [number for number, _subject, _payload in messages_at(hub.url)][-12:]
	lose(hub.url, [numbers[lost]])

	pages = consumer.run(pull_and_list, event_producer=producer.url)

	check_whole(pages)
	assert [(where, len(transactions)) for where, transactions in pages] == [("broker", 6), ("feed", 6)]
	check(producer, consumer, cities)


def test_a_lot_of_the_publisher_ends_at_a_transaction_s_edge(producer, consumer):
	make(producer, 18, together=6)

	assert producer.run(publish_in_lots, events=8) == [6, 6, 6]


def test_a_transaction_that_is_too_large_for_a_page_is_divided_here_too(producer, consumer):
	consumer.run(set_settings, events_per_page=8)
	cities = make(producer, 12, together=12)
	assert producer.run(publish_as_too_large) == [12]

	pages = consumer.run(pull_and_list, event_producer=producer.url)

	assert pages == [["broker", [""] * 8], ["broker", [""] * 4]]
	check(producer, consumer, cities)


def publish_as_too_large() -> list[int]:
	from event_streaming.producer.feed import selection

	selection.MOST_TOGETHER, before = 10, selection.MOST_TOGETHER
	try:
		return publish_in_lots(events=500)
	finally:
		selection.MOST_TOGETHER = before


def publish_in_lots(events: int) -> list[int]:
	import frappe

	from event_streaming.broker.settings import get_broker_settings
	from event_streaming.producer.publishing import reading
	from event_streaming.producer.publishing.publisher import Publisher

	frappe.db.commit()
	reading.EVENTS, before = events, reading.EVENTS
	publisher, lots = Publisher(get_broker_settings()), []
	try:
		while number := publisher.publish_next():
			lots.append(number)
	finally:
		reading.EVENTS = before
		publisher.close()
	return lots


def pull_and_list(event_producer: str) -> list[tuple[str, list[str]]]:
	"""Of each page of a pull, where it came from, and the transaction of each event; "" for what is divided."""
	from event_streaming.wire.events import transaction_of

	pages, summary = pages_of_a_pull(event_producer)
	assert not summary.error, summary.error
	return [
		("broker" if page["from_broker"] else "feed", [transaction_of(event) for event in page["events"]])
		for page in pages
	]


def check_whole(pages: list) -> None:
	"""No transaction is in two pages, and each event is of one."""
	seen = [transaction for _where, transactions in pages for transaction in set(transactions)]
	assert "" not in seen
	assert len(seen) == len(set(seen))
