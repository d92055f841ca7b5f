"""The workspace shows how both roles of a site stand, leads through the first set-up, and looks right in any light and size."""

import pytest
from browsing import PERSON, WINDOW
from logs import sync_logs

PHONE = {"width": 390, "height": 844}
NOTHING_STICKS_OUT = "document.documentElement.scrollWidth <= window.innerWidth"
CHART_IS_DRAWN = """(name) => [...document.querySelectorAll('.dashboard-widget-box')].some(
	(box) => box.innerText.includes(name) && box.querySelector('.dataset-units rect, .dataset-units path'))"""
NUMBER = """(label) => {
	const box = [...document.querySelectorAll('.number-widget-box')].find((each) => each.textContent.includes(label));
	return box && box.querySelector('.number') ? box.querySelector('.number').innerText.trim() : null;
}"""


def set_theme(email: str, theme: str) -> None:
	import frappe

	frappe.db.set_value("User", email, "desk_theme", theme)
	frappe.clear_cache(user=email)


def set_onboarding(enabled: int) -> None:
	"""As the setup wizard leaves it."""
	import frappe

	frappe.db.set_single_value("System Settings", "enable_onboarding", enabled)
	frappe.clear_cache()


def begin_onboarding_anew() -> None:
	import frappe

	for name in frappe.get_all("Onboarding Step", {"name": ["like", "Event Streaming%"]}, pluck="name"):
		frappe.db.set_value("Onboarding Step", name, {"is_complete": 0, "is_skipped": 0})


def open_workspace(window) -> None:
	window.open("event-streaming")
	window.page.locator(".number-widget-box .number").first.wait_for()
	window.settle()


def test_numbers_and_charts_of_both_roles(desk, streams):
	here, there = desk(streams.consumer), desk(streams.producer)
	synced = len(sync_logs(streams.consumer, status="Synced"))

	open_workspace(here)
	assert here.value(NUMBER, "Applied in the Last Hour") == str(synced)
	assert here.value(NUMBER, "Failed Events") == "1"
	assert here.value(NUMBER, "Events Behind") == "0"
	assert here.value(NUMBER, "Oldest Waiting Event") not in ("None", None)
	for chart in ("Events per Hour", "Longest Delay"):
		here.wait_until(CHART_IS_DRAWN, chart)
	here.page.locator(".number-widget-box", has_text="Failed Events").locator(".number").click()
	here.wait_until("frappe.get_route()[0] === 'event-streaming-causes'")
	here.settle()

	open_workspace(there)
	assert there.value(NUMBER, "Logged in the Last Hour") not in ("0", None)
	assert there.value(NUMBER, "Oldest Waiting Event") == "None"
	there.wait_until(CHART_IS_DRAWN, "Events per Hour")


@pytest.mark.parametrize(("theme", "size"), [("Dark", WINDOW), ("Light", PHONE)])
def test_in_the_dark_and_on_a_phone(desk, streams, theme, size):
	window = desk(streams.consumer)
	window.page.set_viewport_size(size)
	streams.consumer.run(set_theme, email=PERSON, theme=theme)
	failed = sync_logs(streams.consumer, status="Failed")[0]["name"]
	look = f"{theme}-{size['width']}".lower()
	try:
		open_workspace(window)
		window.screenshot(f"{look}-workspace")
		assert window.value(NOTHING_STICKS_OUT)
		for doctype, name in (("Event Producer", streams.event_producer), ("Event Sync Log", failed)):
			window.open_form(doctype, name)
			window.screenshot(f"{look}-{doctype}")
			assert window.value(NOTHING_STICKS_OUT), doctype
		assert window.value("document.documentElement.getAttribute('data-theme')") == theme.lower()
	finally:
		streams.consumer.run(set_theme, email=PERSON, theme="Light")


def test_the_first_set_up_leads_to_where_it_says(desk, consumer):
	consumer.run(set_onboarding, enabled=1)
	consumer.run(begin_onboarding_anew)
	window = desk(consumer)
	try:
		for title, button, arrived in (
			("Invite the other", "Event Consumers", "frappe.get_route()[1] === 'Event Consumer'"),
			("Join with", "Event Producers", "frappe.get_route()[1] === 'Event Producer'"),
			("Approve what", "Event Consumers", "frappe.get_route()[1] === 'Event Consumer'"),
		):
			open_workspace(window)
			box = window.page.locator(".onboarding-widget-box:visible")
			box.locator(".onboarding-step", has_text=title).click()
			window.screenshot("onboarding")
			box.locator(".onboarding-step-footer button", has_text=button).click()
			window.wait_until(arrived)
			window.settle()
	finally:
		consumer.run(set_onboarding, enabled=0)
		consumer.run(begin_onboarding_anew)


def test_the_guides_are_read_in_the_desk_and_lead_to_each_other(desk, consumer):
	window = desk(consumer)
	window.open("event-streaming-guide")
	guide = window.page.locator(".event-streaming-guide")
	guide.locator("h1", has_text="User guide").wait_for()

	guide.locator("a", has_text="Conditions").first.click()
	window.settle()
	window.wait_until("document.querySelector('.event-streaming-guide [data-heading=conditions]') !== null")
	window.press("Administrator's guide")
	guide.locator("h1", has_text="Administrator").wait_for()
	guide.locator("a", has_text="user guide").first.click()
	guide.locator("h1", has_text="User guide").wait_for()
	window.settle()
	assert guide.locator("table").count() > 2

	# the address of a code
	window.open("event-streaming-guide/errors/es-407")
	guide.locator("h1", has_text="Error catalogue").wait_for()
	window.wait_until(
		"""() => {
			const found = document.querySelector('.event-streaming-guide [data-heading=es-407]');
			return found && found.getBoundingClientRect().top >= 0 && found.getBoundingClientRect().top < innerHeight;
		}"""
	)
