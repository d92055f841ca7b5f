"""Hearing at once: how long a change takes to a site that nobody can call, and what listeners cost that hear nothing.

The listeners are the app's own back end, in this process; the realtime server is the producer's.
"""

import asyncio
import contextlib
import os
import resource
from collections.abc import Iterator
from secrets import token_hex
from time import sleep, time
from typing import Any

from benchmarks.figures import Figure, single
from benchmarks.hubs import hub
from event_streaming.consumer.listening.back_ends import (
	BackEnd,
	Broker,
	Connection,
	Hears,
	NotListening,
	load,
)
from event_streaming.http.confidential import Confidential
from tests.doctypes import CITY
from tests.documents import set_settings
from tests.streams import KEYS, decide, make_event_producer, make_subscriber, wait_for

HERE = "http://shop.invalid"
AT_ONCE = 10
# the realtime server's question to a busy web server may fail; the process that listens tries again, too
TRIES = 5
# what is left of making the connections is over by then
SETTLE_SECONDS = 15
ESTABLISHED = "01"
PUBLISHER = "publisher"


def heard(bench: Any) -> list[Figure]:
	"""`latency`, of a consumer that can't be called and listens: over the realtime server, and over NATS."""
	return [
		single(f"a save to the row at a site nobody can call{over}", measure(bench), "ms", "≤ 250")
		for over, measure in (("", heard_over_realtime), (", over NATS", heard_over_nats))
	]


def heard_over_realtime(bench: Any) -> list[float]:
	bench.start()
	bench.cluster.realtime.start()
	try:
		return heard_again_and_again(bench, realtime_port=bench.cluster.realtime.port)
	finally:
		bench.cluster.realtime.stop()


def heard_over_nats(bench: Any) -> list[float]:
	bench.start()
	with hub(bench), publisher(bench):
		return heard_again_and_again(bench)


def heard_again_and_again(bench: Any, **settings: Any) -> list[float]:
	producer, consumer = bench.producer, bench.consumer
	try:
		subscribe_unreachable(bench, **settings)
		for site in (producer, consumer):
			site.start_worker()
		consumer.start_listener()
		wait_for(lambda: producer.run(who_listens) == [HERE], "that the producer knows who listens")
		return [heard_once(bench) for _number in range(bench.few(12, 60) + 2)][2:]
	finally:
		consumer.stop_listener()
		consumer.run(set_settings, public_url="", not_reachable=0)


@contextlib.contextmanager
def publisher(bench: Any) -> Iterator[None]:
	"""The process that hands positions on."""
	bench.producer.run(set_settings, listen_through="NATS")
	processes = bench.producer.processes
	processes.start_command(PUBLISHER, ["event-streaming", "publish"])
	try:
		wait_for(lambda: bench.producer.run(hands_on), "the process that publishes")
		yield
	finally:
		processes.stop(PUBLISHER)
		bench.producer.run(set_settings, listen_through="Realtime")


def hands_on() -> bool:
	from event_streaming.producer.notify import relay

	return relay.is_running()


def heard_once(bench: Any) -> float:
	"""Milliseconds from before a save over REST to the row; no scheduler runs, so that nothing else brings it."""
	sleep(1.5)
	name = f"measured {token_hex(6)}"
	began = time()
	bench.producer.rest().insert({"doctype": CITY, "title": name})
	seen = bench.run(bench.consumer, "applying.wait_for_row", name=name, seconds=50)
	if seen is None:
		raise RuntimeError(f"{name} did not come within 50 s")
	return (seen - began) * 1000


def subscribe_unreachable(bench: Any, **settings: Any) -> None:
	producer, consumer = bench.producer, bench.consumer
	if settings:
		producer.run(set_settings, **settings)
	consumer.run(set_settings, public_url=HERE, not_reachable=1)
	for site in (producer, consumer):
		site.run(make_subscriber)
	rows = [{"ref_doctype": CITY, "use_same_name": 1}]
	consumer.run(make_event_producer, url=producer.url, rows=rows)
	producer.run(decide, consumer_url=HERE)
	bench.run(consumer, "applying.timed_pull", event_producer=producer.url)


def who_listens() -> list[str]:
	import frappe

	return frappe.get_all("Event Consumer", {"listens": 1}, pluck="name")


def listeners(bench: Any) -> list[Figure]:
	"""Processor time of the producer's servers while so many listen and nothing happens: over its realtime server, and over NATS."""
	most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
	resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65_536), most))
	return [*listening_over_realtime(bench), *listening_over_nats(bench)]


