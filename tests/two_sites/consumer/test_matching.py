"""Documents that both sites have already: Match By links them, before the first copy and one by one; Adopt does for many."""

import json

import pytest
from doctypes import make_doctype
from documents import change, insert, read_doc, read_rows, unique
from logs import sync_logs
from streams import make_event_producer, make_subscriber, pull, subscribe
from test_first_copy import copy_now

from sandbox.errors import RestError

SYNC_LOG = "event_streaming.event_streaming.doctype.event_sync_log.event_sync_log"
IDENTITY = "Event Document Identity"
# named by its title on both sites; named by each site for itself
UNIT, CLIENT = "Matched Unit", "Matched Client"


def make_doctypes() -> None:
	for name, rule in ((UNIT, "field:title"), (CLIENT, "format:CLI-{#####}")):
		make_doctype(
			name,
			[
				{"fieldname": "title", "label": "Title", "fieldtype": "Data", "reqd": 1},
				{"fieldname": "tax_id", "label": "Tax ID", "fieldtype": "Data"},
				{"fieldname": "rate", "label": "Rate", "fieldtype": "Float"},
				{"fieldname": "note", "label": "Note", "fieldtype": "Data"},
				{"fieldname": "unit", "label": "Unit", "fieldtype": "Link", "options": UNIT},
			],
			autoname=rule,
		)


def empty() -> None:
	"""Documents of other tests would be matched as well."""
	import frappe

	for doctype in (CLIENT, UNIT):
		frappe.db.delete(doctype)
	frappe.db.commit()


@pytest.fixture(autouse=True)
def doctypes(producer, consumer):
	for site in (producer, consumer):
		site.run(make_doctypes)
		site.run(empty)


def make(site, doctype: str, count: int, note: str, start: int = 0) -> list[str]:
	return [
		site.run(insert, doctype=doctype, title=f"Doc {number}", tax_id=f"T{number}", note=note)
		for number in range(start, start + count)
	]


def preview(event_producer: str, doctypes: list | None = None) -> list:
	from event_streaming.consumer.first_copy.linking import preview_match

	return json.loads(json.dumps(preview_match(event_producer, doctypes)))


def apply(event_producer: str, doctypes: list | None = None) -> list:
	from event_streaming.consumer.first_copy.linking import apply_match

	return json.loads(json.dumps(apply_match(event_producer, doctypes)))


def counts(answer: dict) -> dict:
	return {kind: count for kind, count in answer["counts"].items() if count}


def links(site, doctype: str) -> dict:
	rows = site.run(read_rows, doctype=IDENTITY, filters={"remote_doctype": doctype})
	return {row["remote_name"]: row["local_name"] for row in rows}


def notes(site, doctype: str) -> list:
	return sorted(row["note"] for row in site.run(read_rows, doctype=doctype, filters={}))


def copy(consumer, event_producer: str, *doctypes) -> dict:
	return consumer.run(copy_now, event_producer=event_producer, doctypes=list(doctypes))


def test_a_first_copy_updates_what_both_sites_have_by_name(producer, consumer):
	make(producer, UNIT, 5, "theirs")
	make(consumer, UNIT, 3, "ours")
	url = subscribe(consumer, producer, UNIT, match_by="name")

	done = copy(consumer, url, UNIT)
	again = copy(consumer, url, UNIT)

	assert (done["status"], done["failed"], done["made"]) == ("Done", 0, 5)
	assert done["report"]["matched"][UNIT]["linked_now"] == 3
	assert notes(consumer, UNIT) == ["theirs"] * 5
	assert sync_logs(consumer) == []
	assert (again["made"], again["here"]) == (0, 5)


def test_without_match_by_the_names_are_taken(producer, consumer):
	make(producer, UNIT, 2, "theirs")
	make(consumer, UNIT, 2, "ours")
	url = subscribe(consumer, producer, UNIT)

	assert copy(consumer, url, UNIT)["failed"] == 2
	assert notes(consumer, UNIT) == ["ours"] * 2


