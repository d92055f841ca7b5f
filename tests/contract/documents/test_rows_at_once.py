"""Rows of a new document that are inserted by one statement: stored as Frappe stores each, whatever hooks do to the table."""

from secrets import token_hex

import pytest
from doctypes import ORDER, ROW
from logs import with_statements

from sandbox.errors import RemoteError

OWN = ("name", "parent", "creation", "modified")


def counted_insert(rows: list[dict], hooks: dict | None = None) -> dict:
	"""The stored rows of an order that is inserted as events are, and how many statements that took; with hooks of a controller."""
	import frappe
	from frappe.model.base_document import get_controller

	from event_streaming.consumer.life_cycle.documents import insert

	usual = get_controller(ORDER)
	known = frappe.controllers[frappe.local.site]
	known[ORDER] = type("Meddling", (usual,), hooks or {})
	try:
		(doc, warnings), seen = with_statements(lambda: insert(ORDER, {"title": "x", "rows": rows}, None))
	finally:
		known[ORDER] = usual
	left = [name for row in doc.rows for name in vars(row) if name == "db_insert"]
	inserts = [query for query in seen if query.lower().startswith("insert") and ROW in query]
	stored = frappe.get_all(ROW, {"parent": doc.name}, "*", order_by="idx asc")
	frappe.db.rollback()
	return {"rows": stored, "statements": len(inserts), "warnings": warnings, "left": left}


def named(count: int) -> list[dict]:
	mark = token_hex(4)
	return [
		{"name": f"{mark}{number}", "item": f"'%s' {number}", "qty": f"{number}.5", "gift": number % 2}
		for number in range(count)
	]


def test_many_rows_are_one_statement_and_stored_as_frappe_stores_them(site):
	ours, frappes = site.run(both_ways)

	assert ours["statements"] == 1
	assert ours["rows"] == frappes
	assert not ours["left"] and not ours["warnings"]


def both_ways() -> tuple[dict, list]:
	import frappe

	def without_own(rows: list[dict]) -> list[dict]:
		return [{key: value for key, value in row.items() if key not in OWN} for row in rows]

	rows = named(20)
	ours = counted_insert(rows)
	doc = frappe.get_doc({"doctype": ORDER, "title": "x", "rows": [{**row, "name": None} for row in rows]})
	doc.insert()
	frappes = frappe.get_all(ROW, {"parent": doc.name}, "*", order_by="idx asc")
	frappe.db.rollback()
	assert [row.name for row in ours["rows"]] == [row["name"] for row in rows]
	return {**ours, "rows": without_own(ours["rows"])}, without_own(frappes)


def test_a_row_whose_name_is_taken_is_refused_by_frappe(site):
	with pytest.raises(RemoteError, match="Duplicate"):
		site.run(insert_a_taken_name)


def insert_a_taken_name() -> None:
	rows = named(3)
	rows[2]["name"] = rows[0]["name"]
	counted_insert(rows)


def test_rows_are_inserted_whatever_a_hook_does_to_them_first(site):
	alone, changed = site.run(insert_with_hooks)

	# a hook has inserted one by itself, before the document, and deleted it: it goes with the others all the same
	assert (alone["statements"], len(alone["rows"])) == (2, 4)
	assert sorted(row["item"] for row in changed["rows"]) == sorted(row["item"] for row in named(3))


def insert_with_hooks() -> tuple[dict, dict]:
	import frappe

	def insert_first(doc) -> None:
		row = doc.rows[0]
		row.db_insert()
		frappe.db.delete(ROW, {"name": row.name})

	def put_others_in_their_place(doc) -> None:
		doc.rows = [frappe.get_doc({**row.as_dict(), "doctype": ROW}) for row in doc.rows]

	return (
		counted_insert(named(4), {"validate": insert_first}),
		counted_insert(named(3), {"validate": put_others_in_their_place}),
	)


def test_a_copy_that_a_hook_puts_into_a_job_inserts_its_rows_by_itself(site):
	assert site.run(insert_a_pickled_row) == 1


def insert_a_pickled_row() -> int:
	import pickle

	import frappe

	from event_streaming.consumer.life_cycle.rows import insert_together

	doc = frappe.get_doc({"doctype": ORDER, "title": "x", "name": "ORD-pickled", "rows": named(2)})
	insert_together(doc)
	row = pickle.loads(pickle.dumps(doc.rows[0]))
	row.update({"parent": "ORD-pickled", "parenttype": ORDER, "parentfield": "rows"})
	row.db_insert()
	found = frappe.db.count(ROW, {"parent": "ORD-pickled"})
	frappe.db.rollback()
	return found
