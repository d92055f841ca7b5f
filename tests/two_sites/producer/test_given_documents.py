"""Documents that were given whole count as delivered: their ends are told, and each is remembered once."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, delete, insert, read_doc, unique
from logs import sync_logs
from streams import NOBODY_URL, pull, stream, subscribe

SIAM = "doc.country_name == 'Siam'"


# ---------------------------------------------------------------- what came for another document


@pytest.fixture(params=["Keep", "Remove"])
def needed(producer, consumer, request):
	"""A city that does not meet its condition, on the consumer because an order names it: (city, order)."""
	with_orders(producer, consumer)
	cities = {"condition": SIAM, "when_condition_ends": request.param}
	subscribe(
		consumer,
		producer,
		{"ref_doctype": CITY, "use_same_name": 1, **cities},
		{"ref_doctype": ORDER, "use_same_name": 1},
	)
	city = producer.run(insert, doctype=CITY, title=unique("city"), country_name="Laos")
	order = producer.run(insert, doctype=ORDER, title=unique("order"), city=city)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=CITY, name=city)
	return city, order


def test_the_deletion_of_what_came_for_another_document_is_told(producer, consumer, needed):
	city, order = needed

	for doctype, name in ((ORDER, order), (CITY, city)):
		producer.run(delete, doctype=doctype, name=name)
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=city) is None


def test_what_came_for_another_document_stays_while_it_does_not_meet_the_condition(
	producer, consumer, needed
):
	city, _order = needed

	producer.run(change, doctype=CITY, name=city, country_name="Burma")
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=city)["country_name"] == "Laos"
	assert "Delete" not in [log["update_type"] for log in sync_logs(consumer)]


def test_what_came_for_another_document_is_followed_once_it_meets_the_condition(producer, consumer, needed):
	city, _order = needed

	producer.run(change, doctype=CITY, name=city, country_name="Siam")
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=city)["country_name"] == "Siam"
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


@pytest.fixture
def site(producer):
	"""Somebody subscribes to cities and orders, with conditions; nobody is there."""
	with_orders(producer)
	producer.run(stream_some)
	return producer


def stream_some() -> None:
	import frappe

	stream(CITY, ORDER)
	for doctype, condition in ((CITY, SIAM), (ORDER, "doc.urgent == 1")):
		row = {"parent": NOBODY_URL, "ref_doctype": doctype}
		frappe.db.set_value("Event Consumer Document Type", row, "condition", condition)


@pytest.mark.parametrize("ends", ["Keep", "Remove"])
def test_the_cancellation_of_what_was_fetched_is_told(site, ends):
	assert site.run(fetch_and_cancel, ends=ends, title=unique("order")) == [["Update", '"docstatus":2']]


def fetch_and_cancel(ends: str, title: str) -> list:
	import frappe

	from event_streaming import endpoints
	from event_streaming.producer.feed.page import get_page
	from event_streaming.producer.log.sequence import assign_positions

	frappe.db.set_value("Event Consumer Document Type", {"ref_doctype": ORDER}, "when_condition_ends", ends)
	frappe.db.commit()
	order = insert(ORDER, title=title, docstatus=1)
	frappe.db.commit()
	endpoints.get_documents(NOBODY_URL, [[ORDER, order]])
	frappe.db.commit()
	cursor = assign_positions()
	frappe.get_doc(ORDER, order).cancel()
	frappe.db.commit()
	mark = '"docstatus":2'
	return [
		(event["update_type"], mark if mark in event["data"].replace(" ", "") else event["data"])
		for event in get_page(NOBODY_URL, cursor)["events"]
	]


# ---------------------------------------------------------------- what is remembered


def given_rows(docnames: list) -> list[list]:
	import frappe

	rows = frappe.get_all(
		"Event Given Document",
		{"docname": ["in", docnames]},
		["docname", "position", "for_another"],
		order_by="docname",
		as_list=True,
	)
	return [list(row) for row in rows]


def record(doctype: str, positions: dict, for_another: bool = False, consumer: str = NOBODY_URL) -> None:
	from event_streaming.producer.documents.given import record_given

	record_given(consumer, doctype, positions, for_another)


def test_a_document_is_remembered_once_and_a_copy_counts_for_more_than_a_need(site):
	name = unique("city")

	site.run(record, doctype=CITY, positions={name: 3}, for_another=True)
	assert site.run(given_rows, docnames=[name]) == [[name, 3, 1]]
	site.run(record, doctype=CITY, positions={name: 5})
	site.run(record, doctype=CITY, positions={name: 7}, for_another=True)

	assert site.run(given_rows, docnames=[name]) == [[name, 7, 0]]


def rename(old: str, new: str, merge: bool = False) -> None:
	import frappe

	frappe.rename_doc(CITY, old, new, merge=merge)


def test_what_was_given_is_known_under_its_new_name_but_a_merge_gives_nothing(site):
	old, new, other = unique("a"), unique("b"), unique("c")
	for title in (old, other):
		site.run(insert, doctype=CITY, title=title)
	site.run(record, doctype=CITY, positions={old: 4})

	site.run(rename, old=old, new=new)
	assert site.run(given_rows, docnames=[old, new]) == [[old, 4, 0], [new, 4, 0]]
	site.run(rename, old=new, new=other, merge=True)

	assert site.run(given_rows, docnames=[other]) == []


def clear_all_but(days_old: int) -> None:
	import frappe

	from event_streaming.producer.documents import given

	frappe.db.sql("UPDATE `tabEvent Given Document` SET modified = modified - INTERVAL '%s' DAY", (days_old,))
	given.clear(60)


def test_what_is_gone_is_forgotten_when_the_log_tells_nothing_of_it_any_more(site):
	here = site.run(insert, doctype=CITY, title=unique("here"))
	logged = site.run(insert, doctype=CITY, title=unique("logged"))
	site.run(delete, doctype=CITY, name=logged)
	gone, strange = unique("gone"), unique("strange")
	site.run(record, doctype=CITY, positions={here: 1, logged: 1, gone: 1})
	site.run(record, doctype=CITY, positions={strange: 1}, consumer="http://deleted.example")

	site.run(clear_all_but, days_old=59)
	everything = [here, logged, gone, strange]
	assert len(site.run(given_rows, docnames=everything)) == 4
	site.run(clear_all_but, days_old=2)

	assert [row[0] for row in site.run(given_rows, docnames=everything)] == sorted([here, logged])


def forget_consumer() -> dict:
	"""The consumer is deleted, and its job runs later: what it is given meanwhile, after registering again, stays."""
	import frappe

	from event_streaming.producer.registration import forgetting

	queued, enqueue = [], frappe.enqueue
	frappe.enqueue = lambda method, **arguments: queued.append((method, arguments))
	try:
		frappe.delete_doc("Event Consumer", NOBODY_URL)
		frappe.db.commit()
	finally:
		frappe.enqueue = enqueue
	[(method, arguments)] = [each for each in queued if "forgetting" in str(each[0])]
	record(CITY, {"after": 1})
	frappe.db.commit()
	assert frappe.get_attr(method) is forgetting.forget
	forgetting.forget(**{name: value for name, value in arguments.items() if name != "queue"})
	return arguments


def test_what_a_deleted_consumer_was_given_is_forgotten(site):
	name = unique("city")
	site.run(record, doctype=CITY, positions={name: 1})

	site.run(forget_consumer)

	assert site.run(given_rows, docnames=[name, "after"]) == [["after", 1, 0]]


def move_old_rows(name: str) -> list:
	import frappe

	from event_streaming.patches.v1_0 import move_given_documents

	row = {"doctype": "Event Update Log Consumer", "parent": name, "parenttype": CITY, "parentfield": "given"}
	for position in (2, 9):
		frappe.get_doc({**row, "consumer": NOBODY_URL, "at_position": position}).db_insert()
	for _time in range(2):
		move_given_documents.execute()
	return [frappe.db.count("Event Update Log Consumer", {"parentfield": "given"}), given_rows([name])]


def test_rows_of_before_are_moved(site):
	name = unique("city")

	assert site.run(move_old_rows, name=name) == [0, [[name, 9, 0]]]


# ---------------------------------------------------------------- requests at once, and forms


def record_twice(title: str) -> list:
	"""Two requests of the consumer had read the same page before either wrote."""
	import frappe

	from event_streaming.producer.feed import page
	from event_streaming.producer.log.sequence import assign_positions

	cursor = assign_positions()
	city = insert(CITY, title=title, country_name="Siam")
	frappe.db.commit()
	page.get_page(NOBODY_URL, cursor)
	forget, page.forget_undelivered = page.forget_undelivered, lambda reader: None
	try:
		page.get_page(NOBODY_URL, cursor)
	finally:
		page.forget_undelivered = forget
	log = frappe.get_doc("Event Update Log", {"docname": city, "update_type": "Create"})
	return [row.consumer for row in log.consumers]


def test_two_requests_at_once_record_a_delivery_once(site):
	assert site.run(record_twice, title=unique("city")) == [NOBODY_URL]


def save_an_open_form(values: dict) -> dict:
	"""A form is opened; pages are read and notifications fail; it is saved."""
	import frappe

	form = frappe.get_doc("Event Consumer", NOBODY_URL)
	frappe.db.set_value("Event Consumer", NOBODY_URL, values, update_modified=False)
	row = form.consumer_doctypes[0]
	frappe.db.set_value(row.doctype, row.name, "condition_error", "broken", update_modified=False)
	form.paused = 1
	form.save()
	kept = frappe.db.get_value("Event Consumer", NOBODY_URL, [*values, "paused"], as_dict=True)
	return {**kept, "condition_error": frappe.db.get_value(row.doctype, row.name, "condition_error")}


def test_saving_a_form_writes_no_counter_back(site):
	values = {"position": 77, "notify_failures": 3, "last_error": "away", "not_reachable": 1, "protocol": 2}

	saved = site.run(save_an_open_form, values=values)

	assert saved == {**values, "paused": 1, "condition_error": "broken"}


def save_over_needs_copy() -> str:
	import frappe

	from event_streaming.producer.log import retention

	form = frappe.get_doc("Event Consumer", NOBODY_URL)
	retention._mark_for_copy({NOBODY_URL: 1}, upto=5)
	try:
		form.save()
	except frappe.TimestampMismatchError:
		return "opened before"
	return str(frappe.db.get_value("Event Consumer", NOBODY_URL, "needs_copy"))


def test_a_form_that_was_opened_before_does_not_clear_that_a_copy_is_needed(site):
	assert site.run(save_over_needs_copy) == "opened before"


# ---------------------------------------------------------------- renames that are still to come


def read_copy_page(prefix: str, most: int) -> list:
	"""A page in batches of two, and how often the log is asked for renames; one more comes between two batches."""
	import frappe

	from event_streaming.producer.documents import copying
	from event_streaming.producer.log.sequence import assign_positions

	frappe.db.set_value("Event Consumer Document Type", {"ref_doctype": CITY}, "condition", None)
	frappe.db.commit()
	cursor = assign_positions()
	names = [insert(CITY, title=f"{prefix} {number}") for number in range(6)]
	rename(names[0], f"{prefix} 0 renamed")
	frappe.db.commit()
	read, original, kept = [], frappe.db.sql, (copying.BATCH, copying.MOST_RENAMES)

	def unquoted(query) -> str:
		return str(query).replace("`", "").replace('"', "")

	def recording(query, *args, **kwargs):
		result = original(query, *args, **kwargs)
		if "update_type='Rename'" in unquoted(frappe.db.last_query) and "data" in unquoted(query):
			read.append(len(result))
			if len(read) == 1:
				rename(names[4], f"{prefix} 4 renamed")
				frappe.db.commit()
		return result

	copying.BATCH, copying.MOST_RENAMES = 2, most
	frappe.db.sql = recording
	try:
		page = copying.copy_page(NOBODY_URL, CITY, "", cursor, {"name": ["like", f"{prefix} %"]}, None, None)
	except frappe.ValidationError as error:
		return [str(error)]
	finally:
		del frappe.db.sql
		copying.BATCH, copying.MOST_RENAMES = kept
	return [read, [event["docname"].removeprefix(f"{prefix} ") for event in page["events"]]]


def test_a_rename_is_read_once_a_page_and_none_is_missed(site):
	read, names = site.run(read_copy_page, prefix=unique("copied"), most=100)

	assert names == ["1", "2", "3", "5"]
	assert sum(read) == 2


def test_more_renames_than_can_be_held_are_refused_with_what_to_do(site):
	[said] = site.run(read_copy_page, prefix=unique("copied"), most=1)

	assert "Let it pull first" in said
