"""A proxy between two sites that misbehaves as it is told to: for tests of what a poor line or a sick site does.

It listens on loopback and passes requests on to one site. It never touches what it is not told to.
"""

import contextlib
import socket
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

HANG_SECONDS = 60
HTML = b"<html><body><h1>Down for maintenance</h1></body></html>"


class FaultyProxy:
	"""`url` is where it answers. `faults` are used up one a request: a status such as 503, "hang", "cut", "html".

	`requests` counts what came in, `only` limits the faults to paths that contain it.
	"""

	def __init__(self, target: str):
		self.target = target
		self.faults: deque = deque()
		self.always: object = None
		self.only = ""
		self.requests: list[str] = []
		self.released = threading.Event()
		proxy = self

		class Handler(BaseHTTPRequestHandler):
			protocol_version = "HTTP/1.1"

			def do_GET(self):
				proxy.answer(self)

			do_POST = do_PUT = do_DELETE = do_GET

			def log_message(self, *_args):
				pass

		self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
		self.server.daemon_threads = True
		self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
		self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

	def __enter__(self):
		self.thread.start()
		return self

	def __exit__(self, *_exc):
		self.released.set()
		self.server.shutdown()
		self.server.server_close()

	def answer(self, handler: BaseHTTPRequestHandler) -> None:
		body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
		self.requests.append(handler.path)
		fault = None
		if self.only in handler.path:
			fault = self.faults.popleft() if self.faults else self.always
		if fault == "hang":
			self.released.wait(HANG_SECONDS)
			handler.close_connection = True
		elif fault == "html":
			send(handler, 200, HTML, {"Content-Type": "text/html"})
		elif isinstance(fault, int):
			send(handler, fault, HTML, {"Content-Type": "text/html", "Retry-After": "120"})
		else:
			self.pass_on(handler, body, cut=fault == "cut", lost=fault == "lost")

	def pass_on(self, handler: BaseHTTPRequestHandler, body: bytes, cut: bool, lost: bool) -> None:
		"""Ask the site; "cut" sends half of its answer, "lost" nothing of it although the site has done the work."""
		headers = {
			key: value for key, value in handler.headers.items() if key.lower() not in ("host", "connection")
		}
		answer = requests.request(
			handler.command,
			self.target + handler.path,
			data=body,
			headers=headers,
			timeout=60,
			allow_redirects=False,
		)
		content = answer.content
		if lost:
			handler.close_connection = True
			with contextlib.suppress(OSError):
				handler.connection.shutdown(socket.SHUT_RDWR)
			return
		kept = {"Content-Type": answer.headers.get("Content-Type", "application/json")}
		send(handler, answer.status_code, content, kept, length=len(content), cut=cut)


def send(
	handler, status: int, content: bytes, headers: dict, length: int | None = None, cut: bool = False
) -> None:
	with contextlib.suppress(OSError):
		handler.send_response(status)
		for key, value in headers.items():
			handler.send_header(key, value)
		handler.send_header("Content-Length", str(len(content) if length is None else length))
		handler.end_headers()
		handler.wfile.write(content[: len(content) // 2] if cut else content)
		if cut:
			handler.close_connection = True
			handler.connection.shutdown(socket.SHUT_RDWR)
