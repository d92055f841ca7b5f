"""First copy: documents that exist already come over, consistent with the events that arrive meanwhile."""

import json
import time
from itertools import pairwise

import pytest
from doctypes import CITY, ORDER, TICKET, make_doctype, with_orders
from documents import change, delete, insert, make_orders, only, read_doc, read_rows, set_settings, unique
from fake_producer import FakeProducer
from logs import make_due, sync_logs
from streams import copy_now, make_event_producer, make_subscriber, pull, subscribe, wait_for

FORM = "event_streaming.event_streaming.doctype.event_producer.event_producer"
TASK, NUMBERED = "Event Streaming Task", "Streamed Number"
pytestmark = pytest.mark.usefixtures("orders")


def copy(consumer, producer, *doctypes, pulls: bool = True, **filters) -> dict:
	"""A copy that has to succeed."""
	done = consumer.run(
		copy_now,
		event_producer=producer.url,
		doctypes=list(doctypes),
		filters=filters or None,
		pulls=pulls,
	)
	assert done["status"] == "Done", done["message"]
	return done


def look(site, name: str) -> dict | None:
	doc = site.run(read_doc, doctype=ORDER, name=name)
	for row in (doc or {}).get("rows", []):
		for field in ("creation", "modified", "modified_by", "owner"):
			row.pop(field)
	return doc


def test_what_exists_comes_with_what_it_needs_and_a_second_copy_makes_nothing_anew(producer, consumer):
	prefix = unique("old")
	names = producer.run(make_orders, prefix=prefix, count=5)
	subscribe(consumer, producer, ORDER)

	first = copy(consumer, producer, **only(prefix))
	again = copy(consumer, producer, **only(prefix))

	assert (first["total"], first["done"], first["made"], first["failed"]) == (5, 5, 5, 0)
	assert (again["made"], again["here"]) == (0, 5)
	assert [look(consumer, name) for name in names] == [look(producer, name) for name in names]
	assert consumer.run(read_doc, doctype=CITY, name=f"{prefix} city 4")
	assert sync_logs(consumer) == []
	producer.run(change, doctype=ORDER, name=names[0], note="streamed from now on")
	assert pull(consumer, producer)["synced"] == 1
	assert look(consumer, names[0]) == look(producer, names[0])


def test_events_that_are_contained_in_what_was_copied_are_no_conflict(producer, consumer):
	prefix = unique("waiting")
	names = producer.run(make_orders, prefix=prefix, count=3)
	subscribe(consumer, producer, ORDER, conflict_policy="Ask")
	for note in ("one", "two"):
		producer.run(change, doctype=ORDER, name=names[0], note=note)
	open_change = producer.shell()
	open_change.run(change, doctype=ORDER, name=names[2], note="not committed yet", commit=False)

	copy(consumer, producer, pulls=False, **only(prefix))
	open_change.commit()
	assert look(consumer, names[2])["note"] in (None, "")
	pull(consumer, producer)

	assert [log["status"] for log in sync_logs(consumer)] == ["Synced"] * 3
	assert [log["outcome"] for log in sync_logs(consumer)] == [
		"Already contained in what came before",
		"Already contained in what came before",
		"Updated",
	]
	assert [look(consumer, name) for name in names] == [look(producer, name) for name in names]


def read_copy_page(event_consumer: str, doctype: str, change_name: str) -> list:
	"""A page, while somebody changes a document between the numbering and the reading of it."""
	import frappe

	from event_streaming.producer.documents import copying, exact

	real = exact.assign_positions
	calls = []

	def numbered_too_early() -> int:
		head = real()
		if not calls:
			calls.append(head)
			change(doctype, change_name, note="in between")
			frappe.db.commit()
		return head

	exact.assign_positions = numbered_too_early
	frappe.set_user("stream@example.com")
	page = copying.copy_page(event_consumer, doctype, "", 0, {"name": change_name}, None, None)
	return [[json.loads(event["data"])["note"], event["position"], calls[0]] for event in page["events"]]


