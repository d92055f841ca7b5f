"""Controllers that do what none should: the event fails alone, whole, in the controller's own words."""

import pytest
from documents import change, delete, read_doc, read_rows
from logs import sync_logs
from shop import NUISANCE, SETTINGS, make_lead, make_nuisance, same_on_both, submit, take
from streams import pull, subscribe


@pytest.fixture
def misbehaving(consumer):
	"""Nuisances misbehave on the consumer, and only there."""
	consumer.run(change, doctype=SETTINGS, name=SETTINGS, nuisances_misbehave=1)
	yield
	consumer.run(change, doctype=SETTINGS, name=SETTINGS, nuisances_misbehave=0)


def rows_of(site, name: str) -> list[str]:
	rows = site.run(read_rows, doctype="Shop Nuisance Row", filters={"parent": name})
	return sorted(row["item"] for row in rows)


@pytest.mark.parametrize("where", ["validate", "before_save", "after_insert", "on_update"])
def test_a_controller_that_throws_fails_alone_in_its_own_words(producer, consumer, misbehaving, where):
	subscribe(consumer, producer, NUISANCE, "Shop Lead")
	name = producer.run(make_nuisance, where=where, what="throw")
	lead = producer.run(make_lead)

	pull(consumer, producer)

	same_on_both(producer, consumer, "Shop Lead", lead)
	(log,) = sync_logs(consumer, producer_doc=name)
	assert log["status"] == "Retrying" and f"{name} is a nuisance in {where}" in log["error"]
	assert consumer.run(read_doc, doctype=NUISANCE, name=name) is None
	assert rows_of(consumer, name) == []


def test_a_submission_that_throws_leaves_the_draft_as_it_was(producer, consumer, misbehaving):
	subscribe(consumer, producer, NUISANCE)
	name = producer.run(make_nuisance, where="on_submit", what="throw")
	take(consumer, producer)

	producer.run(submit, doctype=NUISANCE, name=name)
	pull(consumer, producer)

	log = sync_logs(consumer, producer_doc=name)[-1]
	assert log["status"] == "Retrying" and f"{name} is a nuisance in on_submit" in log["error"]
	assert consumer.run(read_doc, doctype=NUISANCE, name=name)["docstatus"] == 0


@pytest.mark.parametrize("hook", ["on_cancel", "on_trash"])
def test_a_cancellation_or_deletion_that_throws_leaves_the_document_whole(
	producer, consumer, misbehaving, hook
):
	subscribe(consumer, producer, NUISANCE)
	name = producer.run(make_nuisance, where=hook, what="throw", submit=hook == "on_cancel")
	take(consumer, producer)

	if hook == "on_cancel":
		producer.run(cancel, name=name)
	else:
		producer.run(delete, doctype=NUISANCE, name=name)
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=NUISANCE, name=name)["docstatus"] == int(hook == "on_cancel")
	assert rows_of(consumer, name) == ["one", "two"]
	assert f"{name} is a nuisance in {hook}" in sync_logs(consumer)[-1]["error"]


def cancel(name: str) -> None:
	import frappe

	frappe.get_doc(NUISANCE, name).cancel()


@pytest.mark.parametrize("what", ["commit", "roll back", "rename itself", "delete its rows"])
@pytest.mark.parametrize("where", ["validate", "after_insert", "on_update", "on_submit"])
def test_a_controller_that_meddles_leaves_a_whole_document_or_none(
	producer, consumer, misbehaving, where, what
):
	"""What it does may come to nothing, or fail; half a document is never left, and the others arrive."""
	subscribe(consumer, producer, NUISANCE, "Shop Lead")
	name = producer.run(make_nuisance, where=where, what=what, submit=where == "on_submit")
	lead = producer.run(make_lead)

	pull(consumer, producer)

	same_on_both(producer, consumer, "Shop Lead", lead)
	logs = sync_logs(consumer, producer_doc=name)
	if all(log["status"] == "Synced" for log in logs):
		same_on_both(producer, consumer, NUISANCE, name)
	else:
		assert any(log["error"] for log in logs)
		draft = consumer.run(read_doc, doctype=NUISANCE, name=name)
		# what fails is its submission: the draft's own event may have been settled before
		assert draft is None or (where == "on_submit" and draft["docstatus"] == 0)
		assert rows_of(consumer, name) == (["one", "two"] if draft else [])
	assert consumer.run(read_doc, doctype=NUISANCE, name=f"{name} renamed") is None


@pytest.mark.parametrize("where", ["after_insert", "on_update", "on_submit"])
@pytest.mark.parametrize("what", ["delete its rows", "delete a row as a document"])
def test_rows_that_a_controller_deletes_once_they_are_written_are_put_back(
	producer, consumer, misbehaving, where, what
):
	subscribe(consumer, producer, NUISANCE)
	name = producer.run(make_nuisance, where=where, what=what, submit=where == "on_submit")

	take(consumer, producer)

	same_on_both(producer, consumer, NUISANCE, name)
	warnings = "".join(log["warnings"] or "" for log in sync_logs(consumer, producer_doc=name))
	left = 0 if what == "delete its rows" else 1
	assert f"Rows: {left} rows instead of 2 rows" in warnings


@pytest.mark.parametrize("where", ["validate", "before_save", "on_update"])
def test_rows_that_a_controller_deletes_during_a_later_change_are_put_back(
	producer, consumer, misbehaving, where
):
	"""Also before the write: Frappe updates a row that is gone, and does not notice."""
	subscribe(consumer, producer, NUISANCE)
	name = producer.run(make_nuisance, where="", what="")
	take(consumer, producer)

	producer.run(change, doctype=NUISANCE, name=name, where=where, what="delete its rows")
	take(consumer, producer)

	same_on_both(producer, consumer, NUISANCE, name)
	assert "Rows: 0 rows instead of 2 rows" in sync_logs(consumer, producer_doc=name)[-1]["warnings"]


def test_a_row_that_controllers_of_both_sites_delete_is_gone_on_both(producer, consumer, misbehaving):
	"""It is put back, and goes again with the producer's own event of it."""
	producer.run(change, doctype=SETTINGS, name=SETTINGS, nuisances_misbehave=1)
	subscribe(consumer, producer, NUISANCE)
	try:
		name = producer.run(make_nuisance, where="on_submit", what="delete a row as a document", submit=True)
		take(consumer, producer)

		assert rows_of(producer, name) == rows_of(consumer, name) == ["two"]
	finally:
		producer.run(change, doctype=SETTINGS, name=SETTINGS, nuisances_misbehave=0)


def test_a_nuisance_that_is_put_right_is_healed_by_the_next_try(producer, consumer, misbehaving):
	subscribe(consumer, producer, NUISANCE)
	name = producer.run(make_nuisance, where="on_submit", what="throw")
	producer.run(submit, doctype=NUISANCE, name=name)
	pull(consumer, producer)

	consumer.run(change, doctype=SETTINGS, name=SETTINGS, nuisances_misbehave=0)
	consumer.run(resync_everything)
	take(consumer, producer)

	assert same_on_both(producer, consumer, NUISANCE, name)["docstatus"] == 1


def resync_everything() -> None:
	from event_streaming.consumer.pull.by_hand import resync_all

	resync_all("Administrator")
