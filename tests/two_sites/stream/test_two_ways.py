"""Both sites of a two-way subscription do something to one document before they hear of each other: both end equal.

What stays is said in consumer/two_way.py; each rule has its test here. Fields and rows: see test_conflicts as well.
"""

import json

import pytest
from doctypes import CITY, ORDER, TICKET, with_orders
from documents import change, delete, find_name, insert, read_doc, read_rows, unique
from logs import make_due, sync_logs, update_logs
from shop import ITEM, make_item
from streams import copy_now, pull, require_nothing, subscribe
from streams import settle as come_to_rest

POLICIES = ["Producer Wins", "Consumer Wins", "Newest Wins"]
pytestmark = pytest.mark.usefixtures("orders")


def both_ways(producer, consumer, policy: str = "Producer Wins") -> None:
	for taker, giver in ((consumer, producer), (producer, consumer)):
		subscribe(taker, giver, ORDER, CITY, conflict_policy=policy)


def settle(producer, consumer) -> None:
	"""Pull in both directions until nothing crosses; nothing may be left open."""
	for _round in range(8):
		if not pull(consumer, producer)["events"] + pull(producer, consumer)["events"]:
			for site in (producer, consumer):
				assert {log["status"] for log in sync_logs(site)} <= {"Synced"}
			return
	raise AssertionError("the two sites do not come to rest")


def order_on_both(producer, consumer, made_on=None, **values) -> str:
	rows = [{"item": item, "qty": 1} for item in ("bolt", "nut", "pin")]
	values = {"title": unique("order"), "note": "first", "total": 1, "rows": rows, **values}
	name = (made_on or producer).run(insert_order, name=unique("ORD"), **values)
	settle(producer, consumer)
	return name


def insert_order(name: str, **values) -> str:
	"""Under a name of its own: the two sites' counters would come to the same one."""
	import frappe

	return frappe.get_doc({"doctype": ORDER, **values}).insert(set_name=name).name


def look(site, name: str) -> dict | None:
	doc = site.run(read_doc, doctype=ORDER, name=name)
	if doc is None:
		return None
	rows = [(row["name"], row["item"], row["qty"]) for row in doc["rows"]]
	fields = ("title", "note", "total", "docstatus", "owner", "creation", "modified", "modified_by")
	return {"rows": rows, **{field: doc[field] for field in fields}}


def equal(producer, consumer, name: str) -> dict | None:
	there, here = look(producer, name), look(consumer, name)
	assert there == here
	return here


def titled(site, title: str) -> list[str]:
	return [doc["name"] for doc in site.run(read_rows, doctype=ORDER, filters={"title": title})]


def put_first(name: str, row: int) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.rows.insert(0, doc.rows.pop(row))
	for number, each in enumerate(doc.rows, start=1):
		each.idx = number
	doc.save()


def rename(name: str, new: str, merge: bool = False) -> None:
	import frappe

	frappe.rename_doc(ORDER, name, new, merge=merge)


def set_docstatus(name: str, *docstatus: int) -> None:
	import frappe

	for each in docstatus:
		doc = frappe.get_doc(ORDER, name)
		doc.submit() if each == 1 else doc.cancel()


def set_quietly(name: str, **values) -> None:
	import frappe

	frappe.get_doc(ORDER, name).db_set(values, update_modified=False)


# ---------------------------------------------------------------- changed on both


@pytest.mark.parametrize("policy", POLICIES)
def test_a_value_that_was_changed_and_put_back_does_not_hide_the_conflict(producer, consumer, policy):
	both_ways(producer, consumer, policy)
	name = order_on_both(producer, consumer)
	consumer.run(change, doctype=ORDER, name=name, note="other")
	for note in ("second", "first"):
		producer.run(change, doctype=ORDER, name=name, note=note)

	settle(producer, consumer)

	assert equal(producer, consumer, name)


