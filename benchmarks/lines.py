"""The lines of the table. Each takes a `Bench` (two sites that are set up) and gives its figures; peers take turns."""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex
from statistics import median
from time import sleep, time
from typing import Any

from benchmarks.figures import Figure, ratio, single
from benchmarks.listening import heard, listeners
from tests.doctypes import CITY, ORDER, TICKET, with_orders
from tests.streams import make_subscriber, subscribe

INSIDE = "benchmarks.inside"
STAGES = "benchmarks.stages"
# making 100,000 documents, say
LONGEST_SECONDS = 60 * 60
# so many documents are made in one process at a time: Frappe becomes slower with each insert in the same one
PORTION = 2_000
SIMULATED = "http://simulated-{}.example"


@dataclass
class Bench:
	"""The cluster, and how much is measured: `long` is the form without short cuts."""

	cluster: Any
	long: bool
	say: Callable[[str], None]

	@property
	def producer(self) -> Any:
		return self.cluster.site("producer")

	@property
	def consumer(self) -> Any:
		return self.cluster.site("consumer")

	def run(self, site: Any, function: str, **arguments: Any) -> Any:
		return site.start(f"{INSIDE}.{function}", **arguments).wait(LONGEST_SECONDS)

	def few(self, short: int, long: int) -> int:
		return long if self.long else short

	def start(self, *doctypes: str) -> None:
		"""Both sites as just installed, subscribed to `doctypes`."""
		from sandbox.sites.reset import reset_site

		for site in (self.producer, self.consumer):
			site.end_what_a_test_started()
			reset_site(site)
		with_orders(self.producer, self.consumer)
		self.run(self.consumer, "documents.number_apart")
		if doctypes:
			subscribe(self.consumer, self.producer, *doctypes)


def saves(bench: Bench) -> list[Figure]:
	"""Saving a document ÷ the same without the app."""
	bench.start(CITY, ORDER, "ToDo")
	figures = []
	for label, doctype, rows in (("ToDo", "ToDo", 0), ("order with 5 rows", ORDER, 5)):
		for work in ("insert", "update"):
			figures.append(saves_of(bench, f"save, {label}: {work}", doctype, rows, work, "≤ 1.10"))
	figures.append(saves_of(bench, "save, not subscribed: insert", "Note", 0, "insert", "≤ 1.01"))
	figures.append(saves_of(bench, "save, not subscribed: update", "Note", 0, "update", "≤ 1.01"))
	return figures


def saves_of(bench: Bench, name: str, doctype: str, rows: int, work: str, target: str) -> Figure:
	samples = bench.few(12, 60)
	found = bench.run(
		bench.producer, "saves.measure_saves", doctype=doctype, rows=rows, samples=samples, work=work
	)
	return ratio(name, found["ours"], found["bare"], target)


def together(bench: Bench) -> list[Figure]:
	"""100 inserts in one transaction ÷ the same without the app, and what no log can do without beside it."""
	bench.start(CITY, ORDER, "ToDo")
	figures = []
	for label, doctype, rows in (("ToDo", "ToDo", 0), ("order with 5 rows", ORDER, 5)):
		found = bench.run(
			bench.producer,
			"saves.measure_transactions",
			doctype=doctype,
			rows=rows,
			samples=bench.few(12, 60),
			count=100,
		)
		name = f"100 inserts in one transaction, {label}"
		figures += [
			ratio(name, found["ours"], found["bare"], "≤ 1.05"),
			ratio(f"{name}: an INSERT more for each", found["row"], found["bare"]),
			ratio(f"{name}: one INSERT more for all", found["rows"], found["bare"]),
		]
	return figures


def calls(bench: Bench) -> list[Figure]:
	"""What the app adds to a save, in calls of functions, statements and requests: the same on a busy machine."""
	bench.start(CITY, ORDER, "ToDo")
	figures = []
	for label, doctype, rows in (
		("ToDo", "ToDo", 0),
		("order with 5 rows", ORDER, 5),
		("not subscribed", "Note", 0),
	):
		for work in ("insert", "update"):
			found = bench.run(bench.producer, "calls.added_calls", doctype=doctype, rows=rows, work=work)
			figures += [
				Figure(f"save, {label}: {work}: {kind}", value, kind) for kind, value in found.items()
			]
	return figures


