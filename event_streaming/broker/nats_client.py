"""One connection with a NATS server, for code that waits: each call runs the connection's own event loop until it has its answer.

Every failure is a BrokerUnavailable: whoever calls goes on without the broker, or comes again.
"""

import asyncio
import json
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from event_streaming.broker.addresses import Server, tls_of
from event_streaming.exceptions import BrokerMissing, BrokerUnavailable
from event_streaming.messages.coded import _

CONNECT_SECONDS, ANSWER_SECONDS, ACK_SECONDS, FETCH_SECONDS = 2, 5, 20, 2
# of the servers that are named: whoever waits is a worker
MOST_TRIED = 3
# a reader that is gone is forgotten by the server
READER_SECONDS = 120
DAY = 86_400
# a message that is published again in this time is known by its id
KNOWN_SECONDS = 600
API = "$JS.API"
INSTALL = "env/bin/pip install nats-py"
MESSAGE_ID, EXPECTED = "Nats-Msg-Id", "Nats-Expected-Last-Sequence"

Answer = TypeVar("Answer")


def import_nats() -> Any:
	"""The package nats-py. Raises BrokerMissing, which says how it is installed."""
	try:
		import nats
		import nats.js.api
		import nats.js.errors
	except ImportError:
		raise BrokerMissing(
			_("The package nats-py is not installed in the Python of this bench: {0}").format(INSTALL)
		) from None
	return nats


@dataclass(frozen=True)
class StreamState:
	"""A stream as the server tells of it: since when there is this one, and the number of its last message."""

	created: str
	last: int


@dataclass(frozen=True)
class Fetched:
	"""Messages in the order of the stream, with their numbers there, and how many are left."""

	messages: list[tuple[int, bytes]]
	left: int


