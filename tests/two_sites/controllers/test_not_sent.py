"""What does not come: it stays here as it is, verify does not compare it, masks are compared; and what this site does not want."""

import pytest
from doctypes import CITY, MASKED, NOT_SENT, PAPER, copy, hide, make_paper, verify, with_papers
from documents import change, insert, read_doc, read_rows, unique
from logs import sync_logs, update_logs
from streams import pull, settle, subscribe

ROW = {"ref_doctype": PAPER, "use_same_name": 1}


@pytest.fixture
def papers(producer, consumer, orders):
	with_papers(producer, consumer)


def hide_papers(producer, consumer, not_sent: str = NOT_SENT, masked: str = MASKED) -> list[str]:
	return producer.run(hide, consumer_url=consumer.url, doctype=PAPER, not_sent=not_sent, masked=masked)


def paper_here(consumer, name: str) -> dict:
	return consumer.run(read_doc, doctype=PAPER, name=name)


def fill_hidden(name: str) -> None:
	"""This site's own values where the producer sends none."""
	import frappe

	doc = frappe.get_doc(PAPER, name)
	doc.note, doc.salary, doc.lines[0].remark = "ours", 7, "our remark"
	doc.append("wages", {"amount": "our amount"})
	doc.save()


def our_values(doc: dict) -> tuple:
	return (
		doc["note"],
		doc["salary"],
		doc["lines"][0]["remark"],
		[row["amount"] for row in doc["wages"]],
	)


OURS = ("ours", 7, "our remark", ["our amount"])


def test_what_is_not_sent_stays_as_it_is_here_on_every_way(producer, consumer, papers):
	subscribe(consumer, producer, PAPER)
	hide_papers(producer, consumer)
	paper = producer.run(make_paper, mark="theirs")
	pull(consumer, producer)
	consumer.run(fill_hidden, name=paper)

	producer.run(change, doctype=PAPER, name=paper, title="changed", note="theirs too")
	pull(consumer, producer)
	updated = paper_here(consumer, paper)
	consumer.run(set_value, name=paper, title="lost")
	verify(consumer, producer)
	verify(consumer, producer, repairs=True)
	repaired = paper_here(consumer, paper)
	producer.run(say_again, name=paper)
	pull(consumer, producer)
	whole = paper_here(consumer, paper)

	assert [doc["title"] for doc in (updated, repaired, whole)] == ["changed"] * 3
	assert our_values(updated) == our_values(repaired) == our_values(whole) == OURS
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def set_value(name: str, **values) -> None:
	import frappe

	frappe.db.set_value(PAPER, name, values)


def say_again(name: str) -> None:
	"""The whole document as an event."""
	import frappe

	from event_streaming.producer.capture.log import write
	from event_streaming.wire.difference import snapshot

	write(PAPER, name, "Create", snapshot(frappe.get_doc(PAPER, name)))


def test_this_sites_own_rules_go_on_filling_what_does_not_come(producer, consumer, papers):
	subscribe(consumer, producer, PAPER)
	hide_papers(producer, consumer, "salary", "")
	paper = producer.run(make_paper, mark="theirs")
	pull(consumer, producer)
	consumer.run(add_rule)
	try:
		producer.run(change, doctype=PAPER, name=paper, title="four")
		pull(consumer, producer)
	finally:
		consumer.run(remove_rule)

	assert paper_here(consumer, paper)["salary"] == 4


def add_rule() -> None:
	import frappe

	frappe.get_doc(
		{
			"doctype": "Server Script",
			"name": "salary here",
			"script_type": "DocType Event",
			"reference_doctype": PAPER,
			"doctype_event": "Before Save",
			"script": "doc.salary = len(doc.title)",
		}
	).insert()
	frappe.clear_cache()


def remove_rule() -> None:
	import frappe

	frappe.delete_doc("Server Script", "salary here", force=True)
	frappe.clear_cache()


