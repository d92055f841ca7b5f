"""Two windows, two sites: a person invites in the one, pastes the code in the other, and documents come."""

import pytest
from documents import insert, read_doc, read_rows, unique
from streams import wait_for

MODAL = ".modal.show"


@pytest.fixture(autouse=True)
def without_its_users(producer, consumer):
	yield
	for site in (producer, consumer):
		site.run(forget_users)


def forget_users() -> None:
	import frappe

	for user in frappe.get_all("User", {"name": ["like", "stream-%@event-streaming.invalid"]}, pluck="name"):
		# who is in use, by what a request does after its answer, is waited for: deleting does not
		frappe.db.get_value("User", user, "name", for_update=True)
		frappe.delete_doc("User", user, force=True)
	for role in frappe.get_all("Role", {"name": ["like", "Event Streaming %s %"]}, pluck="name"):
		# the first of its own rules has made copies of the DocType's: without them, those count again
		for doctype in frappe.get_all("Custom DocPerm", {"role": role}, pluck="parent"):
			frappe.db.delete("Custom DocPerm", {"parent": doctype})
		frappe.delete_doc("Role", role, force=True)
	frappe.clear_cache()


def test_a_person_invites_a_site_and_another_joins_with_nothing_typed_but_the_code(desk, producer, consumer):
	note = producer.run(insert, doctype="Note", title=unique("Before"), public=1)
	consumer.start_worker()
	head_office, shop = desk(producer), desk(consumer)

	head_office.open_list("Event Consumer")
	head_office.press("Invite a Site")
	head_office.page.locator(f"{MODAL} select").select_option(label="Notes and tasks")
	head_office.page.locator(MODAL).get_by_text("ToDo").first.wait_for()
	head_office.settle()
	head_office.screenshot("invite-a-site")
	head_office.confirm()
	box = head_office.page.locator(f"{MODAL} [data-fieldname='code'] textarea")
	box.wait_for()
	head_office.settle()
	head_office.screenshot("code-for-the-other-site")
	code = box.input_value()

	shop.open_list("Event Producer")
	shop.press("Join With a Code")
	shop.page.locator(f"{MODAL} [data-fieldname='code'] textarea").fill(code)
	shop.confirm()
	shop.page.locator(MODAL).get_by_text("offers these Document Types").wait_for()
	shop.settle()
	shop.screenshot("what-a-code-offers")
	shop.page.locator(MODAL).get_by_role("button", name="Join", exact=True).click()
	shop.page.locator(MODAL).get_by_text("This site gets: Note, ToDo").wait_for()
	wait_for(lambda: consumer.run(read_doc, doctype="Note", name=note), "the first copy")
	shop.page.locator(MODAL).get_by_text("documents copied").wait_for()
	shop.screenshot("joined")
	shop.page.locator(MODAL).get_by_role("button", name="Open the Event Producer").click()
	shop.wait_for_form("Event Producer", producer.url)

	(invitation,) = producer.run(read_rows, doctype="Event Streaming Invitation", filters={})
	head_office.open_form("Event Streaming Invitation", invitation["name"])
	assert head_office.value("[cur_frm.doc.status, cur_frm.doc.used_by_address]") == ["Used", consumer.url]
	head_office.screenshot("invitation")
	# the code is in no address that the browser has asked for
	assert code[10:60] not in shop.page.url