def test_a_change_between_the_numbering_and_the_reading_counts_as_contained(producer, consumer):
	(name, _second) = producer.run(make_orders, prefix=unique("between"), count=2)
	subscribe(consumer, producer, ORDER)

	page = producer.shell().run(read_copy_page, event_consumer=consumer.url, doctype=ORDER, change_name=name)

	((note, position, numbered),) = page
	assert note == "in between" and position == numbered + 1


def test_what_is_here_already_is_not_touched(producer, consumer):
	prefix = unique("here")
	subscribe(consumer, producer, ORDER)
	names = producer.run(make_orders, prefix=prefix, count=2)
	pull(consumer, producer)
	consumer.run(change, doctype=ORDER, name=names[0], note="changed here")

	done = copy(consumer, producer, **only(prefix))

	assert (done["made"], done["here"]) == (0, 2)
	assert look(consumer, names[0])["note"] == "changed here"


def test_a_document_that_was_renamed_meanwhile_is_not_there_twice(producer, consumer):
	prefix = unique("moved")
	subscribe(consumer, producer, ORDER)
	(old, _second) = producer.run(make_orders, prefix=prefix, count=2)
	pull(consumer, producer)
	new = unique("new name")
	producer.run(rename, doctype=ORDER, old=old, new=new)
	producer.run(change, doctype=ORDER, name=new, note="after")

	copy(consumer, producer, pulls=False, **only(prefix))
	pull(consumer, producer)

	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	assert not consumer.run(read_doc, doctype=ORDER, name=old)
	assert look(consumer, new) == look(producer, new)


def test_a_document_that_is_needed_and_was_renamed_meanwhile_is_not_there_twice(producer, consumer):
	prefix = unique("needed")
	subscribe(consumer, producer, ORDER, CITY)
	old, new = unique("old town"), unique("new town")
	producer.run(insert, doctype=CITY, title=old)
	pull(consumer, producer)
	producer.run(rename, doctype=CITY, old=old, new=new)
	order = producer.run(insert, doctype=ORDER, title=prefix, city=new)

	copy(consumer, producer, ORDER, pulls=False, **only(prefix))
	pull(consumer, producer)

	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	assert not consumer.run(read_doc, doctype=CITY, name=old)
	assert consumer.run(read_doc, doctype=CITY, name=new)
	assert look(consumer, order)["city"] == new


@pytest.mark.parametrize("names", [2, 3])
@pytest.mark.parametrize("ends", ["", "deleted"])
def test_a_document_that_is_needed_and_was_renamed_before_it_was_heard_of_is_there_once(
	producer, consumer, names, ends
):
	"""Its rows have their names, so that a second one could not be made; and its ledger would be posted twice."""
	subscribe(consumer, producer, ORDER)
	prefix, called = unique("needed"), [unique("called") for _each in range(names)]
	producer.run(insert_named, name=called[0], title=f"{prefix} first", rows=[{"item": "bolt", "qty": 1}])
	producer.run(change, doctype=ORDER, name=called[0], note="before")
	for old, new in pairwise(called):
		producer.run(rename, doctype=ORDER, old=old, new=new)
	producer.run(change, doctype=ORDER, name=called[-1], note="after")
	amended = producer.run(amend, name=called[-1], title=prefix)

	copy(consumer, producer, ORDER, pulls=False, **{ORDER: {"title": prefix}})
	assert look(consumer, called[-1]) == look(producer, called[-1])
	if ends:
		for name in (amended, called[-1]):
			producer.run(delete, doctype=ORDER, name=name)
	elif names == 2:
		# the former name is another one's by now
		producer.run(insert_named, name=called[0], title="another")
	pull(consumer, producer)

	logs = sync_logs(consumer)
	assert {log["status"] for log in logs} == {"Synced"}
	assert "Already contained" in logs[0]["outcome"]
	for name in (amended, *called):
		assert look(consumer, name) == look(producer, name)
	left = [name for name in (amended, *called) if look(producer, name)]
	assert sorted(consumer.run(names_kept, doctype=ORDER)) == sorted(left)


def insert_named(name: str, **values) -> str:
	import frappe

	return frappe.get_doc({"doctype": ORDER, **values}).insert(set_name=name).name


def amend(name: str, title: str) -> str:
	import frappe

	frappe.get_doc(ORDER, name).submit()
	return cancel_and_amend(name, title)