def test_the_newest_of_many_changes_on_both_sites_is_the_same_on_both(producer, consumer):
	both_ways(producer, consumer, "Newest Wins")
	name = order_on_both(producer, consumer)
	producer.run(change, doctype=ORDER, name=name, note="theirs")
	consumer.run(change, doctype=ORDER, name=name, note="ours", total=2)
	producer.run(change, doctype=ORDER, name=name, urgent=1)

	settle(producer, consumer)

	assert equal(producer, consumer, name)


def test_rows_put_into_another_order_on_both_sites_end_in_one_order(producer, consumer):
	both_ways(producer, consumer)
	name = order_on_both(producer, consumer)
	producer.run(put_first, name=name, row=2)
	consumer.run(put_first, name=name, row=1)

	settle(producer, consumer)

	assert len(equal(producer, consumer, name)["rows"]) == 3


def test_after_changes_on_both_sites_the_next_change_is_no_conflict_and_crosses_once(producer, consumer):
	both_ways(producer, consumer)
	name = order_on_both(producer, consumer)
	producer.run(change, doctype=ORDER, name=name, note="theirs")
	consumer.run(change, doctype=ORDER, name=name, note="ours")
	settle(producer, consumer)
	before = len(sync_logs(producer)), len(sync_logs(consumer))

	consumer.run(change, doctype=ORDER, name=name, note="next")
	settle(producer, consumer)

	assert equal(producer, consumer, name)["note"] == "next"
	assert (len(sync_logs(producer)), len(sync_logs(consumer))) == (before[0] + 1, before[1])


# ---------------------------------------------------------------- deleted on one


@pytest.mark.parametrize("deleting", ["producer", "consumer"])
@pytest.mark.parametrize("first", ["producer", "consumer"])
def test_what_one_site_deleted_and_the_other_changed_is_gone_on_both(producer, consumer, deleting, first):
	both_ways(producer, consumer)
	title = unique("order")
	name = order_on_both(producer, consumer, title=title)
	sites = {"producer": producer, "consumer": consumer}
	deleter = sites.pop(deleting)
	(changer,) = sites.values()
	deleter.run(delete, doctype=ORDER, name=name)
	changer.run(change, doctype=ORDER, name=name, note="changed")
	changer.run(rename, name=name, new=unique("renamed"))
	if first == "producer":
		pull(producer, consumer)

	settle(producer, consumer)

	assert titled(producer, title) == titled(consumer, title) == []


@pytest.mark.parametrize("steps", [(1,), (1, 2)])
def test_a_draft_deleted_on_one_site_and_submitted_on_the_other_stays_on_both(producer, consumer, steps):
	both_ways(producer, consumer)
	name = order_on_both(producer, consumer)
	consumer.run(delete, doctype=ORDER, name=name)
	producer.run(change, doctype=ORDER, name=name, note="changed")
	for docstatus in steps:
		producer.run(set_docstatus_of, name=name, docstatus=docstatus)

	settle(producer, consumer)

	assert equal(producer, consumer, name)["docstatus"] == steps[-1]


def set_docstatus_of(name: str, docstatus: int) -> None:
	set_docstatus(name, docstatus)


def test_a_new_document_under_the_name_of_a_deleted_one_arrives(producer, consumer):
	both_ways(producer, consumer)
	city = unique("city")
	producer.run(insert, doctype=CITY, title=city)
	settle(producer, consumer)
	consumer.run(delete, doctype=CITY, name=city)
	settle(producer, consumer)

	producer.run(insert, doctype=CITY, title=city, country_name="Siam")
	producer.run(change, doctype=CITY, name=city, country_name="Thailand")
	settle(producer, consumer)

	assert consumer.run(read_doc, doctype=CITY, name=city)["country_name"] == "Thailand"


