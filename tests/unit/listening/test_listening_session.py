"""The connection that listens goes only where it may, trusts only whom it should, and takes its keys to no other address."""

import asyncio
import contextlib

import pytest
from fake_site import Authority, FakeSite

from event_streaming.consumer.listening.back_ends import Connection, Hears, NotListening
from event_streaming.consumer.listening.realtime import BackEnd
from event_streaming.http.confidential import Confidential
from event_streaming.http.networks import parse_bound


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
	for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
		monkeypatch.delenv(name, raising=False)
		monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def fake():
	with FakeSite() as site:
		yield site


@pytest.fixture
def secure(tmp_path):
	with contextlib.ExitStack() as opened:

		def begin(authority: Authority) -> FakeSite:
			site = opened.enter_context(FakeSite())
			site.speak_tls(authority.context(tmp_path))
			return site

		yield begin


def refused(url: str, tries: int = 1, **options) -> str:
	"""Why there is no connection, with the last try: each second one begins with long polling."""
	connection = Connection(
		"shop.example", url, "realtime", 0, "head.example", "an event", Confidential("token a:b"), **options
	)
	back_end = BackEnd()
	for _each in range(tries):
		with pytest.raises(NotListening) as raised:
			asyncio.run(back_end.hold(connection, Hears(lambda: None, lambda position, within: None)))
	return str(raised.value)


def test_only_the_authority_of_the_connection_is_trusted(secure):
	ours, other = Authority(), Authority("Other")
	fake = secure(ours)

	refused(fake.url)
	refused(fake.url, authorities=other.pem)
	assert fake.requests == []

	refused(fake.url, authorities=ours.pem)
	assert [request.path.partition("?")[0] for request in fake.requests] == ["/socket.io/"]


@pytest.mark.parametrize("tries", [1, 2])
def test_no_redirect_is_followed(fake, tries):
	with FakeSite() as elsewhere:
		fake.status, fake.headers = 302, {"Location": f"{elsewhere.url}/socket.io/"}

		refused(fake.url, tries)

		assert fake.requests
		assert elsewhere.requests == []


@pytest.mark.parametrize("tries", [1, 2])
def test_what_is_no_realtime_server_is_a_reason_and_no_error(fake, tries):
	assert refused(fake.url, tries)


def test_nothing_is_sent_outside_of_the_bound(fake):
	for host in ("127.0.0.1", "localhost"):
		url = fake.url.replace("127.0.0.1", host)
		assert "outside of the networks" in refused(url, bound=parse_bound(["10.0.0.0/8"]))
	assert fake.requests == []


def test_a_port_that_nobody_listens_at_is_a_reason():
	assert refused("http://127.0.0.1:1")


def test_through_a_proxy_a_name_has_to_be_on_the_list(fake, monkeypatch):
	monkeypatch.setenv("http_proxy", fake.url)

	assert "outside of the networks" in refused("http://other.example", bound=parse_bound(["erp.example"]))
	assert fake.requests == []
