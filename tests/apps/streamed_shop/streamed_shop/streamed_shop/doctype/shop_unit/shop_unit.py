from frappe.model.document import Document


class ShopUnit(Document):
	pass
