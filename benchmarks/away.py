"""The lines of a shop that was away: catching up, and a copy that is run again, each with what saves bytes ÷ without."""

from typing import TYPE_CHECKING, Any

from benchmarks.figures import Figure, ratio
from tests.doctypes import CITY, ORDER

if TYPE_CHECKING:
	from benchmarks.lines import Bench

# of a day: what people change, and what they make
CHANGES, NEW = 400, 20
ORDERS, CITIES = 200, 100
TARGETS = {3: "≤ 0.8", 30: "≤ 0.3"}


def away(bench: "Bench") -> list[Figure]:
	"""3 days (with --long 30 as well) of 300 documents that are changed again and again; and a repeated copy."""
	figures = []
	for days in (3, 30) if bench.long else (3,):
		figures += after_days(bench, days)
	return figures + copied_again(bench)


def after_days(bench: "Bench", days: int) -> list[Figure]:
	bench.start(CITY, ORDER)
	names = bench.run(bench.producer, "away.make_shop", orders=ORDERS, cities=CITIES)
	bench.run(bench.consumer, "away.catch_up", event_producer=bench.producer.url, plain=True)
	found: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
	for number in range(bench.few(2, 2)):
		for plain in (True, False) if number % 2 else (False, True):
			bench.run(
				bench.producer,
				"away.work_on",
				names=names,
				changes=CHANGES * days,
				new=NEW * days,
				seed=number,
			)
			done = bench.run(bench.consumer, "away.catch_up", event_producer=bench.producer.url, plain=plain)
			found[plain].append(done)
	return compared(f"after {days} days away", found, TARGETS[days])


def copied_again(bench: "Bench") -> list[Figure]:
	"""1 % of the orders are not as on the producer."""
	bench.start(ORDER)
	count = bench.few(2_000, 10_000)
	for site, producer in ((bench.producer, ""), (bench.consumer, bench.producer.url)):
		bench.run(
			site, "documents.fill_documents", doctype=ORDER, count=count, rows=3, event_producer=producer
		)
	bench.run(bench.consumer, "away.differ_here", count=count // 100)
	found: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
	for number in range(bench.few(3, 5) + 1):
		for plain in (True, False) if number % 2 else (False, True):
			done = bench.run(
				bench.consumer, "away.copy_again", event_producer=bench.producer.url, plain=plain
			)
			if done["here"] != count or (not plain and done["differing"] != count // 100):
				raise RuntimeError(f"{done['here']} of {count} are here, {done['differing']} differ")
			if number:
				found[plain].append(done)
	return compared(f"a repeated copy of {count:,}", found, "≤ 0.3")


def compared(name: str, found: dict[bool, list[dict[str, Any]]], target: str) -> list[Figure]:
	return [
		ratio(
			f"{name}: {what}",
			[done[key] for done in found[False]],
			[done[key] for done in found[True]],
			target if key == "bytes" else "",
			unit_of_samples=unit,
		)
		for key, what, unit in (
			("bytes", "bytes", "bytes"),
			("requests", "requests", "requests"),
			("seconds", "seconds", "s"),
		)
	]
