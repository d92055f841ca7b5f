"""A site that is not there: a small HTTP server that answers as a test tells it to and remembers what it was asked.

For what only the other side of the wire can show: how often it is called, with what, and what happens when it is slow,
down, or runs the old app.
"""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import unquote

HANG_SECONDS = 60


class Request(NamedTuple):
	verb: str
	path: str
	body: dict


class FakeSite:
	"""`url` is where it answers: with `status` and `headers`, and with what `documents` has under "DocType/name".

	While `hangs`, no request is answered until `released` is set. `requests` holds what came in.
	"""

	def __init__(self):
		self.status, self.headers, self.error = 200, {}, {}
		self.documents: dict[str, dict] = {}
		self.requests: list[Request] = []
		self.hangs = False
		self.released = threading.Event()
		fake = self

		class Handler(BaseHTTPRequestHandler):
			protocol_version = "HTTP/1.1"

			def do_GET(self):
				fake.answer(self)

			do_POST = do_PUT = do_GET

			def log_message(self, *_args):
				pass

		self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
		self.server.daemon_threads = True
		self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

	def __enter__(self):
		threading.Thread(target=self.server.serve_forever, daemon=True).start()
		return self

	def __exit__(self, *_exc):
		self.released.set()
		self.server.shutdown()
		self.server.server_close()

	def calls(self, method: str) -> list[dict]:
		"""The arguments of the calls of a whitelisted method whose path ends so."""
		return [request.body for request in self.requests if request.path.endswith(method)]

	def answer(self, handler: BaseHTTPRequestHandler) -> None:
		body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
		request = Request(handler.command, unquote(handler.path), json.loads(body or "{}"))
		self.requests.append(request)
		if self.hangs:
			self.released.wait(HANG_SECONDS)
		status, content = self.content_for(request)
		with contextlib.suppress(OSError):
			handler.send_response(status)
			for key, value in {"Content-Type": "application/json", **self.headers}.items():
				handler.send_header(key, value)
			handler.send_header("Content-Length", str(len(content)))
			handler.end_headers()
			handler.wfile.write(content)

	def content_for(self, request: Request) -> tuple[int, bytes]:
		resource = request.path.partition("/api/resource/")[2]
		if self.status != 200:
			answer = self.error
		elif not resource:
			answer = {"message": True}
		elif resource not in self.documents:
			return 404, json.dumps({"exc_type": "DoesNotExistError"}).encode()
		else:
			if request.verb == "PUT":
				self.documents[resource].update(request.body)
			answer = {"data": self.documents[resource]}
		return self.status, json.dumps(answer).encode()
