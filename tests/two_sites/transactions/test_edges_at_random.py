"""Where pages and groups end, with logs and failures drawn by lot: transactions whole, nothing left out, nothing twice.

What is read from the database is made up; what is decided is the code's own. Seeds are in the messages of what fails.
"""

import pytest

LOGS, COURSES = 3_000, 1_500


def test_pages_end_where_transactions_do(producer):
	assert producer.run(pages_of_random_logs, count=LOGS) > LOGS


@pytest.mark.parametrize("together", [False, True])
def test_groups_end_where_transactions_do_whatever_fails_or_is_lost(consumer, together):
	assert consumer.run(random_courses, count=COURSES, together=together) > COURSES


def pages_of_random_logs(count: int) -> int:
	"""How many events were read of so many logs, some of which a condition leaves out."""
	import random

	from event_streaming.producer.feed import selection

	names = ("MOST_TOGETHER", "WINDOW", "_for_reader", "_transactions", "first_position")
	kept = {name: getattr(selection, name) for name in names}
	try:
		return sum(pages_of_one(selection, random.Random(seed), seed) for seed in range(count))
	finally:
		for name, value in kept.items():
			setattr(selection, name, value)


def pages_of_one(selection, drawn, seed: int) -> int:
	from types import SimpleNamespace

	from event_streaming.producer.log.rows import Candidate

	def candidate(row):
		empty = dict.fromkeys(("creation", "sequenced_on"))
		texts = {"update_type": "Update", "docname": "x", "owner": "", "origin": ""}
		place = {"name": str(row[0]), "position": row[0], "at_position": row[0], "size": 50}
		return Candidate(**empty, **texts, **place, ref_doctype=row[2], transaction_id=row[1])

	def between(first, last, limit, mine=False):
		return [row for row in log if first <= row[0] <= last and (not mine or row[2] == "A")][:limit]

	selection.MOST_TOGETHER, selection.WINDOW = drawn.choice([4, 6, 10]), drawn.choice([3, 5, 50])
	selection._for_reader = lambda _reader, *bounds: [candidate(row) for row in between(*bounds, mine=True)]
	selection._transactions = lambda *bounds: [row[:2] for row in between(*bounds)]
	selection.first_position = lambda reader: next((row[0] for row in log if row[0] > reader.cursor), None)
	log, head = [], 0
	for number in range(drawn.randint(1, 12)):
		transaction = "" if drawn.random() < 0.15 else f"t{number}"
		for _event in range(drawn.choice([1, 1, 2, 3, 4, 6, 9, 14])):
			head += 1
			# some are cleared already
			if drawn.random() < 0.95:
				log.append((head, transaction, drawn.choice("AAB"), drawn.random() < 0.8))
	meets = {row[0]: row[3] for row in log}
	rows = {"A": SimpleNamespace(from_position=0)}
	limits = {"limit": drawn.choice([1, 2, 3, 5, 8, 40]), "max_bytes": drawn.choice([100, 1_000, 10**5])}
	reader = SimpleNamespace(cursor=0, rows=rows, hidden={}, **limits)
	pages = []
	while reader.cursor < head:
		scanned, reach = selection._scan(reader, head, reader.limit)
		events, cursor = selection._cut(reader, [each for each in scanned if meets[each.position]], reach)
		assert cursor > reader.cursor, seed
		pages.append(events)
		reader.cursor = cursor
	wanted = [row[0] for row in log if row[2] == "A" and row[3]]
	assert [event.position for page in pages for event in page] == wanted, seed
	sizes = {each: sum(row[1] == each for row in log) for each in {row[1] for row in log}}
	for transaction in filter(None, sizes):
		mine = [[event for event in page if event.transaction_id == transaction] for page in pages]
		mine = [part for part in mine if part]
		if sizes[transaction] <= selection.MOST_TOGETHER:
			assert len(mine) <= 1 and not any(event.divided for part in mine for event in part), seed
		assert all(event.divided for part in mine[:-1] for event in part), seed
	for page in pages:
		assert len(page) <= reader.limit or len({event.transaction_id for event in page}) == 1, seed
	return len(wanted)


