from frappe.model.document import Document


class ShopGoodsReceiptLine(Document):
	pass
