"""Rows with a condition: what the consumer has of a document is known, by whichever way and under whichever name it has got it."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, delete, insert, read_doc, set_settings, unique
from logs import sync_logs
from streams import pull, settle, subscribe

URGENT = {"ref_doctype": ORDER, "use_same_name": 1, "condition": "doc.urgent == 1"}
SIAM = {"ref_doctype": CITY, "use_same_name": 1, "condition": "doc.country_name == 'Siam'"}


@pytest.fixture(autouse=True)
def orders(producer, consumer):
	with_orders(producer, consumer)


def rename(doctype: str, old: str, new: str, merge: bool = False) -> None:
	import frappe

	frappe.rename_doc(doctype, old, new, merge=merge)


def act(doctype: str, name: str, what: str) -> None:
	import frappe

	getattr(frappe.get_doc(doctype, name), what)()


def forget_log(at_once: int = 1_000) -> None:
	"""As Log Settings clear it after 60 days, all of it but the newest event, so many at once."""
	import frappe

	from event_streaming.event_streaming.doctype.event_update_log.event_update_log import EventUpdateLog
	from event_streaming.producer.log import retention

	frappe.db.set_value("Event Update Log", {"name": [">", 0]}, "creation", "2020-01-01 00:00:00")
	frappe.db.commit()
	original, retention.BATCH = retention.BATCH, at_once
	try:
		EventUpdateLog.clear_old_logs(60)
	finally:
		retention.BATCH = original


def forget_what_came() -> None:
	import frappe

	frappe.db.delete("Event Sync Log")


def open_rows(site) -> list[str]:
	wanted = ("Failed", "Retrying", "Waiting", "Conflict")
	return [log["error"] for log in sync_logs(site) if log["status"] in wanted]


def order(site, **values) -> str:
	return site.run(insert, doctype=ORDER, title=unique("order"), urgent=1, **values)


def city(site, **values) -> str:
	return site.run(insert, doctype=CITY, title=unique("city"), **values)


def read(site, doctype: str, name: str) -> dict | None:
	return site.run(read_doc, doctype=doctype, name=name)


# ---------------------------------------------------------------- both ways


@pytest.fixture
def of_the_consumer(producer, consumer):
	"""An order that the consumer has made, on both sites; what comes back from the producer has to be urgent."""
	subscribe(consumer, producer, URGENT)
	subscribe(producer, consumer, ORDER, conflict_policy="Newest Wins")
	name = order(consumer, rows=[{"item": "a", "qty": 1}])
	pull(producer, consumer)
	assert read(producer, ORDER, name)
	return name


def test_what_the_consumer_has_made_is_deleted_there_as_well(producer, consumer, of_the_consumer):
	producer.run(delete, doctype=ORDER, name=of_the_consumer)
	pull(consumer, producer)

	assert read(consumer, ORDER, of_the_consumer) is None


def test_what_it_has_changed_meanwhile_is_not_overwritten(producer, consumer, of_the_consumer):
	producer.run(change, doctype=ORDER, name=of_the_consumer, note="of the producer")
	consumer.run(change, doctype=ORDER, name=of_the_consumer, total=5)

	settle((consumer, producer), (producer, consumer))

	for site in (producer, consumer):
		doc = read(site, ORDER, of_the_consumer)
		assert (doc["note"], doc["total"]) == ("of the producer", 5)


def test_its_new_name_comes_too(producer, consumer, of_the_consumer):
	new = unique("renamed")
	producer.run(rename, doctype=ORDER, old=of_the_consumer, new=new)
	producer.run(change, doctype=ORDER, name=new, note="afterwards")
	settle((consumer, producer), (producer, consumer))

	assert read(consumer, ORDER, of_the_consumer) is None
	assert read(consumer, ORDER, new)["note"] == "afterwards"
	producer.run(delete, doctype=ORDER, name=new)
	pull(consumer, producer)
	assert read(consumer, ORDER, new) is None
	assert not open_rows(consumer)


# ---------------------------------------------------------------- new names


def test_a_rename_is_the_first_that_comes_of_a_document(producer, consumer):
	name, new = order(producer, rows=[{"item": "a", "qty": 1}]), unique("renamed")
	subscribe(consumer, producer, URGENT)
	producer.run(rename, doctype=ORDER, old=name, new=new)
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=new, note="afterwards")
	pull(consumer, producer)

	assert read(consumer, ORDER, name) is None
	assert read(consumer, ORDER, new)["note"] == "afterwards"
	assert not open_rows(consumer)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_document_that_was_renamed_is_deleted(producer, consumer, at_once):
	subscribe(consumer, producer, URGENT)
	name, new = order(producer), unique("renamed")
	pull(consumer, producer)
	producer.run(rename, doctype=ORDER, old=name, new=new)
	if not at_once:
		pull(consumer, producer)
	producer.run(delete, doctype=ORDER, name=new)
	pull(consumer, producer)

	assert read(consumer, ORDER, name) is None and read(consumer, ORDER, new) is None
	assert not open_rows(consumer)


def test_a_change_after_a_new_name_comes_as_a_change(producer, consumer):
	subscribe(consumer, producer, URGENT)
	name, new = order(producer), unique("renamed")
	pull(consumer, producer)
	producer.run(rename, doctype=ORDER, old=name, new=new)
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=new, note="afterwards")
	pull(consumer, producer)

	assert [log["update_type"] for log in sync_logs(consumer)] == ["Create", "Rename", "Update"]
	assert read(consumer, ORDER, new)["note"] == "afterwards"


def test_more_changes_than_a_page_holds_wait_before_a_new_name(producer, consumer):
	subscribe(consumer, producer, URGENT)
	name, new = order(producer, rows=[{"item": "a", "qty": 1}]), unique("renamed")
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=name, urgent=0)
	producer.run(change_often, name=name, times=8)
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=name, urgent=1)
	producer.run(rename, doctype=ORDER, old=name, new=new)
	consumer.run(set_settings, events_per_page=4)
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=new, total=3)
	pull(consumer, producer)

	doc = read(consumer, ORDER, new)
	assert (doc["note"], doc["total"]) == ("7", 3)
	assert read(consumer, ORDER, name) is None
	assert not open_rows(consumer)


def change_often(name: str, times: int) -> None:
	import frappe

	for number in range(times):
		frappe.get_doc(ORDER, name).update({"note": str(number)}).save()
		frappe.db.commit()


# ---------------------------------------------------------------- the present in the place of what was


def test_numbers_are_added_up_once_where_a_document_comes_as_it_is_now(producer, consumer):
	name = order(producer, total=10)
	subscribe(consumer, producer, {**URGENT, "add_up": "total"})
	for total in (12, 15):
		producer.run(change, doctype=ORDER, name=name, total=total)
	pull(consumer, producer)
	first = read(consumer, ORDER, name)["total"]
	producer.run(change, doctype=ORDER, name=name, total=19)
	pull(consumer, producer)

	assert (first, read(consumer, ORDER, name)["total"]) == (15, 19)


def test_what_it_contains_of_a_later_page_is_not_added_up_again(producer, consumer):
	name = order(producer, total=10)
	subscribe(consumer, producer, {**URGENT, "add_up": "total"})
	for total in range(11, 21):
		producer.run(change, doctype=ORDER, name=name, total=total)
	consumer.run(set_settings, events_per_page=4)
	pull(consumer, producer)

	assert read(consumer, ORDER, name)["total"] == 20


def test_numbers_are_added_up_once_where_it_was_renamed_since(producer, consumer):
	name, new = order(producer, total=10), unique("renamed")
	subscribe(consumer, producer, {**URGENT, "add_up": "total"})
	for total in (12, 15):
		producer.run(change, doctype=ORDER, name=name, total=total)
	producer.run(rename, doctype=ORDER, old=name, new=new)
	producer.run(change, doctype=ORDER, name=new, total=19)
	pull(consumer, producer)
	first = read(consumer, ORDER, new)["total"]
	producer.run(change, doctype=ORDER, name=new, total=20)
	pull(consumer, producer)

	assert (first, read(consumer, ORDER, new)["total"]) == (19, 20)


# ---------------------------------------------------------------- merges


def test_what_links_to_a_merged_document_goes_along(producer, consumer):
	subscribe(consumer, producer, SIAM, ORDER)
	one, other = (city(producer, country_name="Siam") for _each in range(2))
	name = producer.run(insert, doctype=ORDER, title=unique("order"), city=one)
	pull(consumer, producer)
	producer.run(rename, doctype=CITY, old=one, new=other, merge=True)
	pull(consumer, producer)

	assert read(consumer, ORDER, name)["city"] == other
	assert read(consumer, CITY, one) is None
	assert not open_rows(consumer)


def test_one_that_is_linked_brings_the_one_that_is_left_though_it_is_not_meant_for_here(producer, consumer):
	subscribe(consumer, producer, SIAM, ORDER)
	one, other = city(producer, country_name="Siam"), city(producer)
	name = producer.run(insert, doctype=ORDER, title=unique("order"), city=one)
	pull(consumer, producer)
	producer.run(rename, doctype=CITY, old=one, new=other, merge=True)
	pull(consumer, producer)

	assert read(consumer, ORDER, name)["city"] == other
	assert not open_rows(consumer)


def test_one_that_is_not_linked_brings_nothing(producer, consumer):
	subscribe(consumer, producer, SIAM, ORDER)
	one, other = city(producer, country_name="Siam"), city(producer)
	pull(consumer, producer)
	producer.run(rename, doctype=CITY, old=one, new=other, merge=True)
	pull(consumer, producer)

	assert read(consumer, CITY, one) is None and read(consumer, CITY, other) is None
	assert not open_rows(consumer)


# ---------------------------------------------------------------- a log that was cleared


def test_the_end_of_a_document_is_told_after_its_events_were_cleared(producer, consumer):
	subscribe(consumer, producer, URGENT)
	deleted, cancelled = order(producer), order(producer)
	producer.run(act, doctype=ORDER, name=cancelled, what="submit")
	pull(consumer, producer)
	pull(consumer, producer)
	producer.run(forget_log)
	producer.run(change_quietly, names=[cancelled])
	producer.run(delete, doctype=ORDER, name=deleted)
	producer.run(act, doctype=ORDER, name=cancelled, what="cancel")
	pull(consumer, producer)

	assert read(consumer, ORDER, deleted) is None
	assert read(consumer, ORDER, cancelled)["docstatus"] == 2


def change_quietly(names: list[str]) -> None:
	"""So that they do not meet the condition any more, and nothing says so before what comes next."""
	import frappe

	for name in names:
		frappe.db.set_value(ORDER, name, "urgent", 0, update_modified=False)
	frappe.db.commit()


def test_a_new_name_is_told_after_its_events_were_cleared(producer, consumer):
	subscribe(consumer, producer, URGENT)
	name, new = order(producer, rows=[{"item": "a", "qty": 1}]), unique("renamed")
	pull(consumer, producer)
	pull(consumer, producer)
	producer.run(forget_log)
	producer.run(rename, doctype=ORDER, old=name, new=new)
	producer.run(change, doctype=ORDER, name=new, note="afterwards")
	pull(consumer, producer)

	assert read(consumer, ORDER, name) is None
	assert read(consumer, ORDER, new)["note"] == "afterwards"
	assert not open_rows(consumer)


@pytest.mark.parametrize("at_once", [1, 1_000])
def test_what_it_missed_before_the_log_was_cleared_comes_with_the_next_change(producer, consumer, at_once):
	subscribe(consumer, producer, URGENT)
	name = order(producer)
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=name, urgent=0)
	producer.run(change, doctype=ORDER, name=name, note="missed")
	order(producer)
	pull(consumer, producer)
	pull(consumer, producer)
	producer.run(forget_log, at_once=at_once)
	consumer.run(forget_what_came)
	producer.run(change, doctype=ORDER, name=name, urgent=1)
	pull(consumer, producer)

	assert read(consumer, ORDER, name)["note"] == "missed"


def test_a_change_after_its_events_were_cleared_comes_as_a_change(producer, consumer):
	subscribe(consumer, producer, URGENT)
	name = order(producer)
	producer.run(change, doctype=ORDER, name=name, note="before")
	order(producer)
	pull(consumer, producer)
	pull(consumer, producer)
	producer.run(forget_log)
	producer.run(change, doctype=ORDER, name=name, note="afterwards")
	pull(consumer, producer)

	assert [log["update_type"] for log in sync_logs(consumer, producer_doc=name)] == [
		"Create",
		"Update",
		"Update",
	]
	assert read(consumer, ORDER, name)["note"] == "afterwards"


def test_what_another_document_needs_is_still_needed_after_the_log_was_cleared(producer, consumer):
	subscribe(consumer, producer, {**SIAM, "when_condition_ends": "Remove"}, ORDER)
	one = city(producer, country_name="Siam")
	pull(consumer, producer)
	producer.run(change, doctype=CITY, name=one, country_name="Laos")
	pull(consumer, producer)
	assert read(consumer, CITY, one) is None
	name = producer.run(insert, doctype=ORDER, title=unique("order"), city=one)
	pull(consumer, producer)
	pull(consumer, producer)
	producer.run(forget_log, at_once=1)
	producer.run(change, doctype=CITY, name=one, country_name="Burma")
	pull(consumer, producer)

	assert read(consumer, CITY, one) and read(consumer, ORDER, name)["city"] == one
	assert not open_rows(consumer)
