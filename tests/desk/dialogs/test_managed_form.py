"""The form of a document that head office manages: read-only, with the words that say why; other documents as ever."""

from browsing import slug
from doctypes import ORDER
from documents import insert
from logs import sync_logs


def manage(name: str, doctype: str, free: str = "") -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	for row in doc.producer_doctypes:
		if row.ref_doctype == doctype:
			row.managed_by_producer, row.fields_this_site_decides = 1, free
	doc.save()


def editable(window, fieldname: str) -> bool:
	return window.value("(fieldname) => cur_frm.fields_dict[fieldname].disp_status === 'Write'", fieldname)


def test_a_managed_document_is_read_only_and_says_why(desk, streams):
	name = sync_logs(streams.consumer, ref_doctype=ORDER)[0]["docname"]
	own = streams.consumer.run(insert, doctype=ORDER, title="Ours")
	streams.consumer.run(manage, name=streams.event_producer, doctype=ORDER)
	window = desk(streams.consumer)

	window.open(f"{slug(ORDER)}/{name}")
	window.page.locator(".form-message:visible", has_text="is managed there").wait_for()
	window.screenshot("managed-form")
	assert streams.producer.url in window.page.locator(".form-message:visible").inner_text()
	assert not editable(window, "title") and not editable(window, "rows") and not editable(window, "note")
	assert window.page.locator("button.primary-action:visible").count() == 0

	# the same form shows the next document
	window.open_form(ORDER, own)
	assert editable(window, "title") and editable(window, "rows")
	assert window.page.locator("button.primary-action:visible").count() == 1

	streams.consumer.run(manage, name=streams.event_producer, doctype=ORDER, free="note")
	window.open(f"{slug(ORDER)}/{name}")
	window.page.locator(".form-message:visible", has_text="only these fields can be changed: Note").wait_for()
	assert editable(window, "note") and not editable(window, "title")
	window.value("cur_frm.set_value('note', 'ours')")
	window.wait_until("cur_frm.is_dirty()")
	window.value("cur_frm.save()")
	window.wait_until("!cur_frm.is_dirty()")
	window.screenshot("managed-form-with-a-field-of-ours")
	window.page.set_viewport_size({"width": 390, "height": 800})
	window.settle()
	window.screenshot("managed-form-on-a-phone")
