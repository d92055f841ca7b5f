"""First copies of real documents: cancelled ones, many of them, and quietly."""

import pytest
from documents import change, read_doc, read_rows, unique
from logs import sync_logs
from shop import (
	CONTACT,
	CUSTOMER,
	INVOICE,
	ITEM,
	JOURNAL,
	LEAD,
	ORDER,
	PAYMENT,
	amend,
	cancel,
	company_on_both,
	copy_all,
	ledger_of,
	make_customer,
	make_invoice,
	make_journal,
	make_lead,
	make_order,
	make_payment,
	make_return,
	same_but_stamps,
	same_ledger,
	same_on_both,
	take,
)
from streams import pull, subscribe

NOTIFICATION = "A customer is new"
MANY = 60
TOO_MANY_ROWS = 20_001


@pytest.fixture
def company(producer, consumer) -> str:
	return company_on_both(producer, consumer)


# ---------------------------------------------------------------- cancelled


def test_cancelled_documents_that_link_to_cancelled_ones_come_over_and_post_nothing(
	producer, consumer, company
):
	invoice = producer.run(make_invoice, company=company)
	payment = producer.run(make_payment, invoice=invoice, amount=50)
	for doctype, name in ((PAYMENT, payment), (INVOICE, invoice)):
		producer.run(cancel, doctype=doctype, name=name)
	amended = producer.run(amend, doctype=INVOICE, name=invoice)
	subscribe(consumer, producer, PAYMENT, INVOICE)

	copy_all(consumer, producer, {d: {"company": company} for d in (PAYMENT, INVOICE)})

	for doctype, name, docstatus in ((PAYMENT, payment, 2), (INVOICE, invoice, 2), (INVOICE, amended, 1)):
		assert same_on_both(producer, consumer, doctype, name)["docstatus"] == docstatus
	assert [consumer.run(ledger_of, voucher=name) for name in (invoice, payment)] == [[], []]
	same_ledger(producer, consumer, amended)


def test_a_long_cancelled_journal_comes_over_as_cancelled(producer, consumer, company):
	journal = producer.run(make_journal, company=company, rows=8)
	producer.run(cancel_in_the_job, name=journal)
	subscribe(consumer, producer, JOURNAL)

	copy_all(consumer, producer, {JOURNAL: {"company": company}})

	assert same_on_both(producer, consumer, JOURNAL, journal)["docstatus"] == 2


def cancel_in_the_job(name: str) -> None:
	from streamed_shop.streamed_shop.doctype.shop_journal.shop_journal import cancel_now

	cancel_now(name)


def test_a_return_comes_over_with_the_invoice_that_it_takes_back(producer, consumer, company):
	invoice = producer.run(make_invoice, company=company)
	returned = producer.run(make_return, invoice=invoice)
	subscribe(consumer, producer, INVOICE)

	copy_all(consumer, producer, {INVOICE: {"company": company}})

	for name in (invoice, returned):
		same_but_stamps(producer, consumer, INVOICE, name)
		same_ledger(producer, consumer, name)


# ---------------------------------------------------------------- as it was, not as it would be today


def test_an_old_invoice_has_the_values_of_its_time(producer, consumer, company):
	invoice = producer.run(
		make_invoice,
		company=company,
		posting_date="2025-03-01",
		posting_time="10:00:00",
		set_posting_time=1,
		due_date="2025-03-01",
	)
	doc = producer.run(read_doc, doctype=INVOICE, name=invoice)
	producer.run(change, doctype=CUSTOMER, name=doc["customer"], tax_id="TAX of today")
	producer.run(change, doctype=ITEM, name=doc["items"][0]["item"], item_name="Name of today")
	subscribe(consumer, producer, INVOICE)

	copy_all(consumer, producer, {INVOICE: {"company": company}})

	here = same_on_both(producer, consumer, INVOICE, invoice)
	assert (here["posting_date"], here["tax_id"]) == ("2025-03-01", "TAX-1")
	same_ledger(producer, consumer, invoice)


# ---------------------------------------------------------------- many


def make_many(company: str, number: int) -> list[list[str]]:
	made = []
	for each in range(number):
		customer = make_customer(mobile_no=f"08{each:08}")
		made.append([customer, make_invoice(company=company, customer=customer, rows=[(each + 1, 9.99)] * 3)])
	return made


def test_many_customers_and_invoices_come_over_equal_with_contacts_and_ledger(producer, consumer, company):
	pairs = producer.run(make_many, company=company, number=MANY)
	subscribe(consumer, producer, CUSTOMER, CONTACT, INVOICE)

	customers = ["in", [customer for customer, _invoice in pairs]]
	filters = {CUSTOMER: {"name": customers}, CONTACT: {"first_name": customers}}
	copy_all(consumer, producer, {**filters, INVOICE: {"company": company}})

	for customer, invoice in pairs:
		contact = same_on_both(producer, consumer, CUSTOMER, customer)["contact"]
		same_but_stamps(producer, consumer, CONTACT, contact)
		same_on_both(producer, consumer, INVOICE, invoice)
		same_ledger(producer, consumer, invoice)


def test_an_order_of_hundreds_of_rows_changes_and_stays_equal(producer, consumer, company):
	subscribe(consumer, producer, ORDER)
	item = producer.run(read_doc, doctype=ORDER, name=producer.run(make_order, company=company))["items"][0]
	order = producer.run(make_long_order, company=company, item=item["item"], rows=400)
	take(consumer, producer)
	assert len(same_on_both(producer, consumer, ORDER, order)["items"]) == 400

	producer.run(turn_round, order=order)
	take(consumer, producer)

	assert same_on_both(producer, consumer, ORDER, order)["items"][0]["qty"] == 400


