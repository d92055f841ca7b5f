"""Old logs go through Frappe's Log Settings, and by hand, but never what a consumer or a person still needs."""

import pytest
from doctypes import CITY
from documents import change, insert, read_rows, unique
from logs import sync_logs, update_logs
from streams import pull

SETTINGS = "Event Streaming Settings"
pytestmark = pytest.mark.usefixtures("cities_streamed")


def make_cities(count: int, prefix: str) -> None:
	import frappe

	for number in range(count):
		frappe.get_doc({"doctype": CITY, "title": f"{prefix} {number}"}).insert()


def grow_old(doctype: str, days: int = 100) -> None:
	import frappe

	long_ago = frappe.utils.add_days(frappe.utils.now_datetime(), -days)
	frappe.db.sql(f"update `tab{doctype}` set creation = %s, modified = %s", (long_ago, long_ago))


def clean_up() -> None:
	"""As Frappe's daily job does it."""
	from frappe.core.doctype.log_settings.log_settings import run_log_clean_up

	run_log_clean_up()


def test_both_logs_are_in_log_settings(producer, consumer):
	producer.run(clean_up)

	named = {row["ref_doctype"] for row in producer.run(read_rows, doctype="Logs To Clear", filters={})}
	assert {"Event Update Log", "Event Sync Log"} <= named


def test_events_that_all_have_taken_are_cleared_and_others_never(producer, consumer):
	producer.run(make_cities, count=5, prefix=unique("taken"))
	pull(consumer, producer)
	# the consumer says how far it is with its next question
	pull(consumer, producer)
	prefix = unique("waiting")
	producer.run(make_cities, count=3, prefix=prefix)
	producer.run(grow_old, doctype="Event Update Log")

	producer.run(clean_up)

	# the newest numbered event stays for its time
	left = [log["docname"] for log in update_logs(producer)]
	assert [name for name in left if name.startswith(prefix)] == [f"{prefix} {number}" for number in range(3)]
	assert len(left) <= 4
	pull(consumer, producer)
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"} and len(sync_logs(consumer)) == 8


def test_what_a_silent_consumer_has_not_taken_is_cleared_only_when_the_settings_say_so_and_it_is_marked(
	producer, consumer
):
	prefix = unique("city")
	producer.run(make_cities, count=3, prefix=prefix)
	producer.run(grow_old, doctype="Event Update Log")
	producer.run(fall_silent, days=40)
	producer.run(clean_up)
	assert len(update_logs(producer)) == 3

	producer.run(change, doctype=SETTINGS, name=SETTINGS, keep_days_for_silent=50)
	producer.run(clean_up)
	assert len(update_logs(producer)) == 3 and not marked(producer)

	producer.run(change, doctype="Event Consumer", name=consumer.url, paused=1)
	producer.run(change, doctype=SETTINGS, name=SETTINGS, keep_days_for_silent=30)
	producer.run(clean_up)
	assert len(update_logs(producer)) == 3 and not marked(producer)

	producer.run(change, doctype="Event Consumer", name=consumer.url, paused=0)
	producer.run(fall_silent, days=40)
	producer.run(clean_up)
	# the newest numbered event stays for its time
	assert len(update_logs(producer)) == 1 and marked(producer)
	pull(consumer, producer)
	(state,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={})
	# a copy leaves what is here as it is
	assert "Copy existing documents, Verify and Repair what differs" in state["last_warning"]
	assert [log["producer_doc"] for log in sync_logs(consumer)] == [f"{prefix} 2"]


def fall_silent(days: int) -> None:
	import frappe

	from event_streaming.producer.log.sequence import assign_positions

	frappe.db.commit()
	assign_positions()
	long_ago = frappe.utils.add_days(frappe.utils.now_datetime(), -days)
	frappe.db.sql("update `tabEvent Consumer` set last_contact = %s", long_ago)


def marked(producer) -> int:
	(row,) = producer.run(read_rows, doctype="Event Consumer", filters={})
	return row["needs_copy"]


def test_what_is_young_stays(producer, consumer):
	producer.run(make_cities, count=3, prefix=unique("city"))
	pull(consumer, producer)
	pull(consumer, producer)

	producer.run(clean_up)
	consumer.run(clean_up)

	assert (len(update_logs(producer)), len(sync_logs(consumer))) == (3, 3)


