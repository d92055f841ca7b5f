"""In which order events get their positions: whole transactions, and each document's changes as they were made."""

import random

from event_streaming.producer.log.ordering import in_order, small_ones


def test_events_of_one_transaction_stand_side_by_side_where_the_last_one_does():
	rows = [(1, "a"), (2, "b"), (4, "a"), (5, "b"), (7, "c")]

	assert in_order(rows, ()) == [1, 4, 2, 5, 7]


def test_events_of_which_nothing_is_known_stay_where_they_are():
	assert in_order([(1, ""), (2, "a"), (3, ""), (4, "a"), (5, "")], ()) == [1, 3, 2, 4, 5]


def test_transactions_that_go_on_later_wait_for_their_rest():
	assert in_order([(1, "a"), (2, "b"), (3, "a")], {"a"}) == [2]


def test_unless_there_is_nothing_else():
	assert in_order([(1, "a"), (2, "b")], {"a", "b"}) == [1, 2]


def test_transactions_with_too_many_events_are_not_waited_for():
	assert small_ones([(1, "a"), (2, "a"), (3, "b"), (4, "a"), (5, "")], most=2) == {"b"}


def test_whatever_meets_what_is_changed_after_another_transaction_comes_after_all_of_that():
	"""Transactions lock the documents that they change until they end: drawn by lot, with parts of what is there."""
	for seed in range(300):
		rows, changes = histories(random.Random(seed))
		for count in (len(rows), len(rows) // 2):
			known = rows[:count]
			order = in_order(known, ())
			assert sorted(order) == [name for name, _transaction in known]
			for names in changes.values():
				mine = [name for name in order if name in names]
				assert mine == sorted(mine), (seed, rows, changes)
			transactions = [dict(rows)[name] for name in order]
			runs = [
				one for one, before in zip(transactions, [None, *transactions], strict=False) if one != before
			]
			assert len(runs) == len(set(runs)), (seed, order)


def histories(drawn: random.Random) -> tuple[list[tuple[int, str]], dict[int, set[int]]]:
	"""Events of transactions that overlap, and of each document the names of its changes."""
	open_ones: dict[str, set[int]] = {}
	rows: list[tuple[int, str]] = []
	changes: dict[int, set[int]] = {document: set() for document in range(4)}
	begun = 0
	for name in range(1, 40):
		if len(open_ones) < 3 and drawn.random() < 0.4:
			begun += 1
			open_ones[f"t{begun}"] = set()
		for transaction in list(open_ones):
			if drawn.random() < 0.15:
				del open_ones[transaction]
		if not open_ones:
			continue
		transaction = drawn.choice(sorted(open_ones))
		taken = set().union(*(locked for other, locked in open_ones.items() if other != transaction))
		if free := sorted(set(changes) - taken):
			document = drawn.choice(free)
			open_ones[transaction].add(document)
			rows.append((name, transaction))
			changes[document].add(name)
	return rows, changes


def test_transactions_that_have_not_met_stay_as_they_are_whatever_else_is_known():
	rows = [(1, ""), (2, "a"), (3, "a"), (4, ""), (5, "b"), (6, "c"), (7, "c")]

	assert in_order(rows, ()) == [1, 2, 3, 4, 5, 6, 7]
	assert in_order(rows, {"c"}) == [1, 2, 3, 4, 5]
	assert in_order([*rows, (8, ""), (9, "a")], ()) == [1, 4, 5, 6, 7, 8, 2, 3, 9]
