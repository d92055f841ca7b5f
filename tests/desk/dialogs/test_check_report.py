"""Check Before You Begin: from the button on the form to the list of findings, and one of them mended by its button."""

import re

from documents import read_doc
from test_actions import work_on

TASK = "Event Streaming Task"


def test_a_check_lists_what_does_not_fit_and_a_button_mends_it(desk, streams):
	window = desk(streams.consumer)
	window.open_form("Event Producer", streams.event_producer)
	window.press("Check Before You Begin")
	window.page.locator(".desk-alert", has_text="Nothing is changed.").wait_for()
	window.screenshot("check-begun")
	name = streams.consumer.run(work_on, event_producer=streams.event_producer, kind="Check")
	message = window.take_message()
	window.settle()
	window.open_form(TASK, name)
	window.page.get_by_text("What a first copy brings").wait_for()

	text = window.text()
	# other tests may have left documents that are in the way as well
	assert re.search(r"Stops: [1-9]\d*, may hurt: \d+\.", message) and "Findings" in message
	assert re.search(r"Streamed City: other documents here have these names already \(\d+\): ", text)
	assert "Taken" in text
	window.screenshot("check")
	window.page.set_viewport_size({"width": 390, "height": 844})
	window.page.reload()
	window.page.get_by_text("What a first copy brings").wait_for()
	window.settle()
	window.screenshot("check-narrow")
	window.page.get_by_text("Set Match By").first.scroll_into_view_if_needed()
	window.screenshot("check-narrow-findings")
	assert window.value("document.documentElement.scrollWidth <= 392")
	window.page.set_viewport_size({"width": 1400, "height": 900})
	window.press("Set Match By")
	window.page.locator(".modal.show .btn-primary:visible").first.wait_for()
	window.settle()
	window.screenshot("check-mend")
	window.confirm()
	window.page.get_by_text("Match By of Streamed City is name now.").first.wait_for()
	window.value("document.documentElement.setAttribute('data-theme', 'dark')")
	window.screenshot("check-dark")

	rows = streams.consumer.run(read_doc, doctype="Event Producer", name=streams.event_producer)[
		"producer_doctypes"
	]
	assert {row["match_by"] for row in rows if row["ref_doctype"] == "Streamed City"} == {"name"}
