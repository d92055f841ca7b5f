"""A NATS server between the two sites, and what tests do with it. Functions with a site are called by tests; the others run inside one."""

import asyncio
import contextlib
import re
from pathlib import Path

from doctypes import CITY

DOCS = Path(__file__).parents[3] / "docs"
PUBLISHER, READER, LEAF = "publisher", "reader", "leaf"
WORDS = {name: f"secret of the {name}" for name in (PUBLISHER, READER, LEAF)}


def blocks_of(page: str) -> list[str]:
	"""The configurations of NATS servers in a page of the guide, for the hub, for its leaf nodes and for one of these; each user has a
	password of its own."""
	text = (DOCS / page).read_text()
	found = [
		each for each in re.findall(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE) if is_nats(each)
	]
	for name, word in WORDS.items():
		found = [each.replace(f'"{name}", password: "…"', f'"{name}", password: "{word}"') for each in found]
		found = [each.replace(f"{name}:…@", f"{name}:{word.replace(' ', '%20')}@") for each in found]
	return found


def is_nats(block: str) -> bool:
	return block.startswith(("authorization {", "listen:", "jetstream {"))


def permissions_of(name: str, page: str = "scaling.md") -> str:
	"""What a user may do, as the guide has it."""
	block = next(each for each in blocks_of(page) if each.startswith("authorization {"))
	start = block.index("permissions: ", block.index(f'user: "{name}"')) + len("permissions: ")
	depth = 0
	for at, letter in enumerate(block[start:], start=start):
		depth += {"{": 1, "}": -1}.get(letter, 0)
		if not depth:
			return block[start : at + 1]
	raise AssertionError(f"The permissions of {name} do not end.")


USERS = [(PUBLISHER, WORDS[PUBLISHER], ""), (READER, WORDS[READER], permissions_of(READER))]


def set_up(producer, consumer, url: str) -> None:
	"""The producer publishes to this server, and the consumer takes what is there."""
	producer.run(set_servers, url=url)
	consumer.run(set_transport, event_producer=producer.url)


def set_servers(url: str) -> None:
	import frappe

	settings = frappe.get_doc("Event Streaming Settings")
	settings.update(
		{
			"nats_servers": url,
			"nats_user": USERS[0][0],
			"nats_password": USERS[0][1],
			"nats_reader": USERS[1][0],
			"nats_reader_password": USERS[1][1],
		}
	)
	settings.save()


def set_transport(event_producer: str, transport: str = "NATS") -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.transport = transport
	doc.save()


def trust(file: str) -> None:
	"""This site trusts the authority of this file, for all that it calls; "" for none again."""
	from frappe.installer import update_site_config

	update_site_config("event_streaming_ca_file", file or "None", validate=False)


def publish_first(title: str) -> int:
	"""The first event of a stream: a publisher that finds none begins with what comes next."""
	import frappe

	from event_streaming.broker.settings import get_broker_settings
	from event_streaming.producer.publishing.publisher import Publisher

	frappe.db.commit()
	publisher = Publisher(get_broker_settings())
	try:
		frappe.get_doc({"doctype": CITY, "title": title}).insert()
		frappe.db.commit()
		return publisher.publish_next()
	finally:
		publisher.close()


def publish_all(most: int = 0) -> int:
	"""Publish what the stream has not got; with `most`, so many lots."""
	import frappe

	from event_streaming.broker.settings import get_broker_settings
	from event_streaming.producer.publishing.publisher import Publisher

	frappe.db.commit()
	publisher, count, lots = Publisher(get_broker_settings()), 0, 0
	try:
		while number := publisher.publish_next():
			count, lots = count + number, lots + 1
			if lots == most:
				break
	finally:
		publisher.close()
	return count


def pages_of_a_pull(event_producer: str) -> tuple:
	"""The pages that a pull takes, and its summary."""
	from event_streaming.consumer.pull import loop

	pages, original = [], loop.next_page

	def watched(*args):
		page = original(*args)
		pages.append({**page, "events": list(page["events"])})
		return page

	loop.next_page = watched
	try:
		return pages, loop.pull(event_producer)
	finally:
		loop.next_page = original


def pull_and_watch(event_producer: str) -> dict:
	"""A pull, with how many events came from the feed and how many from the broker."""
	pages, summary = pages_of_a_pull(event_producer)
	came = {"feed": 0, "broker": 0, "requests": 0}
	for page in pages:
		came["broker" if page["from_broker"] else "feed"] += len(page["events"])
		came["requests"] += not page["from_broker"]
	return {**came, "error": summary.error, "failed": summary.failed, "synced": summary.synced}


def forget_what_the_feed_said(event_producer: str) -> None:
	"""As if a minute were over, and the broker had never been away."""
	import frappe

	from event_streaming.site.claims import redis_key

	for kind in ("broker", "broker_away"):
		frappe.cache.delete_value(redis_key(kind, event_producer))


def cursor_of(event_producer: str) -> int:
	from event_streaming.consumer.logs.state import load_state

	return load_state(event_producer).position


def head() -> int:
	from event_streaming.producer.log.sequence import position_of_all

	return position_of_all()


# ---- as somebody who may do everything at the broker


def as_administrator(url: str, work):
	"""What `work`, given a connection and its JetStream, comes to."""
	import nats

	async def connected():
		connection = await nats.connect(url, user=USERS[0][0], password=USERS[0][1], allow_reconnect=False)
		try:
			return await work(connection, connection.jetstream())
		finally:
			await connection.close()

	return asyncio.run(connected())


def messages_at(url: str) -> list[tuple[int, str, bytes]]:
	"""(Number, subject, payload) of everything in the one stream that there is."""

	async def read(_connection, js):
		(stream,) = await js.streams_info()
		found = []
		for number in range(stream.state.first_seq, stream.state.last_seq + 1):
			with contextlib.suppress(Exception):
				message = await js.get_msg(stream.config.name, number)
				found.append((message.seq, message.subject, message.data or b""))
		return found

	return as_administrator(url, read)


def put(url: str, messages: list[tuple[str, bytes]]) -> None:
	async def add(_connection, js):
		for subject, payload in messages:
			await js.publish(subject, payload)

	as_administrator(url, add)


def lose(url: str, numbers: list[int]) -> None:
	async def delete(_connection, js):
		(stream,) = await js.streams_info()
		for number in numbers:
			await js.delete_msg(stream.config.name, number)

	as_administrator(url, delete)


def lose_all(url: str) -> None:
	async def purge(_connection, js):
		(stream,) = await js.streams_info()
		await js.purge_stream(stream.config.name)

	as_administrator(url, purge)


def readers_at(url: str) -> int:
	"""How many readers the server knows."""

	async def count(_connection, js):
		(stream,) = await js.streams_info()
		return stream.state.consumer_count

	return as_administrator(url, count)
