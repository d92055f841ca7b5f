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
