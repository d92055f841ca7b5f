"""Which local document is meant: a name alone proves nothing, and what has moved meanwhile is found."""

import json

import pytest
from doctypes import CITY, ORDER, make_doctype, with_orders
from documents import change, find_name, insert, read_doc, unique
from logs import sync_logs
from streams import pull, subscribe

PARTY, COUNTED, PAPER = "Resolved Party", "Resolved Ticket", "Resolving Paper"
SYNC_LOG_METHODS = "event_streaming.event_streaming.doctype.event_sync_log.event_sync_log"


def make_doctypes() -> None:
	title = {"fieldname": "title", "label": "Title", "fieldtype": "Data", "reqd": 1}

	def link(fieldname: str, doctype: str) -> dict:
		return {"fieldname": fieldname, "label": fieldname.title(), "fieldtype": "Link", "options": doctype}

	make_doctype(PARTY, [title], autoname="format:RP-{title}-{#####}", allow_rename=1)
	make_doctype(COUNTED, [title], autoname="format:RTK-{#####}", allow_rename=1)
	make_doctype(
		PAPER,
		[
			title,
			{"fieldname": "note", "label": "Note", "fieldtype": "Data"},
			link("ticket", COUNTED),
			link("responsible", "User"),
			link("party_type", "DocType"),
			{"fieldname": "party", "label": "Party", "fieldtype": "Dynamic Link", "options": "party_type"},
		],
		autoname="field:title",
		allow_rename=1,
	)


@pytest.fixture(autouse=True)
def doctypes(producer, consumer):
	with_orders(producer, consumer)
	for site in (producer, consumer):
		site.run(make_doctypes)


def insert_named(doctype: str, name: str, **values) -> str:
	import frappe

	return frappe.get_doc({"doctype": doctype, **values}).insert(set_name=name).name


def same_name_on_both(producer, consumer) -> str:
	"""A city that somebody made on this site, and another one of that name on the producer."""
	city = unique("city")
	consumer.run(insert, doctype=CITY, title=city, country_name="of this site")
	producer.run(insert, doctype=CITY, title=city, country_name="of the producer")
	return city


# ---------------------------------------------------------------- needs


def test_what_needs_a_document_whose_name_is_taken_here_waits_for_it(producer, consumer):
	subscribe(consumer, producer, CITY, ORDER)
	city = same_name_on_both(producer, consumer)
	order = producer.run(insert, doctype=ORDER, title=unique("order"), city=city)

	pull(consumer, producer)

	[log] = sync_logs(consumer, remote_doctype=ORDER)
	assert log["status"] == "Retrying"
	assert f"Waits for {CITY} {city}, whose own event has not been applied" in log["error"]
	assert consumer.run(read_doc, doctype=ORDER, name=order) is None
	assert consumer.run(read_doc, doctype=CITY, name=city)["country_name"] == "of this site"

	[failed] = sync_logs(consumer, remote_doctype=CITY)
	consumer.rest().method(f"{SYNC_LOG_METHODS}.adopt", name=str(failed["name"]))
	pull(consumer, producer)

	assert {row["status"] for row in sync_logs(consumer)} == {"Synced"}
	assert consumer.run(read_doc, doctype=ORDER, name=order)["city"] == city
	assert consumer.run(read_doc, doctype=CITY, name=city)["country_name"] == "of the producer"


def test_it_waits_in_later_pulls_too_and_is_never_given_up(producer, consumer):
	subscribe(consumer, producer, CITY, ORDER)
	city = same_name_on_both(producer, consumer)
	pull(consumer, producer)
	producer.run(insert, doctype=ORDER, title=unique("order"), city=city)
	pull(consumer, producer)

	consumer.run(retry_as_if_often_tried, producer=producer.url, doctype=ORDER)

	[log] = sync_logs(consumer, remote_doctype=ORDER)
	assert (log["status"], log["attempts"]) == ("Retrying", 51)
	assert log["waits_for"] == f"{CITY} {city}"


def retry_as_if_often_tried(producer: str, doctype: str) -> None:
	import frappe

	from event_streaming.consumer.pull.loop import pull

	filters = {"remote_doctype": doctype, "status": "Retrying"}
	frappe.db.set_value("Event Sync Log", filters, {"attempts": 50, "next_retry": "2020-01-01"})
	frappe.db.commit()
	assert not pull(producer).error


