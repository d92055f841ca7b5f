"""What happens between the head office and the branch, step by step. Everything is done over REST.

Documents are made at the head office and looked for at the branch; nothing here makes the branch pull. They
come because the head office's job notifies the branch, whose job then pulls.
"""

import time

from sandbox.demo.company import (
	CUSTOMER,
	DELIVERY,
	INVOICE,
	ITEM,
	RECEIPT,
	SUBSCRIBER,
	TERRITORY,
	approve,
	subscribe,
)
from sandbox.demo.screen import Screen
from sandbox.demo.sites import DidNotHappen, Sites

THERE, HERE = "head office", "branch"


def tell(sites: Sites, screen: Screen) -> None:
	"""All chapters of the story, in their order."""
	hand_shake(sites, screen)
	an_item_comes_changes_and_goes(sites, screen)
	an_invoice_brings_what_it_needs(sites, screen)
	a_delivery_note_becomes_a_goods_receipt(sites, screen)


def hand_shake(sites: Sites, screen: Screen) -> None:
	screen.chapter("The branch subscribes, the head office approves")
	screen.note(f"{SUBSCRIBER} is a System Manager with API keys on both sites.")
	subscribe(sites.branch, sites.office_subscriber)
	screen.at(HERE, f"saves an Event Producer for {sites.office.url}")
	rows = sites.office.get_doc("Event Consumer", sites.branch.url)["consumer_doctypes"]
	screen.seen(THERE, f"has an Event Consumer: {in_words(rows)}")
	approve(sites.office, sites.branch.url)
	screen.at(THERE, "approves all three")

	def approved() -> list[dict] | None:
		rows = sites.branch.get_doc("Event Producer", sites.office.url)["producer_doctypes"]
		return rows if all(row["status"] == "Approved" for row in rows) else None

	rows = sites.wait_for("the approval on the branch's Event Producer", approved)
	screen.seen(HERE, f"shows {in_words(rows)}")


def in_words(rows: list[dict]) -> str:
	return ", ".join(f"{row['ref_doctype']} {row['status']}" for row in rows)


def an_item_comes_changes_and_goes(sites: Sites, screen: Screen) -> None:
	screen.chapter("An item with a table of prices: made, changed, deleted")
	item = {
		"item_code": "MILK",
		"item_name": "Milk",
		"prices": [{"unit": "l", "price": 48}, {"unit": "box", "price": 540}],
	}
	made = sites.office.insert({"doctype": ITEM, **item})
	screen.at(THERE, "makes the Item MILK with 2 rows")
	arrives(sites, screen, "has MILK", lambda: has_rows(sites.at_the_branch(ITEM, "MILK"), 2))

	litre, _box = made["prices"]
	prices = in_order({"unit": "can", "price": 65}, {**litre, "price": 52})
	sites.office.update(ITEM, "MILK", {"item_name": "Fresh milk", "prices": prices})
	screen.at(THERE, "renames the product, changes one price, removes one, puts a new one first")

	def changed() -> bool:
		doc = sites.at_the_branch(ITEM, "MILK")
		seen = doc and [(row["unit"], row["price"]) for row in doc["prices"]]
		return bool(doc) and doc["item_name"] == "Fresh milk" and seen == [("can", 65), ("l", 52)]

	arrives(sites, screen, "has name and rows like that, in this order", changed)
	sites.office.delete(ITEM, "MILK")
	screen.at(THERE, "deletes MILK")
	arrives(sites, screen, "no longer has it", lambda: sites.at_the_branch(ITEM, "MILK") is None)


