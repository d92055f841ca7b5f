"""Connections are made to the address that was checked, and only to whom is trusted."""

import contextlib
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import requests
from fake_site import Authority, FakeSite

from event_streaming.http.certificates import (
	EXPIRED,
	OTHER_ADDRESS,
	first_end,
	read_authorities,
	verify_code,
)
from event_streaming.http.connection import CheckedAdapter, OutsideOfBound, certificate_end
from event_streaming.http.networks import parse_bound

LOOPBACK = ["127.0.0.0/8"]
ELSEWHERE = ["10.0.0.0/8"]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
	for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
		monkeypatch.delenv(name, raising=False)
		monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def one_site():
	with FakeSite() as site:
		yield site


@pytest.fixture
def fake(one_site):
	one_site.status, one_site.headers = 200, {}
	one_site.requests.clear()
	return one_site


def get(url: str, allowed=None, ca: str = "", **options) -> requests.Response:
	session = requests.Session()
	for scheme in ("http://", "https://"):
		session.mount(scheme, CheckedAdapter(parse_bound(allowed), ca))
	with session:
		return session.get(url, timeout=5, allow_redirects=False, **options)


def spelled(fake: FakeSite, host: str) -> str:
	return f"http://{host}:{fake.server.server_address[1]}/"


SPELLINGS = ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1"]


@pytest.mark.parametrize("host", SPELLINGS)
def test_an_address_inside_of_the_bound_is_called_however_it_is_spelled(fake, host):
	assert get(spelled(fake, host), LOOPBACK).status_code == 200
	assert get(spelled(fake, host)).status_code == 200


@pytest.mark.parametrize("host", [*SPELLINGS, "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0"])
def test_nothing_is_sent_to_an_address_outside_of_the_bound_however_it_is_spelled(fake, host):
	with pytest.raises(OutsideOfBound):
		get(spelled(fake, host), ELSEWHERE)

	assert fake.requests == []


def test_what_is_never_called_is_not_called_without_a_bound(fake):
	with pytest.raises(OutsideOfBound):
		get(spelled(fake, "0.0.0.0"))

	assert fake.requests == []


def lead(monkeypatch, *answers: str) -> list[str]:
	"""Names lead to these addresses, one at each look-up, the last one from then on; returns what has been looked up."""
	looked_up, original, left = [], socket.getaddrinfo, list(answers)

	def answer(host, port, *args, **options):
		if host.rstrip(".").endswith(".example"):
			looked_up.append(host)
			host = left.pop(0) if len(left) > 1 else left[0]
		return original(host, port, *args, **options)

	monkeypatch.setattr(socket, "getaddrinfo", answer)
	return looked_up


def test_a_name_that_leads_elsewhere_after_the_check_is_connected_to_where_it_was_checked(fake, monkeypatch):
	looked_up = lead(monkeypatch, "127.0.0.1", "127.0.0.9")

	assert get(spelled(fake, "rebinding.example"), ["127.0.0.1/32"]).status_code == 200
	assert looked_up == ["rebinding.example"]


def test_a_name_that_leads_outside_is_not_connected_to(fake, monkeypatch):
	lead(monkeypatch, "127.0.0.1")

	for name in ("inside.example", "inside.example."):
		with pytest.raises(OutsideOfBound):
			get(spelled(fake, name), [*ELSEWHERE, "other.example"])
		assert get(spelled(fake, name), ["inside.example"]).status_code == 200
		fake.requests.pop()
	assert fake.requests == []


def test_a_connection_that_comes_out_elsewhere_is_closed_before_anything_is_sent(fake, monkeypatch):
	"""As where the machine's own rules send packets to another address."""
	monkeypatch.setattr(socket.socket, "getpeername", lambda _self: ("10.0.0.1", 80))

	with pytest.raises(OutsideOfBound):
		get(spelled(fake, "127.0.0.1"), LOOPBACK)
	assert fake.requests == []


def test_a_name_is_sent_as_it_was_given(fake, monkeypatch):
	lead(monkeypatch, "127.0.0.1")
	seen = []
	monkeypatch.setattr(FakeSite, "content_for", lambda _self, _request: (200, b"{}"))
	original = fake.answer
	fake.answer = lambda handler: (seen.append(handler.headers["Host"]), original(handler))

	get(spelled(fake, "named.example"), ["named.example"])

	assert seen == [spelled(fake, "named.example").removeprefix("http://").rstrip("/")]


