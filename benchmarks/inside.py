"""What runs inside a site: the two peers of each line, timed where they run. Times are in milliseconds.

Sites import this module by name (`benchmarks.inside.…`). A peer "without the app" is the same process with the app's
document hooks taken out for the time of the sample.
"""

import gc
import os
from contextlib import contextmanager
from random import shuffle
from statistics import median
from time import perf_counter, process_time

import frappe

from tests.doctypes import CITY, ORDER
from tests.streams import SUBSCRIBER

APP = "event_streaming"
SAMPLE = 20  # saves of each peer in one sample


@contextmanager
def without_app():
	"""The document hooks of all apps but this one, as on a site where it is not installed."""
	kept = frappe.get_doc_hooks()
	frappe.local.doc_events_hooks = {
		doctype: {
			event: [handler for handler in handlers if not handler.startswith(f"{APP}.")]
			for event, handlers in events.items()
		}
		for doctype, events in kept.items()
	}
	try:
		yield
	finally:
		frappe.local.doc_events_hooks = kept


@contextmanager
def with_app():
	yield


@contextmanager
def with_empty_hooks():
	"""As with the app, if its hooks did nothing: what Frappe takes for calling them."""
	from event_streaming.producer.capture import hooks

	kept = {name: hook for name, hook in vars(hooks).items() if name.startswith("capture_")}
	for name in kept:
		setattr(hooks, name, _nothing)
	try:
		yield
	finally:
		for name, hook in kept.items():
			setattr(hooks, name, hook)


def _nothing(*_arguments, **_more) -> None: ...


PEERS = {"ours": with_app, "bare": without_app}
# what no log can do without; "row": one INSERT more, of a row like those that the app logs
FLOORS = {"bare": without_app, "hooks": with_empty_hooks, "row": without_app}


@contextmanager
def no_collection():
	"""Python's garbage collector does not run in the middle of a sample."""
	gc.collect()
	gc.disable()
	try:
		yield
	finally:
		gc.enable()


def order_values(number: int, rows: int) -> dict:
	return {
		"doctype": ORDER,
		"title": f"order {number}",
		"note": "as measured",
		"total": number,
		"rows": [{"item": f"item {row}", "qty": row} for row in range(rows)],
	}


def simple_values(doctype: str, number: int) -> dict:
	if doctype == CITY:
		return {"doctype": CITY, "title": frappe.generate_hash(length=12), "country_name": "Siam"}
	if doctype == "ToDo":
		return {"doctype": "ToDo", "description": f"measured {number}"}
	return {"doctype": "Note", "title": frappe.generate_hash(length=12)}


def number_apart() -> None:
	"""This site's own orders are numbered far from those that come from the other site."""
	from frappe.model.naming import getseries

	# a name with "format:" is counted under the key ""
	getseries("", 5)
	frappe.db.sql("update `tabSeries` set `current` = `current` + 500000 where `name` = ''")


def values_of(doctype: str, number: int, rows: int) -> dict:
	return order_values(number, rows) if doctype == ORDER else simple_values(doctype, number)


def change(doc, number: int) -> None:
	field = {"ToDo": "description", "Note": "content", CITY: "country_name"}.get(doc.doctype, "note")
	doc.set(field, f"changed {number} {perf_counter()}")


def measure_saves(
	doctype: str, rows: int, samples: int, work: str, floors: bool = False
) -> dict[str, list[float]]:
	"""Milliseconds a save (insert or update, with its commit) for each peer, sample by sample.

	Peers take turns with every save, and a sample is the median of SAMPLE saves of each: what the machine does besides
	hits single saves, of either.
	"""
	peers = FLOORS if floors else PEERS
	found: dict[str, list[float]] = {peer: [] for peer in peers}
	for number in range(samples + 1):
		documents = documents_to_save(doctype, rows, number, work, SAMPLE * len(peers))
		sample = saves_in_turns(documents, work, peers, log_row_like(documents[0]) if floors else None)
		if number:
			# the first of each only warms up
			for peer, milliseconds in sample.items():
				found[peer].append(median(milliseconds))
	return found


