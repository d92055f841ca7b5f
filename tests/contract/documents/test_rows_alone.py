"""A row's own `validate` and `on_trash` run when it is saved or deleted by itself, and not with its document."""

from doctypes import ORDER, ROW, make_order_doctypes


def what_runs() -> dict:
	import frappe
	from frappe.model.document import Document

	ran = []
	order = frappe.get_doc(
		{"doctype": ORDER, "title": "rows", "rows": [{"item": "a"}, {"item": "b"}]}
	).insert()

	def noted(method):
		return lambda doc: ran.append(method) if doc.doctype == ROW else None

	Document.validate, Document.on_trash = noted("validate"), noted("on_trash")
	found = {}
	try:
		order = frappe.get_doc(ORDER, order.name)
		order.rows[0].item = "c"
		order.append("rows", {"item": "d"})
		order.save()
		order.set("rows", order.rows[1:])
		order.save()
		found["with its document"] = list(ran)
		row = frappe.get_doc(ROW, order.rows[0].name)
		row.item = "e"
		row.save()
		found["saved alone"], ran[:] = list(ran), []
		frappe.delete_doc(ROW, row.name)
		found["deleted alone"], ran[:] = list(ran), []
		frappe.delete_doc(ORDER, order.name)
		found["deleted with its document"] = list(ran)
	finally:
		del Document.validate, Document.on_trash
	return found


def test_a_rows_own_hooks_run_only_when_it_is_changed_by_itself(site):
	site.run(make_order_doctypes)

	assert site.run(what_runs) == {
		"with its document": [],
		"saved alone": ["validate"],
		"deleted alone": ["on_trash"],
		"deleted with its document": [],
	}
