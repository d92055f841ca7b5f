from frappe.model.document import Document


class ShopQuotation(Document):
	pass
