"""The map and a connection's page: on a phone and in the dark, by keyboard; and no page of ours has a fault that axe would find."""

import os

import pytest
from browsing import WINDOW, Desk
from doctypes import CITY, ORDER
from documents import insert
from test_causes_and_whereabouts import NOTHING_STICKS_OUT, PHONE

from sandbox.engine.monoframe import ENGINE
from sandbox.paths import assets_folder

AXE = assets_folder() / ENGINE / "node_modules" / "axe-core" / "axe.min.js"
OURS = "event-streaming-connection"
PAGE = f".{OURS}"
# what is ours of a page; the Desk around it is Frappe's
FAULTS = """async ([selector, contrast]) => (await axe.run(document.querySelector(selector), {
		resultTypes: ['violations'], rules: {'color-contrast': {enabled: contrast}},
	})).violations
	.map((each) => `${each.id}: ${each.help}: ${each.nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\\n  ')}`)"""
SHOW_AGAIN = f"frappe.pages['{OURS}'].connections.refresh()"
SET_THEME = "(theme) => document.documentElement.setAttribute('data-theme', theme)"


def faults(window: Desk, selector: str = PAGE, contrast: bool = True) -> list[str]:
	"""What axe says against a part of the page; contrast takes it long. A bench has not got axe."""
	if os.environ.get("EVENT_STREAMING_BENCH"):
		return []
	if not window.value("Boolean(window.axe)"):
		window.page.add_script_tag(path=AXE)
	return window.value(FAULTS, [selector, contrast])


def look_at(window: Desk, name: str) -> None:
	"""The page that is shown in both sizes and both lights: what is too wide is so in either, and colours are alike in both sizes."""
	for size, theme in ((PHONE, "dark"), (WINDOW, "light")):
		window.page.set_viewport_size(size)
		window.value(SET_THEME, theme)
		window.value(SHOW_AGAIN)
		window.settle()
		window.screenshot(f"{name}-{theme}-{size['width']}")
		assert window.value(NOTHING_STICKS_OUT), (name, theme, size)
		assert not faults(window), (name, theme, size)


@pytest.fixture
def new_field(streams):
	"""The producer has a field that this site lacks."""
	streams.producer.run(
		insert, doctype="Custom Field", dt=ORDER, fieldname="es_new", label="New There", fieldtype="Data"
	)
	yield
	for site in (streams.producer, streams.consumer):
		site.run(remove_field, doctype=ORDER, fieldname="es_new")


def remove_field(doctype: str, fieldname: str) -> None:
	import frappe

	for name in frappe.get_all("Custom Field", {"dt": doctype, "fieldname": fieldname}, pluck="name"):
		frappe.delete_doc("Custom Field", name)


def test_from_the_map_through_a_connections_tabs_by_keyboard_and_no_page_of_ours_has_a_fault(
	desk, streams, new_field
):
	window = desk(streams.consumer)
	window.open(OURS)
	window.page.locator(f"{PAGE} svg").wait_for()
	look_at(window, "map")
	window.page.locator(f"{PAGE} svg a").focus()
	window.page.keyboard.press("Enter")
	window.page.locator("[role=tabpanel]", has_text="Name taken on this site").wait_for()
	look_at(window, "connection")

	window.page.get_by_role("switch", name=f"Subscribed to {CITY}").press("Enter")
	window.screenshot("connection-unsubscribe")
	window.confirm()
	window.page.locator("[role=tabpanel]", has_text="Unsubscribed").wait_for()
	window.settle()
	for tab, seen in (
		("Timeline", "Subscription Changed"),
		("Schema", "lacks fields here"),
		("Settings", "Use Same Name"),
	):
		window.page.locator("[role=tab][aria-selected=true]").press("ArrowRight")
		window.page.locator("[role=tabpanel]", has_text=seen).wait_for()
		assert window.page.locator("[role=tab][aria-selected=true]").inner_text() == tab
		for size in (PHONE, WINDOW):
			window.page.set_viewport_size(size)
			window.screenshot(f"connection-{tab.lower()}-{size['width']}")
			assert window.value(NOTHING_STICKS_OUT), tab
		assert not faults(window, contrast=False), tab
		if tab == "Schema":
			window.press("Create the Field Here")
			window.confirm()
			window.page.locator("[role=tabpanel]", has_text="The fields of both sites fit").wait_for()

	window.page.get_by_role("tab", name="Status").click()
	window.page.get_by_role("link", name="Name taken on this site").click()
	window.page.locator(".event-streaming-causes section").wait_for()
	for name in ("causes", "guide", "where"):
		window.value("(name) => { frappe.set_route(`event-streaming-${name}`) }", name)
		window.page.locator(f".event-streaming-{name}").wait_for(state="attached")
		window.settle()
		# the guide is long
		assert not faults(window, f".event-streaming-{name}", contrast=name != "guide"), name
