"""Factories for the documents of the test app (tests/apps/streamed_shop), and looking at them.

Functions with a site as their first argument are called by tests; the others run inside a site. A factory gives
the new document's name; what it is not told it makes up, and names are used once only.
"""

import uuid

from documents import read_doc, unique
from logs import sync_logs
from streams import pull

COMPANY, ACCOUNT, COST_CENTER, WAREHOUSE = (
	"Shop Company",
	"Shop Account",
	"Shop Cost Center",
	"Shop Warehouse",
)
ITEM, CUSTOMER, CONTACT, UNIT = "Shop Item", "Shop Customer", "Shop Contact", "Shop Unit"
LEAD, OPPORTUNITY, EMPLOYEE = "Shop Lead", "Shop Opportunity", "Shop Employee"
PROJECT, TASK, SETTINGS = "Shop Project", "Shop Task", "Shop Settings"
QUOTATION, ORDER, INVOICE, PAYMENT = "Shop Quotation", "Shop Order", "Shop Invoice", "Shop Payment"
STOCK_ENTRY, SERIAL_NO, JOURNAL = "Shop Stock Entry", "Shop Serial No", "Shop Journal"
LEDGER, NUISANCE = "Shop Ledger Entry", "Shop Nuisance"
# made by a company's own life cycle
OF_COMPANY = (ACCOUNT, COST_CENTER, WAREHOUSE)
# of documents that are compared: what each site keeps for itself
OWN_FIELDS = {
	"lft",
	"rgt",
	"old_parent",
	"remote_docname",
	"remote_site_name",
	"_user_tags",
	"_comments",
	"_assign",
	"_liked_by",
	"_seen",
	"__last_sync_on",
}
OWN_FIELDS_OF_ROWS = {"owner", "creation", "modified", "modified_by"}


def make(doctype: str, **values) -> str:
	import frappe

	return frappe.get_doc({"doctype": doctype, **values}).insert().name


def make_named(doctype: str, name: str, **values) -> str:
	"""Under a name that the document's naming would not have come to."""
	import frappe

	return frappe.get_doc({"doctype": doctype, **values}).insert(set_name=name).name


def make_submitted(doctype: str, **values) -> str:
	import frappe

	return frappe.get_doc({"doctype": doctype, **values}).insert().submit().name


def make_company(name: str = "", abbr: str = "", **values) -> str:
	"""With its accounts, cost centres and warehouse: they end with " - " and the abbreviation."""
	abbr = abbr or uuid.uuid4().hex[:6].upper()
	return make(COMPANY, company_name=name or f"Company {abbr}", abbr=abbr, **values)


def make_item(**values) -> str:
	code = unique("ITEM")
	return make(ITEM, **{"item_code": code, "item_name": f"Name of {code}", "rate": 10, **values})


def make_customer(**values) -> str:
	return make(CUSTOMER, **{"customer_name": unique("Customer"), "tax_id": "TAX-1", **values})


def make_lead(**values) -> str:
	return make(LEAD, **{"lead_name": unique("Lead"), **values})


def make_opportunity(**values) -> str:
	return make(OPPORTUNITY, **{"title": unique("Opportunity"), **values})


def make_employee(user: str) -> str:
	return make(EMPLOYEE, employee_name=unique("Employee"), user=user)


def make_project(**values) -> str:
	return make(PROJECT, **{"project_name": unique("Project"), **values})


def make_task(project: str | None = None, **values) -> str:
	return make(TASK, **{"subject": unique("Task"), "project": project, **values})


def make_quotation(company: str, **values) -> str:
	return make(QUOTATION, **{"company": company, "customer": make_customer(), "amount": 100, **values})


def make_order(company: str, rows: list | None = None, submit: bool = True, **values) -> str:
	"""`rows` are pairs of quantity and rate, each of an item of its own."""
	items = [{"item": make_item(), "qty": qty, "rate": rate} for qty, rate in rows or [(1, 10), (2, 20)]]
	values = {"company": company, "customer": values.pop("customer", None) or make_customer(), **values}
	return (make_submitted if submit else make)(ORDER, items=items, **values)


