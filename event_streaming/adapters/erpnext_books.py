"""ERPNext's books and stock: what on this site will refuse vouchers of the past that come. It only reads."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import frappe
from frappe.utils import cint, getdate

from event_streaming.messages.coded import _

STOCK_VOUCHERS = frozenset(
	(
		*("Delivery Note", "Purchase Receipt", "Stock Entry", "Stock Reconciliation"),
		*("Subcontracting Receipt", "Landed Cost Voucher"),
	)
)
# with Update Stock they move stock, too
VOUCHERS = STOCK_VOUCHERS | {
	*("Sales Invoice", "Purchase Invoice", "POS Invoice", "Journal Entry", "Payment Entry", "Expense Claim"),
	*("Asset", "Dunning", "Loan", "Loan Repayment"),
}
MOVES_STOCK = STOCK_VOUCHERS | {"Sales Invoice", "Purchase Invoice", "POS Invoice"}

Refusal = tuple[bool, str, str]


def what_will_refuse(
	doctype: str, dates: Collection[str] | None, decided: Collection[str] = ()
) -> Iterator[Refusal]:
	"""Frozen books, closed periods, frozen stock and the rule of negative stock, as far as they concern a DocType."""
	if doctype in VOUCHERS:
		for company, until in frozen_books():
			yield from of_past(doctype, dates, until, _("the books of {0} are frozen").format(company))
		for company, until in closed_years():
			yield from of_past(doctype, dates, until, _("the year of {0} is closed").format(company))
		for period, company, start, end in closed_periods(doctype):
			yield from of_dates(
				doctype,
				dates,
				lambda date, start=start, end=end: getdate(start) <= date <= getdate(end),
				_("the accounting period {0} of {1} is closed for it").format(period, company),
			)
	if doctype in STOCK_VOUCHERS or (doctype in MOVES_STOCK and "update_stock" not in decided):
		if until := single("Stock Settings", "stock_frozen_upto"):
			yield from of_past(doctype, dates, until, _("stock is frozen"))
		if not cint(single("Stock Settings", "allow_negative_stock")):
			yield (
				False,
				_(
					"{0}: what takes more stock than is here by then is refused, and waits until it is here."
				).format(_(doctype)),
				_(
					"Copy what brings stock first, or allow negative stock in Stock Settings while it is copied."
				),
			)


def of_past(doctype: str, dates: Collection[str] | None, until: Any, why: str) -> Iterator[Refusal]:
	end = getdate(until)
	yield from of_dates(doctype, dates, lambda date: date <= end, f"{why} ({_('until')} {end})")


def of_dates(
	doctype: str, dates: Collection[str] | None, is_refused: Callable[[Any], bool], why: str
) -> Iterator[Refusal]:
	"""What is certain where dates are known, and may be where not."""
	remedy = _(
		"Open it for the Event Subscriber while the documents are copied, or copy only later ones by a filter."
	)
	if dates is None:
		yield False, _("Documents of {0} with such a date are refused: {1}.").format(_(doctype), why), remedy
	elif count := sum(is_refused(getdate(date)) for date in dates if date):
		yield True, _("{0} documents of {1} will be refused: {2}.").format(count, _(doctype), why), remedy


def frozen_books() -> list[tuple[str, Any]]:
	"""(company, date): ERPNext 15 freezes the books of all companies at once, 16 those of each."""
	found = []
	if until := single("Accounts Settings", "acc_frozen_upto"):
		found.append((_("all companies"), until))
	if has_fields("Company", "accounts_frozen_till_date"):
		rows = frappe.get_all(
			"Company",
			filters={"accounts_frozen_till_date": [">", "1970-01-01"]},
			fields=["name", "accounts_frozen_till_date"],
		)
		found += [(row.name, row.accounts_frozen_till_date) for row in rows]
	return found


def closed_years() -> list[tuple[str, Any]]:
	"""(company, last day) of the latest Period Closing Voucher of each."""
	end = "period_end_date" if has_fields("Period Closing Voucher", "period_end_date") else "posting_date"
	if not has_fields("Period Closing Voucher", end):
		return []
	latest: dict[str, Any] = {}
	for row in frappe.get_all(
		"Period Closing Voucher", {"docstatus": 1}, ["company", end], order_by=f"{end} asc"
	):
		latest[row.company] = row[end]
	return list(latest.items())


def closed_periods(doctype: str) -> list[tuple[str, str, Any, Any]]:
	"""(period, company, first day, last day) of Accounting Periods that are closed for the DocType."""
	if not has_fields("Accounting Period", "start_date", "end_date"):
		return []
	closed = frappe.get_all(
		"Closed Document", {"document_type": doctype, "closed": 1}, pluck="parent", limit=500
	)
	rows = frappe.get_all(
		"Accounting Period", {"name": ["in", closed]}, ["name", "company", "start_date", "end_date"]
	)
	return [(row.name, row.company, row.start_date, row.end_date) for row in rows] if closed else []


def single(doctype: str, field: str) -> Any:
	return frappe.db.get_single_value(doctype, field) if has_fields(doctype, field) else None


def has_fields(doctype: str, *fields: str) -> bool:
	if not frappe.db.exists("DocType", doctype, cache=True):
		return False
	meta = frappe.get_meta(doctype)
	return all(meta.has_field(field) for field in fields)
