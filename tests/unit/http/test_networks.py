"""Where a site may be made to call: the bound, and what is never called."""

import pytest

from event_streaming.http.networks import is_permitted, is_permitted_unseen, parse_bound
from event_streaming.wire.addresses import canonical_host

EVERYWHERE = parse_bound(None)
OFFICE = parse_bound(["10.0.0.0/8", "erp.example.com", "*.example.org", "2001:db8::/32"])


@pytest.mark.parametrize(
	"address", ["127.0.0.1", "10.1.2.3", "192.168.0.9", "::1", "93.184.216.34", "2001:db8::7"]
)
def test_loopback_private_and_public_addresses_are_called_where_nothing_is_said(address):
	assert is_permitted(EVERYWHERE, "any.example", address)


@pytest.mark.parametrize(
	"address",
	[
		"169.254.169.254",
		"0.0.0.0",
		"0.1.2.3",
		"224.0.0.1",
		"255.255.255.255",
		"100.100.100.200",
		"168.63.129.16",
		"::",
		"fe80::1",
		"fe80::1%eth0",
		"ff02::1",
		"fd00:ec2::254",
		"::ffff:169.254.169.254",
		"::169.254.169.254",
		"2002:a9fe:a9fe::1",
		"64:ff9b::169.254.169.254",
		"not an address",
	],
)
def test_what_only_the_machine_or_its_cloud_answers_is_never_called_not_even_by_name(address):
	named = parse_bound(["erp.example.com", "0.0.0.0/0", "::/0"])

	assert not is_permitted(EVERYWHERE, "erp.example.com", address)
	assert not is_permitted(named, "erp.example.com", address)


@pytest.mark.parametrize(
	("host", "address", "permitted"),
	[
		("any.example", "10.9.9.9", True),
		("any.example", "::ffff:10.9.9.9", True),
		("any.example", "2001:db8::7", True),
		("any.example", "127.0.0.1", False),
		("any.example", "::1", False),
		("any.example", "::ffff:127.0.0.1", False),
		("any.example", "64:ff9b::7f00:1", False),
		("any.example", "93.184.216.34", False),
		("erp.example.com", "93.184.216.34", True),
		("ERP.example.com.", "127.0.0.1", True),
		("erp.example.com.evil.example", "93.184.216.34", False),
		("shop.example.org", "93.184.216.34", True),
		("example.org", "93.184.216.34", False),
		("evilexample.org", "93.184.216.34", False),
	],
)
def test_a_bound_is_kept_by_network_and_by_name(host, address, permitted):
	assert is_permitted(OFFICE, host, address) == permitted


def test_an_empty_list_permits_nothing_and_one_name_needs_no_list():
	assert not is_permitted(parse_bound([]), "erp.example.com", "93.184.216.34")
	assert is_permitted(parse_bound("erp.example.com"), "erp.example.com", "93.184.216.34")


@pytest.mark.parametrize("value", [["10.0.0.0/33"], ["two words"], {"a": 1}, [None, "x/y"], 7])
def test_a_list_that_cannot_be_understood_is_said_to_be_one(value):
	with pytest.raises(ValueError):
		parse_bound(value)


@pytest.mark.parametrize(
	("host", "permitted"),
	[("erp.example.com", True), ("10.1.1.1", True), ("93.184.216.34", False), ("other.example", False)],
)
def test_through_a_proxy_only_what_is_named_is_called(host, permitted):
	assert is_permitted_unseen(OFFICE, host) == permitted


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:a9fe:a9fe]"])
def test_through_a_proxy_the_metadata_address_is_not_called_in_any_spelling(host):
	assert not is_permitted_unseen(EVERYWHERE, host)
	assert is_permitted_unseen(EVERYWHERE, "any.example")


@pytest.mark.parametrize(
	("host", "canonical"),
	[
		("Erp.Example.COM.", "erp.example.com"),
		("2130706433", "127.0.0.1"),
		("0x7f.1", "127.0.0.1"),
		("0177.0.0.1", "127.0.0.1"),
		("127.1", "127.0.0.1"),
		("[::FFFF:127.0.0.1]", "127.0.0.1"),
		("[0:0:0:0:0:0:0:1]", "::1"),
		("ร้าน.example", "xn--q3ct9b5e.example"),
		("Bücher.example", "xn--bcher-kva.example"),
		("xn--bcher-kva.example", "xn--bcher-kva.example"),
		("branch_1", "branch_1"),
	],
)
def test_spellings_of_one_host_are_one_host(host, canonical):
	assert canonical_host(host) == canonical


@pytest.mark.parametrize("host", ["two words", "a..b", "-a.example", "a" * 64, "fe80::1%eth0", "a<b", ""])
def test_what_can_be_no_host_is_none(host):
	with pytest.raises(ValueError):
		canonical_host(host)