def random_courses(count: int, together: bool) -> int:
	"""How many events were dealt with in so many pages, some of which fail, or lose their transaction once or each time."""
	import random
	from types import SimpleNamespace

	import frappe

	from event_streaming.consumer.unit_of_work import groups

	settings, forget, database = groups.get_settings, groups.forget_lookups, frappe.local.db
	sent_together = groups.OneRequest
	groups.OneRequest = lambda: SimpleNamespace(send=lambda: None)
	groups.get_settings = lambda: SimpleNamespace(events_per_commit=3, commit_milliseconds=10**6)
	groups.forget_lookups = lambda: None
	try:
		return sum(one_course(groups, random.Random(seed), seed, together) for seed in range(count))
	finally:
		groups.get_settings, groups.forget_lookups, frappe.local.db = settings, forget, database
		groups.OneRequest = sent_together


def one_course(groups, drawn, seed: int, together: bool) -> int:
	from contextlib import contextmanager
	from types import SimpleNamespace

	import frappe

	from event_streaming.consumer.logs.sync_log import Outcome
	from event_streaming.wire.events import empty_event, end_of_transaction

	pending, commits, rows = [], [], []
	errors = {
		"OperationalError": frappe.local.db.OperationalError,
		"InternalError": frappe.local.db.InternalError,
	}
	frappe.local.db = SimpleNamespace(
		commit=lambda: (commits.append(list(pending)), pending.clear()),
		rollback=pending.clear,
		db_type="mariadb",
		**errors,
	)
	events = []
	for number in range(drawn.randint(1, 8)):
		for _event in range(drawn.choice([1, 1, 2, 3, 5])):
			transaction = f"t{number}" if drawn.random() < 0.9 else ""
			empty = empty_event("D", f"d{drawn.randint(1, 6)}", len(events) + 1, "p")
			events.append({**empty, "id": str(len(events) + 1), "transaction_id": transaction})
	fail, lose, lose_once = (
		{event["id"] for event in events if drawn.random() < share} for share in (0.12, 0.08, 0.1)
	)

	@contextmanager
	def group(together):
		rows.clear()
		yield

	def keep(event, work, outcome):
		rows.append((event, outcome))
		pending.append((event["id"], outcome.status))
		if outcome.status != "Synced":
			work.held_back.add(("D", event["docname"]))
		return outcome.status

	def prepare(work, _events):
		names = {event["id"]: event["docname"] for event in events}
		open_ones = [each for commit in commits for each, status in commit if status != "Synced"]
		work.held_back = {("D", names[each]) for each in open_ones}

	def deal(event, work):
		if ("D", event["docname"]) in work.held_back:
			return keep(event, work, Outcome("Waiting", "D"))
		if event["id"] in lose | lose_once:
			lose_once.discard(event["id"])
			raise frappe.QueryDeadlockError
		return keep(event, work, Outcome("Retrying" if event["id"] in fail else "Synced", "D"))

	def set_aside(event, work, obstacle):
		mine = event is obstacle.event and obstacle.outcome
		return keep(event, work, mine or Outcome("Waiting", "D"))

	work = SimpleNamespace(log=SimpleNamespace(group=group, look=lambda: None, rows=rows), held_back=set())
	mark = SimpleNamespace(write=lambda *_arguments: None, committed=lambda *_arguments: None)
	handling = groups.Handling(
		prepare,
		deal,
		lambda event, work, _error: keep(event, work, Outcome("Retrying", "D")),
		lambda _events, _work: together,
		set_aside,
	)
	assert groups.apply_in_groups(work, events, mark, float("inf"), handling), seed
	assert [each for commit in commits for each, _status in commit] == [event["id"] for event in events], seed
	status = {each: became for commit in commits for each, became in commit}
	commit_of = {each: number for number, commit in enumerate(commits) for each, _status in commit}
	start, open_documents = 0, set()
	while start < len(events):
		end = end_of_transaction(events, start)
		ids = [event["id"] for event in events[start:end]]
		assert len({commit_of[each] for each in ids}) == 1, seed
		if together and len(ids) > 1:
			assert len({status[each] == "Synced" for each in ids}) == 1, seed
		start = end
	for event in events:
		became = status[event["id"]]
		assert became != "Synced" or event["docname"] not in open_documents, seed
		assert became != "Synced" or event["id"] not in fail | lose, seed
		assert became != "Retrying" or event["id"] in fail | lose, seed
		if became != "Synced":
			open_documents.add(event["docname"])
	return len(events)
