from frappe.model.document import Document


class ShopGoodsReceipt(Document):
	pass
