"""A server that speaks as much of NATS' protocol as the client needs, and answers whatever it is told to.

`answers` has, by what a subject contains, a function of the request's payload that gives what comes back: `said` for JSON or bytes,
`message` for a message of a stream, `status` for why there is none, `refused` for an error of the server. Nothing: silence.
"""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.faults.broker.door import Door

CREATED = "2026-01-31T02:00:00.123456789Z"
STREAM = {"created": CREATED, "state": {"last_seq": 7}}


@dataclass(frozen=True)
class Frame:
	"""What comes back; `reply` is where an answer to it would go, which says where a message stands in its stream."""

	payload: bytes = b""
	reply: str = ""
	headers: str = ""
	subject: str = ""
	error: str = ""


def said(value: Any) -> list[Frame]:
	return [Frame(value if isinstance(value, bytes) else json.dumps(value).encode())]


def message(number: int, left: int = 0, payload: bytes = b"payload") -> Frame:
	return Frame(
		payload, f"$JS.ACK.stream.reader.1.{number}.{number}.1769824800000000000.{left}", "", "an.event"
	)


def status(code: int, words: str = "") -> Frame:
	return Frame(headers=f"NATS/1.0 {code} {words}\r\n\r\n")


def refused(subject: str) -> list[Frame]:
	return [Frame(error=f'Permissions Violation for Publish to "{subject}"')]


class FakeNats(Door):
	"""`requests` are (subject, payload) of all that was published to it."""

	def __init__(self, **answers: Callable[[bytes], list[Frame]]):
		self.answers: dict[str, Callable[[bytes], list[Frame]]] = {
			"STREAM.INFO": lambda _payload: said(STREAM),
			"CONSUMER.CREATE": lambda _payload: said({"name": "reader"}),
			"MSG.NEXT": lambda _payload: [status(404, "No Messages")],
		}
		self.answers.update({name.replace("__", "."): answer for name, answer in answers.items()})
		self.requests: list[tuple[str, bytes]] = []
		super().__init__()

	def _serve(self, connection: socket.socket) -> None:
		info = {
			"server_id": "fake",
			"version": "2.10.0",
			"max_payload": 1_048_576,
			"headers": True,
			"proto": 1,
		}
		connection.sendall(f"INFO {json.dumps(info)}\r\n".encode())
		subjects: dict[str, str] = {}
		try:
			with connection, connection.makefile("rb") as lines:
				for line in lines:
					self._obey(connection, lines, line.decode().split(), subjects)
		except OSError:
			return

	def _obey(
		self, connection: socket.socket, lines: Any, words: list[str], subjects: dict[str, str]
	) -> None:
		match words:
			case ["PING"]:
				connection.sendall(b"PONG\r\n")
			case ["SUB", subject, *_queue, sid]:
				subjects[sid] = subject
			case ["PUB", subject, *reply, size]:
				payload = lines.read(int(size) + 2)[:-2]
				self.requests.append((subject, payload))
				for part, answer in self.answers.items():
					if part in subject:
						for frame in answer(payload):
							connection.sendall(_sent(frame, reply[0] if reply else "", subjects))


def _sent(frame: Frame, to: str, subjects: dict[str, str]) -> bytes:
	if frame.error:
		return f"-ERR '{frame.error}'\r\n".encode()
	sid = next((each for each, subject in subjects.items() if _is_of(to, subject)), "0")
	beside = f"{frame.subject or to} {sid} {frame.reply}".rstrip()
	if frame.headers:
		head = frame.headers.encode()
		start = f"HMSG {beside} {len(head)} {len(head) + len(frame.payload)}\r\n".encode()
		return start + head + frame.payload + b"\r\n"
	return f"MSG {beside} {len(frame.payload)}\r\n".encode() + frame.payload + b"\r\n"


def _is_of(subject: str, pattern: str) -> bool:
	return subject == pattern or (pattern.endswith(".*") and subject.startswith(pattern[:-1]))
