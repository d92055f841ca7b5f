import frappe
from frappe.model.document import Document

# account -> its parent, its type
ACCOUNTS = {
	"All Accounts": (None, ""),
	"Receivables": ("All Accounts", "Asset"),
	"Debtors": ("Receivables", "Asset"),
	"Bank": ("All Accounts", "Asset"),
	"Income": ("All Accounts", "Income"),
	"Sales": ("Income", "Income"),
	"Taxes": ("All Accounts", "Expense"),
}
GROUPS = ("All Accounts", "Receivables", "Income")


class ShopCompany(Document):
	def on_update(self):
		"""A new company gets its accounts, a cost centre and a warehouse, and some of them are linked back."""
		if frappe.db.exists("Shop Account", {"company": self.name}):
			return
		self.make_accounts()
		self.make_cost_centers()
		self.make("Shop Warehouse", warehouse_name="Stores")
		self.db_set("default_receivable", f"Debtors - {self.abbr}")
		self.db_set("default_income", f"Sales - {self.abbr}")
		self.db_set({"cost_center": f"Main - {self.abbr}", "default_warehouse": f"Stores - {self.abbr}"})

	def make_accounts(self):
		for name, (parent, root_type) in ACCOUNTS.items():
			self.make(
				"Shop Account",
				account_name=name,
				parent_shop_account=parent and f"{parent} - {self.abbr}",
				root_type=root_type,
				is_group=int(name in GROUPS),
			)

	def make_cost_centers(self):
		self.make("Shop Cost Center", cost_center_name=self.name, is_group=1)
		parent = f"{self.name} - {self.abbr}"
		self.make("Shop Cost Center", cost_center_name="Main", parent_shop_cost_center=parent)

	def make(self, doctype, **values):
		doc = frappe.get_doc({"doctype": doctype, "company": self.name, **values})
		doc.insert(ignore_permissions=True)
