"""The company of the demo: a head office and a branch, what they keep, and what the branch subscribes to.

Both have territories, customers, items and sales invoices. What the head office writes as a delivery note is a
goods receipt for the branch. All of them are custom DocTypes, made over REST as an administrator would.
"""

from sandbox.sites.rest import RestClient

SUBSCRIBER = "stream@example.com"
TERRITORY, CUSTOMER, ITEM, INVOICE = "Territory", "Customer", "Item", "Sales Invoice"
DELIVERY, RECEIPT = "Delivery Note", "Goods Receipt"
DELIVERY_TO_RECEIPT, ROW_TO_LINE = "Delivery Note to Goods Receipt", "Delivered Item to Received Product"


def field(label: str, fieldtype: str = "Data", options: str = "", **values) -> dict:
	fieldname = label.lower().replace(" ", "_")
	return {"label": label, "fieldname": fieldname, "fieldtype": fieldtype, "options": options, **values}


def listed(label: str, fieldtype: str = "Data", options: str = "", **values) -> dict:
	"""A field that is shown in lists and tables too."""
	return field(label, fieldtype, options, in_list_view=1, **values)


def doctype(name: str, fields: list[dict], **values) -> dict:
	rights = ["read", "write", "create", "delete", "report", "export"]
	if values.get("is_submittable"):
		rights += ["submit", "cancel", "amend"]
	permissions = [{"role": "System Manager", **dict.fromkeys(rights, 1)}]
	return {
		"doctype": "DocType",
		"name": name,
		"module": "Core",
		"custom": 1,
		"fields": fields,
		"permissions": [] if values.get("istable") else permissions,
		**values,
	}


ON_BOTH = [
	doctype(TERRITORY, [field("Territory Name", reqd=1)], autoname="field:territory_name"),
	doctype(
		CUSTOMER,
		[
			field("Customer Name", reqd=1),
			listed("Territory", "Link", TERRITORY),
			field("Credit Limit", "Currency"),
		],
		autoname="field:customer_name",
	),
	doctype("Item Price", [listed("Unit"), listed("Price", "Currency")], istable=1),
	doctype(
		ITEM,
		[field("Item Code", reqd=1), listed("Item Name"), field("Prices", "Table", "Item Price")],
		autoname="field:item_code",
	),
	doctype(
		"Sales Invoice Item",
		[
			listed("Item", "Link", ITEM),
			listed("Qty", "Float"),
			listed("Rate", "Currency"),
			listed("Gift", "Check"),
		],
		istable=1,
	),
	doctype(
		INVOICE,
		[
			listed("Customer", "Link", CUSTOMER, reqd=1),
			listed("Posting Date", "Date"),
			listed("Total", "Currency"),
			field("Items", "Table", "Sales Invoice Item"),
			field("Remarks", "Small Text", allow_on_submit=1),
		],
		# both sites count for themselves: the names say nothing about who made an invoice
		autoname="INV-.#####",
		is_submittable=1,
	),
]
AT_THE_OFFICE = [
	doctype(
		"Delivery Note Item",
		[listed("Item", "Link", ITEM), listed("Qty", "Float"), listed("Cost", "Currency")],
		istable=1,
	),
	doctype(
		DELIVERY,
		[
			listed("Carrier"),
			listed("Ship Date", "Date"),
			field("Cost Center"),
			field("Items", "Table", "Delivery Note Item"),
		],
		autoname="DN-.#####",
	),
]
AT_THE_BRANCH = [
	doctype(
		"Goods Receipt Product",
		[listed("Product"), listed("Quantity", "Float"), listed("Shelf")],
		istable=1,
	),
	doctype(
		RECEIPT,
		[
			listed("Brought By"),
			listed("Sent On", "Date"),
			field("Sender"),
			field("Products", "Table", "Goods Receipt Product"),
		],
		autoname="GR-.#####",
	),
]

