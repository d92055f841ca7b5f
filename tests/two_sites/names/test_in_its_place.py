"""A person of a site that only takes deletes a document and makes another one of the same name: that one is the site's own.

What the producer goes on telling is about the other one, which is not here: it comes anew where this site names the documents, and fails
as its name is taken where they keep the producer's. Nothing of it is done to the document that is in its place.
"""

import pytest
from doctypes import CITY, ORDER, verify
from documents import change, delete, find_name, insert, read_doc, unique
from logs import make_due, sync_logs
from streams import copy_now, pull, subscribe

pytestmark = pytest.mark.usefixtures("orders")

OWN_NAME, SAME_NAME = pytest.param(0, id="own_name"), pytest.param(1, id="same_name")


# ---------------------------------------------------------------- run inside a site


def make(name: str, title: str, note: str = "", city: str | None = None) -> None:
	import frappe

	rows = [{"item": "bolt", "qty": 1}]
	doc = {"doctype": ORDER, "title": title, "note": note, "city": city, "rows": rows}
	frappe.get_doc(doc).insert(set_name=name)


def submit(name: str) -> None:
	import frappe

	frappe.get_doc(ORDER, name).submit()


def rename(doctype: str, old: str, new: str, merge: bool = False) -> None:
	import frappe

	frappe.rename_doc(doctype, old, new, merge=merge, show_alert=False, rebuild_search=False)


def attach(name: str, content: str) -> None:
	import frappe

	owner = {"attached_to_doctype": ORDER, "attached_to_name": name}
	frappe.get_doc({"doctype": "File", "file_name": f"{content}.txt", "content": content, **owner}).insert()


def look(name: str) -> dict:
	"""All that could have been done to a document."""
	import frappe

	doc = frappe.get_doc(ORDER, name)
	owner = {"attached_to_doctype": ORDER, "attached_to_name": name}
	return {
		"values": [doc.title, doc.note, doc.city, doc.docstatus, str(doc.modified), doc.modified_by],
		"rows": [[row.name, row.item, row.qty] for row in doc.rows],
		"files": frappe.get_all("File", owner, pluck="file_name"),
	}


def roots(doctype: str, name: str) -> dict:
	from event_streaming.producer.documents.names import roots_of_documents

	return roots_of_documents(doctype, [name])


def forget_orders() -> None:
	import frappe

	for doctype in (ORDER, "Streamed Order Row"):
		frappe.db.delete(doctype)


# ---------------------------------------------------------------- on both sites


@pytest.fixture(autouse=True)
def no_orders_left(producer, consumer):
	yield
	for site in (producer, consumer):
		site.run(forget_orders)


def replaced(producer, consumer, same_name: int, submitted: bool = False) -> tuple[str, str, str]:
	"""(its name there, the name here, its title) of an order of the producer in whose place this site has put another one."""
	subscribe(consumer, producer, ORDER, CITY, use_same_name=same_name)
	title = unique("place")
	producer.run(make, name=title, title=title, note="theirs")
	if submitted:
		producer.run(submit, name=title)
	pull(consumer, producer)
	local = consumer.run(find_name, doctype=ORDER, title=title)
	consumer.run(delete_whole, name=local)
	consumer.run(make, name=local, title=f"{title} own", note="own")
	return title, local, title


@pytest.mark.mariadb("PostgreSQL takes names in other capitals for other names")
@pytest.mark.parametrize("spelt", ["as it is", "in other capitals"])
@pytest.mark.parametrize("renamed_before", [False, True])
def test_it_gets_a_name_that_another_one_of_this_site_has(producer, consumer, spelt, renamed_before):
	there, _local, title = replaced(producer, consumer, 1)
	taken = f"{title} taken"
	consumer.run(make, name=taken, title=f"{title} own", note="own")
	if renamed_before:
		# it is not to be had under this name any more when that is told
		producer.run(rename, doctype=ORDER, old=there, new=f"{title} for a moment")
		there = f"{title} for a moment"
	before = consumer.run(look, name=taken)
	new = taken.upper() if spelt == "in other capitals" else taken

	producer.run(rename, doctype=ORDER, old=there, new=new)
	pull(consumer, producer)

	log = sync_logs(consumer)[-1]
	assert log["status"] == "Failed" and "NameTaken" in log["error"], log["error"]
	assert consumer.run(look, name=taken) == before
	consumer.run(rename, doctype=ORDER, old=taken, new=f"{title} elsewhere")
	consumer.run(resync_all)
	assert consumer.run(read_doc, doctype=ORDER, name=new)["note"] == "theirs"
	assert all(log["status"] == "Synced" for log in sync_logs(consumer))


