"""A row that is inserted, saved, `db_set` or deleted as a document of its own is a change of its parent, once."""

import json

import pytest
from doctypes import ORDER, ROW, with_orders
from documents import insert, read_doc, unique
from logs import sync_logs
from streams import pull, stream_orders, subscribe


@pytest.fixture
def site(producer):
	with_orders(producer)
	producer.run(stream_orders)
	return producer


def changes(site, name: str) -> list[dict]:
	"""The updates of an order, oldest first, without stamps."""
	logged = site.run(events_of, name=name)
	assert [row["update_type"] for row in logged] == ["Create"] + ["Update"] * (len(logged) - 1)
	return [without_stamps(json.loads(row["data"])) for row in logged[1:]]


def events_of(name: str) -> list[dict]:
	import frappe

	return frappe.get_all(
		"Event Update Log",
		filters={"ref_doctype": ORDER, "docname": name},
		fields=["update_type", "data", "data_before"],
		order_by="name asc",
	)


def without_stamps(change: dict) -> dict:
	changed = {k: v for k, v in change.get("changed", {}).items() if k not in ("modified", "modified_by")}
	rest = {k: v for k, v in change.items() if k != "changed"}
	return {**({"changed": changed} if changed else {}), **rest}


def make_order(site, **values) -> str:
	rows = [{"item": "bolt", "qty": 5}, {"item": "nut", "qty": 2}]
	return site.run(insert, doctype=ORDER, title=unique("order"), rows=rows, **values)


def row_of(site, name: str, item: str) -> str:
	return next(
		row["name"] for row in site.run(read_doc, doctype=ORDER, name=name)["rows"] if row["item"] == item
	)


def save_row(name: str, **values) -> None:
	import frappe

	frappe.get_doc(ROW, name).update(values).save()


def set_row(name: str, **values) -> None:
	import frappe

	frappe.get_doc(ROW, name).db_set(values)


def insert_row(parent: str, **values) -> str:
	import frappe

	row = {"doctype": ROW, "parenttype": ORDER, "parent": parent, "parentfield": "rows", **values}
	return frappe.get_doc(row).insert().name


def delete_row(name: str) -> None:
	import frappe

	row = frappe.get_doc(ROW, name)
	if row.docstatus == 1:
		row.cancel()
	row.delete()


def test_a_row_that_is_saved_changes_its_order(site):
	name = make_order(site)
	row = row_of(site, name, "bolt")
	before = site.run(read_doc, doctype=ORDER, name=name)["modified"]

	site.run(save_row, name=row, qty=8)

	assert changes(site, name) == [{"row_changed": {"rows": [{"name": row, "qty": 8.0}]}}]
	was = json.loads(site.run(events_of, name=name)[1]["data_before"])
	assert was["row_changed"]["rows"] == [{"name": row, "qty": 5.0}] and was["changed"]["modified"] == before


def test_a_row_that_is_saved_as_it_was_is_no_change(site):
	name = make_order(site)

	site.run(save_row, name=row_of(site, name, "bolt"))

	assert changes(site, name) == []


def test_a_row_that_is_set_changes_its_order(site):
	name = make_order(site)
	row = row_of(site, name, "nut")

	site.run(set_row, name=row, qty=3)
	site.run(set_row, name=row, qty=3)

	assert changes(site, name) == [{"row_changed": {"rows": [{"name": row, "qty": 3.0}]}}]


def test_a_row_that_is_inserted_and_deleted_comes_and_goes(site):
	name = make_order(site)

	row = site.run(insert_row, parent=name, idx=3, item="washer", qty=1)
	site.run(delete_row, name=row)

	added, removed = changes(site, name)
	((new,),) = (added["added"]["rows"],)
	assert (new["name"], new["item"], new["idx"]) == (row, "washer", 3)
	assert removed == {"removed": {"rows": [row]}}


