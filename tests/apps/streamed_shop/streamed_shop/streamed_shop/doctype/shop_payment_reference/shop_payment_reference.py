from frappe.model.document import Document


class ShopPaymentReference(Document):
	pass
