"""What standing in for a document's methods relies on: when Frappe calls them, on a new document and on one that changes.

A controller of this site sets every field anew wherever Frappe lets it.
"""

import pytest
from contract_doctypes import SERIES
from doctypes import ORDER

STAMPS = {"creation": "2020-01-02 03:04:05.000006", "modified": "2021-01-02 03:04:05.000006"}


def meddling(doctype: str, hooks: tuple, **values):
	"""Within the block, documents of the DocType have a controller that sets these values in these hooks."""
	from contextlib import contextmanager

	import frappe
	from frappe.model.base_document import get_controller

	@contextmanager
	def block():
		usual = get_controller(doctype)

		def meddle(doc):
			doc.update(values)

		known = frappe.controllers[frappe.local.site]
		known[doctype] = type("Meddling", (usual,), {hook: meddle for hook in hooks})
		try:
			yield
		finally:
			known[doctype] = usual

	return block()


def test_a_name_is_made_of_what_came_and_not_of_what_before_insert_sets(site):
	name, series, warnings = site.run(insert_with_another_series)

	assert name.startswith("CONB-") and series == "CONB-.#####"
	assert "CONA-.##### instead of CONB-.#####" in warnings


def insert_with_another_series() -> list:
	from event_streaming.consumer.life_cycle.documents import insert

	with meddling(SERIES, ("before_insert",), naming_series="CONA-.#####"):
		doc, warnings = insert(SERIES, {"naming_series": "CONB-.#####", "title": "x", **STAMPS}, None)
	return [doc.name, doc.naming_series, " ".join(warnings)]


@pytest.mark.parametrize(
	"hook", ["before_insert", "before_validate", "validate", "before_save", "before_submit"]
)
@pytest.mark.parametrize("docstatus", [0, 1])
def test_what_came_is_written_whichever_hook_sets_another_value(site, hook, docstatus):
	stored, rows = site.run(insert_meddled_with, hook=hook, docstatus=docstatus)

	assert (stored["note"], stored["day"], stored["total"]) == (None, "2020-02-03", 12.5)
	assert rows == [["a", 2.0]]


def insert_meddled_with(hook: str, docstatus: int) -> list:
	import frappe

	from event_streaming.consumer.life_cycle.documents import insert

	came = {"title": "x", "note": None, "day": "2020-02-03", "total": 12.5, "docstatus": docstatus}
	rows = [{"name": frappe.generate_hash(), "item": "a", "qty": 2}]
	with meddling(ORDER, (hook,), note="set here", day="2026-01-01", total=99, rows=[{"item": "b"}]):
		doc, _warnings = insert(ORDER, {**came, "rows": rows, **STAMPS}, None)
	stored = frappe.get_doc(ORDER, doc.name).as_dict(convert_dates_to_str=True)
	return [stored, [[row["item"], row["qty"]] for row in stored["rows"]]]


@pytest.mark.parametrize("docstatus", [0, 1, 2])
def test_a_change_of_one_field_leaves_the_others_whatever_the_controller_sets(site, docstatus):
	stored, rows, allowed = site.run(change_meddled_with, docstatus=docstatus)

	assert (stored["title"], stored["note"], stored["total"]) == ("changed", "as it was", 12.5)
	assert (rows, stored["docstatus"]) == ([["a", 2.0]], docstatus)
	# what let the producer's change pass is not left behind for what comes after
	assert not allowed


def change_meddled_with(docstatus: int) -> list:
	import frappe

	from event_streaming.consumer.life_cycle.documents import locked, update

	row = {"item": "a", "qty": 2}
	doc = frappe.get_doc(
		{"doctype": ORDER, "title": "x", "note": "as it was", "total": 12.5, "rows": [row]}
	).insert()
	if docstatus:
		doc.submit()
	hooks = ("validate", "before_cancel", "before_update_after_submit")
	with meddling(ORDER, hooks, note="set here", total=99, rows=[{"item": "b"}]):
		change = {"changed": {"title": "changed", "docstatus": docstatus, "modified": STAMPS["modified"]}}
		doc, _changed, _warnings = update(locked(ORDER, doc.name), change)
	stored = frappe.get_doc(ORDER, doc.name).as_dict(convert_dates_to_str=True)
	flags = [flag for flag in doc.flags if flag.startswith("ignore_") and doc.flags[flag]]
	return [stored, [[row["item"], row["qty"]] for row in stored["rows"]], flags]


# ---- a workflow that only this site has


@pytest.mark.parametrize(("docstatus", "state"), [(0, "Contract Open"), (1, "Contract Closed")])
def test_a_new_document_gets_the_state_of_a_workflow_that_only_this_site_has(site, docstatus, state):
	"""Without one, nobody could take it any further: Frappe says that its state is not set."""
	assert site.run(insert_under_a_workflow, came={}, docstatus=docstatus) == state


@pytest.mark.parametrize("came", [None, "Contract Closed", "Contract Elsewhere"])
def test_a_state_that_came_stays_be_it_none_or_one_that_this_workflow_has_not(site, came):
	assert site.run(insert_under_a_workflow, came={"note": came}, docstatus=0) == came


def insert_under_a_workflow(came: dict, docstatus: int) -> str | None:
	import frappe

	from event_streaming.consumer.life_cycle.documents import insert

	for state in ("Contract Open", "Contract Closed"):
		frappe.get_doc({"doctype": "Workflow State", "workflow_state_name": state}).insert()
	frappe.get_doc({"doctype": "Workflow Action Master", "workflow_action_name": "Contract Close"}).insert()
	role = {"allow_edit": "System Manager"}
	move = {"state": "Contract Open", "action": "Contract Close", "next_state": "Contract Closed"}
	workflow = frappe.get_doc(
		{
			"doctype": "Workflow",
			"workflow_name": "Contract Workflow",
			"document_type": ORDER,
			"workflow_state_field": "note",
			"is_active": 1,
			"states": [
				{"state": "Contract Open", "doc_status": "0", **role},
				{"state": "Contract Closed", "doc_status": "1", **role},
			],
			"transitions": [{**move, "allowed": "System Manager"}],
		}
	)
	try:
		workflow.insert()
		frappe.clear_cache(doctype=ORDER)
		doc, _warnings = insert(ORDER, {"title": "x", "docstatus": docstatus, **came, **STAMPS}, None)
		return frappe.db.get_value(ORDER, doc.name, "note")
	finally:
		frappe.db.rollback()
		frappe.clear_cache(doctype=ORDER)
		frappe.clear_cache()
