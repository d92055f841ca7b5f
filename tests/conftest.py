"""Fixtures of all tests. See sandbox/README.md for how to write a test with them.

Sites are brought up when the first test asks for one, and then kept for the session; a test under `unit` never
does. Every other test gets its sites as the app was just installed, and the workers, schedulers and shells that
it starts end with it. What is missing on the machine is an error, never a skipped test.
"""

import os

import pytest

from sandbox import progress
from sandbox.sites import remembered
from sandbox.sites.cluster import Cluster, open_cluster
from sandbox.sites.reset import reset_site
from sandbox.sites.site import Site
from tests.doctypes import CITY, add_custom_fields, remove_custom_fields, with_orders
from tests.streams import SHAKES_HANDS, subscribe

FOLDERS_WITH_FRESH_SITES = {"two_sites", "faults", "desk"}

_clusters: list[Cluster] = []


def pytest_configure(config: pytest.Config) -> None:
	"""Shows the sandbox's progress while pytest captures output."""
	capture = config.pluginmanager.getplugin("capturemanager")

	def write(line: str) -> None:
		with capture.global_and_fixture_disabled():
			progress.print_to_terminal(line)

	progress.write = write
	config.addinivalue_line(
		"markers", "mariadb(reason): says something of MariaDB alone, or asks it in its own words"
	)


def pytest_runtest_setup(item: pytest.Item) -> None:
	"""A test of MariaDB's own is not run on PostgreSQL, and says why."""
	if os.environ.get("EVENT_STREAMING_DATABASE") == "postgres":
		for mark in item.iter_markers("mariadb"):
			pytest.skip(f"on PostgreSQL: {mark.args[0]}")


@pytest.fixture(scope="session")
def cluster():
	progress.write("")
	with open_cluster(["producer", "consumer"]) as opened:
		_clusters.append(opened)
		yield opened
	_clusters.remove(opened)


@pytest.fixture
def producer(cluster: Cluster) -> Site:
	return cluster.site("producer")


@pytest.fixture
def consumer(cluster: Cluster) -> Site:
	return cluster.site("consumer")


@pytest.fixture
def third(cluster: Cluster) -> Site:
	is_new = "third" not in cluster.sites
	site = cluster.site("third")
	if is_new:
		# that of a bench is as the last run has left it
		reset_site(site)
	return site


@pytest.fixture
def orders(producer: Site, consumer: Site) -> None:
	"""The DocTypes of orders and cities on both sites."""
	with_orders(producer, consumer)


@pytest.fixture
def cities_streamed(producer: Site, consumer: Site, orders: None) -> None:
	"""The consumer is subscribed to the producer's cities, and approved."""
	subscribe(consumer, producer, CITY)


@pytest.fixture
def extra_fields():
	"""`extra_fields(site, doctype, *fields)` adds custom fields that the test's end takes away again: sites are
	kept from test to test, and the next one may compare whole documents."""
	added = []

	def add(site: Site, doctype: str, *fields: dict) -> None:
		site.run(add_custom_fields, doctype=doctype, fields=list(fields))
		added.append((site, doctype, [field["fieldname"] for field in fields]))

	yield add
	for site, doctype, names in added:
		site.run(remove_custom_fields, doctype=doctype, names=names)


@pytest.fixture(autouse=True)
def sites_as_just_installed(request: pytest.FixtureRequest):
	remembered.in_use = request.path.name not in SHAKES_HANDS
	if FOLDERS_WITH_FRESH_SITES.intersection(request.path.parts):
		for site in request.getfixturevalue("cluster").sites.values():
			reset_site(site)
	yield
	for opened in _clusters:
		for site in opened.sites.values():
			site.end_what_a_test_started()