def test_deliveries_go_with_their_events(producer, consumer):
	# an open subscription would have none
	producer.run(hide, fieldname="country_name")
	producer.run(make_cities, count=3, prefix=unique("city"))
	pull(consumer, producer)
	pull(consumer, producer)
	producer.run(grow_old, doctype="Event Update Log")

	producer.run(clean_up)

	left = {str(log["name"]) for log in update_logs(producer)}
	deliveries = producer.run(read_rows, doctype="Event Update Log Consumer", filters={})
	assert deliveries and {row["parent"] for row in deliveries} <= left


def hide(fieldname: str) -> None:
	import frappe

	frappe.db.set_value("Event Consumer Document Type", {"ref_doctype": CITY}, "fields_not_sent", fieldname)


@pytest.mark.parametrize("status", ["Retrying", "Waiting", "Failed", "Conflict"])
def test_a_row_of_the_sync_log_that_is_open_is_never_cleared(producer, consumer, status):
	producer.run(make_cities, count=4, prefix=unique("city"))
	pull(consumer, producer)
	logs = sync_logs(consumer)
	consumer.run(set_status, name=logs[0]["name"], status=status)
	consumer.run(grow_old, doctype="Event Sync Log")

	consumer.run(clean_up)

	assert [(log["name"], log["status"]) for log in sync_logs(consumer)] == [(logs[0]["name"], status)]


def set_status(name: int, status: str) -> None:
	import frappe

	frappe.db.set_value("Event Sync Log", name, "status", status)


def test_clearing_goes_in_bounded_batches(producer, consumer):
	producer.run(make_cities, count=23, prefix=unique("city"))
	pull(consumer, producer)
	pull(consumer, producer)
	for site, doctype in ((producer, "Event Update Log"), (consumer, "Event Sync Log")):
		site.run(grow_old, doctype=doctype)

	sent = producer.run(
		clear_in_batches, module="event_streaming.producer.log.retention", clearer="clear_update_log"
	)
	taken = consumer.run(
		clear_in_batches, module="event_streaming.consumer.logs.retention", clearer="clear_sync_log"
	)

	assert sent["commits"] >= 4 and sent["most"] <= 5
	assert taken["commits"] >= 4 and taken["most"] <= 5


def clear_in_batches(module: str, clearer: str) -> dict:
	"""With batches of five: how many commits there were, and how many rows went with one at most."""
	import importlib
	import itertools

	import frappe

	clearing = importlib.import_module(module)
	table = "Event Update Log" if "update" in clearer else "Event Sync Log"
	real, counts = frappe.local.db.commit, [frappe.db.count(table)]

	def commit(*args, **kwargs):
		counts.append(frappe.db.count(table))
		return real(*args, **kwargs)

	batch, clearing.BATCH, frappe.local.db.commit = clearing.BATCH, 5, commit
	try:
		getattr(clearing, clearer)(30)
	finally:
		clearing.BATCH = batch
		del frappe.local.db.commit
	gone = [before - after for before, after in itertools.pairwise(counts)]
	return {"commits": len(gone), "most": max(gone)}


# ---------------------------------------------------------------- by hand, from the list


def delete_log(name: int) -> None:
	import frappe

	frappe.delete_doc("Event Update Log", name)


def test_an_event_that_a_consumer_has_not_taken_can_not_be_deleted_by_hand(producer, consumer):
	producer.run(insert, doctype=CITY, title=unique("city"))
	(log,) = update_logs(producer)

	with pytest.raises(Exception, match="has not taken") as refused:
		producer.run(delete_log, name=log["name"])

	assert consumer.url in str(refused.value)
	pull(consumer, producer)
	pull(consumer, producer)
	producer.run(delete_log, name=log["name"])
	assert update_logs(producer) == []


def test_an_event_that_nobody_active_waits_for_can_be_deleted_by_hand(producer, consumer):
	producer.run(insert, doctype=CITY, title=unique("city"))
	(log,) = update_logs(producer)
	producer.run(pause, consumer_url=consumer.url)

	producer.run(delete_log, name=log["name"])

	assert update_logs(producer) == []


def pause(consumer_url: str) -> None:
	import frappe

	frappe.db.set_value("Event Consumer", consumer_url, "paused", 1)
