"""Lines about a bad line: how soon rows of high priority are there, and what a bound in KB a second lets through."""

from typing import Any

from benchmarks.figures import Figure, ratio
from benchmarks.lines import PORTION, Bench
from tests.doctypes import CITY, ORDER

FEW_HIGH = 10
ALIKE = {ORDER: "Normal", CITY: "Normal"}
CITIES_FIRST = {ORDER: "Low", CITY: "High"}
KB_PER_SECOND = 10


def priorities(bench: Bench) -> list[Figure]:
	"""A backlog of many low rows with a few high ones behind: until these are there, without priorities ÷ with."""
	bench.start(CITY, ORDER)
	count = bench.few(1_000, 20_000)
	found: dict[str, list[float]] = {"alike": [], "first": []}
	requests: dict[str, list[int]] = {"alike": [], "first": []}
	for _round in range(bench.few(2, 3)):
		for kind, wanted in (("alike", ALIKE), ("first", CITIES_FIRST)):
			bench.run(
				bench.consumer, "line.set_priorities", event_producer=bench.producer.url, priorities=wanted
			)
			make_backlog(bench, count)
			names = bench.run(bench.producer, "line.make_cities", count=FEW_HIGH)
			done = bench.run(
				bench.consumer, "line.until_there", event_producer=bench.producer.url, names=names
			)
			found[kind].append(done["seconds"])
			requests[kind].append(done["pages"])
	label = f"{FEW_HIGH} high rows behind {count:,} low ones"
	pages = Figure(f"{label}: pages until they are there", max(requests["first"]), "pages", target="1")
	pages.note = f"{max(requests['alike'])} without priorities"
	return [
		ratio(f"{label}: without priorities ÷ with", found["alike"], found["first"], unit_of_samples="s"),
		pages,
	]


def make_backlog(bench: Bench, count: int) -> None:
	for begun in range(0, count, PORTION):
		bench.run(bench.producer, "documents.make_documents", count=min(PORTION, count - begun), rows=1)


def bound(bench: Bench) -> list[Figure]:
	"""What goes over the line with *Most KB per Second*, past the two seconds that may go at once ÷ the bound."""
	bench.start(CITY, ORDER)
	make_backlog(bench, bench.few(2_000, 20_000))
	arguments: dict[str, Any] = {"event_producer": bench.producer.url, "kb_per_second": KB_PER_SECOND}
	done = bench.run(bench.consumer, "line.pull_bounded", **arguments)
	if done["left"]:
		raise RuntimeError("the backlog did not come to its end")
	used = (done["bytes"] - done["burst"]) / done["seconds"] / 1024
	note = f"{used:.3g} ÷ {KB_PER_SECOND} KB/s, {done['bytes'] / 1024:.0f} KB in {done['seconds']:.0f} s"
	return [
		Figure(
			f"KB a second ÷ a bound of {KB_PER_SECOND}", used / KB_PER_SECOND, "×", target="≤ 1.05", note=note
		)
	]
