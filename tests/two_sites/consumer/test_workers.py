"""Several workers on one producer's backlog: everything arrives once, each document's events in order, failures stay alone.

The pull runs in one process of the consumer, its helper in the site's own worker: two real workers.
"""

import pytest
from doctypes import CITY, ORDER, TICKET, make_doctype
from documents import change, insert, read_doc, read_rows, unique
from logs import sync_logs, update_logs
from streams import pull, subscribe

from tests.database.dialects import is_at_work

PLACE, VISIT = "Met Place", "Met Visit"
pytestmark = pytest.mark.usefixtures("orders")


def with_workers(consumer, producer, *doctypes, workers: int = 2, **row_values) -> None:
	subscribe(consumer, producer, *doctypes, **row_values)
	consumer.run(change, doctype="Event Producer", name=producer.url, workers=workers)


def pull_with_helper(event_producer: str, undivided: bool = True) -> dict:
	"""A pull that begins with a page's lanes when its helper has come; says what was done by whom.

	With `undivided` False, every event is taken for one that has to do with no other. The pull begins alone then: its helper
	gets the other lanes when the document that all need is made here and not committed, so that they meet whoever is slow.
	"""
	import time

	from event_streaming.consumer.workers import crew, footprints, shared_page
	from event_streaming.database.locks import locks_held
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node
	from event_streaming.identity import registry

	hand_out, next_lane = crew.Crew.hand_out, crew.Crew.next_lane
	attempt, components = shared_page.try_event, footprints.components
	seen = {"here": 0, "lanes": 0, "met": False}
	kept_back: list = []

	def waited_for(self, what, seconds):
		until = time.monotonic() + seconds
		while not what() and time.monotonic() < until:
			# one that had nothing to do for some seconds has gone
			self.call_helpers()
			time.sleep(0.02)
		return what()

	def hand_out_to_helper(self, lanes):
		waited_for(self, lambda: locks_held([crew.helper_lock(event_producer, 1)]), 60)
		seen["lanes"] += len(lanes)
		if undivided:
			hand_out(self, lanes)
		else:
			kept_back.append((self, lanes))

	def first_lane_alone(self):
		return kept_back[0][1].pop(0) if kept_back and not seen["here"] else next_lane(self)

	def counted(*args, **kwargs):
		seen["here"] += 1
		outcome = attempt(*args, **kwargs)
		if kept_back:
			# as at the end of a group
			registry.write_kept()
			the_crew, lanes = kept_back.pop()
			hand_out(the_crew, lanes)
			seen["met"] = waited_for(the_crew, somebody_waits, 60)
		return outcome

	crew.Crew.hand_out, crew.Crew.next_lane = hand_out_to_helper, first_lane_alone
	shared_page.try_event = counted
	if not undivided:
		footprints.components = lambda touched: [[number] for number in range(len(touched))]
	try:
		return {**seen, **pull_from_node(event_producer), **seen}
	finally:
		crew.Crew.hand_out, crew.Crew.next_lane = hand_out, next_lane
		shared_page.try_event, footprints.components = attempt, components


def somebody_waits() -> bool:
	"""Whether another connection has been writing an identity for a while: it waits for the transaction of this one."""
	return is_at_work("INSERT%Event Document Identity%")


def make_orders(prefix: str, cities: list, count: int, doctype: str = ORDER) -> list[str]:
	"""Orders that link to the cities in turn; each is changed twice, the third ones are submitted, the seventh deleted.

	Each change is a transaction of its own: what is made together is not shared.
	"""
	import frappe

	names = []
	for number in range(count):
		city = cities[number % len(cities)]
		values = {"title": f"{prefix} {number}", "city": city, "rows": [{"item": "bolt", "qty": 1}]}
		names.append(frappe.get_doc({"doctype": doctype, **values}).insert().name)
		frappe.db.commit()
	for round_ in (1, 2):
		for name in names:
			doc = frappe.get_doc(doctype, name)
			doc.note = f"round {round_}"
			doc.rows[0].qty += round_
			doc.save()
			frappe.db.commit()
	for name in names[::3]:
		frappe.get_doc(doctype, name).submit()
		frappe.db.commit()
	for name in names[1::7]:
		if frappe.db.get_value(doctype, name, "docstatus") == 0:
			frappe.delete_doc(doctype, name)
			frappe.db.commit()
	return names


