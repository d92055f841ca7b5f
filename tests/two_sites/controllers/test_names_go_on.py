"""A name from a counter that came with Use Same Name: this site's own names go on after it."""

import pytest
from doctypes import make_doctype
from documents import delete, insert, read_doc, unique
from logs import sync_logs
from streams import pull, subscribe

from sandbox.errors import RemoteError

BILL, SLIP = "Counted Bill", "Counted Slip"


def make_counted_doctypes() -> None:
	fields = [
		{"fieldname": "title", "label": "Title", "fieldtype": "Data"},
		{"fieldname": "branch", "label": "Branch", "fieldtype": "Data"},
	]
	series = {
		"fieldname": "naming_series",
		"label": "Series",
		"fieldtype": "Select",
		"options": "BILL-.YYYY.-.#####\nBR-.branch.-.####",
	}
	make_doctype(BILL, [series, *fields], autoname="naming_series:", allow_rename=1)
	make_doctype(SLIP, fields, autoname="SLIP-.####", allow_rename=1)


@pytest.fixture(autouse=True)
def subscribed(producer, consumer):
	for site in (producer, consumer):
		site.run(make_counted_doctypes)
	subscribe(consumer, producer, BILL, SLIP)
	yield
	for site in (producer, consumer):
		site.run(empty, doctypes=[BILL, SLIP])


def empty(doctypes: list[str]) -> None:
	import frappe

	for doctype in doctypes:
		frappe.db.delete(doctype)
	frappe.db.delete("Series", {"name": ["in", ["SLIP-", "BR-N-", "RULE-"]]})
	frappe.db.delete("Series", {"name": ["like", "BILL-%"]})
	for name in frappe.get_all("Document Naming Rule", pluck="name"):
		frappe.delete_doc("Document Naming Rule", name)


def insert_several(doctype: str, count: int, **values) -> list[str]:
	import frappe

	return [frappe.get_doc({"doctype": doctype, **values}).insert().name for _each in range(count)]


def counter(key: str) -> int | None:
	import frappe

	series = frappe.qb.DocType("Series")
	row = frappe.qb.from_(series).select(series.current).where(series.name == key).run()
	return row[0][0] if row else None


def set_counter(key: str, number: int) -> None:
	import frappe

	series = frappe.qb.DocType("Series")
	frappe.qb.from_(series).delete().where(series.name == key).run()
	frappe.qb.into(series).columns("name", "current").insert(key, number).run()


@pytest.mark.parametrize(
	("doctype", "values"),
	[
		(BILL, {"title": "a"}),
		(BILL, {"naming_series": "BR-.branch.-.####", "branch": "N"}),
		(SLIP, {"title": "a"}),
	],
)
def test_a_local_document_gets_the_next_name_after_those_that_came(producer, consumer, doctype, values):
	names = producer.run(insert_several, doctype=doctype, count=3, **values)
	pull(consumer, producer)

	own = consumer.run(insert, doctype=doctype, **values)

	assert own not in names
	assert own == names[-1][:-1] + "4"


def test_a_counter_that_is_ahead_stays(producer, consumer):
	consumer.run(set_counter, key="SLIP-", number=70)
	producer.run(insert_several, doctype=SLIP, count=2)

	pull(consumer, producer)

	assert consumer.run(counter, key="SLIP-") == 70


def test_an_event_that_fails_leaves_its_neighbours_names_counted(producer, consumer):
	"""What the failed event raised is undone with it: the next one must not rely on it."""
	consumer.run(refuse_titled, doctype=SLIP, title="refused")
	producer.run(insert, doctype=SLIP, title="refused")
	producer.run(insert_several, doctype=SLIP, count=2)

	pull(consumer, producer)

	assert [log["status"] for log in sync_logs(consumer)] == ["Retrying", "Synced", "Synced"]
	assert consumer.run(counter, key="SLIP-") == 3
	consumer.run(forget_refusal)


def refuse_titled(doctype: str, title: str) -> None:
	import frappe

	frappe.get_doc(
		{
			"doctype": "Property Setter",
			"doctype_or_field": "DocField",
			"doc_type": doctype,
			"field_name": "title",
			"property": "options",
			"property_type": "Text",
			"value": "\nother",
		}
	).insert()
	frappe.get_doc(
		{
			"doctype": "Property Setter",
			"doctype_or_field": "DocField",
			"doc_type": doctype,
			"field_name": "title",
			"property": "fieldtype",
			"property_type": "Data",
			"value": "Select",
		}
	).insert()
	frappe.clear_cache(doctype=doctype)


def forget_refusal() -> None:
	import frappe

	for name in frappe.get_all("Property Setter", {"doc_type": SLIP}, pluck="name"):
		frappe.delete_doc("Property Setter", name)
	frappe.clear_cache(doctype=SLIP)


def test_a_number_that_is_given_again_after_a_deletion_is_counted_again(producer, consumer):
	first = producer.run(insert, doctype=SLIP, title="first")
	producer.run(delete, doctype=SLIP, name=first)
	again = producer.run(insert, doctype=SLIP, title="again")
	assert again == first

	pull(consumer, producer)

	assert consumer.run(insert, doctype=SLIP) != again
	assert consumer.run(read_doc, doctype=SLIP, name=again)["title"] == "again"


def test_the_counter_of_a_page_is_raised_by_its_first_document(producer, consumer):
	producer.run(insert_several, doctype=SLIP, count=20)

	seen = consumer.run(pull_and_count_raises, url=producer.url)

	assert seen == {"raised": 1, "synced": 20}


def pull_and_count_raises(url: str) -> dict:
	from event_streaming.consumer.life_cycle import naming
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	raised, original = [], naming.raise_counters

	def counted(numbers):
		raised.append(dict(numbers))
		return original(numbers)

	naming.raise_counters = counted
	try:
		summary = pull_from_node(url)
	finally:
		naming.raise_counters = original
	return {"raised": len(raised), "synced": summary["synced"]}


def test_a_document_naming_rule_goes_on_as_well(producer, consumer):
	for site in (producer, consumer):
		site.run(make_naming_rule, doctype=SLIP, prefix="RULE-")
	names = producer.run(insert_several, doctype=SLIP, count=3)
	assert names[-1] == "RULE-00003"

	pull(consumer, producer)

	assert consumer.run(insert, doctype=SLIP) == "RULE-00004"


def make_naming_rule(doctype: str, prefix: str) -> None:
	import frappe

	frappe.get_doc(
		{"doctype": "Document Naming Rule", "document_type": doctype, "prefix": prefix, "prefix_digits": 5}
	).insert()


def test_a_name_that_a_person_typed_moves_no_counter(producer, consumer):
	producer.run(insert_named, doctype=SLIP, name=unique("Typed 0042"))

	pull(consumer, producer)

	assert consumer.run(counter, key="SLIP-") is None


def insert_named(doctype: str, name: str) -> str:
	import frappe

	return frappe.get_doc({"doctype": doctype}).insert(set_name=name).name


def test_without_the_counter_raised_a_local_name_is_taken(producer, consumer):
	"""What this is for, seen: the counter put back, a local insert fails."""
	producer.run(insert_several, doctype=SLIP, count=1)
	pull(consumer, producer)
	consumer.run(set_counter, key="SLIP-", number=0)

	with pytest.raises(RemoteError) as caught:
		consumer.run(insert, doctype=SLIP)

	assert caught.value.exc_type == "DuplicateEntryError"
