"""Over what this site listens: a back end is a small class that holds one connection. Pure.

One more is a class with the method `hold` and a line in BACK_ENDS; the producer's settings say which one it offers, and `Listen`
(wire/pages.py) where. What a message says is a position, and how far who hears it may put off asking; nothing else, whatever the back end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol
from urllib.parse import urlsplit

from event_streaming.http.confidential import Confidential, plain
from event_streaming.http.networks import Bound

# name on the wire -> the module whose `BackEnd` it is
BACK_ENDS = {
	"realtime": "event_streaming.consumer.listening.realtime",
	"nats": "event_streaming.consumer.listening.over_nats",
}
MOST_POSITION = 2**63
# whatever a producer says, a change is not put off for longer
MOST_WITHIN = 10.0
MOST_OF_REASON = 300
ANYWHERE = Bound()


class NoLibrary(Exception):
	"""What a back end needs is not installed; the message says how to."""


class NotListening(Exception):
	"""The connection can't be had, was refused, or has ended; the message is for a person and holds no key."""


@dataclass(frozen=True)
class Broker:
	"""Of a connection over NATS: its servers, with a user for them; under what subject positions come, and the key they are sealed with.

	`own`: the servers are this site's own, not the producer's word.
	"""

	servers: tuple[str, ...]
	user: str
	password: Confidential
	subject: str
	key: Confidential
	own: bool = False


@dataclass(frozen=True)
class Connection:
	"""One producer of one site, and all that is needed to listen to it. Another one is made when any of it changes."""

	site: str
	event_producer: str
	back_end: str
	port: int
	# what the producer is called by its realtime server
	remote_site: str
	# what is published for this site alone
	event: str
	authorization: Confidential
	authorities: str = ""
	bound: Bound = ANYWHERE
	broker: Broker | None = None

	@property
	def url(self) -> str:
		"""Where to connect: the producer's own host, whatever it says."""
		if not self.port:
			return self.event_producer
		parts = urlsplit(self.event_producer)
		host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
		return f"{parts.scheme}://{host}:{self.port}"


@dataclass(frozen=True)
class Hears:
	"""What a back end calls: that the connection stands, and what a message says: the position, and within how many seconds to ask."""

	connected: Callable[[], None]
	position: Callable[[int, float], None]


class BackEnd(Protocol):
	"""Holds connections of one kind."""

	async def hold(self, connection: Connection, hears: Hears) -> None:
		"""Connect, and return when the connection has ended. Raises NotListening when there was none."""


def load(name: str) -> BackEnd:
	"""The back end of that name. Raises NoLibrary, or KeyError for one that this version does not know."""
	return import_module(BACK_ENDS[name]).BackEnd()


def position_in(message: object) -> int | None:
	"""The position that a message says; None for anything else: it comes from another site, and is believed no more than that."""
	said = message.get("position") if isinstance(message, dict) else None
	if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said < MOST_POSITION:
		return None
	return said


def within_in(message: object) -> float:
	"""Within how many seconds a message wants to be followed, as many were told; 0, at once, where it says nothing that can be."""
	said = message.get("within") if isinstance(message, dict) else None
	if isinstance(said, bool) or not isinstance(said, int | float) or not said > 0:
		return 0.0
	return float(min(said, MOST_WITHIN))


def in_one_line(error: object) -> str:
	"""Why there is no connection; some of it may be another site's words."""
	text = " ".join(str(error or "").split())
	return plain((text or type(error).__name__)[:MOST_OF_REASON])
