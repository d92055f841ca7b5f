"""Jobs that wait, and what saving costs with them."""

from time import perf_counter

import frappe

from benchmarks.inside.documents import simple_values
from tests.doctypes import CITY


def insert_in_one_transaction(count: int) -> int:
	"""How many jobs that many inserts in one transaction have queued."""
	from frappe.utils.background_jobs import get_queue, get_queue_list

	def waiting() -> int:
		return sum(get_queue(name).count for name in get_queue_list())

	frappe.cache.delete(frappe.cache.make_key("event_streaming:notification_queued"))
	before = waiting()
	for _number in range(count):
		frappe.get_doc(simple_values(CITY, 0)).insert()
	frappe.db.commit()
	return waiting() - before


def queue_jobs(count: int) -> None:
	"""Past `frappe.enqueue`, which takes no more than some hundreds on Frappe 16."""
	from frappe.utils.background_jobs import get_queue

	queue = get_queue("long")
	for _number in range(count):
		queue.enqueue_call("frappe.ping")


def empty_queues() -> None:
	from frappe.utils.background_jobs import get_queue, get_queue_list

	for name in get_queue_list():
		get_queue(name).empty()


def inserts_alone(count: int) -> list[float]:
	"""Milliseconds for each insert with its commit; the first of them may queue a notification."""
	found = []
	frappe.cache.delete(frappe.cache.make_key("event_streaming:notification_queued"))
	for _number in range(count):
		doc = frappe.get_doc(simple_values(CITY, 0))
		began = perf_counter()
		doc.insert()
		frappe.db.commit()
		found.append((perf_counter() - began) * 1000)
	return found
