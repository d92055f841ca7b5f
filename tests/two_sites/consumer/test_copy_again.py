"""A copy that is begun again, and what people have done since the one before: what is not here comes, whatever was here once."""

import json

import pytest
from doctypes import CITY, ORDER, TICKET
from documents import change, insert, make_orders, only, read_doc, read_rows, set_settings, unique
from logs import sync_logs
from streams import decide, pull, set_unsubscribed, subscribe
from test_first_copy import FORM, copy, look, one_page, run_to_the_end

MAPPING = "Orders as tickets"
pytestmark = pytest.mark.usefixtures("orders")


def delete_all(names: list[str]) -> None:
	import frappe

	for name in names:
		doc = frappe.get_doc(ORDER, name)
		if doc.docstatus == 1:
			doc.cancel()
		doc.delete()


def delete_with_sql(names: list[str]) -> None:
	import frappe

	for name in names:
		frappe.db.delete(ORDER, {"name": name})
		frappe.db.delete("Streamed Order Row", {"parent": name})


def copied(producer, consumer, prefix: str, **row) -> list[str]:
	"""Three orders that came with a copy, after some event."""
	names = producer.run(make_orders, prefix=prefix, count=3)
	subscribe(consumer, producer, ORDER, **row)
	producer.run(insert, doctype=ORDER, title="another one")
	pull(consumer, producer)
	assert copy(consumer, producer, **only(prefix))["made"] == 3
	return names


@pytest.mark.parametrize("gone", [delete_all, delete_with_sql])
def test_what_is_gone_here_comes_again_with_a_copy(producer, consumer, gone):
	prefix = unique("gone")
	names = copied(producer, consumer, prefix)
	consumer.run(gone, names=names)

	again = copy(consumer, producer, **only(prefix))

	assert (again["made"], again["here"], again["failed"]) == (3, 0, 0)
	assert [look(consumer, name) for name in names] == [look(producer, name) for name in names]


def map_to_tickets(event_producer: str) -> None:
	import frappe

	if not frappe.db.exists("Document Type Mapping", MAPPING):
		fields = [{"local_fieldname": "title", "remote_fieldname": "title"}]
		frappe.get_doc(
			{
				"doctype": "Document Type Mapping",
				"mapping_name": MAPPING,
				"local_doctype": TICKET,
				"remote_doctype": ORDER,
				"field_mapping": fields,
			}
		).insert()
	doc = frappe.get_doc("Event Producer", event_producer)
	values = {"ref_doctype": TICKET, "has_mapping": 1, "mapping": MAPPING, "use_same_name": 0}
	doc.producer_doctypes[0].update(values)
	doc.save()


def tickets(consumer, prefix: str) -> list[str]:
	rows = consumer.run(read_rows, doctype=TICKET, filters={"title": ["like", f"{prefix}%"]})
	return sorted(row["title"] for row in rows)


def test_what_came_as_another_document_type_comes_as_what_the_row_says_now(producer, consumer):
	prefix = unique("other type")
	copied(producer, consumer, prefix)
	consumer.run(map_to_tickets, event_producer=producer.url)
	producer.run(decide, consumer_url=consumer.url)
	pull(consumer, producer)

	again = copy(consumer, producer, **only(prefix))

	assert (again["made"], again["failed"]) == (3, 0)
	assert tickets(consumer, prefix) == [f"{prefix} {number}" for number in range(3)]


def test_a_row_that_asks_for_something_else_now_is_copied_again(producer, consumer):
	"""The box is ticked: what the row asks for now comes, too. Saved without a change, it is not copied again."""
	prefix = unique("ticked")
	producer.run(make_orders, prefix=prefix, count=2)
	subscribe(consumer, producer, ORDER, copy_existing=1)
	assert consumer.run(begin_and_run)
	consumer.run(save_with_no_copy_begun, event_producer=producer.url)
	assert not consumer.run(begin_and_run)

	consumer.run(map_to_tickets, event_producer=producer.url)
	producer.run(decide, consumer_url=consumer.url)
	pull(consumer, producer)

	assert consumer.run(begin_and_run)
	assert tickets(consumer, prefix) == [f"{prefix} 0", f"{prefix} 1"]


def begin_and_run() -> list[str]:
	"""What a minute's sweep begins, to its end."""
	import frappe

	from event_streaming.consumer.first_copy import copying
	from event_streaming.consumer.long_work.runner import run_slice

	names = copying.begin_wanted()
	frappe.db.commit()
	for name in names:
		while run_slice(name).more:
			pass
	return names


def save_with_no_copy_begun(event_producer: str) -> None:
	"""A form that was opened before the copy began."""
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.producer_doctypes[0].copied_on = None
	doc.save()


def test_what_was_deleted_after_a_copy_was_stopped_comes_when_it_is_begun_again(producer, consumer):
	"""It looked wrong: stopped, deleted, corrected and begun again."""
	prefix = unique("corrected")
	names = producer.run(make_orders, prefix=prefix, count=6)
	subscribe(consumer, producer, ORDER)
	consumer.run(set_settings, events_per_page=2, events_per_commit=1)
	admin, wanted = consumer.rest(), json.dumps(only(prefix))
	begun = admin.method(f"{FORM}.start_copy", event_producer=producer.url, filters=wanted)
	consumer.run(one_page, name=begun["task"])
	assert admin.method(f"{FORM}.stop_copy", event_producer=producer.url) is True
	consumer.run(delete_all, names=[name for name in names if look(consumer, name)])

	again = admin.method(f"{FORM}.start_copy", event_producer=producer.url, filters=wanted)
	done = consumer.run(run_to_the_end, name=again["task"])

	assert (done["status"], done["made"], done["done"]) == ("Done", 6, 6)
	assert [look(consumer, name) for name in names] == [look(producer, name) for name in names]


