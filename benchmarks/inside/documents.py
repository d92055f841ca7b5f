"""The documents that are measured: how they are made, changed, and filled in past the life cycle."""

from time import perf_counter

import frappe

from tests.doctypes import CITY, ORDER


def order_values(number: int, rows: int) -> dict:
	return {
		"doctype": ORDER,
		"title": f"order {number}",
		"note": "as measured",
		"total": number,
		"rows": [{"item": f"item {row}", "qty": row} for row in range(rows)],
	}


def simple_values(doctype: str, number: int) -> dict:
	if doctype == CITY:
		return {"doctype": CITY, "title": frappe.generate_hash(length=12), "country_name": "Siam"}
	if doctype == "ToDo":
		return {"doctype": "ToDo", "description": f"measured {number}"}
	return {"doctype": "Note", "title": frappe.generate_hash(length=12)}


def values_of(doctype: str, number: int, rows: int) -> dict:
	return order_values(number, rows) if doctype == ORDER else simple_values(doctype, number)


def change(doc, number: int) -> None:
	field = {"ToDo": "description", "Note": "content", CITY: "country_name"}.get(doc.doctype, "note")
	doc.set(field, f"changed {number} {perf_counter()}")


def make_documents(count: int, rows: int, together: int = 1) -> list[str]:
	"""So many orders, `together` of them in one transaction: as people do it, one by one."""
	names = []
	for number in range(1, count + 1):
		names.append(frappe.get_doc(order_values(number, rows)).insert().name)
		if number % together == 0:
			frappe.db.commit()
	frappe.db.commit()
	return names


def make_and_submit(count: int, rows: int) -> None:
	for number in range(count):
		frappe.get_doc(order_values(number, rows)).insert().submit()
		frappe.db.commit()


def save_often(names: list[str], times: int) -> None:
	"""Each document several times, one after another, as somebody does who works at it."""
	for name in names:
		for number in range(times):
			doc = frappe.get_doc(ORDER, name)
			change(doc, number)
			doc.save()
			frappe.db.commit()


def change_documents(names: list[str]) -> None:
	for number, name in enumerate(names):
		doc = frappe.get_doc(ORDER, name)
		change(doc, number)
		doc.save()
		frappe.db.commit()


def forget_transactions() -> None:
	"""The log as a version kept it that did not know what was made together."""
	log = frappe.qb.DocType("Event Update Log")
	frappe.qb.update(log).set(log.transaction_id, None).run()
	frappe.db.commit()


def fill_documents(doctype: str, count: int, rows: int, event_producer: str = "") -> None:
	"""The same documents on whichever site it is run, past the life cycle; on a consumer they stand for the producer's."""
	from event_streaming.identity.registry import add_new, own_identity

	columns = ["name", "creation", "modified", "owner", "modified_by", "docstatus", "title", "note", "total"]
	columns += ["urgent", "due", "day"]
	row_columns = [
		"name",
		"creation",
		"modified",
		"owner",
		"modified_by",
		"parent",
		"parenttype",
		"parentfield",
	]
	row_columns += ["idx", "item", "qty", "gift"]
	# what other lines have left
	for table in (doctype, "Streamed Order Row"):
		frappe.db.delete(table)
	stamp = ["2026-11-01 10:00:00.123456", "2026-11-02 10:00:00.123456", "Administrator", "Administrator"]
	for start in range(0, count, 5_000):
		numbers = range(start, min(start + 5_000, count))
		values = [
			(
				f"DOC-{number:07}",
				*stamp,
				0,
				f"document {number}",
				"as measured " * 4,
				number * 1.25,
				*ends(number),
			)
			for number in numbers
		]
		frappe.db.bulk_insert(doctype, columns, values)
		row_values = [
			(
				f"r{number:07}{row:02}",
				*stamp,
				f"DOC-{number:07}",
				doctype,
				"rows",
				row + 1,
				f"item {row}",
				row * 2.5,
				0,
			)
			for number in numbers
			for row in range(rows)
		]
		if row_values:
			frappe.db.bulk_insert("Streamed Order Row", row_columns, row_values)
		if event_producer:
			names = [f"DOC-{number:07}" for number in numbers]
			add_new(own_identity(event_producer, (doctype, name), (doctype, name), None) for name in names)
		frappe.db.commit()


def ends(number: int) -> tuple:
	return number % 2, "2026-11-03 12:00:00", "2026-11-04"


def number_apart() -> None:
	"""This site's own orders are numbered far from those that come from the other site."""
	from frappe.model.naming import getseries

	# a name with "format:" is counted under the key ""
	getseries("", 5)
	frappe.db.sql("update `tabSeries` set `current` = `current` + 500000 where `name` = ''")
