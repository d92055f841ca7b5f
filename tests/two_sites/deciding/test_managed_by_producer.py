"""Managed by Producer: what came from head office is changed there; what did not, what a subscriber writes and what a life cycle
changes along goes on."""

import pytest
from doctypes import CITY, ORDER
from documents import change, delete, find_name, insert, read_doc, unique
from streams import SUBSCRIBER, pull, set_unsubscribed, subscribe

from sandbox.errors import RemoteError, RestError

pytestmark = pytest.mark.usefixtures("orders")


def order(site, **values) -> str:
	rows = [{"item": "bolt", "qty": 2}]
	return site.run(insert, doctype=ORDER, **{"title": unique("order"), "rows": rows, **values})


def submit(name: str) -> None:
	import frappe

	frappe.get_doc(ORDER, name).submit()


def rename(old: str, new: str, merge: bool = False) -> None:
	import frappe

	frappe.rename_doc(CITY, old, new, merge=merge)


def db_set(name: str, fieldname: str, value) -> None:
	import frappe

	frappe.get_doc(ORDER, name).db_set(fieldname, value)


def set_of_row(name: str, delete_it: bool = False) -> None:
	import frappe

	row = frappe.get_doc(ORDER, name).rows[0]
	if delete_it:
		frappe.delete_doc(row.doctype, row.name)
	else:
		frappe.get_doc(row.doctype, row.name).db_set("qty", 99)


def add_row(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.append("rows", {"item": "ours", "qty": 1})
	doc.save()


def change_as(user: str, doctype: str, name: str, **values) -> None:
	import frappe

	frappe.set_user(user)
	try:
		doc = frappe.get_doc(doctype, name)
		doc.update(values)
		doc.save()
	finally:
		frappe.set_user("Administrator")


def change_as_code(name: str, **values) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.update(values)
	doc.save(ignore_permissions=True)


def change_along(doctype: str, name: str, other: str, fieldname: str, value) -> None:
	"""Another document's hook sets a field of the order, as an invoice sets what is billed of it."""
	import frappe

	class Other(type(frappe.get_doc(doctype, other))):
		def on_update(self):
			frappe.get_doc(ORDER, name).db_set(fieldname, value)
			doc = frappe.get_doc(ORDER, name)
			doc.urgent = 1
			doc.save()

	doc = Other(doctype, other)
	doc.country_name = "changed"
	doc.save()


def refused(site, function, **arguments) -> str:
	with pytest.raises(RemoteError, match="ManagedByProducer") as error:
		site.run(function, **arguments)
	return str(error.value)


def set_managed(name: str, doctype: str, value: int) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	for row in doc.producer_doctypes:
		if row.ref_doctype == doctype:
			row.managed_by_producer = value
	doc.save()


def test_what_came_is_changed_there_only(producer, consumer):
	"""Every way of a person, Administrator included, each with the words that help; and all of it again when the box is taken away."""
	event_producer = subscribe(consumer, producer, ORDER, CITY, managed_by_producer=1)
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	ours = consumer.run(insert, doctype=CITY, title=unique("ours"))
	name = order(producer, note="there", city=city)
	pull(consumer, producer)

	text = refused(consumer, change, doctype=ORDER, name=name, note="here")
	assert producer.url in text and "Managed by Producer" in text and ORDER in text
	for function, arguments in (
		(submit, {"name": name}),
		(delete, {"doctype": ORDER, "name": name}),
		(db_set, {"name": name, "fieldname": "note", "value": "here"}),
		(add_row, {"name": name}),
		(set_of_row, {"name": name}),
		(set_of_row, {"name": name, "delete_it": True}),
		(rename, {"old": city, "new": unique("renamed")}),
		(rename, {"old": ours, "new": city, "merge": True}),
	):
		refused(consumer, function, **arguments)
	with pytest.raises(RestError, match=producer.url) as answer:
		consumer.rest().update(ORDER, name, {"note": "here"})
	assert (answer.value.status, answer.value.exc_type) == (403, "ManagedByProducer")
	assert consumer.run(read_doc, doctype=ORDER, name=name)["note"] == "there"

	# what is not changed can be saved; what did not come from there is free
	consumer.run(change, doctype=ORDER, name=name)
	consumer.run(change, doctype=CITY, name=ours, country_name="here")
	own = order(consumer)
	consumer.run(change, doctype=ORDER, name=own, note="here")
	# the next order of the producer may have its name
	consumer.run(delete, doctype=ORDER, name=own)

	consumer.run(set_managed, name=event_producer, doctype=ORDER, value=0)
	consumer.run(change, doctype=ORDER, name=name, note="here")
	refused(consumer, change, doctype=CITY, name=city, country_name="here")
	consumer.run(set_unsubscribed, name=event_producer, doctype=CITY, unsubscribed=1)
	consumer.run(change, doctype=CITY, name=city, country_name="here")


def test_the_stream_the_subscriber_and_life_cycles_go_on(producer, consumer):
	subscribe(consumer, producer, ORDER, managed_by_producer=1, fields_this_site_decides="note\nrows.qty")
	name = order(producer, note="there")
	pull(consumer, producer)
	ours = consumer.run(insert, doctype=CITY, title=unique("ours"))

	# only the fields that this site decides are this site's
	consumer.run(change, doctype=ORDER, name=name, note="here")
	consumer.run(set_of_row, name=name)
	text = refused(consumer, change, doctype=ORDER, name=name, note="again", title="here")
	assert "Note" in text and "Title" in text
	refused(consumer, add_row, name=name)

	consumer.run(change_as_code, name=name, urgent=1)
	consumer.run(change_along, doctype=CITY, name=name, other=ours, fieldname="total", value=7)
	consumer.run(change_as, user=SUBSCRIBER, doctype=ORDER, name=name, title="by the subscriber")
	doc = consumer.run(read_doc, doctype=ORDER, name=name)
	assert (doc["note"], doc["urgent"], doc["total"], doc["title"]) == ("here", 1, 7, "by the subscriber")
	assert doc["rows"][0]["qty"] == 99

	producer.run(change, doctype=ORDER, name=name, title="by head office", urgent=0)
	producer.run(submit, name=name)
	pull(consumer, producer)
	doc = consumer.run(read_doc, doctype=ORDER, name=name)
	assert (doc["title"], doc["note"], doc["docstatus"]) == ("by head office", "here", 1)
	consumer.run(change, doctype=ORDER, name=name, note="after submission")
	assert consumer.run(find_name, doctype=ORDER, name=name, note="after submission")