def names_kept(doctype: str) -> list:
	"""The names by which this site knows documents of the other one, as far as they lead to one that is here."""
	import frappe

	filters = {"remote_doctype": doctype}
	rows = frappe.get_all("Event Document Identity", filters, ["remote_name", "local_name"], limit=0)
	return [row.remote_name for row in rows if frappe.db.exists(doctype, row.local_name)]


def test_a_submitted_document_that_is_here_and_is_needed_by_a_later_name_becomes_one(producer, consumer):
	subscribe(consumer, producer, ORDER)
	prefix, old, new = unique("needed"), unique("old"), unique("new")
	producer.run(insert_named, name=old, title=f"{prefix} first")
	producer.run(submit, name=old)
	pull(consumer, producer)
	producer.run(rename, doctype=ORDER, old=old, new=new)
	amended = producer.run(cancel_and_amend, name=new, title=prefix)

	copy(consumer, producer, ORDER, pulls=False, **{ORDER: {"title": prefix}})
	pull(consumer, producer)

	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	for name in (old, new, amended):
		assert look(consumer, name) == look(producer, name)


@pytest.mark.parametrize("ends", ["renamed", "deleted"])
@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize("names", [2, 3])
def test_a_name_that_is_anothers_by_now_makes_no_document_of_two(producer, consumer, names, here, ends):
	"""The other one was brought ahead, by the name that the first one had for a while: at first, or in between."""
	subscribe(consumer, producer, ORDER)
	prefix, called = unique("needed"), [unique("called") for _each in range(names)]
	producer.run(insert_named, name=called[0], title=f"{prefix} first", rows=[{"item": "bolt", "qty": 1}])
	if here:
		pull(consumer, producer)
	for old, new in pairwise(called[:-1]):
		producer.run(rename, doctype=ORDER, old=old, new=new)
		producer.run(change, doctype=ORDER, name=new, note="in between")
	if ends == "renamed":
		producer.run(rename, doctype=ORDER, old=called[-2], new=called[-1])
	else:
		producer.run(delete, doctype=ORDER, name=called[-2])
	producer.run(insert_named, name=called[-2], title=f"{prefix} another", rows=[{"item": "nut", "qty": 2}])
	amended = producer.run(amend, name=called[-2], title=prefix)

	copy(consumer, producer, ORDER, pulls=False, **{ORDER: {"title": prefix}})
	if not here or names == 3:
		assert look(consumer, called[-2]) == look(producer, called[-2])
	pull(consumer, producer)
	if here and names == 2:
		# what is amended was taken for the one that is here up to now, and that is a draft
		consumer.run(make_due)
		pull(consumer, producer)

	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	for name in (amended, *called):
		assert look(consumer, name) == look(producer, name)
	left = [name for name in (amended, *called) if look(producer, name)]
	assert sorted(consumer.run(names_kept, doctype=ORDER)) == sorted(left)


ABOUT = [
	{"fieldname": "about_doctype", "label": "About DocType", "fieldtype": "Link", "options": "DocType"},
	{"fieldname": "about", "label": "About", "fieldtype": "Dynamic Link", "options": "about_doctype"},
]


@pytest.mark.parametrize("ends", ["renamed", "merged", "deleted"])
@pytest.mark.parametrize("field", ["city", "about"])
def test_what_was_brought_ahead_links_to_the_document_that_has_the_name_now(
	producer, consumer, extra_fields, field, ends
):
	"""It was linked to the former one, which is here: neither goes that link along with the rename, nor is it in the deletion's way."""
	for site in (producer, consumer):
		extra_fields(site, ORDER, *ABOUT)
	subscribe(consumer, producer, ORDER, CITY)
	name_becomes_anothers(producer, consumer, field, ends)


