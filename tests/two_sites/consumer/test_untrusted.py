"""A neighbour that can't be trusted: what a hostile producer sends is refused or fails alone, and the stream goes on.

The producer is a small HTTP server of the test's own. What a hostile consumer may ask of a real producer is at the end.
"""

import json

import pytest
from doctypes import CITY, ORDER, ROW, with_orders
from documents import change, insert, read_doc, read_rows, unique
from fake_producer import FakeProducer
from logs import sync_logs
from streams import SUBSCRIBER, make_event_producer, make_subscriber, pull, pull_now, subscribe

from sandbox.sites.rest import RestError

GET_PAGE = "event_streaming.endpoints.get_page"
GET_DOCUMENTS = "event_streaming.endpoints.get_documents"
REGISTER = "event_streaming.event_streaming.doctype.event_consumer.event_consumer.register_consumer"
DEEP = 50_000


@pytest.fixture
def hostile(consumer):
	with_orders(consumer)
	consumer.run(make_subscriber)
	with FakeProducer(CITY, ORDER) as fake:
		rows = [{"ref_doctype": doctype, "use_same_name": 1} for doctype in (CITY, ORDER)]
		consumer.run(make_event_producer, url=fake.url, rows=rows)
		yield fake


def take(consumer, hostile, *pages) -> dict:
	hostile.pages = list(pages)
	return consumer.run(pull_now, event_producer=hostile.url)


def nested(depth: int) -> str:
	return '{"title": ' + "[" * depth + "]" * depth + "}"


# ---------------------------------------------------------------- single events: they fail alone


@pytest.mark.parametrize(
	"wrong",
	[
		{"update_type": "Drop Table"},
		{"update_type": ["Create"]},
		{"data": {"title": "not text"}},
		{"data": 7},
		{"data": '{"title": '},
		{"data": "[1, 2]"},
		{"data": nested(100)},
		{"data": nested(DEEP)},
		{"data": '{"title": {"$gt": ""}}'},
		{"data": '{"title": ' + "9" * 5000 + "}"},
		{"data": "\ud800"},
		{"data": json.dumps({"title": "\ud800"})},
		{"data": json.dumps({"title": "x", "\ud800": "x"})},
		{"data": json.dumps({"rows": [{"item": "x"}] * 30_000})},
		{"data": "x" * 9_000_000},
		{"data": None},
		{"docname": ""},
		{"docname": None},
		{"docname": {"name": "x"}},
		{"docname": "x" * 141},
		{"docname": "<img src=x onerror=alert(1)>"},
		{"docname": "new\nline"},
		{"docname": "half \ud800"},
		{"ref_doctype": "<script>"},
		{"ref_doctype": 12},
		{"ref_doctype": "No Such DocType"},
		{"ref_doctype": "ToDo"},
		{"ref_doctype": "User", "docname": "Administrator"},
		{"ref_doctype": "Server Script"},
		{"ref_doctype": "../../etc"},
		{"id": "x" * 200},
		{"creation": "yesterday"},
		{"creation": "2026-01-01T00:00:00+07:00"},
		{"creation": "2026-W01-1"},
		{"creation": "0001-01-01"},
		{"origin": "https://" + "x" * 600},
		{"modified_by": "<b>"},
		{"root": "https://elsewhere"},
		{"root": {"site": "https://elsewhere"}},
		{"update_type": "Rename", "data": '{"new_name": "<i>x</i>"}'},
		{"update_type": "Rename", "data": '{"new_name": ["x"]}'},
	],
	ids=lambda wrong: " ".join(f"{key}={str(value)[:30]!a}" for key, value in wrong.items()),
)
def test_a_hostile_event_fails_alone_and_the_stream_goes_on(consumer, hostile, wrong):
	before, after = unique("before"), unique("after")
	events = [
		hostile.event(CITY, before, {"title": before}),
		hostile.event(CITY, unique("bad"), **wrong),
		hostile.event(CITY, after, {"title": after}),
	]

	summary = take(consumer, hostile, {"events": events})

	assert (summary["error"], summary["synced"], summary["failed"]) == ("", 2, 1)
	first, failed, last = sync_logs(consumer)
	assert (first["status"], last["status"]) == ("Synced", "Synced")
	assert failed["status"] in ("Failed", "Retrying") and failed["error"]
	assert "<" not in failed["producer_doc"] + failed["remote_doctype"]
	assert consumer.run(read_doc, doctype=CITY, name=after)
	assert consumer.run(pull_now, event_producer=hostile.url)["events"] == 0


