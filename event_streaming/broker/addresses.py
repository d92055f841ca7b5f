"""Addresses of NATS servers: read, and looked up where this site may be made to call only some."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from event_streaming.http.certificates import trusted
from event_streaming.http.networks import Bound, is_permitted

SCHEMES = ("nats", "tls")
PORT = 4222
# of the servers that are named: whoever waits is a worker
MOST_TRIED = 3


@dataclass(frozen=True)
class Server:
	"""Where to connect: `url` may have an address in the place of the name that stands in the certificate."""

	url: str
	host: str
	tls: bool


def read_servers(text: str | None) -> list[str]:
	"""The addresses that a person has typed, one a line. Raises ValueError with the one that is none."""
	found = [line.strip() for line in (text or "").replace(",", "\n").splitlines() if line.strip()]
	for each in found:
		server_at(each)
	return found


def server_at(url: str) -> Server:
	"""Raises ValueError with the address when it is none, or has a user and password in it."""
	try:
		parts = urlsplit(url)
		right = (
			parts.scheme in SCHEMES and parts.hostname and (parts.port or PORT) and "@" not in parts.netloc
		)
	except ValueError:
		right = False
	if not right or parts.path.strip("/") or parts.query or parts.fragment:
		raise ValueError(url)
	return Server(_url(parts.scheme, parts.hostname, parts.port), parts.hostname, parts.scheme == "tls")


def permitted_servers(urls: Iterable[str], bound: Bound) -> list[Server]:
	"""The first of those that another site names and that this one, with that bound, may be made to call, each with an address that was
	looked up and is allowed."""
	found = []
	for url in urls:
		if len(found) >= MOST_TRIED:
			break
		try:
			server, parts = server_at(url), urlsplit(url)
			known = socket.getaddrinfo(server.host, parts.port or PORT, type=socket.SOCK_STREAM)
		except (OSError, ValueError, UnicodeError):
			continue
		for address in dict.fromkeys(entry[4][0] for entry in known):
			if is_permitted(bound, server.host, address):
				found.append(Server(_url(parts.scheme, address, parts.port), server.host, server.tls))
	return found


def tls_of(server: Server, authorities: str) -> dict[str, Any]:
	"""What nats-py's `connect` is to be given beside the address: the name that stands in the certificate, and who may have signed it."""
	return {"tls": trusted(authorities), "tls_hostname": server.host} if server.tls else {}


def _url(scheme: str, host: str, port: int | None) -> str:
	host = f"[{host}]" if ":" in host else host
	return f"{scheme}://{host}:{port or PORT}"
