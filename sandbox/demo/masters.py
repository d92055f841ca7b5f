"""Chapters: the two sites agree on what is streamed, and masters come from the head office."""

from sandbox.demo.company import (
	BRANCH,
	CAFE,
	CONTACT,
	CUSTOMER,
	HEAD_OFFICE,
	ITEM,
	OF_COMPANY,
	OF_THE_BRANCH,
	OF_THE_HEAD_OFFICE,
	OLD_FRIEND,
	SUBSCRIBER,
	UNIT,
	approve,
	subscribe,
)
from sandbox.demo.screen import Screen
from sandbox.demo.sites import Side, Sites
from sandbox.demo.steps import arrives, refuse

PRICE_LIST = "Sugar, white, 1 kg: 25.00\n"


def hand_shake(sites: Sites, screen: Screen) -> None:
	screen.chapter("Both sites agree: the branch subscribes to masters, the head office to sales")
	screen.note(
		f"The same user, {SUBSCRIBER}, has API keys on both sites. Nothing flows before it is approved."
	)
	office, branch = sites.office, sites.branch
	for taker, giver, rows in ((branch, office, OF_THE_BRANCH), (office, branch, OF_THE_HEAD_OFFICE)):
		subscribe(taker.admin, giver.subscriber, rows)
		screen.at(
			taker.name, f"saves an Event Producer: the address of the {giver.name}, {len(rows)} DocTypes"
		)
		asked = giver.admin.get_doc("Event Consumer", taker.url)["consumer_doctypes"]
		refuse(any(row["status"] != "Pending" for row in asked), "Approved without anybody's doing.")
		screen.seen(giver.name, f"has an Event Consumer, all Pending: {in_words(asked)}")
		approve(giver.admin, taker.url)
		screen.at(giver.name, "approves them all")

		def approved(taker: Side = taker, giver: Side = giver) -> bool:
			rows = taker.admin.get_doc("Event Producer", giver.url)["producer_doctypes"]
			return all(row["status"] == "Approved" for row in rows)

		arrives(sites, screen, taker, "shows them as Approved", approved)


def in_words(rows: list[dict]) -> str:
	return ", ".join(row["ref_doctype"] for row in rows)


def first_copy(sites: Sites, screen: Screen) -> None:
	screen.chapter("The first copy: what the head office had before comes over")
	screen.note(
		"Both sites made the same units of measure when they were set up. Match By says: same name, same unit."
	)
	office, branch = sites.office, sites.branch
	before = len(branch.admin.list(UNIT))

	def copied() -> bool:
		tasks = branch.admin.list("Event Streaming Task", fields=["kind", "status"])
		return bool(tasks) and all(task["status"] == "Done" for task in tasks)

	arrives(sites, screen, branch, "has made its first copy (Copy Existing Documents)", copied)
	(matched,) = branch.admin.method("event_streaming.api.match", event_producer=office.url, doctypes=[UNIT])
	linked, units = matched["counts"]["linked"], len(branch.admin.list(UNIT))
	refuse(not linked == units == before, f"{units} units, {linked} of them linked, {before} before.")
	screen.seen(
		branch.name, f"has {units} units as before, none twice: all {linked} are linked to the head office's"
	)
	for doctype, names in ((ITEM, ("BEANS", "FILTER")), (CUSTOMER, (BRANCH, OLD_FRIEND))):
		refuse(not all(branch.find(doctype, name) for name in names), f"{doctype}: not all was copied.")
		screen.seen(branch.name, f"{doctype}: has {' and '.join(names)}, made before anybody subscribed")