def floors(bench: Bench) -> list[Figure]:
	"""What a save can't do without: Frappe's calls of hooks that do nothing; one INSERT of a row of that size."""
	bench.start(CITY, ORDER, "ToDo")
	figures = []
	for label, doctype, rows in (("ToDo", "ToDo", 0), ("order with 5 rows", ORDER, 5), ("Note", "Note", 0)):
		for work in ("insert", "update"):
			found = bench.run(
				bench.producer,
				"saves.measure_saves",
				doctype=doctype,
				rows=rows,
				samples=bench.few(12, 60),
				work=work,
				floors=True,
			)
			for peer, what in (("hooks", "hooks that do nothing"), ("row", "one INSERT more")):
				figures.append(ratio(f"{label}, {work}: {what}", found[peer], found["bare"]))
	return figures


def applying(bench: Bench) -> list[Figure]:
	"""A pull ÷ the bare loop, as rates: creates, updates, documents with 20 rows."""
	bench.start(CITY, ORDER)
	count, rounds = bench.few(200, 500), bench.few(3, 8)
	creates: dict[str, list[float]] = {"pull": [], "bare": []}
	updates: dict[str, list[float]] = {"pull": [], "bare": []}
	for number in range(rounds + 1):
		names = bench.run(bench.producer, "documents.make_documents", count=count, rows=1)
		pulled = pull_rate(bench, count)
		bare = count / bench.run(bench.consumer, "applying.bare_inserts", count=count, rows=1)
		bench.run(bench.producer, "documents.change_documents", names=names)
		pulled_updates = pull_rate(bench, count)
		bare_updates = count / bench.run(bench.consumer, "applying.bare_updates", names=names)
		if number:
			creates["pull"].append(pulled["rate"])
			creates["bare"].append(bare)
			updates["pull"].append(pulled_updates["rate"])
			updates["bare"].append(bare_updates)
	figures = [
		ratio("apply creates", creates["pull"], creates["bare"], "≥ 0.95", unit_of_samples="documents/s"),
		ratio("apply updates", updates["pull"], updates["bare"], "≥ 0.95", unit_of_samples="documents/s"),
	]
	return figures + applying_rows(bench, rounds)


def applying_rows(bench: Bench, rounds: int) -> list[Figure]:
	count, rows = 100, 20
	found: dict[str, list[float]] = {"pull": [], "bare": [], "requests": []}
	for number in range(rounds + 1):
		bench.run(bench.producer, "documents.make_documents", count=count, rows=rows)
		pulled = pull_rate(bench, count)
		bare = count / bench.run(bench.consumer, "applying.bare_inserts", count=count, rows=rows)
		if number:
			found["pull"].append(pulled["rate"])
			found["bare"].append(bare)
			found["requests"].append(pulled["requests"])
	return [
		ratio("apply 20 rows each", found["pull"], found["bare"], "≥ 0.90", unit_of_samples="documents/s"),
		single("requests for 100 such documents", found["requests"], "requests", "a handful"),
	]


def pull_rate(bench: Bench, count: int) -> dict[str, float]:
	done = bench.run(bench.consumer, "applying.timed_pull", event_producer=bench.producer.url)
	if done["events"] != count:
		raise RuntimeError(f"{done['events']} events came instead of {count}")
	return {
		"rate": count / done["seconds"],
		"cpu": 1000 * done["cpu"] / count,
		"requests": done["requests"],
		"memory": done["memory"],
	}