@pytest.mark.parametrize("made_on", ["producer", "consumer"])
@pytest.mark.parametrize("use_same_name", [0, 1])
def test_what_one_site_deleted_and_the_other_attached_a_file_to_is_gone_on_both(
	producer, consumer, made_on, use_same_name
):
	for taker, giver in ((consumer, producer), (producer, consumer)):
		subscribe(taker, giver, CITY, use_same_name=use_same_name)
	title = unique("city")
	(producer if made_on == "producer" else consumer).run(insert, doctype=CITY, title=title)
	settle(producer, consumer)
	consumer.run(delete, doctype=CITY, name=consumer.run(find_name, doctype=CITY, title=title))
	there = producer.run(find_name, doctype=CITY, title=title)
	producer.run(attach, doctype=CITY, name=there, content=title)
	producer.run(change, doctype=CITY, name=there, country_name="Siam")

	settle(producer, consumer)

	assert not producer.run(find_name, doctype=CITY, title=title)
	assert not consumer.run(find_name, doctype=CITY, title=title)


def attach(doctype: str, name: str, content: str) -> None:
	import frappe

	values = {"file_name": f"{content}.txt", "content": content}
	owner = {"attached_to_doctype": doctype, "attached_to_name": name}
	frappe.get_doc({"doctype": "File", **values, **owner}).insert()


def test_with_local_naming_what_one_site_deleted_and_the_other_changed_is_gone_on_both(producer, consumer):
	for taker, giver in ((consumer, producer), (producer, consumer)):
		subscribe(taker, giver, TICKET, use_same_name=0)
	title = unique("ticket")
	name = producer.run(insert, doctype=TICKET, title=title)
	settle(producer, consumer)
	here = consumer.run(find_name, doctype=TICKET, title=title)
	consumer.run(delete, doctype=TICKET, name=here)
	producer.run(change, doctype=TICKET, name=name, note="changed")

	settle(producer, consumer)

	assert not producer.run(find_name, doctype=TICKET, title=title)
	assert not consumer.run(find_name, doctype=TICKET, title=title)


# ---------------------------------------------------------------- renamed and merged


@pytest.mark.parametrize("made_on", ["producer", "consumer"])
def test_of_two_new_names_the_one_given_where_the_document_was_made_stays(producer, consumer, made_on):
	both_ways(producer, consumer)
	maker = {"producer": producer, "consumer": consumer}[made_on]
	name = order_on_both(producer, consumer, maker)
	names = {site.name: unique(site.name) for site in (producer, consumer)}
	for site in (producer, consumer):
		site.run(rename, name=name, new=names[site.name])
		site.run(change, doctype=ORDER, name=names[site.name], **{"note": "x"})

	settle(producer, consumer)
	assert equal(producer, consumer, names[made_on])["note"] == "x"

	for note, site in (("y", producer), ("z", consumer)):
		site.run(change, doctype=ORDER, name=names[made_on], note=note)
		settle(producer, consumer)
		assert equal(producer, consumer, names[made_on])["note"] == note


def test_a_document_that_one_site_merged_away_and_the_other_changed_is_gone_on_both(producer, consumer):
	both_ways(producer, consumer)
	old, new = order_on_both(producer, consumer), order_on_both(producer, consumer)
	consumer.run(rename, name=old, new=new, merge=True)
	producer.run(change, doctype=ORDER, name=old, note="changed")

	settle(producer, consumer)

	assert equal(producer, consumer, old) is None
	assert equal(producer, consumer, new)["note"] == "first"


def test_a_document_that_one_site_merged_into_one_that_the_other_deleted_goes_with_it(producer, consumer):
	both_ways(producer, consumer)
	old, new = order_on_both(producer, consumer), order_on_both(producer, consumer)
	producer.run(rename, name=old, new=new, merge=True)
	consumer.run(delete, doctype=ORDER, name=new)

	settle(producer, consumer)

	assert equal(producer, consumer, old) is None and equal(producer, consumer, new) is None


def test_what_the_other_site_has_made_can_be_merged_into(producer, consumer):
	both_ways(producer, consumer)
	old, new = order_on_both(producer, consumer, consumer), order_on_both(producer, consumer, consumer)
	producer.run(rename, name=old, new=new, merge=True)

	settle(producer, consumer)

	assert equal(producer, consumer, old) is None
	assert equal(producer, consumer, new)


