"""The log of the producer: filling it, and reading its pages."""

from time import perf_counter
from typing import Any

import frappe

from benchmarks.inside.documents import simple_values
from tests.doctypes import CITY
from tests.streams import SUBSCRIBER, make_event_consumer


def add_consumer(url: str, doctypes: list[str]) -> None:
	"""A consumer that is approved and that nobody is behind; `not_reachable`, so that nobody is called."""
	rows = [{"ref_doctype": doctype, "status": "Approved"} for doctype in doctypes]
	make_event_consumer(url, rows, protocol=2, not_reachable=1)


def fill_log(count: int) -> dict[str, float]:
	"""Numbered events of documents that exist; returns how many were numbered in a second, and bytes of an event on disk."""
	from event_streaming.producer.capture.log import write
	from event_streaming.producer.log.sequence import assign_positions

	names = frappe.get_all(CITY, pluck="name", limit=500) or [
		frappe.get_doc(simple_values(CITY, number)).insert().name for number in range(500)
	]
	for number in range(count):
		name = names[number % len(names)]
		write(
			CITY,
			name,
			"Update",
			{"changed": {"country_name": f"Siam {number}", "modified": "2026-11-23 12:00:00.000001"}},
			{"changed": {"country_name": f"Siam {number - 1}", "modified": "2026-11-23 12:00:00.000000"}},
		)
		if number % 2000 == 1999:
			frappe.db.commit()
	frappe.db.commit()
	began, last, head = perf_counter(), -1, assign_positions()
	while head > last:
		last, head = head, assign_positions()
	seconds = perf_counter() - began
	return {"numbered": count / seconds, "bytes": bytes_of_log() / head}


def bytes_of_log() -> int:
	"""With its indexes, as the database counts them."""
	frappe.db.sql("analyze table `tabEvent Update Log`")
	sizes = frappe.db.sql(
		"""select data_length + index_length from information_schema.tables
		where table_schema = database() and table_name = 'tabEvent Update Log'"""
	)
	return sizes[0][0]


def read_pages(consumer: str, pages: int, kept: bool = False, upto: int = 0) -> list[float]:
	"""Milliseconds for each of the last pages of the log, or of those before a position, as the consumer's own user reads them: from the
	log, or `kept`, as what another reader was given before."""
	from event_streaming.producer.log.sequence import head_position
	from event_streaming.site.settings import get_settings

	size = get_settings().events_per_page
	frappe.set_user(SUBSCRIBER)
	found = []
	try:
		cursor = max((upto or head_position()) - size * (pages + 1), 0)
		for number in range(pages + 1):
			forget_pages()
			if kept:
				# what one has asked for before is kept for the next
				for _reader in range(2):
					read_page(consumer, cursor)
			page, milliseconds, from_log = read_page(consumer, cursor)
			if len(page["events"]) != size:
				raise RuntimeError(f"a page of {len(page['events'])} events instead of {size}")
			if from_log == kept:
				raise RuntimeError(f"a page {'from the log' if from_log else 'that was kept'}")
			cursor = page["cursor"]
			if number:
				found.append(milliseconds)
	finally:
		frappe.set_user("Administrator")
	return found


def read_page(consumer: str, cursor: int) -> tuple[dict, float, bool]:
	"""One page, its milliseconds, and whether the log was read for it."""
	from event_streaming.producer.feed import page, shared

	read_slice, read = shared.read_slice, []

	def noted(*arguments: Any) -> Any:
		read.append(1)
		return read_slice(*arguments)

	shared.read_slice = noted
	try:
		began = perf_counter()
		found = page.get_page(consumer, cursor)
		frappe.db.commit()
		return found, (perf_counter() - began) * 1000, bool(read)
	finally:
		shared.read_slice = read_slice


def forget_pages() -> None:
	from event_streaming.producer.feed.shared import PREFIX

	for key in frappe.cache.get_keys(PREFIX):
		frappe.cache.delete(key)


def pull_measured(event_producer: str) -> dict[str, int]:
	"""One pull to the end: bytes of the answers as they came over the line, and as they were read; and the events."""
	from event_streaming.consumer.pull.loop import pull
	from event_streaming.http import client

	found, read = {"travelled": 0, "read": 0, "events": 0}, client.read_bounded

	def measured(response: Any, url: str) -> bytes:
		content = read(response, url)
		found["travelled"] += response.raw.tell()
		found["read"] += len(content)
		return content

	client.read_bounded = measured
	try:
		while (summary := pull(event_producer)).more:
			found["events"] += summary.events
	finally:
		client.read_bounded = read
	return {**found, "events": found["events"] + summary.events}
