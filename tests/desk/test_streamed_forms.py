"""Forms say in plain words what was changed, what has been taken, and where a document came from or goes."""

import pytest
from browsing import PERSON, Desk, slug
from doctypes import CITY, ORDER
from documents import delete, read_doc
from logs import sync_logs, update_logs
from streams import pull

# shown as text, whatever it is
SHARP = "<b>bold</b> & more"
READER, READERS_PASSWORD = "reader.of.orders@example.com", "also-not-a-secret"


def change_rows(name: str, note: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.note, doc.urgent = note, 1
	doc.rows[0].qty = 7
	doc.append("rows", {"item": "Salt", "qty": 2, "gift": 1})
	doc.save()


def remove_first_row(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.remove(doc.rows[0])
	doc.save()


@pytest.fixture
def order(streams) -> str:
	[name] = {row["docname"] for row in sync_logs(streams.consumer, ref_doctype=ORDER)}
	return name


def rows_of_change(window) -> list[list[str]]:
	rows = window.page.locator("[data-fieldname='change_html'] tbody tr:visible")
	return [row.locator("td").all_inner_texts() for row in rows.all()]


def test_a_change_is_a_table_of_old_and_new_values(desk, streams, order):
	streams.producer.run(change_rows, name=order, note=SHARP)
	streams.producer.run(remove_first_row, name=order)
	pull(streams.consumer, streams.producer)
	made, _first, rows_changed, row_removed = sync_logs(streams.consumer, ref_doctype=ORDER)
	window = desk(streams.consumer)

	window.open_form("Event Sync Log", rows_changed["name"])
	window.page.locator("[data-fieldname='change_html'] table:visible").wait_for()
	window.screenshot("change-table")
	change = {label: (before, after) for label, before, after in rows_of_change(window)}
	assert change["Urgent"] == ("No", "Yes")
	assert change["Note"] == ("", streams.consumer.run(read_doc, doctype=ORDER, name=order)["note"])
	assert next(value for label, value in change.items() if "Quantity" in label) == ("5", "7")
	assert change["Rows: row added"] == ("", "Item: Salt\nQuantity: 2\nGift: Yes")
	window.open_form("Event Sync Log", row_removed["name"])
	assert [row[0] for row in rows_of_change(window) if "removed" in row[0]] == ["Rows: row removed"]
	window.open_form("Event Sync Log", made["name"])
	assert ["Title", "", "Rice"] in rows_of_change(window)


def set_data(name: str, data: str) -> None:
	import frappe

	frappe.db.set_value("Event Sync Log", name, "data", data)


def test_an_event_that_is_not_what_it_should_be_has_its_form_all_the_same(desk, streams):
	[row] = sync_logs(streams.consumer, ref_doctype=ORDER, update_type="Update")
	streams.consumer.run(
		set_data, name=row["name"], data='{"added": {"rows": [null]}, "removed": {"rows": 7}}'
	)
	window = desk(streams.consumer)

	window.open_form("Event Sync Log", row["name"])

	window.page.locator("[data-fieldname='change_html']:visible", has_text="can't be shown").wait_for()
	window.settle()


def test_saved_views_of_the_log(desk, streams):
	window = desk(streams.consumer)
	window.open_list("Event Sync Log")
	# 16 has them behind a button, 15 in the sidebar
	if (button := window.page.locator("button:visible", has_text="Saved Filters")).count():
		button.first.click()
	views = window.page.locator(".saved-filter-item:visible .filter-label, .filter-pill:visible .filter-name")

	assert {"Failed", "Waiting", "Conflicts"} <= {text.strip() for text in views.all_inner_texts()}
	views.filter(has_text="Failed").first.click()
	window.wait_until("cur_list.data.length === 1 && cur_list.data[0].status === 'Failed'")
	window.settle()


def test_a_consumer_shows_what_it_has_taken_and_is_paused_by_a_button(desk, streams):
	window = desk(streams.producer)
	window.open_form("Event Consumer", streams.consumer.url)
	table = window.page.locator("[data-fieldname='taken_html'] table:visible")
	rows = {row.locator("td").first.inner_text(): row.inner_text() for row in table.locator("tbody tr").all()}

	assert set(rows) == {ORDER, CITY}
	assert "Approved" in rows[ORDER] and "2" in rows[ORDER] and "never" not in rows[ORDER]
	for button, paused in (("Pause", 1), ("Resume", 0)):
		window.press(button)
		window.wait_until("(paused) => cur_frm.doc.paused === paused && !cur_frm.is_dirty()", paused)
		window.settle()


def test_a_producer_is_paused_by_a_button_and_shows_how_much_came(desk, streams):
	window = desk(streams.consumer)
	window.open_form("Event Producer", streams.event_producer)
	synced = len(sync_logs(streams.consumer, status="Synced"))

	assert f"{synced} in the last hour" in window.text()
	for button, paused in (("Pause", 1), ("Resume", 0)):
		window.press(button)
		window.wait_until("(paused) => cur_frm.doc.paused === paused && !cur_frm.is_dirty()", paused)
		window.settle()


def test_a_document_says_where_it_came_from_and_where_it_goes(desk, streams, order):
	here, there = desk(streams.consumer), desk(streams.producer)
	for window, doctype, text, events in (
		(here, "Event Sync Log", "Streamed from", len(sync_logs(streams.consumer, ref_doctype=ORDER))),
		(there, "Event Update Log", "Streamed to", len(update_logs(streams.producer, ref_doctype=ORDER))),
	):
		window.open(f"{slug(ORDER)}/{order}")
		link = window.page.locator("a.event-streaming-indicator:visible", has_text=text)
		link.wait_for()
		window.value("cur_frm.refresh()")
		window.settle()
		assert link.count() == 1
		link.click()
		window.wait_until(
			"([doctype, events]) => window.cur_list && cur_list.doctype === doctype && cur_list.data.length === events",
			[doctype, events],
		)
		window.settle()


def test_other_forms_ask_for_nothing(desk, streams):
	window = desk(streams.consumer)
	window.open_form("Event Producer", streams.event_producer)
	asked = []
	window.page.on("request", lambda request: asked.append(request.url))

	window.open_form("User", PERSON)

	assert asked and not [url for url in asked if "get_streams" in url]


def make_reader(email: str, password: str) -> None:
	import frappe
	from frappe.permissions import add_permission
	from frappe.utils.password import update_password

	if not frappe.db.exists("Role", "Order Reader"):
		frappe.get_doc({"doctype": "Role", "role_name": "Order Reader", "desk_access": 1}).insert()
	if not frappe.db.exists("User", email):
		user = {"doctype": "User", "email": email, "first_name": "Reader", "send_welcome_email": 0}
		frappe.get_doc(user).insert().add_roles("Order Reader")
	update_password(email, password)
	add_permission(ORDER, "Order Reader")


def test_a_reader_sees_the_origin_but_no_way_to_the_logs(browser, built_desk, streams, order):
	streams.consumer.run(make_reader, email=READER, password=READERS_PASSWORD)
	context = browser.new_context()
	window = Desk(context, streams.consumer.url)
	login = {"usr": READER, "pwd": READERS_PASSWORD}
	assert context.request.post(f"{streams.consumer.url}/api/method/login", form=login).ok

	window.open(f"{slug(ORDER)}/{order}")

	window.page.locator("span.event-streaming-indicator:visible", has_text="Streamed from").wait_for()
	assert window.page.locator("a.event-streaming-indicator").count() == 0
	context.close()
	streams.consumer.run(delete, doctype="User", name=READER)
