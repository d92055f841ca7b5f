"""The back end over NATS: whatever keeps it from listening is a reason, and nothing is called that may not be."""

import asyncio
import socket

import pytest

from event_streaming.consumer.listening.back_ends import Broker, Connection, Hears, NotListening
from event_streaming.consumer.listening.over_nats import BackEnd
from event_streaming.http.confidential import Confidential
from event_streaming.http.networks import Bound, parse_bound


def free_port() -> int:
	with socket.socket() as found:
		found.bind(("127.0.0.1", 0))
		return found.getsockname()[1]


def reason(servers: tuple[str, ...] | None, bound: Bound | None = None) -> str:
	broker = servers and Broker(servers, "", Confidential(""), "positions.1", Confidential("00" * 32))
	bounds = {"bound": bound} if bound else {}
	connection = Connection(
		"shop", "https://head.example", "nats", 0, "", "", Confidential(""), broker=broker, **bounds
	)
	with pytest.raises(NotListening) as raised:
		asyncio.run(BackEnd().hold(connection, Hears(lambda: None, lambda position, within: None)))
	return str(raised.value)


def test_a_port_that_nobody_listens_at_is_a_reason():
	assert "no servers available" in reason((f"nats://127.0.0.1:{free_port()}",))


def test_what_can_not_be_read_with_this_sites_keys_is_a_reason():
	assert "keys" in reason(None)


@pytest.mark.parametrize(
	"url", ["nats://nowhere.invalid", "http://127.0.0.1:4222", "nats://user:word@127.0.0.1"]
)
def test_what_is_no_server_is_not_called(url):
	assert reason((url,)) == "no server may be called"


def test_nothing_is_called_outside_of_the_bound():
	with socket.socket() as server:
		server.bind(("127.0.0.1", 0))
		server.listen()
		server.settimeout(0.5)

		said = reason((f"nats://127.0.0.1:{server.getsockname()[1]}",), parse_bound(["10.0.0.0/8"]))

		assert said == "no server may be called"
		with pytest.raises(TimeoutError):
			server.accept()


def test_a_server_that_is_none_ends_the_try():
	"""It takes the connection and says nothing of NATS."""
	with socket.socket() as server:
		server.bind(("127.0.0.1", 0))
		server.listen()

		assert reason((f"nats://127.0.0.1:{server.getsockname()[1]}",))
