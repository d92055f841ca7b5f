"""A broker behind a slow line, one that lies in its answers, and a publisher that is behind: what is not there comes from the feed, at once."""

import json

import pytest
from doctypes import CITY, with_orders
from hubs import (
	USERS,
	lose,
	messages_at,
	pages_of_a_pull,
	publish_all,
	pull_and_watch,
	readers_at,
	set_up,
)
from slow_line import SlowLine
from streams import subscribe, wait_for
from test_broker import a_minute_later, begin, check, insert_together, make, watch

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


# ---- a slow line


def over(producer, consumer, url: str) -> None:
	"""From now on consumers are told of this way to the server."""
	producer.run(set_servers_of_readers, url=url)
	a_minute_later(producer, consumer)


def set_servers_of_readers(url: str) -> None:
	import frappe

	settings = frappe.get_doc("Event Streaming Settings")
	settings.nats_reader_servers = url
	settings.save()


def test_events_come_over_a_line_whose_answers_take_their_time(producer, consumer, hub):
	with SlowLine(hub.port, seconds=0.6) as line:
		over(producer, consumer, line.url)
		cities = make(producer)
		producer.run(publish_all)

		came = watch(producer, consumer)

	assert line.connections
	assert (came["broker"], came["requests"]) == (len(cities), 0)
	check(producer, consumer, cities)


def test_where_no_answer_comes_the_feed_is_asked_in_the_same_pull(producer, consumer, hub):
	with SlowLine(hub.port, silent_from=b"CONSUMER.MSG.NEXT") as line:
		over(producer, consumer, line.url)
		cities = make(producer)
		producer.run(publish_all)

		came = consumer.run(pull_impatiently, event_producer=producer.url)

	assert line.connections
	assert (came["broker"], came["feed"], came["error"]) == (0, len(cities), "")
	check(producer, consumer, cities)


def pull_impatiently(event_producer: str) -> dict:
	from event_streaming.broker import nats_client

	before, nats_client.ANSWER_SECONDS = nats_client.ANSWER_SECONDS, 0.5
	try:
		return pull_and_watch(event_producer)
	finally:
		nats_client.ANSWER_SECONDS = before


def test_a_pull_that_is_to_be_short_leaves_the_broker_to_those_that_have_time(producer, consumer, hub):
	"""It could not use it in the second that it had: the next pull can."""
	with SlowLine(hub.port, silent_from=b"STREAM.INFO") as line:
		over(producer, consumer, line.url)
		cities = make(producer)
		producer.run(publish_all)
		assert consumer.run(pull_in_a_second, event_producer=producer.url)["feed"] == len(cities)
		assert consumer.run(pull_in_a_second, event_producer=producer.url)["error"] == ""
		assert line.connections == 1

		line.silent_from = b""
		more = make(producer)
		producer.run(publish_all)
		came = watch(producer, consumer)

	assert (came["broker"], came["requests"]) == (len(more), 0)
	check(producer, consumer, [*cities, *more])


def pull_in_a_second(event_producer: str) -> dict:
	from event_streaming.consumer.pull import loop

	original = loop.pull

	def short(name: str):
		return original(name, seconds=1, patience=30)

	loop.pull = short
	try:
		return pull_and_watch(event_producer)
	finally:
		loop.pull = original


# ---- a publisher that is behind


def test_what_this_site_was_told_of_and_the_broker_has_not_comes_from_the_feed(producer, consumer):
	cities = make(producer)

	came = consumer.run(pull_as_told, event_producer=producer.url, position=producer.run(last_position))

	assert (came["feed"], came["broker"]) == (len(cities), 0)
	check(producer, consumer, cities)


def test_what_is_not_published_yet_comes_with_what_is(producer, consumer):
	published = make(producer)
	producer.run(publish_all)
	cities = published + make(producer)

	came = consumer.run(pull_as_told, event_producer=producer.url, position=producer.run(last_position))

	assert (came["broker"], came["feed"]) == (10, 10)
	check(producer, consumer, cities)


def test_a_call_of_the_producer_is_followed_to_the_feed_where_the_broker_has_nothing(producer, consumer):
	cities = make(producer)

	came = consumer.run(pull_as_told, event_producer=producer.url)

	assert came["feed"] == len(cities)
	check(producer, consumer, cities)


