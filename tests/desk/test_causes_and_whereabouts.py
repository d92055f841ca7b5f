"""What has failed is mended cause by cause on one page; where a document is stands on another. Both on a phone and in the dark."""

from browsing import PERSON, WINDOW
from logs import sync_logs

PHONE = {"width": 390, "height": 844}
NOTHING_STICKS_OUT = "document.documentElement.scrollWidth <= window.innerWidth"
HARM = "<img src=nowhere onerror=\"window.harmed = 'yes'\">"
SMALL_TARGETS = """() => [...document.querySelectorAll('.event-streaming-causes button, .event-streaming-where button')]
	.filter((each) => !each.innerText.trim() && !each.getAttribute('aria-label')).length"""


def set_theme(email: str, theme: str) -> None:
	import frappe

	frappe.db.set_value("User", email, "desk_theme", theme)
	frappe.clear_cache(user=email)


def look_at(window, site, route: str, ready: str) -> None:
	"""A page in both sizes and both lights: nothing sticks out, and every button has a name."""
	for theme, size in (("Dark", PHONE), ("Light", PHONE), ("Dark", WINDOW), ("Light", WINDOW)):
		window.page.set_viewport_size(size)
		site.run(set_theme, email=PERSON, theme=theme)
		window.open(route)
		window.page.locator(ready).first.wait_for()
		window.settle()
		window.screenshot(f"{route.split('/')[0]}-{theme.lower()}-{size['width']}")
		assert window.value(NOTHING_STICKS_OUT), (theme, size)
	assert window.value(SMALL_TARGETS) == 0


def test_a_cause_is_seen_and_skipped_with_a_reason_and_its_document_says_so(desk, streams):
	window = desk(streams.consumer)
	look_at(window, streams.consumer, "event-streaming-causes", ".event-streaming-causes section")
	assert "Name taken on this site" in window.text() and streams.taken in window.text()

	window.press("Skip All With a Reason")
	window.page.locator(".modal.show textarea").fill("the local one is right")
	window.screenshot("causes-reason")
	window.confirm()
	window.page.locator(".event-streaming-causes", has_text="Nothing has failed.").wait_for()
	window.settle()

	assert len(sync_logs(streams.consumer, status="Skipped")) == 1

	# on the site where it was made, its form leads to where it is
	there = desk(streams.producer)
	there.open_form("Streamed City", streams.taken)
	there.press("Where Is It?")
	there.page.locator(".event-streaming-where section li").first.wait_for()
	there.wait_until("document.querySelector('.event-streaming-where').innerText.includes('Skipped')")
	look_at(
		there,
		streams.producer,
		f"event-streaming-where/Streamed City/{streams.taken}",
		".event-streaming-where section li",
	)
	assert "Numbered" in there.text() and "Skipped" in there.text()
	window.open(f"event-streaming-where/Streamed City/{streams.taken}")
	window.wait_until(
		"document.querySelector('.event-streaming-where').innerText.includes('the local one is right')"
	)
	window.screenshot("event-streaming-where-consumer")


def put_harm_into(name: str | int, producer: str) -> int:
	"""As if another site had sent it: a document with this name, and values and an error that hold it."""
	import frappe

	from event_streaming.consumer.logs import sync_log
	from event_streaming.consumer.logs.causes import Cause

	# names with such characters are refused before: what is free to hold them is an error and what was sent
	sync_log.set_cause(name, Cause("LinkValidationError", "Streamed City", HARM, f"Could not find {HARM}"))
	data = frappe.as_json({"changed": {"title": HARM, HARM: HARM}})
	values = {"data": data, "error": f"{HARM}\n{HARM}", "outcome": HARM, "warnings": HARM}
	frappe.db.set_value("Event Sync Log", name, values)
	state = frappe.db.get_value("Event Producer Last Update", {"event_producer": producer})
	frappe.db.set_value("Event Producer Last Update", state, {"last_error": HARM, "connection": "Refused"})
	return frappe.db.count("Event Sync Log", {"outcome": HARM})


def test_a_document_that_another_site_has_named_does_no_harm(desk, streams):
	[failed] = sync_logs(streams.consumer, status="Failed")
	assert streams.consumer.run(put_harm_into, name=failed["name"], producer=streams.event_producer) == 1
	window = desk(streams.consumer)

	for open_it, ready in (
		(lambda: window.open_list("Event Sync Log"), ".list-row"),
		(lambda: window.open_form("Event Sync Log", failed["name"]), ".form-message:visible"),
		(lambda: window.open_form("Event Producer", streams.event_producer), ".form-message:visible"),
		(lambda: window.open("event-streaming-causes"), ".event-streaming-causes section"),
		(
			lambda: window.open(f"event-streaming-connection/{streams.event_producer}"),
			".event-streaming-connection section",
		),
	):
		open_it()
		window.page.locator(ready).first.wait_for()
		window.settle()
		assert "onerror" in window.text() or "connection" in ready, ready
		assert window.value("window.harmed || 'no'") == "no", ready
