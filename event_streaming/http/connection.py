"""Connections that go only where they may, and trust only whom they should. Pure.

A host is looked up once, and the address that was checked is the one that is connected to: a name that leads elsewhere a moment later
changes nothing. The certificate is checked against the name as ever.
"""

import socket
import ssl
from datetime import UTC, datetime
from functools import lru_cache

from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util import parse_url

from event_streaming.http.networks import Bound, is_permitted, is_permitted_unseen

# (host, port) -> when its certificate ends; of so many
ENDS: dict[tuple[str, int], datetime] = {}
MOST_REMEMBERED = 1_000


class OutsideOfBound(Exception):
	"""The host, or every address that it leads to, is none that may be called. Nothing has been sent, nor connected to."""


class Checked:
	"""For a connection of urllib3: looks the host up, and connects to what may be called of it."""

	bound = Bound()

	def _new_conn(self) -> socket.socket:
		host, failure = self._dns_host, None
		addresses = look_up(self, host)
		permitted = [each for each in addresses if is_permitted(self.bound, host, each)]
		if not permitted:
			raise OutsideOfBound(host)
		for address in permitted:
			# urllib3 looks up what stands here; the name for TLS and in the request is taken from it later
			self._dns_host = address
			try:
				return checked_peer(super()._new_conn(), self.bound, host)
			except (NewConnectionError, TimeoutError, OSError) as error:
				failure = error
			finally:
				self._dns_host = host
		raise failure


class CheckedTLS(Checked):
	"""The same, and it remembers when the certificate ends that the other side has shown."""

	def connect(self) -> None:
		super().connect()
		end = (self.sock.getpeercert() or {}).get("notAfter")
		if end:
			while len(ENDS) >= MOST_REMEMBERED:
				ENDS.pop(next(iter(ENDS)), None)
			ENDS[self.host, self.port] = datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC)


def certificate_end(url: str) -> datetime | None:
	"""When the certificate ends that this address has shown to this process last; None: it has not been met, or over plain HTTP."""
	parsed = parse_url(url)
	return ENDS.get((parsed.host, parsed.port or 443)) if parsed.scheme == "https" else None


def look_up(connection, host: str) -> list[str]:
	try:
		found = socket.getaddrinfo(host.strip("[]"), connection.port, type=socket.SOCK_STREAM)
	except (OSError, UnicodeError) as error:
		raise NewConnectionError(connection, f"{host} can't be looked up: {type(error).__name__}") from None
	return list(dict.fromkeys(entry[4][0] for entry in found))


def checked_peer(connected: socket.socket, bound: Bound, host: str) -> socket.socket:
	"""The connection, if it has come out where it was to; before anything is sent."""
	if is_permitted(bound, host, connected.getpeername()[0]):
		return connected
	connected.close()
	raise OutsideOfBound(host)


@lru_cache(maxsize=16)
def pools_for(bound: Bound) -> dict[str, type]:
	"""urllib3's pools of connections, for each scheme, kept inside of `bound`."""
	plain = type("CheckedHTTP", (Checked, HTTPConnection), {"bound": bound})
	secure = type("CheckedHTTPS", (CheckedTLS, HTTPSConnection), {"bound": bound})
	return {
		"http": type("HTTPPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
		"https": type("HTTPSPool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
	}


class CheckedAdapter(HTTPAdapter):
	"""`bound` is where it may call; with `ca`, certificates of authorities as PEM, only what these have signed is trusted."""

	def __init__(self, bound: Bound, ca: str = ""):
		self.bound, self.ca = bound, ca
		super().__init__()

	def init_poolmanager(self, *args, **options):
		super().init_poolmanager(*args, **options)
		self.poolmanager.pool_classes_by_scheme = pools_for(self.bound)

	def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
		if select_proxy(request.url, proxies):
			host = parse_url(request.url).host or ""
			if not is_permitted_unseen(self.bound, host):
				raise OutsideOfBound(host)
		return super().send(request, stream, timeout, verify, cert, proxies)

	def build_connection_pool_key_attributes(self, request, verify, cert=None):
		host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
		if self.ca:
			for each in ("ca_certs", "ca_cert_dir", "ssl_context"):
				pool.pop(each, None)
			pool.update(cert_reqs="CERT_REQUIRED", ca_cert_data=self.ca)
		return host, pool

	def cert_verify(self, conn, url, verify, cert):
		if not self.ca or not url.lower().startswith("https"):
			return super().cert_verify(conn, url, verify, cert)
		conn.cert_reqs, conn.ca_cert_data = "CERT_REQUIRED", self.ca
		conn.ca_certs = conn.ca_cert_dir = None
