import frappe
from frappe.model.document import Document


class ShopEmployee(Document):
	def validate(self):
		if self.user and not frappe.db.get_value("User", self.user, "enabled"):
			frappe.throw(f"User {self.user} is disabled")