@pytest.mark.parametrize("ends", ["renamed", "deleted"])
def test_what_was_brought_ahead_may_have_a_number_for_a_name(producer, consumer, ends):
	for site in (producer, consumer):
		site.run(make_numbered)
	subscribe(consumer, producer, NUMBERED, CITY)
	town, later, title = unique("town"), unique("later"), unique("numbered")
	producer.run(insert, doctype=CITY, title=town, country_name="first")
	pull(consumer, producer)
	if ends == "deleted":
		producer.run(delete, doctype=CITY, name=town)
	else:
		producer.run(rename, doctype=CITY, old=town, new=later)
	producer.run(insert, doctype=CITY, title=town, country_name="second")
	producer.run(insert, doctype=NUMBERED, title=title, city=town)

	copy(consumer, producer, NUMBERED, pulls=False)
	pull(consumer, producer)

	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	assert consumer.run(countries_of, doctype=NUMBERED, field="city", titles=[title]) == {title: "second"}


def make_numbered() -> None:
	city = {"fieldname": "city", "label": "City", "fieldtype": "Link", "options": CITY}
	title = {"fieldname": "title", "label": "Title", "fieldtype": "Data"}
	make_doctype(NUMBERED, [title, city], autoname="autoincrement")


@pytest.mark.parametrize("ends", ["renamed", "deleted"])
@pytest.mark.parametrize("field", ["city", "about"])
def test_the_next_site_hears_to_which_document_it_links(producer, consumer, third, extra_fields, field, ends):
	with_orders(third)
	for site in (producer, consumer, third):
		extra_fields(site, ORDER, *ABOUT)
	subscribe(consumer, producer, ORDER, CITY)
	subscribe(third, consumer, ORDER, CITY)
	name_becomes_anothers(producer, consumer, field, ends, third)


def name_becomes_anothers(producer, consumer, field: str, ends: str, *further) -> None:
	"""A city goes, another one gets its name, and an order that links to this comes first. `further` are sites that have it all from the
	consumer."""
	town, later, prefix = unique("town"), unique("later"), unique("needs")
	linked = {field: town, "about_doctype": CITY}
	producer.run(insert, doctype=CITY, title=town, country_name="first")
	before = producer.run(
		insert_named,
		name=unique("before"),
		title=f"{prefix} before",
		**(linked if ends != "deleted" else {}),
	)
	pull(consumer, producer)
	if ends == "merged":
		producer.run(insert, doctype=CITY, title=later, country_name="first")
	if ends == "deleted":
		producer.run(delete, doctype=CITY, name=town)
	else:
		producer.run(rename, doctype=CITY, old=town, new=later, merge=ends == "merged")
	producer.run(insert, doctype=CITY, title=town, country_name="second")
	order = producer.run(
		insert_named, name=unique("order"), title=prefix, rows=[{"item": "bolt", "qty": 1}], **linked
	)

	copy(consumer, producer, ORDER, pulls=False, **{ORDER: {"title": prefix}})
	pull(consumer, producer)
	for site in further:
		pull(site, consumer)

	for site in (consumer, *further):
		assert {log["status"] for log in sync_logs(site)} == {"Synced"}
		countries = site.run(countries_of, doctype=ORDER, field=field, titles=[prefix, f"{prefix} before"])
		assert countries == {prefix: "second", f"{prefix} before": None if ends == "deleted" else "first"}
		assert site.run(cities_of, titles=[town, later]) == producer.run(cities_of, titles=[town, later])
		for name in (order, before):
			assert look(site, name) == look(producer, name)


def countries_of(doctype: str, field: str, titles: list) -> dict:
	"""Title of a document -> the country of the city that it links to."""
	import frappe

	orders = frappe.get_all(doctype, {"title": ["in", titles]}, ["title", field])
	return {row.title: row[field] and frappe.db.get_value(CITY, row[field], "country_name") for row in orders}


def cities_of(titles: list) -> list:
	import frappe

	return sorted(
		tuple(row.values())
		for row in frappe.get_all(CITY, {"title": ["in", titles]}, ["title", "country_name"])
	)


def test_a_merge_into_a_document_that_was_brought_after_it_leaves_the_stamps_of_that(producer, consumer):
	subscribe(consumer, producer, ORDER)
	gone, kept = unique("gone"), unique("kept")
	producer.run(insert_named, name=gone, title="gone")
	pull(consumer, producer)
	producer.run(insert_named, name=kept, title=kept)
	producer.run(rename, doctype=ORDER, old=gone, new=kept, merge=True)
	prefix = unique("needed")
	producer.run(amend, name=kept, title=prefix)

	copy(consumer, producer, ORDER, pulls=False, **{ORDER: {"title": prefix}})
	assert look(consumer, gone) and look(consumer, kept)
	pull(consumer, producer)

	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	assert not look(consumer, gone)
	assert look(consumer, kept) == look(producer, kept)