def test_a_time_that_no_zone_can_hold_stays_what_it_is(consumer, hostile, extra_fields):
	extra_fields(consumer, CITY, {"fieldname": "until", "label": "Until", "fieldtype": "Datetime"})
	city, end = unique("city"), "9999-12-31 23:59:59"
	made = hostile.event(CITY, city, {"title": city, "until": end})
	take(consumer, hostile, {"events": [made], "time_zone": "America/Anchorage"})
	data = json.dumps({"changed": {"country_name": "Siam"}})
	before = json.dumps({"changed": {"country_name": None, "modified": end}})
	changed = hostile.event(CITY, city, update_type="Update", data=data, data_before=before)

	take(consumer, hostile, {"events": [changed], "time_zone": "America/Anchorage"})

	assert [log["status"] for log in sync_logs(consumer)] == ["Synced", "Synced"]
	doc = consumer.run(read_doc, doctype=CITY, name=city)
	assert (doc["until"][:19], doc["country_name"]) == (end, "Siam")


def test_an_event_that_can_not_even_be_looked_up_fails_alone_and_heals(consumer, hostile):
	"""Whatever it is in an event that the look at a whole page does not bear."""
	names = [unique("before"), unique("bad"), unique("after")]
	hostile.pages = [{"events": [hostile.event(CITY, name, {"title": name}) for name in names]}]

	summary = consumer.run(pull_with_fault, event_producer=hostile.url, docname=names[1])

	assert (summary["error"], summary["synced"], summary["failed"]) == ("", 2, 1)
	assert [log["status"] for log in sync_logs(consumer)] == ["Synced", "Retrying", "Synced"]
	summary = consumer.run(pull_with_fault, event_producer=hostile.url, docname=names[1], due=True)
	assert (summary["error"], summary["failed"]) == ("", 1)
	consumer.run(pull_with_fault, event_producer=hostile.url, docname="", due=True)
	assert consumer.run(read_doc, doctype=CITY, name=names[1])


def test_beside_it_one_that_a_hook_always_undoes_stops_nothing(consumer, hostile):
	names = [unique("before"), unique("undone"), unique("bad")]
	hostile.pages = [{"events": [hostile.event(CITY, name, {"title": name}) for name in names]}]

	summary = consumer.run(pull_with_fault, event_producer=hostile.url, docname=names[2], undone=names[1])

	assert (summary["error"], summary["synced"], summary["failed"]) == ("", 1, 2)
	assert [log["status"] for log in sync_logs(consumer)] == ["Synced", "Retrying", "Retrying"]


def pull_with_fault(event_producer: str, docname: str, due: bool = False, undone: str = "") -> dict:
	import frappe
	from frappe.model.document import Document

	from event_streaming.consumer.apply import gaps
	from event_streaming.consumer.pull.loop import pull

	original = gaps.find_gaps

	def find_gaps(work, events):
		if any(event["docname"] == docname for event in events):
			raise ZeroDivisionError
		return original(work, events)

	if due:
		frappe.db.set_value(
			"Event Sync Log", {"status": "Retrying"}, "next_retry", frappe.utils.now_datetime()
		)
	gaps.find_gaps = find_gaps
	Document.on_update = lambda doc: doc.name == undone and frappe.db.rollback()
	try:
		return vars(pull(event_producer))
	finally:
		gaps.find_gaps = original
		del Document.on_update


def test_what_could_not_be_read_can_not_be_resynced_into_something_else(consumer, hostile):
	take(consumer, hostile, {"events": [hostile.event(CITY, "x" * 200, {"title": "x"})]})
	(log,) = sync_logs(consumer)

	status = consumer.run(resync, name=str(log["name"]))

	assert status == "Failed"
	assert "could not be read" in sync_logs(consumer)[0]["error"]


def resync(name: str) -> str:
	from event_streaming.consumer.pull.by_hand import resync_log

	return resync_log(name)


@pytest.mark.parametrize(
	"name", ["../../../etc/passwd", "..\\..\\x", "/api/resource/User", "a/b?c=d#e", "%2e%2e%2f"]
)
def test_names_with_parts_of_paths_are_only_names(consumer, hostile, name):
	name = unique(name)
	take(consumer, hostile, {"events": [hostile.event(CITY, name, {"title": name})]})

	assert consumer.run(read_doc, doctype=CITY, name=name)["title"] == name


