"""The back end *nats*: a subject of this site at the producer's NATS server, or at one of this site's own that is joined to it.

What comes is sealed with a key that only the producer and this site have. Nothing is kept at the server: what is published while nobody
listens is lost, and costs the minute.
"""

import asyncio
import ssl
from typing import Any

from event_streaming.broker.addresses import MOST_TRIED, Server, permitted_servers, server_at, tls_of
from event_streaming.consumer.listening.back_ends import (
	Connection,
	Hears,
	NoLibrary,
	NotListening,
	in_one_line,
	position_in,
	within_in,
)
from event_streaming.wire.broker.positions import open_position

try:
	import nats.aio.client
	import nats.errors
except ImportError as error:
	raise NoLibrary(
		f"Listening over NATS needs the Python package nats-py ({error.name} is missing). On a bench: ./env/bin/pip install nats-py"
	) from None

CONNECT_SECONDS = 5


class BackEnd:
	"""One connection with the first server that answers, for each producer."""

	async def hold(self, connection: Connection, hears: Hears) -> None:
		"""Connect, listen, and return when the connection has ended. Raises NotListening."""
		if connection.broker is None:
			raise NotListening(
				"what the producer says of its NATS server can't be read with this site's keys"
			)
		ended = Ended()
		client = await connected(connection, ended)
		key = bytes.fromhex(connection.broker.key)

		async def on_message(message: Any) -> None:
			said = open_position(message.data or b"", key)
			position = position_in(said)
			if position is not None:
				hears.position(position, within_in(said))

		try:
			await client.subscribe(connection.broker.subject, cb=on_message)
			# an answer to this shows that the subject was taken, or not
			await client.flush(CONNECT_SECONDS)
			if not ended.reason:
				hears.connected()
				await ended.event.wait()
		except (nats.errors.Error, OSError, TimeoutError, asyncio.TimeoutError) as error:
			raise NotListening(in_one_line(error)) from None
		finally:
			await closed(client)
		if ended.reason:
			raise NotListening(ended.reason)


class Ended:
	"""That a connection has ended, and why, if the server has said so."""

	def __init__(self) -> None:
		self.event = asyncio.Event()
		self.reason = ""

	async def by_an_error(self, error: Exception) -> None:
		"""What the server says against the connection or its subject."""
		self.reason = in_one_line(error)
		self.event.set()

	async def by_the_server(self) -> None:
		self.event.set()


async def connected(connection: Connection, ended: Ended) -> Any:
	"""A client that is connected. Raises NotListening with the last reason."""
	broker, failure = connection.broker, "no server may be called"
	servers = await asyncio.get_running_loop().run_in_executor(None, servers_of, connection)
	for server in servers[:MOST_TRIED]:
		client = nats.aio.client.Client()
		try:
			await asyncio.wait_for(
				client.connect(
					server.url,
					name="event_streaming listen",
					user=broker.user or None,
					password=broker.password or None,
					connect_timeout=CONNECT_SECONDS,
					allow_reconnect=False,
					max_reconnect_attempts=1,
					error_cb=ended.by_an_error,
					disconnected_cb=ended.by_the_server,
					closed_cb=ended.by_the_server,
					**tls_of(server, connection.authorities),
				),
				2 * CONNECT_SECONDS,
			)
		except (nats.errors.Error, OSError, ssl.SSLError, TimeoutError, asyncio.TimeoutError) as error:
			failure = in_one_line(error)
			await closed(client)
			ended.event.clear()
			ended.reason = ""
			continue
		return client
	raise NotListening(failure)


def servers_of(connection: Connection) -> list[Server]:
	"""Looked up, and those that this site may call; of its own servers all."""
	broker = connection.broker
	if broker.own:
		return [server_at(url) for url in broker.servers]
	return permitted_servers(broker.servers, connection.bound)


async def closed(client: Any) -> None:
	"""Never raises: what is not closed is closed by the server."""
	try:
		await asyncio.wait_for(client.close(), CONNECT_SECONDS)
	except Exception:
		pass