def test_a_need_that_was_never_an_event_is_not_met_by_a_namesake_either(producer, consumer):
	city = same_name_on_both(producer, consumer)
	subscribe(consumer, producer, CITY, ORDER)
	order = producer.run(insert, doctype=ORDER, title=unique("order"), city=city)

	pull(consumer, producer)

	[log] = sync_logs(consumer)
	assert log["status"] == "Retrying" and "Waits for" in log["error"]
	assert consumer.run(read_doc, doctype=ORDER, name=order) is None


def test_a_namesake_that_is_a_copy_of_the_producers_meets_a_need(producer, consumer):
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	there = producer.run(read_doc, doctype=CITY, name=city)
	consumer.run(insert, doctype=CITY, title=city)
	consumer.run(set_creation, doctype=CITY, name=city, creation=there["creation"])
	subscribe(consumer, producer, CITY, ORDER)
	order = producer.run(insert, doctype=ORDER, title=unique("order"), city=city)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=order)["city"] == city
	producer.run(change, doctype=CITY, name=city, country_name="Siam")
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=CITY, name=city)["country_name"] == "Siam"


def set_creation(doctype: str, name: str, creation: str) -> None:
	import frappe

	frappe.db.set_value(doctype, name, "creation", creation, update_modified=False)


def test_a_counted_name_meets_no_need_even_where_nobody_subscribes_to_it(producer, consumer):
	name = unique("RTK")
	for site in (producer, consumer):
		site.run(insert_named, doctype=COUNTED, name=name, title=site.url)
	subscribe(consumer, producer, PAPER)
	paper = producer.run(insert, doctype=PAPER, title=unique("paper"), ticket=name)

	pull(consumer, producer)

	[log] = sync_logs(consumer)
	assert log["status"] == "Failed" and "another document has this name here" in log["error"]
	assert consumer.run(read_doc, doctype=PAPER, name=paper) is None


def test_open_events_of_needs_are_looked_for_once_a_page(producer, consumer):
	subscribe(consumer, producer, CITY, ORDER)
	cities = [same_name_on_both(producer, consumer) for _number in range(5)]
	pull(consumer, producer)
	for number in range(10):
		producer.run(insert, doctype=ORDER, title=unique("order"), city=cities[number % 5])

	looked = consumer.run(pull_and_count_looks, producer=producer.url)

	assert len(sync_logs(consumer, remote_doctype=ORDER, status="Retrying")) == 10
	# for the page's own documents, and for what they need
	assert looked == 2


def pull_and_count_looks(producer: str) -> int:
	from event_streaming.consumer.logs import open_rows
	from event_streaming.consumer.pull.loop import pull

	looks, original = [], open_rows.documents_held_back

	def counted(event_producer, keys):
		keys = list(keys)
		looks.append(keys)
		return original(event_producer, keys)

	open_rows.documents_held_back = counted
	try:
		assert not pull(producer).error
	finally:
		open_rows.documents_held_back = original
	return sum(bool(each) for each in looks)


# ---------------------------------------------------------------- what has moved meanwhile


def test_a_document_that_is_renamed_here_during_a_page_is_changed_under_its_new_name(producer, consumer):
	subscribe(consumer, producer, CITY)
	first, second = (producer.run(insert, doctype=CITY, title=unique("city")) for _each in range(2))
	pull(consumer, producer)
	new = unique("renamed")
	for city in (first, second):
		producer.run(change, doctype=CITY, name=city, country_name="Siam")

	consumer.run(pull_while_renaming, producer=producer.url, when=first, old=second, new=new)

	assert consumer.run(read_doc, doctype=CITY, name=new)["country_name"] == "Siam"
	assert consumer.run(read_doc, doctype=CITY, name=second) is None
	assert {row["status"] for row in sync_logs(consumer)} == {"Synced"}


