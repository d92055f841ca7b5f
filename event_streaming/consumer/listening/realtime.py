"""The back end *realtime*: Frappe's own socket.io server on the producer, with the python-socketio client.

That server asks the producer's web server who connects, with the headers that it was shown: the keys of this site's user, once for
each connection. It puts the socket into the room of that user, and hands on what the producer publishes there. Older versions of it
take no connection without a cookie; X-Frappe-Site-Name says which site is meant where no proxy in front says it.
"""

import ssl
from typing import Any

from event_streaming.consumer.listening.back_ends import (
	Connection,
	Hears,
	NoLibrary,
	NotListening,
	in_one_line,
	position_in,
	within_in,
)
from event_streaming.consumer.listening.checked import session_for

try:
	import aiohttp
	import socketio
except ImportError as error:
	raise NoLibrary(
		f"Listening needs the Python packages python-socketio and aiohttp ({error.name} is missing). On a bench: ./env/bin/pip install"
		" -e 'apps/event_streaming[listen]'"
	) from None

# of a connection that is to come about: the producer's web server is asked meanwhile
CONNECT_SECONDS = 20
# a cookie that says nothing: `sid` would be taken for a session
COOKIE = "event_streaming=1"
MOST_CAUSES = 5


class BackEnd:
	"""One socket for each connection. Where WebSocket does not get through, the next try begins with long polling."""

	def __init__(self) -> None:
		self.failed: dict[tuple[str, str], int] = {}

	async def hold(self, connection: Connection, hears: Hears) -> None:
		"""Connect as the consumer's user, and return when the connection has ended. Raises NotListening."""
		key = (connection.site, connection.event_producer)
		failures = self.failed.get(key, 0)
		transports = ["polling", "websocket"] if failures % 2 else ["websocket"]
		self.failed[key] = failures + 1
		try:
			async with session_for(connection) as http:
				await self._hold(connection, hears, http, transports, key)
		except (aiohttp.ClientError, OSError, ssl.SSLError, TimeoutError) as error:
			raise NotListening(in_one_line(error)) from None

	async def _hold(
		self,
		connection: Connection,
		hears: Hears,
		http: aiohttp.ClientSession,
		transports: list[str],
		key: tuple[str, str],
	) -> None:
		namespace, refused = f"/{connection.remote_site}", []
		client = socketio.AsyncClient(
			reconnection=False, http_session=http, handle_sigint=False, request_timeout=CONNECT_SECONDS
		)

		async def on_message(*said: Any) -> None:
			message = said[0] if said else None
			position = position_in(message)
			if position is not None:
				hears.position(position, within_in(message))

		async def on_refusal(said: Any = None) -> None:
			# what is no object is an error of the connection, which is raised as well
			if isinstance(said, dict) and said.get("message"):
				refused.append(said["message"])

		client.on(connection.event, on_message, namespace=namespace)
		client.on("connect_error", on_refusal, namespace=namespace)
		try:
			await client.connect(
				connection.url,
				headers=headers_of(connection),
				transports=transports,
				namespaces=[namespace],
				wait_timeout=CONNECT_SECONDS,
			)
			self.failed.pop(key, None)
			hears.connected()
			await client.wait()
		except socketio.exceptions.ConnectionError as error:
			raise NotListening(in_one_line(refused[0] if refused else first_cause(error))) from None
		finally:
			await client.disconnect()


def headers_of(connection: Connection) -> dict[str, str]:
	"""What the socket.io server judges by, and asks the site with: the address has to be that of the site itself."""
	return {
		"Authorization": connection.authorization,
		"Origin": connection.event_producer,
		"X-Frappe-Site-Name": connection.remote_site,
		"Cookie": COOKIE,
		"User-Agent": "event_streaming",
	}


def first_cause(error: BaseException) -> BaseException:
	"""What lies under an error of the library, which only says that there was one."""
	for _depth in range(MOST_CAUSES):
		inner = error.__cause__ or error.__context__
		if inner is None:
			break
		error = inner
	return error
