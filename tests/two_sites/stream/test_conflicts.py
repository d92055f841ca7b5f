"""Both sites change the same document: found without clocks, settled by the policy, both sites equal, nothing hidden."""

import json

import pytest
from doctypes import CITY, ORDER, TICKET
from documents import change, find_name, insert, read_doc, unique
from logs import sync_logs
from streams import pull, pull_and_count, set_unsubscribed, subscribe

SYNC_LOG_METHODS = "event_streaming.event_streaming.doctype.event_sync_log.event_sync_log"
pytestmark = pytest.mark.usefixtures("orders")


def order_on_both(producer, consumer, **row) -> str:
	subscribe(consumer, producer, ORDER, **row)
	values = {"title": unique("order"), "note": "first", "total": 1, "rows": [{"item": "bolt", "qty": 1}]}
	name = producer.run(insert, doctype=ORDER, **values)
	pull(consumer, producer)
	return name


def order_both_ways(producer, consumer, policy: str) -> str:
	name = order_on_both(producer, consumer, conflict_policy=policy)
	subscribe(producer, consumer, ORDER, conflict_policy=policy)
	return name


def settle(producer, consumer) -> None:
	for _round in range(6):
		if not pull(consumer, producer)["events"] + pull(producer, consumer)["events"]:
			return
	raise AssertionError("the two sites do not come to rest")


def values(site, name: str) -> dict:
	doc = site.run(read_doc, doctype=ORDER, name=name)
	rows = [(row["idx"], row["name"], row["item"], row["qty"]) for row in doc["rows"]]
	return {**{key: doc[key] for key in ("title", "note", "total", "modified", "docstatus")}, "rows": rows}


def last_log(consumer) -> dict:
	return sync_logs(consumer)[-1]


@pytest.mark.parametrize(
	("policy", "kept"), [("Producer Wins", "theirs"), ("Consumer Wins", "ours"), ("Newest Wins", "theirs")]
)
def test_the_policy_decides_and_the_log_has_both_values(producer, consumer, policy, kept):
	name = order_on_both(producer, consumer, conflict_policy=policy)
	consumer.run(change, doctype=ORDER, name=name, note="ours")
	producer.run(change, doctype=ORDER, name=name, note="theirs", total=2)

	pull(consumer, producer)

	doc, log = consumer.run(read_doc, doctype=ORDER, name=name), last_log(consumer)
	assert (doc["note"], doc["total"]) == (kept, 2)
	assert log["status"] == "Synced" and policy in log["outcome"]
	(conflict,) = json.loads(log["conflicts"])
	assert (conflict["fieldname"], conflict["before"], conflict["here"], conflict["there"]) == (
		"note",
		"first",
		"ours",
		"theirs",
	)
	assert conflict["kept"] == ("there" if kept == "theirs" else "here")


def test_the_newest_wins_also_when_it_is_ours(producer, consumer):
	name = order_on_both(producer, consumer, conflict_policy="Newest Wins")
	producer.run(change, doctype=ORDER, name=name, note="theirs")
	consumer.run(change, doctype=ORDER, name=name, note="ours")

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=name)["note"] == "ours"


def test_changes_of_different_fields_and_rows_are_no_conflict(producer, consumer):
	name = order_on_both(producer, consumer, conflict_policy="Ask")
	consumer.run(change, doctype=ORDER, name=name, note="ours")
	producer.run(change_row, name=name, qty=5)

	pull(consumer, producer)

	doc = consumer.run(read_doc, doctype=ORDER, name=name)
	assert (doc["note"], doc["rows"][0]["qty"]) == ("ours", 5)
	assert last_log(consumer)["status"] == "Synced" and not last_log(consumer)["conflicts"]


def test_the_same_change_on_both_sites_is_no_conflict(producer, consumer):
	name = order_on_both(producer, consumer, conflict_policy="Ask")
	for site in (producer, consumer):
		site.run(change, doctype=ORDER, name=name, note="agreed")

	pull(consumer, producer)

	assert last_log(consumer)["status"] == "Synced" and not last_log(consumer)["conflicts"]


