import frappe
from frappe.model.document import Document

from streamed_shop.ledger import account_of, post, reverse


class ShopPayment(Document):
	def on_submit(self):
		party = {"party_type": self.party_type, "party": self.party}
		post(
			self,
			{"account": f"Bank - {account_of(self.company, 'abbr')}", "debit": self.paid_amount},
			{"account": account_of(self.company, "default_receivable"), "credit": self.paid_amount, **party},
		)
		self.settle()

	def on_cancel(self):
		reverse(self)
		self.settle()

	def settle(self):
		for row in self.references:
			frappe.get_doc(row.reference_doctype, row.reference_name).set_outstanding()