class NatsClient:
	"""Connects to the first of the servers that answers."""

	def __init__(self, servers: Sequence[Server], user: str, password: str, authorities: str = ""):
		self.nats = import_nats()
		self.loop = asyncio.new_event_loop()
		self.connection: Any = None
		self.lost = asyncio.Event()
		try:
			self.connection = self._run(self._connect(servers, user, password, authorities))
		except BrokerUnavailable:
			self.loop.close()
			raise
		self.js = self.connection.jetstream(timeout=ANSWER_SECONDS)

	def close(self) -> None:
		"""Never raises: what is not closed is closed by the server."""
		if self.loop.is_closed():
			return
		try:
			self.loop.run_until_complete(asyncio.wait_for(self.connection.close(), CONNECT_SECONDS))
		except Exception:
			pass
		finally:
			self.loop.close()

	def wait(self, seconds: float) -> None:
		"""Do nothing for a while; the server goes on hearing that we are there. Raises BrokerUnavailable when it is gone."""
		self._run(asyncio.sleep(seconds))
		if not self.connection.is_connected:
			raise BrokerUnavailable("The connection is lost.")

	@property
	def max_payload(self) -> int:
		return self.connection.max_payload

	# ---- streams

	def stream(self, name: str) -> StreamState | None:
		"""How a stream stands; None when there is none."""
		try:
			info = self._run(self._api(f"STREAM.INFO.{name}"))
		except _NotFound:
			return None
		return StreamState(str(info.get("created")), int(info["state"]["last_seq"]))

	def make_stream(self, name: str, subjects: Iterable[str], replicas: int, days: int) -> None:
		"""A stream of a site, kept on disk for so many days; nobody but the administrator of the broker deletes from it."""
		self._run(
			self._api(
				f"STREAM.CREATE.{name}",
				{
					"name": name,
					"subjects": list(subjects),
					"retention": "limits",
					"storage": "file",
					"discard": "old",
					"num_replicas": replicas,
					"max_age": days * DAY * 10**9,
					"duplicate_window": KNOWN_SECONDS * 10**9,
					"allow_direct": True,
				},
			)
		)

	def message_at(self, stream: str, number: int) -> bytes | None:
		try:
			found = self._run(self.js.get_msg(stream, number))
		except _NotFound:
			return None
		return found.data or b""

	# ---- publishing

	def publish(self, stream: str, messages: Sequence[tuple[str, str, bytes]], last: int) -> int:
		"""Add (subject, id, payload)s behind message number `last`, in their order. Where the stream ends elsewhere they are added
		there, but for those that it knows.

		Returns the number of the last. Raises BrokerUnavailable: how many were added is not known then.
		"""
		return self._run(self._publish(stream, messages, last))

	async def _publish(self, stream: str, messages: Sequence[tuple[str, str, bytes]], last: int) -> int:
		if not await self._publish_at_once(messages, last):
			return await self._publish_one_by_one(stream, messages)
		return last + len(messages)

	async def _publish_at_once(self, messages: Sequence[tuple[str, str, bytes]], last: int) -> bool:
		"""False when some were refused: the stream ends elsewhere, or knows them."""
		*first, (subject, name, payload) = messages
		# each is taken only where it comes behind the one before it: the answer to the last one is an answer to all
		for number, (each_subject, each_name, each_payload) in enumerate(first, start=last):
			await self.connection.publish(each_subject, each_payload, headers=_headers(each_name, number))
		told = await self._publish_one(subject, name, payload, last + len(first))
		return not told.get("error") and told.get("seq") == last + len(messages)

	async def _publish_one_by_one(self, stream: str, messages: Sequence[tuple[str, str, bytes]]) -> int:
		"""The same behind the stream's end as it is now, past those that it knows by their ids: it may have had and lost them."""
		last = int((await self._api(f"STREAM.INFO.{stream}"))["state"]["last_seq"])
		for subject, name, payload in messages:
			told = await self._publish_one(subject, name, payload, last)
			if told.get("duplicate"):
				continue
			if told.get("error") or told.get("seq") != last + 1:
				raise BrokerUnavailable(f"A message was refused: {str(told)[:200]}")
			last += 1
		return last

	async def _publish_one(self, subject: str, name: str, payload: bytes, last: int) -> dict[str, Any]:
		answer = await self.connection.request(subject, payload, ACK_SECONDS, headers=_headers(name, last))
		return json.loads(answer.data)

	def tell(self, messages: Sequence[tuple[str, bytes]]) -> None:
		"""Send (subject, payload)s that no stream keeps, to whoever listens just now. Raises BrokerUnavailable."""
		self._run(self._tell(messages))

	async def _tell(self, messages: Sequence[tuple[str, bytes]]) -> None:
		for subject, payload in messages:
			await self.connection.publish(subject, payload)
		await self.connection.flush(ANSWER_SECONDS)

	# ---- reading

	def open_reader(self, stream: str, subjects: Sequence[str], after: int) -> Any:
		"""A reader of the messages of these subjects behind message number `after`."""
		return self._run(self._open_reader(stream, subjects, after))

	async def _open_reader(self, stream: str, subjects: Sequence[str], after: int) -> Any:
		api = self.nats.js.api
		made = await self.js.add_consumer(
			stream,
			api.ConsumerConfig(
				ack_policy=api.AckPolicy.NONE,
				deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
				opt_start_seq=after + 1,
				filter_subjects=list(subjects),
				inactive_threshold=READER_SECONDS,
				mem_storage=True,
				num_replicas=1,
			),
		)
		return await self.js.pull_subscribe_bind(made.name, stream)

	def fetch(self, reader: Any, count: int) -> Fetched:
		"""Messages that are there; what comes later is not waited for."""
		try:
			found = self._run(reader.fetch(count, timeout=FETCH_SECONDS / 4))
		except _NothingThere:
			return Fetched([], 0)
		numbered = [(each.metadata.sequence.stream, each.data or b"") for each in found]
		return Fetched(numbered, found[-1].metadata.num_pending if found else 0)

	# ---- inside

	async def _connect(self, servers, user: str, password: str, authorities: str) -> Any:
		failure: Exception = BrokerUnavailable("No server is named.")
		for server in servers[:MOST_TRIED]:
			connection = self.nats.NATS() if hasattr(self.nats, "NATS") else self.nats.aio.client.Client()
			try:
				await asyncio.wait_for(
					connection.connect(
						server.url,
						name="event_streaming",
						user=user or None,
						password=password or None,
						connect_timeout=CONNECT_SECONDS,
						allow_reconnect=False,
						max_reconnect_attempts=1,
						reconnect_time_wait=0,
						error_cb=_ignored,
						disconnected_cb=self._is_lost,
						closed_cb=self._is_lost,
						**tls_of(server, authorities),
					),
					2 * CONNECT_SECONDS,
				)
				return connection
			except Exception as error:
				failure = error
		raise failure

	async def _is_lost(self) -> None:
		if self.connection is not None:
			self.lost.set()

	async def _api(self, what: str, body: dict | None = None) -> dict[str, Any]:
		answer = await self.connection.request(
			f"{API}.{what}", json.dumps(body or {}).encode(), ANSWER_SECONDS
		)
		told = json.loads(answer.data)
		if error := told.get("error"):
			raise _NotFound() if error.get("code") == 404 else BrokerUnavailable(str(error)[:300])
		return told

	def _run(self, work: Awaitable[Answer]) -> Answer:
		try:
			return self.loop.run_until_complete(self._while_connected(work))
		except (BrokerUnavailable, _NotFound):
			raise
		except self.nats.js.errors.NotFoundError:
			raise _NotFound() from None
		except (self.nats.js.errors.FetchTimeoutError, self.nats.errors.TimeoutError, TimeoutError) as error:
			if self.connection is not None and self.connection.is_connected:
				raise _NothingThere("No answer in time.") from error
			raise BrokerUnavailable("No answer in time.") from error
		except Exception as error:
			# a server may answer anything
			raise BrokerUnavailable(f"{type(error).__name__}: {error}"[:300]) from error

	async def _while_connected(self, work: Awaitable[Answer]) -> Answer:
		"""What nobody will answer any more is not waited for."""
		if self.connection is None:
			return await work
		task, lost = asyncio.ensure_future(work), asyncio.ensure_future(self.lost.wait())
		await asyncio.wait({task, lost}, return_when=asyncio.FIRST_COMPLETED)
		lost.cancel()
		if not task.done():
			task.cancel()
			raise BrokerUnavailable("The connection is lost.")
		return task.result()


class _NotFound(Exception):
	"""There is no such stream or message."""


class _NothingThere(BrokerUnavailable):
	"""Nothing came in time, and the connection stands."""


async def _ignored(_error: Exception) -> None:
	"""Whoever calls has the error too."""


def _headers(name: str, after: int) -> dict[str, str]:
	return {MESSAGE_ID: name, EXPECTED: str(after)}
