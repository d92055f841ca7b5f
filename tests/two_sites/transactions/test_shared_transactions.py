"""What was made together is applied by one of several workers: a pull and its helper, each in a process of its own."""

import pytest
from doctypes import CITY, with_orders
from documents import change, read_rows, set_settings, unique
from logs import sync_logs, update_logs
from streams import require_field, require_nothing, subscribe

EACH = 3


@pytest.fixture(autouse=True)
def two_workers(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	consumer.run(change, doctype="Event Producer", name=producer.url, workers=2)
	consumer.run(set_settings, events_per_commit=2)
	consumer.start_worker()
	yield
	consumer.run(require_nothing, doctype=CITY)


def make_transactions(prefix: str, without: tuple | list = ()) -> list[list[str]]:
	"""Transactions of three cities each; the second one of some has no country."""
	import frappe

	made = []
	for number in range(24):
		names = []
		for each in range(3):
			country = "" if each == 1 and number in without else "Siam"
			values = {"title": f"{prefix} {number:02} {each}", "country_name": country}
			names.append(frappe.get_doc({"doctype": CITY, **values}).insert().name)
		frappe.db.commit()
		made.append(names)
	return made


def pull_with_helper(event_producer: str) -> dict:
	"""A pull that begins with a page's lanes when its helper has come; what each lane and the helper had."""
	import time

	from event_streaming.consumer.workers import crew, shared_page
	from event_streaming.database.locks import locks_held
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	hand_out, attempt = crew.Crew.hand_out, shared_page.try_event
	seen = {"lanes": [], "here": 0}

	def hand_out_to_helper(self, lanes):
		until = time.monotonic() + 30
		while not locks_held([crew.helper_lock(event_producer, 1)]) and time.monotonic() < until:
			time.sleep(0.02)
		seen["lanes"] += [[event["transaction_id"] for event in lane.events] for lane in lanes]
		hand_out(self, lanes)

	def counted(*args, **kwargs):
		seen["here"] += 1
		return attempt(*args, **kwargs)

	crew.Crew.hand_out, shared_page.try_event = hand_out_to_helper, counted
	try:
		return {**pull_from_node(event_producer), **seen}
	finally:
		crew.Crew.hand_out, shared_page.try_event = hand_out, attempt


def test_a_transaction_is_in_one_lane_and_what_the_helper_commits_is_whole(producer, consumer):
	made = producer.run(make_transactions, prefix=unique("shared"))

	done = consumer.run(pull_with_helper, event_producer=producer.url)

	assert (done["error"], done["failed"], done["synced"]) == ("", 0, 24 * EACH)
	assert len(done["lanes"]) > 2 and 0 < done["here"] < 24 * EACH
	for lane in done["lanes"]:
		assert all(lane.count(transaction) == EACH for transaction in lane)
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	assert len(sync_logs(consumer)) == len(update_logs(producer)) == len(made) * EACH


def test_one_that_fails_in_a_lane_leaves_its_transaction_to_the_pull(producer, consumer):
	consumer.run(require_field, doctype=CITY, fieldname="country_name")
	made = producer.run(make_transactions, prefix=unique("fails"), without=[3, 11])

	done = consumer.run(pull_with_helper, event_producer=producer.url)

	assert (done["error"], done["failed"]) == ("", 2)
	failed = {log["producer_doc"] for log in sync_logs(consumer) if log["status"] == "Retrying"}
	assert failed == {made[3][1], made[11][1]}
	there = {row["name"] for row in consumer.run(read_rows, doctype=CITY, filters={})}
	assert {name for names in made for name in names} - there == failed
	# one commit has shown the others of it
	for names in (made[3], made[11]):
		rows = [log for log in sync_logs(consumer) if log["producer_doc"] in names]
		assert [log["status"] for log in rows] == ["Synced", "Retrying", "Synced"]
		assert [int(log["name"]) for log in rows] == [*range(int(rows[0]["name"]), int(rows[0]["name"]) + 3)]
