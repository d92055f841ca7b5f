"""The configuration that the guide gives for a NATS server: everything works with it, and what a server refuses is told to people."""

import contextlib

import pytest
from doctypes import CITY, with_orders
from documents import set_settings, unique
from hubs import (
	PUBLISHER,
	READER,
	USERS,
	WORDS,
	as_administrator,
	blocks_of,
	forget_what_the_feed_said,
	permissions_of,
	publish_all,
	publish_first,
	readers_at,
	set_up,
)
from streams import subscribe, wait_for
from test_broker import begin, check, make, watch
from test_broker_leaf import at, mirror, publish, use_own_server

from sandbox.servers import children
from sandbox.servers.brokers import NatsServer
from tests.two_sites.listening.shops import standing

PAGES = ["scaling.md", "scaling.th.md"]


@pytest.fixture
def hub(producer, consumer, cluster, tmp_path):
	"""`hub(page)` is a server with the configuration of that page, between the two sites."""
	opened = []

	def start(written: str = "", **values) -> NatsServer:
		server = NatsServer(tmp_path, cluster.engine.logs, written=written, **values)
		server.start()
		opened.append(server)
		with_orders(producer, consumer)
		subscribe(consumer, producer, CITY)
		set_up(producer, consumer, server.url)
		return server

	yield start
	for server in opened:
		server.stop()


def users_of(page: str) -> str:
	return next(each for each in blocks_of(page) if each.startswith("authorization {"))


def test_both_languages_have_the_same_configurations():
	assert blocks_of(PAGES[0]) == blocks_of(PAGES[1])
	assert len(blocks_of(PAGES[0])) == 3


@pytest.mark.parametrize("page", PAGES)
def test_with_the_users_of_the_guide_events_come_over_the_server(producer, consumer, hub, page):
	server = hub(users_of(page))
	begin(producer, consumer)
	cities = make(producer)
	assert producer.run(publish_all) == len(cities)

	came = watch(producer, consumer)

	assert (came["broker"], came["requests"]) == (len(cities), 0)
	check(producer, consumer, cities)
	# whoever has read may also say that it is over
	wait_for(lambda: readers_at(server.url) == 0, "the server to forget its readers")
	assert [each["level"] for each in consumer.run(doctor_of_broker, event_producer=producer.url)] == ["ok"]


@pytest.mark.parametrize("page", PAGES)
def test_with_the_users_of_the_guide_consumers_listen(producer, consumer, hub, page):
	hub(users_of(page))
	consumer.run(set_settings, not_reachable=1)
	producer.run(set_settings, listen_through="NATS")
	producer.processes.start_command("publisher", ["event-streaming", "publish"])
	consumer.start_listener()
	try:
		wait_for(
			lambda: watch(producer, consumer) and is_connected(consumer, producer), "the consumer to listen"
		)
		assert not (consumer.run(standing, event_producer=producer.url) or {}).get("problem")
	finally:
		consumer.stop_listener()
		producer.processes.stop("publisher")


def is_connected(consumer, producer) -> bool:
	return bool((consumer.run(standing, event_producer=producer.url) or {}).get("connected"))


def test_the_readers_user_may_do_nothing_else(hub):
	server = hub(users_of(PAGES[0]))

	async def attempt(_connection, _js):
		import asyncio

		import nats

		refused = []

		async def is_told(error: Exception) -> None:
			refused.append(str(error))

		connection = await nats.connect(server.url, user=READER, password=WORDS[READER], error_cb=is_told)
		for subject in (
			"event_streaming.site.epoch.doctype.root",
			"event_streaming_positions.somebody",
			"$JS.API.STREAM.DELETE.event_streaming-site",
			"$JS.API.STREAM.PURGE.event_streaming-site",
			"$JS.API.STREAM.MSG.DELETE.event_streaming-site",
			"$JS.API.STREAM.UPDATE.event_streaming-site",
			"$JS.API.STREAM.CREATE.other",
			"$JS.API.STREAM.NAMES",
			"$JS.API.CONSUMER.NAMES.event_streaming-site",
			"$JS.API.CONSUMER.LIST.event_streaming-site",
		):
			before = len(refused)
			await connection.publish(subject, b"")
			await connection.flush()
			for _each in range(100):
				if len(refused) > before:
					break
				await asyncio.sleep(0.05)
			else:
				return f"{subject} is allowed"
		await connection.close()
		return ""

	assert as_administrator(server.url, attempt) == ""


