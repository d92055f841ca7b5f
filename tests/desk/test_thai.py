"""A person whose language is Thai reads the app's labels and messages in Thai."""

import pytest
from browsing import PERSON, slug
from logs import sync_logs

from tools.translations import translations

THAI = dict(translations())


def set_language(email: str, language: str) -> None:
	import frappe

	frappe.db.set_value("User", email, "language", language)
	frappe.clear_cache(user=email)


@pytest.fixture
def window(desk, streams):
	opened = desk(streams.consumer)
	streams.consumer.run(set_language, email=PERSON, language="th")
	yield opened
	streams.consumer.run(set_language, email=PERSON, language="")


def test_forms_lists_and_messages_are_in_thai(window, streams):
	window.open("event-streaming")
	window.page.locator(".layout-main-section .widget").first.wait_for()
	window.settle()
	window.screenshot("thai-workspace")
	assert THAI["Event Producer"] in window.text()

	[failed] = sync_logs(streams.consumer, status="Failed")
	for doctype, name in (("Event Producer", streams.event_producer), ("Event Sync Log", failed["name"])):
		window.open_list(doctype)
		window.screenshot(f"thai-list-{slug(doctype)}")
		window.open_form(doctype, name)
		window.screenshot(f"thai-form-{slug(doctype)}")
		assert THAI["Document Type"] in window.text()

	window.open_form("Event Producer", streams.event_producer)
	window.press(THAI["Test Connection"])
	answer = THAI["{0} answers. Nothing is waiting there."].format(streams.producer.url)
	assert answer in window.take_message()


def test_what_the_server_refuses_is_said_in_thai(window, streams):
	window.open_form("Event Streaming Settings")
	window.fill("public_url", "not an address")
	window.page.locator(".primary-action:visible").first.click()

	message = window.page.locator(".modal.show .msgprint")
	message.wait_for()
	window.screenshot("thai-refused")
	window.complaints.clear()
	assert THAI["Public URL must be an address such as https://erp.example.com"] in message.inner_text()