# ---------------------------------------------------------------- one way


def test_stamps_stay_the_producers_after_a_merge_and_a_change_that_sets_none(producer, consumer):
	subscribe(consumer, producer, ORDER, CITY)
	old, kept = (producer.run(insert, doctype=ORDER, title=unique("order")) for _each in range(2))
	pull(consumer, producer)

	producer.run(rename, name=old, new=kept, merge=True)
	producer.run(set_quietly, name=kept, note="quiet")
	pull(consumer, producer)

	assert equal(producer, consumer, kept)["note"] == "quiet"


# ---------------------------------------------------------------- two steps away


def in_a_row(producer, consumer, third, *more) -> list[tuple]:
	"""Orders go from the producer to the consumer, and from there to the third site."""
	with_orders(third)
	ways = [(consumer, producer), (third, consumer), *more]
	for taker, giver in ways:
		subscribe(taker, giver, ORDER, CITY)
	return ways


@pytest.mark.parametrize("back", [False, True], ids=["in a row", "in a ring"])
def test_a_merge_leaves_the_stamps_of_where_it_was_made_on_a_site_two_steps_away(
	producer, consumer, third, back
):
	ways = in_a_row(producer, consumer, third, *([(producer, third)] if back else []))
	old, kept = (producer.run(insert_order, name=unique("ORD"), title="order") for _each in range(2))
	come_to_rest(*ways)

	producer.run(rename, name=old, new=kept, merge=True)
	come_to_rest(*ways)

	assert look(third, kept) == equal(producer, consumer, kept)


def test_so_does_a_merge_of_what_the_site_in_between_does_not_have_any_more(producer, consumer, third):
	ways = in_a_row(producer, consumer, third)
	old, kept = (producer.run(insert_order, name=unique("ORD"), title="order") for _each in range(2))
	come_to_rest(*ways)
	consumer.run(delete, doctype=ORDER, name=old)

	producer.run(rename, name=old, new=kept, merge=True)
	come_to_rest(*ways)

	assert look(third, kept) == equal(producer, consumer, kept)


def test_so_does_a_change_that_the_site_in_between_had_made_by_itself(producer, consumer, third):
	ways = in_a_row(producer, consumer, third)
	name = producer.run(insert_order, name=unique("ORD"), title="order")
	come_to_rest(*ways)

	for site in (consumer, producer):
		site.run(change, doctype=ORDER, name=name, note="the same")
	come_to_rest(*ways)

	assert look(third, name) == equal(producer, consumer, name)
	events = update_logs(consumer, docname=name)
	assert [each["origin"] for each in events] == [producer.url, "", producer.url]
	assert list(json.loads(events[-1]["data"])["changed"]) == ["modified", "modified_by"]


@pytest.mark.parametrize("what", ["change", "rename"])
def test_what_was_made_and_deleted_here_does_not_come_back_by_a_change_that_another_site_of_the_ring_has_made(
	producer, consumer, third, what
):
	ways = in_a_row(producer, consumer, third, (producer, third))
	name = consumer.run(insert_order, name=unique("ORD"), title="order")
	come_to_rest(*ways)
	consumer.run(delete, doctype=ORDER, name=name)
	new = name if what == "change" else unique("new")
	if what == "change":
		third.run(change, doctype=ORDER, name=name, note="too late")
	else:
		third.run(rename, name=name, new=new)
	# the change is on its way first
	for taker, giver in ((producer, third), (consumer, producer)):
		pull(taker, giver)
	come_to_rest(*ways)

	for site in (producer, consumer, third):
		assert not look(site, name) and not look(site, new)
		assert {log["status"] for log in sync_logs(site)} == {"Synced"}


