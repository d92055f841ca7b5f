"""States, series and fields that this site would have decided otherwise: what came stays as it came."""

import pytest
from doctypes import make_doctype
from documents import change, find_name, insert, read_doc, read_rows, unique
from logs import sync_logs
from shop import (
	CUSTOMER,
	LEAD,
	OPPORTUNITY,
	ORDER,
	QUOTATION,
	company_on_both,
	copy_all,
	make_lead,
	make_opportunity,
	make_order,
	make_quotation,
	move_to,
	same_on_both,
	set_workflow_state,
	take,
)
from streams import SUBSCRIBER, subscribe

EMPTY = {"country": None, "language": None, "no_of_employees": None, "call_at": None, "next_contact": None}
SERIES = "OPP-.YYYY.-"
MAIL_ACCOUNT = "Streamed Mail Account"


@pytest.fixture
def company(producer, consumer) -> str:
	return company_on_both(producer, consumer)


# ---------------------------------------------------------------- defaults


def import_lead(**values) -> str:
	"""As Data Import makes it: what is empty stays empty."""
	import frappe

	frappe.flags.in_import = True
	try:
		return make_lead(**values)
	finally:
		frappe.flags.in_import = False


def test_fields_that_are_empty_there_are_empty_here(producer, consumer):
	subscribe(consumer, producer, LEAD)
	lead = producer.run(import_lead)
	assert EMPTY.items() <= producer.run(read_doc, doctype=LEAD, name=lead).items()

	take(consumer, producer)

	assert EMPTY.items() <= same_on_both(producer, consumer, LEAD, lead).items()


def test_fields_that_are_empty_there_are_empty_here_after_a_first_copy(producer, consumer):
	lead = producer.run(import_lead)
	subscribe(consumer, producer, LEAD)

	copy_all(consumer, producer, {LEAD: {"name": lead}})

	assert EMPTY.items() <= same_on_both(producer, consumer, LEAD, lead).items()


def test_a_field_that_only_this_site_has_gets_this_sites_default(producer, consumer, extra_fields):
	field = {"fieldname": "desk", "label": "Desk", "fieldtype": "Data", "default": "front"}
	extra_fields(consumer, LEAD, field)
	subscribe(consumer, producer, LEAD)
	lead = producer.run(import_lead)

	take(consumer, producer)

	assert consumer.run(read_doc, doctype=LEAD, name=lead)["desk"] == "front"


def make_account_doctype() -> None:
	key = {"fieldname": "key", "label": "Key", "fieldtype": "Password", "reqd": 1}
	title = {"fieldname": "title", "label": "Title", "fieldtype": "Data", "reqd": 1}
	make_doctype(MAIL_ACCOUNT, [title, key], autoname="hash")


def test_a_document_whose_password_is_mandatory_comes_without_it_and_says_so(producer, consumer):
	for site in (producer, consumer):
		site.run(make_account_doctype)
	subscribe(consumer, producer, MAIL_ACCOUNT)
	account = producer.run(insert, doctype=MAIL_ACCOUNT, title="first", key="only there")

	take(consumer, producer)
	producer.run(change, doctype=MAIL_ACCOUNT, name=account, title="second")
	take(consumer, producer)

	here = consumer.run(read_doc, doctype=MAIL_ACCOUNT, name=account)
	assert (here["title"], here["key"]) == ("second", None)
	made, _changed = sync_logs(consumer, producer_doc=account)
	assert "fill in Key here" in made["warnings"]


def test_quantities_that_are_zero_or_empty_in_rows_stay_so(producer, consumer, company):
	subscribe(consumer, producer, ORDER)
	order = producer.run(make_order, company=company, rows=[(0, 10), (2, 0)])

	take(consumer, producer)

	rows = same_on_both(producer, consumer, ORDER, order)["items"]
	assert [(row["qty"], row["rate"]) for row in rows] == [(0, 10), (2, 0)]


# ---------------------------------------------------------------- workflow, set only once, after submit


def subscriber_has_no_role_of_the_workflow() -> bool:
	import frappe

	return {"Shop User", "Shop Approver"}.isdisjoint(frappe.get_roles(SUBSCRIBER))


def test_a_quotation_goes_through_its_workflow_without_the_approvers_roles(producer, consumer, company):
	subscribe(consumer, producer, QUOTATION)
	assert consumer.run(subscriber_has_no_role_of_the_workflow)
	quotation = producer.run(make_quotation, company=company)
	take(consumer, producer)
	assert same_on_both(producer, consumer, QUOTATION, quotation)["workflow_state"] == "Shop Draft"

	for action, state, docstatus in (
		("Ask for Approval", "Shop Pending", 0),
		("Give Approval", "Shop Approved", 1),
	):
		producer.run(set_workflow_state, name=quotation, action=action)
		take(consumer, producer)
		here = same_on_both(producer, consumer, QUOTATION, quotation)
		assert (here["workflow_state"], here["docstatus"]) == (state, docstatus)