def submit(name: str) -> None:
	import frappe

	frappe.get_doc(ORDER, name).submit()


def cancel_and_amend(name: str, title: str) -> str:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.cancel()
	amended = frappe.copy_doc(doc)
	amended.update({"amended_from": name, "title": title, "docstatus": 0})
	return amended.insert().name


def rename(doctype: str, old: str, new: str, merge: bool = False) -> None:
	import frappe

	frappe.rename_doc(doctype, old, new, force=True, merge=merge)


def test_a_document_that_was_made_anew_under_an_old_name_is_not_deleted_for_the_first_one(producer, consumer):
	subscribe(consumer, producer, CITY)
	title = unique("city")
	producer.run(insert, doctype=CITY, title=title, country_name="first")
	pull(consumer, producer)
	consumer.run(delete, doctype=CITY, name=title)
	producer.run(delete, doctype=CITY, name=title)
	producer.run(insert, doctype=CITY, title=title, country_name="second")

	copy(consumer, producer, pulls=False, **{CITY: {"name": title}})
	pull(consumer, producer)

	assert [log["outcome"] for log in sync_logs(consumer)][1:] == [
		"Already contained in what came before"
	] * 2
	assert consumer.run(read_doc, doctype=CITY, name=title)["country_name"] == "second"


def test_only_what_meets_the_condition_comes_and_its_end_is_told(producer, consumer):
	prefix = unique("urgent")
	names = producer.run(make_orders, prefix=prefix, count=4)
	for name in names[1:]:
		producer.run(set_urgent, name=name)
	subscribe(consumer, producer, ORDER, condition="doc.urgent == 1")

	done = copy(consumer, producer, **only(prefix))

	assert (done["done"], done["made"]) == (4, 3)
	producer.run(delete, doctype=ORDER, name=names[0])
	producer.run(delete, doctype=ORDER, name=names[2])
	producer.run(rename, doctype=ORDER, old=names[3], new=f"{names[3]}-moved")
	producer.run(delete, doctype=ORDER, name=f"{names[3]}-moved")
	pull(consumer, producer)
	assert [bool(look(consumer, name)) for name in names] == [False, True, False, False]
	assert names[0] not in [log["producer_doc"] for log in sync_logs(consumer)]
	assert not look(consumer, f"{names[3]}-moved")


def set_urgent(name: str) -> None:
	import frappe

	frappe.db.set_value(ORDER, name, "urgent", 1)


def test_filters_and_local_naming_and_pages(producer, consumer):
	prefix = unique("ticket")
	producer.run(make_tickets, prefix=prefix, count=7)
	subscribe(consumer, producer, TICKET, use_same_name=0)
	consumer.run(set_settings, events_per_page=2, events_per_commit=1)

	done = copy(consumer, producer, TICKET, total=[">", 2], title=["like", f"{prefix}%"])

	here = consumer.run(read_rows, doctype=TICKET, filters={"title": ["like", f"{prefix}%"]})
	there = producer.run(read_rows, doctype=TICKET, filters={"title": ["like", f"{prefix}%"]})
	assert done["made"] == 4
	assert sorted(row["remote_docname"] for row in here) == sorted(
		row["name"] for row in there if row["total"] > 2
	)
	assert {row["remote_site_name"] for row in here} == {producer.url}


def make_tickets(prefix: str, count: int) -> None:
	import frappe

	for number in range(count):
		frappe.get_doc({"doctype": TICKET, "title": f"{prefix} {number}", "total": number}).insert()


