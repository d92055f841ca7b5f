"""Fields Not Sent: what a consumer does not get is in nothing that leaves the producer, and can't be guessed by any question."""

import base64
import json
import os

import pytest
import requests
from doctypes import (
	FOLDER,
	MASKED,
	NOT_SENT,
	PAPER,
	attach_to,
	change_hidden,
	copy,
	hide,
	make_paper,
	verify,
	with_papers,
)
from documents import change, delete, insert, read_rows, unique
from logs import sync_logs, update_logs
from streams import SUBSCRIBER, decide, pull, subscribe

from sandbox.errors import RemoteError, RestError

DOCTYPES = "event_streaming.event_streaming.doctype"
OLD_FEED = f"{DOCTYPES}.event_update_log.event_update_log.get_update_logs_for_consumer"
REGISTER = f"{DOCTYPES}.event_consumer.event_consumer.register_consumer"
ENDPOINT = "event_streaming.endpoints."
# asked by a producer of its consumer, or of nobody's documents
NOT_OF_DOCUMENTS = {
	"confirm",
	"update_status",
	"site_facts",
	"get_site_id",
	"rotate_keys",
	"new_event_notification",
	"meet_invitation",
	"redeem_invitation",
	"complete_invitation",
	"trace_arrival",
}
ALL_FIELDS = ["title", "note", "salary", "scan", "story", "code", "contact"]


@pytest.fixture
def papers(producer, consumer, orders):
	"""The consumer is subscribed to papers, approved, and gets what is hidden of nothing."""
	with_papers(producer, consumer)
	subscribe(consumer, producer, PAPER, match_by="title")
	producer.run(hide, consumer_url=consumer.url, doctype=PAPER, not_sent=NOT_SENT, masked=MASKED)


def ask(producer, consumer, name: str, /, **arguments) -> requests.Response:
	"""An answer as it comes over the line, whatever its status."""
	path = name if "." in name else f"{ENDPOINT}{name}"
	return requests.post(
		f"{producer.url}/api/method/{path}",
		json={"event_consumer": consumer.url, **arguments},
		headers=dict(producer.rest(SUBSCRIBER).session.headers),
		timeout=60,
	)


def files_of(name: str) -> list[dict]:
	import frappe

	return frappe.get_all(
		"File", {"attached_to_doctype": PAPER, "attached_to_name": name}, ["name", "file_url", "file_name"]
	)


def shape() -> str:
	fields = [[field, "decimal" if field == "salary" else "text"] for field in ALL_FIELDS]
	lines = {"fields": [["item", "text"], ["remark", "text"], ["label", "text"]]}
	wages = {"fields": [["amount", "text"]]}
	return json.dumps({"fields": fields, "tables": [["lines", lines], ["wages", wages]]})


def questions(producer, paper: str, mark: str) -> dict[str, list[dict]]:
	"""For each endpoint that gives anything of documents what a curious consumer asks."""
	files = producer.run(files_of, name=paper)
	by_mark = [
		{"filters": json.dumps(each)}
		for each in (
			None,
			{"note": ["like", f"{mark}%"]},
			[[PAPER, "code", "=", f"{mark} code"]],
			[["Kept Line", "remark", "like", f"{mark}%"]],
			[["Kept Wage", "amount", "like", f"{mark}%"]],
			{"salary": [">", 10]},
			{"`tabKept Paper`.`note`": ["like", f"{mark}%"]},
			{"lines.remark": ["like", f"{mark}%"]},
			{"ifnull(note, '')": ["like", f"{mark}%"]},
		)
	]
	return {
		"get_page": [{"cursor": 0}, {"cursor": 0, "limit": 1}],
		"get_documents": [{"documents": json.dumps([[PAPER, paper]])}],
		"get_check": [{"doctype": PAPER}],
		"describe": [{"doctypes": json.dumps([PAPER, FOLDER])}],
		"get_copy_page": [{"doctype": PAPER, **each} for each in by_mark],
		"get_match_page": [
			*({"doctype": PAPER, "fields": '["title"]', **each} for each in by_mark),
			*({"doctype": PAPER, "fields": json.dumps([each])} for each in ALL_FIELDS),
		],
		"count_documents": [{"doctype": PAPER, **each} for each in by_mark],
		"get_digests": [
			{"doctype": PAPER, "shape": shape(), "buckets": 16, "wanted": json.dumps(list(range(16))), **each}
			for each in by_mark
		],
		"look_at": [
			{"doctype": PAPER, "names": json.dumps([paper, "none"]), "cursor": cursor}
			for cursor in (0, 10**9)
		],
		"find_files": [
			{
				"references": json.dumps(
					[[PAPER, paper, file["file_url"]] for file in files if file["file_url"]]
				)
			}
		],
		"trace_document": [{"doctype": PAPER, "name": name} for name in (paper, "none")],
		"documents_repaired": [{"doctype": PAPER, "positions": json.dumps({paper: 1, "none": 1})}],
		"get_content": [{"file": file["name"]} for file in files],
		OLD_FEED: [{"doctypes": json.dumps([PAPER]), "last_update": "2000-01-01 00:00:00"}],
		REGISTER: [
			{
				"data": json.dumps(
					{
						"event_consumer": "{consumer}",
						"user": SUBSCRIBER,
						"protocol": 2,
						"consumer_doctypes": [{"doctype": PAPER, "condition": condition}],
					}
				)
			}
			for condition in (f"doc.note.startswith('{mark}')", "int(doc.title) > 1")
		],
	}


