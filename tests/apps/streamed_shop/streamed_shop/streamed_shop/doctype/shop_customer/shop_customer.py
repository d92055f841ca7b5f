import frappe
from frappe.model.document import Document


class ShopCustomer(Document):
	def on_update(self):
		"""A customer with a telephone gets a contact of its own, which is linked back."""
		if not self.mobile_no or self.contact:
			return
		contact = frappe.get_doc(
			{
				"doctype": "Shop Contact",
				"first_name": self.name,
				"mobile_no": self.mobile_no,
				"links": [{"link_doctype": self.doctype, "link_name": self.name}],
			}
		)
		contact.insert(ignore_permissions=True)
		self.db_set("contact", contact.name)
