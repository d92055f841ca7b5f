"""The DocTypes that the contract is tried on: one for each way of naming, with rows, a link and a guarded field."""

from doctypes import CITY, make_doctype, make_order_doctypes
from streams import make_subscriber

HASHED, SERIES, NUMBERED, PROMPTED, LINE, KINDS = (
	"Contract Hashed",
	"Contract Series",
	"Contract Numbered",
	"Contract Prompted",
	"Contract Line",
	"Contract Kinds",
)
NOBODY = "nobody@contract.example.com"


def make_contract_doctypes() -> None:
	make_order_doctypes()
	make_doctype(LINE, [{"fieldname": "item", "label": "Item", "fieldtype": "Data"}], istable=1)
	fields = [
		{"fieldname": "title", "label": "Title", "fieldtype": "Data"},
		{"fieldname": "city", "label": "City", "fieldtype": "Link", "options": CITY},
		{"fieldname": "guarded", "label": "Guarded", "fieldtype": "Data", "permlevel": 1},
		{"fieldname": "picked", "label": "Picked", "fieldtype": "Select", "options": "a\nb"},
		{"fieldname": "lines", "label": "Lines", "fieldtype": "Table", "options": LINE},
	]
	series = {
		"fieldname": "naming_series",
		"label": "Series",
		"fieldtype": "Select",
		"options": "CONA-.#####\nCONB-.#####",
		"reqd": 1,
	}
	kinds = [
		{"fieldname": "choice", "label": "Choice", "fieldtype": "Select", "options": "red\ngreen"},
		{"fieldname": "amount", "label": "Amount", "fieldtype": "Currency", "non_negative": 1},
		{"fieldname": "phone", "label": "Phone", "fieldtype": "Phone"},
		{"fieldname": "mail", "label": "Mail", "fieldtype": "Data", "options": "Email"},
		{"fieldname": "code", "label": "Code", "fieldtype": "Code", "options": "Python"},
		{"fieldname": "stars", "label": "Stars", "fieldtype": "Rating"},
		{"fieldname": "story", "label": "Story", "fieldtype": "Text Editor"},
		{"fieldname": "secret", "label": "Secret", "fieldtype": "Password"},
		{"fieldname": "city", "label": "City", "fieldtype": "Link", "options": CITY},
	]
	make_doctype(KINDS, kinds, autoname="hash")
	make_doctype(HASHED, fields, autoname="hash")
	make_doctype(SERIES, [series, *fields], autoname="naming_series:")
	make_doctype(NUMBERED, fields, autoname="autoincrement")
	make_doctype(PROMPTED, fields, autoname="prompt")


def make_users() -> None:
	"""A subscriber, who is System Manager, and a user who may do nothing."""
	import frappe

	make_subscriber()
	if not frappe.db.exists("User", NOBODY):
		values = {
			"email": NOBODY,
			"first_name": "Nobody",
			"send_welcome_email": 0,
			"user_type": "System User",
		}
		frappe.get_doc({"doctype": "User", **values}).insert(ignore_permissions=True)
