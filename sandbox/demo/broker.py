"""With NATS=1, a chapter of its own: the head office publishes to a NATS server, and the branch takes its items from there."""

import contextlib
import time
from collections.abc import Iterator

from sandbox.demo.company import ITEM
from sandbox.demo.screen import Screen
from sandbox.demo.sites import Side, Sites
from sandbox.demo.steps import arrives
from sandbox.servers.brokers import NatsServer

SETTINGS, STATE = "Event Streaming Settings", "Event Producer Last Update"
ITEMS = 20


@contextlib.contextmanager
def hub_of(sites: Sites) -> Iterator[NatsServer]:
	processes = sites.office.site.processes
	server = NatsServer(processes.run_folder, processes.logs)
	server.start()
	try:
		yield server
	finally:
		server.stop()


def over_a_broker(sites: Sites, screen: Screen) -> None:
	with hub_of(sites) as hub:
		screen.chapter("A broker between the sites: items go once to a stream, whoever reads them")
		screen.note(
			"Only subscriptions without a condition go that way; whatever is missing there, the feed has."
		)
		office, branch = sites.office, sites.branch
		office.admin.update(SETTINGS, SETTINGS, {"nats_servers": hub.url})
		office.site.processes.start_command("publisher", ["event-streaming", "publish"])
		screen.at(office.name, f"publishes to {hub.url} (bench event-streaming publish)")
		branch.admin.update("Event Producer", office.url, {"transport": "NATS"})
		screen.at(branch.name, "sets Transport to NATS")
		make_items(office, "READY", 1)
		arrives(sites, screen, branch, "reads the stream", lambda: reads_the_stream(office, branch))
		make_items(office, "TEA", ITEMS)
		screen.at(office.name, f"makes {ITEMS} items")
		arrives(sites, screen, branch, "has them all", lambda: branch.find(ITEM, f"TEA-{ITEMS:02}"))
		hub.throw_away()
		screen.at("hub", "is gone, and its disk with it")
		make_items(office, "CAKE", ITEMS)
		screen.at(office.name, f"makes {ITEMS} more")
		arrives(
			sites,
			screen,
			branch,
			"has them, too: from the feed",
			lambda: branch.find(ITEM, f"CAKE-{ITEMS:02}"),
		)
		branch.admin.update("Event Producer", office.url, {"transport": ""})
		office.site.processes.stop("publisher")


def make_items(office: Side, prefix: str, count: int) -> None:
	for number in range(1, count + 1):
		code = f"{prefix}-{number:02}"
		office.admin.insert({"doctype": ITEM, "item_code": code, "item_name": code.title(), "unit": "Kg"})


def reads_the_stream(office: Side, branch: Side) -> bool:
	"""Each look lets the branch ask once more, as the minute's task would."""
	place = branch.admin.list(STATE, fields=["broker_place"], filters={"event_producer": office.url})
	if place and (place[0]["broker_place"] or "").partition("@")[0] not in ("", "0"):
		return True
	branch.admin.method(
		"event_streaming.event_streaming.doctype.event_producer.event_producer.pull_from_node",
		event_producer=office.url,
	)
	time.sleep(0.5)
	return False
