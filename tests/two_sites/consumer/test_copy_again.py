"""A copy that is begun again, and what people have done since the one before: what is not here comes, whatever was here once."""

import pytest
from doctypes import ORDER, TICKET
from documents import insert, make_orders, only, read_rows, unique
from streams import decide, pull, subscribe
from test_first_copy import copy, look

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