def delete_whole(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	if doc.docstatus == 1:
		doc.cancel()
	frappe.delete_doc(ORDER, name)


@pytest.mark.parametrize("same_name", [OWN_NAME, SAME_NAME])
@pytest.mark.parametrize("what", ["changed", "submitted", "file attached", "renamed"])
def test_what_is_done_to_the_other_one_is_not_done_to_it(producer, consumer, same_name, what):
	there, local, title = replaced(producer, consumer, same_name)
	before = consumer.run(look, name=local)

	if what == "changed":
		producer.run(change, doctype=ORDER, name=there, note="changed")
	elif what == "submitted":
		producer.run(submit, name=there)
	elif what == "renamed":
		producer.run(rename, doctype=ORDER, old=there, new=f"{there} renamed")
	else:
		producer.run(attach, name=there, content=title)
	pull(consumer, producer)

	assert consumer.run(look, name=local) == before
	log = sync_logs(consumer)[-1]
	again = consumer.run(find_name, doctype=ORDER, title=title)
	if same_name and what != "renamed":
		assert log["status"] == "Failed" and log["error"].startswith("NameTaken")
		assert again is None
	else:
		assert log["status"] == "Synced"
		assert again and again != local
	if what == "changed" and not same_name:
		assert log["conflict_type"] == "Deleted Here, Changed There"
		producer.run(change, doctype=ORDER, name=there, note="once more")
		pull(consumer, producer)
		assert consumer.run(read_doc, doctype=ORDER, name=again)["note"] == "once more"
		assert consumer.run(look, name=local) == before


@pytest.mark.parametrize("same_name", [OWN_NAME, SAME_NAME])
@pytest.mark.parametrize("submitted", [False, True], ids=["draft", "submitted"])
def test_a_deletion_of_the_other_one_leaves_it_alone(producer, consumer, same_name, submitted):
	there, local, title = replaced(producer, consumer, same_name, submitted)
	if submitted:
		consumer.run(submit, name=local)
	before = consumer.run(look, name=local)

	producer.run(delete_whole, name=there)
	if submitted:
		# its cancellation has brought it again, or has failed
		consumer.run(make_due)
	pull(consumer, producer)
	producer.run(make, name=there, title=f"{title} new")
	pull(consumer, producer)

	assert consumer.run(look, name=local) == before
	assert consumer.run(find_name, doctype=ORDER, title=title) is None
	again = consumer.run(find_name, doctype=ORDER, title=f"{title} new")
	if same_name:
		assert again is None
	else:
		assert again and again != local
	if not submitted:
		(log,) = sync_logs(consumer, update_type="Delete")
		assert log["status"] == "Synced" and "Was not here" in log["outcome"]


@pytest.mark.parametrize("same_name", [OWN_NAME, SAME_NAME])
def test_neither_is_merged_with_anything(producer, consumer, same_name):
	there, local, title = replaced(producer, consumer, same_name)
	other = f"{title} other"
	producer.run(make, name=other, title=other)
	pull(consumer, producer)
	before = consumer.run(look, name=local)

	producer.run(rename, doctype=ORDER, old=other, new=there, merge=True)
	pull(consumer, producer)
	assert consumer.run(look, name=local) == before
	if same_name:
		# the other one waits for its place
		return
	again = consumer.run(find_name, doctype=ORDER, title=title)
	assert again and again != local and not consumer.run(find_name, doctype=ORDER, title=other)


def test_one_that_is_merged_into_another_is_not_looked_for_in_its_place(producer, consumer):
	there, local, title = replaced(producer, consumer, 1)
	other = f"{title} other"
	producer.run(make, name=other, title=other)
	pull(consumer, producer)
	before = consumer.run(look, name=local)

	producer.run(rename, doctype=ORDER, old=there, new=other, merge=True)
	pull(consumer, producer)

	assert consumer.run(look, name=local) == before
	assert all(log["status"] == "Synced" for log in sync_logs(consumer))


@pytest.mark.parametrize("same_name", [OWN_NAME, SAME_NAME])
def test_what_links_to_the_other_one_is_not_linked_to_it(producer, consumer, same_name):
	subscribe(consumer, producer, ORDER, CITY, use_same_name=same_name)
	city = unique("City")
	producer.run(insert, doctype=CITY, title=city, country_name="theirs")
	pull(consumer, producer)
	local = consumer.run(find_name, doctype=CITY, country_name="theirs", title=city)
	consumer.run(delete, doctype=CITY, name=local)
	consumer.run(insert, doctype=CITY, title=city, country_name="own")

	producer.run(make, name=city, title=city, city=city)
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=local)["country_name"] == "own"
	log = sync_logs(consumer)[-1]
	# a city is named by its title: the name is taken in both namings
	assert log["status"] != "Synced" and city in log["error"]
	assert consumer.run(find_name, doctype=ORDER, title=city) is None
	consumer.run(rename, doctype=CITY, old=local, new=f"{city} own")
	consumer.run(make_all_due)
	producer.run(change, doctype=ORDER, name=city, note="on")
	consumer.run(resync_all)
	pull(consumer, producer)
	order = consumer.run(find_name, doctype=ORDER, title=city)
	linked = consumer.run(read_doc, doctype=ORDER, name=order)["city"]
	assert consumer.run(read_doc, doctype=CITY, name=linked)["country_name"] == "theirs"
	assert consumer.run(read_doc, doctype=CITY, name=f"{city} own")["country_name"] == "own"