@pytest.mark.parametrize("copied", [False, True])
def test_a_quotation_that_is_approved_already_arrives_as_it_is(producer, consumer, company, copied):
	if not copied:
		subscribe(consumer, producer, QUOTATION)
	quotation = producer.run(make_quotation, company=company)
	for action in ("Ask for Approval", "Give Approval"):
		producer.run(set_workflow_state, name=quotation, action=action)
	if copied:
		subscribe(consumer, producer, QUOTATION)
		copy_all(consumer, producer, {QUOTATION: {"name": quotation}})
	else:
		take(consumer, producer)

	here = same_on_both(producer, consumer, QUOTATION, quotation)
	assert (here["workflow_state"], here["docstatus"]) == ("Shop Approved", 1)


def set_directly(doctype: str, name: str, **values) -> None:
	import frappe

	frappe.get_doc(doctype, name).db_set(values)


def test_a_field_that_may_be_set_only_once_changes_where_it_changed_there(producer, consumer, company):
	subscribe(consumer, producer, QUOTATION)
	quotation = producer.run(make_quotation, company=company)
	take(consumer, producer)

	producer.run(set_directly, doctype=QUOTATION, name=quotation, order_type="Maintenance")
	take(consumer, producer)

	assert same_on_both(producer, consumer, QUOTATION, quotation)["order_type"] == "Maintenance"


def test_what_changes_after_submission_arrives_whether_a_form_may_change_it_or_not(
	producer, consumer, company
):
	subscribe(consumer, producer, ORDER)
	order = producer.run(make_order, company=company)
	take(consumer, producer)
	other = producer.run(insert, doctype=CUSTOMER, customer_name=unique("Customer"))

	producer.run(set_directly, doctype=ORDER, name=order, customer=other, status="Closed")
	take(consumer, producer)

	here = same_on_both(producer, consumer, ORDER, order)
	assert (here["customer"], here["status"]) == (other, "Closed")


# ---------------------------------------------------------------- series


def counter(prefix: str) -> int:
	import frappe

	found = frappe.db.sql("select current from `tabSeries` where name = %s", prefix)
	return found[0][0] if found else 0


def set_counter(prefix: str, current: int) -> None:
	import frappe

	frappe.db.sql("delete from `tabSeries` where name = %s", prefix)
	frappe.db.sql("insert into `tabSeries` (name, current) values (%s, %s)", (prefix, current))


def prefix_of(name: str) -> str:
	return name[:-5]


@pytest.fixture
def counters(producer, consumer):
	"""Both sites' counters of opportunities stand at the same number. Gives their prefix."""
	prefix = prefix_of(producer.run(make_opportunity))
	highest = max(site.run(counter, prefix=prefix) for site in (producer, consumer))
	for site in (producer, consumer):
		site.run(set_counter, prefix=prefix, current=highest)
	return prefix


def test_a_user_here_can_make_documents_of_a_series_whose_names_came_from_there(producer, consumer, counters):
	subscribe(consumer, producer, OPPORTUNITY)
	names = [producer.run(make_opportunity) for _each in range(2)]
	take(consumer, producer)

	own = consumer.run(make_opportunity)

	assert own == f"{counters}{int(names[-1][-5:]) + 1:05}"
	assert consumer.run(counter, prefix=counters) == producer.run(counter, prefix=counters) + 1


def test_a_counter_of_this_site_is_never_lowered(producer, consumer, counters):
	ahead = consumer.run(counter, prefix=counters) + 100
	consumer.run(set_counter, prefix=counters, current=ahead)
	subscribe(consumer, producer, OPPORTUNITY)
	producer.run(make_opportunity)

	take(consumer, producer)

	assert consumer.run(counter, prefix=counters) == ahead


@pytest.fixture
def series_of_the_producer(producer):
	"""A series that the consumer does not have."""
	own = "OPPX-.#####"
	producer.run(set_series, options=f"{SERIES}\n{own}")
	yield own
	producer.run(set_series, options=None)


def set_series(options: str | None) -> None:
	import frappe
	from frappe.custom.doctype.property_setter.property_setter import make_property_setter

	if options:
		make_property_setter(OPPORTUNITY, "naming_series", "options", options, "Text")
		return
	for name in frappe.get_all("Property Setter", {"doc_type": OPPORTUNITY}, pluck="name"):
		frappe.delete_doc("Property Setter", name)
	frappe.clear_cache(doctype=OPPORTUNITY)


def test_in_local_naming_a_document_of_a_series_that_is_not_here_can_be_brought_whole_again(
	producer, consumer, series_of_the_producer
):
	subscribe(consumer, producer, OPPORTUNITY, use_same_name=0)
	there = producer.run(make_opportunity, naming_series=series_of_the_producer, amount=1)
	take(consumer, producer)
	here = consumer.run(find_name, doctype=OPPORTUNITY, remote_docname=there)

	# what nobody is told of: the next event does not follow the one before
	producer.run(move_to, doctype=OPPORTUNITY, name=there, amount=2, modified="2026-01-01 00:00:00")
	producer.run(change, doctype=OPPORTUNITY, name=there, title="changed")
	take(consumer, producer)

	doc = consumer.run(read_doc, doctype=OPPORTUNITY, name=here)
	assert (doc["title"], doc["amount"], doc["naming_series"]) == ("changed", 2, SERIES)
	assert len(consumer.run(read_rows, doctype=OPPORTUNITY, filters={"remote_docname": there})) == 1
