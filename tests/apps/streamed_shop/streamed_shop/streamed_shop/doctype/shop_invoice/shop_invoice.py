import frappe
from frappe.model.document import Document
from frappe.utils import flt, getdate, now_datetime

from streamed_shop.ledger import account_of, post, reverse


class ShopInvoice(Document):
	def validate(self):
		self.set_posting_date()
		self.check_due_date()
		self.set_accounts()
		self.set_totals()

	def set_posting_date(self):
		"""Now, unless told otherwise."""
		if not self.set_posting_time:
			now = now_datetime()
			self.posting_date, self.posting_time = now.strftime("%Y-%m-%d"), now.strftime("%H:%M:%S.%f")

	def check_due_date(self):
		if self.due_date and getdate(self.due_date) < getdate(self.posting_date):
			frappe.throw("Due Date cannot be before Posting Date")

	def set_accounts(self):
		self.debit_to = self.debit_to or account_of(self.company, "default_receivable")
		for row in self.items:
			row.income_account = row.income_account or account_of(self.company, "default_income")
			row.cost_center = row.cost_center or account_of(self.company, "cost_center")

	def set_totals(self):
		for row in self.items:
			row.amount = flt(flt(row.qty) * flt(row.rate), 2)
		self.net_total = flt(sum(row.amount for row in self.items), 2)
		self.tax_amount = flt(self.net_total * flt(self.tax_rate) / 100, 2)
		self.grand_total = flt(self.net_total + self.tax_amount, 2)
		if self.docstatus == 0 or self._action == "submit":
			self.outstanding_amount = 0 if self.is_return else self.grand_total

	def on_submit(self):
		party = {"party_type": "Shop Customer", "party": self.customer}
		post(
			self,
			{"account": self.debit_to, **party, **debit(self.grand_total)},
			*(
				{"account": row.income_account, "cost_center": row.cost_center, **debit(-row.amount)}
				for row in self.items
			),
			{"account": f"Taxes - {account_of(self.company, 'abbr')}", **debit(-self.tax_amount)},
		)
		self.db_set("status", "Return" if self.is_return else "Unpaid")
		if self.return_against:
			frappe.get_doc("Shop Invoice", self.return_against).set_outstanding()

	def on_cancel(self):
		reverse(self)
		self.db_set("status", "Cancelled")
		if self.return_against:
			frappe.get_doc("Shop Invoice", self.return_against).set_outstanding()

	def set_outstanding(self):
		"""Called by payments and returns: what is open is counted anew from all of them."""
		paid = {"reference_doctype": self.doctype, "reference_name": self.name, "docstatus": 1}
		returned = {"return_against": self.name, "docstatus": 1}
		settled = sum(frappe.get_all("Shop Payment Reference", paid, pluck="allocated_amount"))
		settled -= sum(frappe.get_all(self.doctype, returned, pluck="grand_total"))
		outstanding = flt(self.grand_total - settled, 2)
		self.db_set("outstanding_amount", outstanding)
		partly = "Unpaid" if outstanding >= self.grand_total else "Partly Paid"
		self.db_set("status", partly if outstanding > 0 else "Paid")


def debit(amount: float) -> dict:
	return {"debit": amount} if amount >= 0 else {"credit": -amount}
