"""A site's database is put back to an older state while the other site goes on from where it was."""

import pytest
from doctypes import CITY
from documents import change, insert, read_doc, read_rows, unique
from logs import sync_logs, update_logs
from streams import SUBSCRIBER, pull

GET_PAGE = "event_streaming.endpoints.get_page"
pytestmark = pytest.mark.usefixtures("cities_streamed")


def head() -> int:
	import frappe

	return frappe.db.sql("select current from tabSeries where name = 'event_streaming.position'")[0][0]


def back_up() -> dict:
	"""As far as restoring it matters here."""
	import frappe

	return {
		"name": frappe.db.sql("select max(name) from `tabEvent Update Log`")[0][0],
		"position": frappe.db.sql("select position from `tabEvent Consumer`")[0][0],
	}


def restore(name: int, head: int, position: int, cities: list[str]) -> None:
	"""`cities` were not there yet."""
	import frappe

	frappe.db.sql("delete from `tabEvent Update Log` where name > %s", name)
	frappe.db.sql("delete from `tabEvent Update Log Consumer` where at_position > %s", head)
	frappe.db.sql("update tabSeries set current = %s where name = 'event_streaming.position'", head)
	frappe.db.sql("update `tabEvent Consumer` set position = %s", position)
	frappe.db.delete(CITY, {"name": ["in", cities]})
	frappe.db.set_next_sequence_val("Event Update Log", int(name) + 1)
	frappe.clear_cache()


def test_after_a_producer_was_restored_what_is_changed_there_arrives_and_nothing_comes_twice(
	producer, consumer
):
	old = [producer.run(insert, doctype=CITY, title=unique("old")) for _each in range(3)]
	pull(consumer, producer)
	backup = {**producer.run(back_up), "head": producer.run(head)}
	assert backup["position"] < backup["head"]
	lost = [producer.run(insert, doctype=CITY, title=unique("lost")) for _each in range(4)]
	pull(consumer, producer)

	producer.run(restore, **backup, cities=lost)
	new = [producer.run(insert, doctype=CITY, title=unique("new")) for _each in range(2)]
	producer.run(change, doctype=CITY, name=old[0], country_name="Siam")
	pull(consumer, producer)

	assert [log["producer_doc"] for log in sync_logs(consumer)] == [*old, *lost, *new, old[0]]
	assert consumer.run(read_doc, doctype=CITY, name=old[0])["country_name"] == "Siam"
	(state,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={})
	assert "backup was restored" in state["last_warning"]
	assert len(
		producer.run(read_rows, doctype="Error Log", filters={"method": ["like", "A restored backup%"]})
	)
	last = producer.run(insert, doctype=CITY, title=unique("last"))
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=CITY, name=last)
	positions = [log["position"] for log in update_logs(producer)]
	assert len(set(positions)) == len(positions)


def test_a_cursor_from_nowhere_moves_no_positions(producer, consumer):
	producer.run(insert, doctype=CITY, title=unique("city"))
	pull(consumer, producer)
	before = producer.run(head)

	page = producer.rest(SUBSCRIBER).method(GET_PAGE, event_consumer=consumer.url, cursor=10**12)

	assert page["events"] == [] and "backup" in page["warnings"][0]
	assert producer.run(head) == before


def test_after_a_consumer_was_restored_it_takes_again_what_it_had_taken_since(producer, consumer):
	old = producer.run(insert, doctype=CITY, title=unique("old"))
	pull(consumer, producer)
	(kept,) = sync_logs(consumer)
	new = producer.run(insert, doctype=CITY, title=unique("new"))
	producer.run(change, doctype=CITY, name=old, country_name="Siam")
	pull(consumer, producer)
	# the producer hears of it, and may have cleared its log since
	pull(consumer, producer)

	consumer.run(restore_consumer, name=kept["name"], position=kept["position"], city=old, lost=new)
	pull(consumer, producer)

	assert [log["producer_doc"] for log in sync_logs(consumer)] == [old, new, old]
	assert consumer.run(read_doc, doctype=CITY, name=new)
	assert consumer.run(read_doc, doctype=CITY, name=old)["country_name"] == "Siam"


def restore_consumer(name: int, position: int, city: str, lost: str) -> None:
	import frappe

	frappe.db.sql("delete from `tabEvent Sync Log` where name > %s", name)
	frappe.db.sql("update `tabEvent Producer Last Update` set position = %s", position)
	frappe.db.delete(CITY, {"name": lost})
	frappe.db.delete("Event Document Identity", {"local_name": lost})
	creation = frappe.db.get_value(CITY, city, "creation")
	frappe.db.sql(
		f"update `tab{CITY}` set country_name = null, modified = %s where name = %s", (creation, city)
	)
	frappe.clear_cache()
