from frappe.model.document import Document


class ShopLead(Document):
	pass
