"""Listening over a NATS server: the same as over the realtime server, and what is different there."""

import asyncio
import contextlib

import pytest
from doctypes import CITY
from documents import change, insert, set_settings, unique
from shops import (
	comes,
	is_known,
	last_pull,
	minute,
	pull_once,
	save,
	standing,
	subscribe_from_behind_a_router,
)
from streams import SUBSCRIBER, make_subscriber, wait_for

from sandbox.servers.brokers import NatsServer
from tests.fake_site import Authority
from tests.faults.broker.hubs import USERS, set_servers, trust


@pytest.fixture
def hub(request, producer, consumer, cluster, tmp_path):
	"""With "tls" it has a certificate of the company's own authority, which both sites trust for all that they call."""
	speaks_tls, server = (
		bool(getattr(request, "param", "")),
		NatsServer(tmp_path, cluster.engine.logs, users=USERS),
	)
	if speaks_tls:
		server.certificate, pem = tmp_path / "server.pem", tmp_path / "authority.pem"
		authority = Authority()
		authority.context(tmp_path)
		pem.write_text(authority.pem)
	for site in (producer, consumer) if speaks_tls else ():
		site.run(trust, file=str(pem))
	server.start()
	yield server
	server.stop()
	for site in (producer, consumer) if speaks_tls else ():
		site.run(trust, file="")


@pytest.fixture
def publishing(producer, orders, hub):
	"""The process that hands positions on."""
	producer.run(set_servers, url=hub.url)
	producer.run(set_settings, listen_through="NATS")
	start_publisher(producer)
	yield
	stop_publisher(producer)


def start_publisher(producer) -> None:
	producer.processes.start_command("publisher", ["event-streaming", "publish"])
	wait_for(lambda: producer.run(hands_on), "the process that publishes")


def stop_publisher(producer) -> None:
	producer.processes.stop("publisher")


def hands_on() -> bool:
	from event_streaming.producer.notify import relay

	return relay.is_running()


@pytest.fixture
def listening(producer, consumer, publishing):
	"""The consumer can't be reached, listens, and the producer knows it."""
	subscribe_from_behind_a_router(producer, consumer)
	for site in (producer, consumer):
		site.start_worker()
	consumer.start_listener()
	is_known(producer)
	yield
	consumer.stop_listener()


def is_connected(consumer, producer) -> bool:
	return bool((consumer.run(standing, event_producer=producer.url) or {}).get("connected"))


def problem_of(consumer, producer) -> str:
	return (consumer.run(standing, event_producer=producer.url) or {}).get("problem") or ""


@pytest.mark.parametrize("hub", ["", "tls"], indirect=True, ids=["plain", "tls"])
def test_a_change_comes_without_the_minute_and_without_a_call(producer, consumer, listening):
	saved, from_a_job = unique("Saved"), unique("From a job")

	save(producer, saved)
	comes(consumer, saved)
	producer.run(insert, doctype=CITY, title=from_a_job)
	comes(consumer, from_a_job)


def test_what_is_kept_of_the_offer_holds_no_secret(producer, consumer, listening):
	kept = consumer.run(offer_kept, event_producer=producer.url)

	assert '"back_end": "nats"' in kept
	for secret in (USERS[1][1], producer.run(secret_of, user=SUBSCRIBER)):
		assert secret not in kept
		assert secret not in consumer.log("listener")


def offer_kept(event_producer: str) -> str:
	import json

	from event_streaming.consumer.logs.state import listen_offers

	return json.dumps(listen_offers()[event_producer])


def secret_of(user: str) -> str:
	from frappe.utils.password import get_decrypted_password

	return get_decrypted_password("User", user, "api_secret")


def test_whoever_else_listens_at_the_server_learns_no_position_and_can_send_none(
	producer, consumer, listening, hub
):
	overheard = asyncio.run(listen_in(hub.url, lambda: save(producer, unique("Overheard"))))
	before = consumer.run(last_pull, event_producer=producer.url)

	assert overheard
	for _subject, payload in overheard:
		assert b"position" not in payload
	asyncio.run(send(hub.url, [(subject, b'{"position": 999999999}') for subject, _payload in overheard]))
	consumer.run(minute_of_a_person)
	assert consumer.run(last_pull, event_producer=producer.url) == before


def minute_of_a_person() -> None:
	import time

	time.sleep(1.5)


async def listen_in(url: str, do) -> list[tuple[str, bytes]]:
	import nats

	found = []

	async def keep(message) -> None:
		found.append((message.subject, message.data))

	client = await nats.connect(url, user=USERS[1][0], password=USERS[1][1])
	await client.subscribe("event_streaming_positions.>", cb=keep)
	await client.flush()
	await asyncio.get_running_loop().run_in_executor(None, do)
	for _each in range(100):
		if found:
			break
		await asyncio.sleep(0.1)
	# what follows the change on the consumer is over
	await asyncio.sleep(2)
	await client.close()
	return found


async def send(url: str, messages: list[tuple[str, bytes]]) -> None:
	import nats

	client = await nats.connect(url, user=USERS[0][0], password=USERS[0][1])
	for subject, payload in messages:
		await client.publish(subject, payload)
	await client.flush()
	await client.close()


def test_the_server_comes_back_and_so_does_the_listener(producer, consumer, listening, hub):
	missed, title = unique("Missed"), unique("Heard again")

	cuts = producer.log("publisher").count("can't be used")

	hub.stop()
	wait_for(lambda: not is_connected(consumer, producer), "the cut is noticed")
	wait_for(
		lambda: producer.log("publisher").count("can't be used") > cuts, "the cut is noticed by who publishes"
	)
	# a pull in the meantime takes nothing back: the server may be there again in a moment
	assert producer.run(hands_on)
	consumer.run(pull_once, event_producer=producer.url)
	save(producer, missed)
	hub.start()

	patiently(lambda: is_connected(consumer, producer), "a connection")
	comes(consumer, missed)
	a_minute_goes_by(producer, consumer)
	save(producer, title)

	comes(consumer, title)