def test_a_first_copy_with_names_of_this_site_finds_its_documents_by_a_field(producer, consumer):
	make(consumer, CLIENT, 4, "other, before", start=50)
	there = make(producer, CLIENT, 3, "theirs")
	here = make(consumer, CLIENT, 3, "ours")
	url = subscribe(consumer, producer, CLIENT, use_same_name=0, match_by="tax_id")

	done = copy(consumer, url, CLIENT)

	assert (done["status"], done["failed"]) == ("Done", 0)
	assert links(consumer, CLIENT) == dict(zip(there, here, strict=True))
	assert notes(consumer, CLIENT) == ["other, before"] * 4 + ["theirs"] * 3


def test_a_preview_says_what_is_clear_and_what_not_and_changes_nothing(producer, consumer):
	for site, tax_ids in ((producer, ["A", "B", "B", "", "C"]), (consumer, ["A ", "B", "", "D", "D"])):
		for number, tax_id in enumerate(tax_ids):
			site.run(insert, doctype=CLIENT, title=f"{number}", tax_id=tax_id, note="same")
	url = subscribe(consumer, producer, CLIENT, use_same_name=0, match_by="tax_id")

	(answer,) = consumer.run(preview, event_producer=url)

	assert (answer["doctype"], answer["match_by"]) == (CLIENT, ["tax_id"])
	assert counts(answer) == {"found": 1, "ambiguous": 1, "only_there": 2, "only_here": 3}
	assert answer["rows"]["ambiguous"][0]["values"] == ["B"]
	assert links(consumer, CLIENT) == {}
	(applied,) = consumer.run(apply, event_producer=url)
	assert applied["linked_now"] == 1
	assert len(links(consumer, CLIENT)) == 1
	(after,) = consumer.run(preview, event_producer=url)
	assert counts(after) == {"linked": 1, "ambiguous": 1, "only_there": 2, "only_here": 3}


def test_what_is_linked_comes_whole_with_its_next_event(producer, consumer):
	(there,), (here,) = make(producer, CLIENT, 1, "theirs"), make(consumer, CLIENT, 1, "ours")
	url = subscribe(consumer, producer, CLIENT, use_same_name=0, match_by="tax_id")
	consumer.run(apply, event_producer=url)
	assert consumer.run(read_doc, doctype=CLIENT, name=here)["note"] == "ours"

	producer.run(change, doctype=CLIENT, name=there, rate=7)
	pull(consumer, producer)

	doc = consumer.run(read_doc, doctype=CLIENT, name=here)
	assert (doc["rate"], doc["note"]) == (7, "theirs")


@pytest.mark.parametrize(("doctype", "by", "same"), [(UNIT, "name", 1), (CLIENT, "tax_id", 0)])
def test_an_event_that_comes_before_any_copy_finds_its_document(producer, consumer, doctype, by, same):
	(there,), (here,) = make(producer, doctype, 1, "theirs"), make(consumer, doctype, 1, "ours")
	subscribe(consumer, producer, doctype, use_same_name=same, match_by=by)
	producer.run(change, doctype=doctype, name=there, rate=7)
	(new,) = make(producer, doctype, 1, "new there", start=1)
	(new_here,) = make(consumer, doctype, 1, "new here", start=1)

	pull(consumer, producer)

	assert [log["status"] for log in sync_logs(consumer)] == ["Synced"] * 2
	assert links(consumer, doctype) == {there: here, new: new_here}
	assert notes(consumer, doctype) == ["new there", "theirs"]


@pytest.mark.parametrize("twice_on", ["producer", "consumer"])
def test_an_event_whose_values_are_there_twice_on_a_site_makes_a_document_of_its_own(
	producer, consumer, twice_on
):
	subscribe(consumer, producer, CLIENT, use_same_name=0, match_by="tax_id")
	for site, side in ((producer, "producer"), (consumer, "consumer")):
		for _number in range(2 if side == twice_on else 1):
			site.run(insert, doctype=CLIENT, title="x", tax_id="T", note=side)

	pull(consumer, producer)

	assert notes(consumer, CLIENT).count("consumer") == (2 if twice_on == "consumer" else 1)
	assert notes(consumer, CLIENT).count("producer") == (2 if twice_on == "producer" else 1)


