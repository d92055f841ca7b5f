"""A page in which changes are put together: what is on record of it, who shares it, and what it does not show."""

import json

import pytest
from doctypes import ORDER, with_orders
from documents import insert, unique
from streams import make_event_consumer, make_subscriber
from test_shared_page import read, url

USER = "stream@example.com"
LIMIT = 6
WISH = json.dumps({"doctypes": [ORDER], "apart": []})


def change_in_turn(names: list, times: int) -> None:
	import frappe

	for number in range(times):
		for name in names:
			doc = frappe.get_doc(ORDER, name)
			doc.note, doc.total = f"change {number}", number
			doc.save()
			frappe.db.commit()


@pytest.fixture
def site(producer):
	with_orders(producer)
	producer.run(make_subscriber)
	return producer


@pytest.fixture
def far(site):
	"""Consumers with such a row, and two orders that were changed twenty times each; returns the orders."""

	def make(*consumers, **row) -> list[str]:
		for name in consumers:
			rows = [{"ref_doctype": ORDER, "status": "Approved", **row}]
			site.run(make_event_consumer, url=url(name), rows=rows, user=USER, protocol=2)
		names = [site.run(insert, doctype=ORDER, title=unique("order")) for _number in range(2)]
		site.run(change_in_turn, names=names, times=20)
		return names

	return make


def told(page: dict) -> list[tuple]:
	return [(event["update_type"], event["docname"], event.get("changes", 0)) for event in page["events"]]


def deliveries(name: str) -> list[tuple[str, int]]:
	import frappe

	rows = frappe.get_all(
		"Event Update Log Consumer", filters={"consumer": url(name)}, fields=["parent", "at_position"]
	)
	return sorted([int(row.parent), row.at_position] for row in rows)


def test_all_of_it_is_one_page(site, far):
	names = far("first")

	page = site.run(read, name="first", as_one=WISH, limit=LIMIT)

	assert told(page) == [*(("Create", name, 0) for name in names), *(("Update", name, 20) for name in names)]
	assert not page["has_more"] and page["cursor"] == page["events"][-1]["position"]
	last = page["events"][-1]
	assert json.loads(last["data"])["changed"]["note"] == "change 19"
	assert json.loads(last["data_before"])["changed"]["note"] != "change 18"


def test_under_a_condition_each_change_is_on_record_as_delivered_where_it_came(site, far):
	far("first", condition="True")

	page = site.run(read, name="first", as_one=WISH, limit=LIMIT)

	rows, positions = site.run(deliveries, name="first"), {event["position"] for event in page["events"]}
	assert len(rows) == 42 and {at for _parent, at in rows} == positions
	assert max(changes for _type, _name, changes in told(page)) == 20
	# and nothing of it is given again, whatever its document meets later
	assert site.run(read, name="first", cursor=page["cursor"], as_one=WISH, limit=LIMIT)["events"] == []


def test_what_is_hidden_is_not_put_together_and_not_shown(site, far):
	far("first", fields_not_sent="note")

	page = site.run(read, name="first", as_one=WISH, limit=LIMIT)

	assert {changes for _type, _name, changes in told(page)} == {0} and 2 < len(page["events"]) <= LIMIT
	assert "change 1" not in json.dumps(page["events"])


def test_it_is_another_page_than_that_of_those_who_take_each_step(site, far):
	far("first", "second", "third", "fourth")

	pages = [site.run(read, name=name, as_one=WISH, limit=LIMIT) for name in ("first", "second", "third")]
	plain = site.run(read, name="fourth", as_one=None, limit=LIMIT)

	assert [page["read"] for page in pages] == [1, 1, 0]
	assert pages[0]["events"] == pages[1]["events"] == pages[2]["events"]
	assert {changes for *_event, changes in told(plain)} == {0} and len(plain["events"]) == LIMIT


@pytest.mark.parametrize(
	"wish",
	[
		"not JSON",
		"[1]",
		'{"doctypes": 5}',
		'{"doctypes": ["Streamed Order"], "apart": [1]}',
		json.dumps({"doctypes": [str(number) for number in range(1_001)]}),
		'{"doctypes": ["User"]}',
		"",
	],
)
def test_a_wish_that_can_not_be_read_is_none(site, far, wish):
	far("first")
	page = site.run(read, name="first", as_one=wish, limit=LIMIT)
	assert {changes for *_event, changes in told(page)} == {0} and len(page["events"]) == LIMIT


def test_documents_whose_steps_are_wanted_come_in_steps(site, far):
	names = far("first")
	wish = json.dumps({"doctypes": [ORDER], "apart": [[ORDER, names[0]]]})

	events = told(site.run(read, name="first", as_one=wish, limit=LIMIT))

	assert ("Update", names[0], 0) in events
	assert all(changes == 0 for _type, name, changes in events if name == names[0])