def make_cities(prefix: str, count: int) -> list[str]:
	import frappe

	names = []
	for number in range(count):
		names.append(frappe.get_doc({"doctype": CITY, "title": f"{prefix} {number}"}).insert().name)
		frappe.db.commit()
	return names


def check_each_event_once_and_in_order(producer, consumer) -> None:
	logs = sync_logs(consumer)
	assert {log["status"] for log in logs} == {"Synced"}, [log["error"] for log in logs if log["error"]]
	wanted, came = {}, {}
	for log in update_logs(producer):
		wanted.setdefault((log["ref_doctype"], log["docname"]), []).append(str(log["name"]))
	for log in logs:
		came.setdefault((log["remote_doctype"], log["producer_doc"]), []).append(log["event_id"])
	assert came == wanted
	(state,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={})
	assert state["position"] == max(log["position"] for log in update_logs(producer))


def check_same(producer, consumer, doctype: str, names: list) -> None:
	for name in names:
		here, there = (site.run(read_doc, doctype=doctype, name=name) for site in (consumer, producer))
		assert bool(here) == bool(there), name
		if there:
			for field in ("note", "docstatus", "city", "modified"):
				assert here[field] == there[field], (name, field)
			assert [row["qty"] for row in here["rows"]] == [row["qty"] for row in there["rows"]]


def count_of(doctype: str, prefix: str, field: str = "title") -> int:
	import frappe

	return frappe.db.count(doctype, {field: ["like", f"{prefix}%"]})


def test_two_workers_bring_a_backlog_once_and_each_documents_events_in_order(producer, consumer):
	"""The cities are not subscribed to: missing dependencies that several orders share."""
	with_workers(consumer, producer, ORDER)
	prefix = unique("shared")
	cities = producer.run(make_cities, prefix=prefix, count=8)
	names = producer.run(make_orders, prefix=prefix, cities=cities, count=24)
	producer.run(rename_order, old=names[2], new=f"{names[2]}-renamed")
	more = producer.run(make_orders, prefix=prefix, cities=cities, count=24)
	consumer.start_worker()

	done = consumer.run(pull_with_helper, event_producer=producer.url)

	assert (done["error"], done["failed"], done["synced"]) == ("", 0, len(update_logs(producer)))
	assert done["lanes"] > 2
	# the rename is not shared, and the helper did a good part of the others
	assert 0 < done["here"] < done["synced"] - 10
	check_each_event_once_and_in_order(producer, consumer)
	check_same(producer, consumer, ORDER, [*names, f"{names[2]}-renamed", *more])
	assert consumer.run(count_of, doctype=CITY, prefix=prefix) == 8


