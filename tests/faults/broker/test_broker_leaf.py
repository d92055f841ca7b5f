"""A server of the shop's own (a leaf node) mirrors the producer's stream: the shop reads there, also while the line to the hub is down."""

import pytest
from doctypes import CITY, with_orders
from documents import unique
from hubs import as_administrator, forget_what_the_feed_said, publish_all, publish_first, set_up
from streams import subscribe, wait_for
from test_broker import a_minute_later, check, make, watch

from sandbox.servers.brokers import NatsServer


@pytest.fixture
def hub(cluster, tmp_path):
	server = NatsServer(tmp_path, cluster.engine.logs, name="hub", accepts_leaves=True)
	server.start()
	yield server
	server.stop()


@pytest.fixture
def leaf(cluster, tmp_path, hub):
	server = NatsServer(
		tmp_path, cluster.engine.logs, name="shop", leaf_of=f"nats-leaf://127.0.0.1:{hub.leaf_port}"
	)
	server.start()
	yield server
	server.stop()


@pytest.fixture(autouse=True)
def over_the_leaf(producer, consumer, hub, leaf):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	set_up(producer, consumer, hub.url)
	watch(producer, consumer)
	producer.run(publish_first, title=unique("first"))
	mirror(hub, leaf)
	consumer.run(use_own_server, event_producer=producer.url, url=leaf.url)
	consumer.run(forget_what_the_feed_said, event_producer=producer.url)
	for _each in range(3):
		watch(producer, consumer)


def use_own_server(event_producer: str, url: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.nats_servers = url
	doc.save()


def mirror(hub: NatsServer, leaf: NatsServer) -> None:
	"""As docs/scaling.md says it."""
	(name, count) = at(hub)
	wait_for(lambda: can_be_made(leaf, name), "the leaf's connection with the hub")
	wait_for(lambda: at(leaf) == (name, count), "the mirror")


def can_be_made(leaf: NatsServer, name: str) -> bool:
	from nats.js.api import ExternalStream, StreamConfig, StreamSource

	async def make_mirror(_connection, js):
		source = StreamSource(name=name, external=ExternalStream(api="$JS.hub.API"))
		await js.add_stream(StreamConfig(name=name, mirror=source))

	try:
		as_administrator(leaf.url, make_mirror)
		return True
	except Exception:
		return False


def at(server: NatsServer) -> tuple[str, int]:
	"""The one stream of a server, and how many messages it has."""

	async def look(_connection, js):
		(stream,) = await js.streams_info()
		return stream.config.name, stream.state.messages

	return as_administrator(server.url, look)


def publish(producer, hub, leaf, count: int = 10) -> list[str]:
	cities = make(producer, count)
	assert producer.run(publish_all) == count
	wait_for(lambda: at(leaf) == at(hub), "the mirror")
	return cities


def test_a_shop_reads_from_its_own_server(producer, consumer, hub, leaf):
	cities = publish(producer, hub, leaf)

	came = watch(producer, consumer)

	assert (came["broker"], came["requests"]) == (10, 0)
	check(producer, consumer, cities)


def test_a_shop_reads_what_was_mirrored_while_the_line_is_down_and_the_rest_from_the_feed(
	producer, consumer, hub, leaf
):
	cities = publish(producer, hub, leaf)
	hub.stop()

	came = watch(producer, consumer)
	assert (came["broker"], came["requests"]) == (10, 0)
	cities += make(producer)
	a_minute_later(producer, consumer)

	check(producer, consumer, cities)


def test_a_leaf_that_is_away_costs_a_request_to_the_feed(producer, consumer, hub, leaf):
	leaf.stop()
	cities = make(producer)
	producer.run(publish_all)

	assert watch(producer, consumer)["feed"] == 10
	check(producer, consumer, cities)


def test_the_mirror_has_what_it_missed_when_the_line_is_back(producer, consumer, hub, leaf):
	cities = publish(producer, hub, leaf)
	hub.stop()
	cities += make(producer)
	hub.start()
	assert producer.run(publish_all) == 10
	wait_for(lambda: at(leaf) == at(hub), "the mirror")

	came = watch(producer, consumer)

	assert (came["broker"], came["requests"]) == (20, 0)
	check(producer, consumer, cities)
