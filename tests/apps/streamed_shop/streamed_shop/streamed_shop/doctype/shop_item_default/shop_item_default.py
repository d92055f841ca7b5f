from frappe.model.document import Document


class ShopItemDefault(Document):
	pass