def new_customer(sites: Sites, screen: Screen) -> None:
	screen.chapter("A new customer brings a company with its chart of accounts")
	screen.note(f"{CAFE} has a credit limit with {HEAD_OFFICE}, a company that the branch has never seen.")
	office, branch = sites.office, sites.branch
	office.admin.insert(
		{
			"doctype": CUSTOMER,
			"customer_name": CAFE,
			"tax_id": "0105551234567",
			"mobile_no": "0812345678",
			"credit_limits": [{"company": HEAD_OFFICE, "amount": 50000}],
		}
	)
	screen.at(office.name, f"makes {CAFE}; the customer's own code makes a contact and links it back")
	customer = arrives(sites, screen, branch, f"has {CAFE}", lambda: branch.find(CUSTOMER, CAFE))
	arrives(sites, screen, branch, "has the contact", lambda: branch.find(CONTACT, customer["contact"]))
	contacts = [doc["name"] for doc in branch.admin.list(CONTACT)]
	refuse(contacts != [customer["contact"]], f"The branch has the contacts {contacts}.")
	screen.seen(
		branch.name, "has it once: its own code made one too, and the one that came is the same document"
	)
	for doctype in OF_COMPANY:
		names = [
			sorted(doc["name"] for doc in side.admin.list(doctype, filters={"company": HEAD_OFFICE}))
			for side in (office, branch)
		]
		refuse(not names[0] or names[0] != names[1], f"{doctype}: {names[0]} and {names[1]}.")
		screen.seen(
			branch.name, f"{doctype} of {HEAD_OFFICE}: the same {len(names[0])} as at the head office"
		)
	screen.note("Nobody subscribed to companies: what a document needs comes with it, to any depth.")


def one_item(sites: Sites, screen: Screen) -> None:
	screen.chapter("An item with rows and an attached file; another one made, changed and deleted")
	office, branch = sites.office, sites.branch
	defaults = [{"company": HEAD_OFFICE, "income_account": "Sales - HO", "warehouse": "Stores - HO"}]
	sugar = {"doctype": ITEM, "item_code": "SUGAR", "item_name": "Sugar", "unit": "Kg", "rate": 25}
	office.admin.insert({**sugar, "item_defaults": defaults})
	screen.at(office.name, "makes SUGAR with its defaults for the company")
	arrives(sites, screen, branch, "has SUGAR with its row", lambda: has_rows(branch.find(ITEM, "SUGAR"), 1))
	attach(sites, screen)
	office.admin.insert({"doctype": ITEM, "item_code": "MILK", "item_name": "Milk", "unit": "Litre"})
	screen.at(office.name, "makes MILK")
	arrives(sites, screen, branch, "has MILK", lambda: branch.find(ITEM, "MILK"))
	office.admin.update(ITEM, "MILK", {"item_name": "Fresh milk", "rate": 52})
	screen.at(office.name, "changes its name and its price; only these two fields go over")

	def changed() -> bool:
		doc = branch.find(ITEM, "MILK") or {}
		return (doc.get("item_name"), doc.get("rate")) == ("Fresh milk", 52)

	arrives(sites, screen, branch, "has both", changed)
	office.admin.delete(ITEM, "MILK")
	screen.at(office.name, "deletes MILK")
	arrives(sites, screen, branch, "no longer has it", lambda: branch.find(ITEM, "MILK") is None)


def attach(sites: Sites, screen: Screen) -> None:
	office, branch = sites.office, sites.branch
	place = {"attached_to_doctype": ITEM, "attached_to_name": "SUGAR"}
	file = {"doctype": "File", "file_name": "sugar-prices.txt", "is_private": 1, "content": PRICE_LIST}
	there = office.admin.insert({**file, **place})
	screen.at(office.name, f"attaches a private file to it: {there['file_name']}")

	def attached() -> dict | None:
		fields = ["file_name", "is_private", "content_hash"]
		found = branch.admin.list("File", fields=fields, filters=place)
		return found[0] if found else None

	here = arrives(sites, screen, branch, "has the file", attached)
	refuse(here != {key: there[key] for key in here}, f"The file came as {here}.")
	screen.seen(branch.name, "private as well, with the same content (its hash is the same)")


def has_rows(doc: dict | None, number: int) -> dict | None:
	return doc if doc and len(doc["item_defaults"]) == number else None
