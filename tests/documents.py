"""Making, changing, deleting and reading documents, and the settings. All but `unique` run inside a site."""

import uuid

from tests.doctypes import CITY, ORDER


def unique(prefix: str) -> str:
	"""A name that no other test has used: documents stay on the sites from test to test."""
	return f"{prefix} {uuid.uuid4().hex[:10]}"


def insert(doctype: str, **values) -> str:
	import frappe

	return frappe.get_doc({"doctype": doctype, **values}).insert().name


def change(doctype: str, name: str, **values) -> None:
	import frappe

	doc = frappe.get_doc(doctype, name)
	doc.update(values)
	doc.save()


def delete(doctype: str, name: str) -> None:
	import frappe

	frappe.delete_doc(doctype, name)


def read_doc(doctype: str, name: str) -> dict | None:
	"""A document as a dict, or None."""
	import frappe

	if not frappe.db.exists(doctype, name):
		return None
	doc = frappe.get_doc(doctype, name).as_dict(convert_dates_to_str=True)
	# a site that was a consumer of the DocType in another test has our fields on it: empty they say nothing
	for fieldname in ("remote_site_name", "remote_docname"):
		if not doc.get(fieldname):
			doc.pop(fieldname, None)
	return doc


def read_rows(doctype: str, filters: dict) -> list[dict]:
	import frappe

	rows = frappe.get_all(doctype, filters=filters, fields=["*"], order_by="name asc", limit=0)
	for fieldname in ("remote_site_name", "remote_docname"):
		if not any(row.get(fieldname) for row in rows):
			for row in rows:
				row.pop(fieldname, None)
	return rows


def find_name(doctype: str, **filters) -> str | None:
	import frappe

	return frappe.db.get_value(doctype, filters, "name")


def insert_cities(prefix: str, count: int) -> list[str]:
	"""Cities with `prefix` and a number as their names, in the order of the numbers; each is a transaction of its own."""
	import frappe

	names = []
	for number in range(count):
		names.append(frappe.get_doc({"doctype": CITY, "title": f"{prefix} {number:05}"}).insert().name)
		frappe.db.commit()
	return names


def set_settings(**values) -> None:
	change("Event Streaming Settings", "Event Streaming Settings", **values)


def discard(doctype: str, name: str) -> None:
	"""Frappe 15 has no word for it: a draft is cancelled with the same hooks around `db_set`."""
	import frappe

	doc = frappe.get_doc(doctype, name)
	if hasattr(doc, "discard"):
		doc.discard()
	else:
		doc.db_set("docstatus", 2)


def make_orders(prefix: str, count: int) -> list[str]:
	"""Orders with rows, each with a city of its own; the second is submitted."""
	import frappe

	names = []
	for number in range(count):
		city = frappe.get_doc({"doctype": CITY, "title": f"{prefix} city {number}"}).insert()
		order = frappe.get_doc(
			{
				"doctype": ORDER,
				"title": f"{prefix} {number}",
				"city": city.name,
				"due": "2026-05-01 10:00:00",
				"rows": [{"item": "bolt", "qty": 2}, {"item": "nut", "qty": 3}],
			}
		).insert()
		names.append(order.name)
	frappe.get_doc(ORDER, names[1]).submit()
	return names


def only(prefix: str) -> dict:
	return {ORDER: {"title": ["like", f"{prefix}%"]}}