def test_masks_come_stay_equal_and_are_compared(producer, consumer, papers):
	subscribe(consumer, producer, PAPER)
	hide_papers(producer, consumer)
	one, other = (producer.run(make_paper, mark="same") for _each in range(2))
	pull(consumer, producer)

	first, second = paper_here(consumer, one), paper_here(consumer, other)
	clean = verify(consumer, producer)
	consumer.run(set_value, name=one, code="guessed")
	found = verify(consumer, producer)
	verify(consumer, producer, repairs=True)

	assert first["code"] == second["code"] and len(first["code"]) == 32
	assert first["contact"] == "on request"
	assert first["lines"][0]["label"] == second["lines"][0]["label"] != "same label"
	assert clean["differing"] == 0
	assert found["differing"] == 1
	assert paper_here(consumer, one)["code"] == first["code"]


def test_a_mask_that_is_given_later_replaces_what_came_before_by_a_repair(producer, consumer, papers):
	subscribe(consumer, producer, PAPER)
	paper = producer.run(make_paper, mark="open")
	pull(consumer, producer)
	hide_papers(producer, consumer, "", "code")
	before = paper_here(consumer, paper)["code"]

	verify(consumer, producer)
	verify(consumer, producer, repairs=True)

	assert before == "open code"
	assert len(paper_here(consumer, paper)["code"]) == 32


def test_what_is_sent_again_comes_with_a_repair(producer, consumer, papers):
	subscribe(consumer, producer, PAPER)
	hide_papers(producer, consumer, "note", "")
	paper = producer.run(make_paper, mark="open")
	pull(consumer, producer)
	hide_papers(producer, consumer, "", "")
	assert pull(consumer, producer)["events"] == 0

	verify(consumer, producer)
	verify(consumer, producer, repairs=True)

	assert paper_here(consumer, paper)["note"] == "open note"


def told(consumer) -> tuple:
	(row,) = consumer.run(read_rows, doctype="Event Producer Document Type", filters={"ref_doctype": PAPER})
	return row["not_sent"], row["masked"], row["status"]


def test_this_site_is_told_what_it_does_not_get_at_once_and_with_each_page(producer, consumer, papers):
	subscribe(consumer, producer, PAPER)
	hide_papers(producer, consumer, "note\nlines.remark", "code = x")
	at_once = told(consumer)
	consumer.run(forget_told)

	pull(consumer, producer)

	assert at_once == told(consumer) == ("note\nlines.remark", "code", "Approved")


def forget_told() -> None:
	import frappe

	frappe.db.set_value(
		"Event Producer Document Type", {"ref_doctype": PAPER}, {"not_sent": None, "masked": None}
	)
	frappe.clear_cache()


def test_documents_that_exist_are_copied_and_matched_without_it(producer, consumer, papers):
	title = unique("match")
	there = producer.run(insert, doctype=PAPER, title=title, note="theirs")
	here = consumer.run(insert, doctype=PAPER, title=title, note="ours")
	subscribe(consumer, producer, {"ref_doctype": PAPER, "match_by": "title"})
	hide_papers(producer, consumer, "note", "")

	copy(consumer, producer)

	doc = paper_here(consumer, here)
	assert (doc["note"], doc["remote_docname"]) == ("ours", there)


# ---- what this site does not want


def do_not_send(event_producer: str, fields: str, ticked: int = 1) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.producer_doctypes[0].update({"fields_this_site_decides": fields, "do_not_send": ticked})
	doc.save()


def row_there(producer, consumer) -> dict:
	(row,) = producer.run(
		read_rows,
		doctype="Event Consumer Document Type",
		filters={"ref_doctype": PAPER, "parent": consumer.url},
	)
	return row


