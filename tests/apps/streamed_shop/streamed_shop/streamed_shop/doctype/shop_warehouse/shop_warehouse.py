from frappe.model.document import Document

from streamed_shop.trees import with_abbr


class ShopWarehouse(Document):
	def autoname(self):
		self.name = with_abbr(self.warehouse_name, self.company)
