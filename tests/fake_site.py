"""A site that is not there: a small HTTP server that answers as a test tells it to and remembers what it was asked.

For what only the other side of the wire can show: how often it is called, with what, and what happens when it is slow,
down, or runs the old app.
"""

import contextlib
import datetime
import ipaddress
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"
DAY = datetime.timedelta(days=1)
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

	def speak_tls(self, context: ssl.SSLContext) -> None:
		"""From now on only over TLS."""
		self.server.socket = context.wrap_socket(
			self.server.socket, server_side=True, do_handshake_on_connect=False
		)
		self.url = self.url.replace("http://", "https://")
		# a client that does not accept the certificate says so by hanging up
		self.server.handle_error = lambda *_args: None

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


class Authority:
	"""Signs certificates for 127.0.0.1; `pem` is its own, which whoever is to trust it needs."""

	def __init__(self, name: str = "Test Authority"):
		self.key = ec.generate_private_key(ec.SECP256R1())
		self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
		usage = dict.fromkeys(
			(
				"digital_signature",
				"content_commitment",
				"key_encipherment",
				"data_encipherment",
				"key_agreement",
				"encipher_only",
				"decipher_only",
			),
			False,
		)
		self.certificate = (
			self._builder(self.name, self.key, 30)
			.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
			.add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
			.sign(self.key, hashes.SHA256())
		)
		self.pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()

	def context(self, folder: Path, address: str = LOOPBACK, days: int = 30) -> ssl.SSLContext:
		"""For a server at `address`; with `days` below 0 its certificate has expired."""
		key = ec.generate_private_key(ec.SECP256R1())
		name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
		names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
		certificate = (
			self._builder(name, key, days)
			.add_extension(names, critical=False)
			.sign(self.key, hashes.SHA256())
		)
		file = folder / "server.pem"
		file.write_bytes(
			key.private_bytes(
				serialization.Encoding.PEM,
				serialization.PrivateFormat.PKCS8,
				serialization.NoEncryption(),
			)
			+ certificate.public_bytes(serialization.Encoding.PEM)
		)
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		context.load_cert_chain(file)
		return context

	def _builder(self, subject: x509.Name, key, days: int) -> x509.CertificateBuilder:
		now = datetime.datetime.now(datetime.UTC)
		return (
			x509.CertificateBuilder()
			.subject_name(subject)
			.issuer_name(self.name)
			.public_key(key.public_key())
			.serial_number(x509.random_serial_number())
			.not_valid_before(now - 60 * DAY)
			.not_valid_after(now + days * DAY)
			.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
			.add_extension(
				x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
			)
		)