@pytest.mark.parametrize("ends", ["deleted", "merged"])
def test_where_a_document_was_made_is_said_also_when_the_site_in_between_has_lost_it(
	producer, consumer, third, ends
):
	"""Else a first copy on its own site brings it again, and nobody tells that site of a deletion which is its own."""
	ways = in_a_row(producer, consumer, third, (producer, third))
	name, kept = (producer.run(insert_order, name=unique("ORD"), title="order") for _each in range(2))
	pull(consumer, producer)
	if ends == "deleted":
		producer.run(delete, doctype=ORDER, name=name)
	else:
		producer.run(rename, name=name, new=kept, merge=True)
	pull(consumer, producer)
	third.run(refuse_deletions, doctype=ORDER)
	try:
		pull(third, consumer)
		assert look(third, name)
		producer.run(copy_now, event_producer=third.url, doctypes=[ORDER], pulls=False)
		assert not look(producer, name)
	finally:
		third.run(require_nothing, doctype=ORDER)
	third.run(make_due)
	come_to_rest(*ways)

	assert not any(look(site, name) for site in (producer, consumer, third))


def refuse_deletions(doctype: str) -> None:
	import frappe

	rule = {"doctype": "Server Script", "name": "no deletions", "script_type": "DocType Event"}
	values = {"reference_doctype": doctype, "doctype_event": "Before Delete"}
	frappe.get_doc({**rule, **values, "script": "frappe.throw('not now')"}).insert()
	frappe.clear_cache()


@pytest.mark.parametrize("by", ["doc", "another object"])
def test_so_does_a_change_that_a_hook_of_the_site_in_between_has_gone_on_with(producer, consumer, third, by):
	ways = [(consumer, producer), (third, consumer)]
	for taker, giver in ways:
		subscribe(taker, giver, ITEM)
	consumer.run(make_going_on, doctype=ITEM, by=by)
	try:
		name = producer.run(make_item)
		come_to_rest(*ways)
		stamps = [stamps_of(site, name) for site in (producer, consumer, third)]
		rates = [site.run(read_doc, doctype=ITEM, name=name)["rate"] for site in (producer, consumer, third)]
	finally:
		consumer.run(require_nothing, doctype=ITEM)

	assert rates == [10, 12, 12]
	assert stamps[0] == stamps[1] == stamps[2]


def stamps_of(site, name: str) -> tuple[str, str]:
	doc = site.run(read_doc, doctype=ITEM, name=name)
	return doc["modified"], doc["modified_by"]


def make_going_on(doctype: str, by: str) -> None:
	"""A hook of this site sets a field of a document that was saved, and its time stamp with it."""
	import frappe

	doc = "doc" if by == "doc" else f"frappe.get_doc('{doctype}', doc.name)"
	rule = {"doctype": "Server Script", "name": "going on", "script_type": "DocType Event"}
	values = {"reference_doctype": doctype, "doctype_event": "After Save"}
	frappe.get_doc({**rule, **values, "script": f"{doc}.db_set('rate', 12)"}).insert()
	frappe.clear_cache()


def test_stamps_alone_are_nothing_that_two_sites_would_have_to_agree_on(producer, consumer):
	"""As they come of a third site's change, to the one that has the last word and has changed the document since."""
	both_ways(producer, consumer)
	name = order_on_both(producer, consumer)
	doc = producer.run(read_doc, doctype=ORDER, name=name)
	consumer.run(tell_stamps, name=name, modified=doc["modified"])
	producer.run(change, doctype=ORDER, name=name, note="since then")
	before = len(update_logs(producer, docname=name))

	settle(producer, consumer)

	assert len(update_logs(producer, docname=name)) == before
	assert equal(producer, consumer, name)["note"] == "since then"


def tell_stamps(name: str, modified: str) -> None:
	from datetime import timedelta

	from frappe.utils import get_datetime

	from event_streaming.consumer.life_cycle import documents
	from event_streaming.identity.origin import applying

	stamps = {"modified": get_datetime(modified) + timedelta(microseconds=1), "modified_by": "Guest"}
	with applying(ORDER, "http://of.a.third.site"):
		documents.stamp(ORDER, name, stamps)


