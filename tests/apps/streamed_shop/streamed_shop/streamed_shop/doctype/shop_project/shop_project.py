from frappe.model.document import Document


class ShopProject(Document):
	pass