@pytest.mark.parametrize("update_type", ["Update", "Delete", "Rename"])
@pytest.mark.parametrize("doctype", ["User", CITY])
def test_a_made_up_root_opens_no_document_of_this_site(consumer, hostile, doctype, update_type):
	"""`root` says that a document was first made here and came back: of what is streamed to nobody, none can."""
	mine = consumer.run(insert, doctype=CITY, title=unique("mine"))
	name = mine if doctype == CITY else SUBSCRIBER
	before = consumer.run(read_doc, doctype=doctype, name=name)
	data = {"changed": {"first_name": "Mallory", "country_name": "Mallory"}, "new_name": unique("taken")}

	take(
		consumer,
		hostile,
		{
			"events": [
				hostile.event(
					CITY,
					unique("stranger"),
					update_type=update_type,
					data=json.dumps(data),
					root={"site": consumer.url, "doctype": doctype, "name": name},
				)
			]
		},
	)

	assert consumer.run(read_doc, doctype=doctype, name=name) == before


def test_a_made_up_root_of_a_needed_document_opens_none_of_this_site(consumer, hostile):
	"""What an order links to is fetched, and comes with a root of its own."""
	mine, stranger = consumer.run(insert, doctype=CITY, title=unique("mine")), unique("stranger")
	before = consumer.run(read_doc, doctype=CITY, name=mine)
	root = {"site": consumer.url, "doctype": CITY, "name": mine}
	document = {"doctype": CITY, "name": stranger, "data": {"title": stranger}, "root": root}
	hostile.documents_answer = {"documents": [document], "missing": [], "position": 0}
	take(
		consumer,
		hostile,
		{"events": [hostile.event(ORDER, unique("order"), {"title": "x", "city": stranger})]},
	)

	data = json.dumps({"changed": {"country_name": "Mallory"}})
	take(consumer, hostile, {"events": [hostile.event(CITY, stranger, update_type="Update", data=data)]})

	assert consumer.run(read_doc, doctype=CITY, name=mine) == before


def test_a_made_up_root_of_a_file_opens_none_of_this_site(consumer, hostile):
	mine = consumer.run(
		insert,
		doctype="File",
		file_name=f"{unique('salaries')}.txt",
		content="confidential",
		is_private=1,
		attached_to_doctype="User",
		attached_to_name=SUBSCRIBER,
	)
	before, city = consumer.run(read_doc, doctype="File", name=mine), unique("city")
	file = {
		"file": "stranger",
		"file_name": "salaries.txt",
		"file_url": "/private/files/salaries.txt",
		"is_private": 1,
		"content_hash": before["content_hash"],
		"root": {"site": consumer.url, "doctype": "File", "name": mine},
	}
	made = hostile.event(CITY, city, {"title": city})

	take(
		consumer,
		hostile,
		{"events": [made, hostile.event(CITY, city, update_type="Attach", data=json.dumps(file))]},
	)

	assert consumer.run(read_doc, doctype="File", name=mine) == before


def test_html_that_a_neighbour_sends_is_kept_nowhere_as_html(consumer, hostile, extra_fields):
	extra_fields(consumer, CITY, {"fieldname": "picture", "label": "Picture", "fieldtype": "Attach"})
	name = unique("city")
	evil = {"<b>evil</b>": "x", "picture": "/files/<img src=x onerror=alert(1)>.png"}
	event = hostile.event(CITY, name, {"title": name, **evil})
	take(consumer, hostile, {"events": [event], "warnings": ["<script>alert(1)</script> hello", 5, None]})

	(log,) = sync_logs(consumer)
	assert log["status"] == "Synced" and "&lt;img" in log["warnings"] and "<" not in log["warnings"]
	(state,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={})
	assert "<" not in state["last_warning"] and "hello" in state["last_warning"]
	# a tag without an end is closed by what the Desk puts behind it
	for status, headers, error in (
		(302, {"Location": "http://<img src=x onerror=alert(1)>/"}, {}),
		(417, {}, {"exception": "ValidationError: <img src=x onerror=alert(1)>"}),
		(
			417,
			{},
			{"_server_messages": json.dumps([json.dumps({"message": "<img src=x onerror=alert(1) "})])},
		),
	):
		hostile.status, hostile.headers, hostile.error = status, headers, error
		error = consumer.run(pull_now, event_producer=hostile.url)["error"]
		assert "img" in error and "<" not in error


