"""Vouchers that make other documents as they are submitted: here serial numbers, counted by each site."""

import pytest
from documents import read_doc, read_rows, unique
from shop import (
	ITEM,
	SERIAL_NO,
	STOCK_ENTRY,
	cancel,
	company_on_both,
	make,
	make_item,
	make_stock_entry,
	same_on_both,
	take,
)
from streams import subscribe


@pytest.fixture
def company(producer, consumer) -> str:
	return company_on_both(producer, consumer)


def make_serial_item() -> str:
	series = f"{unique('SN')[3:].upper()}-.####"
	return make_item(has_serial_no=1, serial_no_series=series)


def serial_numbers(site, item: str) -> dict[str, str | None]:
	return {
		row["name"]: row["warehouse"]
		for row in site.run(read_rows, doctype=SERIAL_NO, filters={"item": item})
	}


def use_up_a_number(item: str) -> None:
	"""The two sites' counters differ from now on."""
	import frappe
	from frappe.model.naming import make_autoname

	serial_no = make_autoname(frappe.db.get_value(ITEM, item, "serial_no_series"))
	make(SERIAL_NO, serial_no=serial_no, item=item)


def test_serial_numbers_that_this_site_decides_are_made_by_its_own_voucher(producer, consumer, company):
	decided = {"fields_this_site_decides": "items.serial_no", "use_same_name": 1}
	subscribe(consumer, producer, ITEM, {"ref_doctype": STOCK_ENTRY, **decided})
	item = producer.run(make_serial_item)
	take(consumer, producer)
	consumer.run(use_up_a_number, item=item)

	entry = producer.run(make_stock_entry, company=company, item=item, number=2)
	take(consumer, producer)

	here = consumer.run(read_doc, doctype=STOCK_ENTRY, name=entry)
	there = producer.run(read_doc, doctype=STOCK_ENTRY, name=entry)
	numbers = [row["serial_no"] for row in here["items"]]
	assert here["docstatus"] == 1 and [number[-4:] for number in numbers] == ["0002", "0003"]
	assert [row["serial_no"][-4:] for row in there["items"]] == ["0001", "0002"]
	warehouse = there["items"][0]["warehouse"]
	assert [serial_numbers(consumer, item)[number] for number in numbers] == [warehouse, warehouse]

	producer.run(cancel, doctype=STOCK_ENTRY, name=entry)
	take(consumer, producer)
	assert consumer.run(read_doc, doctype=STOCK_ENTRY, name=entry)["docstatus"] == 2
	assert not any(serial_numbers(consumer, item).values())


def test_serial_numbers_that_are_counted_alike_on_both_sites_are_the_same(producer, consumer, company):
	decided = {"fields_this_site_decides": "items.serial_no", "use_same_name": 1}
	subscribe(consumer, producer, ITEM, SERIAL_NO, {"ref_doctype": STOCK_ENTRY, **decided})
	item = producer.run(make_serial_item)

	entry = producer.run(make_stock_entry, company=company, item=item, number=2)
	take(consumer, producer)

	same_on_both(producer, consumer, STOCK_ENTRY, entry)
	assert serial_numbers(consumer, item) == serial_numbers(producer, item)
