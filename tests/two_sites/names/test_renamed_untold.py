"""Documents that come only because others link to them: no event says that the producer has renamed one."""

import pytest
from doctypes import FOLDER, PAPER, with_papers
from documents import insert, read_rows
from logs import sync_logs
from streams import pull, subscribe

pytestmark = pytest.mark.usefixtures("orders")

ROWS = {"lines": [{"item": "bolt"}, {"item": "nut"}]}


def rename(old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(PAPER, old, new, show_alert=False, rebuild_search=False)


def delete_paper(name: str) -> None:
	import frappe

	frappe.delete_doc(PAPER, name, force=True)


def make_alike(name: str, like: str) -> None:
	"""As an import makes many at the same moment."""
	import frappe

	frappe.get_doc({"doctype": PAPER, "title": name}).insert(set_name=name)
	frappe.db.set_value(
		PAPER, name, "creation", frappe.db.get_value(PAPER, like, "creation"), update_modified=False
	)


@pytest.fixture
def folders(producer, consumer):
	"""The consumer takes folders, and papers only where these link to them."""
	with_papers(producer, consumer)
	subscribe(consumer, producer, FOLDER)


def put_into_folder(producer, paper: str) -> None:
	producer.run(insert, doctype=FOLDER, paper=paper)


def papers_here(consumer) -> list[str]:
	return [row["name"] for row in consumer.run(read_rows, doctype=PAPER, filters={})]


def linked_here(consumer) -> list[str]:
	return sorted(row["paper"] for row in consumer.run(read_rows, doctype=FOLDER, filters={}))


@pytest.mark.parametrize("rows", [ROWS, {}], ids=["with_rows", "without_rows"])
@pytest.mark.parametrize("times", [1, 2])
def test_one_that_is_needed_by_its_new_name_is_the_one_that_is_here(producer, consumer, folders, rows, times):
	paper = producer.run(insert, doctype=PAPER, title="a paper", **rows)
	put_into_folder(producer, paper)
	pull(consumer, producer)
	assert papers_here(consumer) == [paper]

	for number in range(times):
		old, paper = paper, f"{paper} {number}"
		producer.run(rename, old=old, new=paper)
	put_into_folder(producer, paper)
	pull(consumer, producer)
	put_into_folder(producer, paper)
	pull(consumer, producer)

	assert papers_here(consumer) == [paper]
	assert linked_here(consumer) == [paper] * 3
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def change_all(name: str) -> None:
	import frappe

	doc = frappe.get_doc(PAPER, name)
	doc.title, doc.note, doc.lines[0].item = "other", "other", "screw"
	doc.append("lines", {"item": "more"})
	doc.save()


def test_one_that_was_changed_as_well_is_known_by_its_rows(producer, consumer, folders):
	paper = producer.run(insert, doctype=PAPER, title="a paper", **ROWS)
	put_into_folder(producer, paper)
	pull(consumer, producer)

	producer.run(rename, old=paper, new=f"{paper} new")
	producer.run(change_all, name=f"{paper} new")
	put_into_folder(producer, f"{paper} new")
	pull(consumer, producer)

	assert papers_here(consumer) == [f"{paper} new"]
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def test_one_that_this_site_has_renamed_keeps_its_name_here(producer, consumer, folders):
	paper = producer.run(insert, doctype=PAPER, title="a paper", **ROWS)
	put_into_folder(producer, paper)
	pull(consumer, producer)
	consumer.run(rename, old=paper, new=f"{paper} here")

	producer.run(rename, old=paper, new=f"{paper} there")
	put_into_folder(producer, f"{paper} there")
	pull(consumer, producer)

	assert papers_here(consumer) == [f"{paper} here"]
	assert linked_here(consumer) == [f"{paper} here"] * 2


@pytest.mark.parametrize("left", [True, False], ids=["still_there", "deleted"])
def test_another_one_that_was_made_at_the_same_moment_is_another_one(producer, consumer, folders, left):
	first = producer.run(insert, doctype=PAPER, title="a paper")
	put_into_folder(producer, first)
	pull(consumer, producer)

	for number in (1, 2):
		producer.run(make_alike, name=f"{first} {number}", like=first)
	if not left:
		producer.run(delete_paper, name=first)
	for number in (1, 2):
		put_into_folder(producer, f"{first} {number}")
	pull(consumer, producer)

	assert papers_here(consumer) == sorted([first, f"{first} 1", f"{first} 2"])


def make_at(name: str, like: str, moment: str | None = None, **values) -> None:
	"""One that was made when `like` was, or both at `moment`."""
	import frappe

	frappe.get_doc({"doctype": PAPER, **values}).insert(set_name=name)
	moment = moment or frappe.db.get_value(PAPER, like, "creation")
	for each in (name, like):
		frappe.db.set_value(PAPER, each, "creation", moment, update_modified=False)


@pytest.mark.parametrize(
	("first", "second"),
	[
		pytest.param({"title": "one"}, {"title": "another"}, id="other_content"),
		pytest.param({"title": "same", **ROWS}, {"title": "same", **ROWS}, id="rows_of_its_own"),
		pytest.param({"title": "same", **ROWS}, {"title": "same"}, id="without_the_rows"),
		pytest.param({}, {}, id="no_content"),
		pytest.param({"open": 1}, {"open": 1}, id="a_tick_is_no_content"),
	],
)
def test_another_one_of_an_import_is_not_a_deleted_one_under_a_new_name(
	producer, consumer, folders, first, second
):
	"""Those that an import makes have one moment and one owner."""
	gone = producer.run(insert, doctype=PAPER, **first)
	producer.run(make_at, name=f"{gone} other", like=gone, **second)
	put_into_folder(producer, gone)
	pull(consumer, producer)

	producer.run(delete_paper, name=gone)
	put_into_folder(producer, f"{gone} other")
	pull(consumer, producer)

	assert papers_here(consumer) == sorted([gone, f"{gone} other"])
	assert linked_here(consumer) == sorted([gone, f"{gone} other"])
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def test_a_moment_that_somebody_has_written_says_nothing(producer, consumer, folders):
	gone = producer.run(insert, doctype=PAPER, title="same")
	producer.run(make_at, name=f"{gone} other", like=gone, moment="2024-01-01 00:00:00", title="same")
	put_into_folder(producer, gone)
	pull(consumer, producer)

	producer.run(delete_paper, name=gone)
	put_into_folder(producer, f"{gone} other")
	pull(consumer, producer)

	assert papers_here(consumer) == sorted([gone, f"{gone} other"])


def pull_and_keep_statements(event_producer: str) -> list[str]:
	"""The statements of a pull that look for papers by when they were made."""
	from frappe.database.database import Database

	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	original, seen = Database.sql, []

	def kept(self, query, *args, **kwargs):
		seen.append(str(query))
		return original(self, query, *args, **kwargs)

	Database.sql = kept
	try:
		pull_from_node(event_producer)
	finally:
		Database.sql = original
	return [each for each in seen if f"tab{PAPER}" in each and "creation" in each.partition("WHERE")[2]]


def test_it_is_looked_for_by_the_index_of_the_identities(producer, consumer, folders):
	"""Frappe 15 has no index of the creation."""
	put_into_folder(producer, producer.run(insert, doctype=PAPER, title="one"))
	pull(consumer, producer)
	put_into_folder(producer, producer.run(insert, doctype=PAPER, title="another"))

	(statement,) = consumer.run(pull_and_keep_statements, event_producer=producer.url)

	assert "tabEvent Document Identity" in statement and "local_doctype" in statement
	assert len(papers_here(consumer)) == 2
