"""What a producer offers to listen over, as it comes in a page; it is another site's word."""

import pytest

from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.pages import parse_listen
from event_streaming.wire.paths import position_event


def test_an_offer_is_taken_as_it_is():
	offer = {"back_end": "realtime", "port": 9000, "site": "head.example"}

	assert parse_listen({**offer, "address": "http://169.254.169.254"}) == offer


def test_an_offer_of_a_broker_has_its_servers_too():
	offer = {
		"back_end": "nats",
		"port": 0,
		"site": "head.example",
		"servers": ["tls://hub:4222"],
		"login": "00",
	}

	assert parse_listen({**offer, "address": "http://169.254.169.254"}) == offer


@pytest.mark.parametrize("servers", ["tls://hub:4222", [""], [7], ["tls://hub"] * 21, {"a": 1}])
def test_servers_that_are_none_are_refused(servers):
	with pytest.raises(InvalidPage):
		parse_listen({"back_end": "nats", "port": 0, "site": "", "servers": servers, "login": ""})


@pytest.mark.parametrize("none", [None, "", "realtime", 5, []])
def test_what_is_none_is_none(none):
	assert parse_listen(none) is None


@pytest.mark.parametrize(
	"changed", [{"port": 70_000}, {"port": -1}, {"port": "9000"}, {"back_end": ""}, {"site": "a\nb"}]
)
def test_what_can_be_no_offer_is_refused(changed):
	with pytest.raises(InvalidPage):
		parse_listen({"back_end": "realtime", "port": 9000, "site": "head.example", **changed})


def test_each_consumer_has_an_event_of_its_own():
	assert position_event("http://one.example") != position_event("http://two.example")
