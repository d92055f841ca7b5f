"""Masters whose life cycle makes other documents: each is one document on both sites, and nothing fails."""

import pytest
from documents import change, find_name, insert, read_doc, read_rows, unique
from logs import sync_logs
from shop import (
	ACCOUNT,
	COMPANY,
	CONTACT,
	COST_CENTER,
	CUSTOMER,
	EMPLOYEE,
	INVOICE,
	ITEM,
	OF_COMPANY,
	PROJECT,
	SETTINGS,
	TASK,
	UNIT,
	WAREHOUSE,
	company_on_both,
	copy_all,
	ledger_of,
	look,
	make_company,
	make_customer,
	make_employee,
	make_invoice,
	make_item,
	make_named,
	make_task,
	same_but_stamps,
	same_on_both,
	take,
)
from streams import pull, subscribe

REGISTER_ALL = [COMPANY, *OF_COMPANY]


def of_company(site, doctype: str, company: str) -> list[str]:
	return [doc["name"] for doc in site.run(read_rows, doctype=doctype, filters={"company": company})]


def check_company(producer, consumer, company: str) -> None:
	"""The company and all that its life cycle makes are there once, and equal."""
	same_but_stamps(producer, consumer, COMPANY, company)
	for doctype in OF_COMPANY:
		names = of_company(producer, doctype, company)
		assert names and of_company(consumer, doctype, company) == names
		for name in names:
			same_but_stamps(producer, consumer, doctype, name)


def defaults_of(company: str) -> list[dict]:
	import frappe

	doc = frappe.get_doc("Shop Company", company)
	return [
		{"company": company, "income_account": doc.default_income, "warehouse": doc.default_warehouse},
	]


def make_item_of(company: str) -> str:
	return make_item(item_defaults=defaults_of(company))


def make_customer_of(company: str, **values) -> str:
	return make_customer(credit_limits=[{"company": company, "amount": 5000}], **values)


def contacts_of(customer: str) -> list[str]:
	import frappe

	links = {"link_doctype": "Shop Customer", "link_name": customer}
	return frappe.get_all("Shop Contact Link", filters=links, pluck="parent")


def test_an_item_brings_the_company_that_only_the_producer_has(producer, consumer):
	company = producer.run(make_company)
	subscribe(consumer, producer, ITEM)
	item = producer.run(make_item_of, company=company)

	take(consumer, producer)

	assert same_on_both(producer, consumer, ITEM, item)["item_defaults"][0]["company"] == company
	check_company(producer, consumer, company)


def test_a_customer_brings_the_company_of_its_credit_limit(producer, consumer):
	company = producer.run(make_company)
	subscribe(consumer, producer, CUSTOMER)
	customer = producer.run(make_customer_of, company=company)

	take(consumer, producer)

	assert same_on_both(producer, consumer, CUSTOMER, customer)["credit_limits"][0]["amount"] == 5000
	check_company(producer, consumer, company)


def test_an_invoice_goes_the_other_way_while_masters_come(producer, consumer):
	"""The consumer's own company is new to the producer."""
	subscribe(consumer, producer, ITEM, CUSTOMER)
	# both sites count their invoices
	subscribe(producer, consumer, INVOICE, use_same_name=0)
	company = consumer.run(make_company)
	customer = producer.run(make_customer_of, company=producer.run(make_company))
	take(consumer, producer)
	# a series of its own: its name is to be free for the producer's next one
	invoice = consumer.run(make_invoice, company=company, customer=customer, naming_series="BINV-.YYYY.-")

	take(producer, consumer)

	arrived = producer.run(find_name, doctype=INVOICE, remote_docname=invoice, company=company)
	there, here = look(consumer, INVOICE, invoice), look(producer, INVOICE, arrived)
	for field in ("customer", "grand_total", "outstanding_amount", "posting_date", "status", "docstatus"):
		assert here[field] == there[field]
	assert producer.run(ledger_of, voucher=arrived) == consumer.run(ledger_of, voucher=invoice)
	check_company(consumer, producer, company)


def test_a_new_company_with_all_its_doctypes_subscribed_leaves_no_failed_event(producer, consumer):
	subscribe(consumer, producer, *REGISTER_ALL)
	company = producer.run(make_company)

	take(consumer, producer)

	check_company(producer, consumer, company)
	account = of_company(producer, ACCOUNT, company)[0]
	producer.run(change, doctype=ACCOUNT, name=account, account_number="4711")
	take(consumer, producer)
	assert same_but_stamps(producer, consumer, ACCOUNT, account)["account_number"] == "4711"


def test_a_company_that_both_sites_have_is_left_as_it_is_where_others_need_it(producer, consumer):
	company = company_on_both(producer, consumer)
	before = consumer.run(read_doc, doctype=COMPANY, name=company)
	subscribe(consumer, producer, ITEM, CUSTOMER)
	item = producer.run(make_item_of, company=company)
	customer = producer.run(make_customer_of, company=company)

	take(consumer, producer)

	same_on_both(producer, consumer, ITEM, item)
	same_on_both(producer, consumer, CUSTOMER, customer)
	assert consumer.run(read_doc, doctype=COMPANY, name=company) == before