@pytest.mark.parametrize("docstatus", [0, 1, 2])
def test_markup_that_could_harm_a_reader_is_taken_out_whatever_the_document_is(consumer, hostile, docstatus):
	name, evil = unique("order"), "see <img src=x onerror=alert(1)>"
	order = {
		"title": name,
		"note": evil,
		"docstatus": docstatus,
		"rows": [{"name": unique("r"), "item": evil}],
	}
	take(consumer, hostile, {"events": [hostile.event(ORDER, name, order)]})

	here = consumer.run(read_doc, doctype=ORDER, name=name)
	assert here["docstatus"] == docstatus and "see" in here["note"]
	assert "onerror" not in here["note"] + here["rows"][0]["item"]


# ---------------------------------------------------------------- whole pages: refused, and asked again later


@pytest.mark.parametrize(
	"page",
	[
		{"events": None},
		{"events": {"0": {}}},
		{"events": ["event"]},
		{"events": [{"position": "one"}]},
		{"events": [{}] * 6_000},
		{"cursor": "9"},
		{"cursor": True},
		{"cursor": 1.5},
		{"cursor": 2**63},
		{"cursor": -1},
		{"protocol": "two"},
		{"behind": "many"},
		{"time_zone": ["Asia/Bangkok"]},
		{"warnings": 5},
		{"subscriptions": []},
		{"subscriptions": {CITY: {"status": "Root"}}},
		["a", "list"],
		"text",
		None,
		b"not json",
		b'{"message": ' + b"[" * DEEP + b"]" * DEEP + b"}",
	],
	ids=lambda page: str(page)[:40],
)
def test_a_hostile_page_is_refused_and_the_pull_waits(consumer, hostile, page):
	summary = take(consumer, hostile, page)

	assert summary["error"] and summary["events"] == 0
	(state,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={})
	assert state["last_error"] and state["next_pull"] and state["position"] == 0

	name = unique("city")
	summary = take(consumer, hostile, {"events": [hostile.event(CITY, name, {"title": name})]})
	assert (summary["error"], summary["synced"]) == ("", 1)


def test_an_answer_that_is_compressed_more_than_once_is_refused(consumer, hostile):
	"""Each layer can make a thousand times as much of it: the memory would be full before its size is known."""
	hostile.headers["Content-Encoding"] = "gzip, gzip"

	summary = take(consumer, hostile, [])

	assert "compressed more than once" in summary["error"]
	assert hostile.url in summary["error"]


def test_a_cursor_that_goes_back_and_positions_out_of_order_are_refused(consumer, hostile):
	cities = [unique("city") for _each in range(3)]
	events = [hostile.event(CITY, name, {"title": name}) for name in cities]
	take(consumer, hostile, {"events": events[:2]})

	assert "goes back" in take(consumer, hostile, {"cursor": 1})["error"]
	assert "order" in take(consumer, hostile, {"events": [events[2], events[1]]})["error"]
	assert "order" in take(consumer, hostile, {"events": [events[2]], "cursor": 2})["error"]
	assert len(sync_logs(consumer)) == 2


def test_pages_without_end_do_not_keep_a_worker(consumer, hostile):
	consumer.run(
		change, doctype="Event Streaming Settings", name="Event Streaming Settings", slice_seconds=10
	)

	summary = take(consumer, hostile, *({"cursor": number, "has_more": True} for number in range(1, 100_000)))

	assert summary["more"] and summary["error"] == ""


# ---------------------------------------------------------------- documents that are brought


def test_a_document_that_was_not_asked_for_is_refused(consumer, hostile):
	evil = {"doctype": CITY, "name": "Evil", "data": {"title": "Evil"}, "root": None}
	hostile.documents_answer = {"documents": [evil], "missing": [], "position": 1}
	order = hostile.event(ORDER, unique("order"), {"title": "x", "city": unique("city")})

	summary = take(consumer, hostile, {"events": [order]})

	assert "not asked for" in str(summary["error"]) + str([log["error"] for log in sync_logs(consumer)])
	assert consumer.run(read_doc, doctype=CITY, name="Evil") is None


@pytest.mark.parametrize(
	"answer",
	[
		[],
		"text",
		{"documents": 5},
		{"documents": [{"doctype": [], "name": {}}]},
		{"missing": [[1]]},
		{"position": "x"},
	],
	ids=str,
)
def test_a_hostile_answer_to_a_request_for_documents_ends_in_a_message(consumer, hostile, answer):
	hostile.documents_answer = answer or ["not an object"]
	order = hostile.event(ORDER, unique("order"), {"title": "x", "city": unique("city")})

	summary = take(consumer, hostile, {"events": [order]})

	assert summary["error"] or sync_logs(consumer)[0]["status"] != "Synced"