def endpoints_of_app() -> list[str]:
	import frappe

	from event_streaming import endpoints

	return [
		name for name, value in vars(endpoints).items() if callable(value) and value in frappe.whitelisted
	]


def holds(text: str, mark: str) -> bool:
	"""Whether an answer holds the mark, or the salary; also in base64."""
	if mark in text or "98765" in text or "12345.67" in text:
		return True
	try:
		content = json.loads(text).get("message") or {}
	except ValueError:
		return False
	packed = content.get("content") if isinstance(content, dict) else None
	return bool(packed) and mark.encode() in base64.b64decode(packed)


def everything_happens(producer, mark: str) -> str:
	"""Papers are made, changed, renamed, lost; returns one that is there."""
	paper, renamed, lost = (producer.run(make_paper, mark=mark) for _each in range(3))
	for name in (paper, renamed, lost):
		producer.run(change_hidden, name=name, mark=mark)
		producer.run(change, doctype=PAPER, name=name, title="changed", note=f"{mark} too")
	producer.run(rename_paper, old=renamed, new=unique("paper"))
	producer.run(lose_files, name=paper)
	producer.run(make_files, name=paper, mark=mark)
	producer.run(delete, doctype=PAPER, name=lost)
	return paper


def rename_paper(old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(PAPER, old, new)


def make_files(name: str, mark: str) -> None:
	import frappe

	doc = frappe.get_doc(PAPER, name)
	doc.scan = attach_to(name, f"{mark}-again.txt", f"{mark} again", "scan")
	doc.lines[0].picture = attach_to(name, f"{mark}-row.png", f"{mark} row", "picture")
	doc.wages[0].slip = attach_to(name, f"{mark}-slip.txt", f"{mark} slip", "slip")
	doc.story = f'<img src="{attach_to(name, mark + "-story-2.png", mark + " second")}">'
	doc.save()
	attach_to(name, "for all.txt", "for all to read")


def lose_files(name: str) -> None:
	import frappe

	doc = frappe.get_doc(PAPER, name)
	doc.scan = doc.story = None
	doc.save()
	for file in frappe.get_all(
		"File", {"attached_to_doctype": PAPER, "attached_to_name": name}, pluck="name"
	):
		frappe.delete_doc("File", file)


def test_what_is_hidden_is_in_no_answer_of_any_endpoint(producer, consumer, papers):
	mark = unique("zebra").replace(" ", "-")
	paper = everything_happens(producer, mark)
	asked = questions(producer, paper, mark)
	endpoints = set(producer.run(endpoints_of_app))

	found, answered, of_paper = [], set(), set()
	for name, several in asked.items():
		for arguments in several:
			filled = {
				key: value.replace("{consumer}", consumer.url) if isinstance(value, str) else value
				for key, value in arguments.items()
			}
			answer = ask(producer, consumer, name, **filled)
			answered.add((name, answer.status_code < 400))
			if f'"docname":"{paper}"' in answer.text or f'"{paper}"' in answer.text:
				of_paper.add(name)
			if holds(answer.text.replace(json.dumps(arguments)[1:-1], ""), mark) and mark not in str(filled):
				found.append((name, arguments, answer.text[:2_000]))

	# a new endpoint has to be asked here too
	assert endpoints - NOT_OF_DOCUMENTS == {name for name in asked if "." not in name}
	assert {name for name in asked if (name, True) not in answered} <= {REGISTER}
	assert not found
	# so that the test can fail
	documents = {
		"get_page",
		"get_documents",
		"get_copy_page",
		"get_match_page",
		"get_digests",
		"look_at",
		OLD_FEED,
	}
	assert documents <= of_paper
	assert producer.run(count_marks, mark=mark) > 0


def count_marks(mark: str) -> int:
	"""The log does hold it."""
	import frappe

	return frappe.db.count("Event Update Log", {"data": ["like", f"%{mark}%"]})


def test_what_is_hidden_is_nowhere_on_the_consumer(producer, consumer, papers):
	mark = unique("zebra").replace(" ", "-")
	everything_happens(producer, mark)
	folder = producer.run(make_paper, mark=mark)

	pull(consumer, producer)
	copy(consumer, producer)
	report = verify(consumer, producer)
	verify(consumer, producer, repairs=True)

	assert folder in consumer.run(names_of_papers)
	assert consumer.run(places_of, mark=mark) == []
	assert not report["differing"]
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def names_of_papers() -> list[str]:
	import frappe

	return frappe.get_all(PAPER, pluck="name")


def places_of(mark: str) -> list[str]:
	"""Columns of this site's database, and files, that hold the mark."""
	import frappe

	found = []
	columns = frappe.db.sql(
		"""SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s
		AND data_type IN ('varchar', 'text', 'mediumtext', 'longtext', 'tinytext', 'char', 'json', 'character varying')""",
		(frappe.conf.db_name if frappe.db.db_type == "mariadb" else "public",),
	)
	for table, column in columns:
		if frappe.db.sql(
			f"SELECT 1 FROM `{table}` WHERE CAST(`{column}` AS CHAR(100000)) LIKE %s LIMIT 1", f"%{mark}%"
		):
			found.append(f"{table}.{column}")
	for base in (frappe.get_site_path("public", "files"), frappe.get_site_path("private", "files")):
		for folder, _folders, names in os.walk(base):
			for name in names:
				with open(os.path.join(folder, name), "rb") as opened:
					if mark in name or mark.encode() in opened.read():
						found.append(os.path.join(folder, name))
	return found


def deliveries() -> int:
	import frappe

	return frappe.db.count("Event Update Log Consumer")


def test_a_change_of_hidden_fields_alone_sends_nothing(producer, consumer, papers):
	paper = producer.run(make_paper, mark="m")
	pull(consumer, producer)
	before = [producer.run(deliveries), len(sync_logs(consumer)), len(update_logs(producer))]

	producer.run(change_hidden, name=paper, mark="n")
	summary = pull(consumer, producer)

	assert summary["events"] == 0
	assert [producer.run(deliveries), len(sync_logs(consumer))] == before[:2]
	assert len(update_logs(producer)) == before[2] + 1
	page = ask(producer, consumer, "get_page", cursor=0).json()["message"]
	(state,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={})
	assert state["position"] == page["cursor"]
	assert not page["has_more"]


def test_pages_are_cut_by_what_is_sent_so_that_they_do_not_tell_how_long_the_rest_is(
	producer, consumer, papers
):
	short, long = (
		producer.run(insert, doctype=PAPER, title="same", note=note * 1_000) for note in ("x", "x" * 50)
	)
	cursor = ask(producer, consumer, "get_page", cursor=0).json()["message"]["cursor"]
	sizes = []
	for name in (short, long):
		producer.run(change, doctype=PAPER, name=name, title="t1")
		producer.run(change, doctype=PAPER, name=name, title="t2")
		whole = ask(producer, consumer, "get_page", cursor=cursor).json()["message"]
		sent = sum(len(event["data"]) + len(event["data_before"]) + 400 for event in whole["events"])
		cut = [
			len(
				ask(producer, consumer, "get_page", cursor=cursor, max_bytes=most).json()["message"]["events"]
			)
			for most in (sent, sent - 1)
		]
		sizes.append((len(whole["events"]), cut))
		cursor = whole["cursor"]

	assert sizes == [(2, [2, 1]), (2, [2, 1])]


@pytest.mark.parametrize(
	"filters",
	[
		{"note": "x"},
		{"code": "x"},
		[["Kept Line", "remark", "=", "x"]],
		[["Kept Wage", "amount", "=", "x"]],
		{"lines.remark": "x"},
		{"`tabKept Paper`.`note`": "x"},
		{"ifnull(note, '')": "x"},
		{"city.title": "x"},
		[["User", "email", "=", "x"]],
		[[[["note", "=", "x"]], "or", [["note", "=", "y"]]]],
	],
)
@pytest.mark.parametrize("name", ["get_copy_page", "count_documents", "get_match_page", "get_digests"])
def test_no_filter_finds_documents_by_what_is_hidden(producer, consumer, papers, name, filters):
	more = {"fields": '["title"]', "shape": shape(), "buckets": 16}
	arguments = {
		"get_match_page": {"fields": more["fields"]},
		"get_digests": {"shape": more["shape"], "buckets": more["buckets"]},
	}.get(name, {})

	answer = ask(producer, consumer, name, doctype=PAPER, filters=json.dumps(filters), **arguments)

	assert answer.status_code == 417
	assert "is not sent" in answer.text


def test_a_filter_by_what_is_sent_goes_on_working(producer, consumer, papers):
	title = unique("title")
	producer.run(insert, doctype=PAPER, title=title, lines=[{"item": title}])

	for filters in (
		{"title": title},
		[["Kept Line", "item", "=", title]],
		{"name": ["like", "%"], "title": title},
	):
		counted = ask(producer, consumer, "count_documents", doctype=PAPER, filters=json.dumps(filters))
		assert counted.json()["message"] == {"total": 1, "withheld": 0}


# ---- conditions


def set_condition(event_producer: str, condition: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.producer_doctypes[0].condition = condition
	doc.save()


@pytest.mark.parametrize(
	"condition",
	["doc.note == 'x'", "doc['code'] > 'a'", "any(row.remark for row in doc.lines)", "doc.get('wages')"],
)
def test_a_condition_that_asks_for_what_is_hidden_is_refused(producer, consumer, papers, condition):
	with pytest.raises(RemoteError) as refused:
		consumer.run(set_condition, event_producer=producer.url, condition=condition)

	assert "is not sent to the consumer" in refused.value.message


def test_nor_can_be_hidden_what_the_condition_asks_for(producer, consumer, papers):
	consumer.run(set_condition, event_producer=producer.url, condition="doc.title != 'x'")

	with pytest.raises(RemoteError) as refused:
		producer.run(hide, consumer_url=consumer.url, doctype=PAPER, not_sent="title")

	assert "asks for title" in refused.value.message


def test_in_a_roundabout_way_a_condition_sees_nothing_of_it(producer, consumer, papers):
	condition = "any(d[k + 'te'] for d in [doc] for k in ['no']) or any(r['re' + 'mark'] for r in doc.lines)"
	consumer.run(set_condition, event_producer=producer.url, condition=condition)
	producer.run(decide, consumer_url=consumer.url)
	producer.run(make_paper, mark="m")

	assert pull(consumer, producer)["events"] == 0


def test_what_a_condition_fails_on_is_told_to_the_administrator_here_alone(producer, consumer, papers):
	consumer.run(set_condition, event_producer=producer.url, condition="int(doc.title) > 0")
	producer.run(decide, consumer_url=consumer.url)
	producer.run(insert, doctype=PAPER, title="telltale")

	page = ask(producer, consumer, "get_page", cursor=0)
	copied = ask(producer, consumer, "get_copy_page", doctype=PAPER)
	described = ask(producer, consumer, "describe", doctypes=json.dumps([PAPER]))

	assert page.json()["message"]["warnings"] and copied.status_code == 417
	assert described.json()["message"]["condition_errors"][PAPER]
	for answer in (page, copied, described):
		assert "telltale" not in answer.text
	(row,) = producer.run(read_rows, doctype="Event Consumer Document Type", filters={"ref_doctype": PAPER})
	assert "telltale" in row["condition_error"]


def test_documents_that_enter_and_leave_a_condition_go_on_doing_so(producer, consumer, papers):
	consumer.run(keep_only_open, event_producer=producer.url)
	producer.run(decide, consumer_url=consumer.url)
	paper = producer.run(make_paper, mark="m")
	pull(consumer, producer)
	assert paper not in consumer.run(names_of_papers)

	producer.run(change_hidden, name=paper, mark="m")
	producer.run(change, doctype=PAPER, name=paper, open=1)
	pull(consumer, producer)
	assert paper in consumer.run(names_of_papers)

	producer.run(change_hidden, name=paper, mark="o")
	producer.run(change, doctype=PAPER, name=paper, open=0)
	pull(consumer, producer)
	assert paper not in consumer.run(names_of_papers)
	assert consumer.run(places_of, mark="m note") == []


def keep_only_open(event_producer: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.producer_doctypes[0].update({"condition": "doc.open == 1", "when_condition_ends": "Remove"})
	doc.save()


# ---- who decides


@pytest.mark.parametrize(
	("not_sent", "masked", "word"),
	[
		("nothing_like_it", "", "has no field nothing_like_it"),
		("lines.nothing", "", "has no field lines.nothing"),
		("name", "", "always sent"),
		("docstatus", "", "always sent"),
		("lines.idx", "", "always sent"),
		("", "salary", "is not a text field"),
		("", "phone", "phone = 000"),
		("", "shown", "shown = 000"),
		("", "city", "is not a text field"),
		("", "lines", "is not a text field"),
		("", "nothing = x", "has no field nothing"),
		("note", "note = x", "among Fields Not Sent already"),
		("", f"contact = {'x' * 200}", "longer than 140"),
	],
)
def test_what_can_not_be_hidden_is_refused_with_the_reason(
	producer, consumer, papers, not_sent, masked, word
):
	with pytest.raises(RemoteError) as refused:
		producer.run(hide, consumer_url=consumer.url, doctype=PAPER, not_sent=not_sent, masked=masked)

	assert word in refused.value.message
	# as the message has it
	if word.startswith(f"{masked} = "):
		producer.run(hide, consumer_url=consumer.url, doctype=PAPER, not_sent=not_sent, masked=word)


def test_the_fields_that_names_are_made_of_are_refused(producer, consumer, orders):
	subscribe(consumer, producer, "Streamed City")
	for not_sent, masked in (("title", ""), ("", "title")):
		with pytest.raises(RemoteError) as refused:
			producer.run(
				hide, consumer_url=consumer.url, doctype="Streamed City", not_sent=not_sent, masked=masked
			)
		assert "names of Streamed City are made of title" in refused.value.message


def row_of(consumer_url: str) -> dict:
	import frappe

	doc = frappe.get_doc("Event Consumer", consumer_url)
	(row,) = (row for row in doc.consumer_doctypes if row.ref_doctype == PAPER)
	return {
		key: row.get(key)
		for key in ("status", "fields_not_sent", "fields_masked", "unsubscribed", "not_asked", "name")
	}


def decided(row: dict) -> tuple:
	return row["fields_not_sent"], row["fields_masked"]


def test_the_consumer_can_not_change_what_is_hidden_from_it(producer, consumer, papers):
	rest, row = producer.rest(SUBSCRIBER), producer.run(row_of, consumer_url=consumer.url)
	for incoming in (0, 1):
		rows = [{"ref_doctype": PAPER, "status": "Approved", "fields_not_sent": "", "fields_masked": ""}]
		try:
			rest.update(
				"Event Consumer", consumer.url, {"consumer_doctypes": rows, "incoming_change": incoming}
			)
		except RestError as error:
			assert error.status == 403
		try:
			rest.update(
				"Event Consumer", consumer.url, {"consumer_doctypes": [], "incoming_change": incoming}
			)
		except RestError as error:
			assert error.status == 403
	for change_row in (
		lambda: rest.update("Event Consumer Document Type", row["name"], {"fields_not_sent": ""}),
		lambda: rest.method(
			"frappe.client.set_value",
			doctype="Event Consumer Document Type",
			name=row["name"],
			fieldname="fields_masked",
			value="",
		),
		lambda: rest.delete("Event Consumer Document Type", row["name"]),
		lambda: rest.delete("Event Consumer", consumer.url),
	):
		with pytest.raises(RestError):
			change_row()

	assert decided(producer.run(row_of, consumer_url=consumer.url)) == (NOT_SENT, MASKED)


def take_out(event_producer: str, rows: list) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.producer_doctypes = []
	for row in rows:
		doc.append("producer_doctypes", row)
	doc.save()


def test_a_row_that_the_consumer_takes_out_and_asks_for_again_hides_the_same(producer, consumer, papers):
	paper = producer.run(make_paper, mark="zebra")
	consumer.run(
		take_out, event_producer=producer.url, rows=[{"ref_doctype": "Streamed City", "use_same_name": 1}]
	)
	without = producer.run(row_of, consumer_url=consumer.url)
	answer = ask(producer, consumer, "get_documents", documents=json.dumps([[PAPER, paper]]))
	summary = pull(consumer, producer)

	consumer.run(take_out, event_producer=producer.url, rows=[{"ref_doctype": PAPER, "use_same_name": 1}])
	again = producer.run(row_of, consumer_url=consumer.url)

	assert (without["unsubscribed"], without["not_asked"]) == (1, 1)
	assert paper in answer.text and "zebra" not in answer.text
	assert not summary["error"]
	assert (again["status"], again["unsubscribed"], again["not_asked"]) == ("Pending", 0, 0)
	assert decided(without) == decided(again) == (NOT_SENT, MASKED)


def test_narrowing_approves_nothing_anew_and_takes_effect_with_the_next_page(producer, consumer, orders):
	with_papers(producer, consumer)
	subscribe(consumer, producer, PAPER)
	producer.run(make_paper, mark="zebra")
	before = ask(producer, consumer, "get_page", cursor=0)
	producer.run(hide, consumer_url=consumer.url, doctype=PAPER, not_sent=NOT_SENT, masked=MASKED)

	after = ask(producer, consumer, "get_page", cursor=0)

	assert "zebra" in before.text and "zebra" not in after.text
	assert producer.run(row_of, consumer_url=consumer.url)["status"] == "Approved"


def test_who_saves_is_told_of_what_follows(producer, consumer, papers):
	told = " ".join(producer.run(hide, consumer_url=consumer.url, doctype=PAPER, not_sent="note"))

	assert "verify and repair" in told
	assert "Frappe's own REST API: note" in told


def add_row(consumer_url: str, doctype: str, **values) -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", consumer_url)
	doc.append("consumer_doctypes", {"ref_doctype": doctype, "status": "Approved", **values})
	doc.save()


def test_what_the_consumer_has_not_asked_for_is_hidden_too_where_others_need_it(producer, consumer, orders):
	with_papers(producer, consumer)
	subscribe(consumer, producer, FOLDER)
	producer.run(
		add_row, consumer_url=consumer.url, doctype=PAPER, fields_not_sent=NOT_SENT, fields_masked=MASKED
	)
	paper = producer.run(make_paper, mark="zebra")
	producer.run(insert, doctype=FOLDER, paper=paper)

	pull(consumer, producer)
	pull(consumer, producer)

	row = producer.run(row_of, consumer_url=consumer.url)
	assert paper in consumer.run(names_of_papers) and consumer.run(places_of, mark="zebra") == []
	assert (row["status"], row["not_asked"], decided(row)) == ("Pending", 1, (NOT_SENT, MASKED))
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def test_what_a_function_of_a_condition_shows_to_a_person_is_not_shown_to_the_consumer(producer):
	assert producer.run(messages_of_condition) == []


def messages_of_condition() -> list:
	import frappe

	from event_streaming.producer.subscriptions.conditions import without_writing

	frappe.local.message_log = []
	with without_writing():
		frappe.msgprint("what a document holds")
	return list(frappe.local.message_log)
