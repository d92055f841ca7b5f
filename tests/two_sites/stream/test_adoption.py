"""What a life cycle makes on both sites is one document: made here by a hook while an event is applied, adopted when it comes."""

import pytest
from doctypes import make_doctype
from documents import change, find_name, insert, read_doc, unique
from logs import sync_logs
from streams import pull, subscribe

FIRM, LEDGER, VOUCHER = "Making Firm", "Made Ledger", "Made Voucher"
STAMPS = ("creation", "owner", "modified", "modified_by")
MADE = "Event Made Document"


def make_doctypes() -> None:
	title = {"fieldname": "title", "label": "Title", "fieldtype": "Data", "reqd": 1}
	firm = {"fieldname": "firm", "label": "Firm", "fieldtype": "Link", "options": FIRM, "reqd": 1}
	kind = {"fieldname": "kind", "label": "Kind", "fieldtype": "Data"}
	make_doctype(FIRM, [title, kind], autoname="field:title", allow_rename=1)
	make_doctype(LEDGER, [title, firm, kind], autoname="field:title", allow_rename=1)
	make_doctype(VOUCHER, [firm, kind], autoname="format:MDV-{#####}", allow_rename=1)


@pytest.fixture(autouse=True)
def doctypes(producer, consumer):
	for site in (producer, consumer):
		site.run(make_doctypes)


def pull_with_life_cycle(producer: str, ledgers: int = 2, voucher: str = "", error: str = "") -> list:
	"""A pull on a site whose firms make their ledgers themselves, as a company makes its accounts; the pull's error."""
	import frappe
	from frappe.model.document import Document

	from event_streaming.consumer.pull.loop import pull

	def after_insert(doc):
		if doc.doctype != FIRM:
			return
		for number in range(ledgers):
			name = f"{doc.name} ledger {number}"
			if not frappe.db.exists(LEDGER, name):
				frappe.get_doc(
					{"doctype": LEDGER, "title": name, "firm": doc.name, "kind": "made here"}
				).insert()
		if voucher:
			made = frappe.get_doc({"doctype": VOUCHER, "firm": doc.name, "kind": "made here"})
			made.insert(set_name=voucher)
		if error:
			frappe.throw(error)

	Document.after_insert = after_insert
	try:
		return pull(producer).error
	finally:
		del Document.after_insert


def insert_named(doctype: str, name: str, **values) -> str:
	import frappe

	return frappe.get_doc({"doctype": doctype, **values}).insert(set_name=name).name


def make_firm(site, ledgers: int = 2) -> str:
	"""A firm and what its life cycle makes."""
	firm = site.run(insert, doctype=FIRM, title=unique("firm"))
	for number in range(ledgers):
		title = f"{firm} ledger {number}"
		site.run(insert, doctype=LEDGER, title=title, firm=firm, kind="of the producer")
	return firm


def ledgers_of(site, firm: str) -> dict:
	return {row["name"]: row["kind"] for row in site.run(read_all, doctype=LEDGER, firm=firm)}


def read_all(doctype: str, **filters) -> list:
	import frappe

	return frappe.get_all(doctype, filters=filters, fields=["*"], order_by="name asc", limit=0)


def test_what_the_life_cycle_makes_on_both_sites_is_adopted_and_has_the_producers_values(producer, consumer):
	subscribe(consumer, producer, FIRM, LEDGER)
	firm = make_firm(producer)

	assert not consumer.run(pull_with_life_cycle, producer=producer.url)

	assert {row["status"] for row in sync_logs(consumer)} == {"Synced"}
	assert ledgers_of(consumer, firm) == ledgers_of(producer, firm)
	stamps = [
		[site.run(read_doc, doctype=LEDGER, name=f"{firm} ledger 0")[field] for field in STAMPS]
		for site in (producer, consumer)
	]
	assert stamps[0] == stamps[1]
	producer.run(change, doctype=LEDGER, name=f"{firm} ledger 0", kind="changed")
	pull(consumer, producer)
	assert ledgers_of(consumer, firm) == ledgers_of(producer, firm)


def test_what_was_made_in_an_earlier_pull_is_remembered(producer, consumer):
	subscribe(consumer, producer, FIRM, LEDGER)
	firm = make_firm(producer, ledgers=0)
	assert not consumer.run(pull_with_life_cycle, producer=producer.url)
	assert len(consumer.run(read_all, doctype=MADE)) == 2
	title = f"{firm} ledger 1"
	producer.run(insert, doctype=LEDGER, title=title, firm=firm, kind="of the producer")

	pull(consumer, producer)

	assert {row["status"] for row in sync_logs(consumer)} == {"Synced"}
	# what the producer never tells of stays as the life cycle made it
	assert ledgers_of(consumer, firm) == {f"{firm} ledger 0": "made here", title: "of the producer"}