def test_unsubscribing_from_one_document_type_ends_no_copy_of_the_others(producer, consumer):
	prefix = unique("unsubscribed")
	producer.run(make_orders, prefix=prefix, count=4)
	subscribe(consumer, producer, ORDER, CITY)
	consumer.run(set_settings, events_per_page=2, events_per_commit=1)
	filters = {**only(prefix), CITY: {"title": ["like", f"{prefix}%"]}}
	begun = consumer.rest().method(
		f"{FORM}.start_copy", event_producer=producer.url, filters=json.dumps(filters)
	)
	consumer.run(one_page, name=begun["task"])
	consumer.run(set_unsubscribed, name=producer.url, doctype=ORDER, unsubscribed=1)

	done = consumer.run(run_to_the_end, name=begun["task"])

	assert done["status"] == "Done", done["message"]
	assert all(consumer.run(read_doc, doctype=CITY, name=f"{prefix} city {number}") for number in range(4))
	task = consumer.run(read_doc, doctype="Event Streaming Task", name=begun["task"])
	(warning,) = json.loads(task["report"])["warnings"]
	assert f"{ORDER} is skipped" in warning
	assert sync_logs(consumer) == []


def copy_whose_step_is_undone(event_producer: str, filters: dict) -> list[str]:
	"""Of two who write the same rows in another order, the database undoes one: here the pull in the middle of a copy."""
	import frappe

	from event_streaming.consumer.first_copy import copying
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task

	def undone(_event_producer: str) -> None:
		raise frappe.QueryDeadlockError(
			1213, "Deadlock found when trying to get lock; try restarting transaction"
		)

	name = copying.begin(event_producer, None, filters).name
	frappe.db.commit()
	pull_first, copying.let_pull = copying.let_pull, undone
	try:
		run_slice(name)
	finally:
		copying.let_pull = pull_first
	first = task.load(name).status
	while run_slice(name).more:
		pass
	return [first, task.load(name).status]


def test_a_copy_whose_step_the_database_undoes_goes_on_by_itself(producer, consumer):
	prefix = unique("undone")
	names = producer.run(make_orders, prefix=prefix, count=3)
	subscribe(consumer, producer, ORDER)

	statuses = consumer.run(copy_whose_step_is_undone, event_producer=producer.url, filters=only(prefix))

	assert statuses == ["Waiting", "Done"]
	assert all(look(consumer, name) for name in names)


# ---- what was changed while nobody subscribed to it, of documents that came with a copy and not by an event


def resubscribe_after(producer, consumer, missed: dict, name: str) -> None:
	"""Unsubscribed from, changed there, and subscribed to again."""
	consumer.run(set_unsubscribed, name=producer.url, doctype=ORDER, unsubscribed=1)
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=name, **missed)
	consumer.run(set_unsubscribed, name=producer.url, doctype=ORDER, unsubscribed=0)
	pull(consumer, producer)


def test_what_was_missed_of_a_document_that_was_copied_comes_with_its_next_change(producer, consumer):
	prefix = unique("missed")
	(name, *_others) = copied(producer, consumer, prefix)
	resubscribe_after(producer, consumer, {"total": 7}, name)

	producer.run(change, doctype=ORDER, name=name, note="heard of")
	pull(consumer, producer)

	assert look(consumer, name) == look(producer, name)


def test_what_was_changed_here_of_a_document_that_was_copied_stays(producer, consumer):
	prefix = unique("kept")
	(name, *_others) = copied(producer, consumer, prefix)
	resubscribe_after(producer, consumer, {"total": 7}, name)
	consumer.run(change, doctype=ORDER, name=name, urgent=1)

	producer.run(change, doctype=ORDER, name=name, note="heard of")
	pull(consumer, producer)

	here = look(consumer, name)
	assert (here["urgent"], here["note"], here["total"]) == (1, "heard of", 0)


def brought_by_another(name: str) -> None:
	"""Another producer had changed it, offline, before this one gave it: as it comes, its time stamp is older than that."""
	import frappe

	from event_streaming.identity import registry

	third = "https://third.example"
	values = {"urgent": 1, "modified": "2020-01-01 00:00:00"}
	frappe.db.set_value(ORDER, name, values, update_modified=False)
	registry.save(registry.Identity(third, ORDER, name, ORDER, name, third, ORDER, name))


def test_what_another_producer_has_changed_of_a_document_that_was_copied_stays(producer, consumer):
	prefix = unique("third")
	(name, *_others) = copied(producer, consumer, prefix)
	resubscribe_after(producer, consumer, {"total": 7}, name)
	consumer.run(brought_by_another, name=name)

	producer.run(change, doctype=ORDER, name=name, note="heard of")
	pull(consumer, producer)

	here = look(consumer, name)
	assert (here["urgent"], here["note"]) == (1, "heard of")
