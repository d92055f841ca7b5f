"""Hearing at once: how long a change takes to a site that nobody can call, and what listeners cost that hear nothing.

The listeners are the app's own back end, in this process; the realtime server is the producer's.
"""

import asyncio
import contextlib
import os
import resource
from secrets import token_hex
from time import sleep, time
from typing import Any

from benchmarks.figures import Figure, single
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


def heard(bench: Any) -> list[Figure]:
	"""`latency`, of a consumer that can't be called and listens."""
	bench.start()
	producer, consumer = bench.producer, bench.consumer
	bench.cluster.realtime.start()
	try:
		subscribe_unreachable(bench)
		for site in (producer, consumer):
			site.start_worker()
		consumer.start_listener()
		wait_for(lambda: producer.run(who_listens) == [HERE], "that the producer knows who listens")
		found = [heard_once(bench) for _number in range(bench.few(12, 60) + 2)][2:]
	finally:
		consumer.stop_listener()
		bench.cluster.realtime.stop()
		consumer.run(set_settings, public_url="", not_reachable=0)
	return [single("a save to the row at a site nobody can call", found, "ms", "≤ 250")]


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


def subscribe_unreachable(bench: Any) -> None:
	producer, consumer = bench.producer, bench.consumer
	producer.run(set_settings, realtime_port=bench.cluster.realtime.port)
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
	"""Processor time of the producer's realtime server and web server while so many listen and nothing happens."""
	bench.start()
	most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
	resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65_536), most))
	count, seconds = bench.few(200, 1_000), bench.few(30, 120)
	bench.producer.run(make_subscriber)
	realtime = bench.cluster.realtime
	realtime.stop()
	realtime.start()
	try:
		done = asyncio.run(hold_idle(bench, realtime, count, seconds))
	finally:
		realtime.stop()
	return [
		Figure(
			f"{count:,} idle listeners: realtime server", 100 * done["realtime"], "% of a core", target="≤ 2"
		),
		Figure("their web server meanwhile", 100 * done["web"], "% of a core", target="0"),
		Figure("connections to it", done["connections"], "", target="0"),
		Figure("the process that listens", 100 * done["own"], "% of a core"),
	]


async def hold_idle(bench: Any, realtime: Any, count: int, seconds: float) -> dict[str, float]:
	"""Connect all, let them be, and measure."""
	from event_streaming.consumer.listening.back_ends import Connection, Hears, NotListening
	from event_streaming.consumer.listening.realtime import BackEnd
	from event_streaming.http.confidential import Confidential

	site, url = bench.producer.run(own_name), bench.producer.url
	back_end, gate, connected = BackEnd(), asyncio.Semaphore(AT_ONCE), []

	async def one(number: int) -> None:
		connection = Connection(
			f"simulated-{number}", url, "realtime", realtime.port, site, f"event {number}",
			Confidential(f"token {KEYS[0]}:{KEYS[1]}"),
		)  # fmt: skip
		for tries in range(TRIES):
			stands = asyncio.Event()
			async with gate:
				hold = back_end.hold(connection, Hears(stands.set, lambda position: None))
				held = asyncio.create_task(hold)
				waiting = asyncio.create_task(stands.wait())
				await asyncio.wait([held, waiting], return_when=asyncio.FIRST_COMPLETED)
			try:
				if stands.is_set():
					connected.append(number)
				await held
			except NotListening:
				if tries == TRIES - 1:
					raise
			finally:
				held.cancel()
				waiting.cancel()

	tasks = [asyncio.create_task(one(number)) for number in range(count)]
	while len(connected) < count:
		await asyncio.sleep(0.2)
		if broken := [task for task in tasks if task.done()]:
			broken[0].result()
			raise RuntimeError("a connection has ended")
	await asyncio.sleep(SETTLE_SECONDS)
	web = bench.producer.processes.running["web"].pid
	before = cpu_of(realtime.child.pid), cpu_of(web), cpu_of(os.getpid())
	await asyncio.sleep(seconds)
	after = cpu_of(realtime.child.pid), cpu_of(web), cpu_of(os.getpid())
	connections = connections_to(bench.producer.processes.port)
	if ended := sum(task.done() for task in tasks):
		raise RuntimeError(f"{ended} connections have ended")
	for task in tasks:
		task.cancel()
	await asyncio.gather(*tasks, return_exceptions=True)
	spent = [(one - other) / seconds for one, other in zip(after, before, strict=True)]
	return {"realtime": spent[0], "web": spent[1], "own": spent[2], "connections": connections}


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