DYNAMIC_LINK = (
	{"fieldname": "about_doctype", "label": "About", "fieldtype": "Link", "options": "DocType"},
	{"fieldname": "about", "label": "About Name", "fieldtype": "Dynamic Link", "options": "about_doctype"},
)


@pytest.mark.parametrize("doctype", ["Role", "Custom Field", "Server Script", "DocType", "Event Producer"])
def test_system_documents_are_not_brought_along(consumer, hostile, extra_fields, doctype):
	"""A link of a streamed document is no way in for what may not be streamed."""
	extra_fields(consumer, CITY, *DYNAMIC_LINK)
	evil = unique("Evil")
	hostile.brings[(doctype, evil)] = {"doctype": doctype, "name": evil, "role_name": evil, "dt": CITY}
	city = unique("city")
	event = hostile.event(CITY, city, {"title": city, "about_doctype": doctype, "about": evil})

	take(consumer, hostile, {"events": [event]})

	assert consumer.run(read_doc, doctype=doctype, name=evil) is None
	asked = [key for call in hostile.calls("get_documents") for key in json.loads(call["documents"])]
	assert [doctype, evil] not in asked


# what runs when somebody looks at it, prints or sends; what can be reached by a Dynamic Link alone
NOT_UNASKED = [
	("Letter Head", {"letter_head_name": "x", "source": "HTML", "content": "{{ 7 * 7 }}", "is_default": 1}),
	("Email Template", {"subject": "{{ 7 * 7 }}", "use_html": 1, "response_html": "{{ 7 * 7 }}"}),
	("Print Style", {"print_style_name": "x", "css": "*"}),
	("Print Format Field Template", {"document_type": "ToDo", "field": "x", "template": "{{ 7 }}"}),
	("Number Card", {"label": "x", "type": "Custom"}),
	("Dashboard Chart", {"chart_name": "x"}),
	("Address Template", {"country": "Thailand", "template": "{{ 7 }}"}),
	("Note", {"title": "x"}),
	("ToDo", {"description": "x"}),
	(ORDER, {"title": "x"}),
]


@pytest.mark.parametrize(("doctype", "document"), NOT_UNASKED, ids=[doctype for doctype, _doc in NOT_UNASKED])
def test_a_dynamic_link_opens_no_doctype_that_nobody_asked_for(consumer, extra_fields, doctype, document):
	with_orders(consumer)
	consumer.run(make_subscriber)
	extra_fields(consumer, CITY, *DYNAMIC_LINK)
	with FakeProducer(CITY) as fake:
		consumer.run(make_event_producer, url=fake.url, rows=[{"ref_doctype": CITY, "use_same_name": 1}])
		evil, city = unique("Evil"), unique("city")
		fake.brings[(doctype, evil)] = {"doctype": doctype, "name": evil, **document}
		event = fake.event(CITY, city, {"title": city, "about_doctype": doctype, "about": evil})

		take(consumer, fake, {"events": [event]})

		asked = [key for call in fake.calls("get_documents") for key in json.loads(call["documents"])]
	assert consumer.run(read_doc, doctype=doctype, name=evil) is None
	assert [doctype, evil] not in asked
	(log,) = sync_logs(consumer)
	assert log["status"] != "Synced" and doctype in log["error"]
	if doctype in (ORDER, "Note", "ToDo", "Letter Head", "Email Template", "Print Style"):
		assert "is not brought unasked" in log["error"] and "Fields This Site Decides" in log["error"]


def link_to(doctype: str, fieldname: str, **values) -> dict:
	return {"fieldname": fieldname, "label": doctype, "fieldtype": "Link", "options": doctype, **values}