@pytest.mark.parametrize("kind", ["delete", "rename"])
def test_so_are_its_deletion_and_its_rename(producer, consumer, kind):
	subscribe(consumer, producer, CITY)
	first, second = (producer.run(insert, doctype=CITY, title=unique("city")) for _each in range(2))
	pull(consumer, producer)
	new, newest = unique("renamed"), unique("newest")
	producer.run(change, doctype=CITY, name=first, country_name="Siam")
	producer.run(delete_or_rename, kind=kind, name=second, new=newest)

	consumer.run(pull_while_renaming, producer=producer.url, when=first, old=second, new=new)

	left = [name for name in (second, new, newest) if consumer.run(read_doc, doctype=CITY, name=name)]
	assert left == ([] if kind == "delete" else [newest])
	assert {row["status"] for row in sync_logs(consumer)} == {"Synced"}


def delete_or_rename(kind: str, name: str, new: str) -> None:
	import frappe

	if kind == "delete":
		frappe.delete_doc(CITY, name)
	else:
		frappe.rename_doc(CITY, name, new)


def pull_while_renaming(producer: str, when: str, old: str, new: str) -> None:
	"""A user renames a city while the page is applied: after it was looked up, before its event's turn."""
	import frappe
	from frappe.model.document import Document

	from event_streaming.consumer.pull.loop import pull

	def on_update(doc):
		if doc.doctype == CITY and doc.name == when and frappe.db.exists(CITY, old):
			frappe.rename_doc(CITY, old, new)

	Document.on_update = on_update
	try:
		assert not pull(producer).error
	finally:
		del Document.on_update


# ---------------------------------------------------------------- conflicts


def paper_on_both(producer, consumer, **values) -> str:
	paper = producer.run(insert, doctype=PAPER, title=unique("paper"), **values)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=PAPER, name=paper)
	return paper


@pytest.mark.parametrize("policy", ["Consumer Wins", "Ask"])
def test_a_dynamic_link_that_only_the_producer_changed_is_no_conflict(producer, consumer, policy):
	subscribe(
		consumer,
		producer,
		{"ref_doctype": PAPER, "use_same_name": 1, "conflict_policy": policy},
		{"ref_doctype": PARTY, "use_same_name": 0},
	)
	# the counters of the two sites differ
	consumer.run(insert, doctype=PARTY, title="own")
	first, second = (producer.run(insert, doctype=PARTY, title=unique("p")) for _each in range(2))
	consumer.run(insert, doctype=PARTY, title="own")
	paper = paper_on_both(producer, consumer, party_type=PARTY, party=first)
	consumer.run(change, doctype=PAPER, name=paper, note="of this site")
	producer.run(change, doctype=PAPER, name=paper, party=second)

	pull(consumer, producer)

	log, here = sync_logs(consumer)[-1], consumer.run(read_doc, doctype=PAPER, name=paper)
	local = consumer.run(find_name, doctype=PARTY, remote_docname=second)
	assert (log["status"], json.loads(log["conflicts"] or "[]")) == ("Synced", [])
	assert (here["party"], here["note"]) == (local, "of this site")


def test_a_user_in_whose_place_the_subscriber_stands_is_no_conflict(producer, consumer):
	consumer.run(use_subscriber)
	subscribe(consumer, producer, PAPER, conflict_policy="Ask")
	first = producer.run(make_user, email=f"{unique('u').replace(' ', '')}@example.com")
	paper = paper_on_both(producer, consumer, responsible=first)
	consumer.run(change, doctype=PAPER, name=paper, note="of this site")
	producer.run(change, doctype=PAPER, name=paper, responsible="Administrator")

	pull(consumer, producer)

	log = sync_logs(consumer)[-1]
	assert (log["status"], json.loads(log["conflicts"] or "[]")) == ("Synced", [])
	here = consumer.run(read_doc, doctype=PAPER, name=paper)
	assert (here["responsible"], here["note"]) == ("Administrator", "of this site")


def use_subscriber() -> None:
	import frappe

	settings = frappe.get_doc("Event Streaming Settings")
	settings.missing_user = "Use the Event Subscriber"
	settings.save()


def make_user(email: str) -> str:
	import frappe

	user = {"doctype": "User", "email": email, "first_name": "Somchai", "send_welcome_email": 0}
	return frappe.get_doc(user).insert().name