def as_one(bench: Bench) -> list[Figure]:
	"""What is applied as one ÷ the bare loop that does each step, as rates: a draft and its submission, ten saves."""
	bench.start(CITY, ORDER)
	count, many, times, rounds = bench.few(150, 300), bench.few(40, 100), 10, bench.few(3, 8)
	found: dict[str, dict[str, list[float]]] = {
		what: {"pull": [], "bare": []} for what in ("submitted", "saved")
	}
	for number in range(rounds + 1):
		bench.run(bench.producer, "documents.make_and_submit", count=count, rows=1)
		submitted = pull_rate(bench, 2 * count)["rate"] / 2
		bare_submitted = count / bench.run(bench.consumer, "applying.bare_submissions", count=count, rows=1)
		names = bench.run(bench.producer, "documents.make_documents", count=many, rows=1)
		pull_rate(bench, len(names))
		bench.run(bench.producer, "documents.save_often", names=names, times=times)
		saved = pull_rate(bench, len(names) * times)["rate"]
		bare_saved = (
			len(names) * times / bench.run(bench.consumer, "applying.bare_saves", names=names, times=times)
		)
		if number:
			found["submitted"]["pull"].append(submitted)
			found["submitted"]["bare"].append(bare_submitted)
			found["saved"]["pull"].append(saved)
			found["saved"]["bare"].append(bare_saved)
	return [
		ratio(
			"documents inserted and submitted",
			found["submitted"]["pull"],
			found["submitted"]["bare"],
			"≥ 1.4",
			unit_of_samples="documents/s",
		),
		ratio(
			"ten saves of one document",
			found["saved"]["pull"],
			found["saved"]["bare"],
			"≥ 4",
			unit_of_samples="saves/s",
		),
	]


def copying(bench: Bench) -> list[Figure]:
	"""A first copy of documents that exist already ÷ the bare loop of inserts, as rates."""
	count, rounds = bench.few(200, 1_000), bench.few(4, 8)
	found: dict[str, list[float]] = {"copy": [], "bare": []}
	for number in range(rounds + 1):
		bench.start()
		names = bench.run(bench.producer, "documents.make_documents", count=count, rows=1)
		subscribe(bench.consumer, bench.producer, CITY, ORDER)
		copied = count / bench.run(
			bench.consumer, "applying.timed_copy", event_producer=bench.producer.url, names=names
		)
		bare = count / bench.run(bench.consumer, "applying.bare_inserts", count=count, rows=1)
		if number:
			found["copy"].append(copied)
			found["bare"].append(bare)
	return [ratio("first copy", found["copy"], found["bare"], "≥ 0.85", unit_of_samples="documents/s")]


def workers(bench: Bench) -> list[Figure]:
	"""A backlog pulled with a helper ÷ by one worker alone, as rates."""
	bench.start(CITY, ORDER)
	bench.consumer.start_worker()
	count = bench.few(1_000, 4_000)
	found: dict[int, list[float]] = {1: [], 2: []}
	for number in range(bench.few(2, 8) + 1):
		for many in (1, 2) if number % 2 else (2, 1):
			bench.run(bench.producer, "documents.make_documents", count=count, rows=1)
			bench.run(bench.consumer, "applying.set_workers", event_producer=bench.producer.url, workers=many)
			rate = pull_rate(bench, count)["rate"]
			if number:
				found[many].append(rate)
	return [ratio("two workers ÷ one: creates", found[2], found[1], "≥ 1.9", unit_of_samples="documents/s")]


def transactions(bench: Bench) -> list[Figure]:
	"""Applying what was made one by one, or ten in a transaction ÷ the same from a producer that does not say what was made together."""
	bench.start(CITY, ORDER)
	count, rounds = bench.few(200, 500), bench.few(4, 10)
	found: dict[tuple[int, bool], list[float]] = {
		(many, said): [] for many in (1, 10) for said in (True, False)
	}
	for number in range(rounds + 1):
		turns = list(found) if number % 2 else list(reversed(found))
		for many, said in turns:
			bench.run(bench.producer, "documents.make_documents", count=count, rows=1, together=many)
			if not said:
				bench.run(bench.producer, "documents.forget_transactions")
			pulled = pull_rate(bench, count)
			if number:
				found[many, said].append(pulled["cpu"])
	return [
		ratio(
			f"apply, {many} in a transaction: known ÷ not known",
			found[many, True],
			found[many, False],
			"≤ 1.02",
			unit_of_samples="ms of processor each",
		)
		for many in (1, 10)
	]