def test_a_dependency_is_matched_too(producer, consumer):
	make(producer, UNIT, 1, "theirs")
	make(consumer, UNIT, 1, "ours")
	subscribe(
		consumer,
		producer,
		{"ref_doctype": UNIT, "use_same_name": 1, "match_by": "name"},
		{"ref_doctype": CLIENT, "use_same_name": 1},
	)
	name = producer.run(insert, doctype=CLIENT, title="with unit", unit="Doc 0")

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CLIENT, name=name)["unit"] == "Doc 0"
	assert notes(consumer, UNIT) == ["theirs"]


def test_a_link_is_compared_in_the_names_of_this_site(producer, consumer):
	unit_there, unit_here = unique("There"), unique("Here")
	producer.run(insert, doctype=UNIT, title=unit_there, tax_id="unit")
	consumer.run(insert, doctype=UNIT, title=unit_here, tax_id="unit")
	there = producer.run(insert, doctype=CLIENT, title="c", tax_id="T", unit=unit_there)
	here = consumer.run(insert, doctype=CLIENT, title="c", tax_id="T", unit=unit_here)
	url = subscribe(
		consumer,
		producer,
		{"ref_doctype": UNIT, "use_same_name": 0, "match_by": "tax_id"},
		{"ref_doctype": CLIENT, "use_same_name": 0, "match_by": "tax_id, unit"},
	)

	done = copy(consumer, url, UNIT, CLIENT)

	assert (done["status"], done["failed"]) == ("Done", 0)
	assert links(consumer, CLIENT) == {there: here}


def test_a_document_that_stands_for_one_of_another_producer_is_told_and_left_alone(producer, consumer, third):
	third.run(make_doctypes)
	third.run(empty)
	make(consumer, UNIT, 1, "ours")
	for site in (producer, third):
		make(site, UNIT, 1, site.name)
	first = subscribe(consumer, producer, UNIT, match_by="name")
	second = subscribe(consumer, third, UNIT, match_by="name")

	copy(consumer, first, UNIT)
	(answer,) = consumer.run(preview, event_producer=second)

	assert counts(answer) == {"taken": 1}
	assert consumer.run(apply, event_producer=second)[0]["linked_now"] == 0
	assert copy(consumer, second, UNIT)["failed"] == 1
	assert notes(consumer, UNIT) == [producer.name]


def apply_in_small_batches(event_producer: str, die_after: int) -> int:
	"""Linked in batches of one; the process dies after some."""
	from event_streaming.consumer.first_copy import linking

	linking.BATCH, real, calls = 1, linking.still_open, []

	def counted(*arguments):
		calls.append(1)
		if len(calls) > die_after:
			raise SystemExit
		return real(*arguments)

	linking.still_open = counted
	try:
		linking.apply_match(event_producer)
	except SystemExit:
		return -1
	finally:
		linking.BATCH, linking.still_open = 200, real
	return len(calls)


def test_broken_off_in_the_middle_it_goes_on_from_there(producer, consumer):
	names = make(producer, UNIT, 5, "theirs")
	make(consumer, UNIT, 5, "ours")
	url = subscribe(consumer, producer, UNIT, match_by="name")

	assert consumer.run(apply_in_small_batches, event_producer=url, die_after=2) == -1
	assert len(links(consumer, UNIT)) == 2
	(answer,) = consumer.run(apply, event_producer=url)

	assert (answer["linked_now"], answer["counts"]["linked"]) == (3, 2)
	assert links(consumer, UNIT) == {name: name for name in names}