# local field -> the head office's field; the second dict is what the branch fills in itself
RECEIPT_FIELDS = {"brought_by": "carrier", "sent_on": "ship_date"}
RECEIPT_DEFAULTS = {"sender": "Head Office"}
PRODUCT_FIELDS = {"product": "item", "quantity": "qty"}
PRODUCT_DEFAULTS = {"shelf": "Incoming"}

MAPPINGS = [
	{
		"doctype": "Document Type Mapping",
		"mapping_name": ROW_TO_LINE,
		"local_doctype": "Goods Receipt Product",
		"remote_doctype": "Delivery Note Item",
		"field_mapping": [
			*({"local_fieldname": here, "remote_fieldname": there} for here, there in PRODUCT_FIELDS.items()),
			*({"local_fieldname": here, "default_value": value} for here, value in PRODUCT_DEFAULTS.items()),
		],
	},
	{
		"doctype": "Document Type Mapping",
		"mapping_name": DELIVERY_TO_RECEIPT,
		"local_doctype": RECEIPT,
		"remote_doctype": DELIVERY,
		"field_mapping": [
			*({"local_fieldname": here, "remote_fieldname": there} for here, there in RECEIPT_FIELDS.items()),
			*({"local_fieldname": here, "default_value": value} for here, value in RECEIPT_DEFAULTS.items()),
			{
				"local_fieldname": "products",
				"remote_fieldname": "items",
				"mapping_type": "Child Table",
				"mapping": ROW_TO_LINE,
			},
		],
	},
]

SUBSCRIPTIONS = [
	{"ref_doctype": ITEM, "use_same_name": 1},
	{"ref_doctype": INVOICE, "use_same_name": 0, "condition": "doc.docstatus == 1"},
	{"ref_doctype": RECEIPT, "use_same_name": 0, "has_mapping": 1, "mapping": DELIVERY_TO_RECEIPT},
]

OFFICE_HAS = [
	{"doctype": TERRITORY, "territory_name": "Chiang Mai"},
	{
		"doctype": CUSTOMER,
		"customer_name": "Doi Suthep Café",
		"territory": "Chiang Mai",
		"credit_limit": 50000,
	},
	{"doctype": CUSTOMER, "customer_name": "Never Bought Anything", "territory": "Chiang Mai"},
	{
		"doctype": ITEM,
		"item_code": "BEANS",
		"item_name": "Coffee beans",
		"prices": [{"unit": "kg", "price": 480}],
	},
	{
		"doctype": ITEM,
		"item_code": "FILTER",
		"item_name": "Filter paper",
		"prices": [{"unit": "box", "price": 35}],
	},
]
BRANCH_HAS = [
	{"doctype": CUSTOMER, "customer_name": "Walk-in"},
	{"doctype": ITEM, "item_code": "CUP", "item_name": "A cup of coffee"},
	{
		"doctype": INVOICE,
		"customer": "Walk-in",
		"total": 60,
		"items": [{"item": "CUP", "qty": 1, "rate": 60}],
	},
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


def subscribe(branch: RestClient, office_as_subscriber: RestClient) -> None:
	"""The branch's administrator makes the Event Producer."""
	branch.insert(
		{
			"doctype": "Event Producer",
			"producer_url": office_as_subscriber.url,
			"api_key": office_as_subscriber.api_key,
			"api_secret": office_as_subscriber.api_secret,
			"user": SUBSCRIBER,
			"producer_doctypes": SUBSCRIPTIONS,
		}
	)


def approve(office: RestClient, branch_url: str) -> list[str]:
	"""The head office's administrator approves everything; gives the DocTypes."""
	rows = office.get_doc("Event Consumer", branch_url)["consumer_doctypes"]
	rows = [{**row, "status": "Approved"} for row in rows]
	office.update("Event Consumer", branch_url, {"consumer_doctypes": rows})
	return [row["ref_doctype"] for row in rows]
