"""What a person does in the forms and lists of the app works, and says what it did."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import insert, unique
from logs import sync_logs
from scene import make_streams
from streams import KEYS, SUBSCRIBER, make_subscriber, pull, wait_for

FILL_EVENT_PRODUCER = """async ([url, user, key, secret, doctypes]) => {
	await cur_frm.set_value({ producer_url: url, user, api_key: key, api_secret: secret });
	cur_frm.clear_table("producer_doctypes");
	for (const ref_doctype of doctypes) cur_frm.add_child("producer_doctypes", { ref_doctype, use_same_name: 1 });
	cur_frm.refresh_field("producer_doctypes");
}"""


def test_orders_that_the_other_site_has_numbered_itself_do_not_stop_those_that_are_streamed(
	producer, consumer
):
	with_orders(producer, consumer)
	for _ in range(3):
		name = consumer.run(insert, doctype=ORDER, title="its own")
	# sorts after all that is counted
	consumer.run("frappe.rename_doc", doctype=ORDER, old=name, new=unique("Renamed"))

	streams = make_streams(producer, consumer)

	assert [log["producer_doc"] for log in sync_logs(consumer, status="Failed")] == [streams.taken]


def test_subscribing_and_approving(desk, producer, consumer):
	with_orders(producer, consumer)
	for site in (producer, consumer):
		site.run(make_subscriber)
	here, there = desk(consumer), desk(producer)

	here.open_new("Event Producer")
	here.value(FILL_EVENT_PRODUCER, [producer.url, SUBSCRIBER, *KEYS, [ORDER, CITY]])
	here.press("Save")
	here.wait_for_form("Event Producer", producer.url)
	here.screenshot("action-subscribed")
	assert here.value("cur_frm.doc.producer_doctypes.map((row) => row.status)") == ["Pending", "Pending"]

	there.open_form("Event Consumer", consumer.url)
	there.screenshot("action-to-approve")
	there.press("Approve All")
	there.confirm()
	there.wait_until(
		"cur_frm.doc.consumer_doctypes.every((row) => row.status === 'Approved') && !cur_frm.is_dirty()"
	)
	there.settle()

	here.value("cur_frm.reload_doc()")
	here.wait_until("cur_frm.doc.producer_doctypes.every((row) => row.status === 'Approved')")
	here.settle()


def test_the_connection_can_be_tested_and_a_pull_asked_for(desk, streams):
	window = desk(streams.consumer)
	window.open_form("Event Producer", streams.event_producer)

	window.press("Test Connection")
	message = window.take_message()
	window.press("Pull Now")
	window.page.locator(".desk-alert", has_text="pull").first.wait_for()
	window.settle()

	assert "answers" in message


def test_existing_documents_are_copied_and_the_form_shows_how_far_it_is(desk, streams):
	title = unique("existing")
	streams.producer.run(insert_silently, doctype=CITY, title=title)
	window = desk(streams.consumer)
	window.open_form("Event Producer", streams.event_producer)

	window.press("Copy Existing Documents")
	window.confirm()
	window.page.locator(".progress-chart", has_text="Queued").wait_for()
	window.screenshot("action-copy")
	# after a reload too
	window.page.reload()
	window.page.locator(".progress-chart", has_text="checked").wait_for()
	streams.consumer.run(work_on, event_producer=streams.event_producer, kind="Copy")
	message = window.take_message()
	window.settle()

	assert message.startswith("Done")
	assert streams.consumer.run(count_titled, doctype=CITY, title=title) == 1


def insert_silently(doctype: str, title: str) -> None:
	"""As before the subscription: no event tells of it."""
	import frappe

	doc = frappe.get_doc({"doctype": doctype, "title": title, "name": title})
	doc.set_user_and_timestamp()
	doc.db_insert()


def count_titled(doctype: str, title: str) -> int:
	import frappe

	return frappe.db.count(doctype, {"title": title})


def test_documents_are_compared_and_brought_in_line_from_the_forms(desk, streams):
	differing, missing = unique("differing"), unique("missing")
	for title in (differing, missing):
		streams.producer.run(insert_silently, doctype=CITY, title=title)
	streams.consumer.run(
		stand_for, event_producer=streams.event_producer, doctype=CITY, title=differing, country="Siam <b>"
	)
	window = desk(streams.consumer)
	window.open_form("Event Producer", streams.event_producer)

	window.press("Verify")
	window.confirm()
	window.page.locator(".progress-chart", has_text="Queued").wait_for()
	window.page.reload()
	window.page.locator(".progress-chart", has_text="compared").wait_for()
	window.screenshot("action-verify")
	name = streams.consumer.run(work_on, event_producer=streams.event_producer, kind="Verify")
	message = window.take_message()
	window.settle()
	window.open_form("Event Streaming Task", name)
	window.page.locator("td", has_text="Siam <b>").wait_for()
	window.screenshot("action-verify-findings")
	found = window.text()
	window.press("Repair")
	window.page.locator(".modal.show", has_text="Bring ").wait_for()
	window.screenshot("action-repair-plan")
	window.confirm()
	window.wait_until("cur_frm.doc.kind === 'Repair'")
	window.settle()
	streams.consumer.run(work_on, event_producer=streams.event_producer, kind="Repair")
	window.wait_until("cur_frm.doc.status === 'Done'")
	window.settle()
	window.screenshot("action-repaired")

	# the next one only looks at what has changed
	window.open_form("Event Producer", streams.event_producer)
	window.press("Verify")
	window.page.locator(".modal.show [data-fieldname='what_has_changed'] input:visible").check()
	window.screenshot("action-verify-changed")
	window.confirm()
	window.page.locator(".progress-chart", has_text="Queued").wait_for()
	again = streams.consumer.run(work_on, event_producer=streams.event_producer, kind="Verify")
	window.take_message()
	window.settle()
	window.open_form("Event Streaming Task", again)
	window.page.get_by_text("only what has changed since").first.wait_for()

	assert "different" in message and "Findings and Repair" in message
	assert differing in found and missing in found
	assert streams.consumer.run(count_titled, doctype=CITY, title=missing) == 1
	assert streams.consumer.run(country_of, name=differing) is None


def stand_for(event_producer: str, doctype: str, title: str, country: str) -> None:
	"""A document here that stands for the producer's of the same name, and has another country."""
	import frappe

	from event_streaming.identity import registry

	doc = frappe.get_doc({"doctype": doctype, "title": title, "name": title, "country_name": country})
	doc.set_user_and_timestamp()
	doc.db_insert()
	registry.save(registry.own_identity(event_producer, (doctype, title), (doctype, title), None))


