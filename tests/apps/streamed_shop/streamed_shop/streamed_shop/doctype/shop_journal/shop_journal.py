import frappe
from frappe.model.document import Document
from frappe.utils import flt

from streamed_shop.ledger import post, reverse

# more rows than these are cancelled by a job
AT_ONCE = 10


class ShopJournal(Document):
	def validate(self):
		if flt(sum(flt(row.debit) - flt(row.credit) for row in self.rows), 2):
			frappe.throw("Debit and credit are not the same")

	def on_submit(self):
		lines = ({"account": row.account, "debit": row.debit, "credit": row.credit} for row in self.rows)
		post(self, *lines)

	def on_cancel(self):
		reverse(self)

	def cancel(self):
		if len(self.rows) <= AT_ONCE:
			return self._cancel()
		frappe.enqueue(cancel_now, name=self.name, enqueue_after_commit=True)


def cancel_now(name: str) -> None:
	frappe.get_doc("Shop Journal", name)._cancel()
