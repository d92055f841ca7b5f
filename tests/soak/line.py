"""A line into one site that has weather: delay, jitter, loss, answers that are lost, cut, doubled or trickle, half-open, down.

Through this proxy goes all that other sites ask of it. Each kind is a probability for a request, or on for a while.
"""

import contextlib
import random
import socket
import time
from http.server import BaseHTTPRequestHandler

import requests

from tests.faulty_proxy import FaultyProxy, send

HELD_OPEN_SECONDS = 7
PIECES = 12


class Line(FaultyProxy):
	"""`weather` has how likely each kind is; `down` refuses everything."""

	def __init__(self, target: str, seed: int):
		super().__init__(target)
		self.weather: dict[str, float] = {}
		self.random = random.Random(seed)
		self.count: dict[str, int] = {}

	def answer(self, handler: BaseHTTPRequestHandler) -> None:
		body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
		weather = dict(self.weather)
		for kind in ("down", "half_open", "loss", "error", "doubled", "lost", "cut", "trickle"):
			if self.random.random() < weather.get(kind, 0):
				self.count[kind] = self.count.get(kind, 0) + 1
				getattr(self, kind)(handler, body)
				return
		time.sleep(weather.get("delay", 0) + self.random.random() * weather.get("jitter", 0))
		self.passed(handler, body)

	def passed(self, handler, body: bytes, **how) -> None:
		try:
			self.pass_on(handler, body, how.get("cut", False), how.get("lost", False))
		except requests.RequestException:
			self.loss(handler, body)

	def down(self, handler, body: bytes) -> None:
		self.loss(handler, body)

	def loss(self, handler, _body: bytes) -> None:
		handler.close_connection = True
		with contextlib.suppress(OSError):
			handler.connection.shutdown(socket.SHUT_RDWR)

	def half_open(self, handler, body: bytes) -> None:
		"""Nothing comes for long, and then nothing at all."""
		self.released.wait(HELD_OPEN_SECONDS)
		self.loss(handler, body)

	def error(self, handler, _body: bytes) -> None:
		send(handler, 503, b"{}", {"Content-Type": "application/json"})

	def doubled(self, handler, body: bytes) -> None:
		"""The site is asked twice, as a proxy that tries again does it."""
		with contextlib.suppress(requests.RequestException):
			self.ask(handler, body)
		self.passed(handler, body)

	def lost(self, handler, body: bytes) -> None:
		self.passed(handler, body, lost=True)

	def cut(self, handler, body: bytes) -> None:
		self.passed(handler, body, cut=True)

	def trickle(self, handler, body: bytes) -> None:
		try:
			answer = self.ask(handler, body)
		except requests.RequestException:
			self.loss(handler, body)
			return
		content = answer.content
		with contextlib.suppress(OSError):
			handler.send_response(answer.status_code)
			handler.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
			handler.send_header("Content-Length", str(len(content)))
			handler.end_headers()
			step = max(len(content) // PIECES, 1)
			for start in range(0, len(content), step):
				handler.wfile.write(content[start : start + step])
				handler.wfile.flush()
				time.sleep(0.1)

	def ask(self, handler, body: bytes) -> requests.Response:
		left_out = ("host", "connection")
		headers = {key: value for key, value in handler.headers.items() if key.lower() not in left_out}
		url = self.target + handler.path
		return requests.request(
			handler.command, url, data=body, headers=headers, timeout=60, allow_redirects=False
		)