def documents_to_save(doctype: str, rows: int, number: int, work: str, count: int) -> list:
	documents = [frappe.get_doc(values_of(doctype, number, rows)) for _each in range(count)]
	if work == "update":
		for doc in documents:
			doc.insert()
		frappe.db.commit()
		documents = [frappe.get_doc(doctype, doc.name) for doc in documents]
		for doc in documents:
			change(doc, number)
	return documents


def log_row_like(doc) -> tuple:
	"""What `capture` would log of the document, as far as its size goes."""
	from event_streaming.producer.log.rows import dump
	from event_streaming.wire.difference import snapshot

	state = snapshot(doc)
	data = (
		state
		if doc.is_new()
		else {"changed": {"description": "changed 1 12345.6789", "modified": doc.modified}}
	)
	before = None if doc.is_new() else dump(data)
	now = str(frappe.utils.now_datetime())
	user, name = frappe.session.user, str(doc.name or "0123456789")
	return (now, now, user, user, "Create", doc.doctype, name, dump(data), before, 0, "")


def saves_in_turns(documents: list, work: str, peers: dict, row: tuple | None) -> dict[str, list[float]]:
	from event_streaming.database import bulk_inserting
	from event_streaming.producer.capture.log import COLUMNS, LOG

	taken: dict[str, list[float]] = {peer: [] for peer in peers}
	with no_collection():
		while documents:
			turns = list(peers)
			shuffle(turns)
			for peer in turns:
				doc = documents.pop()
				with peers[peer]():
					began = perf_counter()
					doc.insert() if work == "insert" else doc.save()
					if peer == "row":
						bulk_inserting.insert_numbered(LOG, COLUMNS, [row])
					frappe.db.commit()
					taken[peer].append((perf_counter() - began) * 1000)
	return taken


# ---------------------------------------------------------------- producer: what is to be pulled


def make_documents(count: int, rows: int) -> list[str]:
	names = []
	for number in range(count):
		names.append(frappe.get_doc(order_values(number, rows)).insert().name)
		if number % 100 == 99:
			frappe.db.commit()
	frappe.db.commit()
	return names


def change_documents(names: list[str]) -> None:
	for number, name in enumerate(names):
		doc = frappe.get_doc(ORDER, name)
		change(doc, number)
		doc.save()
		if number % 100 == 99:
			frappe.db.commit()
	frappe.db.commit()


# ---------------------------------------------------------------- consumer: a pull, and the bare loop


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
	from event_streaming.consumer.logs import task
	from event_streaming.consumer.long_work.runner import run_slice

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


