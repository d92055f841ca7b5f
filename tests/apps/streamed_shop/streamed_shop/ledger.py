"""The ledger: each voucher posts its lines when it is submitted, and reverses them when it is cancelled."""

import frappe
from frappe.utils import getdate

LINE = "Shop Ledger Entry"


def check_freezing_date(posting_date) -> None:
	"""As ERPNext's: nothing is posted into frozen books but by who has the role for it."""
	settings = frappe.get_cached_doc("Shop Settings")
	frozen, role = settings.books_frozen_until, settings.frozen_books_role
	if frozen and getdate(posting_date) <= getdate(frozen) and role not in frappe.get_roles():
		frappe.throw(f"You are not authorized to add or update entries before {frozen}")


def post(voucher, *lines: dict) -> None:
	check_freezing_date(voucher.posting_date)
	for line in lines:
		if line.get("debit") or line.get("credit"):
			frappe.get_doc(
				{
					"doctype": LINE,
					"posting_date": voucher.posting_date,
					"posting_time": voucher.get("posting_time"),
					"company": voucher.company,
					"voucher_type": voucher.doctype,
					"voucher_no": voucher.name,
					**line,
				}
			).insert(ignore_permissions=True)


def reverse(voucher) -> None:
	"""The old lines are marked by SQL, as ERPNext does it, and each gets its opposite."""
	filters = {"voucher_type": voucher.doctype, "voucher_no": voucher.name, "is_cancelled": 0}
	fields = ["account", "cost_center", "party_type", "party", "debit", "credit"]
	lines = frappe.get_all(LINE, filters=filters, fields=fields, order_by="creation")
	frappe.db.set_value(LINE, filters, "is_cancelled", 1)
	post(
		voucher,
		*({**line, "debit": line.credit, "credit": line.debit, "is_cancelled": 1} for line in lines),
	)


def account_of(company: str, fieldname: str) -> str:
	return frappe.db.get_value("Shop Company", company, fieldname)
