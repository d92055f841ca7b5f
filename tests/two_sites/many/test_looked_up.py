"""Conditions that can be looked up: an event finds its consumers, nobody is woken for nothing, and the page says the same."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, delete, insert, unique
from logs import with_statements
from streams import make_event_consumer, make_subscriber

USER = "stream@example.com"


def url(name: str) -> str:
	return f"http://{name}.example"


def due() -> list[str]:
	import frappe

	from event_streaming.producer.notify import notifications

	frappe.db.commit()
	return sorted(name.split("//")[1].split(".")[0] for name in notifications.due_consumers())


def take_all(consumers: list[str] | None = None) -> list[list]:
	"""Each of the consumers, or all of them, takes what there is; what each has got."""
	import frappe

	taken = []
	for name in sorted(consumers or frappe.get_all("Event Consumer", pluck="name")):
		taken += [[name, *event] for event in take(name)]
	return taken


def take(consumer: str) -> list[list]:
	"""All pages, until the producer knows that they have arrived."""
	import frappe

	from event_streaming.producer.feed import page

	cursor, taken = frappe.db.get_value("Event Consumer", consumer, "position"), []
	frappe.set_user(USER)
	try:
		while True:
			answer = page.get_page(consumer, cursor)
			frappe.db.commit()
			if answer["cursor"] == cursor:
				return taken
			cursor = answer["cursor"]
			taken += [[each["update_type"], each["docname"]] for each in answer["events"]]
	finally:
		frappe.set_user("Administrator")


@pytest.fixture
def site(producer):
	with_orders(producer)
	producer.run(make_subscriber)
	return producer


@pytest.fixture
def shops(site):
	"""`shops(a="doc.urgent == 1")` makes a consumer of orders for each name, with its condition."""

	def make(doctype: str = ORDER, **conditions) -> None:
		for name, condition in conditions.items():
			row = {"ref_doctype": doctype, "status": "Approved", "condition": condition}
			row |= {"when_condition_ends": "Remove"} if condition else {}
			site.run(make_event_consumer, url=url(name), rows=[row], user=USER, protocol=2)
		# on a site whose log has begun long ago: whoever is far behind is asked for by itself
		site.run(take_all)

	return make


def order(site, **values) -> str:
	return site.run(insert, doctype=ORDER, title=unique("order"), **values)


def test_only_those_are_woken_whose_condition_is_met(site, shops):
	shops(
		red="doc.note == 'red'",
		blue="doc.note in ('blue', 'navy')",
		either="doc.note == 'red' or doc.urgent == 1",
		both="doc.note == 'red' and doc.urgent == 1",
		all="",
		evaluated="doc.note != 'red'",
	)

	order(site, note="red")
	assert site.run(due) == ["all", "either", "evaluated", "red"]
	site.run(take_all)
	assert site.run(due) == []
	order(site, note="navy", urgent=1)
	assert site.run(due) == ["all", "blue", "either", "evaluated"]
	order(site, note="red", urgent=1)
	assert site.run(due) == ["all", "blue", "both", "either", "evaluated", "red"]


def test_who_has_a_document_is_woken_when_it_leaves_is_renamed_or_deleted(site, shops):
	shops(red="doc.note == 'red'", blue="doc.note == 'blue'", green="doc.note == 'green'")
	names = [order(site, note="red") for _each in range(3)]
	site.run(take_all)

	site.run(change, doctype=ORDER, name=names[0], note="blue")
	assert site.run(due) == ["blue", "red"]
	assert [event[1:] for event in site.run(take_all) if "red" in event[0]] == [["Delete", names[0]]]
	site.run(delete, doctype=ORDER, name=names[1])
	assert site.run(due) == ["red"]
	site.run(take_all)
	site.run(rename, old=names[2], new=unique("renamed"))
	assert site.run(due) == ["red"]


def rename(old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(ORDER, old, new, force=True)


def test_a_document_that_passes_through_wakes_who_had_it_in_between(site, shops):
	shops(red="doc.note == 'red'", blue="doc.note == 'blue'")
	name = order(site, note="red")
	site.run(take_all)

	site.run(change, doctype=ORDER, name=name, note="blue")
	site.run(change, doctype=ORDER, name=name, note="green")

	assert site.run(due) == ["blue", "red"]


def test_what_a_consumer_has_made_itself_does_not_wake_it(site, shops):
	shops(red="doc.note == 'red'", all="")
	site.run(insert_from, origin=url("red"))
	assert site.run(due) == ["all"]
	site.run(insert_from, origin=url("all"))
	assert site.run(due) == ["all", "red"]


def insert_from(origin: str) -> None:
	import frappe

	insert(ORDER, title="from elsewhere", note="red")
	newest = frappe.get_last_doc("Event Update Log", order_by="name desc").name
	frappe.db.set_value("Event Update Log", newest, "origin", origin)


def test_who_is_further_behind_than_can_be_read_for_all_is_asked_for_by_itself(site, shops):
	shops(behind="", rare="doc.note == 'red'", up="")
	site.run(insert, doctype=CITY, title=unique("city"))
	order(site)
	site.run(take_all, consumers=[url("up"), url("rare")])
	site.run(fill, count=600)
	order(site, note="blue")

	assert site.run(due) == ["behind", "rare", "up"]
	site.run(take_all, consumers=[url("rare")])
	order(site, note="blue")
	assert site.run(due) == ["behind", "up"]


def fill(count: int) -> None:
	from event_streaming.producer.capture.log import write

	for number in range(count):
		write(ORDER, f"order {number}", "Update", {"changed": {}})


def test_what_is_hidden_decides_nothing_and_what_is_unknown_wakes(site, shops):
	shops(red="doc.note == 'red'")
	site.run(hide_note)
	order(site, note="blue")

	assert site.run(due) == ["red"]


def hide_note() -> None:
	import frappe

	from event_streaming.producer.subscriptions.streamed import refresh_streamed_doctypes

	doc = frappe.get_doc("Event Consumer", url("red"))
	doc.consumer_doctypes[0].db_set("fields_not_sent", "note")
	frappe.db.commit()
	refresh_streamed_doctypes()


@pytest.mark.parametrize(
	"condition",
	[
		"doc.urgent == 1",
		"doc.urgent == True",
		"doc.urgent == '1'",
		"doc.total == 10",
		"doc.total == 10.0",
		"doc.total == '10'",
		"doc.note == None",
		"doc.note == ''",
		"doc.note in (None, '')",
		"doc.note == 'Red'",
		"doc.docstatus == 0",
		"doc.city == None",
		"doc.rows == None",
		"doc.doctype == 'Streamed Order'",
		"doc.name == 'nothing' or doc.urgent == 1 and doc.total in (10, 11)",
	],
)
def test_the_page_holds_what_it_would_hold_if_the_condition_were_evaluated(site, shops, condition):
	shops(looked="", evaluated="")
	for values in ({"urgent": 1, "total": 10}, {"note": "red", "total": 10.5}, {"note": "Red"}, {"note": ""}):
		order(site, **values)

	taken = site.run(with_conditions, looked=condition, evaluated=f"bool({condition})")

	assert taken[0] == taken[1]


def with_conditions(**conditions) -> list:
	import frappe

	taken = []
	for name, condition in conditions.items():
		frappe.db.set_value("Event Consumer Document Type", {"parent": url(name)}, "condition", condition)
		frappe.db.commit()
		taken.append(take(url(name)))
	return taken


def count_queries(consumers: int) -> int:
	"""Of a look with so many consumers, each with a condition of its own."""

	from event_streaming.producer.log.sequence import head_position
	from event_streaming.producer.notify import whom

	head = head_position()
	positions = {url(f"shop{number}"): head - 1 for number in range(consumers)}
	found, seen = with_statements(lambda: whom.with_something(positions, head))
	assert found == [url("shop0")]
	return len(seen)


def test_a_look_asks_the_database_as_much_for_thirty_consumers_as_for_one(site, shops):
	shops(**{f"shop{number}": f"doc.note == 'branch {number}'" for number in range(30)})
	site.run(take_all)
	order(site, note="branch 0")
	site.run(due)

	site.run(count_queries, consumers=1)
	assert site.run(count_queries, consumers=30) == site.run(count_queries, consumers=1)