def test_a_child_of_the_life_cycle_that_comes_first_brings_its_maker_and_is_adopted(producer, consumer):
	firm = producer.run(insert, doctype=FIRM, title=unique("firm"))
	subscribe(consumer, producer, FIRM, LEDGER)
	for number in range(2):
		title = f"{firm} ledger {number}"
		producer.run(insert, doctype=LEDGER, title=title, firm=firm, kind="of the producer")

	assert not consumer.run(pull_with_life_cycle, producer=producer.url)

	assert {row["status"] for row in sync_logs(consumer)} == {"Synced"}
	assert consumer.run(read_doc, doctype=FIRM, name=firm)
	assert ledgers_of(consumer, firm) == ledgers_of(producer, firm)


def test_a_made_document_that_is_needed_before_its_own_event_is_the_producers(
	producer, consumer, extra_fields
):
	field = {"fieldname": "ledger", "label": "Ledger", "fieldtype": "Link", "options": LEDGER}
	for site in (producer, consumer):
		extra_fields(site, FIRM, field)
	subscribe(consumer, producer, FIRM, LEDGER)
	firm = make_firm(producer, ledgers=0)
	assert not consumer.run(pull_with_life_cycle, producer=producer.url)
	ledger = f"{firm} ledger 0"
	consumer.run(change, doctype=LEDGER, name=ledger, kind="changed here")
	producer.run(insert, doctype=LEDGER, title=ledger, firm=firm, kind="of the producer")
	producer.run(change, doctype=FIRM, name=firm, ledger=ledger)
	producer.run(forget_event, doctype=LEDGER, name=ledger)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=FIRM, name=firm)["ledger"] == ledger
	producer.run(change, doctype=LEDGER, name=ledger, kind="changed there")
	pull(consumer, producer)
	assert {row["status"] for row in sync_logs(consumer)} == {"Synced"}
	assert ledgers_of(consumer, firm)[ledger] == "changed there"


def test_documents_that_need_each_other_come_with_one_that_names_them_though_nobody_subscribes_to_them(
	producer, consumer, extra_fields
):
	"""An item names its company, the company its accounts, and each of these the company."""
	field = {"fieldname": "ledger", "label": "Ledger", "fieldtype": "Link", "options": LEDGER}
	for site in (producer, consumer):
		extra_fields(site, FIRM, field)
	firm = make_firm(producer)
	ledger = f"{firm} ledger 0"
	producer.run(change, doctype=FIRM, name=firm, ledger=ledger)
	subscribe(consumer, producer, VOUCHER)
	voucher = producer.run(insert, doctype=VOUCHER, firm=firm, kind="first")

	assert not consumer.run(pull_with_life_cycle, producer=producer.url)

	assert [row["status"] for row in sync_logs(consumer)] == ["Synced"]
	assert consumer.run(read_doc, doctype=VOUCHER, name=voucher)["firm"] == firm
	assert consumer.run(read_doc, doctype=FIRM, name=firm)["ledger"] == ledger
	assert ledgers_of(consumer, firm) == {ledger: "of the producer", f"{firm} ledger 1": "made here"}
	assert consumer.run(read_all, doctype=MADE) == []


def test_two_sites_that_tell_each_other_both_end_with_what_the_producer_made(producer, consumer):
	subscribe(consumer, producer, FIRM, LEDGER)
	subscribe(producer, consumer, LEDGER)
	firm = make_firm(producer)
	true = ledgers_of(producer, firm)

	assert not consumer.run(pull_with_life_cycle, producer=producer.url)
	pull(producer, consumer)

	assert ledgers_of(producer, firm) == ledgers_of(consumer, firm) == true
	consumer.run(change, doctype=LEDGER, name=f"{firm} ledger 0", kind="changed later")
	pull(producer, consumer)
	pull(consumer, producer)
	assert (
		ledgers_of(producer, firm)
		== ledgers_of(consumer, firm)
		== {**true, f"{firm} ledger 0": "changed later"}
	)
	for site in (producer, consumer):
		assert {row["status"] for row in sync_logs(site)} == {"Synced"}


def forget_event(doctype: str, name: str) -> None:
	"""As if the document had been made before anybody subscribed to it."""
	import frappe

	frappe.db.delete("Event Update Log", {"ref_doctype": doctype, "docname": name})


