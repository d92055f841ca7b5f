from frappe.model.document import Document


class ShopJournalRow(Document):
	pass