def a_minute_goes_by(producer, consumer) -> None:
	"""On a slow machine the offer may have been taken back in between."""
	patiently(lambda: producer.run(hands_on), "the process that publishes")
	consumer.run(pull_once, event_producer=producer.url)
	is_known(producer)
	patiently(lambda: is_connected(consumer, producer), "a connection after the minute")


def patiently(condition, what: str) -> None:
	"""Pauses before the next try are at random, and double."""
	with contextlib.suppress(AssertionError):
		wait_for(condition, what)
		return
	wait_for(condition, what)


def test_keys_that_are_withdrawn_hear_nothing_more(producer, consumer, listening, hub):
	producer.run(change, doctype="User", name=SUBSCRIBER, api_secret="anothersecret")
	before = consumer.run(last_pull, event_producer=producer.url)

	save(producer, unique("Not for these keys"))
	consumer.run(minute_of_a_person)

	assert consumer.run(last_pull, event_producer=producer.url) == before
	# and when the pull has found it out, nobody listens any more
	consumer.run(pull_once, event_producer=producer.url)
	wait_for(lambda: consumer.run(standing, event_producer=producer.url) is None, "no line is held")
	producer.run(make_subscriber)
	consumer.run(pull_once, event_producer=producer.url)
	wait_for(lambda: is_connected(consumer, producer), "connected")
	title = unique("Keys again")
	save(producer, title)
	comes(consumer, title)


def test_nothing_is_offered_where_nobody_hands_positions_on(producer, consumer, listening):
	stop_publisher(producer)

	consumer.run(pull_once, event_producer=producer.url)
	wait_for(lambda: consumer.run(standing, event_producer=producer.url) is None, "no line is held")
	consumer.run(pull_once, event_producer=producer.url)
	is_known(producer, 0)
	title = unique("The minute")
	save(producer, title)
	consumer.run(minute)
	comes(consumer, title)
	said = producer.command("event-streaming", "doctor").stdout
	assert "nothing hands positions on" in said
	start_publisher(producer)


def test_a_user_of_the_server_that_may_not_listen_is_a_reason(producer, consumer, publishing, hub):
	producer.run(set_settings, nats_reader="nobody")
	subscribe_from_behind_a_router(producer, consumer)
	consumer.start_listener()
	try:
		wait_for(lambda: "uthorization" in problem_of(consumer, producer), "the reason")
		said = consumer.command("event-streaming", "doctor", "--producer", producer.url).stdout
		assert "event_streaming_positions" in said
	finally:
		consumer.stop_listener()
	assert producer.run(who_listens) == []


def who_listens() -> list[str]:
	import frappe

	return frappe.get_all("Event Consumer", {"listens": 1}, pluck="name")


def test_of_many_positions_the_newest_is_handed_on_once_for_each(producer, consumer, orders):
	producer.run(make_subscriber)

	told, again = producer.run(put_and_take)

	assert told == [["http://one.example", 7], ["http://two.example", 3]]
	assert again == []


def put_and_take() -> list:
	from frappe.utils.password import get_decrypted_password

	from event_streaming.producer.notify import relay
	from event_streaming.wire.broker import positions

	user = "stream@example.com"
	for consumer, position in (("one", 5), ("one", 7), ("two", 3), ("one", 6)):
		relay.put_all({f"http://{consumer}.example": (user, position)})
	relay.put_all({"http://three.example": ("nobody@example.com", 9)})
	secret, told = get_decrypted_password("User", user, "api_secret"), relay.take()
	found = []
	for consumer in ("http://one.example", "http://two.example"):
		subject, key = positions.subject_of(secret, consumer), positions.key_of(secret, consumer)
		(sealed,) = [payload for each, payload in told if each == subject]
		found.append([consumer, positions.open_position(sealed, key)["position"]])
	assert len(told) == len(found)
	return [found, relay.take()]


def test_what_many_are_told_over_it_says_how_far_to_spread(producer, orders):
	producer.run(make_subscriber)

	assert producer.run(told_over_it, count=3) == [{"position": 7}]
	assert producer.run(told_over_it, count=200) == [{"position": 7, "within": 2.0}]


def told_over_it(count: int) -> list[dict]:
	"""What is handed on, each kind once, where so many are told in one go."""
	import json

	from frappe.utils.password import get_decrypted_password

	from event_streaming.producer.notify import relay
	from event_streaming.wire.broker import positions

	user = "stream@example.com"
	names = [f"http://shop{number}.example" for number in range(count)]
	relay.put_all({name: (user, 7) for name in names})
	secret, sealed = get_decrypted_password("User", user, "api_secret"), dict(relay.take())
	opened = [
		positions.open_position(sealed[positions.subject_of(secret, name)], positions.key_of(secret, name))
		for name in names
	]
	return [json.loads(each) for each in {json.dumps(each, sort_keys=True) for each in opened}]


def test_it_is_chosen_only_with_a_server(producer, orders):
	said = producer.run(choose_without_a_server)

	assert "NATS Servers" in said


def choose_without_a_server() -> str:
	import frappe

	settings = frappe.get_doc("Event Streaming Settings")
	settings.update({"listen_through": "NATS", "nats_servers": ""})
	try:
		settings.save()
	except frappe.ValidationError as error:
		return str(error)
	return ""
