from frappe.model.document import Document


class ShopOrderItem(Document):
	pass
