"""Many consumers of one producer: making them, what they are asked for, and what is written for them."""

from collections.abc import Callable
from time import perf_counter

import frappe

from benchmarks.inside.documents import simple_values
from tests.doctypes import CITY
from tests.streams import SUBSCRIBER

TABLES = "tabEvent%"
# of this app's tables, what is written because somebody has asked
OF_READING = ("Event Update Log Consumer", "Event Delivery Hour")


def add_consumers(url: str, numbers: list[int], condition: str = "") -> None:
	"""Consumers of cities that are approved, with nobody behind them; `condition` has a place for the number."""
	from event_streaming.producer.log.sequence import assign_positions
	from event_streaming.producer.subscriptions.streamed import refresh_streamed_doctypes

	for number in numbers:
		row = {"ref_doctype": CITY, "status": "Approved", "condition": condition.format(number)}
		consumer = {"doctype": "Event Consumer", "callback_url": url.format(number), "user": SUBSCRIBER}
		frappe.get_doc({**consumer, "protocol": 2, "consumer_doctypes": [row]}).insert()
		frappe.db.commit()
	refresh_streamed_doctypes()
	take_all(assign_positions())


def take_all(head: int) -> None:
	"""As if each consumer had asked: all of them have taken everything."""
	set_all("position", head)


def looks(count: int, expected: int) -> list[float]:
	"""Milliseconds in which it is found out for whom ten new cities are, of which the first consumer wants all."""
	from event_streaming.producer.notify import notifications

	return timed_looks(lambda head: len(notifications.due_consumers()), count, expected)


def looks_among_listeners(count: int, expected: int) -> list[float]:
	"""The same where all of them listen; with the messages, that go to Redis."""
	from event_streaming.producer.notify import listeners

	set_all("listens", 1)
	try:
		return timed_looks(listeners.tell_listeners, count, expected)
	finally:
		set_all("listens", 0)


def set_all(field: str, value: int) -> None:
	table = frappe.qb.DocType("Event Consumer")
	frappe.qb.update(table).set(table[field], value).run()
	frappe.db.commit()


def timed_looks(look: Callable[[int], int], count: int, expected: int) -> list[float]:
	from event_streaming.producer.log.sequence import assign_positions

	found = []
	for number in range(count + 2):
		for _each in range(10):
			frappe.get_doc({**simple_values(CITY, number), "country_name": "branch 0"}).insert()
		frappe.db.commit()
		head = assign_positions()
		began = perf_counter()
		told = look(head)
		milliseconds = (perf_counter() - began) * 1000
		if told != expected:
			raise RuntimeError(f"{told} consumers are to be told instead of {expected}")
		take_all(head)
		if number >= 2:
			found.append(milliseconds)
	return found


def change_cities(count: int) -> int:
	"""So many events of cities that exist, numbered; returns the head."""
	from event_streaming.producer.capture.log import write
	from event_streaming.producer.log.sequence import position_of_all

	names = frappe.get_all(CITY, pluck="name", limit=500) or [
		frappe.get_doc(simple_values(CITY, number)).insert().name for number in range(500)
	]
	for number in range(count):
		changed = {"country_name": f"Siam {number}", "modified": "2026-11-23 12:00:00.000001"}
		write(CITY, names[number % len(names)], "Update", {"changed": changed}, {"changed": changed})
		if number % 2_000 == 1_999:
			frappe.db.commit()
	frappe.db.commit()
	return position_of_all()


def footprint() -> dict[str, int]:
	"""Rows that were written because somebody has asked, and bytes of all of the app's tables with their indexes."""
	tables = frappe.db.sql_list("SHOW TABLES LIKE %s", TABLES)
	frappe.db.sql(f"ANALYZE TABLE {', '.join(f'`{table}`' for table in tables)}")
	sizes = frappe.db.sql(
		"""SELECT SUM(data_length + index_length) FROM information_schema.tables
		WHERE table_schema = DATABASE() AND table_name LIKE %s""",
		TABLES,
	)
	there = [doctype for doctype in OF_READING if frappe.db.table_exists(doctype)]
	return {"rows": sum(frappe.db.count(doctype) for doctype in there), "bytes": int(sizes[0][0])}