def apply_while_something_comes(event_producer: str, arrives: str) -> list:
	"""A pull brings an event between the look at both sites and the linking."""
	from event_streaming.consumer.first_copy import linking
	from event_streaming.consumer.pull import loop

	real = linking.look_at_both

	def look_and_pull(doc, producer, subscription):
		looked = real(doc, producer, subscription)
		assert looked.pairs.found[arrives]
		loop.pull(event_producer)
		return looked

	linking.look_at_both = look_and_pull
	try:
		return json.loads(json.dumps(linking.apply_match(event_producer)))
	finally:
		linking.look_at_both = real


def test_what_comes_meanwhile_is_not_linked_again(producer, consumer):
	there = make(producer, CLIENT, 2, "theirs")
	here = make(consumer, CLIENT, 2, "ours")
	url = subscribe(consumer, producer, CLIENT, use_same_name=0, match_by="tax_id")
	producer.run(change, doctype=CLIENT, name=there[0], rate=1)

	(answer,) = consumer.run(apply_while_something_comes, event_producer=url, arrives=there[0])

	assert answer["linked_now"] == 1
	assert links(consumer, CLIENT) == dict(zip(there, here, strict=True))
	rows = consumer.run(read_rows, doctype=IDENTITY, filters={"remote_name": there[0]})
	assert rows[0]["covered_to"] > 0


def set_write(doctype: str, write: int) -> None:
	import frappe

	doc = frappe.get_doc("DocType", doctype)
	for row in doc.permissions:
		row.write = row.create = row.delete = write
	doc.save()


def test_what_the_subscriber_may_not_write_is_not_linked(producer, consumer):
	make(producer, UNIT, 1, "theirs")
	make(consumer, UNIT, 1, "ours")
	url = subscribe(consumer, producer, UNIT, match_by="name")
	consumer.run(set_write, doctype=UNIT, write=0)
	try:
		(answer,) = consumer.run(apply, event_producer=url)
	finally:
		consumer.run(set_write, doctype=UNIT, write=1)

	assert (answer["linked_now"], counts(answer)) == (0, {"forbidden": 1})
	assert links(consumer, UNIT) == {}


def preview_that_asks_about_none(event_producer: str) -> list:
	"""With a hundred thousand documents, reading each takes longer than a request or a job may."""
	from event_streaming.consumer.first_copy import linking

	may_write, linking.may_write = linking.may_write, None
	try:
		return json.loads(json.dumps(linking.preview_match(event_producer)))
	finally:
		linking.may_write = may_write


def test_of_who_may_write_all_no_single_document_is_asked(producer, consumer):
	make(producer, UNIT, 2, "theirs")
	make(consumer, UNIT, 2, "ours")
	url = subscribe(consumer, producer, UNIT, match_by="name")

	(answer,) = consumer.run(preview_that_asks_about_none, event_producer=url)

	assert counts(answer) == {"found": 2}


def set_user_permission(doctype: str, name: str) -> None:
	import frappe

	values = {"user": "stream@example.com", "allow": doctype, "for_value": name, "apply_to_all_doctypes": 1}
	frappe.get_doc({"doctype": "User Permission", **values}).insert()


def drop_user_permissions() -> None:
	import frappe

	for name in frappe.get_all("User Permission", {"user": "stream@example.com"}, pluck="name"):
		frappe.delete_doc("User Permission", name, force=True)


def test_who_may_write_some_links_those(producer, consumer):
	make(producer, UNIT, 3, "theirs")
	make(consumer, UNIT, 3, "ours")
	url = subscribe(consumer, producer, UNIT, match_by="name")
	consumer.run(set_user_permission, doctype=UNIT, name="Doc 1")
	try:
		(shown,) = consumer.run(preview, event_producer=url)
		(answer,) = consumer.run(apply, event_producer=url)
	finally:
		consumer.run(drop_user_permissions)

	assert counts(shown) == {"found": 1, "forbidden": 2}
	assert (answer["linked_now"], counts(answer)) == (1, {"found": 1, "forbidden": 2})
	assert links(consumer, UNIT) == {"Doc 1": "Doc 1"}


