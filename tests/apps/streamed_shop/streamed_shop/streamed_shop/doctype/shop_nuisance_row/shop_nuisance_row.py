from frappe.model.document import Document


class ShopNuisanceRow(Document):
	pass
