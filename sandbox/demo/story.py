"""What happens between the head office and the branch, step by step. Everything is done over REST.

Documents are made on one site and looked for on the other; nothing here makes a site pull. They come because the
one site's job notifies the other, whose job then pulls.
"""

import time
from collections.abc import Callable

from sandbox.demo.check import ledger_of
from sandbox.demo.company import (
	BRANCH,
	CAFE,
	CONTACT,
	CUSTOMER,
	INVOICE,
	ITEM,
	OF_THE_BRANCH,
	OF_THE_HEAD_OFFICE,
	ORDER,
	PAYMENT,
	RECEIPT,
	SUBSCRIBER,
	approve,
	subscribe,
)
from sandbox.demo.screen import Screen
from sandbox.demo.sites import DidNotHappen, Side, Sites

UPDATE_ITEMS = "streamed_shop.streamed_shop.doctype.shop_order.shop_order.update_items"


def tell(sites: Sites, screen: Screen) -> None:
	"""All chapters of the story, in their order."""
	hand_shake(sites, screen)
	masters_come_from_the_head_office(sites, screen)
	an_item_changes_and_goes(sites, screen)
	what_the_head_office_orders_the_branch_expects(sites, screen)
	an_order_whose_items_are_updated(sites, screen)
	sales_go_to_the_head_office(sites, screen)


def hand_shake(sites: Sites, screen: Screen) -> None:
	screen.chapter("The branch subscribes to masters, the head office to sales; each approves the other")
	screen.note(f"{SUBSCRIBER} is a System Manager with API keys on both sites.")
	office, branch = sites.office, sites.branch
	for taker, giver, rows in ((branch, office, OF_THE_BRANCH), (office, branch, OF_THE_HEAD_OFFICE)):
		subscribe(taker.admin, giver.subscriber, rows)
		screen.at(taker.name, f"saves an Event Producer for {giver.url}")
		asked = giver.admin.get_doc("Event Consumer", taker.url)["consumer_doctypes"]
		screen.seen(giver.name, f"has an Event Consumer: {in_words(asked)}")
		approve(giver.admin, taker.url)
		screen.at(giver.name, "approves them all")

		def approved(taker: Side = taker, giver: Side = giver) -> list[dict] | None:
			rows = taker.admin.get_doc("Event Producer", giver.url)["producer_doctypes"]
			return rows if all(row["status"] == "Approved" for row in rows) else None

		rows = sites.wait_for(f"the approval on the {taker.name}'s Event Producer", approved)
		screen.seen(taker.name, f"shows {in_words(rows)}")


def in_words(rows: list[dict]) -> str:
	return ", ".join(f"{row['ref_doctype']} {row['status']}" for row in rows)


def masters_come_from_the_head_office(sites: Sites, screen: Screen) -> None:
	screen.chapter(
		"A customer and an item of the head office, with the company that the branch has never seen"
	)
	office, branch = sites.office, sites.branch
	arrives(
		sites,
		screen,
		branch,
		"has the two items that the head office had before (Copy Existing Documents)",
		lambda: branch.find(ITEM, "BEANS") and branch.find(ITEM, "FILTER"),
	)
	credit = [{"company": "Head Office Ltd", "amount": 50000}]
	office.admin.insert(
		{
			"doctype": CUSTOMER,
			"customer_name": CAFE,
			"tax_id": "0105551234567",
			"mobile_no": "0812345678",
			"credit_limits": credit,
		}
	)
	screen.at(office.name, f"makes the customer {CAFE} with a credit limit; its life cycle makes a contact")
	customer = arrives(sites, screen, branch, f"has {CAFE}", lambda: branch.find(CUSTOMER, CAFE))
	arrives(sites, screen, branch, "has the contact, once", lambda: branch.find(CONTACT, customer["contact"]))
	accounts = branch.admin.list("Shop Account", filters={"company": "Head Office Ltd"})
	refuse(not accounts, "The company came without its accounts.")
	screen.seen(
		branch.name,
		f"has the company Head Office Ltd, which nobody subscribed to, and its {len(accounts)} accounts",
	)
	defaults = [{"company": "Head Office Ltd", "income_account": "Sales - HO", "warehouse": "Stores - HO"}]
	office.admin.insert(
		{
			"doctype": ITEM,
			"item_code": "SUGAR",
			"item_name": "Sugar",
			"unit": "Kg",
			"rate": 25,
			"item_defaults": defaults,
		}
	)
	screen.at(office.name, "makes the item SUGAR with defaults for its company")
	arrives(sites, screen, branch, "has SUGAR with its row", lambda: has_rows(branch.find(ITEM, "SUGAR"), 1))