def test_a_document_that_fails_holds_back_no_other_and_is_tried_again(producer, consumer):
	titles = [unique("city") for _each in range(3)]
	for title in titles:
		producer.run(insert, doctype=CITY, title=title)
	consumer.run(insert, doctype=CITY, title=titles[1])
	subscribe(consumer, producer, CITY)

	done = copy(consumer, producer, **{CITY: {"name": ["in", titles]}})
	again = copy(consumer, producer, **{CITY: {"name": ["in", titles]}})

	assert (done["made"], done["failed"]) == (2, 1)
	assert (again["made"], again["here"], again["failed"]) == (0, 2, 1)
	(log,) = sync_logs(consumer)
	assert (log["producer_doc"], log["status"]) == (titles[1], "Failed") and "NameTaken" in log["error"]
	consumer.run(delete, doctype=CITY, name=titles[1])
	consumer.rest().method(
		"event_streaming.event_streaming.doctype.event_sync_log.event_sync_log.resync_log", name=log["name"]
	)
	assert sync_logs(consumer)[0]["status"] == "Synced"


def test_a_row_can_ask_for_what_exists_already(producer, consumer):
	title = unique("city")
	producer.run(insert, doctype=CITY, title=title)
	subscribe(consumer, producer, CITY, approve=False, copy_existing=1)
	consumer.start_worker()
	consumer.run(minute_passes)
	assert not consumer.run(read_rows, doctype=TASK, filters={})

	producer.run(approve_all, event_consumer=consumer.url)
	consumer.run(minute_passes)

	wait_for_task(consumer, "Done")
	assert consumer.run(read_doc, doctype=CITY, name=title)
	consumer.run(minute_passes)
	assert len(consumer.run(read_rows, doctype=TASK, filters={})) == 1


def test_it_begins_with_the_approval_and_waits_for_no_sweep(producer, consumer):
	title = unique("city")
	producer.run(insert, doctype=CITY, title=title)
	subscribe(consumer, producer, CITY, approve=False, copy_existing=1)
	consumer.start_worker()

	producer.run(approve_all, event_consumer=consumer.url)

	wait_for_task(consumer, "Done")
	assert consumer.run(read_doc, doctype=CITY, name=title)


@pytest.mark.mariadb("the second one is refused there, and goes on a minute later")
def test_two_that_begin_what_rows_ask_for_at_once_begin_one_copy(producer, consumer):
	"""The minute's sweep and the job of an approval."""
	subscribe(consumer, producer, CITY, copy_existing=1)
	first, second = consumer.shell(), consumer.shell()

	begun = first.run(begin_wanted, commit=False)
	pending = second.start(begin_wanted)
	time.sleep(0.3)
	first.commit()

	assert len(begun) == 1 and pending.wait() == []
	assert len(consumer.run(read_rows, doctype=TASK, filters={})) == 1


def begin_wanted() -> list:
	from event_streaming.consumer.first_copy.copying import begin_wanted

	return begin_wanted()


