import json

import frappe
from frappe.model.document import Document
from frappe.utils import flt


class ShopOrder(Document):
	def validate(self):
		for row in self.items:
			row.amount = flt(flt(row.qty) * flt(row.rate), 2)
		self.grand_total = flt(sum(row.amount for row in self.items), 2)
		self.last_delivery()

	def before_update_after_submit(self):
		self.last_delivery()

	def last_delivery(self):
		"""A row that was read holds dates, so that one that is new must not hold text."""
		for fieldname in ("deliver_on", "deliver_at", "ready_at"):
			max((row.get(fieldname) for row in self.items if row.get(fieldname)), default=None)

	def before_submit(self):
		if not self.items:
			frappe.throw("An order needs at least one item")

	def on_submit(self):
		self.db_set("status", "Open")

	def on_cancel(self):
		self.db_set("status", "Cancelled")

	def on_update_after_submit(self):
		self.db_set("grand_total", flt(sum(row.amount for row in self.items), 2))


@frappe.whitelist()
def update_items(order: str, rows: list | str) -> None:
	"""Changes the rows of a submitted order, each saved, inserted or deleted by itself, and then the order.

	`rows` is what the order is to have: rows with a `docname` are changed, those without are new.
	"""
	rows = json.loads(rows) if isinstance(rows, str) else rows
	doc = frappe.get_doc("Shop Order", order)
	doc.check_permission("write")
	kept = {row.get("docname") for row in rows}
	for row in doc.items:
		if row.name not in kept:
			old = frappe.get_doc("Shop Order Item", row.name)
			old.cancel()
			old.delete()
	for number, values in enumerate(rows, start=1):
		save_row(doc, number, **values)
	doc.reload()
	doc.save()


def save_row(order, number: int, docname: str | None = None, **values) -> None:
	if docname:
		row = frappe.get_doc("Shop Order Item", docname)
	else:
		row = frappe.new_doc("Shop Order Item", parent_doc=order, parentfield="items")
		row.docstatus = order.docstatus
	row.update({**values, "idx": number})
	row.amount = flt(flt(row.qty) * flt(row.rate), 2)
	row.flags.ignore_validate_update_after_submit = True
	row.save() if docname else row.insert()
