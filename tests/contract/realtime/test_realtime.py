"""What "hearing at once" relies on: whom Frappe's realtime server lets in, and who gets what a site publishes.

Spoken to with the client that the app uses. On a real bench it is Frappe's own server, in the sandbox what stands for it.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field

import aiohttp
import pytest
import socketio
from documents import unique
from streams import KEYS, SUBSCRIBER, make_subscriber, wait_for

SECONDS = 20
EVENT = "contract_event"


@pytest.fixture
def server(cluster):
	cluster.realtime.start()
	yield cluster.realtime
	cluster.realtime.stop()


@pytest.fixture
def site(producer, server):
	producer.run(make_subscriber)
	return producer


@dataclass
class Heard:
	"""What came of trying to connect."""

	refused: str = ""
	messages: list = field(default_factory=list)
	closed: bool = False


def headers(site, **changed) -> dict[str, str]:
	"""What the app's client shows; None leaves a header out."""
	shown = {
		"Authorization": f"token {KEYS[0]}:{KEYS[1]}",
		"Origin": site.url,
		"X-Frappe-Site-Name": site.run(own_name),
		"Cookie": "event_streaming=1",
		**changed,
	}
	return {name: value for name, value in shown.items() if value is not None}


def own_name() -> str:
	import frappe

	return frappe.local.site


def publish(user: str | None = None, **message) -> None:
	import frappe

	frappe.publish_realtime("contract_event", message, user=user)


def publish_then(end: str) -> None:
	import frappe

	frappe.publish_realtime("contract_event", {"end": end}, user="stream@example.com", after_commit=True)
	getattr(frappe.db, end)()


def listen(site, server, do=lambda: None, shown=None, namespace=None, seconds: float = 2) -> Heard:
	"""Connect, do something, and hear for a while."""
	shown = shown or headers(site)
	return asyncio.run(_listen(site, server, do, shown, namespace or f"/{site.run(own_name)}", seconds))


async def _listen(site, server, do, shown, namespace, seconds) -> Heard:
	heard = Heard()
	async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
		client = socketio.AsyncClient(reconnection=False, http_session=http, handle_sigint=False)
		client.on(EVENT, lambda message: heard.messages.append(message), namespace=namespace)
		client.on("connect_error", lambda said: setattr(heard, "refused", str(said)), namespace=namespace)
		client.on("disconnect", lambda *_: setattr(heard, "closed", True), namespace=namespace)
		address = f"{site.url.rsplit(':', 1)[0]}:{server.port}"
		with contextlib.suppress(socketio.exceptions.ConnectionError):
			await client.connect(
				address, shown, transports=["websocket"], namespaces=[namespace], wait_timeout=SECONDS
			)
			await asyncio.to_thread(do)
			for _each in range(int(seconds * 20)):
				await asyncio.sleep(0.05)
				if heard.messages or heard.closed:
					break
			await asyncio.sleep(0.1)
		if not heard.closed:
			await client.disconnect()
			heard.closed = False
	return heard


def test_keys_open_a_socket_and_what_is_published_to_the_user_comes(site, server):
	heard = listen(site, server, lambda: site.run(publish, user=SUBSCRIBER, position=7))

	assert (heard.refused, heard.messages) == ("", [{"position": 7}])


def test_what_is_published_to_another_user_does_not_come(site, server):
	heard = listen(site, server, lambda: site.run(publish, user="Administrator", position=7))

	assert (heard.refused, heard.messages) == ("", [])


def test_after_commit_means_after_the_commit_and_never_after_a_rollback(site, server):
	def do() -> None:
		site.run(publish_then, end="rollback", commit=False)
		site.run(publish_then, end="commit", commit=False)

	assert listen(site, server, do).messages == [{"end": "commit"}]


def test_keys_that_the_site_does_not_accept_open_none(site, server):
	wrong = headers(site, Authorization=f"token {KEYS[0]}:no{KEYS[1]}")

	heard = listen(site, server, lambda: site.run(publish, user=SUBSCRIBER), shown=wrong)

	assert "Unauthorized" in heard.refused and heard.messages == []