def country_of(name: str) -> str | None:
	import frappe

	return frappe.db.get_value(CITY, name, "country_name")


def work_on(event_producer: str, kind: str) -> str:
	"""What a background worker does."""
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task

	name = task.latest(event_producer, kind).name
	while run_slice(name).more:
		pass
	return name


def test_a_failed_event_is_tried_again_and_the_document_adopted(desk, streams):
	[failed] = sync_logs(streams.consumer, status="Failed", producer_doc=streams.taken)
	window = desk(streams.consumer)
	window.open_form("Event Sync Log", failed["name"])

	window.press("Resync")
	window.page.locator(".desk-alert", has_text="Retried").wait_for()
	window.settle()
	window.press("Adopt")
	window.confirm()
	window.wait_until("cur_frm.doc.status === 'Synced'")
	window.settle()
	window.screenshot("action-adopted")


def choose_in_the_list(window, taken: str, action: str) -> None:
	"""An action for the failed events of one document."""
	window.open_list("Event Sync Log")
	window.page.locator(".list-row-checkbox:visible").first.wait_for()
	for box in window.page.locator(".list-row-container:visible", has_text=taken).all():
		box.locator(".list-row-checkbox").check()
	window.page.locator(".actions-btn-group:visible button").first.click()
	window.page.locator(".actions-btn-group .dropdown-menu:visible a", has_text=action).click()


def test_failed_events_are_tried_again_from_the_list(desk, streams):
	window = desk(streams.consumer)

	choose_in_the_list(window, streams.taken, "Resync")
	window.page.locator(".desk-alert", has_text="0 of 1 events synced").wait_for()
	window.settle()


