from frappe.model.document import Document


class ShopCreditLimit(Document):
	pass