def make_all_due() -> None:
	import frappe

	frappe.db.set_value("Event Sync Log", {"status": "Retrying"}, "next_retry", "2020-01-01 00:00:00")


def resync_all() -> None:
	import frappe

	from event_streaming.consumer.pull.by_hand import resync_log

	for name in frappe.get_all("Event Sync Log", {"status": ["in", ["Failed", "Retrying"]]}, pluck="name"):
		resync_log(name)


@pytest.mark.parametrize("same_name", [OWN_NAME, SAME_NAME])
def test_a_copy_and_a_verify_take_the_other_one_for_missing(producer, consumer, same_name):
	there, local, title = replaced(producer, consumer, same_name)
	before = consumer.run(look, name=local)

	report = consumer.run(verify_now, event_producer=producer.url, doctype=ORDER)
	(finding,) = report["findings"]
	assert (finding["kind"], finding["remote_name"]) == ("Missing", title)
	producer.run(change, doctype=ORDER, name=there, note="changed")
	consumer.run(copy_now, event_producer=producer.url, doctypes=[ORDER], pulls=False)

	assert consumer.run(look, name=local) == before
	again = consumer.run(find_name, doctype=ORDER, title=title)
	assert again is None if same_name else again and again != local


@pytest.mark.parametrize("same_name", [OWN_NAME, SAME_NAME])
def test_a_repair_leaves_it_its_rows(producer, consumer, same_name):
	there, local, title = replaced(producer, consumer, same_name)
	before = consumer.run(look, name=local)
	assert before["rows"]
	verify(consumer, producer)

	done = verify(consumer, producer, repairs=True)

	assert consumer.run(look, name=local) == before
	again = consumer.run(find_name, doctype=ORDER, title=title)
	(finding,) = of_order(done, there)
	if same_name:
		assert again is None and finding["failed"]
	else:
		assert not finding.get("failed") and again != local
		assert consumer.run(look, name=again)["rows"]
		assert not of_order(verify(consumer, producer), there)
	assert consumer.run(read_doc, doctype=ORDER, name=local)["note"] == "own"


@pytest.mark.parametrize("same_name", [OWN_NAME, SAME_NAME])
def test_a_repair_takes_away_the_rows_that_one_has_left_which_nothing_is_in_the_place_of(
	producer, consumer, same_name
):
	subscribe(consumer, producer, ORDER, CITY, use_same_name=same_name)
	title = unique("place")
	producer.run(make, name=title, title=title)
	pull(consumer, producer)
	local = consumer.run(find_name, doctype=ORDER, title=title)
	consumer.run(delete_past_the_life_cycle, name=local)
	verify(consumer, producer)

	(finding,) = of_order(verify(consumer, producer, repairs=True), title)

	assert not finding.get("failed")
	again = consumer.run(find_name, doctype=ORDER, title=title)
	assert len(consumer.run(look, name=again)["rows"]) == 1
	assert consumer.run(parents_of_rows) == [again]


def of_order(report: dict, name: str) -> list[dict]:
	return [
		each for each in report["findings"] if (each["remote_doctype"], each["remote_name"]) == (ORDER, name)
	]


def delete_past_the_life_cycle(name: str) -> None:
	import frappe

	frappe.db.delete(ORDER, {"name": name})


def parents_of_rows() -> list[str]:
	import frappe

	return frappe.get_all("Streamed Order Row", {"parenttype": ORDER}, pluck="parent")


def verify_now(event_producer: str, doctype: str) -> dict:
	import frappe

	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task
	from event_streaming.consumer.verify.verifying import begin

	name = begin(event_producer, [doctype]).name
	frappe.db.commit()
	while run_slice(name).more:
		pass
	import json

	return json.loads(json.dumps(task.load(name).report, default=str))


# ---------------------------------------------------------------- what is no such deletion


def test_what_was_adopted_counts_as_come_from_there_and_can_be_adopted_again(producer, consumer):
	from_there, _local, title = replaced(producer, consumer, 1)
	producer.run(change, doctype=ORDER, name=from_there, note="changed")
	pull(consumer, producer)
	(log,) = sync_logs(consumer, status="Failed")

	assert consumer.run(adopt_log, name=str(log["name"])) == "Synced"
	producer.run(change, doctype=ORDER, name=from_there, note="once more")
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=title)["note"] == "once more"
	producer.run(delete, doctype=ORDER, name=from_there)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=ORDER, name=title) is None