def listening_over_realtime(bench: Any) -> list[Figure]:
	bench.start()
	bench.producer.run(make_subscriber)
	realtime = bench.cluster.realtime
	realtime.stop()
	realtime.start()
	try:
		site, url = bench.producer.run(own_name), bench.producer.url
		connections = [
			Connection(
				f"simulated-{number}",
				url,
				"realtime",
				realtime.port,
				site,
				f"event {number}",
				Confidential(f"token {KEYS[0]}:{KEYS[1]}"),
			)
			for number in range(how_many(bench))
		]
		return idle(bench, "realtime", connections, {"realtime server": realtime.child.pid})
	finally:
		realtime.stop()


def listening_over_nats(bench: Any) -> list[Figure]:
	bench.start()
	with hub(bench) as server, publisher(bench):
		connections = [
			Connection(
				f"simulated-{number}",
				bench.producer.url,
				"nats",
				0,
				"",
				"",
				Confidential(""),
				broker=Broker(
					(server.url,),
					"",
					Confidential(""),
					f"event_streaming_positions.{number}",
					Confidential("00"),
					own=True,
				),
			)
			for number in range(how_many(bench))
		]
		processes = {
			"NATS server": server.child.pid,
			"process that publishes": bench.producer.processes.running[PUBLISHER].pid,
		}
		return idle(bench, "nats", connections, processes)


def how_many(bench: Any) -> int:
	return bench.few(200, 1_000)


def idle(bench: Any, name: str, connections: list[Connection], processes: dict[str, int]) -> list[Figure]:
	"""`processes` are those of the producer that have to do with it."""
	web = bench.producer.processes.running["web"].pid
	watched = {**processes, "web": web, "own": os.getpid()}
	seconds = bench.few(30, 120)
	port = bench.producer.processes.port
	spent, to_web = asyncio.run(hold_idle(load(name), connections, watched, port, seconds))
	count = f"{len(connections):,} idle listeners"
	return [
		*(Figure(f"{count}: {each}", 100 * spent[each], "% of a core", target="≤ 2") for each in processes),
		Figure("their web server meanwhile", 100 * spent["web"], "% of a core", target="0"),
		Figure("connections to it", to_web, "", target="0"),
		Figure("the process that listens", 100 * spent["own"], "% of a core"),
	]


async def hold_idle(
	back_end: BackEnd, connections: list[Connection], watched: dict[str, int], port: int, seconds: float
) -> tuple[dict[str, float], int]:
	"""Connect all, let them be, and measure: what each process computes of a second, and connections to the port."""
	gate, connected = asyncio.Semaphore(AT_ONCE), []

	async def one(connection: Connection) -> None:
		for tries in range(TRIES):
			stands = asyncio.Event()
			async with gate:
				hold = back_end.hold(connection, Hears(stands.set, lambda position, within: None))
				held = asyncio.create_task(hold)
				waiting = asyncio.create_task(stands.wait())
				await asyncio.wait([held, waiting], return_when=asyncio.FIRST_COMPLETED)
			try:
				if stands.is_set():
					connected.append(connection.site)
				await held
			except NotListening:
				if tries == TRIES - 1:
					raise
			finally:
				held.cancel()
				waiting.cancel()

	tasks = [asyncio.create_task(one(connection)) for connection in connections]
	while len(connected) < len(connections):
		await asyncio.sleep(0.2)
		if broken := [task for task in tasks if task.done()]:
			broken[0].result()
			raise RuntimeError("a connection has ended")
	await asyncio.sleep(SETTLE_SECONDS)
	before = {name: cpu_of(pid) for name, pid in watched.items()}
	await asyncio.sleep(seconds)
	spent = {name: (cpu_of(pid) - before[name]) / seconds for name, pid in watched.items()}
	found = connections_to(port)
	if ended := sum(task.done() for task in tasks):
		raise RuntimeError(f"{ended} connections have ended")
	for task in tasks:
		task.cancel()
	await asyncio.gather(*tasks, return_exceptions=True)
	return spent, found


def own_name() -> str:
	import frappe

	return frappe.local.site


def cpu_of(pid: int) -> float:
	"""Seconds that a process and those of its group have computed so far."""
	group, spent = os.getpgid(pid), 0
	for entry in os.listdir("/proc"):
		with contextlib.suppress(OSError, ValueError, IndexError):
			if entry.isdigit() and (int(entry) == pid or os.getpgid(int(entry)) == group):
				with open(f"/proc/{entry}/stat") as file:
					fields = file.read().rpartition(")")[2].split()
				spent += int(fields[11]) + int(fields[12])
	return spent / os.sysconf("SC_CLK_TCK")


def connections_to(port: int) -> int:
	"""Open connections whose own end is this port of this machine."""
	found = 0
	with open("/proc/net/tcp") as file:
		for line in file.readlines()[1:]:
			local, _remote, state = line.split()[1:4]
			found += state == ESTABLISHED and int(local.rpartition(":")[2], 16) == port
	return found