def an_item_changes_and_goes(sites: Sites, screen: Screen) -> None:
	screen.chapter("An item: made, changed, deleted")
	office, branch = sites.office, sites.branch
	office.admin.insert({"doctype": ITEM, "item_code": "MILK", "item_name": "Milk", "unit": "Litre"})
	screen.at(office.name, "makes MILK, whose unit both sites have of old (matched by name)")
	arrives(sites, screen, branch, "has MILK", lambda: branch.find(ITEM, "MILK"))
	office.admin.update(ITEM, "MILK", {"item_name": "Fresh milk", "rate": 52})
	screen.at(office.name, "changes its name and its price")

	def changed() -> bool:
		doc = branch.find(ITEM, "MILK") or {}
		return (doc.get("item_name"), doc.get("rate")) == ("Fresh milk", 52)

	arrives(sites, screen, branch, "has both", changed)
	office.admin.delete(ITEM, "MILK")
	screen.at(office.name, "deletes MILK")
	arrives(sites, screen, branch, "no longer has it", lambda: branch.find(ITEM, "MILK") is None)


def what_the_head_office_orders_the_branch_expects(sites: Sites, screen: Screen) -> None:
	screen.chapter(
		"What the head office orders for the branch is a goods receipt there (mapping, with its rows)"
	)
	office, branch = sites.office, sites.branch
	order = {"doctype": ORDER, "company": "Head Office Ltd", "customer": BRANCH}
	rows = [{"item": "BEANS", "qty": 20, "rate": 300}, {"item": "FILTER", "qty": 5, "rate": 20}]
	first = office.admin.insert({**order, "items": rows})
	second = office.admin.insert({**order, "items": rows[:1]})
	screen.at(office.name, f"makes the orders {first['name']} (2 rows) and {second['name']} (1 row)")
	receipt = arrives(
		sites, screen, branch, "has two goods receipts", lambda: both(sites, first["name"], second["name"])
	)[0]
	line = receipt["products"][0]
	screen.seen(
		branch.name,
		f"{receipt['name']}: item → product {line['product']}, qty → quantity {line['quantity']:g}, "
		f"shelf {line['shelf']} (default); no price",
	)
	rows = in_order(
		{**first["items"][1], "qty": 6}, first["items"][0], {"item": "SUGAR", "qty": 1, "rate": 25}
	)
	office.admin.update(ORDER, first["name"], {"items": rows})
	office.admin.delete(ORDER, second["name"])
	screen.at(office.name, f"changes {first['name']} and the order of its rows, and deletes {second['name']}")

	def changed() -> bool:
		here = branch.arrived(office, RECEIPT, first["name"]) or {"products": []}
		seen = [(row["product"], row["quantity"]) for row in here["products"]]
		gone = branch.arrived(office, RECEIPT, second["name"]) is None
		return gone and seen == [("FILTER", 6), ("BEANS", 20), ("SUGAR", 1)]

	arrives(sites, screen, branch, "has done both", changed)


def an_order_whose_items_are_updated(sites: Sites, screen: Screen) -> None:
	screen.chapter("The branch sells: an order, submitted, and Update Items on it")
	office, branch = sites.office, sites.branch
	items = [{"item": "BEANS", "qty": 1, "rate": 480}, {"item": "FILTER", "qty": 2, "rate": 35}]
	# both sites count their orders, and this one keeps its name: it has to be free over there
	order = branch.admin.insert(
		{
			"doctype": ORDER,
			"company": BRANCH,
			"customer": CAFE,
			"items": items,
			"naming_series": "BORD-.YYYY.-",
			"docstatus": 1,
		}
	)
	screen.at(branch.name, f"submits {order['name']} with 2 rows")
	arrives(
		sites,
		screen,
		office,
		"has it, submitted, with the branch's company and its accounts",
		lambda: is_submitted(office.find(ORDER, order["name"])),
	)
	kept = {"docname": order["items"][0]["name"], "item": "BEANS", "qty": 3, "rate": 480}
	branch.admin.method(
		UPDATE_ITEMS, order=order["name"], rows=[kept, {"item": "SUGAR", "qty": 1, "rate": 25}]
	)
	screen.at(branch.name, "Update Items: three of the first, no second, one of sugar; each row by itself")

	def updated() -> bool:
		here = office.find(ORDER, order["name"]) or {"items": []}
		rows = [(row["item"], row["qty"]) for row in here["items"]]
		return rows == [("BEANS", 3), ("SUGAR", 1)] and here["grand_total"] == 1465

	arrives(sites, screen, office, "has rows and total like that", updated)