def pages(bench: Bench) -> list[Figure]:
	"""Reading a page of a long log ÷ of a short one: one site has the one, the other site the other. None of these is kept from
	another reader; what such a page takes is a line of its own."""
	bench.start()
	short, long = bench.few(6_000, 10_000), bench.few(30_000, 100_000)
	consumer, filled = SIMULATED.format(0), []

	def read(site: Any, kept: bool = False) -> list[float]:
		return bench.run(site, "feed.read_pages", consumer=consumer, pages=10, kept=kept)

	for site in (bench.producer, bench.consumer):
		site.run(make_subscriber)
		bench.run(site, "feed.add_consumer", url=consumer, doctypes=[CITY])
		bench.say(f"a log of {short:,} events …")
		filled.append(bench.run(site, "feed.fill_log", count=short))
	level = level_of(read, bench)
	bench.say(f"a log of {long:,} events …")
	filled.append(bench.run(bench.consumer, "feed.fill_log", count=long - short))
	found: dict[str, list[float]] = {"long": [], "short": [], "kept": []}
	for _round in range(bench.few(6, 12)):
		found["short"] += read(bench.producer)
		found["long"] += [milliseconds / level for milliseconds in read(bench.consumer)]
		found["kept"] += [milliseconds / level for milliseconds in read(bench.consumer, kept=True)]
	return [
		ratio(f"a page, {long:,} events ÷ {short:,}", found["long"], found["short"], "≤ 1.05"),
		ratio("a page that is kept for all ÷ read from the log", found["kept"], found["long"], "≤ 1"),
		single("numbering", [log["numbered"] for log in filled], "events/s"),
		Figure("an event of one field in the log", filled[-1]["bytes"], "bytes"),
	]


def travelling(bench: Bench) -> list[Figure]:
	"""What goes over the line ÷ the JSON that is read, of pages of 500 events."""
	bench.start(ORDER)
	count, found = 500, {}
	names = bench.run(bench.producer, "documents.make_documents", count=count, rows=3)
	for what in ("creates", "updates"):
		if what == "updates":
			bench.run(bench.producer, "documents.change_documents", names=names)
		done = bench.run(bench.consumer, "feed.pull_measured", event_producer=bench.producer.url)
		if done["events"] != count:
			raise RuntimeError(f"{done['events']} events came instead of {count}")
		found[what] = done
	return [
		ratio(
			f"bytes of a page of 500 {what}",
			[done["travelled"]],
			[done["read"]],
			"≤ 0.25",
			unit_of_samples="bytes",
		)
		for what, done in found.items()
	]


def level_of(measure: Callable[[Any], list[float]], bench: Bench) -> float:
	"""What the consumer's site takes for the same ÷ the producer's: two sites are never quite alike."""
	found: dict[str, list[float]] = {"producer": [], "consumer": []}
	for _round in range(3):
		for name, site in (("producer", bench.producer), ("consumer", bench.consumer)):
			found[name] += measure(site)
	return median(found["consumer"]) / median(found["producer"])


def backlog(bench: Bench) -> list[Figure]:
	"""The cost of an event in a long backlog ÷ in a short one, and how the memory grows."""
	bench.start(CITY, ORDER)
	short, long = bench.few(200, 1_000), bench.few(2_000, 100_000)
	cost: dict[int, list[float]] = {short: [], long: []}
	memory = []
	plan = [short, short, short, long, short, short, short]
	for count in plan:
		bench.say(f"a backlog of {count:,} events …")
		for begun in range(0, count, PORTION):
			bench.run(bench.producer, "documents.make_documents", count=min(PORTION, count - begun), rows=1)
		done = pull_rate(bench, count)
		cost[count].append(1000 / done["rate"])
		memory.append(done["memory"])
	long_cost = cost[long] * len(cost[short])
	growth = (memory[plan.index(long)] - memory[plan.index(long) - 1]) / 1e6
	return [
		ratio(f"an event of {long:,} waiting ÷ of {short:,}", long_cost, cost[short], "≤ 1.05"),
		Figure(f"memory that {long:,} events add", growth, "MB", target="< 30"),
	]


