"""What happened while a shop was away, and how it catches up: with what saves bytes, and as a version did it that knew nothing of it."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import frappe

from benchmarks.inside.documents import order_values, simple_values
from tests.doctypes import CITY, ORDER

# of the changes of a day so many are of a fifth of the documents
HOT = 0.8


def make_shop(orders: int, cities: int) -> dict[str, list[str]]:
	"""What both sites have before the shop goes."""
	found: dict[str, list[str]] = {ORDER: [], CITY: []}
	for doctype, count in ((ORDER, orders), (CITY, cities)):
		for number in range(count):
			values = order_values(number, 3) if doctype == ORDER else simple_values(CITY, number)
			found[doctype].append(frappe.get_doc(values).insert().name)
			frappe.db.commit()
	return found


def work_on(names: dict[str, list[str]], changes: int, new: int, seed: int) -> int:
	"""Changes and new documents as people make them, one by one and mixed; the same for the same seed. Returns how many events."""
	drawn = random.Random(seed)
	everything = [(doctype, name) for doctype, some in names.items() for name in some]
	drawn.shuffle(everything)
	hot = everything[: len(everything) // 5]
	steps = [True] * changes + [False] * new
	drawn.shuffle(steps)
	for number, is_change in enumerate(steps):
		if is_change:
			doctype, name = drawn.choice(hot if drawn.random() < HOT else everything)
			doc = frappe.get_doc(doctype, name)
			if doctype == ORDER:
				doc.note, doc.total = f"change {number} of {seed}", number
				doc.rows[drawn.randrange(len(doc.rows))].qty = number
			else:
				doc.country_name = f"country {number} of {seed}"
			doc.save()
		else:
			frappe.get_doc(order_values(number, 3)).insert()
		frappe.db.commit()
	return len(steps)


@contextmanager
def counted() -> Iterator[dict[str, Any]]:
	"""Bytes of requests and of answers as they go over the line, and how many requests."""
	from event_streaming.http import client

	found = {"sent": 0, "travelled": 0, "requests": 0}
	read, send = client.read_bounded, client.SiteClient._send

	def measured(response: Any, url: str) -> bytes:
		content = read(response, url)
		found["travelled"] += response.raw.tell()
		return content

	def sending(self: Any, verb: str, path: str, body: dict | None, times: tuple) -> tuple:
		found["sent"] += len(json.dumps(body, default=str)) if body else 0
		found["requests"] += 1
		return send(self, verb, path, body, times)

	client.read_bounded, client.SiteClient._send = measured, sending
	began = perf_counter()
	try:
		yield found
	finally:
		client.read_bounded, client.SiteClient._send = read, send
		found["seconds"] = perf_counter() - began
		found["bytes"] = found["sent"] + found["travelled"]


def catch_up(event_producer: str, plain: bool) -> dict[str, Any]:
	"""A pull to the end; `plain`: each step of each document comes."""
	from event_streaming.consumer.folding.far_behind import FarBehind
	from event_streaming.consumer.pull.loop import pull

	original = FarBehind.look_at
	if plain:
		FarBehind.look_at = lambda *_args: None
	failed = 0
	try:
		with counted() as found:
			while True:
				summary = pull(event_producer)
				failed += summary.failed
				if not summary.more:
					break
	finally:
		FarBehind.look_at = original
	if summary.error or failed:
		raise RuntimeError(summary.error or f"{failed} events failed")
	return found


def differ_here(count: int) -> None:
	"""So many orders have got another value here, past the life cycle."""
	for name in frappe.get_all(ORDER, pluck="name", limit=count, order_by="name"):
		frappe.db.set_value(ORDER, name, "note", "of the shop", update_modified=False)
	frappe.db.commit()


def copy_again(event_producer: str, plain: bool) -> dict[str, Any]:
	"""A repeated copy of all orders; `plain`: all of them travel again."""
	from event_streaming.consumer.first_copy import copying
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task

	original = copying.known_after
	if plain:
		copying.known_after = lambda *_args: None
	try:
		with counted() as found:
			begun = copying.begin(event_producer, [ORDER])
			frappe.db.commit()
			while (done := run_slice(begun.name)).more:
				pass
	finally:
		copying.known_after = original
	if done.task.status != task.DONE or done.task.made or done.task.failed:
		raise RuntimeError(f"{done.task.status}: {done.task.made} made, {done.task.failed} failed")
	return {**found, "here": done.task.here, "differing": sum(done.task.report.get("warnings", {}).values())}
