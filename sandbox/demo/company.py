"""The shop of the demo: a head office and a branch, what they keep, and what each subscribes to.

All of it is made of the test app's DocTypes (tests/apps/streamed_shop), whose controllers do what real business
documents do. The head office keeps the masters; the branch sells. What the head office orders for the branch, the
branch expects as a goods receipt. Everything is made over REST, as a user of the site would.
"""

from sandbox.sites.rest import RestClient

SUBSCRIBER = "stream@example.com"
COMPANY, ITEM, CUSTOMER, CONTACT, UNIT = (
	"Shop Company",
	"Shop Item",
	"Shop Customer",
	"Shop Contact",
	"Shop Unit",
)
ORDER, INVOICE, PAYMENT, RECEIPT = "Shop Order", "Shop Invoice", "Shop Payment", "Shop Goods Receipt"
LEDGER = "Shop Ledger Entry"
# made by a company's own life cycle
OF_COMPANY = ("Shop Account", "Shop Cost Center", "Shop Warehouse")
HEAD_OFFICE, BRANCH = "Head Office Ltd", "Branch Ltd"
CAFE, OLD_FRIEND = "Doi Suthep Café", "Old Friend"
ORDER_TO_RECEIPT, ITEM_TO_LINE = "Order to Goods Receipt", "Ordered Item to Received Product"

# local field -> the head office's field; the second dict is what the branch fills in itself
PRODUCT_FIELDS = {"product": "item", "quantity": "qty"}
PRODUCT_DEFAULTS = {"shelf": "Incoming"}
RECEIPT_DEFAULTS = {"company": BRANCH}

MAPPINGS = [
	{
		"doctype": "Document Type Mapping",
		"mapping_name": ITEM_TO_LINE,
		"local_doctype": "Shop Goods Receipt Line",
		"remote_doctype": "Shop Order Item",
		"field_mapping": [
			*({"local_fieldname": here, "remote_fieldname": there} for here, there in PRODUCT_FIELDS.items()),
			*({"local_fieldname": here, "default_value": value} for here, value in PRODUCT_DEFAULTS.items()),
		],
	},
	{
		"doctype": "Document Type Mapping",
		"mapping_name": ORDER_TO_RECEIPT,
		"local_doctype": RECEIPT,
		"remote_doctype": ORDER,
		"field_mapping": [
			*({"local_fieldname": here, "default_value": value} for here, value in RECEIPT_DEFAULTS.items()),
			{
				"local_fieldname": "products",
				"remote_fieldname": "items",
				"mapping_type": "Child Table",
				"mapping": ITEM_TO_LINE,
			},
		],
	},
]

OF_THE_BRANCH = [
	{"ref_doctype": UNIT, "use_same_name": 1, "match_by": "name", "copy_existing": 1},
	{"ref_doctype": ITEM, "use_same_name": 1, "copy_existing": 1, "conflict_policy": "Ask"},
	{"ref_doctype": CUSTOMER, "use_same_name": 1, "copy_existing": 1},
	{"ref_doctype": CONTACT, "use_same_name": 1},
	{
		"ref_doctype": RECEIPT,
		"use_same_name": 0,
		"has_mapping": 1,
		"mapping": ORDER_TO_RECEIPT,
		"condition": f"doc.customer == '{BRANCH}'",
	},
]
OF_THE_HEAD_OFFICE = [
	{"ref_doctype": ORDER, "use_same_name": 1},
	{"ref_doctype": INVOICE, "use_same_name": 0, "condition": "doc.docstatus == 1"},
	{"ref_doctype": PAYMENT, "use_same_name": 0, "condition": "doc.docstatus == 1"},
]

OFFICE_HAS = [
	{"doctype": COMPANY, "company_name": HEAD_OFFICE, "abbr": "HO"},
	{"doctype": CUSTOMER, "customer_name": BRANCH},
	{"doctype": CUSTOMER, "customer_name": OLD_FRIEND},
	{"doctype": ITEM, "item_code": "BEANS", "item_name": "Coffee beans", "unit": "Kg", "rate": 480},
	{"doctype": ITEM, "item_code": "FILTER", "item_name": "Filter paper", "unit": "Box", "rate": 35},
	{
		"doctype": INVOICE,
		"company": HEAD_OFFICE,
		"customer": OLD_FRIEND,
		"items": [{"item": "BEANS", "qty": 1, "rate": 480}],
		"docstatus": 1,
	},
]
BRANCH_HAS = [
	{"doctype": COMPANY, "company_name": BRANCH, "abbr": "BR"},
	{"doctype": CUSTOMER, "customer_name": "Walk-in"},
	{"doctype": ITEM, "item_code": "CUP", "item_name": "A cup of coffee", "unit": "Nos", "rate": 60},
]


def make_all(site: RestClient, *groups: list[dict]) -> list[str]:
	"""Makes documents over REST, one after the other; gives their names."""
	return [site.insert(dict(doc))["name"] for group in groups for doc in group]


def make_subscriber(site: RestClient) -> RestClient:
	"""The user of the subscription, with API keys; gives a client that calls as that user."""
	site.insert(
		{
			"doctype": "User",
			"email": SUBSCRIBER,
			"first_name": "Stream",
			"send_welcome_email": 0,
			"roles": [{"role": "System Manager"}],
		}
	)
	secret = site.method("frappe.core.doctype.user.user.generate_keys", user=SUBSCRIBER)["api_secret"]
	return RestClient(site.url, site.get_doc("User", SUBSCRIBER)["api_key"], secret)


def subscribe(site: RestClient, other_as_subscriber: RestClient, rows: list[dict]) -> None:
	"""A site's administrator makes the Event Producer."""
	site.insert(
		{
			"doctype": "Event Producer",
			"producer_url": other_as_subscriber.url,
			"api_key": other_as_subscriber.api_key,
			"api_secret": other_as_subscriber.api_secret,
			"user": SUBSCRIBER,
			"producer_doctypes": rows,
		}
	)


def approve(site: RestClient, consumer_url: str) -> list[str]:
	"""The other site's administrator approves everything; gives the DocTypes."""
	rows = site.get_doc("Event Consumer", consumer_url)["consumer_doctypes"]
	rows = [{**row, "status": "Approved"} for row in rows]
	site.update("Event Consumer", consumer_url, {"consumer_doctypes": rows})
	return [row["ref_doctype"] for row in rows]
