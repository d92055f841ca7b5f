import frappe
from frappe.model.document import Document
from frappe.model.naming import make_autoname
from frappe.utils import now_datetime


class ShopStockEntry(Document):
	def validate(self):
		if not self.set_posting_time:
			now = now_datetime()
			self.posting_date, self.posting_time = now.strftime("%Y-%m-%d"), now.strftime("%H:%M:%S.%f")

	def on_submit(self):
		"""Makes the serial numbers of what is received, from the item's counter where the row names none."""
		for row in self.items:
			item = frappe.get_cached_doc("Shop Item", row.item)
			if item.has_serial_no:
				serial_no = row.serial_no or make_autoname(item.serial_no_series)
				self.receive(serial_no, row)
				row.db_set("serial_no", serial_no)

	def receive(self, serial_no, row):
		if frappe.db.exists("Shop Serial No", serial_no):
			doc = frappe.get_doc("Shop Serial No", serial_no)
		else:
			doc = frappe.get_doc({"doctype": "Shop Serial No", "serial_no": serial_no, "item": row.item})
			doc.insert(ignore_permissions=True)
		doc.db_set({"warehouse": row.warehouse, "stock_entry": self.name})

	def on_cancel(self):
		for row in self.items:
			if row.serial_no:
				frappe.get_doc("Shop Serial No", row.serial_no).db_set({"warehouse": "", "stock_entry": ""})