def data_sent(consumer_url: str) -> list[str]:
	import frappe

	from event_streaming.producer.feed.page import get_page

	frappe.set_user(frappe.db.get_value("Event Consumer", consumer_url, "user"))
	try:
		page = get_page(consumer_url, 0)
	finally:
		frappe.set_user("Administrator")
	return [event["data"] for event in page["events"]]


def test_what_this_site_decides_is_not_sent_when_it_says_so(producer, consumer, papers):
	subscribe(consumer, producer, {**ROW, "fields_this_site_decides": "note\nlines.remark", "do_not_send": 1})
	paper = producer.run(make_paper, mark="theirs")

	sent = " ".join(producer.run(data_sent, consumer_url=consumer.url))
	pull(consumer, producer)
	logged = len(sync_logs(consumer))
	producer.run(change, doctype=PAPER, name=paper, note="theirs alone")

	assert pull(consumer, producer)["events"] == 0 and len(sync_logs(consumer)) == logged
	assert "theirs note" not in sent and "theirs remark" not in sent and "theirs code" in sent
	assert verify(consumer, producer)["differing"] == 0


def test_a_change_of_it_is_told_and_approves_nothing_anew(producer, consumer, papers):
	subscribe(consumer, producer, PAPER)
	told = [row_there(producer, consumer)]
	for fields, ticked in (("note", 1), ("code\nnote", 1), ("note", 0)):
		consumer.run(do_not_send, event_producer=producer.url, fields=fields, ticked=ticked)
		told.append(row_there(producer, consumer))

	assert [row["not_wanted"] for row in told] == [None, "note", "code\nnote", None]
	assert {row["status"] for row in told} == {"Approved"}


def test_a_change_that_could_not_be_told_is_with_the_next_pull(producer, consumer, papers):
	subscribe(consumer, producer, PAPER)
	producer.stop_web()
	try:
		consumer.run(do_not_send, event_producer=producer.url, fields="note")
	finally:
		producer.start_web()

	pull(consumer, producer)

	row = row_there(producer, consumer)
	assert (row["not_wanted"], row["status"]) == ("note", "Approved")


def test_its_own_wish_opens_nothing_that_the_administrator_hides(producer, consumer, papers):
	subscribe(consumer, producer, {**ROW, "fields_this_site_decides": "note", "do_not_send": 1})
	hide_papers(producer, consumer, "note", "")

	consumer.run(do_not_send, event_producer=producer.url, fields="note", ticked=0)

	producer.run(make_paper, mark="theirs")
	assert "theirs note" not in " ".join(producer.run(data_sent, consumer_url=consumer.url))


def make_mapping() -> None:
	import frappe

	if frappe.db.exists("Document Type Mapping", "Papers"):
		return
	pairs = [("title", "title"), ("note", "story"), ("code", "code"), ("contact", "code")]
	frappe.get_doc(
		{
			"doctype": "Document Type Mapping",
			"mapping_name": "Papers",
			"local_doctype": PAPER,
			"remote_doctype": PAPER,
			"field_mapping": [
				{"local_fieldname": here, "remote_fieldname": there, "default_value": "by default"}
				for here, there in pairs
			],
		}
	).insert()


def test_with_a_mapping_the_producers_names_are_told_and_defaults_overwrite_nothing(
	producer, consumer, papers
):
	consumer.run(make_mapping)
	row = {**ROW, "has_mapping": 1, "mapping": "Papers"}
	# the producer's code goes into contact too, which this site does not decide
	subscribe(consumer, producer, {**row, "fields_this_site_decides": "note\ncode", "do_not_send": 1})
	assert row_there(producer, consumer)["not_wanted"] == "story"
	consumer.run(do_not_send, event_producer=producer.url, fields="", ticked=0)
	hide_papers(producer, consumer, "code", "")
	paper = producer.run(insert, doctype=PAPER, title="mapped", code="theirs")
	pull(consumer, producer)
	made = paper_here(consumer, paper)["contact"]

	consumer.run(set_value, name=paper, contact="ours")
	producer.run(say_again, name=paper)
	pull(consumer, producer)

	assert made == "by default"
	assert paper_here(consumer, paper)["contact"] == "ours"