def test_what_this_site_was_told_of_and_the_broker_has_costs_the_producer_nothing(producer, consumer):
	cities = make(producer)
	producer.run(publish_all)

	came = consumer.run(pull_as_told, event_producer=producer.url, position=producer.run(last_position))
	again = consumer.run(pull_and_watch, event_producer=producer.url)

	assert (came["broker"], came["requests"], again["requests"]) == (len(cities), 0, 0)
	check(producer, consumer, cities)


def test_what_the_publisher_is_about_to_publish_is_waited_for(producer, consumer):
	"""It is told of before: whoever logs an event tells of it, and whoever publishes looks at the log a moment later."""
	cities = make(producer)

	came = consumer.run(
		pull_and_see_it_wait, event_producer=producer.url, position=producer.run(last_position)
	)

	assert came["waited"] == 1
	assert came["feed"] == len(cities)


def pull_and_see_it_wait(event_producer: str, position: int) -> dict:
	from event_streaming.broker.nats_client import NatsClient

	waited, original = [], NatsClient.wait

	def wait(self, seconds: float) -> None:
		waited.append(seconds)
		original(self, seconds)

	NatsClient.wait = wait
	try:
		return {**pull_as_told(event_producer, position), "waited": len(waited)}
	finally:
		NatsClient.wait = original


def test_a_position_is_handed_on_once_its_event_is_in_the_stream(producer, consumer):
	assert producer.run(what_the_publisher_does, title="told of", consumer_url=consumer.url) == [
		"publish",
		"tell",
	]


def what_the_publisher_does(title: str, consumer_url: str) -> list[str]:
	"""With an event to be published, of which a consumer is to be told."""
	import frappe

	from event_streaming.broker.settings import get_broker_settings
	from event_streaming.database.locks import advisory_lock
	from event_streaming.producer.notify import relay
	from event_streaming.producer.publishing import publisher

	done: list[str] = []
	frappe.db.commit()
	one = publisher.Publisher(get_broker_settings())
	one.hands_on, publish = True, one.client.publish
	before, publisher.hands_on_positions = publisher.hands_on_positions, lambda: True
	take, relay.take = relay.take, lambda first=None: [] if "tell" in done else [("a.subject", b"sealed")]
	one.client.publish = lambda *args: done.append("publish") or publish(*args)
	one.client.tell = lambda _told: done.append("tell")
	try:
		frappe.get_doc({"doctype": CITY, "title": title}).insert()
		frappe.db.commit()
		with advisory_lock(publisher.LEASE):
			one.run(lambda: "tell" in done)
	finally:
		publisher.hands_on_positions, relay.take = before, take
		one.close()
	return done


def last_position() -> int:
	import frappe

	from event_streaming.producer.log.sequence import position_of_all

	frappe.db.commit()
	return position_of_all()


def pull_as_told(event_producer: str, position: int = 0) -> dict:
	"""As `heard` and `notified` have it done; with a position, it was heard."""
	from event_streaming.consumer.pull import requests

	found, original = [], requests.pull_quickly
	requests.pull_quickly = lambda name: found.append(pull_and_watch(name))
	after = requests.after_answer
	requests.after_answer = lambda follow, *_more: follow() or True
	try:
		if position:
			requests.heard(event_producer, position)
		else:
			requests.notified(event_producer)
	finally:
		requests.pull_quickly, requests.after_answer = original, after
	return found[0]


# ---- a broker that lies in its answers


@pytest.mark.parametrize(
	"answer",
	[
		{},
		{"state": {}},
		{"created": "2026-01-31T02:00:00Z", "state": {"last_seq": "many"}},
		{"created": "x" * 1_000, "state": {"last_seq": 7}},
		{"created": None, "state": {"last_seq": 7}},
		{"error": "no"},
		[],
	],
	ids=lambda answer: json.dumps(answer)[:60],
)
def test_what_a_server_says_of_its_stream_can_end_no_pull(producer, consumer, answer):
	cities = make(producer)
	producer.run(publish_all)

	came = consumer.run(pull_from_a_liar, event_producer=producer.url, what="STREAM.INFO", answer=answer)

	assert (came["feed"], came["error"]) == (len(cities), "")
	check(producer, consumer, cities)
	more = make(producer)
	a_minute_later(producer, consumer)
	check(producer, consumer, [*cities, *more])


