from frappe.model.document import Document


class ShopContactLink(Document):
	pass