# ---- both ways


def test_what_the_other_site_does_not_get_it_can_not_give_back(producer, consumer, papers):
	subscribe(consumer, producer, PAPER)
	subscribe(producer, consumer, PAPER)
	hide_papers(producer, consumer)
	paper = producer.run(make_paper, mark="theirs")
	settle((consumer, producer), (producer, consumer))

	consumer.run(fill_hidden, name=paper)
	consumer.run(change, doctype=PAPER, name=paper, title="from here", code="ours", contact="ours")
	consumer.run(say_again, name=paper)
	settle((consumer, producer), (producer, consumer))

	there = producer.run(read_doc, doctype=PAPER, name=paper)
	assert there["title"] == "from here"
	assert (there["note"], there["salary"]) == ("theirs note", 98765.43)
	assert (there["code"], there["contact"]) == ("theirs code", "theirs contact")
	assert [row["amount"] for row in there["wages"]] == ["theirs amount"]
	assert there["lines"][0]["remark"] == "theirs remark"


def test_changes_of_hidden_fields_there_make_no_conflict_here(producer, consumer, papers):
	subscribe(consumer, producer, PAPER, conflict_policy="Ask")
	hide_papers(producer, consumer)
	paper = producer.run(make_paper, mark="theirs")
	pull(consumer, producer)

	for number in range(3):
		producer.run(change, doctype=PAPER, name=paper, note=f"hidden {number}", contact=f"hidden {number}")
	producer.run(change, doctype=PAPER, name=paper, title="seen")
	pull(consumer, producer)

	assert paper_here(consumer, paper)["title"] == "seen"
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	assert update_logs(producer)[-1]["update_type"] == "Update"


def test_a_document_that_another_needs_goes_by_its_own_row_whether_approved_or_not(
	producer, consumer, papers
):
	subscribe(consumer, producer, "Kept Folder", PAPER)
	hide_papers(producer, consumer)
	producer.run(reject, consumer_url=consumer.url)
	paper = producer.run(
		make_paper, mark="theirs", city=producer.run(insert, doctype=CITY, title=unique("c"))
	)
	producer.run(insert, doctype="Kept Folder", paper=paper)

	pull(consumer, producer)

	doc = paper_here(consumer, paper)
	assert doc and not doc["note"] and not doc["wages"] and doc["contact"] == "on request"


def reject(consumer_url: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", consumer_url)
	for row in doc.consumer_doctypes:
		row.status = "Rejected" if row.ref_doctype == PAPER else "Approved"
	doc.save()


def test_doctors_of_both_sites_say_what_does_not_go_well(producer, consumer, papers, extra_fields):
	needed = {"fieldname": "needed", "label": "Needed", "fieldtype": "Data", "reqd": 1}
	for site in (producer, consumer):
		extra_fields(site, PAPER, needed)
	subscribe(consumer, producer, PAPER)
	saved = " ".join(hide_papers(producer, consumer, "needed\nnote", ""))
	producer.run(rename_in_row, consumer_url=consumer.url)

	there = " ".join(producer.run(findings))
	here = " ".join(consumer.run(findings))

	assert "can't be saved without these fields: needed" in saved
	assert "can't be saved without these fields: needed" in there
	assert "no such fields (any more), so that they are not hidden: gone" in there
	assert "are mandatory here and may be empty there: needed" in here


def rename_in_row(consumer_url: str) -> None:
	import frappe

	frappe.db.set_value(
		"Event Consumer Document Type",
		{"parent": consumer_url, "ref_doctype": PAPER},
		"fields_not_sent",
		"needed\nnote\ngone",
	)
	frappe.clear_cache()


def findings() -> list[str]:
	from event_streaming.admin.doctor.examination import examine

	return [each.message for each in examine()]