def test_rows_of_what_nobody_subscribes_to_are_not_logged(site):
	from doctypes import TICKET

	ticket = site.run(insert, doctype=TICKET, title=unique("ticket"), rows=[{"item": "bolt", "qty": 1}])
	row = site.run(read_doc, doctype=TICKET, name=ticket)["rows"][0]["name"]

	site.run(save_row, name=row, qty=2)

	assert site.run(count_of, name=ticket) == 0


def count_of(name: str) -> int:
	import frappe

	return frappe.db.count("Event Update Log", {"docname": name})


def update_items(name: str) -> None:
	"""As ERPNext's Update Items does: the rows by themselves, then the order."""
	import frappe

	order = frappe.get_doc(ORDER, name)
	bolt, nut = order.rows
	row = frappe.get_doc(ROW, bolt.name)
	row.qty = 8
	row.flags.ignore_validate_update_after_submit = True
	row.save()
	frappe.get_doc(
		{
			"doctype": ROW,
			"parenttype": ORDER,
			"parent": name,
			"parentfield": "rows",
			"docstatus": 1,
			"idx": 3,
			"item": "washer",
			"qty": 4,
		}
	).insert()
	gone = frappe.get_doc(ROW, nut.name)
	gone.cancel()
	gone.delete()
	order.reload()
	order.note = "items updated"
	order.flags.ignore_validate_update_after_submit = True
	order.save()


def test_update_items_goes_over(consumer, producer):
	with_orders(consumer, producer)
	subscribe(consumer, producer, ORDER)
	name = make_order(producer, docstatus=1)
	pull(consumer, producer)

	producer.run(update_items, name=name)
	pull(consumer, producer)

	there, here = (site.run(read_doc, doctype=ORDER, name=name) for site in (producer, consumer))
	assert [(row["name"], row["item"], row["qty"]) for row in here["rows"]] == [
		(row["name"], row["item"], row["qty"]) for row in there["rows"]
	]
	assert [row["item"] for row in here["rows"]] == ["bolt", "washer"]
	assert (here["note"], here["modified"], here["docstatus"]) == ("items updated", there["modified"], 1)
	assert {log["status"] for log in sync_logs(consumer, ref_doctype=ORDER)} == {"Synced"}


def save_with_a_row(name: str, row: str, fail: bool = False) -> None:
	"""A hook of the order's own save saves one of its rows, as a document of its own."""
	import frappe

	order = frappe.get_doc(ORDER, name)
	order.note = unique("note")
	original = order.run_method

	def run_method(method, *args, **kwargs):
		if method == "on_update":
			frappe.get_doc(ROW, row).db_set("qty", 9)
			if fail:
				raise frappe.ValidationError("half way")
		return original(method, *args, **kwargs)

	order.run_method = run_method
	try:
		order.save()
	except frappe.ValidationError:
		if not fail:
			raise


def test_a_row_that_is_set_during_the_save_of_its_order_is_in_the_events_of_that(site):
	name = make_order(site)
	row = row_of(site, name, "bolt")

	site.run(save_with_a_row, name=name, row=row)

	(change,) = changes(site, name)
	assert change["row_changed"]["rows"] == [{"name": row, "qty": 9.0}] and "note" in change["changed"]


def test_a_row_is_logged_though_the_save_of_its_order_broke_off(site):
	name = make_order(site)
	row = row_of(site, name, "bolt")

	site.run(save_with_a_row, name=name, row=row, fail=True)

	assert {"row_changed": {"rows": [{"name": row, "qty": 9.0}]}} in changes(site, name)


def set_row_and_order(name: str) -> None:
	import frappe

	order = frappe.get_doc(ORDER, name)
	order.note = "one"
	order.save()
	order.rows[0].db_set("qty", 7)
	order.db_set("note", "two")


def test_a_row_that_is_set_between_two_changes_of_its_order_is_told_once(site):
	name = make_order(site)

	site.run(set_row_and_order, name=name)

	first, row, second = changes(site, name)
	assert (first["changed"], second) == ({"note": "one"}, {"changed": {"note": "two"}})
	assert row["row_changed"]["rows"][0]["qty"] == 7.0
