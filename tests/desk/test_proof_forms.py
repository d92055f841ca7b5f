"""The forms say since when nothing is missing, how a verify begins by itself, and let a finding be put off."""

import re

from documents import read_doc
from streams import pull

FINDING = "Event Streaming Finding"


def find(message: str) -> str:
	"""As the doctor's daily look keeps it; returns the row."""
	import frappe

	from event_streaming.admin.daily import looking
	from event_streaming.admin.doctor.finding import Finding

	looking.keep([Finding("retention", "Event Sync Log", "warning", message, "Add it to Log Settings.")])
	return frappe.get_all("Event Streaming Finding", pluck="name")[0]


def test_since_when_it_is_caught_up_and_how_it_is_proved_stand_on_the_form(desk, streams):
	pull(streams.consumer, streams.producer)
	kept = streams.consumer.run(read_doc, doctype="Event Producer", name=streams.producer.url)
	window = desk(streams.consumer)

	window.open_form("Event Producer", kept["name"])
	text = window.text()
	window.page.locator(".section-head", has_text="Scheduled Verify").click()
	window.page.locator("[data-fieldname='verify_by_itself'] select").select_option("Every Day")
	window.page.locator("select[data-fieldname='verify_share']:visible").wait_for()
	window.screenshot("scheduled-verify")
	window.page.set_viewport_size({"width": 390, "height": 844})
	window.screenshot("scheduled-verify-narrow")

	assert re.search(r"Caught up as of \d\d:\d\d:\d\d\b", text)


def test_a_finding_is_put_off_for_a_reason(desk, streams):
	name = streams.consumer.run(find, message="It is not in Log Settings: it grows.")
	window = desk(streams.consumer)

	window.open_form(FINDING, name)
	assert "Add it to Log Settings." in window.text()
	window.value("cur_frm.set_value({put_off_until: '2099-01-31', reason: 'a disk is ordered'})")
	window.value("cur_frm.save()")
	window.wait_until("() => !cur_frm.is_dirty() && cur_frm.doc.put_off_by")
	window.screenshot("finding")
	window.open_list(FINDING)
	window.screenshot("findings")

	kept = streams.consumer.run(read_doc, doctype=FINDING, name=name)
	assert (kept["put_off_until"], kept["reason"]) == ("2099-01-31", "a disk is ordered")
	assert "Put Off" in window.text()