def test_a_site_two_steps_away_is_told_no_stamps_that_it_has(producer, consumer, third):
	ways = in_a_row(producer, consumer, third)
	name = producer.run(insert_order, name=unique("ORD"), title="order")
	come_to_rest(*ways)
	producer.run(change, doctype=ORDER, name=name, note="changed")
	come_to_rest(*ways)

	assert len(update_logs(consumer, docname=name)) == len(update_logs(producer, docname=name)) == 2


# ---------------------------------------------------------------- renamed again and again


def city_on_both(producer, consumer) -> str:
	name = producer.run(insert, doctype=CITY, title=unique("City"))
	settle(producer, consumer)
	return name


def cities(site, name: str) -> dict[str, str]:
	"""Name -> title of those that began with this name."""
	return site.run(read_cities, name=name)


def read_cities(name: str) -> dict[str, str]:
	import frappe

	filters = {"name": ["like", f"{name}%"]}
	return dict(frappe.get_all(CITY, filters=filters, fields=["name", "title"], as_list=True, limit=0))


def rename_city(old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(CITY, old, new, show_alert=False, rebuild_search=False)


def test_a_document_that_both_sites_rename_in_turn_stays_one(producer, consumer):
	both_ways(producer, consumer)
	name = city_on_both(producer, consumer)
	for number, site in enumerate([consumer, producer, producer, consumer, producer]):
		new = f"{name} {number}"
		site.run(rename_city, old=name if not number else f"{name} {number - 1}", new=new)
		settle(producer, consumer)

		assert cities(producer, name) == cities(consumer, name)
		assert list(cities(producer, name)) == [new]


@pytest.mark.parametrize("what", ["change", "delete"])
def test_a_document_that_the_other_site_has_renamed_is_changed_and_deleted_by_its_new_name(
	producer, consumer, what
):
	both_ways(producer, consumer)
	name = city_on_both(producer, consumer)
	consumer.run(rename_city, old=name, new=f"{name} new")
	settle(producer, consumer)

	if what == "change":
		producer.run(change, doctype=CITY, name=f"{name} new", country_name="Laos")
	else:
		producer.run(delete, doctype=CITY, name=f"{name} new")
	settle(producer, consumer)

	assert cities(producer, name) == cities(consumer, name)
	there = consumer.run(read_doc, doctype=CITY, name=f"{name} new")
	assert there["country_name"] == "Laos" if what == "change" else not there


@pytest.mark.parametrize("what", ["change", "delete", "rename"])
def test_a_document_that_one_site_renames_twice_while_the_other_goes_on_with_it_is_equal_on_both(
	producer, consumer, what
):
	"""By the first new name nothing has been told of it when the second is given."""
	both_ways(producer, consumer)
	name = city_on_both(producer, consumer)
	consumer.run(rename_city, old=name, new=f"{name} new")
	settle(producer, consumer)

	consumer.run(rename_city, old=f"{name} new", new=f"{name} newer")
	if what == "change":
		producer.run(change, doctype=CITY, name=f"{name} new", country_name="Laos")
	elif what == "delete":
		producer.run(delete, doctype=CITY, name=f"{name} new")
	else:
		producer.run(rename_city, old=f"{name} new", new=f"{name} other")
	settle(producer, consumer)

	assert cities(producer, name) == cities(consumer, name)
	if what == "change":
		for site in (producer, consumer):
			assert site.run(read_doc, doctype=CITY, name=f"{name} newer")["country_name"] == "Laos"
	assert len(cities(producer, name)) == (what != "delete")


def test_a_name_that_a_rename_has_freed_can_be_given_to_another_document(producer, consumer):
	both_ways(producer, consumer)
	name = city_on_both(producer, consumer)
	consumer.run(rename_city, old=name, new=f"{name} new")
	settle(producer, consumer)

	producer.run(insert, doctype=CITY, title=name, country_name="Laos")
	settle(producer, consumer)

	assert cities(producer, name) == cities(consumer, name)
	old = consumer.run(read_doc, doctype=CITY, name=f"{name} new")
	assert old["country_name"] != "Laos"
	assert consumer.run(read_doc, doctype=CITY, name=name)["country_name"] == "Laos"
