"""One connection with a NATS server, for code that waits: each call runs the connection's own event loop until it has its answer.

Every failure is a BrokerUnavailable, whatever the server answers: whoever calls goes on without the broker, or comes again.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, TypeVar

import frappe
from rq.timeouts import BaseTimeoutException

from event_streaming.broker import answers
from event_streaming.broker.addresses import MOST_TRIED, Server, tls_of
from event_streaming.broker.answers import StreamState
from event_streaming.exceptions import BrokerMissing, BrokerUnavailable
from event_streaming.messages.coded import _

CONNECT_SECONDS, ANSWER_SECONDS, ACK_SECONDS = 2, 5, 20
# whoever has no time left waits so long for an answer all the same
LEAST_SECONDS = 1
# a reader that was not closed is forgotten by the server when nothing was asked for so long
READER_SECONDS = 10
# what goes over the line with each message beside its payload, about: subjects, and where it stands
BESIDE_PAYLOAD = 200
DAY = 86_400
# a message that is published again in this time is known by its id
KNOWN_SECONDS = 600
API = "$JS.API"
INSTALL = "env/bin/pip install nats-py"
MESSAGE_ID, EXPECTED = "Nats-Msg-Id", "Nats-Expected-Last-Sequence"
# what the server says of a request for messages: nothing is there; it would be more than was asked for, or is not to be had so
NOTHING_THERE, NOT_SO = ("404", "408"), "409"
REFUSED, OF_DELETING = "permissions violation", ".consumer.delete."

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
class Fetched:
	"""Messages in the order of the stream, with their numbers there, and how many are left."""

	messages: list[tuple[int, bytes]]
	left: int


@dataclass
class StreamReader:
	"""Somebody who reads on in a stream, as the server knows it by this name. `awaited`: so many messages were asked for, and have not
	come yet; each request has an `address` of its own for what the server says of it."""

	stream: str
	name: str
	addresses: str
	inbox: Any
	asked_at: float
	awaited: int = 0
	address: str = ""

	@property
	def is_forgotten(self) -> bool:
		"""Whether the server may know nothing of it any more."""
		return not self.awaited and time.monotonic() - self.asked_at > READER_SECONDS / 2


class NatsClient:
	"""Connects to the first of the servers that answers. Nothing is waited for much longer than `until`, a time of the monotonic clock."""

	def __init__(
		self,
		servers: Sequence[Server],
		user: str,
		password: str,
		authorities: str = "",
		until: float | None = None,
	):
		self.nats = import_nats()
		self.loop = asyncio.new_event_loop()
		self.connection: Any = None
		self.lost = asyncio.Event()
		self.refusal, self.until, self._password = "", until, password
		try:
			self.connection = self._run(self._connect(servers, user, password, authorities))
		except BaseException:
			self.loop.close()
			raise

	def close(self) -> None:
		"""Never raises: what is not closed is closed by the server."""
		if self.loop.is_closed():
			return
		try:
			self.loop.run_until_complete(asyncio.wait_for(self.connection.close(), LEAST_SECONDS))
		except BaseTimeoutException:
			raise
		except Exception:
			pass
		finally:
			self.loop.close()

	def wait(self, seconds: float) -> None:
		"""Do nothing for a while; the server goes on hearing that we are there. Raises BrokerUnavailable when it is gone."""
		self._run(asyncio.sleep(seconds))
		if not self.connection.is_connected:
			raise BrokerUnavailable(self.refusal or "The connection is lost.")

	@property
	def max_payload(self) -> int:
		return self.connection.max_payload

	@property
	def carried(self) -> int:
		"""How many bytes have gone over the line, in both directions."""
		seen = self.connection.stats
		messages = seen["in_msgs"] + seen["out_msgs"]
		return seen["in_bytes"] + seen["out_bytes"] + BESIDE_PAYLOAD * messages

	# ---- streams

	def stream(self, name: str) -> StreamState | None:
		"""How a stream stands; None when there is none."""
		try:
			return self._run(self._stream(name))
		except _NotFound:
			return None

	async def _stream(self, name: str) -> StreamState:
		return answers.stream_state(await self._api(f"STREAM.INFO.{name}"))

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
			return self._run(self._message_at(stream, number))
		except _NotFound:
			return None

	async def _message_at(self, stream: str, number: int) -> bytes:
		return answers.payload(await self._api(f"STREAM.MSG.GET.{stream}", {"seq": number}))

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
		last = (await self._stream(stream)).last
		for subject, name, payload in messages:
			told = await self._publish_one(subject, name, payload, last)
			if told.get("duplicate"):
				continue
			if told.get("error") or told.get("seq") != last + 1:
				raise BrokerUnavailable(f"A message was refused: {str(told)[:200]}")
			last += 1
		return last

	async def _publish_one(self, subject: str, name: str, payload: bytes, last: int) -> dict[str, Any]:
		seconds = self._seconds(ACK_SECONDS)
		answer = await self.connection.request(subject, payload, seconds, headers=_headers(name, last))
		return answers.read(answer.data)

	def tell(self, messages: Sequence[tuple[str, bytes]]) -> None:
		"""Send (subject, payload)s that no stream keeps, to whoever listens just now. Raises BrokerUnavailable."""
		self._run(self._tell(messages))

	async def _tell(self, messages: Sequence[tuple[str, bytes]]) -> None:
		for subject, payload in messages:
			await self.connection.publish(subject, payload)
		await self.connection.flush(self._seconds(ANSWER_SECONDS))

	# ---- reading

	def open_reader(self, stream: str, subjects: Sequence[str], after: int) -> StreamReader:
		"""A reader of the messages of these subjects behind message number `after`."""
		return self._run(self._open_reader(stream, subjects, after))

	async def _open_reader(self, stream: str, subjects: Sequence[str], after: int) -> StreamReader:
		# nobody else can know the name; and rights can be given for what stands before it
		name = f"event_streaming-{token_hex(8)}"
		addresses = self.connection.new_inbox()
		inbox = await self.connection.subscribe(f"{addresses}.*")
		await self._api(
			f"CONSUMER.CREATE.{stream}.{name}",
			{
				"stream_name": stream,
				"action": "create",
				"config": {
					"name": name,
					"ack_policy": "none",
					"deliver_policy": "by_start_sequence",
					"opt_start_seq": after + 1,
					"replay_policy": "instant",
					"filter_subjects": list(subjects),
					"inactive_threshold": READER_SECONDS * 10**9,
					"mem_storage": True,
					"num_replicas": 1,
				},
			},
		)
		return StreamReader(stream, name, addresses, inbox, time.monotonic())

	def close_reader(self, reader: StreamReader) -> None:
		"""The server need not keep it any longer. It is not waited for: who may not say so has it forgotten a little later."""
		try:
			self._run(self._close_reader(reader))
		except BrokerUnavailable:
			pass

	async def _close_reader(self, reader: StreamReader) -> None:
		await reader.inbox.unsubscribe()
		await self.connection.publish(f"{API}.CONSUMER.DELETE.{reader.stream}.{reader.name}")

	def fetch(self, reader: StreamReader, count: int, most_bytes: int = 0) -> Fetched:
		"""Messages that are there, so many and of so many bytes at most; what comes later is not waited for. None at all: the server
		has said that there are none. Raises BrokerUnavailable where it says nothing in time."""
		return self._run(self._fetch(reader, count, most_bytes))

	async def _fetch(self, reader: StreamReader, count: int, most_bytes: int) -> Fetched:
		found: list[tuple[int, bytes]] = []
		left, alone, until = 0, False, time.monotonic() + self._seconds(ANSWER_SECONDS)
		# what is still on its way is waited for before more is asked for
		if not reader.awaited:
			await self._ask(reader, count, most_bytes)
		while reader.awaited and len(found) < count:
			message = await self._next(reader.inbox, until)
			if message is None:
				if found:
					break
				raise BrokerUnavailable("No answer in time.")
			if not (status := answers.status_of(message.headers)):
				number, left = answers.place_of(message.reply)
				reader.awaited -= 1 if left else reader.awaited
				found.append((number, message.data or b""))
				continue
			if message.subject != reader.address:
				# of a request before this one
				continue
			reader.awaited = 0
			if found or status in NOTHING_THERE:
				break
			if status != NOT_SO or alone:
				raise BrokerUnavailable(f"The server gives no messages: {status}")
			# the first one is larger than all were to be
			alone = True
			await self._ask(reader, 1, 0)
		return Fetched(found, left)

	async def _next(self, inbox: Any, until: float) -> Any:
		"""The next message; None for none in time."""
		seconds = until - time.monotonic()
		if seconds <= 0:
			return None
		try:
			return await inbox.next_msg(seconds)
		except (self.nats.errors.TimeoutError, TimeoutError, asyncio.TimeoutError):
			return None

	async def _ask(self, reader: StreamReader, count: int, most_bytes: int) -> None:
		wanted = {"batch": count, "no_wait": True, **({"max_bytes": most_bytes} if most_bytes else {})}
		reader.awaited, reader.asked_at = count, time.monotonic()
		reader.address = f"{reader.addresses}.{token_hex(4)}"
		await self.connection.publish(
			f"{API}.CONSUMER.MSG.NEXT.{reader.stream}.{reader.name}",
			json.dumps(wanted).encode(),
			reply=reader.address,
		)

	# ---- inside

	async def _connect(self, servers: Sequence[Server], user: str, password: str, authorities: str) -> Any:
		failure: Exception = BrokerUnavailable("No server is named that this site may call.")
		tried = servers[:MOST_TRIED]
		until = time.monotonic() + self._seconds(2 * CONNECT_SECONDS * len(tried))
		for number, server in enumerate(tried):
			connection = self.nats.NATS() if hasattr(self.nats, "NATS") else self.nats.aio.client.Client()
			# where time is short, each gets a part of it
			seconds = min((until - time.monotonic()) / (len(tried) - number), 2 * CONNECT_SECONDS)
			try:
				await asyncio.wait_for(
					connection.connect(
						server.url,
						name="event_streaming",
						user=user or None,
						password=password or None,
						connect_timeout=min(CONNECT_SECONDS, seconds),
						allow_reconnect=False,
						max_reconnect_attempts=1,
						reconnect_time_wait=0,
						error_cb=self._is_told,
						disconnected_cb=self._is_lost,
						closed_cb=self._is_lost,
						**tls_of(server, authorities),
					),
					seconds,
				)
				return connection
			except BaseTimeoutException:
				raise
			except Exception as error:
				failure = error
		raise failure

	def _seconds(self, most: float) -> float:
		"""How long something may be waited for."""
		if self.until is None:
			return most
		return min(most, max(self.until - time.monotonic(), LEAST_SECONDS))

	async def _is_lost(self) -> None:
		if self.connection is not None:
			self.lost.set()

	async def _is_told(self, error: Exception) -> None:
		"""What the server refuses it does not answer: whoever waits for it would wait in vain. Whoever calls has all other errors too."""
		said = str(error)
		if REFUSED in said.lower() and OF_DELETING not in said.lower():
			self.refusal = self._bounded(said)
			self.lost.set()

	async def _api(self, what: str, body: dict | None = None) -> dict[str, Any]:
		answer = await self.connection.request(
			f"{API}.{what}", json.dumps(body or {}).encode(), self._seconds(ANSWER_SECONDS)
		)
		told = answers.read(answer.data)
		if error := told.get("error"):
			code = error.get("code") if isinstance(error, dict) else None
			raise _NotFound() if code == 404 else BrokerUnavailable(self._bounded(str(error)))
		return told

	def _bounded(self, said: str) -> str:
		"""What a server has said, for a log and for people: it could say its user's password, too."""
		text = said.replace(self._password, "…") if self._password else said
		return "".join(each if each.isprintable() else " " for each in text)[:300]

	def _run(self, work: Awaitable[Answer]) -> Answer:
		errors = self.nats.errors
		try:
			return self.loop.run_until_complete(self._while_connected(work))
		except (BrokerUnavailable, _NotFound, BaseTimeoutException):
			# of which the last ends the job
			raise
		except (errors.TimeoutError, TimeoutError, asyncio.TimeoutError):
			raise BrokerUnavailable("No answer in time.") from None
		except answers.Unreadable as error:
			raise BrokerUnavailable(str(error)) from None
		except (errors.Error, OSError) as error:
			raise BrokerUnavailable(self._bounded(f"{type(error).__name__}: {error}")) from None
		except Exception as error:
			# a server may answer what nats-py can't read; or it is a mistake, and it is in the log
			frappe.logger("event_streaming").exception("an unexpected error with the broker")
			raise BrokerUnavailable(self._bounded(f"{type(error).__name__}: {error}")) from error

	async def _while_connected(self, work: Awaitable[Answer]) -> Answer:
		"""What nobody will answer any more is not waited for."""
		if self.connection is None:
			return await work
		task, lost = asyncio.ensure_future(work), asyncio.ensure_future(self.lost.wait())
		await asyncio.wait({task, lost}, return_when=asyncio.FIRST_COMPLETED)
		lost.cancel()
		if not task.done():
			task.cancel()
			raise BrokerUnavailable(self.refusal or "The connection is lost.")
		return task.result()


class _NotFound(Exception):
	"""There is no such stream or message."""


def _headers(name: str, after: int) -> dict[str, str]:
	return {MESSAGE_ID: name, EXPECTED: str(after)}