def an_invoice_brings_what_it_needs(sites: Sites, screen: Screen) -> None:
	screen.chapter("Sales invoices: only submitted ones, named by the branch, with all that they link to")
	draft = sites.office.insert(
		{
			"doctype": INVOICE,
			"customer": "Doi Suthep Café",
			"posting_date": "2026-01-15",
			"total": 2470,
			"items": [
				{"item": "BEANS", "qty": 5, "rate": 480},
				{"item": "FILTER", "qty": 2, "rate": 35, "gift": 1},
			],
		}
	)["name"]
	screen.at(
		THERE, f"makes the invoice {draft} for a customer, with two items; the branch has none of the three"
	)
	sites.office.insert({"doctype": ITEM, "item_code": "SUGAR", "item_name": "Sugar"})
	sites.wait_for("the Item that was made after the draft", lambda: sites.at_the_branch(ITEM, "SUGAR"))
	refuse(sites.arrived(INVOICE, draft), f"The draft {draft} came to the branch, against the condition.")
	screen.seen(HERE, "got an item that was made later, but not the draft (condition: doc.docstatus == 1)")

	sites.office.update(INVOICE, draft, {"docstatus": 1})
	screen.at(THERE, f"submits {draft}")
	local = arrives(
		sites, screen, f"has {draft}, submitted", lambda: is_submitted(sites.arrived(INVOICE, draft))
	)
	refuse(local["name"] == draft, f"{draft} has the same name on both sites.")
	screen.seen(
		HERE,
		f"calls it {local['name']}, as it has an invoice {draft} of its own (Remote Document Name: {draft})",
	)
	needed = [(TERRITORY, "Chiang Mai"), (CUSTOMER, "Doi Suthep Café"), (ITEM, "BEANS"), (ITEM, "FILTER")]
	missing = [name for doctype, name in needed if not sites.at_the_branch(doctype, name)]
	refuse(missing, f"The invoice came without {', '.join(missing)}.")
	screen.seen(HERE, "has its customer, the customer's territory and both items: they came along, unasked")

	sites.office.update(INVOICE, draft, {"remarks": "Paid in cash"})
	screen.at(THERE, "adds a remark to the submitted invoice")
	arrives(
		sites,
		screen,
		"has it",
		lambda: (sites.arrived(INVOICE, draft) or {}).get("remarks") == "Paid in cash",
	)


def a_delivery_note_becomes_a_goods_receipt(sites: Sites, screen: Screen) -> None:
	screen.chapter(
		"A delivery note of the head office is a goods receipt at the branch (mapping, with its rows)"
	)
	rows = [{"item": "BEANS", "qty": 20, "cost": 300}, {"item": "FILTER", "qty": 5, "cost": 20}]
	note = {"doctype": DELIVERY, "carrier": "Somchai", "ship_date": "2026-01-16", "cost_center": "HO-7"}
	first = sites.office.insert({**note, "items": rows})
	second = sites.office.insert({**note, "carrier": "Malee", "items": rows[:1]})
	screen.at(THERE, f"makes the delivery notes {first['name']} (2 rows) and {second['name']} (1 row)")
	receipt = arrives(
		sites, screen, "has two goods receipts", lambda: both(sites, first["name"], second["name"])
	)[0]
	line = receipt["products"][0]
	screen.seen(
		HERE,
		f"{receipt['name']}: carrier → brought by {receipt['brought_by']}, item → product {line['product']}, "
		f"shelf {line['shelf']} (default); no cost",
	)
	rows = in_order(
		{**first["items"][1], "qty": 6}, first["items"][0], {"item": "SUGAR", "qty": 1, "cost": 25}
	)
	sites.office.update(DELIVERY, first["name"], {"carrier": "Somsri", "items": rows})
	sites.office.delete(DELIVERY, second["name"])
	screen.at(THERE, f"changes {first['name']} and the order of its rows, and deletes {second['name']}")

	def changed() -> bool:
		here = sites.arrived(RECEIPT, first["name"]) or {"brought_by": "", "products": []}
		seen = [(row["product"], row["quantity"]) for row in here["products"]]
		gone = sites.arrived(RECEIPT, second["name"]) is None
		return (
			gone and here["brought_by"] == "Somsri" and seen == [("FILTER", 6), ("BEANS", 20), ("SUGAR", 1)]
		)

	arrives(sites, screen, "has done both", changed)


def both(sites: Sites, *names: str) -> list[dict] | None:
	found = [sites.arrived(RECEIPT, name) for name in names]
	return found if all(found) else None


def in_order(*rows: dict) -> list[dict]:
	"""Rows as they are to stand: Frappe keeps the number that a row has."""
	return [{**row, "idx": number} for number, row in enumerate(rows, start=1)]


def has_rows(doc: dict | None, number: int) -> dict | None:
	return doc if doc and len(doc["prices"]) == number else None


def is_submitted(doc: dict | None) -> dict | None:
	return doc if doc and doc["docstatus"] == 1 else None


def arrives(sites: Sites, screen: Screen, what: str, look):
	"""Waits, and says how long it took from the head office's answer until it was seen."""
	began = time.monotonic()
	seen = sites.wait_for(f"the branch {what}", look)
	screen.seen(HERE, f"{what}, {time.monotonic() - began:.2f} s later")
	return seen


def refuse(wrong: object, message: str) -> None:
	if wrong:
		raise DidNotHappen(message)