def test_a_field_of_a_row_can_be_in_conflict(producer, consumer):
	name = order_on_both(producer, consumer, conflict_policy="Consumer Wins")
	consumer.run(change_row, name=name, qty=3)
	producer.run(change_row, name=name, qty=4)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=name)["rows"][0]["qty"] == 3
	(conflict,) = json.loads(last_log(consumer)["conflicts"])
	assert (conflict["table"], conflict["fieldname"], conflict["here"], conflict["there"]) == (
		"rows",
		"qty",
		3,
		4,
	)


def change_row(name: str, qty: float) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.rows[0].qty = qty
	doc.save()


def test_a_chain_of_changes_from_the_producer_is_no_conflict(producer, consumer):
	name = order_on_both(producer, consumer, conflict_policy="Ask")
	for number in range(4):
		producer.run(change, doctype=ORDER, name=name, note=f"change {number}")

	pull(consumer, producer)

	assert [log["status"] for log in sync_logs(consumer)] == ["Synced"] * 5


def test_ask_keeps_the_event_until_a_person_picks_per_field(producer, consumer):
	name = order_on_both(producer, consumer, conflict_policy="Ask")
	consumer.run(change, doctype=ORDER, name=name, note="ours", total=10)
	producer.run(change, doctype=ORDER, name=name, note="theirs", total=20)
	producer.run(change, doctype=ORDER, name=name, urgent=1)
	pull(consumer, producer)

	asked, waiting = sync_logs(consumer)[-2:]
	assert (asked["status"], waiting["status"]) == ("Conflict", "Waiting")
	assert {each["fieldname"]: (each["here"], each["there"]) for each in json.loads(asked["conflicts"])} == {
		"note": ("ours", "theirs"),
		"total": (10, 20),
	}
	doc = consumer.run(read_doc, doctype=ORDER, name=name)
	assert (doc["note"], doc["total"], doc["urgent"]) == ("ours", 10, 0)

	status = consumer.rest().method(
		f"{SYNC_LOG_METHODS}.settle",
		name=asked["name"],
		choices=json.dumps({"note": "here", "total": "there"}),
	)

	assert status == "Synced"
	doc = consumer.run(read_doc, doctype=ORDER, name=name)
	assert (doc["note"], doc["total"], doc["urgent"]) == ("ours", 20, 1)
	assert [log["status"] for log in sync_logs(consumer)[-2:]] == ["Synced"] * 2


@pytest.mark.parametrize("policy", ["Producer Wins", "Consumer Wins", "Newest Wins"])
def test_after_edits_on_both_sides_of_a_two_way_subscription_both_are_equal(producer, consumer, policy):
	name = order_both_ways(producer, consumer, policy)
	producer.run(change, doctype=ORDER, name=name, note="from the producer", total=20)
	consumer.run(edit_and_add_row, name=name, note="from the consumer", item="nut")
	producer.run(edit_and_add_row, name=name, note="again from the producer", item="pin")

	settle(producer, consumer)

	there, here = values(producer, name), values(consumer, name)
	assert there == here
	assert here["total"] == 20 and len(here["rows"]) == 3
	assert here["note"] == ("from the consumer" if policy == "Consumer Wins" else "again from the producer")


