"""What keeping and giving names relies on: the consumer inserts with the producer's name, or lets this site name."""

import pytest
from contract_doctypes import HASHED, NUMBERED, PROMPTED, SERIES
from doctypes import CITY, ORDER
from documents import unique

from sandbox.errors import RemoteError


def insert_as(doctype: str, name: str | None, **values) -> dict:
	import frappe

	doc = frappe.get_doc({"doctype": doctype, **values})
	doc.insert(set_name=name, set_child_names=False)
	return {"name": doc.name, "stored": bool(frappe.db.exists(doctype, name or doc.name))}


@pytest.mark.parametrize(
	("doctype", "values"),
	[
		(HASHED, {}),
		(SERIES, {}),
		(PROMPTED, {}),
		(ORDER, {"title": "named by format"}),
		(CITY, {"title": "named by field"}),
	],
)
def test_set_name_names_the_document_whatever_the_doctypes_own_naming(site, doctype, values):
	name = unique("Kept")

	assert site.run(insert_as, doctype=doctype, name=name, **values) == {"name": name, "stored": True}


def test_set_name_as_a_number_is_the_name_where_names_are_counted_and_counting_goes_on_after_it(site):
	first = site.run(insert_as, doctype=NUMBERED, name=None)["name"]
	kept = first + 1000

	assert site.run(insert_as, doctype=NUMBERED, name=kept)["name"] == kept
	assert site.run(insert_as, doctype=NUMBERED, name=None)["name"] > kept


def test_set_name_as_text_does_not_move_the_counter_where_names_are_counted(site):
	first = site.run(insert_as, doctype=NUMBERED, name=None)["name"]
	ahead = first + 500

	assert site.run(insert_as, doctype=NUMBERED, name=str(ahead))["stored"]
	assert site.run(insert_as, doctype=NUMBERED, name=None)["name"] < ahead
	site.run(insert_as, doctype=NUMBERED, name=ahead + 1)


def test_set_name_loses_the_spaces_around_it(site):
	name = unique("Spaced")

	assert site.run(insert_as, doctype=HASHED, name=f" {name} ")["name"] == name


@pytest.mark.parametrize("name", ["a <b> c", HASHED])
def test_a_name_with_markup_and_the_doctypes_own_name_are_refused(site, name):
	with pytest.raises(RemoteError) as caught:
		site.run(insert_as, doctype=HASHED, name=name)

	assert caught.value.exc_type == "NameError"


@pytest.mark.parametrize(
	("doctype", "values", "looks"),
	[
		(HASHED, {}, r"[0-9a-z]{10}"),
		(SERIES, {}, r"CONA-\d{5}"),
		(SERIES, {"naming_series": "CONB-.#####"}, r"CONB-\d{5}"),
		(ORDER, {"title": "x"}, r"ORD-\d{5}"),
		(NUMBERED, {}, r"\d+"),
	],
)
def test_without_set_name_the_site_names(site, doctype, values, looks):
	names = site.run(insert_two, doctype=doctype, values=values, looks=looks)

	assert names["match"] and names["differ"]


def insert_two(doctype: str, values: dict, looks: str) -> dict:
	import re

	import frappe

	names = [str(frappe.get_doc({"doctype": doctype, **values}).insert().name) for _each in range(2)]
	return {"match": all(re.fullmatch(looks, name) for name in names), "differ": names[0] != names[1]}


def test_where_a_person_is_to_type_the_name_an_insert_without_one_is_refused(site):
	with pytest.raises(RemoteError) as caught:
		site.run(insert_as, doctype=PROMPTED, name=None)

	assert caught.value.exc_type == "ValidationError"


def test_a_series_that_the_site_does_not_list_is_used_all_the_same(site):
	"""Therefore the consumer takes it out where this site is to name."""
	name = site.run(insert_as, doctype=SERIES, name=None, naming_series="ELSEWHERE-.#####")["name"]

	assert name.startswith("ELSEWHERE-")


def test_a_name_that_is_taken_is_a_duplicate_entry_and_leaves_the_transaction_usable(site):
	outcome = site.run(insert_twice, doctype=PROMPTED, name=unique("Taken"))

	assert outcome == ["DuplicateEntryError", "first"]


def insert_twice(doctype: str, name: str) -> list:
	"""The second's name or error, and what is stored under the name in the end."""
	import frappe

	frappe.get_doc({"doctype": doctype, "title": "first"}).insert(set_name=name)
	frappe.db.savepoint("contract")
	try:
		outcome = frappe.get_doc({"doctype": doctype, "title": "second"}).insert(set_name=name).name
	except frappe.DuplicateEntryError as error:
		outcome = type(error).__name__
		frappe.db.rollback(save_point="contract")
	return [outcome, frappe.db.get_value(doctype, name, "title")]


def test_a_name_that_is_taken_gives_way_to_another_without_an_error_where_names_are_hashes(site):
	"""Therefore the consumer looks at the name after the insert."""
	name = unique("Taken")
	other, title = site.run(insert_twice, doctype=HASHED, name=name)

	assert title == "first"
	assert other not in (name, "DuplicateEntryError")


def test_set_child_names_false_keeps_the_rows_names_and_names_those_without(site):
	kept = unique("row")
	rows = site.run(insert_with_rows, doctype=HASHED, rows=[{"item": "a", "name": kept}, {"item": "b"}])

	assert rows[0] == [kept, "a", 1]
	assert rows[1][0] and rows[1][0] != kept
	assert rows[1][1:] == ["b", 2]


def insert_with_rows(doctype: str, rows: list[dict]) -> list[list]:
	import frappe

	doc = frappe.get_doc({"doctype": doctype, "lines": rows})
	doc.insert(set_child_names=False)
	return [[row.name, row.item, row.idx] for row in frappe.get_doc(doctype, doc.name).lines]


def test_a_user_is_named_by_the_mail_address(site):
	address = f"{unique('made').replace(' ', '-')}@contract.example.com"

	assert site.run(insert_disabled_user, address=address) == [address, 0, []]


def insert_disabled_user(address: str) -> list:
	from event_streaming.consumer.dependencies.users import disabled_user, insert_disabled_user

	name = insert_disabled_user(disabled_user(address))
	doc = frappe.get_doc("User", name)  # noqa: F821
	return [doc.name, doc.enabled, [row.role for row in doc.roles if row.role not in ("All", "Guest")]]
