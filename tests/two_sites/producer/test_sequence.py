"""Positions are given in an order in which a reader misses nothing, whatever the order of the commits."""

from itertools import pairwise

import pytest
from doctypes import CITY, with_orders
from documents import insert, unique
from streams import stream_orders


@pytest.fixture
def site(producer):
	with_orders(producer)
	producer.run(stream_orders)
	return producer


def assign() -> int:
	import frappe

	from event_streaming.producer.log.sequence import assign_positions

	frappe.db.commit()
	return assign_positions()


def positions() -> list[list]:
	"""[position, name of the row, document] of all that has a position, in that order."""
	import frappe

	frappe.db.commit()
	return frappe.get_all(
		"Event Update Log",
		filters={"position": [">", 0]},
		fields=["position", "name", "docname", "sequenced_on"],
		order_by="position asc",
		as_list=True,
		limit=0,
	)


def add_rows(count: int, first: str = "doc") -> None:
	"""Committed events without a position."""
	import frappe

	from event_streaming.producer.capture.log import write

	for number in range(count):
		write(CITY, f"{first} {number}", "Delete", None)
	frappe.db.commit()


def documents(site) -> list[str]:
	return [row[2] for row in site.run(positions)]


def test_an_event_that_commits_after_a_later_one_was_read_comes_with_the_next_reading(site):
	early, late = site.shell(), site.shell()
	slow = early.run(insert, doctype=CITY, title=unique("slow"), commit=False)
	quick = late.run(insert, doctype=CITY, title=unique("quick"))

	site.run(assign)
	read_first = documents(site)
	early.commit()
	site.run(assign)
	read_then = documents(site)

	assert quick in read_first and slow not in read_first
	assert read_then[: len(read_first)] == read_first
	assert slow in read_then[len(read_first) :]


def test_giving_positions_does_not_wait_for_transactions_that_are_still_open(site):
	open_one = site.shell()
	waiting = open_one.run(insert, doctype=CITY, title=unique("open"), commit=False)
	site.run(add_rows, count=3)

	pending = site.shell().start(assign)

	pending.wait(5)
	assert waiting not in documents(site)


def test_positions_are_consecutive_and_times_strictly_increase(site):
	before = site.run(assign)
	site.run(add_rows, count=2_500)

	head = site.run(assign)

	rows = [row for row in site.run(positions) if row[0] > before]
	assert [row[0] for row in rows] == list(range(before + 1, before + 2_501))
	assert head == before + 2_500
	names = [int(row[1]) for row in rows]
	assert names == sorted(names)
	times = [row[3] for row in rows]
	assert all(one < other for one, other in pairwise(times))


def test_gaps_that_rollbacks_leave_in_the_names_leave_none_in_the_positions(site):
	before = site.run(assign)
	site.run(add_rows_with_gaps)

	site.run(assign)

	assert [row[0] for row in site.run(positions) if row[0] > before] == list(range(before + 1, before + 31))


def add_rows_with_gaps() -> None:
	import frappe

	from event_streaming.producer.capture.log import write

	for number in range(60):
		write(CITY, f"doc {number}", "Delete", None)
		if number % 2:
			frappe.db.rollback()
		else:
			frappe.db.commit()


def test_several_at_once_give_each_event_one_position(site):
	before = site.run(assign)
	site.run(add_rows, count=3_000)

	pending = [site.shell().start(assign) for _each in range(4)]
	heads = [each.wait(60) for each in pending]

	given = [row[0] for row in site.run(positions) if row[0] > before]
	assert given == list(range(before + 1, before + 3_001))
	assert set(heads) == {before + 3_000}


def test_a_process_that_dies_while_it_gives_positions_leaves_nothing_locked_or_half_done(site):
	before = site.run(assign)
	site.run(add_rows, count=10)
	dying = site.shell()
	dying.run(take_lock_and_number_half, commit=False)

	dying.kill()
	head = site.run(assign)

	assert head == before + 10
	assert [row[0] for row in site.run(positions) if row[0] > before] == list(range(before + 1, before + 11))


def take_lock_and_number_half() -> None:
	from event_streaming.producer.log import sequence

	head = sequence._locked_head()
	sequence._number(
		[name for name, _transaction in sequence._unnumbered(5)], head, sequence._time_base(head)
	)


def test_positions_go_on_after_the_whole_log_was_cleared(site):
	site.run(add_rows, count=5)
	head = site.run(assign)
	site.run(clear_log)
	site.run(add_rows, count=1)

	assert site.run(assign) == head + 1


def clear_log() -> None:
	import frappe

	frappe.db.delete("Event Update Log")


def test_times_increase_also_when_the_clock_goes_back(site):
	site.run(add_rows, count=2)
	site.run(assign)
	site.run(set_times_into_the_future)
	site.run(add_rows, count=2)

	site.run(assign)

	times = [row[3] for row in site.run(positions)][-4:]
	assert times == sorted(times) and len(set(times)) == len(times)


def set_times_into_the_future() -> None:
	import frappe

	frappe.db.sql("UPDATE `tabEvent Update Log` SET sequenced_on = sequenced_on + INTERVAL '1' HOUR")


def test_positions_are_not_given_in_the_middle_of_somebodys_work(site):
	message = site.run(assign_with_open_work)

	assert "commits" in message


def assign_with_open_work() -> str:
	import frappe

	from event_streaming.producer.log.sequence import assign_positions

	frappe.db.commit()
	frappe.get_doc({"doctype": "ToDo", "description": "open work"}).insert()
	try:
		assign_positions()
	except RuntimeError as error:
		return str(error)
	finally:
		frappe.db.rollback()
	return ""


def test_a_lock_that_another_transaction_has_is_waited_for_and_an_error_in_passing_is_tried_again(site):
	tries = site.run(fail_in_passing)

	assert tries == [1213, 1205, 1020, "done"]


def fail_in_passing() -> list:
	import frappe

	from event_streaming.producer.log.sequence import tried_again

	frappe.db.commit()
	errors, seen = [1213, 1205, 1020], []

	class Passing(Exception):
		pass

	def work():
		if errors:
			seen.append(errors.pop(0))
			raise Passing(seen[-1], "in passing")
		return "done"

	seen.append(tried_again(work))
	return seen
