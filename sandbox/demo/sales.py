"""Chapter: invoices and payments of the branch go to the head office, and post to its ledger."""

import time
from datetime import date, timedelta

from sandbox.demo.company import BRANCH, CAFE, CUSTOMER, INVOICE, PAYMENT
from sandbox.demo.screen import Screen
from sandbox.demo.sites import Sites
from sandbox.demo.steps import arrives, is_submitted, refuse, show_ledger

DAYS_AGO = 3
DATED = ("posting_date", "posting_time", "due_date")


def sales_go_to_the_head_office(sites: Sites, screen: Screen) -> None:
	screen.chapter("Sales of the branch: invoices, a payment, a cancellation, with the ledger on both sites")
	screen.note("Only what is submitted goes over (a condition), and the head office gives names of its own.")
	items = [{"item": "BEANS", "qty": 5, "rate": 480}, {"item": "FILTER", "qty": 2, "rate": 35}]
	invoice = {"doctype": INVOICE, "company": BRANCH, "customer": CAFE, "tax_rate": 7, "items": items}
	name = submit_a_draft(sites, screen, invoice)
	pay(sites, screen, name)
	bill_late(sites, screen, invoice)
	cancel_and_amend(sites, screen, invoice)


def submit_a_draft(sites: Sites, screen: Screen, values: dict) -> str:
	office, branch = sites.office, sites.branch
	draft = branch.admin.insert(values)["name"]
	screen.at(branch.name, f"makes the invoice {draft}, and submits it a second later")
	time.sleep(1)
	refuse(office.arrived(branch, INVOICE, draft), f"The draft {draft} came, against the condition.")
	screen.seen(office.name, "did not get the draft")
	branch.admin.update(INVOICE, draft, {"docstatus": 1})
	local = arrives(
		sites,
		screen,
		office,
		"has it, submitted",
		lambda: is_submitted(office.arrived(branch, INVOICE, draft)),
	)
	refuse(local["name"] == draft, f"{draft} has the same name on both sites.")
	screen.seen(
		office.name,
		f"calls it {local['name']}, as it has a {draft} of its own; Remote Document Name says {draft}",
	)
	show_ledger(sites, screen, draft, local["name"])
	return draft


def pay(sites: Sites, screen: Screen, invoice: str) -> None:
	office, branch = sites.office, sites.branch
	total = branch.admin.get_doc(INVOICE, invoice)["grand_total"]
	reference = {"reference_doctype": INVOICE, "reference_name": invoice, "allocated_amount": total}
	branch.admin.insert(
		{
			"doctype": PAYMENT,
			"company": BRANCH,
			"party_type": CUSTOMER,
			"party": CAFE,
			"paid_amount": total,
			"references": [reference],
			"docstatus": 1,
		}
	)
	screen.at(branch.name, f"takes a payment of {total:,.2f} for {invoice}")

	def paid() -> bool:
		here = office.arrived(branch, INVOICE, invoice) or {}
		return (here.get("status"), here.get("outstanding_amount")) == ("Paid", 0)

	arrives(sites, screen, office, "has the payment, and its invoice is Paid, nothing outstanding", paid)


def bill_late(sites: Sites, screen: Screen, values: dict) -> None:
	"""Posted days ago and overdue: code that dates it today would refuse it, as it would be due before it is made."""
	office, branch = sites.office, sites.branch
	posted = date.today() - timedelta(days=DAYS_AGO)
	dates = {"set_posting_time": 1, "posting_date": str(posted), "posting_time": "17:45:10"}
	due = {"due_date": str(posted + timedelta(days=1))}
	there = branch.admin.insert({**values, **dates, **due, "docstatus": 1})
	screen.at(
		branch.name, f"submits {there['name']}, posted {DAYS_AGO} days ago, on {posted}, and due a day later"
	)
	here = arrives(
		sites,
		screen,
		office,
		"has it today",
		lambda: is_submitted(office.arrived(branch, INVOICE, there["name"])),
	)
	refuse(
		any(here[key] != there[key] for key in DATED), f"{here['name']} has other dates than {there['name']}."
	)
	screen.seen(office.name, f"kept its date, {here['posting_date']} {here['posting_time']}, and not today's")
	show_ledger(sites, screen, there["name"], here["name"])


def cancel_and_amend(sites: Sites, screen: Screen, values: dict) -> None:
	office, branch = sites.office, sites.branch
	wrong = branch.admin.insert({**values, "docstatus": 1})["name"]
	screen.at(branch.name, f"submits {wrong}")
	arrives(sites, screen, office, "has it", lambda: is_submitted(office.arrived(branch, INVOICE, wrong)))
	branch.admin.update(INVOICE, wrong, {"docstatus": 2})
	items = [{"item": "BEANS", "qty": 4, "rate": 480}]
	amended = branch.admin.insert({**values, "items": items, "amended_from": wrong, "docstatus": 1})["name"]
	screen.at(branch.name, f"cancels it, and amends it with other rows: {amended}")

	def done() -> tuple[str, str] | None:
		old, new = (office.arrived(branch, INVOICE, name) for name in (wrong, amended))
		right = old and new and old["docstatus"] == 2 and new["amended_from"] == old["name"]
		return (old["name"], new["name"]) if right and new["docstatus"] == 1 else None

	old, new = arrives(
		sites, screen, office, "has cancelled the one and has the other, Amended From it", done
	)
	show_ledger(sites, screen, wrong, old)
	show_ledger(sites, screen, amended, new)
