"""Pulls over a line with priorities or a bound, as they are measured."""

from time import monotonic, sleep

import frappe

from event_streaming.consumer.line.meter import BURST_SECONDS, Meter
from event_streaming.consumer.pull import loop
from tests.doctypes import CITY

LONGEST_SECONDS = 3_000


def set_priorities(event_producer: str, priorities: dict) -> None:
	doc = frappe.get_doc("Event Producer", event_producer)
	for row in doc.producer_doctypes:
		row.priority = priorities[row.ref_doctype]
	doc.save()
	frappe.db.commit()


def make_cities(count: int) -> list[str]:
	names = []
	for _number in range(count):
		city = {"doctype": CITY, "title": frappe.generate_hash(length=12), "country_name": "Siam"}
		names.append(frappe.get_doc(city).insert().name)
		frappe.db.commit()
	return names


def until_there(event_producer: str, names: list[str]) -> dict:
	"""Pull everything; after how many seconds and pages these cities were there."""
	began, pages, there = monotonic(), [], []

	def look(_summary: loop.Summary) -> None:
		pages.append(1)
		if not there and frappe.db.count(CITY, {"name": ["in", names]}) == len(names):
			there.append((monotonic() - began, len(pages)))

	while (summary := loop.pull(event_producer, progress=look)).more:
		pass
	if summary.error or not there:
		raise RuntimeError(summary.error or "the cities are not there")
	return {"seconds": there[0][0], "pages": there[0][1]}


def pull_bounded(event_producer: str, kb_per_second: int) -> dict:
	"""Pull everything under a bound; the bytes are counted once more, beside the bucket."""
	frappe.db.set_value("Event Producer", event_producer, "most_kb_per_second", kb_per_second)
	frappe.db.commit()
	used, count = [], Meter.count

	def counted(self: Meter, number: int) -> None:
		used.append(number)
		count(self, number)

	Meter.count = counted
	began = monotonic()
	try:
		while (summary := loop.pull(event_producer)).more and monotonic() - began < LONGEST_SECONDS:
			sleep(summary.later)
	finally:
		Meter.count = count
	burst = kb_per_second * 1024 * BURST_SECONDS
	return {"bytes": sum(used), "seconds": monotonic() - began, "burst": burst, "left": summary.behind}
