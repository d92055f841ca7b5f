"""What an administrator met who had never seen the app, in the Desk: refusals are told, conditions are shown, and forms are live."""

from doctypes import CITY, ORDER
from documents import delete
from logs import sync_logs

CONDITION = "doc.country_name == 'Laos'"


def set_secret(name: str, secret: str) -> None:
	"""As if it had never been another."""
	import frappe
	from frappe.utils.password import set_encrypted_password

	set_encrypted_password("Event Producer", name, secret, "api_secret")
	frappe.clear_document_cache("Event Producer", name)


def ask_for(name: str, condition: str) -> None:
	"""The subscriber asks for fewer cities from now on."""
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	row = next(row for row in doc.producer_doctypes if row.ref_doctype == "Streamed City")
	row.condition = condition
	doc.save()


def test_a_wrong_secret_is_told_in_the_words_of_who_refuses_it(desk, streams):
	streams.consumer.run(set_secret, name=streams.event_producer, secret="wrong")
	window = desk(streams.consumer)
	window.open_form("Event Producer", streams.event_producer)

	window.press("Test Connection")
	text = window.take_message()
	# the answer has an error's status
	window.complaints.clear()

	assert "check the API key and secret" in text and "contact your manager" not in text


def test_what_is_asked_for_and_decided_shows_on_open_forms_and_a_condition_before_it_is_approved(
	desk, streams
):
	here, there = desk(streams.consumer), desk(streams.producer)
	there.open_form("Event Consumer", streams.consumer.url)
	here.open_form("Event Producer", streams.event_producer)
	assert "Approve All" not in there.text()

	streams.consumer.run(ask_for, name=streams.event_producer, condition=CONDITION)

	for window, table in ((there, "consumer_doctypes"), (here, "producer_doctypes")):
		window.wait_until(f"cur_frm.doc.{table}.some((row) => row.status === 'Pending')")
	there.settle()
	there.press("Approve All")
	dialog = there.page.locator(".modal.show:visible")
	dialog.wait_for()
	text = dialog.inner_text()
	there.screenshot("newcomer-approve-all")
	there.confirm()
	here.wait_until("cur_frm.doc.producer_doctypes.every((row) => row.status === 'Approved')")
	there.settle()
	here.settle()

	assert CONDITION in text and "every document" not in text
	assert CITY in text and ORDER not in text


def test_the_doctor_says_in_the_desk_what_events_have_met(desk, streams):
	window = desk(streams.consumer)
	window.open_form("Event Producer", streams.event_producer)

	window.press("Doctor")
	dialog = window.page.locator(".modal.show:visible", has_text="Findings that need you")
	dialog.wait_for()
	window.screenshot("newcomer-doctor")

	assert f"1 events from {streams.event_producer} have failed or are in conflict" in dialog.inner_text()


def test_the_list_shows_what_a_resync_of_all_has_mended(desk, streams):
	window = desk(streams.consumer)
	window.open_list("Event Sync Log")
	window.wait_until("cur_list.data.some((row) => row.status === 'Failed')")
	streams.consumer.run(delete, doctype=CITY, name=streams.taken)

	window.page.locator(".menu-btn-group:visible > button").first.click()
	window.page.locator(".menu-btn-group .dropdown-menu a:visible", has_text="Resync All Failed").click()
	streams.consumer.start_worker()

	window.wait_until("cur_list.data.length && cur_list.data.every((row) => row.status !== 'Failed')")
	window.settle()
	assert sync_logs(streams.consumer, status="Failed") == []