def resident_bytes() -> int:
	with open("/proc/self/statm") as opened:
		return int(opened.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# ---------------------------------------------------------------- verify


def fill_documents(doctype: str, count: int, rows: int, event_producer: str = "") -> None:
	"""The same documents on whichever site it is run, past the life cycle; on a consumer they stand for the producer's."""
	from event_streaming.identity.registry import add_new, own_identity

	columns = ["name", "creation", "modified", "owner", "modified_by", "docstatus", "title", "note", "total"]
	columns += ["urgent", "due", "day"]
	row_columns = [
		"name",
		"creation",
		"modified",
		"owner",
		"modified_by",
		"parent",
		"parenttype",
		"parentfield",
	]
	row_columns += ["idx", "item", "qty", "gift"]
	# what other lines have left
	for table in (doctype, "Streamed Order Row"):
		frappe.db.delete(table)
	stamp = ["2026-11-01 10:00:00.123456", "2026-11-02 10:00:00.123456", "Administrator", "Administrator"]
	for start in range(0, count, 5_000):
		numbers = range(start, min(start + 5_000, count))
		values = [
			(
				f"DOC-{number:07}",
				*stamp,
				0,
				f"document {number}",
				"as measured " * 4,
				number * 1.25,
				*ends(number),
			)
			for number in numbers
		]
		frappe.db.bulk_insert(doctype, columns, values)
		row_values = [
			(
				f"r{number:07}{row:02}",
				*stamp,
				f"DOC-{number:07}",
				doctype,
				"rows",
				row + 1,
				f"item {row}",
				row * 2.5,
				0,
			)
			for number in numbers
			for row in range(rows)
		]
		if row_values:
			frappe.db.bulk_insert("Streamed Order Row", row_columns, row_values)
		if event_producer:
			names = [f"DOC-{number:07}" for number in numbers]
			add_new(own_identity(event_producer, (doctype, name), (doctype, name), None) for name in names)
		frappe.db.commit()


def ends(number: int) -> tuple:
	return number % 2, "2026-11-03 12:00:00", "2026-11-04"


def timed_verify(event_producer: str, doctype: str) -> dict:
	"""A verify to its end: seconds, bytes that the producer has answered, documents, and how many differ."""
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.verify import verifying
	from event_streaming.http import client

	received, read = [], client.read_bounded

	def counted(response, url):
		content = read(response, url)
		received.append(len(content))
		return content

	client.read_bounded = counted
	try:
		began = perf_counter()
		name = verifying.begin(event_producer, [doctype]).name
		frappe.db.commit()
		while (done := run_slice(name)).more:
			pass
		seconds = perf_counter() - began
	finally:
		client.read_bounded = read
	if done.task.status != "Done":
		raise RuntimeError(done.task.message)
	return {
		"seconds": seconds,
		"bytes": sum(received),
		"requests": len(received),
		"documents": done.task.done,
		"differing": done.task.differing,
	}


# ---------------------------------------------------------------- the feed


def add_consumer(url: str, doctypes: list[str]) -> None:
	"""A consumer that is approved and that nobody is behind; `not_reachable`, so that nobody is called."""
	frappe.get_doc(
		{
			"doctype": "Event Consumer",
			"callback_url": url,
			"user": SUBSCRIBER,
			"api_key": "key",
			"api_secret": "secret",
			"protocol": 2,
			"not_reachable": 1,
			"consumer_doctypes": [{"ref_doctype": doctype, "status": "Approved"} for doctype in doctypes],
		}
	).insert()
	frappe.db.commit()
	from event_streaming.producer.subscriptions.streamed import refresh_streamed_doctypes

	refresh_streamed_doctypes()


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


def read_pages(consumer: str, pages: int) -> list[float]:
	"""Milliseconds for each of the last pages of the log, as the consumer's own user reads them."""
	from event_streaming.producer.feed.page import get_page
	from event_streaming.producer.log.sequence import head_position
	from event_streaming.site.settings import get_settings

	size = get_settings().events_per_page
	frappe.set_user(SUBSCRIBER)
	found = []
	try:
		cursor = max(head_position() - size * (pages + 1), 0)
		for number in range(pages + 1):
			began = perf_counter()
			page = get_page(consumer, cursor)
			frappe.db.commit()
			milliseconds = (perf_counter() - began) * 1000
			if len(page["events"]) != size:
				raise RuntimeError(f"a page of {len(page['events'])} events instead of {size}")
			cursor = page["cursor"]
			if number:
				found.append(milliseconds)
	finally:
		frappe.set_user("Administrator")
	return found


# ---------------------------------------------------------------- the queue


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


# ---------------------------------------------------------------- latency


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


def versions() -> dict[str, str]:
	import platform
	import sys

	database, at_commit = frappe.db.sql("select version(), @@innodb_flush_log_at_trx_commit")[0]
	return {
		"Frappe": frappe.__version__,
		"engine": frappe.__name__,
		"Python": platform.python_version(),
		"database": database,
		"flush at commit": str(at_commit),
		"from": sys.modules["frappe"].__name__,
	}


# ---------------------------------------------------------------- several workers


def set_workers(event_producer: str, workers: int) -> None:
	frappe.db.set_value("Event Producer", event_producer, "workers", workers)
	frappe.db.commit()