def test_a_link_field_brings_what_it_leads_to_but_nothing_that_holds_code(consumer, hostile, extra_fields):
	"""The order's city comes although there is no row for it; a print style does not, until a person decides."""
	extra_fields(consumer, ORDER, link_to("Print Style", "print_style"))
	consumer.run(remove_row, event_producer=hostile.url, doctype=CITY)
	hostile.doctypes = (ORDER,)
	city, style, name = unique("city"), unique("style"), unique("order")
	hostile.brings[(CITY, city)] = {"doctype": CITY, "name": city, "title": city}
	hostile.brings[("Print Style", style)] = {
		"doctype": "Print Style",
		"name": style,
		"print_style_name": style,
	}
	order = {"title": name, "city": city}
	take(consumer, hostile, {"events": [hostile.event(ORDER, name, order)]})
	assert consumer.run(read_doc, doctype=CITY, name=city)

	other = hostile.event(ORDER, unique("order"), {**order, "print_style": style})
	take(consumer, hostile, {"events": [other]})

	log = sync_logs(consumer)[-1]
	assert log["status"] == "Retrying" and "Print Style is not brought unasked" in log["error"]
	assert consumer.run(read_doc, doctype="Print Style", name=style) is None
	shown = consumer.run(shown_on_the_form, event_producer=hostile.url)
	assert {"doctype": CITY, "from": ORDER, "field": "city", "refused": "", "empty": False} in shown
	(refused,) = [entry for entry in shown if entry["doctype"] == "Print Style"]
	assert refused["field"] == "print_style" and refused["refused"] and not refused["empty"]
	(finding,) = consumer.run(examined, event_producer=hostile.url)
	assert "Print Style" in finding[1] and finding[0] == "Print Style"
	with pytest.raises(Exception, match="Add a row for it"):
		consumer.run(set_lists, event_producer=hostile.url, also_bring="Letter Head")

	# the remedy that the message names: a person makes it here
	consumer.run(insert, doctype="Print Style", print_style_name=style, css="ours")
	consumer.run(pull_with_fault, event_producer=hostile.url, docname="", due=True)
	assert sync_logs(consumer)[-1]["status"] == "Synced"
	assert consumer.run(read_doc, doctype="Print Style", name=style)["css"] == "ours"


def test_no_document_waits_for_the_paper_that_it_is_printed_on(consumer, hostile, extra_fields):
	"""A letter head that is not here is left out and told of; one that is here is taken. Where the field must be filled, it waits."""
	extra_fields(consumer, ORDER, link_to("Letter Head", "letter_head"))
	extra_fields(consumer, CITY, link_to("Letter Head", "letter_head", reqd=1))
	ours, theirs, name = unique("head"), unique("head"), unique("order")
	consumer.run(insert, doctype="Letter Head", letter_head_name=ours, source="HTML", content="ours")
	hostile.brings[("Letter Head", theirs)] = {"doctype": "Letter Head", "name": theirs, "content": "{{ 7 }}"}
	city = {"title": unique("city"), "letter_head": theirs}
	page = [
		hostile.event(ORDER, name, {"title": name, "letter_head": theirs}),
		hostile.event(CITY, city["title"], city),
	]

	take(consumer, hostile, {"events": page})

	made, waits = sync_logs(consumer)
	assert made["status"] == "Synced" and f"Letter Head {theirs} stays empty" in made["warnings"]
	assert consumer.run(read_doc, doctype=ORDER, name=name)["letter_head"] is None
	assert waits["status"] == "Retrying" and "Letter Head is not brought unasked" in waits["error"]
	assert consumer.run(read_doc, doctype="Letter Head", name=theirs) is None
	shown = consumer.run(shown_on_the_form, event_producer=hostile.url)
	assert [entry["empty"] for entry in shown if entry["doctype"] == "Letter Head"] == [True]

	change_of_it = {
		"changed": {"letter_head": ours},
		"added": {},
		"removed": {},
		"row_changed": {},
	}
	update = hostile.event(ORDER, name, change_of_it, update_type="Update")
	take(consumer, hostile, {"events": [update]})

	assert consumer.run(read_doc, doctype=ORDER, name=name)["letter_head"] == ours


def test_a_link_to_a_row_of_another_document_keeps_its_name(consumer, hostile, extra_fields):
	"""As from an order back to the line of a request: the line comes with its document, and under its own name. Before that
	is here, the order waits; what a site decides for itself and rows are on no list."""
	extra_fields(consumer, ORDER, link_to(ROW, "made_from"), link_to("Tag", "tag"))
	consumer.run(decide_here, event_producer=hostile.url, doctype=ORDER, fields="tag")
	request, order, row = unique("request"), unique("order"), unique("row")
	made_from = {"title": order, "made_from": row, "tag": "theirs"}

	take(consumer, hostile, {"events": [hostile.event(ORDER, order, made_from)]})
	(log,) = sync_logs(consumer)
	assert log["status"] == "Retrying" and row in log["error"] and "child table" not in log["error"]

	rows = [{"doctype": ROW, "name": row, "idx": 1, "item": "a"}]
	take(consumer, hostile, {"events": [hostile.event(ORDER, request, {"title": request, "rows": rows})]})
	consumer.run(pull_with_fault, event_producer=hostile.url, docname="", due=True)

	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}, sync_logs(consumer)
	assert consumer.run(read_doc, doctype=ORDER, name=order)["made_from"] == row
	listed = {entry["doctype"] for entry in consumer.run(shown_on_the_form, event_producer=hostile.url)}
	assert not listed & {ROW, "Tag", "DocType"}