def test_the_producer_gives_values_only_of_what_a_copy_would_give(producer, consumer):
	make(producer, UNIT, 2, "theirs")
	producer.run(insert, doctype=UNIT, title="hidden", note="hidden")
	subscribe(consumer, producer, UNIT, match_by="name", condition="doc.note == 'theirs'")
	ask = {"event_consumer": consumer.url, "doctype": UNIT}
	client = producer.rest("stream@example.com")

	page = client.method("event_streaming.endpoints.get_match_page", fields='["name", "tax_id"]', **ask)

	assert page["rows"] == [["Doc 0", ["Doc 0", "T0"], None], ["Doc 1", ["Doc 1", "T1"], None]]
	assert (page["has_more"], page["after"]) == (False, "hidden")


@pytest.mark.parametrize(
	"fields", ["[]", '["no_such_field"]', '["name; drop"]', json.dumps(["name"] * 11), "{}"]
)
def test_fields_that_are_none_are_refused(producer, consumer, fields):
	subscribe(consumer, producer, UNIT)

	assert producer.run(ask_for, event_consumer=consumer.url, fields=fields) == "ValidationError"


def ask_for(event_consumer: str, fields: str) -> str:
	import frappe

	from event_streaming.producer.documents.match_page import match_page

	frappe.set_user("stream@example.com")
	try:
		match_page(event_consumer, UNIT, fields, "", 0, None)
	except frappe.ValidationError as error:
		return type(error).__name__
	finally:
		frappe.set_user("Administrator")
	return ""


# ---- Adopt for many


def taken_names(producer, consumer, count: int) -> str:
	url = subscribe(consumer, producer, UNIT)
	make(producer, UNIT, count, "theirs")
	make(consumer, UNIT, count, "ours")
	pull(consumer, producer)
	assert [log["status"] for log in sync_logs(consumer)] == ["Failed"] * count
	return url


def adopt_now(names: list | None = None, event_producer: str | None = None) -> dict:
	from event_streaming.consumer.pull import adopting

	return {"preview": adopting.preview(names, event_producer), **adopting.adopt(names, event_producer)}


def test_a_selection_is_adopted_and_tried_again(producer, consumer):
	taken_names(producer, consumer, 3)
	names = [log["name"] for log in sync_logs(consumer)][:2]

	done = consumer.run(adopt_now, names=names)

	assert [link["document"] for link in done["preview"]["links"]] == ["Doc 0", "Doc 1"]
	assert (done["adopted"], done["synced"], done["failed"]) == (2, 2, [])
	assert notes(consumer, UNIT) == ["ours", "theirs", "theirs"]


def test_what_can_not_be_adopted_is_told_and_keeps_nothing_else_from_it(producer, consumer):
	url = taken_names(producer, consumer, 3)
	consumer.run(remove, doctype=UNIT, name="Doc 1")

	done = consumer.run(adopt_now, event_producer=url)

	assert (done["preview"]["count"], done["preview"]["impossible_count"]) == (2, 1)
	assert (done["adopted"], done["synced"], done["failed_count"]) == (2, 2, 1)
	assert "Doc 1" in done["failed"][0]["problem"]
	assert notes(consumer, UNIT) == ["theirs", "theirs"]


def remove(doctype: str, name: str) -> None:
	import frappe

	frappe.delete_doc(doctype, name)