def approve_all(event_consumer: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", event_consumer)
	for row in doc.consumer_doctypes:
		row.status = "Approved"
	doc.save()


def minute_passes() -> None:
	from event_streaming.tasks import event_streaming_every_minute

	event_streaming_every_minute()


def wait_for_task(site, status: str) -> dict:
	def ended() -> dict | None:
		rows = site.run(read_rows, doctype=TASK, filters={"status": status})
		return rows[0] if rows else None

	return wait_for(ended, f"a task that is {status}")


def test_a_copy_that_is_stopped_and_begun_again_passes_over_what_is_here(producer, consumer):
	prefix = unique("stopped")
	names = producer.run(make_orders, prefix=prefix, count=6)
	subscribe(consumer, producer, ORDER)
	consumer.run(set_settings, events_per_page=2, events_per_commit=1)
	admin = consumer.rest()

	begun = admin.method(f"{FORM}.start_copy", event_producer=producer.url, filters=json.dumps(only(prefix)))
	consumer.run(one_page, name=begun["task"])
	assert admin.method(f"{FORM}.stop_copy", event_producer=producer.url) is True
	stopped = admin.method(f"{FORM}.get_copy_progress", event_producer=producer.url)
	consumer.run(one_page, name=begun["task"])
	again = admin.method(f"{FORM}.start_copy", event_producer=producer.url, filters=json.dumps(only(prefix)))

	assert (stopped["status"], stopped["made"], stopped["percent"]) == ("Stopped", 2, 33)
	done = consumer.run(run_to_the_end, name=again["task"])
	assert (done["status"], done["made"], done["here"]) == ("Done", 4, 2)
	assert all(look(consumer, name) for name in names)


def one_page(name: str) -> None:
	"""A slice that is over after its first page."""
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import slices

	over, slices.Slice.over = slices.Slice.over, True
	try:
		run_slice(name)
	finally:
		slices.Slice.over = over


def run_to_the_end(name: str) -> dict:
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task

	while (done := run_slice(name)).more:
		pass
	return json.loads(json.dumps(task.as_progress(done.task), default=str))


def test_a_copy_waits_for_a_producer_that_is_away(producer, consumer):
	title = unique("city")
	producer.run(insert, doctype=CITY, title=title)
	subscribe(consumer, producer, CITY)
	producer.stop_web()

	waiting = consumer.run(copy_now, event_producer=producer.url)
	producer.start_web()
	consumer.run(long_ago)
	consumer.start_worker()
	consumer.run(minute_passes)

	assert waiting["status"] == "Waiting" and "can't be reached" in waiting["message"]
	wait_for_task(consumer, "Done")
	assert consumer.run(read_doc, doctype=CITY, name=title)


def long_ago() -> None:
	import frappe

	frappe.db.set_value(TASK, {"status": "Waiting"}, "last_progress", "2026-01-01 00:00:00")


def test_what_can_not_be_copied_is_refused_with_what_to_do(producer, consumer):
	subscribe(consumer, producer, CITY, approve=False)

	said = [
		consumer.run(refusal, event_producer=producer.url, doctypes=doctypes, filters=filters)
		for doctypes, filters in ((None, None), ([CITY], None), ([ORDER], None), (None, "{x"))
	]

	assert "No Document Type" in said[0]
	assert "is not approved by the producer" in said[1]
	assert "has no row for" in said[2]
	assert producer.run(refused_page, event_consumer=consumer.url, doctype=CITY) == "ValidationError"


def refusal(event_producer: str, doctypes: list | None, filters: str | None) -> str:
	import frappe

	from event_streaming.consumer.first_copy import copying

	try:
		copying.begin(event_producer, doctypes, filters)
	except frappe.ValidationError as error:
		return str(error)
	return ""


def refused_page(event_consumer: str, doctype: str) -> str:
	import frappe

	from event_streaming.producer.documents.copying import copy_page

	frappe.set_user("stream@example.com")
	try:
		copy_page(event_consumer, doctype, "", 0, None, None, None)
	except frappe.ValidationError as error:
		return type(error).__name__
	finally:
		frappe.set_user("Administrator")
	return ""


# ---- a producer that is not what it should be


class Liar(FakeProducer):
	"""Answers whatever it is given to a request for existing documents."""

	pretends: object = None

	def content_for(self, request):
		if request.path.endswith("count_documents"):
			return 200, json.dumps({"message": {"total": 1}}).encode()
		if request.path.endswith("get_copy_page"):
			return 200, json.dumps({"message": self.pretends}).encode()
		return super().content_for(request)


@pytest.mark.parametrize(
	("answer", "said"),
	[
		("nothing", "is not an object"),
		({"events": "many"}, "not a list"),
		({"events": [], "has_more": True, "after": ""}, "do not go on"),
		(
			{"events": [{"position": 1, "ref_doctype": "User", "docname": "x", "update_type": "Create"}]},
			"not asked for",
		),
		(
			{"events": [{"position": 1, "ref_doctype": CITY, "docname": "x", "update_type": "Delete"}]},
			"not asked for",
		),
	],
)
def test_a_producer_that_answers_nonsense_ends_the_copy_with_what_is_wrong(consumer, answer, said):
	with Liar(CITY) as liar:
		liar.pretends = answer
		consumer.run(make_subscriber)
		rows = [{"ref_doctype": CITY, "use_same_name": 1}]
		consumer.run(make_event_producer, url=liar.url, rows=rows)

		done = consumer.run(copy_now, event_producer=liar.url)

	assert done["status"] == "Failed" and said in done["message"]
