"""Every page of the app opens without a complaint: the workspace, each list, each form, new and with a document.

Each page that is visited is kept as a picture in .work/screenshots.
"""

from urllib.parse import quote

from browsing import PASSWORD, PERSON, WINDOW, Desk, slug
from logs import sync_logs, update_logs

LISTED = [
	"Event Producer",
	"Event Consumer",
	"Event Update Log",
	"Event Sync Log",
	"Event Producer Last Update",
	"Document Type Mapping",
	"Document Type Value Map",
	"Event Document Identity",
]
MADE_BY_HAND = ["Event Producer", "Document Type Mapping", "Document Type Value Map"]
WORKSPACE_LINKS = [*LISTED, "Event Streaming Settings"]


def test_the_login_page_leads_to_the_desk(browser, sessions, consumer):
	sessions(consumer)  # there is such a person now
	window = Desk(browser.new_context(viewport=WINDOW), consumer.url)

	window.page.goto(f"{consumer.url}/login")
	window.settle()
	window.screenshot("login")
	window.page.fill("#login_email", PERSON)
	window.page.fill("#login_password", PASSWORD)
	window.page.click(".form-login .btn-login")
	window.wait_until("Boolean(window.frappe && frappe.session && frappe.boot)")
	window.settle()
	window.screenshot("desktop")

	assert window.value("frappe.session.user") == PERSON
	window.context.close()


def test_the_workspace_leads_to_everything(desk, consumer):
	window = desk(consumer)

	window.open("event-streaming")
	window.page.locator(".layout-main-section .widget").first.wait_for()
	window.settle()
	window.screenshot("workspace")

	text = window.page.locator(".layout-main-section").last.inner_text()
	missing = [doctype for doctype in WORKSPACE_LINKS if doctype not in text]
	assert not missing, f"The workspace does not mention {missing}:\n{text}"


def test_each_link_of_the_workspace_leads_there(desk, consumer):
	window = desk(consumer)

	for doctype in WORKSPACE_LINKS:
		window.open("event-streaming")
		window.page.locator(".links-widget-box .link-item:visible", has_text=doctype).first.click()
		window.wait_until("(doctype) => frappe.get_route().includes(doctype)", doctype)
		window.settle()


def test_empty_lists_offer_only_what_is_made_by_hand(desk, consumer):
	window = desk(consumer)

	for doctype in LISTED:
		window.open_list(doctype)
		window.screenshot(f"list-empty-{slug(doctype)}")
		offered = window.page.locator(".primary-action:visible", has_text="Add").count()
		assert bool(offered) == (doctype in MADE_BY_HAND), doctype


def test_new_forms(desk, consumer):
	window = desk(consumer)

	for doctype in MADE_BY_HAND:
		window.open_new(doctype)
		window.screenshot(f"form-new-{slug(doctype)}")


def test_lists_with_rows(desk, streams):
	for site, doctypes in (
		(streams.producer, ["Event Consumer", "Event Update Log"]),
		(
			streams.consumer,
			[doctype for doctype in LISTED if doctype not in ("Event Consumer", "Event Update Log")],
		),
	):
		window = desk(site)
		for doctype in doctypes:
			window.open_list(doctype)
			window.screenshot(f"list-{slug(doctype)}")
			assert window.value("cur_list.data.length"), f"{doctype}: no rows"


def test_forms_on_the_producer(desk, streams):
	window = desk(streams.producer)

	window.open_form("Event Consumer", streams.consumer.url)
	window.screenshot("form-event-consumer")
	for log in update_logs(streams.producer):
		window.open_form("Event Update Log", log["name"])
		window.screenshot(f"form-event-update-log-{log['update_type'].lower()}")


def test_forms_on_the_consumer(desk, streams):
	window = desk(streams.consumer)

	# names that are addresses, typed in as part of an address
	window.open(f"event-producer/{quote(streams.event_producer, safe='')}")
	window.wait_for_form("Event Producer", streams.event_producer)
	for doctype, name in (
		("Event Producer", streams.event_producer),
		("Event Producer Last Update", streams.event_producer),
		("Document Type Mapping", streams.mapping),
		("Document Type Value Map", streams.value_map),
		("Event Streaming Settings", None),
	):
		window.open_form(doctype, name)
		window.screenshot(f"form-{slug(doctype)}")
	for status in ("Synced", "Failed"):
		[log, *_] = sync_logs(streams.consumer, status=status)
		window.open_form("Event Sync Log", log["name"])
		window.screenshot(f"form-event-sync-log-{status.lower()}")


def test_the_worst_of_a_connection_stands_in_the_list_and_on_the_form(desk, streams):
	"""Nothing is green while an event has failed."""
	window = desk(streams.consumer)

	said = streams.consumer.run(headline_of_producer, name=streams.event_producer)
	assert said == "1 Failed", "the server itself says otherwise"
	window.open_list("Event Producer")
	window.wait_in_list(
		"() => document.querySelector('.list-row .indicator-pill')?.innerText.includes('1 Failed')"
	)
	window.open_form("Event Producer", streams.event_producer)

	assert window.value("cur_frm.page.indicator.text().trim()") == "1 Failed"
	assert "remove the cause" in window.text()


def test_the_worst_of_a_consumer_stands_in_its_list(desk, streams):
	window = desk(streams.producer)

	window.open_list("Event Consumer")
	window.wait_in_list(
		"() => /Up to Date|Behind/.test(document.querySelector('.list-row .indicator-pill')?.innerText)"
	)


def headline_of_producer(name: str) -> str:
	from event_streaming.admin.status import site_status

	return next(row["headline"]["label"] for row in site_status()["producers"] if row["name"] == name)
