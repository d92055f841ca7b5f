"""ERPNext's DocTypes.

- *Posting date and time*: `validate` sets them to now unless Set Posting Time is ticked; here it is ticked wherever there is
  that field, so that due dates and stock are reckoned from the date that came.
- *Serial numbers and batches*: a Serial and Batch Bundle belongs to the ledger of one site, and a Serial No with a warehouse can't
  be made by hand. So the bundle of a row, the warehouse of a serial number and what else the ledger writes are each site's own;
  the numbers themselves come in the row's Serial No and Batch No, from which the voucher makes its bundle here when it is
  submitted. A row whose numbers stand in nothing but a bundle is refused: this site would pick others. A submission writes
  bundle and numbers past the document, so that a draft is brought whole when it is submitted.
- *Employee*: one with a disabled user is refused by ERPNext, and users that come are disabled.
- *Customer, Supplier, Company* make contacts, accounts, cost centres and warehouses of their own. Nothing in ERPNext keeps them from
  it for one document; what they make is adopted when the producer's comes.
- *Ledgers* are made by vouchers on each site; see NOT_TO_SUBSCRIBE.
"""

from collections.abc import Iterator
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.adapters import erpnext_books
from event_streaming.adapters.context import DECIDED_FLAG
from event_streaming.exceptions import CannotApply, RowMissing
from event_streaming.messages.coded import _

BUNDLES = ("serial_and_batch_bundle", "rejected_serial_and_batch_bundle", "current_serial_and_batch_bundle")
NUMBERS = ("serial_no", "batch_no", "rejected_serial_no", "current_serial_no")
# by the ledger of each site; what a price says of its item, by each change of that with SQL: where the item's change is in it
# already, nobody would write that again
WRITTEN_HERE = {
	"Serial No": ("warehouse", "status", "purchase_rate", "purchase_document_no", "customer"),
	"Batch": ("batch_qty", "reference_doctype", "reference_name"),
	"Item Price": ("item_name", "item_description", "brand"),
}
VOUCHERS, STOCK, REPOSTING, DERIVED = "vouchers", "stock", "reposting", "derived"
TILL = "till"
NOT_TO_SUBSCRIBE = {
	"GL Entry": VOUCHERS,
	"Stock Ledger Entry": VOUCHERS,
	"Payment Ledger Entry": VOUCHERS,
	"Advance Payment Ledger Entry": VOUCHERS,
	"Loyalty Point Entry": VOUCHERS,
	"Serial and Batch Bundle": STOCK,
	"Stock Reservation Entry": STOCK,
	"Bin": DERIVED,
	"Account Closing Balance": DERIVED,
	"Stock Closing Balance": DERIVED,
	"Asset Activity": DERIVED,
	"Repost Item Valuation": REPOSTING,
	"Repost Accounting Ledger": REPOSTING,
	"Repost Payment Ledger": REPOSTING,
	"Process Payment Reconciliation Log": REPOSTING,
	"BOM Update Log": REPOSTING,
	"Ledger Health": REPOSTING,
	"POS Closing Entry": TILL,
	"POS Invoice Merge Log": TILL,
}

# what Dynamic Links are known to lead to: the vouchers that a payment pays come with it
LEADS_TO = {
	"Payment Entry": {
		"references.reference_name": (
			"Sales Invoice",
			"Purchase Invoice",
			"Sales Order",
			"Purchase Order",
			"Journal Entry",
		),
		"party": ("Customer", "Supplier", "Employee", "Shareholder"),
	},
	"Journal Entry": {
		"accounts.reference_name": ("Sales Invoice", "Purchase Invoice", "Journal Entry"),
		"accounts.party": ("Customer", "Supplier", "Employee", "Shareholder"),
	},
	"Opportunity": {"party_name": ("Lead", "Customer", "Prospect")},
	"Quotation": {"party_name": ("Lead", "Customer", "Prospect")},
}

