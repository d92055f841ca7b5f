"""Lines about many consumers of one producer. Their requests are real, their applying is not."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.figures import Figure, ratio
from benchmarks.lines import SIMULATED, Bench, level_of
from sandbox.sites.rest import RestClient
from tests.streams import SUBSCRIBER, make_subscriber

FEED = "event_streaming.endpoints.get_page"
CONDITION = 'doc.country_name == "branch {}"'
# who asks at the same time
THREADS = 8
# events that are logged before everybody asks
BURST = 500
SAY_EVERY = 60


def conditions(bench: Bench) -> list[Figure]:
	"""100 consumers, each with a condition of its own that one of them meets, ÷ one: a look for whom to call, one for who of them is to
	hear if they listen, and a save."""
	bench.start()
	for site in (bench.producer, bench.consumer):
		site.run(make_subscriber)
		add_consumers(bench, site, range(1), CONDITION)

	def look(site: Any) -> list[float]:
		return bench.run(site, "many.looks", count=8, expected=1)

	def look_among_listeners(site: Any) -> list[float]:
		return bench.run(site, "many.looks_among_listeners", count=8, expected=1)

	def save(site: Any) -> list[float]:
		return bench.run(site, "queue.inserts_alone", count=20)

	measures = (look, look_among_listeners, save)
	figures, levels = [], [level_of(measure, bench) for measure in measures]
	add_consumers(bench, bench.consumer, range(1, 100), CONDITION)
	targets = ("≤ 1.20", "≤ 1.20", "≤ 1.05")
	for what, measure, level, target in zip(
		("a look for whom to tell", "one among those that listen", "a save"),
		measures,
		levels,
		targets,
		strict=True,
	):
		found: dict[str, list[float]] = {"many": [], "one": []}
		for _round in range(bench.few(6, 20)):
			found["one"] += measure(bench.producer)
			found["many"] += [milliseconds / level for milliseconds in measure(bench.consumer)]
		figures.append(ratio(f"{what}, 100 conditions ÷ 1", found["many"], found["one"], target))
	return figures


def add_consumers(bench: Bench, site: Any, numbers: range, condition: str = "") -> None:
	for first in range(0, len(numbers), 100):
		some = list(numbers[first : first + 100])
		bench.run(site, "many.add_consumers", url=SIMULATED, numbers=some, condition=condition)


def thousand(bench: Bench) -> list[Figure]:
	"""Many consumers that all get everything: each burst of events is asked for by each of them, over HTTP."""
	bench.start()
	answer_with(bench.producer, os.cpu_count() or 1)
	try:
		return ask_many(bench, bench.producer)
	finally:
		answer_with(bench.producer, 1)


def ask_many(bench: Bench, site: Any) -> list[Figure]:
	site.run(make_subscriber)
	consumers, events = bench.few(50, 1_000), bench.few(2_000, 100_000)
	add_consumers(bench, site, range(consumers))
	bench.run(site, "many.change_cities", count=1)
	keys = site.rest(SUBSCRIBER)
	readers = [Reader(keys, number) for number in range(consumers)]
	ask_all(readers)
	for reader in readers:
		reader.events = 0
	before, requests, seconds, processor = bench.run(site, "many.footprint"), 0, 0.0, 0.0
	said = monotonic()
	for logged in range(0, events, BURST):
		if monotonic() - said >= SAY_EVERY:
			said = monotonic()
			bench.say(
				f"thousand: {logged:,} of {events:,} events, {requests:,} requests, {requests / seconds:.0f} a second"
			)
		bench.run(site, "many.change_cities", count=BURST)
		began, used = monotonic(), processor_seconds()
		requests += ask_all(readers)
		seconds += monotonic() - began
		processor += processor_seconds() - used
	after = bench.run(site, "many.footprint")
	if any(reader.events != events for reader in readers):
		raise RuntimeError("not every consumer has got every event")
	label = f"{consumers:,} consumers, {events:,} events"
	return [
		Figure(f"{label}: requests in a second", requests / seconds, ""),
		Figure(f"{label}: processor time of a request", processor * 1000 / requests, "ms"),
		Figure(f"{label}: rows written for readers", after["rows"] - before["rows"], ""),
		Figure(f"{label}: the tables grow by", (after["bytes"] - before["bytes"]) / 1e6, "MB"),
	]


def answer_with(site: Any, web_workers: int) -> None:
	"""On a bench that is set up for production there is one for each processor, and more."""
	site.stop_web()
	site.processes.web_workers = web_workers
	site.start_web()


class Reader:
	"""One consumer: asks for page after page, and forgets what it has got."""

	def __init__(self, keys: RestClient, number: int):
		self.client = RestClient(keys.url, keys.api_key, keys.api_secret)
		# as a consumer that asks once a minute
		self.client.session.headers["Connection"] = "close"
		self.url, self.cursor, self.events = SIMULATED.format(number), 0, 0

	def ask(self) -> int:
		"""All that there is; returns how many requests that took."""
		for requests in range(1, 1_000_000):
			page = self.client.method(FEED, event_consumer=self.url, cursor=self.cursor)
			self.cursor, self.events = page["cursor"], self.events + len(page["events"])
			if not page["has_more"]:
				return requests
		raise AssertionError


def ask_all(readers: list[Reader]) -> int:
	with ThreadPoolExecutor(THREADS) as pool:
		return sum(pool.map(Reader.ask, readers))


def processor_seconds() -> float:
	"""What all processes that this one has started have used until now: web servers, database, Redis."""
	stats = {}
	for path in Path("/proc").glob("[0-9]*/stat"):
		try:
			pid, rest = path.parent.name, path.read_text().rsplit(")", 1)[1].split()
		except OSError:
			continue
		stats[int(pid)] = (int(rest[1]), int(rest[11]) + int(rest[12]))
	mine = {os.getpid()}
	while found := {pid for pid, (parent, _ticks) in stats.items() if parent in mine and pid not in mine}:
		mine |= found
	return sum(stats[pid][1] for pid in mine - {os.getpid()}) / os.sysconf("SC_CLK_TCK")
