"""The rows of a table are written as Frappe writes them, though the statement that deletes is not built for each document."""

import pytest
from doctypes import ORDER, ROW

BY = {"us": True, "Frappe": False}


def save_rows(case: str, by_us: bool) -> dict:
	"""An order of three rows is saved with others; what is stored, and what is left of the flag that leaves tables alone."""
	import frappe
	from frappe.model.document import Document

	from event_streaming.consumer.life_cycle.rows import UpdateTable

	rows = [{"item": "one"}, {"item": "two"}, {"item": "three"}]
	doc = frappe.get_doc({"doctype": ORDER, "title": case, "rows": rows}).insert()
	beside = frappe.get_doc({"doctype": ORDER, "title": "beside", "rows": rows}).insert()
	doc = frappe.get_doc(ORDER, doc.name)
	if by_us:
		doc.update_child_table = UpdateTable(doc)
	if case == "all go":
		doc.set("rows", [])
	else:
		doc.rows[1].qty = 5
		doc.set("rows", [row for row in doc.rows if row.item != "one"])
		doc.append("rows", {"item": "four"})
	if case == "left alone":
		doc.flags.ignore_children_type = [ROW]

	def before_save(doc):
		if case == "put there by a hook" and doc.doctype == ORDER:
			values = {"parent": doc.name, "parenttype": ORDER, "parentfield": "rows", "item": "hook's"}
			frappe.get_doc({"doctype": ROW, **values}).db_insert()

	Document.before_save = before_save
	try:
		doc.save()
	finally:
		del Document.before_save
	return {
		"stored": stored_rows(doc.name),
		"beside": len(stored_rows(beside.name)),
		"flag": doc.flags.ignore_children_type,
	}


def stored_rows(name: str) -> list:
	import frappe

	rows = frappe.get_all(ROW, filters={"parent": name}, fields=["item", "qty", "idx"], order_by="item")
	return [[row.item, row.qty, row.idx] for row in rows]


STORED = {
	"some go": ["four", "three", "two"],
	"all go": [],
	"put there by a hook": ["four", "three", "two"],
	"left alone": ["four", "one", "three", "two"],
}


@pytest.mark.parametrize("case", STORED)
def test_rows_are_stored_as_frappe_stores_them(site, case):
	done = {by: site.run(save_rows, case=case, by_us=by_us) for by, by_us in BY.items()}

	assert done["us"] == done["Frappe"]
	assert [item for item, _qty, _idx in done["us"]["stored"]] == STORED[case]
	assert done["us"]["beside"] == 3