def test_a_redirect_is_not_followed(fake):
	fake.status, fake.headers = 302, {"Location": "http://169.254.169.254/latest/meta-data"}

	assert get(spelled(fake, "127.0.0.1")).status_code == 302


def test_a_host_that_does_not_exist_and_a_port_that_nobody_listens_at_are_no_connection():
	for url in ("http://nobody.invalid/", "http://127.0.0.1:1/"):
		with pytest.raises(requests.exceptions.ConnectionError):
			get(url)


def test_through_a_proxy_a_name_has_to_be_on_the_list(fake, monkeypatch):
	monkeypatch.setenv("http_proxy", fake.url)

	assert get("http://erp.example/", ["erp.example"]).status_code == 200
	assert get("http://erp.example/").status_code == 200
	for url, allowed in (("http://other.example/", ["erp.example"]), ("http://169.254.169.254/", None)):
		with pytest.raises(OutsideOfBound):
			get(url, allowed)
	assert len(fake.requests) == 2


# ---- certificates


@pytest.fixture
def secure(tmp_path):
	"""`secure(authority, …)` is a fake site that speaks TLS."""
	with contextlib.ExitStack() as opened:

		def begin(authority: Authority, **options) -> FakeSite:
			site = opened.enter_context(FakeSite())
			site.speak_tls(authority.context(tmp_path, **options))
			return site

		yield begin


def problem(url: str, ca: str = "", **options) -> int:
	with pytest.raises(requests.exceptions.SSLError) as raised:
		get(url, ca=ca, **options)
	return verify_code(raised.value)


def test_the_authority_of_a_connection_is_trusted_and_no_other(secure):
	ours, other = Authority(), Authority("Other")
	fake = secure(ours)
	url = fake.url

	assert get(url, ca=ours.pem).status_code == 200
	assert get(url, LOOPBACK, ca=ours.pem).status_code == 200
	# what is trusted without one is not asked in its place; a session can't switch it off
	assert problem(url)
	assert problem(url, other.pem) and problem(url, other.pem, verify=False)
	assert len(fake.requests) == 2


def test_with_an_authority_of_its_own_nobody_else_is_trusted(secure, monkeypatch, tmp_path):
	"""Not what the machine trusts either."""
	ours, other = Authority(), Authority("Other")
	url = secure(ours).url
	file = tmp_path / "bundle.pem"
	file.write_text(ours.pem)
	monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))

	assert get(url).status_code == 200
	assert problem(url, other.pem)


def test_when_certificates_end_is_known_from_what_was_pasted_and_from_who_was_met(secure):
	ours, soon = Authority(), datetime.now(UTC) + timedelta(days=5)
	url = secure(ours, days=5).url

	assert certificate_end(url) is None
	assert get(url, ca=ours.pem).status_code == 200
	assert abs(certificate_end(url) - soon) < timedelta(minutes=5)
	assert certificate_end(url.replace("https:", "http:")) is None
	later = datetime.now(UTC) + timedelta(days=30)
	assert abs(first_end(f"ours\n{ours.pem}{Authority('Other').pem}") - later) < timedelta(minutes=5)
	assert first_end("") is first_end(None) is first_end("nonsense") is None


def test_an_expired_certificate_is_refused_whoever_signed_it(secure):
	ours = Authority()
	fake = secure(ours, days=-1)

	assert problem(fake.url, ours.pem) == EXPIRED
	assert fake.requests == []


def test_a_certificate_for_another_address_is_refused(secure):
	ours = Authority()
	fake = secure(ours, address="127.0.0.2")

	assert problem(fake.url, ours.pem) == OTHER_ADDRESS
	assert fake.requests == []


def test_only_certificates_are_kept_of_what_is_pasted():
	one, two = Authority().pem, Authority("Other").pem

	assert read_authorities(f"our own\r\n{one}\n# and\n{two}") == one + two
	assert read_authorities("  ") == read_authorities(None) == ""


@pytest.mark.parametrize(
	"pasted",
	[
		"/etc/passwd",
		"nonsense",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
	],
)
def test_what_is_no_certificate_is_refused_and_no_file_is_read(pasted):
	with pytest.raises(ValueError) as raised:
		read_authorities(pasted)
	assert str(raised.value) in ("no certificate", "a private key")


def test_what_is_no_error_of_a_certificate_has_no_number():
	assert verify_code(ssl.SSLError("wrong version number")) == 0