# what saving or submitting one of these writes beside it, with the rights of whoever saves
ALSO_WRITES = {
	"Item": ("Item Price",),
	"Customer": ("Contact", "Address"),
	"Supplier": ("Contact", "Address"),
	"Delivery Note": ("Sales Invoice", "Batch"),
	"Purchase Receipt": ("Asset", "Batch"),
	"Purchase Invoice": ("Asset", "Batch"),
	"Stock Entry": ("Batch",),
	"Stock Reconciliation": ("Batch",),
}

# the text of the terms, the price and the readings stand in the document; these hold templates or code, and come only with a row
MAY_STAY_EMPTY = frozenset(("Pricing Rule", "Quality Inspection Template", "Terms and Conditions"))

# a setting decides what these are named by: the default that has it, and what it says where no counter is used
NAMED_BY = {
	"Customer": ("cust_master_name", ("Customer Name",)),
	"Supplier": ("supp_master_name", ("Supplier Name",)),
	"Item": ("item_naming_by", ("Item Code", None, "")),
}


def is_named_otherwise(doctype: str) -> bool:
	"""Whether documents that have a naming series do not use it on this site."""
	default, names = NAMED_BY.get(doctype, ("", ()))
	return bool(default) and frappe.defaults.get_global_default(default) in names


def fields_decided_here(doctype: str) -> list[str]:
	"""Fields that ERPNext writes for each site by itself."""
	meta = frappe.get_meta(doctype)
	found = [each for each in WRITTEN_HERE.get(doctype, ()) if meta.has_field(each)]
	found += [each for each in ("set_posting_time", *BUNDLES) if meta.has_field(each)]
	for table in meta.get_table_fields():
		rows = frappe.get_meta(table.options)
		found += [f"{table.fieldname}.{each}" for each in BUNDLES if rows.has_field(each)]
	return found


def why_not_subscribe(doctype: str) -> str:
	reasons = {
		VOUCHERS: _(
			"{0} is made by vouchers on each site: with a subscription every amount is booked twice."
		),
		STOCK: _("{0} is made by stock vouchers on each site, for the numbers and warehouses of that site."),
		REPOSTING: _("{0} makes a site recalculate its own ledger and has no meaning on another site."),
		TILL: _("{0} makes the consolidated invoice again on each site: subscribe to Sales Invoice instead."),
		DERIVED: _("{0} is calculated from other documents on each site."),
	}
	return reasons[NOT_TO_SUBSCRIBE[doctype]].format(_(doctype)) if doctype in NOT_TO_SUBSCRIBE else ""


def refuse_what_cannot_come(doctype: str, data: dict[str, Any], rows_here: dict[str, Any]) -> None:
	"""Rows whose numbers this site would make up; `rows_here` are those of the document as it is here, by name."""
	for table, row in rows_with_bundle(doctype, data):
		here = rows_here.get(str(row.get("name"))) or {}
		if any(row.get(each) or here.get(each) for each in NUMBERS):
			continue
		raise CannotApply(
			_(
				"Row {0} of {1}: its serial numbers or batches stand only in the Serial and Batch Bundle {2} of the producer,"
				" which belongs to that site's stock. In the Stock Settings there, tick Use Serial / Batch Fields and clear Do Not"
				" Update Serial / Batch on Creation of Auto Bundle, so that documents hold the numbers themselves."
			).format(cint(row.get("idx")), frappe.get_meta(doctype).get_label(table), row_bundle(row))
		)


