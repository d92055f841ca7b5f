from frappe.model.document import Document


class ShopOpportunity(Document):
	pass