def make_long_order(company: str, item: str, rows: int) -> str:
	import frappe

	items = [{"item": item, "qty": number + 1, "rate": 1} for number in range(rows)]
	customer = make_customer()
	values = {"doctype": "Shop Order", "company": company, "customer": customer, "items": items}
	return frappe.get_doc(values).insert().name


def turn_round(order: str) -> None:
	"""Turns the order of the rows round, and removes each tenth."""
	import frappe

	doc = frappe.get_doc("Shop Order", order)
	doc.set("items", [row for row in reversed(doc.items) if row.idx % 10 != 5])
	for number, row in enumerate(doc.items, start=1):
		row.idx = number
	doc.save()


def test_a_needed_document_that_is_too_large_holds_back_only_what_needs_it(producer, consumer, company):
	order = producer.run(make_order, company=company)
	producer.run(fill_with_rows, order=order, number=TOO_MANY_ROWS)
	subscribe(consumer, producer, INVOICE, LEAD)
	invoice = producer.run(make_invoice_for, company=company, order=order)
	lead = producer.run(make_lead)

	pull(consumer, producer)

	same_on_both(producer, consumer, LEAD, lead)
	# made without the order, which came into it with its next change
	made, log = sync_logs(consumer, ref_doctype=INVOICE)
	assert made["status"] == "Synced"
	assert log["status"] in ("Retrying", "Failed") and order in log["error"]
	assert not consumer.run(read_doc, doctype=INVOICE, name=invoice)["items"][0]["order"]


def fill_with_rows(order: str, number: int) -> None:
	import frappe

	item = frappe.db.get_value("Shop Order Item", {"parent": order}, "item")
	frappe.db.bulk_insert(
		"Shop Order Item",
		["name", "parent", "parenttype", "parentfield", "idx", "docstatus", "item", "qty", "rate", "amount"],
		[
			(f"{order}-{each}", order, "Shop Order", "items", each + 10, 1, item, 1, 1, 1)
			for each in range(number)
		],
	)


def make_invoice_for(company: str, order: str) -> str:
	import frappe

	doc = frappe.get_doc("Shop Invoice", make_invoice(company=company, submit=False))
	doc.items[0].order = order
	doc.save()
	return doc.name


# ---------------------------------------------------------------- quiet


@pytest.fixture
def notification(consumer):
	"""The consumer tells somebody of each new customer, and assigns it."""
	consumer.run(make_notification, name=NOTIFICATION)
	yield
	consumer.run(remove_notification, name=NOTIFICATION)


def make_notification(name: str) -> None:
	import frappe

	values = {"subject": "{{ doc.name }} is new", "message": "Welcome {{ doc.name }}"}
	frappe.get_doc(
		{
			"doctype": "Notification",
			"name": name,
			"channel": "System Notification",
			"document_type": "Shop Customer",
			"event": "New",
			"enabled": 1,
			"recipients": [{"receiver_by_role": "System Manager"}],
			**values,
		}
	).insert()
	days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
	frappe.get_doc(
		{
			"doctype": "Assignment Rule",
			"name": name,
			"document_type": "Shop Customer",
			"description": "Say hello",
			"assign_condition": "True",
			"rule": "Round Robin",
			"users": [{"user": "Administrator"}],
			"assignment_days": [{"day": day} for day in days],
		}
	).insert()


def remove_notification(name: str) -> None:
	import frappe

	for doctype in ("Notification", "Assignment Rule"):
		frappe.delete_doc(doctype, name, force=True)
	frappe.clear_cache()


def told_of(site, customer: str) -> dict[str, bool]:
	"""Whether the site has a notice of a customer to send, and has assigned it to somebody."""
	todos = site.run(read_rows, doctype="ToDo", filters={"reference_name": customer})
	return {"notified": site.run(has_notice_to_send, customer=customer), "assigned": bool(todos)}


def has_notice_to_send(customer: str) -> bool:
	"""Notices are written by a job, and no worker runs here."""
	from frappe.utils.background_jobs import get_queue, get_queue_list

	jobs = [job for name in get_queue_list() for job in get_queue(name).jobs]
	notices = [job for job in jobs if "make_notification_logs" in str(job.kwargs.get("method"))]
	return any(customer in str(job.kwargs) for job in notices)


def test_an_ordinary_event_of_now_tells_whom_this_site_tells(producer, consumer, notification):
	subscribe(consumer, producer, CUSTOMER)
	customer = producer.run(make_customer)

	take(consumer, producer)

	assert told_of(consumer, customer) == {"notified": True, "assigned": True}


def test_a_row_with_no_notifications_tells_nobody(producer, consumer, notification):
	subscribe(consumer, producer, CUSTOMER, no_notifications=1)
	customer = producer.run(make_customer)

	take(consumer, producer)

	same_on_both(producer, consumer, CUSTOMER, customer)
	assert told_of(consumer, customer) == {"notified": False, "assigned": False}


def test_a_first_copy_tells_nobody(producer, consumer, notification):
	customer = producer.run(make_customer, customer_name=unique("Old customer"))
	subscribe(consumer, producer, CUSTOMER)

	copy_all(consumer, producer, {CUSTOMER: {"name": customer}})

	same_on_both(producer, consumer, CUSTOMER, customer)
	assert told_of(consumer, customer) == {"notified": False, "assigned": False}
