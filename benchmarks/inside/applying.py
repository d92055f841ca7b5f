"""A pull and a first copy, and the bare loops that they are measured by."""

import os
from time import perf_counter, process_time

import frappe

from benchmarks.inside.documents import change, order_values
from benchmarks.inside.peers import without_app
from tests.doctypes import CITY, ORDER
from tests.streams import SUBSCRIBER


def timed_pull(event_producer: str) -> dict:
	"""One pull to the end: seconds, events, and how many requests it made."""
	from event_streaming.consumer.pull.loop import pull
	from event_streaming.http.client import SiteClient

	calls, original = [0], SiteClient.call

	def counted(self, *args, **kwargs):
		calls[0] += 1
		return original(self, *args, **kwargs)

	SiteClient.call = counted
	try:
		began, used = perf_counter(), process_time()
		events, failed = 0, 0
		while True:
			summary = pull(event_producer)
			events, failed = events + summary.events, failed + summary.failed
			if not summary.more:
				break
		seconds = perf_counter() - began
	finally:
		SiteClient.call = original
	if summary.error or failed:
		raise RuntimeError(summary.error or f"{failed} events failed")
	return {
		"seconds": seconds,
		"cpu": process_time() - used,
		"events": events,
		"requests": calls[0],
		"memory": resident_bytes(),
	}


def timed_copy(event_producer: str, names: list[str]) -> float:
	"""Seconds for a first copy of these orders, slice after slice, as the command does it."""
	from event_streaming.consumer.first_copy import copying
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task

	copy = copying.begin(event_producer, [ORDER], [["name", "in", names]])
	frappe.db.commit()
	began = perf_counter()
	while (done := run_slice(copy.name)).more:
		pass
	seconds = perf_counter() - began
	if done.task.status != task.DONE or done.task.made != len(names):
		raise RuntimeError(
			f"{done.task.made} of {len(names)} were made: {done.task.status} {done.task.message}"
		)
	return seconds


def bare_inserts(count: int, rows: int) -> float:
	"""Seconds for the loop that everybody would write: doc.insert(), commit, as the same user."""
	frappe.set_user(SUBSCRIBER)
	try:
		with without_app():
			began = perf_counter()
			for number in range(count):
				frappe.get_doc(order_values(number, rows)).insert()
				frappe.db.commit()
			return perf_counter() - began
	finally:
		frappe.set_user("Administrator")


def bare_updates(names: list[str]) -> float:
	"""Seconds for: load, change, save, commit."""
	frappe.set_user(SUBSCRIBER)
	try:
		with without_app():
			began = perf_counter()
			for number, name in enumerate(names):
				doc = frappe.get_doc(ORDER, name)
				change(doc, number)
				doc.save()
				frappe.db.commit()
			return perf_counter() - began
	finally:
		frappe.set_user("Administrator")


def bare_submissions(count: int, rows: int) -> float:
	"""Seconds for: insert, submit, commit."""
	frappe.set_user(SUBSCRIBER)
	try:
		with without_app():
			began = perf_counter()
			for number in range(count):
				frappe.get_doc(order_values(number, rows)).insert().submit()
				frappe.db.commit()
			return perf_counter() - began
	finally:
		frappe.set_user("Administrator")


def bare_saves(names: list[str], times: int) -> float:
	"""Seconds for as many times, for each document: load, change, save, commit."""
	began = 0.0
	for name in names:
		began += bare_updates([name] * times)
	return began


def resident_bytes() -> int:
	with open("/proc/self/statm") as opened:
		return int(opened.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def set_workers(event_producer: str, workers: int) -> None:
	frappe.db.set_value("Event Producer", event_producer, "workers", workers)
	frappe.db.commit()


def wait_for_row(name: str, seconds: float) -> float | None:
	"""The moment at which the document is to be seen here; looked for every 2 ms."""
	import time

	deadline = time.time() + seconds
	while time.time() < deadline:
		frappe.db.rollback()
		if frappe.db.sql(f"select 1 from `tab{CITY}` where name = %s", (name,)):
			return time.time()
		time.sleep(0.002)
	return None
