"""Chapters: orders of the head office become goods receipts of the branch, and a submitted order's items change."""

from sandbox.demo.company import BRANCH, CAFE, HEAD_OFFICE, ORDER, RECEIPT
from sandbox.demo.screen import Screen
from sandbox.demo.sites import Sites
from sandbox.demo.steps import arrives, is_submitted

UPDATE_ITEMS = "streamed_shop.streamed_shop.doctype.shop_order.shop_order.update_items"


def order_becomes_goods_receipt(sites: Sites, screen: Screen) -> None:
	screen.chapter(
		"Mapping: what the head office orders for the branch, the branch expects as a Goods Receipt"
	)
	screen.note(
		"Another DocType, other field names, rows too. The branch gives its own names and its own defaults."
	)
	office, branch = sites.office, sites.branch
	order = {"doctype": ORDER, "company": HEAD_OFFICE, "customer": BRANCH}
	rows = [{"item": "BEANS", "qty": 20, "rate": 300}, {"item": "FILTER", "qty": 5, "rate": 20}]
	first = office.admin.insert({**order, "items": rows})
	second = office.admin.insert({**order, "items": rows[:1]})
	screen.at(office.name, f"makes the orders {first['name']} (2 rows) and {second['name']} (1 row)")
	receipts = arrives(
		sites, screen, branch, "has two goods receipts", lambda: both(sites, first["name"], second["name"])
	)
	line = receipts[0]["products"][0]
	screen.seen(
		branch.name,
		f"{receipts[0]['name']}: item → product {line['product']}, qty → quantity {line['quantity']:g}, "
		f"shelf {line['shelf']} by default; prices are not mapped, and stay at home",
	)
	rows = in_order(
		{**first["items"][1], "qty": 6}, first["items"][0], {"item": "SUGAR", "qty": 1, "rate": 25}
	)
	office.admin.update(ORDER, first["name"], {"items": rows})
	office.admin.delete(ORDER, second["name"])
	screen.at(
		office.name,
		f"swaps the rows of {first['name']}, changes one and adds one; deletes {second['name']}",
	)

	def changed() -> bool:
		here = branch.arrived(office, RECEIPT, first["name"]) or {"products": []}
		seen = [(row["product"], row["quantity"]) for row in here["products"]]
		gone = branch.arrived(office, RECEIPT, second["name"]) is None
		return gone and seen == [("FILTER", 6), ("BEANS", 20), ("SUGAR", 1)]

	arrives(sites, screen, branch, "has the three rows in that order, and one receipt less", changed)


def both(sites: Sites, *names: str) -> list[dict] | None:
	found = [sites.branch.arrived(sites.office, RECEIPT, name) for name in names]
	return found if all(found) else None


def in_order(*rows: dict) -> list[dict]:
	"""Rows as they are to stand: Frappe keeps the number that a row has."""
	return [{**row, "idx": number} for number, row in enumerate(rows, start=1)]


def updated_order(sites: Sites, screen: Screen) -> None:
	screen.chapter("Update Items: a submitted order whose rows are saved, added and deleted one by one")
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
		f"has it, submitted, and {BRANCH} with its accounts before it",
		lambda: is_submitted(office.find(ORDER, order["name"])),
	)
	kept = {"docname": order["items"][0]["name"], "item": "BEANS", "qty": 3, "rate": 480}
	branch.admin.method(
		UPDATE_ITEMS, order=order["name"], rows=[kept, {"item": "SUGAR", "qty": 1, "rate": 25}]
	)
	screen.at(
		branch.name,
		"presses Update Items: 3 kg of beans, no filters, 1 kg of sugar; the order stays submitted",
	)

	def updated() -> bool:
		here = office.find(ORDER, order["name"]) or {"items": []}
		rows = [(row["item"], row["qty"]) for row in here["items"]]
		return rows == [("BEANS", 3), ("SUGAR", 1)] and here["grand_total"] == 1465

	arrives(sites, screen, office, "has these rows and the new total of 1,465.00", updated)