def rename(doctype: str, old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(doctype, old, new, force=True)


def test_what_stands_for_another_document_of_the_producer_is_not_adopted(producer, consumer):
	"""Two for one would write each other over, and the end of either would be the end of both."""
	subscribe(consumer, producer, UNIT)
	producer.run(insert, doctype=UNIT, title="First", note="first")
	pull(consumer, producer)
	consumer.run(rename, doctype=UNIT, old="First", new="Second")
	producer.run(insert, doctype=UNIT, title="Second", note="second")
	pull(consumer, producer)
	(failed,) = [log for log in sync_logs(consumer) if log["status"] == "Failed"]
	admin = consumer.rest("stream@example.com")

	with pytest.raises(RestError, match="linked to First of the producer already"):
		admin.method(f"{SYNC_LOG}.adopt", name=failed["name"])

	assert links(consumer, UNIT) == {"First": "Second"}
	assert notes(consumer, UNIT) == ["first"]


def test_an_adopted_document_comes_whole_also_when_an_update_failed(producer, consumer):
	make(producer, UNIT, 1, "theirs")
	make(consumer, UNIT, 1, "ours")
	subscribe(consumer, producer, UNIT)
	producer.run(change, doctype=UNIT, name="Doc 0", rate=3)
	pull(consumer, producer)

	done = consumer.run(adopt_now, names=[log["name"] for log in sync_logs(consumer)])

	doc = consumer.run(read_doc, doctype=UNIT, name="Doc 0")
	assert (done["synced"], doc["rate"], doc["note"]) == (1, 3, "theirs")


def test_many_are_adopted_in_the_background(producer, consumer):
	url = taken_names(producer, consumer, 25)
	admin = consumer.rest("stream@example.com")

	shown = admin.method("event_streaming.api.adopt", event_producer=url, preview=1)
	queued = admin.method(f"{SYNC_LOG}.adopt_many", event_producer=url, doctype=UNIT)
	few = admin.method(f"{SYNC_LOG}.adopt_many", names=json.dumps([sync_logs(consumer)[0]["name"]]))

	assert (shown["count"], queued["queued"]) == (25, 25)
	assert few["message"] == "1 adopted, 1 synced"
	consumer.run(run_adoption)
	assert [log["status"] for log in sync_logs(consumer)] == ["Synced"] * 25
	assert notes(consumer, UNIT) == ["theirs"] * 25


def run_adoption() -> None:
	"""What the queue's worker does."""
	from event_streaming.consumer.pull import adopting

	adopting.adopt_job([str(row.name) for row in adopting.rows_to_adopt()], "Administrator")


def test_from_a_terminal(producer, consumer):
	url = taken_names(producer, consumer, 3)
	run = consumer.command

	no_match_by = run("event-streaming", "match")
	unsure = run("event-streaming", "adopt", "--producer", url)
	shown = run("event-streaming", "adopt", "--producer", url, "--json")
	done = run("event-streaming", "adopt", "--producer", url, "--doctype", UNIT, "--yes")
	nothing = run("event-streaming", "adopt", "--producer", url, "--yes")

	assert (no_match_by.returncode, "Match By" in no_match_by.stderr) == (1, True)
	assert unsure.returncode == 1
	assert json.loads(shown.stdout)["count"] == 3
	assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "3 adopted, 3 synced")
	assert (nothing.returncode, nothing.stdout) == (0, "No event has failed as its name is taken.\n")
	assert run("event-streaming", "adopt").returncode == 2


def test_matching_from_a_terminal(producer, consumer):
	make(producer, UNIT, 2, "theirs")
	make(consumer, UNIT, 1, "ours")
	subscribe(consumer, producer, UNIT, match_by="name")

	shown = consumer.command("event-streaming", "match")
	done = consumer.command("event-streaming", "match", "--apply", "--json")

	assert (shown.returncode, shown.stderr) == (0, "")
	assert f"{UNIT} by name: 1 to be linked, 1 only there" in shown.stdout
	assert json.loads(done.stdout)[0]["linked_now"] == 1
	assert links(consumer, UNIT) == {"Doc 0": "Doc 0"}


def test_a_producer_that_runs_the_older_app_can_not_be_matched(consumer):
	from fake_producer import FakeProducer

	with FakeProducer(UNIT) as other:
		consumer.run(make_subscriber)
		rows = [{"ref_doctype": UNIT, "use_same_name": 1, "match_by": "name"}]
		consumer.run(make_event_producer, url=other.url, rows=rows)
		assert consumer.run(try_preview, event_producer=other.url)


def try_preview(event_producer: str) -> str:
	import frappe

	from event_streaming.consumer.first_copy.linking import preview_match

	try:
		preview_match(event_producer)
	except (frappe.ValidationError, ValueError) as error:
		return str(error)
	return ""