def adopt_log(name: str) -> str:
	from event_streaming.consumer.pull.by_hand import adopt

	return adopt(name)


def delete_and_roll_back(name: str) -> None:
	import frappe

	frappe.delete_doc(ORDER, name)
	frappe.db.rollback()


def test_a_deletion_that_is_rolled_back_is_none(producer, consumer):
	subscribe(consumer, producer, ORDER)
	title = unique("place")
	producer.run(make, name=title, title=title)
	pull(consumer, producer)

	consumer.run(delete_and_roll_back, name=title)
	producer.run(change, doctype=ORDER, name=title, note="changed")
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=title)["note"] == "changed"
	assert all(log["status"] == "Synced" for log in sync_logs(consumer))


@pytest.mark.parametrize("how", ["renamed", "merged"])
def test_what_became_of_one_under_another_name_goes_on_being_it(producer, consumer, how):
	"""A document of this site's own gets the name that it had."""
	subscribe(consumer, producer, ORDER)
	title = unique("place")
	new = f"{title} new"
	producer.run(make, name=title, title=title)
	pull(consumer, producer)
	if how == "merged":
		consumer.run(make, name=new, title=new)
	consumer.run(rename, doctype=ORDER, old=title, new=new, merge=how == "merged")
	consumer.run(make, name=title, title=f"{title} own", note="own")

	producer.run(change, doctype=ORDER, name=title, note="changed")
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=new)["note"] == "changed"
	assert consumer.run(read_doc, doctype=ORDER, name=title)["note"] == "own"


def test_one_that_was_renamed_and_deleted_is_not_what_is_in_its_place_or_what_that_is_called_later(
	producer, consumer
):
	subscribe(consumer, producer, ORDER)
	title = unique("place")
	new = f"{title} new"
	producer.run(make, name=title, title=title)
	pull(consumer, producer)
	consumer.run(rename, doctype=ORDER, old=title, new=new)
	consumer.run(delete, doctype=ORDER, name=new)
	consumer.run(make, name=new, title=f"{title} own", note="own")
	consumer.run(rename, doctype=ORDER, old=new, new=f"{new} later")

	producer.run(change, doctype=ORDER, name=title, note="changed")
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=f"{new} later")["note"] == "own"
	assert consumer.run(read_doc, doctype=ORDER, name=title)["note"] == "changed"


def test_what_is_in_its_place_was_first_made_here(producer, consumer):
	_there, local, _title = replaced(producer, consumer, 1)

	assert consumer.run(roots, doctype=ORDER, name=local) == {}


def pull_and_replace_meanwhile(event_producer: str, name: str, title: str) -> dict:
	"""A person does so once the pull has looked up what is here."""
	import frappe

	from event_streaming.consumer.resolve.resolver import Resolver
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	original = Resolver.begin_page

	def replacing(self, events):
		unknown = original(self, events)
		if events and Resolver.begin_page is replacing:
			Resolver.begin_page = original
			frappe.delete_doc(ORDER, name)
			make(name, f"{title} own", "own")
			frappe.db.commit()
		return unknown

	Resolver.begin_page = replacing
	try:
		return pull_from_node(event_producer)
	finally:
		Resolver.begin_page = original


@pytest.mark.parametrize("what", ["changed", "deleted"])
def test_one_that_is_put_there_in_the_middle_of_a_pull_is_left_alone(producer, consumer, what):
	subscribe(consumer, producer, ORDER)
	title = unique("place")
	producer.run(make, name=title, title=title)
	pull(consumer, producer)
	if what == "changed":
		producer.run(change, doctype=ORDER, name=title, note="changed")
	else:
		producer.run(delete, doctype=ORDER, name=title)

	consumer.run(pull_and_replace_meanwhile, event_producer=producer.url, name=title, title=title)
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=title)["note"] == "own"
	log = sync_logs(consumer)[-1]
	assert log["status"] == ("Failed" if what == "changed" else "Synced")


def test_one_that_the_producer_deletes_and_makes_again_is_as_it_was(producer, consumer):
	subscribe(consumer, producer, ORDER)
	title = unique("place")
	producer.run(make, name=title, title=title, note="first")
	pull(consumer, producer)
	producer.run(delete, doctype=ORDER, name=title)
	producer.run(make, name=title, title=title, note="second")
	producer.run(change, doctype=ORDER, name=title, note="third")
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=title)["note"] == "third"
	assert all(log["status"] == "Synced" for log in sync_logs(consumer))