@pytest.mark.parametrize("doctypes", [[CUSTOMER], [CUSTOMER, CONTACT]])
def test_a_customer_and_the_contact_that_both_life_cycles_make_are_one_each(producer, consumer, doctypes):
	subscribe(consumer, producer, *doctypes)
	customer = producer.run(make_customer, mobile_no="0812345678")

	take(consumer, producer)

	(contact,) = consumer.run(contacts_of, customer=customer)
	assert producer.run(contacts_of, customer=customer) == [contact]
	assert same_on_both(producer, consumer, CUSTOMER, customer)["contact"] == contact
	same_but_stamps(producer, consumer, CONTACT, contact)


def test_updates_of_a_customer_and_of_its_contact_go_on_flowing(producer, consumer):
	subscribe(consumer, producer, CUSTOMER, CONTACT)
	customer = producer.run(make_customer, mobile_no="0812345678")
	(contact,) = producer.run(contacts_of, customer=customer)
	take(consumer, producer)

	producer.run(change, doctype=CUSTOMER, name=customer, tax_id="TAX-2")
	producer.run(change, doctype=CONTACT, name=contact, mobile_no="0899999999")
	take(consumer, producer)

	assert same_on_both(producer, consumer, CUSTOMER, customer)["tax_id"] == "TAX-2"
	assert same_but_stamps(producer, consumer, CONTACT, contact)["mobile_no"] == "0899999999"


def test_a_tree_node_that_is_moved_there_is_moved_here(producer, consumer):
	subscribe(consumer, producer, *REGISTER_ALL)
	company = producer.run(make_company)
	names = {name.partition(" - ")[0]: name for name in of_company(producer, ACCOUNT, company)}
	take(consumer, producer)

	producer.run(change, doctype=ACCOUNT, name=names["Debtors"], parent_shop_account=names["All Accounts"])
	take(consumer, producer)

	moved = consumer.run(read_doc, doctype=ACCOUNT, name=names["Debtors"])
	root = consumer.run(read_doc, doctype=ACCOUNT, name=names["All Accounts"])
	assert moved["parent_shop_account"] == names["All Accounts"]
	assert root["lft"] < moved["lft"] < moved["rgt"] < root["rgt"]


# ---------------------------------------------------------------- what set-up made on both sites


def test_what_set_up_made_on_both_sites_is_matched_by_name_in_a_first_copy(producer, consumer):
	own = unique("Unit")
	for site in (producer, consumer):
		site.run(insert, doctype=UNIT, unit_name=own)
	producer.run(change, doctype=UNIT, name=own, must_be_whole_number=1)
	before = len(consumer.run(read_rows, doctype=UNIT, filters={}))
	only_there = producer.run(insert, doctype=UNIT, unit_name=unique("Unit"))
	subscribe(consumer, producer, UNIT, match_by="name")

	copy_all(consumer, producer, {UNIT: {}})

	assert len(consumer.run(read_rows, doctype=UNIT, filters={})) == before + 1
	for name in (own, only_there, "Nos", "Kg"):
		same_but_stamps(producer, consumer, UNIT, name)
	producer.run(change, doctype=UNIT, name=own, must_be_whole_number=0)
	take(consumer, producer)
	same_but_stamps(producer, consumer, UNIT, own)


def test_documents_are_matched_by_a_field_whose_values_are_unique(producer, consumer):
	tax_id = unique("TAX")
	here = consumer.run(make_customer, tax_id=tax_id)
	there = producer.run(make_customer, tax_id=tax_id, mobile_no="0811111111")
	subscribe(consumer, producer, CUSTOMER, match_by="tax_id", use_same_name=0)

	producer.run(change, doctype=CUSTOMER, name=there, mobile_no="0822222222")
	take(consumer, producer)

	(found,) = consumer.run(read_rows, doctype=CUSTOMER, filters={"tax_id": tax_id})
	assert (found["name"], found["mobile_no"]) == (here, "0822222222")


# ---------------------------------------------------------------- links


def test_a_task_is_never_linked_to_another_project_of_the_same_name(producer, consumer):
	"""The project's own event fails, as its name is taken here; the task waits for it, and heals with it."""
	name = unique("PROJ")
	own, streamed = unique("own"), unique("streamed")
	consumer.run(make_named, doctype=PROJECT, name=name, project_name=own)
	subscribe(consumer, producer, PROJECT, TASK)
	producer.run(make_named, doctype=PROJECT, name=name, project_name=streamed)
	task = producer.run(make_task, project=name)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=TASK, name=task) is None
	assert all(log["status"] != "Synced" for log in sync_logs(consumer, ref_doctype=TASK))
	assert consumer.run(read_doc, doctype=PROJECT, name=name)["tasks"] == 0

	consumer.run(rename, doctype=PROJECT, old=name, new=f"{name} own")
	consumer.run(resync_everything)
	take(consumer, producer)
	assert same_on_both(producer, consumer, TASK, task)["project"] == name
	assert consumer.run(read_doc, doctype=PROJECT, name=name)["project_name"] == streamed