def test_the_name_of_another_site_opens_none(site, server):
	heard = listen(site, server, namespace="/another.example")

	assert "Invalid namespace" in heard.refused


def test_the_address_has_to_be_that_of_the_site(site, server):
	heard = listen(site, server, shown=headers(site, Origin="https://another.example"))

	assert "Invalid origin" in heard.refused


def test_a_socket_outlives_the_keys_that_it_was_opened_with(site, server):
	"""Which is why the app has one closed (realtime/handlers.js), and publishes nothing to a user that may not sign in."""
	secret = unique("secret").replace(" ", "")

	def do() -> None:
		site.run(set_secret, user=SUBSCRIBER, secret=secret)
		site.run(publish, user=SUBSCRIBER, position=8)

	heard = listen(site, server, do)

	assert heard.messages == [{"position": 8}] and not heard.closed


def set_secret(user: str, secret: str) -> None:
	"""Without a save, which would have the app's own handler close it."""
	from frappe.utils.password import set_encrypted_password

	set_encrypted_password("User", user, secret, "api_secret")


def test_an_apps_handler_may_look_at_what_goes_out_and_close_a_socket(site, server):
	"""On a server that asks apps: that of 16 does, that of 15 loads none, and the socket stays open."""
	heard = listen(site, server, lambda: site.run(withdraw, user=SUBSCRIBER))

	assert heard.closed == server.asks_apps
	assert not listen(site, server, lambda: site.run(withdraw, user="Administrator")).closed


def withdraw(user: str) -> None:
	import frappe

	frappe.publish_realtime("event_streaming_withdrawn", {}, user=user)


def test_a_job_publishes_to_a_user_only_where_it_names_the_room(site, server):
	"""Frappe has a room of its own for what a job with a task's id publishes."""
	heard = listen(site, server, lambda: site.run(publish_as_job, user=SUBSCRIBER))

	assert [message["room"] for message in heard.messages] == [1]


def publish_as_job(user: str) -> None:
	import frappe
	from frappe.realtime import get_user_room

	frappe.local.task_id = "contract"
	try:
		frappe.publish_realtime("contract_event", {"room": 0}, user=user)
		frappe.publish_realtime("contract_event", {"room": 1}, room=get_user_room(user))
	finally:
		frappe.local.task_id = None


def test_a_server_that_is_started_again_lets_in_who_comes_again(site, server):
	server.stop()
	server.start()

	wait_for(lambda: listen(site, server, seconds=0.1).refused == "", "the server lets in again")


def test_what_the_app_says_to_the_server_is_what_frappe_says(site, server):
	"""Which takes a round trip to Redis for each message, and the app one for all of a look."""
	frappes, apps = site.run(said_by_both, user=SUBSCRIBER)

	assert apps == frappes


def said_by_both(user: str) -> list:
	"""What goes over Redis, and where, of the same message."""
	import json
	import time

	import frappe
	from frappe.realtime import get_user_room
	from frappe.utils.background_jobs import get_redis_connection_without_auth

	from event_streaming.producer.notify import listeners
	from event_streaming.wire.paths import position_event

	url, found = "http://contract.example", []
	heard = get_redis_connection_without_auth().pubsub(ignore_subscribe_messages=True)
	heard.psubscribe("*")
	# that it is subscribed
	heard.get_message(timeout=10)
	wanted = {
		"frappe": lambda: frappe.publish_realtime(
			position_event(url), {"position": 7}, room=get_user_room(user)
		),
		"app": lambda: listeners.publish(url, user, 7),
	}
	for publish in wanted.values():
		publish()
		until = time.monotonic() + 10
		while time.monotonic() < until:
			message = heard.get_message(timeout=1)
			if message and position_event(url) in str(message["data"]):
				found.append([message["channel"].decode(), json.loads(message["data"])])
				break
	heard.close()
	return found