def sales_go_to_the_head_office(sites: Sites, screen: Screen) -> None:
	screen.chapter("Invoices and payments of the branch: only submitted ones, named by the head office")
	office, branch = sites.office, sites.branch
	items = [{"item": "BEANS", "qty": 5, "rate": 480}, {"item": "FILTER", "qty": 2, "rate": 35}]
	invoice = {"doctype": INVOICE, "company": BRANCH, "customer": CAFE, "tax_rate": 7, "items": items}
	draft = branch.admin.insert(invoice)["name"]
	screen.at(branch.name, f"makes the invoice {draft}, and submits it a moment later")
	time.sleep(1)
	refuse(office.arrived(branch, INVOICE, draft), f"The draft {draft} came, against the condition.")
	screen.seen(office.name, "did not get the draft (condition: doc.docstatus == 1)")
	branch.admin.update(INVOICE, draft, {"docstatus": 1})
	local = arrives(
		sites,
		screen,
		office,
		f"has {draft}, submitted",
		lambda: is_submitted(office.arrived(branch, INVOICE, draft)),
	)
	refuse(local["name"] == draft, f"{draft} has the same name on both sites.")
	screen.seen(
		office.name,
		f"calls it {local['name']}, as it has a {draft} of its own (Remote Document Name: {draft})",
	)
	show_ledger(sites, screen, draft, local["name"])
	pay(sites, screen, draft)
	cancel_and_amend(sites, screen, invoice)


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

	arrives(sites, screen, office, "shows the invoice as paid", paid)


def cancel_and_amend(sites: Sites, screen: Screen, values: dict) -> None:
	office, branch = sites.office, sites.branch
	wrong = branch.admin.insert({**values, "docstatus": 1})["name"]
	screen.at(branch.name, f"submits {wrong}")
	arrives(
		sites,
		screen,
		office,
		"has it",
		lambda: is_submitted(office.arrived(branch, INVOICE, wrong)),
	)
	branch.admin.update(INVOICE, wrong, {"docstatus": 2})
	items = [{"item": "BEANS", "qty": 4, "rate": 480}]
	amended = branch.admin.insert({**values, "items": items, "amended_from": wrong, "docstatus": 1})["name"]
	screen.at(branch.name, f"cancels it, and amends it: {amended}")

	def done() -> tuple[str, str] | None:
		old, new = (office.arrived(branch, INVOICE, name) for name in (wrong, amended))
		right = old and new and old["docstatus"] == 2 and new["amended_from"] == old["name"]
		return (old["name"], new["name"]) if right and new["docstatus"] == 1 else None

	old, new = arrives(sites, screen, office, "has both done", done)
	show_ledger(sites, screen, wrong, old)
	show_ledger(sites, screen, amended, new)


def show_ledger(sites: Sites, screen: Screen, there: str, here: str) -> None:
	"""Line by line, on both sites."""
	lines = ledger_of(sites.branch, there)
	sites.wait_for(f"the ledger lines of {there}", lambda: ledger_of(sites.office, here) == lines)
	debit = sum(line["debit"] for line in lines)
	screen.seen(sites.office.name, f"posted the same {len(lines)} ledger lines, {debit:,.2f} in debit")


def both(sites: Sites, *names: str) -> list[dict] | None:
	found = [sites.branch.arrived(sites.office, RECEIPT, name) for name in names]
	return found if all(found) else None


def in_order(*rows: dict) -> list[dict]:
	"""Rows as they are to stand: Frappe keeps the number that a row has."""
	return [{**row, "idx": number} for number, row in enumerate(rows, start=1)]


def has_rows(doc: dict | None, number: int) -> dict | None:
	return doc if doc and len(doc["item_defaults"]) == number else None


def is_submitted(doc: dict | None) -> dict | None:
	return doc if doc and doc["docstatus"] == 1 else None


def arrives(sites: Sites, screen: Screen, side: Side, what: str, look: Callable):
	"""Waits, and says how long it took from the other site's answer until it was seen."""
	began = time.monotonic()
	seen = sites.wait_for(f"the {side.name} {what}", look)
	screen.seen(side.name, f"{what}, {time.monotonic() - began:.2f} s later")
	return seen


def refuse(wrong: object, message: str) -> None:
	if wrong:
		raise DidNotHappen(message)
