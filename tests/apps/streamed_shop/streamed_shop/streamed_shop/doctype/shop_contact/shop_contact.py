from frappe.model.document import Document


class ShopContact(Document):
	def autoname(self):
		self.name = "-".join([self.first_name, *(row.link_name for row in self.links[:1])])
