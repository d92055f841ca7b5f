"""What capture relies on: which events Frappe fires for a change of a document, in which order, with what at hand."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import unique

EVENTS = (
	"before_insert",
	"validate",
	"before_save",
	"before_submit",
	"before_cancel",
	"before_update_after_submit",
	"after_insert",
	"on_update",
	"on_submit",
	"on_cancel",
	"on_update_after_submit",
	"before_change",
	"on_change",
	"on_trash",
	"after_delete",
	"before_rename",
	"after_rename",
)


def recorder():
	"""A module with one function for each event, so that hooks can name it; what they see is written down."""
	import sys
	import types

	module = types.ModuleType("contract_recorder")
	module.seen = []

	def note(doc, method=None, *args):
		before = doc.get_doc_before_save()
		module.seen.append(
			{
				"event": method,
				"doctype": doc.doctype,
				"name": doc.name,
				"has_before": before is not None,
				"before_id": id(before),
				"islocal": vars(doc).get("__islocal", "absent"),
				"in_delete": bool(doc.flags.in_delete),
				"call": id(doc.flags.notifications_executed),
				"arguments": [str(argument) for argument in args],
				"rows_stored": rows_stored(doc),
			}
		)

	module.note = note
	sys.modules["contract_recorder"] = module
	return module


def rows_stored(doc) -> int:
	import frappe

	return frappe.db.count(ROW_DOCTYPE, {"parent": doc.name}) if doc.doctype == ORDER else 0


ROW_DOCTYPE = "Streamed Order Row"


def record(work, doctype: str = ORDER) -> list[dict]:
	"""What the hooks for "*" see while `work` runs; nothing is kept of it."""
	import frappe

	module = recorder()
	original = frappe.get_attr
	frappe.get_attr = lambda path: module.note if path == "contract_recorder.note" else original(path)
	hooks = frappe.get_doc_hooks()
	for event in EVENTS:
		hooks.setdefault("*", {}).setdefault(event, []).append("contract_recorder.note")
	try:
		work()
	finally:
		frappe.get_attr = original
		for event in EVENTS:
			hooks["*"][event].remove("contract_recorder.note")
		frappe.db.rollback()
	return [seen for seen in module.seen if seen["doctype"] == doctype]


def names(seen: list[dict]) -> list[str]:
	return [each["event"] for each in seen]


def new_order(**values):
	import frappe

	rows = [{"item": "a", "qty": 1}, {"item": "b", "qty": 2}]
	return frappe.get_doc({"doctype": ORDER, "title": "contract", "rows": rows, **values})


@pytest.fixture
def site(producer):
	with_orders(producer)
	return producer


def test_an_insert_fires_these_events_in_this_order(site):
	seen = site.run(record_insert)

	assert names(seen) == [
		"before_insert",
		"validate",
		"before_save",
		"after_insert",
		"on_update",
		"on_change",
	]


def test_the_rows_are_stored_when_after_insert_fires(site):
	seen = {each["event"]: each for each in site.run(record_insert)}

	assert seen["before_save"]["rows_stored"] == 0
	assert seen["after_insert"]["rows_stored"] == 2


def test_the_local_mark_is_true_before_the_row_is_written_false_to_the_end_of_the_insert_then_gone(site):
	seen = {each["event"]: each["islocal"] for each in site.run(record_insert_and_db_set)}

	assert (seen["before_save"], seen["after_insert"], seen["on_update"]) == (True, False, False)
	assert seen["before_change"] == "absent"


def test_an_insert_has_no_state_before(site):
	assert not any(each["has_before"] for each in site.run(record_insert))


def record_insert() -> list[dict]:
	def work():
		new_order().insert()

	return record(work)


def record_insert_and_db_set() -> list[dict]:
	def work():
		new_order().insert().db_set("note", "x")

	return record(work)


def test_a_save_fires_before_save_on_update_on_change_and_has_the_state_before(site):
	seen = site.run(record_save)

	assert names(seen) == ["validate", "before_save", "on_update", "on_change"]
	assert all(each["has_before"] for each in seen)
	assert len({each["before_id"] for each in seen}) == 1


def record_save() -> list[dict]:
	doc = new_order().insert()

	def work():
		doc.note = "x"
		doc.save()

	return record(work)


def test_every_insert_and_save_begins_with_a_new_list_of_notifications(site):
	calls = site.run(record_calls)

	assert len(calls) == len(set(calls)) == 3


def record_calls() -> list[int]:
	doc = new_order()
	lists = []
	for step in (doc.insert, doc.save, doc.save):
		step()
		lists.append(doc.flags.notifications_executed)
	return [id(each) for each in lists]


def test_insert_and_submit_cancel_and_update_after_submit_end_with_on_change(site):
	submitted, updated, cancelled = site.run(record_life)

	assert names(submitted) == ["validate", "before_submit", "on_update", "on_submit", "on_change"]
	assert names(updated) == ["before_update_after_submit", "on_update_after_submit", "on_change"]
	assert names(cancelled) == ["before_cancel", "on_cancel", "on_change"]


def record_life() -> list:
	import frappe

	doc = new_order().insert()
	frappe.db.commit()

	def submit():
		doc.submit()
		frappe.db.commit()

	def update():
		doc.note = "late"
		doc.save()
		frappe.db.commit()

	def cancel():
		doc.cancel()
		frappe.db.commit()

	return [record(work) for work in (submit, update, cancel)]


def test_an_insert_with_docstatus_1_is_a_submit(site):
	assert "on_submit" in names(site.run(record_submitted_insert))


def record_submitted_insert() -> list[dict]:
	def work():
		new_order(docstatus=1).insert()

	return record(work)


def test_db_set_fires_on_change_with_the_state_before_and_keeps_it_for_the_next(site):
	seen = [each for each in site.run(record_two_db_sets) if each["event"] == "on_change"]

	assert [each["has_before"] for each in seen] == [True, True]
	assert seen[0]["before_id"] == seen[1]["before_id"]


def record_two_db_sets() -> list[dict]:
	import frappe

	name = new_order().insert().name

	def work():
		doc = frappe.get_doc(ORDER, name)
		doc.db_set("note", "one")
		doc.db_set("note", "two")

	return record(work)


def test_what_is_set_in_the_database_directly_fires_nothing(site):
	assert site.run(record_set_value) == []


def record_set_value() -> list[dict]:
	import frappe

	name = new_order().insert().name

	def work():
		frappe.db.set_value(ORDER, name, "note", "x")

	return record(work)


def test_a_delete_fires_on_trash_on_change_marked_as_delete_and_after_delete(site):
	seen = site.run(record_delete)

	assert names(seen) == ["on_trash", "on_change", "after_delete"]
	assert seen[1]["in_delete"]


def record_delete() -> list[dict]:
	import frappe

	name = new_order().insert().name

	def work():
		frappe.delete_doc(ORDER, name)

	return record(work)


def test_a_rename_fires_after_rename_with_both_names_and_a_merge_then_deletes_the_old(site):
	renamed, merged = site.run(record_renames, old=unique("old"), new=unique("new"), other=unique("other"))

	after = next(each for each in renamed if each["event"] == "after_rename")
	assert after["arguments"][2] == "False" and after["name"] == after["arguments"][1]
	assert "after_delete" not in names(renamed)
	assert names(merged)[-1] == "after_delete"
	assert next(each for each in merged if each["event"] == "after_rename")["arguments"][2] == "True"


def record_renames(old: str, new: str, other: str) -> list:
	import frappe

	for title in (old, other):
		frappe.get_doc({"doctype": CITY, "title": title}).insert()
	frappe.db.commit()

	def rename():
		frappe.rename_doc(CITY, old, new)
		frappe.db.commit()

	def merge():
		frappe.rename_doc(CITY, new, other, merge=True)

	return [record(rename, CITY), record(merge, CITY)]


def test_keys_kept_in_flags_live_as_long_as_the_object(site):
	assert site.run(flags_after_insert_save_and_reload) == "kept"


def flags_after_insert_save_and_reload() -> str:
	import frappe

	doc = new_order()
	doc.flags.contract = "kept"
	doc.insert()
	doc.save()
	doc.reload()
	frappe.db.rollback()
	return doc.flags.contract


# ---- rows as documents of their own


@pytest.mark.parametrize(
	"kind, events",
	[
		("insert", ["before_insert", "validate", "before_save", "after_insert", "on_update", "on_change"]),
		("save", ["validate", "before_save", "on_update", "on_change"]),
		("db_set", ["before_change", "on_change"]),
		("delete", ["on_trash", "on_change", "after_delete"]),
		("save of the parent", []),
	],
)
def test_a_row_fires_events_when_it_is_changed_by_itself_and_none_with_its_parent(site, kind, events):
	assert names(site.run(record_row, kind=kind)) == events


def test_a_rows_db_set_has_not_written_when_before_change_fires(site):
	assert site.run(stored_at_before_change) == [1.0, 7.0]


def record_row(kind: str) -> list[dict]:
	import frappe

	order = new_order().insert()
	row = {
		"doctype": ROW_DOCTYPE,
		"parenttype": ORDER,
		"parent": order.name,
		"parentfield": "rows",
		"item": "c",
	}

	def work():
		if kind == "insert":
			frappe.get_doc(row).insert()
		elif kind == "save of the parent":
			order.rows[0].qty = 5
			order.append("rows", {"item": "d"})
			order.save()
		else:
			doc = frappe.get_doc(ROW_DOCTYPE, order.rows[0].name)
			{"save": doc.save, "db_set": lambda: doc.db_set("qty", 7), "delete": doc.delete}[kind]()

	return record(work, ROW_DOCTYPE)


def stored_at_before_change() -> list[float]:
	import frappe

	order = new_order().insert()
	row, seen = frappe.get_doc(ROW_DOCTYPE, order.rows[0].name), []
	original = row.run_method

	def run_method(method, *args, **kwargs):
		seen.append(frappe.db.get_value(ROW_DOCTYPE, row.name, "qty"))
		return original(method, *args, **kwargs)

	row.run_method = run_method
	row.db_set("qty", 7)
	frappe.db.rollback()
	return seen