def edit_and_add_row(name: str, note: str, item: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.note = note
	doc.append("rows", {"item": item, "qty": 1})
	doc.save()


def test_a_clock_that_is_an_hour_off_changes_nothing_about_both_ending_equal(producer, consumer):
	name = order_both_ways(producer, consumer, "Newest Wins")
	consumer.run(edit_an_hour_ahead, name=name, note="from tomorrow")
	producer.run(change, doctype=ORDER, name=name, note="from today")

	settle(producer, consumer)

	assert values(producer, name) == values(consumer, name)


def edit_an_hour_ahead(name: str, note: str) -> None:
	"""A save on a site whose clock is wrong."""
	from datetime import timedelta

	import frappe
	from frappe.utils import now_datetime

	doc = frappe.get_doc(ORDER, name)
	later = now_datetime() + timedelta(hours=1)
	stamp = type(doc).set_user_and_timestamp

	def stamp_later():
		stamp(doc)
		doc.modified = str(later)

	doc.set_user_and_timestamp = stamp_later
	doc.note = note
	doc.save()


def test_links_in_local_naming_are_compared_by_what_they_mean(producer, consumer):
	"""The value of before is the producer's name of a city that has another name here."""
	subscribe(
		consumer,
		producer,
		{"ref_doctype": TICKET, "use_same_name": 0, "conflict_policy": "Ask"},
		{"ref_doctype": CITY, "use_same_name": 1},
	)
	first, second = (producer.run(insert, doctype=CITY, title=unique("city")) for _each in range(2))
	name = producer.run(insert, doctype=TICKET, title=unique("ticket"), city=first)
	pull(consumer, producer)
	here = consumer.run(find_name, doctype=TICKET, remote_docname=name)
	consumer.run(change, doctype=TICKET, name=here, note="ours")

	producer.run(change, doctype=TICKET, name=name, city=second)
	pull(consumer, producer)

	doc = consumer.run(read_doc, doctype=TICKET, name=here)
	assert (doc["city"], doc["note"], last_log(consumer)["status"]) == (second, "ours", "Synced")


# ---------------------------------------------------------------- what this site was not told is no change of its own


def while_unsubscribed(producer, consumer, do) -> None:
	for unsubscribed in (1, 0):
		consumer.run(set_unsubscribed, name=producer.url, doctype=ORDER, unsubscribed=unsubscribed)
		if unsubscribed:
			do()


@pytest.mark.parametrize("policy", ["Producer Wins", "Consumer Wins", "Ask"])
def test_what_was_missed_while_unsubscribed_is_no_conflict_and_comes_with_the_next_change(
	producer, consumer, policy
):
	name = order_on_both(producer, consumer, conflict_policy=policy)
	while_unsubscribed(
		producer, consumer, lambda: producer.run(change, doctype=ORDER, name=name, note="missed", total=2)
	)

	producer.run(change, doctype=ORDER, name=name, note="after")
	pull(consumer, producer)

	log = last_log(consumer)
	assert (log["status"], log["conflicts"]) == ("Synced", None)
	assert values(consumer, name) == values(producer, name)


def test_what_was_missed_is_brought_for_a_whole_page_in_one_request(producer, consumer):
	subscribe(consumer, producer, ORDER)
	names = [producer.run(insert, doctype=ORDER, title=unique("order"), note="first") for _number in range(6)]
	pull(consumer, producer)

	def miss_all() -> None:
		for name in names:
			producer.run(change, doctype=ORDER, name=name, total=2)

	while_unsubscribed(producer, consumer, miss_all)
	for name in names:
		producer.run(change, doctype=ORDER, name=name, note="after")
	done = consumer.run(pull_and_count, event_producer=producer.url)

	assert [values(consumer, name) for name in names] == [values(producer, name) for name in names]
	assert (done["requests"], done["documents"]) == (1, len(names))


def test_what_was_changed_here_while_unsubscribed_is_a_conflict(producer, consumer):
	name = order_on_both(producer, consumer, conflict_policy="Consumer Wins")

	def change_both() -> None:
		producer.run(change, doctype=ORDER, name=name, note="there", total=2)
		consumer.run(change, doctype=ORDER, name=name, note="here")

	while_unsubscribed(producer, consumer, change_both)
	producer.run(change, doctype=ORDER, name=name, note="after")
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=name, urgent=1)
	pull(consumer, producer)

	found = values(consumer, name)
	assert found["note"] == "here"
	(conflict,) = json.loads(sync_logs(consumer)[-2]["conflicts"])
	assert conflict["kept"] == "here"