def decide_here(event_producer: str, doctype: str, fields: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	(row,) = [each for each in doc.producer_doctypes if each.ref_doctype == doctype]
	row.fields_this_site_decides = fields
	doc.save()


def test_a_person_adds_to_the_list_and_takes_out(consumer, extra_fields):
	with_orders(consumer)
	consumer.run(make_subscriber)
	extra_fields(consumer, CITY, *DYNAMIC_LINK)
	with FakeProducer(ORDER) as fake:
		rows = [{"ref_doctype": ORDER, "use_same_name": 1}]
		consumer.run(make_event_producer, url=fake.url, rows=rows, never_bring=CITY, also_bring="Tag")
		city, tag, name = unique("city"), unique("tag"), unique("order")
		fake.brings[(CITY, city)] = {
			**{"doctype": CITY, "name": city, "title": city},
			**{"about_doctype": "Tag", "about": tag},
		}
		fake.brings[("Tag", tag)] = {"doctype": "Tag", "name": tag}
		take(consumer, fake, {"events": [fake.event(ORDER, name, {"title": name, "city": city})]})
		(log,) = sync_logs(consumer)
		assert log["status"] == "Retrying" and "Never Bring These" in log["error"]

		consumer.run(set_lists, event_producer=fake.url, also_bring="Tag", never_bring="")
		consumer.run(pull_with_fault, event_producer=fake.url, docname="", due=True)

		(log,) = sync_logs(consumer)
		assert log["status"] == "Synced", log["error"]
		assert consumer.run(read_doc, doctype="Tag", name=tag)
		with pytest.raises(Exception, match="no Document Type"):
			consumer.run(set_lists, event_producer=fake.url, also_bring="Nonsense")


def remove_row(event_producer: str, doctype: str) -> None:
	import frappe

	frappe.db.delete("Event Producer Document Type", {"parent": event_producer, "ref_doctype": doctype})
	frappe.clear_cache()


def set_lists(event_producer: str, **lists) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.update(lists)
	doc.save()


def shown_on_the_form(event_producer: str) -> list[dict]:
	import frappe

	from event_streaming.consumer.dependencies import unasked

	return unasked.shown(frappe.get_doc("Event Producer", event_producer))


def examined(event_producer: str) -> list[list]:
	import frappe

	from event_streaming.admin.doctor import producers

	doc = frappe.get_doc("Event Producer", event_producer)
	return [[each.subject, each.message] for each in producers.waiting_for_unasked(doc)]


# ---------------------------------------------------------------- system DocTypes have to be allowed by name


@pytest.mark.parametrize(
	"doctype", ["User", "Role", "DocType", "Server Script", "Custom Field", "Event Producer"]
)
def test_a_system_doctype_can_not_be_subscribed_to(producer, consumer, doctype):
	for site in (producer, consumer):
		site.run(make_subscriber)
	with pytest.raises(Exception, match=r"framework|belongs to Event Streaming"):
		consumer.run(
			make_event_producer, url=producer.url, rows=[{"ref_doctype": doctype, "use_same_name": 1}]
		)
	assert producer.run(read_rows, doctype="Event Consumer", filters={}) == []


def test_a_system_doctype_in_an_event_is_refused_although_the_row_is_there(consumer, hostile):
	"""The row was made when the DocType was allowed by name, or by hand."""
	hostile.doctypes = (CITY, "Role")
	consumer.run(force_row, event_producer=hostile.url, instead_of=ORDER, doctype="Role")
	role = unique("Role")

	take(consumer, hostile, {"events": [hostile.event("Role", role, {"role_name": role})]})

	(log,) = sync_logs(consumer)
	assert log["status"] == "Failed" and "event_streaming_allowed_doctypes" in log["error"]
	assert consumer.run(read_doc, doctype="Role", name=role) is None


def test_a_system_doctype_is_not_sent_although_its_row_is_approved(producer, consumer):
	"""It was allowed by name when it was approved, and is no more."""
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	producer.run(force_approved_row, event_consumer=consumer.url, doctype="Role")
	producer.run(insert, doctype="Role", role_name=unique("Role"))

	page = producer.rest(SUBSCRIBER).method(GET_PAGE, event_consumer=consumer.url, cursor=0)

	assert page["events"] == [] and producer.run(read_rows, doctype="Event Update Log", filters={})


def force_approved_row(event_consumer: str, doctype: str) -> None:
	import frappe

	from event_streaming.producer.subscriptions.streamed import refresh_streamed_doctypes

	frappe.db.set_value("Event Consumer Document Type", {"parent": event_consumer}, "ref_doctype", doctype)
	frappe.db.commit()
	refresh_streamed_doctypes()
	frappe.clear_cache()


def force_row(event_producer: str, instead_of: str, doctype: str) -> None:
	import frappe

	name = frappe.db.get_value(
		"Event Producer Document Type", {"parent": event_producer, "ref_doctype": instead_of}, "name"
	)
	frappe.db.set_value("Event Producer Document Type", name, "ref_doctype", doctype)
	frappe.clear_cache()


# ---------------------------------------------------------------- what a hostile consumer may ask of a producer


def test_the_feed_answers_only_its_consumers_own_user(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	producer.run(make_other_subscriber, user="other@example.com")

	for user in ("other@example.com", "Administrator"):
		for method, arguments in ((GET_PAGE, {"cursor": 0}), (GET_DOCUMENTS, {"documents": "[]"})):
			with pytest.raises(RestError) as refused:
				producer.rest(user).method(method, event_consumer=consumer.url, **arguments)
			assert refused.value.status == 403, refused.value


def make_other_subscriber(user: str) -> None:
	import frappe

	if not frappe.db.exists("User", user):
		doc = frappe.get_doc(
			{"doctype": "User", "email": user, "first_name": "Other", "send_welcome_email": 0}
		).insert()
		doc.add_roles("System Manager")


def test_a_registration_can_not_take_over_another_users_consumer(producer, consumer):
	subscribe(consumer, producer, CITY)
	producer.run(make_other_subscriber, user="other@example.com")
	before = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)

	data = {
		"event_consumer": consumer.url,
		"consumer_doctypes": json.dumps([{"doctype": ORDER}]),
		"user": "other@example.com",
		"api_key": "mine",
		"api_secret": "mine",
		"protocol": 2,
	}
	with pytest.raises(RestError, match="already registered"):
		producer.rest("other@example.com").method(REGISTER, data=json.dumps(data))
	with pytest.raises(RestError, match="belong to"):
		producer.rest("other@example.com").method(REGISTER, data=json.dumps({**data, "user": SUBSCRIBER}))

	assert producer.run(read_doc, doctype="Event Consumer", name=consumer.url) == before


def test_secrets_leave_neither_with_events_nor_with_documents(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, ORDER)
	order = producer.run(insert, doctype=ORDER, title=unique("order"), secret="hunter2")
	rest = producer.rest(SUBSCRIBER)

	page = rest.method(GET_PAGE, event_consumer=consumer.url, cursor=0)
	found = rest.method(
		GET_DOCUMENTS,
		event_consumer=consumer.url,
		documents=json.dumps(
			[[ORDER, order], ["User", SUBSCRIBER], ["Event Consumer", consumer.url], ["Email Account", "x"]]
		),
	)

	assert [event["docname"] for event in page["events"]] == [order]
	text = json.dumps([page, found])
	for secret in (
		"hunter2",
		"streamsecret",
		"streamkey",
		"api_key",
		"api_secret",
		"reset_password_key",
		"roles",
	):
		assert secret not in text
	assert {(doctype, reason) for doctype, _name, reason in found["missing"]} == {
		("Event Consumer", "not allowed"),
		("Email Account", "not allowed"),
	}


def test_what_the_request_asks_for_opens_nothing(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY, approve=False)
	producer.run(insert, doctype=CITY, title=unique("city"))
	rest = producer.rest(SUBSCRIBER)

	for more in ({"limit": 10**9}, {"max_bytes": 10**12}, {"limit": -5}):
		assert rest.method(GET_PAGE, event_consumer=consumer.url, cursor=0, **more)["events"] == []
	old = "event_streaming.event_streaming.doctype.event_update_log.event_update_log.get_update_logs_for_consumer"
	asked = json.dumps([CITY, ORDER, "User"])
	assert (
		rest.method(old, event_consumer=consumer.url, doctypes=asked, last_update="2000-01-01 00:00:00") == []
	)
	pull(consumer, producer)
	assert sync_logs(consumer) == []