@pytest.mark.parametrize("its_own", [True, False], ids=["of the same firm", "of another firm"])
def test_a_counted_name_is_adopted_only_where_the_document_names_its_maker(producer, consumer, its_own):
	subscribe(consumer, producer, FIRM, VOUCHER)
	name, other = unique("MDV"), producer.run(insert, doctype=FIRM, title=unique("firm"))
	pull(consumer, producer)
	firm = make_firm(producer, ledgers=0)
	values = {"firm": firm if its_own else other, "kind": "of the producer"}
	producer.run(insert_named, doctype=VOUCHER, name=name, **values)

	assert not consumer.run(pull_with_life_cycle, producer=producer.url, ledgers=0, voucher=name)

	log = sync_logs(consumer, remote_doctype=VOUCHER)[-1]
	here = consumer.run(read_doc, doctype=VOUCHER, name=name)
	if its_own:
		assert (log["status"], here["kind"]) == ("Synced", "of the producer")
	else:
		assert (log["status"], here["kind"]) == ("Failed", "made here")
		assert "exists on this site and did not come from" in log["error"]


def test_with_local_naming_a_made_document_of_the_same_name_is_not_doubled(producer, consumer):
	subscribe(consumer, producer, FIRM, {"ref_doctype": LEDGER, "use_same_name": 0})
	firm = make_firm(producer)

	assert not consumer.run(pull_with_life_cycle, producer=producer.url)

	assert {row["status"] for row in sync_logs(consumer)} == {"Synced"}
	assert ledgers_of(consumer, firm) == ledgers_of(producer, firm)
	ledger = f"{firm} ledger 0"
	assert (
		consumer.run(find_name, doctype=LEDGER, remote_docname=ledger, remote_site_name=producer.url)
		== ledger
	)


def test_what_a_person_made_here_is_not_taken_over(producer, consumer):
	subscribe(consumer, producer, FIRM, LEDGER)
	firm = make_firm(producer, ledgers=0)
	pull(consumer, producer)
	ledger = f"{firm} ledger 0"
	consumer.run(insert, doctype=LEDGER, title=ledger, firm=firm, kind="of a person")
	producer.run(insert, doctype=LEDGER, title=ledger, firm=firm, kind="of the producer")

	pull(consumer, producer)

	[log] = sync_logs(consumer, remote_doctype=LEDGER)
	assert log["status"] == "Failed"
	assert ledgers_of(consumer, firm) == {ledger: "of a person"}


def test_a_namesake_that_was_made_anew_by_a_person_is_another_document(producer, consumer):
	subscribe(consumer, producer, FIRM, LEDGER)
	firm = make_firm(producer, ledgers=0)
	assert not consumer.run(pull_with_life_cycle, producer=producer.url, ledgers=1)
	ledger = f"{firm} ledger 0"
	consumer.run(make_anew, name=ledger, firm=firm)
	producer.run(insert, doctype=LEDGER, title=ledger, firm=firm, kind="of the producer")

	pull(consumer, producer)

	[log] = sync_logs(consumer, remote_doctype=LEDGER)
	assert log["status"] == "Failed"
	assert ledgers_of(consumer, firm) == {ledger: "of a person"}


def make_anew(name: str, firm: str) -> None:
	import frappe

	frappe.delete_doc(LEDGER, name)
	frappe.get_doc({"doctype": LEDGER, "title": name, "firm": firm, "kind": "of a person"}).insert()


def test_an_event_that_fails_leaves_no_memory_of_what_it_made(producer, consumer):
	subscribe(consumer, producer, FIRM, LEDGER)
	firm = make_firm(producer, ledgers=0)
	second = make_firm(producer, ledgers=0)

	consumer.run(pull_with_life_cycle, producer=producer.url, error="this site's own rule")

	assert {row["status"] for row in sync_logs(consumer)} == {"Retrying"}
	assert ledgers_of(consumer, firm) == {} == ledgers_of(consumer, second)
	assert consumer.run(read_all, doctype=MADE) == []


def test_documents_that_are_made_outside_of_any_event_are_not_remembered(producer, consumer):
	subscribe(consumer, producer, FIRM, LEDGER)
	firm = consumer.run(insert, doctype=FIRM, title=unique("firm"))
	consumer.run(insert, doctype=LEDGER, title=unique("ledger"), firm=firm)

	assert consumer.run(read_all, doctype=MADE) == []


def test_applied_documents_themselves_are_not_remembered_as_made(producer, consumer):
	subscribe(consumer, producer, FIRM, LEDGER)
	make_firm(producer)

	pull(consumer, producer)

	assert consumer.run(read_all, doctype=MADE) == []


def test_the_memory_is_cleared_by_retention(producer, consumer):
	subscribe(consumer, producer, FIRM, LEDGER)
	make_firm(producer, ledgers=0)
	assert not consumer.run(pull_with_life_cycle, producer=producer.url)

	assert consumer.run(clear_after, days=1) == 2
	assert consumer.run(clear_after, days=-1) == 0


def clear_after(days: int) -> int:
	import frappe
	from frappe.model.base_document import get_controller

	get_controller(MADE).clear_old_logs(days)
	return frappe.db.count(MADE)
