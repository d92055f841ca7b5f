import frappe
from frappe.model.document import Document


class ShopNuisance(Document):
	"""A controller that does what none should, in the hook that the document names, on sites that want it."""

	def validate(self):
		self.misbehave("validate")

	def before_save(self):
		self.misbehave("before_save")

	def after_insert(self):
		self.misbehave("after_insert")

	def on_update(self):
		self.misbehave("on_update")

	def on_submit(self):
		self.misbehave("on_submit")

	def on_cancel(self):
		self.misbehave("on_cancel")

	def on_trash(self):
		self.misbehave("on_trash")

	def misbehave(self, hook):
		if self.where != hook or not frappe.db.get_single_value("Shop Settings", "nuisances_misbehave"):
			return
		if self.what == "throw":
			frappe.throw(f"{self.name} is a nuisance in {hook}")
		elif self.what == "commit":
			frappe.db.commit()
		elif self.what == "roll back":
			frappe.db.rollback()
		elif self.what == "rename itself":
			frappe.rename_doc(self.doctype, self.name, f"{self.name} renamed", force=True)
		elif self.what == "delete its rows":
			frappe.db.delete("Shop Nuisance Row", {"parent": self.name})
		elif self.what == "delete a row as a document":
			name = frappe.db.get_value("Shop Nuisance Row", {"parent": self.name, "idx": 1})
			row = frappe.get_doc("Shop Nuisance Row", name)
			row.flags.ignore_permissions = True
			if row.docstatus == 1:
				row.cancel()
			row.delete(ignore_permissions=True)