def test_failed_events_are_adopted_from_the_list(desk, streams):
	window = desk(streams.consumer)

	choose_in_the_list(window, streams.taken, "Adopt")
	window.page.locator(".modal.show", has_text="will be overwritten").wait_for()
	window.screenshot("action-adopt-many")
	window.confirm()
	window.page.locator(".desk-alert", has_text="1 adopted, 1 synced").wait_for()
	window.settle()

	assert sync_logs(streams.consumer, status="Failed") == []


def test_all_that_failed_is_tried_again_from_the_menu(desk, streams):
	window = desk(streams.consumer)
	window.open_list("Event Sync Log")

	window.page.locator(".menu-btn-group:visible > button").first.click()
	window.page.locator(".menu-btn-group .dropdown-menu a:visible", has_text="Resync All Failed").click()
	window.page.locator(".desk-alert", has_text="1 events are tried again in the background").wait_for()
	window.settle()
	streams.consumer.start_worker()

	wait_for(lambda: sync_logs(streams.consumer, status="Failed")[0]["attempts"] == 2, "the second attempt")


def test_a_mapping_offers_the_fields_of_the_local_doctype(desk, consumer):
	window = desk(consumer)
	window.open_new("Document Type Mapping")

	window.value("async () => { await cur_frm.set_value('local_doctype', 'Note') }")
	window.wait_until(
		"(cur_frm.fields_dict.field_mapping.grid.docfields.find((df) => df.fieldname === 'local_fieldname').options"
		" || []).some((option) => option.value === 'content')"
	)
	window.settle()


def test_a_mapping_is_made(desk, consumer):
	name = unique("Notes as notes")
	window = desk(consumer)
	window.open_new("Document Type Mapping")

	window.fill("mapping_name", name)
	window.value(
		"""async () => {
			await cur_frm.set_value({ local_doctype: "Note", remote_doctype: "Note" });
			cur_frm.clear_table("field_mapping");
			cur_frm.add_child("field_mapping", { local_fieldname: "title", remote_fieldname: "title" });
			cur_frm.refresh_field("field_mapping");
		}"""
	)
	window.press("Save")

	window.wait_for_form("Document Type Mapping", name)


def test_the_settings_show_the_address_that_others_will_use(desk, consumer):
	window = desk(consumer)
	window.open_form("Event Streaming Settings")

	window.fill("public_url", consumer.url)
	window.press("Save")
	window.wait_until("!cur_frm.is_dirty()")
	window.settle()

	assert f"Other sites know this one as {consumer.url}." in window.text()


@pytest.mark.parametrize(
	"misdeed",
	[
		"setTimeout(() => { throw new Error('a mistake in a script') })",
		"console.error('a mistake that was noticed')",
		"frappe.call('event_streaming.no_such_function')",
		"fetch('/assets/event_streaming/no-such-file.js')",
		"frappe.msgprint({ title: 'Wrong', message: 'An error dialog', indicator: 'red' })",
		"frappe.set_route('no-such-page')",
	],
)
def test_these_tests_would_hear_of(desk, consumer, misdeed):
	window = desk(consumer)
	window.open_list("Event Producer")

	window.value(f"() => {{ {misdeed} }}")

	with pytest.raises(AssertionError, match=r"error|failed request|dialog"):
		window.settle()


def test_new_keys_are_made_from_either_form(desk, streams):
	here, there = desk(streams.consumer), desk(streams.producer)
	here.open_form("Event Producer", streams.event_producer)

	here.press("Rotate Keys")
	here.confirm()
	here.page.locator(".desk-alert", has_text="The new keys are in use").first.wait_for()
	here.wait_until("!!cur_frm.doc.__onload.state.rotated_on")
	here.screenshot("action-rotated")
	here.settle()
	there.open_form("Event Consumer", streams.consumer.url)
	there.wait_until("cur_frm.doc.token_state === 'In Order' && !!cur_frm.doc.rotated_on")
	there.press("Rotate Keys")
	there.confirm()
	there.page.locator(".desk-alert", has_text="New keys are requested").first.wait_for()
	there.wait_until("!!cur_frm.doc.rotate_asked_on")
	there.screenshot("action-rotation-asked-for")
	there.settle()

	assert not pull(streams.consumer, streams.producer)["error"]