def test_with_the_configurations_of_the_guide_a_shop_has_a_server_of_its_own(
	producer, consumer, hub, cluster, tmp_path
):
	port, leaf_port = children.free_port(), children.free_port()
	users, of_hub, of_shop = blocks_of(PAGES[0])
	leaf_user = of_hub.partition("users: [\n")[2].rpartition("] }")[0]
	written = of_hub.partition("authorization {")[0] + users.replace("users: [\n", f"users: [\n{leaf_user}")
	written = written.replace("port: 7422", f'listen: "127.0.0.1:{leaf_port}"')
	server = hub(written.replace("/var/lib/nats", str(tmp_path / "kept by the hub")))
	watch(producer, consumer)
	producer.run(publish_first, title=unique("first"))
	written = of_shop.replace("/var/lib/nats", str(tmp_path / "kept by the shop")).replace("4222", str(port))
	written = written.replace("tls://", "nats-leaf://").replace(
		"hub.example.com:7422", f"127.0.0.1:{leaf_port}"
	)
	shop = NatsServer(tmp_path, cluster.engine.logs, name="shop", port=port, written=written)
	shop.start()
	try:
		mirror(server, shop)
		consumer.run(use_own_server, event_producer=producer.url, url=shop.url)
		consumer.run(forget_what_the_feed_said, event_producer=producer.url)
		for _each in range(3):
			watch(producer, consumer)
		cities = publish(producer, server, shop)

		came = watch(producer, consumer)

		assert (came["broker"], came["requests"]) == (len(cities), 0)
		check(producer, consumer, cities)
		assert as_administrator(shop.url, hears_positions_from(server)) == ["a position"]
		assert as_administrator(shop.url, nobody_deletes) == "refused"
		assert at(server) == at(shop)
	finally:
		shop.stop()


def hears_positions_from(server: NatsServer):
	"""What somebody who listens at a shop's server hears of what the hub tells."""

	async def hear(connection, _js):
		heard = await connection.subscribe("event_streaming_positions.somebody")
		await connection.flush()
		found: list[str] = []
		for _each in range(100):
			await tell(server)
			with contextlib.suppress(Exception):
				found.append((await heard.next_msg(0.1)).data.decode())
				return found
		return found

	return hear


async def tell(server: NatsServer) -> None:
	import nats

	connection = await nats.connect(server.url, user=PUBLISHER, password=WORDS[PUBLISHER])
	await connection.publish("event_streaming_positions.somebody", b"a position")
	await connection.close()


async def nobody_deletes(connection, js) -> str:
	"""From a shop's server nothing of the hub's is deleted."""
	(stream,) = await js.streams_info()
	with contextlib.suppress(Exception):
		told = await connection.request(f"$JS.hub.API.STREAM.DELETE.{stream.config.name}", b"", 1)
		return told.data.decode()
	return "refused"


@pytest.mark.parametrize("lacking", ["STREAM.INFO", "CONSUMER.CREATE", "MSG.NEXT"])
def test_what_the_server_refuses_the_doctor_says_and_the_feed_has_everything(
	producer, consumer, hub, lacking
):
	rights = permissions_of(READER).replace(lacking, "NOTHING")
	hub(users=[USERS[0], (READER, WORDS[READER], rights)])
	watch(producer, consumer)
	producer.run(publish_first, title=unique("first"))
	cities = make(producer)
	producer.run(publish_all)
	for _each in range(3):
		watch(producer, consumer)
		consumer.run(forget_that_it_is_left_alone, event_producer=producer.url)

	check(producer, consumer, cities)
	(finding,) = consumer.run(doctor_of_broker, event_producer=producer.url)
	assert finding["level"] == "warning"
	assert (
		f'permissions violation for publish to "$js.api.{"consumer." * (lacking == "MSG.NEXT")}{lacking.lower()}'
		in (finding["message"].lower())
	)
	assert "permissions" in finding["remedy"]
	assert WORDS[READER] not in str(finding)
	assert (
		consumer.run(line_of_connection, event_producer=producer.url)["broker_problem"] in finding["message"]
	)


def test_who_may_not_say_that_reading_is_over_reads_all_the_same(producer, consumer, hub):
	rights = permissions_of(READER).replace("CONSUMER.DELETE", "NOTHING")
	hub(users=[USERS[0], (READER, WORDS[READER], rights)])
	begin(producer, consumer)
	for _each in range(2):
		cities = make(producer)
		producer.run(publish_all)
		came = watch(producer, consumer)
		assert (came["broker"], came["requests"]) == (len(cities), 0)


def test_a_wrong_password_is_told(producer, consumer, hub):
	hub(users=[USERS[0], (READER, "another", permissions_of(READER))])
	watch(producer, consumer)
	producer.run(publish_first, title=unique("first"))
	for _each in range(2):
		watch(producer, consumer)

	(finding,) = consumer.run(doctor_of_broker, event_producer=producer.url)
	assert finding["level"] == "warning"
	assert "authorization" in finding["message"].lower()
	assert WORDS[READER] not in str(finding)


def test_a_producer_that_offers_none_is_noted(producer, consumer, hub):
	hub(users=USERS)
	(before,) = consumer.run(doctor_of_broker, event_producer=producer.url)
	watch(producer, consumer)
	(after,) = consumer.run(doctor_of_broker, event_producer=producer.url)

	assert (before["level"], after["level"]) == ("note", "note")
	assert "event-streaming publish" in after["remedy"]


def forget_that_it_is_left_alone(event_producer: str) -> None:
	import frappe

	from event_streaming.site.claims import redis_key

	frappe.cache.delete_value(redis_key("broker_away", event_producer))


def doctor_of_broker(event_producer: str) -> list[dict]:
	from dataclasses import asdict

	import frappe

	from event_streaming.admin.doctor.broker import from_producer

	return [asdict(each) for each in from_producer(frappe.get_doc("Event Producer", event_producer))]


def line_of_connection(event_producer: str) -> dict:
	from event_streaming.admin.connection.status import of_producer

	found = of_producer(event_producer)
	return {"broker": found["broker"], "broker_problem": found["broker_problem"]}