def rename(doctype: str, old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(doctype, old, new)


def resync_everything() -> None:
	from event_streaming.consumer.pull.by_hand import resync_all

	resync_all("Administrator")


# ---------------------------------------------------------------- users


def make_user(user: str) -> str:
	import frappe

	values = {"email": user, "first_name": "Malee", "send_welcome_email": 0, "user_type": "System User"}
	return frappe.get_doc({"doctype": "User", **values}).insert().name


def new_user() -> str:
	return unique("malee").replace(" ", ".") + "@example.com"


def test_an_employee_whose_user_is_disabled_here_waits_in_plain_words_and_heals(producer, consumer):
	"""That employees have enabled users protects this site: a validation of that kind is not passed over."""
	user = producer.run(make_user, user=new_user())
	subscribe(consumer, producer, EMPLOYEE)
	employee = producer.run(make_employee, user=user)

	pull(consumer, producer)

	(log,) = sync_logs(consumer, ref_doctype=EMPLOYEE)
	assert log["status"] == "Retrying" and f"User {user} is disabled" in log["error"]
	consumer.run(insert_or_enable_user, user=user)
	consumer.run(resync_everything)
	assert same_on_both(producer, consumer, EMPLOYEE, employee)["user"] == user


def insert_or_enable_user(user: str) -> None:
	"""As an administrator does who has read the error."""
	import frappe

	if not frappe.db.exists("User", user):
		make_user(user)
	doc = frappe.get_doc("User", user)
	doc.enabled = 1
	doc.save()


def test_an_employee_arrives_without_its_user_where_this_site_decides_on_users(producer, consumer):
	user = producer.run(make_user, user=new_user())
	subscribe(consumer, producer, EMPLOYEE, fields_this_site_decides="user")
	employee = producer.run(make_employee, user=user)

	take(consumer, producer)

	assert consumer.run(read_doc, doctype=EMPLOYEE, name=employee)["user"] is None
	assert consumer.run(read_doc, doctype="User", name=user) is None
	consumer.run(change, doctype=EMPLOYEE, name=employee, user="Administrator")
	producer.run(change, doctype=EMPLOYEE, name=employee, user="Administrator")
	producer.run(change, doctype=EMPLOYEE, name=employee, user=user)
	take(consumer, producer)
	assert consumer.run(read_doc, doctype=EMPLOYEE, name=employee)["user"] == "Administrator"


# ---------------------------------------------------------------- Singles


@pytest.mark.parametrize("use_same_name", [0, 1])
def test_a_single_keeps_what_only_this_site_has(producer, consumer, extra_fields, use_same_name):
	extra_fields(consumer, SETTINGS, {"fieldname": "drawer", "label": "Drawer", "fieldtype": "Data"})
	consumer.run(change, doctype=SETTINGS, name=SETTINGS, drawer="third", gateway_key="only here")
	subscribe(consumer, producer, SETTINGS, use_same_name=use_same_name)
	greeting = unique("Hello")

	producer.run(change, doctype=SETTINGS, name=SETTINGS, greeting=greeting)
	take(consumer, producer)

	settings = consumer.run(read_settings)
	assert settings == {"greeting": greeting, "drawer": "third", "gateway_key": "only here"}


def read_settings() -> dict:
	import frappe

	doc = frappe.get_doc("Shop Settings")
	return {
		"greeting": doc.greeting,
		"drawer": doc.drawer,
		"gateway_key": doc.get_password("gateway_key", raise_exception=False),
	}


# ---------------------------------------------------------------- what a row says


def test_whole_tables_and_fields_of_rows_can_be_left_to_this_site(producer, consumer):
	company = company_on_both(producer, consumer)
	decided = "barcode\nitem_defaults.warehouse"
	subscribe(
		consumer,
		producer,
		{"ref_doctype": ITEM, "use_same_name": 1, "fields_this_site_decides": decided},
		{"ref_doctype": CUSTOMER, "use_same_name": 1, "fields_this_site_decides": "credit_limits"},
	)
	item = producer.run(make_item_of, company=company)
	producer.run(change, doctype=ITEM, name=item, barcode="885")
	customer = producer.run(make_customer_of, company=company)

	take(consumer, producer)

	here = consumer.run(read_doc, doctype=ITEM, name=item)
	assert here["barcode"] is None
	assert [(row["company"], row["warehouse"]) for row in here["item_defaults"]] == [(company, None)]
	assert consumer.run(read_doc, doctype=CUSTOMER, name=customer)["credit_limits"] == []
	assert {COST_CENTER, WAREHOUSE}.isdisjoint(log["ref_doctype"] for log in sync_logs(consumer))
