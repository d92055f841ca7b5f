from frappe.model.document import Document


class ShopStockEntryItem(Document):
	pass
