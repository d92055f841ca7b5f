"""The map and a connection's page: on a phone and in the dark, by keyboard, and without a fault that axe would find."""

import os
from urllib.parse import quote

import pytest
from browsing import PERSON, WINDOW, Desk
from doctypes import CITY
from test_causes_and_whereabouts import NOTHING_STICKS_OUT, PHONE, set_theme

from sandbox.engine.monoframe import ENGINE
from sandbox.paths import assets_folder

AXE = assets_folder() / ENGINE / "node_modules" / "axe-core" / "axe.min.js"
OURS = "event-streaming-connection"
# what is ours of a page; the Desk around it is Frappe's
FAULTS = """async (selector) => (await axe.run(document.querySelector(selector), {resultTypes: ['violations']})).violations
	.map((each) => `${each.id}: ${each.help}: ${each.nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\\n  ')}`)"""


def faults(window: Desk, selector: str) -> list[str]:
	"""What axe says against a part of the page."""
	if os.environ.get("EVENT_STREAMING_BENCH"):
		return []
	window.page.add_script_tag(path=AXE)
	return window.value(FAULTS, selector)


def look_at(window: Desk, site, route: str, selector: str, name: str) -> None:
	for theme, size in (("Dark", PHONE), ("Light", PHONE), ("Dark", WINDOW), ("Light", WINDOW)):
		window.page.set_viewport_size(size)
		site.run(set_theme, email=PERSON, theme=theme)
		window.open(route)
		window.page.locator(f"{selector} section, {selector} h1").first.wait_for()
		window.settle()
		window.screenshot(f"{name}-{theme.lower()}-{size['width']}")
		assert window.value(NOTHING_STICKS_OUT), (name, theme, size)
		assert not faults(window, selector), (name, theme, size)


def test_from_the_map_to_a_connection_that_is_paused_by_keyboard(desk, streams):
	window, page = desk(streams.consumer), f".{OURS}"
	look_at(window, streams.consumer, OURS, page, "map")

	window.page.locator(f"{page} svg a").focus()
	window.page.keyboard.press("Enter")
	window.page.locator("[role=tabpanel] section").wait_for()
	window.settle()
	assert streams.event_producer in window.text() and "Name taken on this site" in window.text()

	look_at(window, streams.consumer, f"{OURS}/{quote(streams.event_producer, safe='')}", page, "connection")
	window.page.get_by_role("switch", name=f"Subscribed to {CITY}").press("Enter")
	window.screenshot("connection-unsubscribe")
	window.confirm()
	window.page.locator("[role=tabpanel]", has_text="Unsubscribed").wait_for()
	window.settle()

	window.page.get_by_role("tab", name="Status").press("ArrowRight")
	for tab, seen in (
		("timeline", "Subscription Changed"),
		("schema", "The fields"),
		("settings", "Use Same Name"),
	):
		window.page.locator("[role=tabpanel]", has_text=seen).wait_for()
		window.settle()
		window.screenshot(f"connection-{tab}")
		window.page.set_viewport_size(PHONE)
		assert window.value(NOTHING_STICKS_OUT), tab
		window.screenshot(f"connection-{tab}-390")
		assert not faults(window, page), tab
		window.page.set_viewport_size(WINDOW)
		window.page.keyboard.press("ArrowRight")


@pytest.mark.parametrize("name", ["causes", "guide", "where"])
def test_our_other_pages_have_no_fault_that_axe_finds(desk, streams, name):
	window = desk(streams.consumer)
	route = f"event-streaming-{name}"
	window.open(route)
	window.page.locator(f".{route}").wait_for(state="attached")
	window.settle()

	assert not faults(window, f".{route}")