def queues(bench: Bench) -> list[Figure]:
	"""An insert with 3,000 jobs waiting ÷ with none; jobs that 100 inserts in one transaction queue."""
	bench.start(CITY)
	found: dict[str, list[float]] = {"full": [], "empty": []}
	for _round in range(bench.few(3, 6)):
		bench.run(bench.producer, "queue.empty_queues")
		found["empty"] += bench.run(bench.producer, "queue.inserts_alone", count=30)
		bench.run(bench.producer, "queue.empty_queues")
		bench.run(bench.producer, "queue.queue_jobs", count=3_000)
		found["full"] += bench.run(bench.producer, "queue.inserts_alone", count=30)
	bench.run(bench.producer, "queue.empty_queues")
	jobs = bench.run(bench.producer, "queue.insert_in_one_transaction", count=100)
	bench.run(bench.producer, "queue.empty_queues")
	return [
		ratio("an insert with 3,000 jobs waiting", found["full"], found["empty"], "as without"),
		Figure("jobs for 100 inserts in one transaction", jobs, "jobs", target="1"),
	]


def latency(bench: Bench) -> list[Figure]:
	"""From a document that a person saves on the producer to its row on the consumer, nothing else going on.

	Timed from before the request that saves it: the save itself is in it.
	"""
	bench.start(CITY)
	for site in (bench.producer, bench.consumer):
		site.start_worker()
		site.start_scheduler()
	found = []
	for number in range(bench.few(8, 60) + 2):
		# idle again: whatever lingers has had the time of a slow typist
		sleep(1.5)
		name = f"measured {token_hex(6)}"
		began = time()
		bench.producer.rest().insert({"doctype": CITY, "title": name})
		seen = bench.run(bench.consumer, "applying.wait_for_row", name=name, seconds=90)
		if seen is None:
			raise RuntimeError(f"{name} did not come within 90 s")
		if number >= 2:
			found.append((seen - began) * 1000)
	return [single("a save over REST to the row there, idle", found, "ms", "≤ 250")]


def fan_out(bench: Bench) -> list[Figure]:
	"""50 consumers ÷ one: the cost of a save, and of a page. One site has one of them, the other site all."""
	bench.start()

	def add(site: Any, numbers: range) -> None:
		for number in numbers:
			bench.run(site, "feed.add_consumer", url=SIMULATED.format(number), doctypes=[CITY])

	def save(site: Any) -> list[float]:
		return bench.run(site, "queue.inserts_alone", count=20)

	def read(site: Any) -> list[float]:
		# a page ends where a large transaction does: not between that and what `save` adds
		return bench.run(site, "feed.read_pages", consumer=SIMULATED.format(0), pages=5, upto=filled)

	filled = 3_000
	for site in (bench.producer, bench.consumer):
		site.run(make_subscriber)
		add(site, range(1))
		bench.run(site, "feed.fill_log", count=filled)
	figures, levels = [], [level_of(measure, bench) for measure in (save, read)]
	add(bench.consumer, range(1, 50))
	for what, measure, level in zip(("save", "page"), (save, read), levels, strict=True):
		found: dict[str, list[float]] = {"many": [], "one": []}
		for _round in range(bench.few(6, 20)):
			found["one"] += measure(bench.producer)
			found["many"] += [milliseconds / level for milliseconds in measure(bench.consumer)]
		figures.append(ratio(f"a {what}, 50 consumers ÷ 1", found["many"], found["one"], "as with one"))
	return figures


