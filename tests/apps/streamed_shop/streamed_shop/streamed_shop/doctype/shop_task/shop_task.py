import frappe
from frappe.model.document import Document


class ShopTask(Document):
	def on_update(self):
		"""The project counts its tasks."""
		if self.project:
			number = frappe.db.count("Shop Task", {"project": self.project})
			frappe.get_doc("Shop Project", self.project).db_set("tasks", number)
