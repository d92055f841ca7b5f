from frappe.model.document import Document


class ShopItem(Document):
	pass
