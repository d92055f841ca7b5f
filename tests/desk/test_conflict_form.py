"""Both sites changed a document and the policy is to ask: the form of the event shows both values and takes the choice."""

import pytest
from doctypes import ORDER, with_orders
from documents import change, insert, read_doc, unique
from logs import sync_logs
from streams import pull, subscribe

# shown as text, whatever it is
OURS, THEIRS = "<b>ours</b> and <i>more</i>", 'theirs\'s "own" value'


def change_note_and_quantity(name: str, note: str, qty: float, total: float) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.note, doc.total = note, total
	doc.rows[0].qty = qty
	doc.save()


@pytest.fixture
def asked(producer, consumer) -> dict:
	"""The event of an order that was changed on both sites."""
	with_orders(producer, consumer)
	subscribe(consumer, producer, ORDER, conflict_policy="Ask")
	values = {"title": unique("order"), "note": "first", "rows": [{"item": "bolt", "qty": 1}]}
	name = producer.run(insert, doctype=ORDER, **values)
	pull(consumer, producer)
	consumer.run(change_note_and_quantity, name=name, note=OURS, qty=2, total=10)
	producer.run(change_note_and_quantity, name=name, note=THEIRS, qty=3, total=20)
	producer.run(change, doctype=ORDER, name=name, urgent=1)
	pull(consumer, producer)
	[log] = sync_logs(consumer, status="Conflict")
	return log


def test_a_person_picks_the_values_to_keep(desk, consumer, asked):
	window = desk(consumer)
	window.open_form("Event Sync Log", asked["name"])
	window.screenshot("conflict-asked")
	table = window.page.locator("[data-fieldname='conflicts_html'] table:visible")
	assert table.locator("tbody tr").count() == 3
	assert OURS in table.inner_text() and THEIRS in table.inner_text()

	window.press("Keep the Picked Values")
	assert "Note" in window.take_message()
	table.locator("label", has_text=OURS).click()
	table.locator("input[value='there'][name='total']").check()
	window.press("Keep the Picked Values")
	assert "Note" not in window.take_message()
	table.locator("input[value='there'][name^='rows.']").check()
	window.screenshot("conflict-picked")
	window.press("Keep the Picked Values")
	window.wait_until("cur_frm.doc.status === 'Synced'")
	window.settle()
	window.screenshot("conflict-settled")

	order = consumer.run(read_doc, doctype=ORDER, name=asked["producer_doc"])
	kept = (order["note"], order["total"], order["rows"][0]["qty"], order["urgent"])
	assert kept == (OURS, 20, 3, 1)
	assert table.locator("input").count() == 0
	assert table.locator("td.bold").all_inner_texts() != []


def test_the_list_of_events_shows_what_waits(desk, consumer, asked):
	window = desk(consumer)
	window.open_list("Event Sync Log")
	window.screenshot("conflict-list")

	rows = window.page.locator(".list-row-container:visible")
	assert rows.filter(has_text="Conflict").count() == 1
	assert rows.filter(has_text="Waiting").count() == 1