def make_invoice(company: str, rows: list | None = None, submit: bool = True, **values) -> str:
	"""`rows` are pairs of quantity and rate, each of an item of its own."""
	items = [{"item": make_item(), "qty": qty, "rate": rate} for qty, rate in rows or [(1, 10), (2, 20)]]
	values = {"company": company, "customer": values.pop("customer", None) or make_customer(), **values}
	return (make_submitted if submit else make)(INVOICE, **{"items": items, **values})


def make_return(invoice: str) -> str:
	"""All of an invoice is taken back."""
	import frappe

	doc = frappe.get_doc(INVOICE, invoice)
	items = [{"item": row.item, "qty": -row.qty, "rate": row.rate} for row in doc.items]
	return make_submitted(
		INVOICE,
		company=doc.company,
		customer=doc.customer,
		naming_series="SRET-.YYYY.-",
		is_return=1,
		return_against=invoice,
		items=items,
	)


def make_payment(invoice: str, amount: float, submit: bool = True) -> str:
	import frappe

	doc = frappe.get_doc(INVOICE, invoice)
	reference = {"reference_doctype": INVOICE, "reference_name": invoice, "allocated_amount": amount}
	return (make_submitted if submit else make)(
		PAYMENT,
		company=doc.company,
		party_type=CUSTOMER,
		party=doc.customer,
		paid_amount=amount,
		references=[reference],
	)


def make_stock_entry(company: str, item: str, number: int = 1, **values) -> str:
	"""One row for each piece; an item with serial numbers gets one for each."""
	import frappe

	warehouse = frappe.db.get_value(COMPANY, company, "default_warehouse")
	items = [{"item": item, "warehouse": warehouse, "qty": 1} for _each in range(number)]
	return make_submitted(STOCK_ENTRY, company=company, items=items, **values)


def make_journal(company: str, rows: int, submit: bool = True) -> str:
	"""`rows` of debit and as many of credit."""
	import frappe

	abbr = frappe.db.get_value(COMPANY, company, "abbr")
	pairs = [
		row
		for number in range(1, rows + 1)
		for row in (
			{"account": f"Bank - {abbr}", "debit": number},
			{"account": f"Sales - {abbr}", "credit": number},
		)
	]
	return (make_submitted if submit else make)(JOURNAL, company=company, rows=pairs)


def make_nuisance(where: str, what: str, submit: bool = False) -> str:
	rows = [{"item": "one"}, {"item": "two"}]
	return (make_submitted if submit else make)(
		NUISANCE, title=unique("Nuisance"), where=where, what=what, rows=rows
	)


def submit(doctype: str, name: str) -> None:
	import frappe

	frappe.get_doc(doctype, name).submit()


def cancel(doctype: str, name: str) -> None:
	import frappe

	frappe.get_doc(doctype, name).cancel()


def amend(doctype: str, name: str, submit: bool = True, **values) -> str:
	"""As the form's Amend does it: a copy that names the cancelled document."""
	import frappe

	doc = frappe.copy_doc(frappe.get_doc(doctype, name))
	doc.update({"amended_from": name, "docstatus": 0, **values})
	doc.insert()
	if submit:
		doc.submit()
	return doc.name


def update_items(order: str, changed: dict, added: list, removed: list) -> None:
	"""Update Items on a submitted order: `changed` is row number -> values, `removed` are row numbers (from 1)."""
	import frappe
	from streamed_shop.streamed_shop.doctype.shop_order.shop_order import update_items

	rows = []
	for row in frappe.get_doc(ORDER, order).items:
		if row.idx not in removed:
			values = {"docname": row.name, "item": row.item, "qty": row.qty, "rate": row.rate}
			rows.append({**values, **(changed.get(str(row.idx)) or changed.get(row.idx) or {})})
	update_items(order, rows + [{"item": make_item(), **each} for each in added])


def set_workflow_state(name: str, action: str) -> None:
	import frappe
	from frappe.model.workflow import apply_workflow

	apply_workflow(frappe.get_doc(QUOTATION, name), action)


def move_to(doctype: str, name: str, **values) -> None:
	"""As if the document had been made or posted at another time: past every controller."""
	import frappe

	frappe.db.set_value(doctype, name, values, update_modified=False)


def ledger_of(voucher: str) -> list[dict]:
	"""The lines of a voucher as they can be compared between sites, in the order of accounts and amounts."""
	import frappe

	fields = ["account", "cost_center", "party", "debit", "credit", "is_cancelled", "posting_date"]
	lines = frappe.get_all(LEDGER, filters={"voucher_no": voucher}, fields=fields, limit=0)
	return sorted(lines, key=lambda line: (line.account, line.debit, line.credit, line.is_cancelled))