def verify(bench: Bench) -> list[Figure]:
	"""Comparing documents that are equal on both sites, by digests: seconds for 100,000, and what goes over the line."""
	figures = []
	count, rounds = bench.few(10_000, 100_000), bench.few(2, 3)
	for label, doctype, rows in (("without rows", ORDER, 0), ("with 3 rows", TICKET, 3)):
		bench.start(doctype)
		for site, producer in ((bench.producer, ""), (bench.consumer, bench.producer.url)):
			bench.run(
				site,
				"documents.fill_documents",
				doctype=doctype,
				count=count,
				rows=rows,
				event_producer=producer,
			)
		found: dict[str, list[float]] = {"seconds": [], "kilobytes": [], "whole": []}
		for _round in range(rounds):
			done = bench.run(
				bench.consumer, "comparing.timed_verify", event_producer=bench.producer.url, doctype=doctype
			)
			if done["differing"] or done["documents"] < count:
				raise RuntimeError(f"{done['differing']} of {done['documents']} documents differ")
			found["seconds"].append(done["seconds"] * 100_000 / done["documents"])
			found["kilobytes"].append(done["bytes"] / 1_000)
			found["whole"].append(done["seconds"])
		found["changed"] = verify_changed(bench, doctype, count // 100, rounds)
		figures += [
			single(f"verify, for 100,000 {label}", found["seconds"], "s", "≤ 60"),
			single(f"answers, {count:,} {label}", found["kilobytes"], "KB", "≤ 300"),
			ratio(
				f"verify, 1 % of {count:,} changed ÷ all, {label}", found["changed"], found["whole"], "≤ 0.05"
			),
		]
	return figures


def verify_changed(bench: Bench, doctype: str, count: int, rounds: int) -> list[float]:
	"""Seconds of a verify of what has changed, of which there is so much on both sites."""
	for site in (bench.producer, bench.consumer):
		since = bench.run(site, "comparing.change_some", doctype=doctype, count=count, days_ago=9)
	seconds = []
	for _round in range(rounds):
		done = bench.run(
			bench.consumer,
			"comparing.timed_verify",
			event_producer=bench.producer.url,
			doctype=doctype,
			since=since,
		)
		if done["differing"] or not count <= done["documents"] <= 3 * count:
			raise RuntimeError(f"{done['documents']} documents were compared, {done['differing']} differ")
		seconds.append(done["seconds"])
	return seconds


def stages(bench: Bench) -> list[Figure]:
	"""Where the time of a pull goes, for each event, and what the bare loop takes."""
	bench.start(CITY, ORDER)
	count, found = bench.few(250, 500), {}
	for number in range(bench.few(3, 6) + 1):
		names = bench.run(bench.producer, "documents.make_documents", count=count, rows=1)
		creates = bench.consumer.run(f"{STAGES}.pull_stages", event_producer=bench.producer.url)
		inserts = bench.consumer.run(
			f"{STAGES}.bare_stages", loop="bare_inserts", count=count, arguments={"count": count, "rows": 1}
		)
		bench.run(bench.producer, "documents.change_documents", names=names)
		updates = bench.consumer.run(f"{STAGES}.pull_stages", event_producer=bench.producer.url)
		saves = bench.consumer.run(
			f"{STAGES}.bare_stages", loop="bare_updates", count=count, arguments={"names": names}
		)
		if number:
			for label, stages_of in (
				("pulled create", creates),
				("bare insert", inserts),
				("pulled update", updates),
				("bare update", saves),
			):
				for stage, value in stages_of.items():
					found.setdefault((label, stage), []).append(value)
	return [
		single(f"{label}: {stage}", samples, "" if stage == "statements" else "ms")
		for (label, stage), samples in found.items()
	]


LINES: dict[str, Callable[[Bench], list[Figure]]] = {
	"saves": saves,
	"together": together,
	"applying": applying,
	"as-one": as_one,
	"copying": copying,
	"workers": workers,
	"transactions": transactions,
	"pages": pages,
	"travelling": travelling,
	"backlog": backlog,
	"queues": queues,
	"latency": latency,
	"heard": heard,
	"listeners": listeners,
	"fan-out": fan_out,
	"verify": verify,
	"calls": calls,
	"floors": floors,
	"stages": stages,
}
# no target: they say where the time of other lines goes
ON_DEMAND = ("calls", "floors", "stages")
