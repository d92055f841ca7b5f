import frappe
from frappe.model.document import Document


class ShopSerialNo(Document):
	def validate(self):
		if self.is_new() and self.warehouse:
			frappe.throw("A new serial number cannot have a warehouse; only a stock entry gives it one")