def company_on_both(producer, consumer, **values) -> str:
	"""A company of the same name, made on each site by its own set-up."""
	abbr = uuid.uuid4().hex[:6].upper()
	for site in (producer, consumer):
		name = site.run(make_company, abbr=abbr, **values)
	return name


def look(site, doctype: str, name: str) -> dict | None:
	"""A document as it can be compared with the other site's: without what each site keeps for itself."""
	doc = site.run(read_doc, doctype=doctype, name=name)
	return doc and comparable(doc)


def comparable(doc: dict) -> dict:
	seen = {key: value for key, value in doc.items() if key not in OWN_FIELDS}
	for key, value in seen.items():
		if isinstance(value, list):
			seen[key] = [
				{name: cell for name, cell in comparable(row).items() if name not in OWN_FIELDS_OF_ROWS}
				for row in value
			]
	return seen


def same_on_both(producer, consumer, doctype: str, name: str) -> dict:
	"""Fails unless both sites have the document, with the same values in every field and row. Gives it."""
	there, here = look(producer, doctype, name), look(consumer, doctype, name)
	assert there is not None, f"{doctype} {name} is not on the producer"
	assert here is not None, f"{doctype} {name} is not on the consumer"
	leave_out_what_each_decides(consumer, doctype, there, here)
	differences = differences_of(there, here)
	assert not differences, differences
	return here


def leave_out_what_each_decides(site, doctype: str, *documents: dict) -> None:
	"""On a bench with ERPNext its adapter leaves some fields to each site."""
	for fieldname in site.run("event_streaming.adapters.doctypes.fields_decided_here", doctype=doctype):
		for doc in documents:
			doc.pop(fieldname, None)


def differences_of(there: dict, here: dict) -> list[str]:
	"""One line for each field, also of rows."""
	found = []
	for key in sorted(there.keys() | here.keys()):
		old, new = there.get(key), here.get(key)
		if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
			for number, (row, other) in enumerate(zip(old, new, strict=True), start=1):
				found += [f"{key} {number}, {line}" for line in differences_of(row, other)]
		elif old != new:
			found.append(f"{key}: {old!r} on the producer, {new!r} on the consumer")
	return found


def same_ledger(producer, consumer, voucher: str) -> list[dict]:
	there, here = (site.run(ledger_of, voucher=voucher) for site in (producer, consumer))
	assert there, f"{voucher} has posted nothing"
	assert here == there, f"on the producer {there}, on the consumer {here}"
	return here


def same_but_stamps(producer, consumer, doctype: str, name: str) -> dict:
	"""For what both sites have made by themselves: who made it and when may differ, nothing else."""
	there, here = ({**(look(site, doctype, name) or {})} for site in (producer, consumer))
	for doc in (there, here):
		for stamp in OWN_FIELDS_OF_ROWS:
			doc.pop(stamp, None)
	assert here, f"{doctype} {name} is not on the consumer"
	leave_out_what_each_decides(consumer, doctype, there, here)
	differences = differences_of(there, here)
	assert not differences, differences
	return here


def take(consumer, producer) -> dict:
	"""A pull after which no event may stand as failed or waiting."""
	summary = pull(consumer, producer)
	unsettled = [
		(log["status"], log["ref_doctype"], log["producer_doc"], log["error"])
		for log in sync_logs(consumer)
		if log["status"] != "Synced"
	]
	assert not unsettled, unsettled
	return summary


def copy_now(event_producer: str, filters: dict) -> dict:
	"""A first copy to its end, here and now, as the command does it."""
	import json

	import frappe

	from event_streaming.consumer.first_copy import copying
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task

	name = copying.begin(event_producer, list(filters), filters).name
	frappe.db.commit()
	while (done := run_slice(name)).more:
		pass
	return json.loads(json.dumps({**task.as_progress(done.task), "report": done.task.report}, default=str))


def copy_all(consumer, producer, filters: dict) -> dict:
	"""A first copy in which every document has to arrive. `filters` are by DocType: other tests' documents stay out."""
	done = consumer.run(copy_now, event_producer=producer.url, filters=filters)
	assert (done["status"], done["failed"]) == ("Done", 0), (done["message"], done["report"])
	return done