def pull_from_a_liar(event_producer: str, what: str, answer: object) -> dict:
	"""What the server says to this question is another thing."""
	import nats.aio.client

	original = nats.aio.client.Client.request

	async def lying(self, subject: str, *args, **values):
		told = await original(self, subject, *args, **values)
		if what in subject:
			told.data = json.dumps(answer).encode()
		return told

	nats.aio.client.Client.request = lying
	try:
		return pull_and_watch(event_producer)
	finally:
		nats.aio.client.Client.request = original


@pytest.mark.parametrize("reply", ["", "an.answer", "$JS.ACK.stream.reader.1.x.1.1.0"])
def test_messages_that_stand_nowhere_can_end_no_pull(producer, consumer, reply):
	cities = make(producer)
	producer.run(publish_all)

	came = consumer.run(pull_odd_messages, event_producer=producer.url, reply=reply)

	assert (came["feed"], came["error"]) == (len(cities), "")
	check(producer, consumer, cities)


def test_how_many_are_left_can_be_any_number(producer, consumer):
	cities = make(producer)
	producer.run(publish_all)

	reply = f"$JS.ACK.stream.reader.1.2.1.1.{2**62}"
	came = consumer.run(pull_odd_messages, event_producer=producer.url, reply=reply)

	assert (came["error"], came["failed"]) == ("", 0)
	check(producer, consumer, cities)


def pull_odd_messages(event_producer: str, reply: str) -> dict:
	"""Of each message the server says that it stands somewhere else."""
	from nats.aio.subscription import Subscription

	from event_streaming.broker import nats_client

	original, before = Subscription.next_msg, nats_client.ANSWER_SECONDS
	nats_client.ANSWER_SECONDS = 0.5

	async def odd(self, *args, **values):
		message = await original(self, *args, **values)
		if message.reply:
			message.reply = reply
		return message

	Subscription.next_msg = odd
	try:
		return pull_and_watch(event_producer)
	finally:
		Subscription.next_msg, nats_client.ANSWER_SECONDS = original, before


# ---- what it costs the server, and the line


def test_a_pull_leaves_no_reader_behind_at_the_server(producer, consumer, hub):
	for _each in range(3):
		make(producer)
		producer.run(publish_all)
		assert watch(producer, consumer)["broker"] == 10

	wait_for(lambda: readers_at(hub.url) == 0, "the server to forget its readers")


def test_a_hole_leaves_no_reader_behind_at_the_server(producer, consumer, hub):
	make(producer)
	producer.run(publish_all)
	numbers = [number for number, _subject, _payload in messages_at(hub.url)][-10:]
	lose(hub.url, numbers[3:7:2])

	assert watch(producer, consumer)["feed"]
	wait_for(lambda: readers_at(hub.url) == 0, "the server to forget its readers")


def test_what_comes_over_the_broker_is_counted_and_comes_in_lots_of_the_line(producer, consumer, hub):
	consumer.run(bound, event_producer=producer.url, kb_per_second=4)
	cities = producer.run(insert_together, prefix="a city of the line", count=60, together=1)
	producer.run(publish_all)
	sizes = [len(payload) for _number, _subject, payload in messages_at(hub.url)][-60:]

	came = consumer.run(pull_and_count, event_producer=producer.url)

	first = came["pages"][0]
	assert 0 < first < 60
	assert sum(sizes[:first]) <= 16 * 1024
	assert came["counted"] >= sum(sizes[: sum(came["pages"])])
	consumer.run(bound, event_producer=producer.url, kb_per_second=0)
	for _each in range(2):
		a_minute_later(producer, consumer)
	check(producer, consumer, cities)


def bound(event_producer: str, kb_per_second: int) -> None:
	import frappe

	from event_streaming.site.claims import redis_key

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.most_kb_per_second = kb_per_second
	doc.save()
	frappe.cache.delete(frappe.cache.make_key(redis_key("line", event_producer)))


def pull_and_count(event_producer: str) -> dict:
	"""How many events each page from the broker had, and how many bytes this site says it has used."""
	from event_streaming.consumer.line.meter import Meter

	counted, original = [], Meter.count

	def count(self, number: int) -> None:
		counted.append(number)
		original(self, number)

	Meter.count = count
	try:
		pages, summary = pages_of_a_pull(event_producer)
	finally:
		Meter.count = original
	return {
		"pages": [len(page["events"]) for page in pages if page["from_broker"]],
		"counted": sum(counted),
		"error": summary.error,
	}