def rename_order(old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(ORDER, old, new, force=True)


def test_documents_that_link_to_others_of_the_page_come_after_them(producer, consumer):
	"""Tickets get names of this site's own, from a counter: none is left out, none given twice."""
	with_workers(
		consumer,
		producer,
		{"ref_doctype": CITY, "use_same_name": 1},
		{"ref_doctype": ORDER, "use_same_name": 1},
		{"ref_doctype": TICKET, "use_same_name": 0},
	)
	prefix = unique("linked")
	cities = producer.run(make_cities, prefix=prefix, count=10)
	names = producer.run(make_orders, prefix=prefix, cities=cities, count=10)
	producer.run(make_orders, prefix=prefix, cities=cities[:2], count=6, doctype=TICKET)
	consumer.start_worker()

	done = consumer.run(pull_with_helper, event_producer=producer.url)

	assert (done["error"], done["failed"]) == ("", 0)
	check_each_event_once_and_in_order(producer, consumer)
	assert not [log for log in sync_logs(consumer) if "made first" in (log["outcome"] or "")]
	check_same(producer, consumer, ORDER, names)
	there = producer.run(count_of, doctype=TICKET, prefix=prefix)
	assert consumer.run(count_of, doctype=TICKET, prefix=prefix) == there > 0


def test_a_document_that_two_workers_bring_at_the_same_time_is_made_once(producer, consumer):
	"""Whatever the lanes are: here they are cut as if no event had to do with another one of a different document.

	Nothing but their identity tells two places of the same title from each other.
	"""
	for site in (producer, consumer):
		site.run(make_visit_doctypes)
	with_workers(
		consumer,
		producer,
		{"ref_doctype": PLACE, "use_same_name": 0},
		{"ref_doctype": VISIT, "use_same_name": 1},
	)
	prefix = unique("met")
	producer.run(make_visits, prefix=prefix, count=60)
	# time enough for a helper that is slow to come
	consumer.run(
		change, doctype="Event Streaming Settings", name="Event Streaming Settings", slice_seconds=240
	)
	consumer.start_worker()

	done = consumer.run(pull_with_helper, event_producer=producer.url, undivided=False)

	assert done["met"], "they never met: this has shown nothing"
	assert (done["error"], done["failed"], done["synced"]) == ("", 0, 61)
	check_each_event_once_and_in_order(producer, consumer)
	assert consumer.run(count_of, doctype=PLACE, prefix=prefix) == 1
	assert consumer.run(count_of, doctype=VISIT, prefix=prefix) == 60


def make_visit_doctypes() -> None:
	title = {"fieldname": "title", "label": "Title", "fieldtype": "Data"}
	place = {"fieldname": "place", "label": "Place", "fieldtype": "Link", "options": PLACE}
	make_doctype(PLACE, [title], autoname="hash")
	make_doctype(VISIT, [title, place], autoname="hash")


def make_visits(prefix: str, count: int) -> None:
	"""All to one place, which is made first."""
	import frappe

	place = frappe.get_doc({"doctype": PLACE, "title": prefix}).insert().name
	for number in range(count):
		frappe.get_doc({"doctype": VISIT, "title": f"{prefix} {number}", "place": place}).insert()


def test_a_failing_document_holds_back_only_its_own(producer, consumer):
	with_workers(consumer, producer, CITY)
	prefix = unique("failing")
	names = producer.run(make_cities, prefix=prefix, count=60)
	for taken in (names[7], names[40]):
		consumer.run(insert, doctype=CITY, title=taken)
		producer.run(change, doctype=CITY, name=taken, country_name="Siam")
	producer.run(change, doctype=CITY, name=names[8], country_name="Laos")
	consumer.start_worker()

	done = consumer.run(pull_with_helper, event_producer=producer.url)

	assert (done["error"], done["synced"], done["failed"]) == ("", 59, 4)
	statuses = {}
	for log in sync_logs(consumer):
		statuses.setdefault(log["producer_doc"], []).append(log["status"])
	assert statuses.pop(names[7]) == statuses.pop(names[40]) == ["Failed", "Waiting"]
	assert {status for each in statuses.values() for status in each} == {"Synced"}
	assert len(statuses) == 58 and statuses[names[8]] == ["Synced", "Synced"]


def test_without_anybody_to_help_the_pull_does_it_alone(producer, consumer):
	with_workers(consumer, producer, CITY, workers=4)
	consumer.run(
		change, doctype="Event Streaming Settings", name="Event Streaming Settings", events_per_page=50
	)
	producer.run(make_cities, prefix=unique("alone"), count=150)

	summary = pull(consumer, producer)

	assert (summary["synced"], summary["failed"]) == (150, 0)
	check_each_event_once_and_in_order(producer, consumer)


def test_a_slice_that_is_over_at_once_gets_on_all_the_same(producer, consumer):
	with_workers(consumer, producer, CITY)
	producer.run(make_cities, prefix=unique("hurry"), count=120)

	slices = consumer.run(pull_in_short_slices, event_producer=producer.url)

	assert 2 <= slices <= 5
	check_each_event_once_and_in_order(producer, consumer)


def pull_in_short_slices(event_producer: str) -> int:
	from event_streaming.consumer.pull.loop import pull

	slices = 1
	while pull(event_producer, seconds=0.001).more and slices < 10:
		slices += 1
	return slices


def test_a_helper_that_comes_too_late_does_nothing(producer, consumer):
	with_workers(consumer, producer, CITY)
	producer.run(make_cities, prefix=unique("late"), count=50)
	pull(consumer, producer)

	consumer.run(help_late, event_producer=producer.url)

	check_each_event_once_and_in_order(producer, consumer)


def help_late(event_producer: str) -> None:
	from event_streaming.consumer.workers.helper import help_job

	help_job(event_producer, "of a pull that is no more", 1)


def test_only_numbers_that_make_sense_are_taken(producer, consumer):
	subscribe(consumer, producer, CITY)

	assert "1 to 16" in consumer.run(try_workers, name=producer.url, workers=17)
	assert consumer.run(try_workers, name=producer.url, workers=0) == 1


def try_workers(name: str, workers: int) -> int | str:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	doc.workers = workers
	try:
		doc.save()
	except frappe.ValidationError as error:
		return str(error)
	return doc.workers
