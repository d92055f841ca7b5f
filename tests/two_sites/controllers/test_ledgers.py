"""DocTypes whose documents other documents make: a warning when they are subscribed to, and a finding of the doctor."""

import pytest
from doctypes import CITY, make_doctype, with_orders
from documents import read_rows
from streams import make_event_producer, make_subscriber

LEDGER, LOOKED_AT = "Made By Code", "Made By People After All"


def make_ledger_doctypes() -> None:
	import frappe

	fields = [{"fieldname": "amount", "label": "Amount", "fieldtype": "Float"}]
	for name, create in ((LEDGER, 0), (LOOKED_AT, 1)):
		if not frappe.db.exists("DocType", name):
			make_doctype(name, fields, in_create=1)
			doc = frappe.get_doc("DocType", name)
			for permission in doc.permissions:
				permission.create = create
			doc.save()


@pytest.fixture(autouse=True)
def doctypes(producer, consumer):
	with_orders(producer, consumer)
	for site in (producer, consumer):
		site.run(make_ledger_doctypes)
		site.run(make_subscriber)


def save_and_listen(url: str, rows: list[dict]) -> list[str]:
	import frappe

	make_event_producer(url, rows)
	messages = list(frappe.local.message_log)
	doc = frappe.get_doc("Event Producer", url)
	doc.workers = 2
	frappe.local.message_log = []
	doc.save()
	again = list(frappe.local.message_log)
	return [[str(each) for each in messages], [str(each) for each in again]]


def test_subscribing_to_one_is_warned_of_once_and_not_refused(producer, consumer):
	rows = [{"ref_doctype": each} for each in (CITY, LEDGER, LOOKED_AT)]

	first, again = consumer.run(save_and_listen, url=producer.url, rows=rows)

	warnings = [each for each in first if "made by other documents" in each]
	assert len(warnings) == 1
	assert LEDGER in warnings[0] and LOOKED_AT not in warnings[0] and CITY not in warnings[0]
	assert not [each for each in again if "made by other documents" in each]
	kept = consumer.run(read_rows, doctype="Event Producer Document Type", filters={"parent": producer.url})
	assert {row["ref_doctype"] for row in kept} == {CITY, LEDGER, LOOKED_AT}


def test_the_doctor_finds_it(producer, consumer):
	rows = [{"ref_doctype": each} for each in (CITY, LEDGER)]
	consumer.run(make_event_producer, url=producer.url, rows=rows)

	found = consumer.run(findings, event_producer=producer.url)

	assert [each["subject"] for each in found] == [LEDGER]
	assert found[0]["level"] == "warning" and LEDGER in found[0]["remedy"]


def findings(event_producer: str) -> list[dict]:
	from dataclasses import asdict

	from event_streaming.admin.doctor.examination import examine

	return [asdict(each) for each in examine(event_producer) if each.check == "made by others"]
