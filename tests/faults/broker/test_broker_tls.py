"""A NATS server that speaks TLS, with a certificate of the company's own authority."""

import pytest
from doctypes import CITY, with_orders
from documents import unique
from hubs import USERS, publish_all, publish_first, set_up, trust
from streams import subscribe
from test_broker import begin, check, make, watch

from sandbox.errors import RemoteError
from sandbox.servers.brokers import NatsServer
from tests.fake_site import Authority


@pytest.fixture
def authority():
	return Authority()


@pytest.fixture
def hub(producer, consumer, cluster, tmp_path, authority):
	authority.context(tmp_path)
	server = NatsServer(tmp_path, cluster.engine.logs, users=USERS, certificate=tmp_path / "server.pem")
	server.start()
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	set_up(producer, consumer, server.url)
	yield server
	server.stop()


@pytest.fixture
def trusting(tmp_path, authority):
	"""`trusting(site)`: it trusts the authority for all that it calls."""
	file, sites = tmp_path / "authority.pem", []
	file.write_text(authority.pem)

	def begin_to(site) -> None:
		sites.append(site)
		site.run(trust, file=str(file))

	yield begin_to
	for site in sites:
		site.run(trust, file="")


def trust_in_this_connection(event_producer: str, pem: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.ca_certificate = pem
	doc.save()


@pytest.mark.parametrize("by", ["the site", "the connection"])
def test_an_authority_of_ones_own_is_trusted_as_for_other_calls(
	producer, consumer, hub, authority, trusting, by
):
	trusting(producer)
	if by == "the site":
		trusting(consumer)
	else:
		consumer.run(trust_in_this_connection, event_producer=producer.url, pem=authority.pem)
	begin(producer, consumer)
	cities = make(producer)
	assert producer.run(publish_all) == len(cities)

	came = watch(producer, consumer)

	assert (came["broker"], came["feed"]) == (len(cities), 0)
	check(producer, consumer, cities)


def test_nothing_is_told_to_a_server_that_nobody_trusted_has_signed(producer, consumer, hub, trusting):
	watch(producer, consumer)
	with pytest.raises(RemoteError, match="certificate verify failed"):
		producer.run(publish_first, title=unique("first"))

	trusting(producer)
	assert producer.run(publish_first, title=unique("first")) == 1
	cities = make(producer)
	assert producer.run(publish_all) == len(cities)
	came = [watch(producer, consumer) for _each in range(2)]

	# the consumer trusts nobody there: the feed has it
	assert sum(each["broker"] for each in came) == 0
	check(producer, consumer, cities)