def rows_with_bundle(doctype: str, data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
	for table in frappe.get_meta(doctype).get_table_fields():
		rows = data.get(table.fieldname)
		for row in rows if isinstance(rows, list) else ():
			if isinstance(row, dict) and row_bundle(row):
				yield table.fieldname, row


def row_bundle(row: dict[str, Any]) -> str:
	return str(next((row[each] for each in BUNDLES if row.get(each)), ""))


def keep_posting_time(doc: Any, context: Any) -> None:
	"""The date of the document is the one that came, or that it has: not today."""
	if doc.meta.has_field("set_posting_time") and doc.get("posting_date"):
		doc.set_posting_time = 1


def use_numbers_of_rows(doc: Any, context: Any) -> None:
	"""A voucher makes its bundles from the numbers in its rows."""
	for table in doc.meta.get_table_fields():
		if not frappe.get_meta(table.options).has_field("use_serial_batch_fields"):
			continue
		for row in doc.get(table.fieldname):
			if any(row.get(each) for each in NUMBERS) and not row_bundle(row.as_dict()):
				row.use_serial_batch_fields = 1
				row.flags[DECIDED_FLAG] = ["use_serial_batch_fields"]


def refuse_to_pick_numbers(doc: Any, context: Any) -> None:
	"""A draft that is about to be submitted names no numbers for an item that has them: this site would pick its own."""
	came = context.came
	difference = isinstance(came.get("changed"), dict)
	values = came["changed"] if difference else came
	if cint(values.get("docstatus")) != 1 or not (doc.is_new() or cint(doc.docstatus) == 0):
		return
	if doc.meta.has_field("update_stock") and not cint(doc.get("update_stock")):
		return
	for row in rows_without_numbers(doc):
		if difference:
			raise RowMissing(str(row.name))
		raise CannotApply(
			_(
				"Row {0} of {1}: {2} has serial numbers or batches, and the producer names none in this row: this site would pick"
				" its own. Have documents hold the numbers themselves: tick Use Serial / Batch Fields in the Stock Settings there."
			).format(row.idx, doc.meta.get_label(row.parentfield), row.item_code)
		)


def rows_without_numbers(doc: Any) -> Iterator[Any]:
	for table in doc.meta.get_table_fields():
		meta = frappe.get_meta(table.options)
		if not meta.has_field("item_code") or not any(meta.has_field(each) for each in BUNDLES):
			continue
		for row in doc.get(table.fieldname):
			if not any(row.get(each) for each in NUMBERS) and is_numbered(row.item_code):
				yield row


def is_numbered(item: str | None) -> bool:
	"""Whether pieces of an item have serial numbers or batches."""
	found = frappe.get_cached_value("Item", item, ["has_serial_no", "has_batch_no"]) if item else None
	return bool(found and any(cint(each) for each in found))


def leave_out_disabled_user(doc: Any, context: Any) -> None:
	"""ERPNext refuses an active Employee whose user is disabled."""
	user = doc.get("user_id")
	if user and doc.get("status") == "Active" and not cint(frappe.db.get_value("User", user, "enabled")):
		context.decide(doc, "user_id", None, _("the user {0} is disabled on this site").format(user))


def forget_rules_of_the_other_site(doc: Any, context: Any) -> None:
	"""`validate` reads the pricing rules that rows name; the prices that they have made came along, and so come back the names."""
	for table in doc.meta.get_table_fields():
		if frappe.get_meta(table.options).has_field("pricing_rules"):
			for row in doc.get(table.fieldname):
				rules = rules_in(row.get("pricing_rules") or "")
				if not rules or not all(frappe.db.exists("Pricing Rule", rule, cache=True) for rule in rules):
					row.pricing_rules = ""


def rules_in(text: str) -> list[str]:
	"""ERPNext keeps a list as JSON, or names with commas between them."""
	try:
		return [str(rule) for rule in (frappe.parse_json(text) if text.startswith("[") else text.split(","))]
	except ValueError:
		return []


def before_voucher(doc: Any, context: Any) -> None:
	keep_posting_time(doc, context)
	forget_rules_of_the_other_site(doc, context)
	refuse_to_pick_numbers(doc, context)
	use_numbers_of_rows(doc, context)


BEFORE_APPLY = {"*": before_voucher, "Employee": leave_out_disabled_user}
what_will_refuse = erpnext_books.what_will_refuse
