"""Whatever dies, and at whatever statement: one ordinary pull afterwards brings every event, once.

A process is killed with SIGKILL before or after one call of one function, named as "module:function", or at a moment
drawn from a seed that is printed. Hooks that commit or roll back in the middle of an event, and deadlocks, belong here too.
"""

import os
import random
import time

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, read_doc, read_rows, set_settings, unique
from killing import die_at, run_until_it_is_killed, wait_for
from logs import make_due, sync_logs, update_logs
from streams import SUBSCRIBER, pull, pull_now, require_field, require_nothing, subscribe

from tests.database.dialects import comment_on, dialect, is_at_work, wait_as_usual, wait_at_most

CONSUMER_STEPS = [
	("consumer.apply.step:apply_event", "before", 2),
	("consumer.apply.step:apply_event", "after", 2),
	("consumer.life_cycle.documents:insert", "before", 1),
	("consumer.life_cycle.documents:insert", "after", 1),
	("consumer.life_cycle.documents:insert", "after", 2),
	("consumer.life_cycle.documents:update", "after", 1),
	("consumer.life_cycle.documents:rename", "after", 1),
	("consumer.life_cycle.documents:delete", "after", 1),
	("consumer.unit_of_work.kept_identities:KeptIdentities.add", "before", 1),
	("consumer.unit_of_work.kept_identities:KeptIdentities.add", "after", 2),
	("identity.registry:forget", "after", 1),
	("consumer.logs.sync_log:write", "before", 1),
	("consumer.logs.sync_log:write", "after", 2),
	("consumer.logs.state:move_cursor", "before", 1),
	("consumer.logs.state:move_cursor", "after", 1),
	("consumer.logs.state:move_cursor", "before", 2),
	("consumer.logs.state:move_cursor", "after", 3),
	("consumer.subscriptions.remote:Producer.get_page", "after", 1),
	("consumer.subscriptions.remote:Producer.get_documents", "before", 1),
	("consumer.subscriptions.remote:Producer.get_documents", "after", 1),
	*((f"commit:{nth}", when, nth) for nth in range(3, 7) for when in ("before", "after")),
]
PRODUCER_STEPS = [
	("producer.log.sequence:_number", "before", 1),
	("producer.log.sequence:_number", "after", 1),
	("producer.log.sequence:_set_head", "after", 1),
	("producer.feed.overtaking:read_page", "after", 1),
	("producer.feed.page:record_deliveries", "after", 1),
	("producer.feed.page:on_the_wire", "after", 1),
	*((f"commit:{nth}", when, nth) for nth in range(2, 5) for when in ("before", "after")),
]


@pytest.fixture(autouse=True)
def subscribed(producer, consumer):
	with_orders(producer, consumer)
	consumer.run(set_settings, events_per_commit=3)
	subscribe(consumer, producer, ORDER)
	yield
	consumer.run(allow_all)


# ---------------------------------------------------------------- what happens on the producer, and what must hold


def make_history(prefix: str) -> dict:
	"""Eleven events of four orders, whose cities come along as dependencies. Returns the names by DocType."""
	import frappe

	cities = [f"{prefix} city {number}" for number in range(2)]
	for city in cities:
		frappe.get_doc({"doctype": CITY, "title": city}).insert()
	orders = []
	for number in range(4):
		order = frappe.get_doc(
			{
				"doctype": ORDER,
				"title": f"{prefix} {number}",
				"city": cities[number % 2],
				"rows": [{"item": "bolt", "qty": 2}, {"item": "nut", "qty": 3}],
			}
		).insert()
		frappe.db.commit()
		orders.append(order.name)
	first = frappe.get_doc(ORDER, orders[0])
	first.total = 12.5
	first.rows[0].qty = 7
	first.save()
	frappe.get_doc(ORDER, orders[1]).submit()
	frappe.get_doc(ORDER, orders[1]).db_set("note", "after submission")
	frappe.delete_doc(ORDER, orders[2])
	renamed = f"{orders[3]}-renamed"
	frappe.rename_doc(ORDER, orders[3], renamed, force=True)
	last = frappe.get_doc(ORDER, renamed)
	last.append("rows", {"item": "washer", "qty": 1})
	last.save()
	frappe.get_doc(ORDER, orders[1]).cancel()
	return {CITY: cities, ORDER: [*orders, renamed]}


def check_all_is_there_once(producer, consumer, *histories: dict) -> None:
	"""The ordinary pull, and what must hold after it."""
	pull_when_free(producer, consumer)

	wanted = [str(log["name"]) for log in update_logs(producer)]
	logs = sync_logs(consumer)
	assert sorted(log["event_id"] for log in logs) == sorted(wanted)
	assert {log["status"] for log in logs} <= {"Synced"}, [log["error"] for log in logs if log["error"]]
	for history in histories:
		for doctype, names in history.items():
			for name in names:
				assert look(consumer, doctype, name) == look(producer, doctype, name)
	(state,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={})
	assert state["position"] == max((log["position"] for log in update_logs(producer)), default=0)
	assert pull_when_free(producer, consumer)["events"] == 0
	assert consumer.run(transactions_left) == 0 and producer.run(transactions_left) == 0


def pull_when_free(producer, consumer) -> dict:
	"""The database server takes a moment to see that a connection is dead, and its lock free."""
	return wait_for(lambda: not (summary := pull(consumer, producer))["busy"] and summary, "the lock's end")


def look(site, doctype: str, name: str) -> dict | None:
	doc = site.run(read_doc, doctype=doctype, name=name)
	for row in [doc, *(doc or {}).get("rows", [])]:
		# made anew on each site
		for field in ("creation", "modified", "modified_by", "owner") if row and row is not doc else ():
			row.pop(field, None)
	for field in ("remote_docname", "remote_site_name") if doc else ():
		# a DocType that some test has named locally keeps these fields
		doc.pop(field, None)
	return doc


def transactions_left() -> int:
	"""Locks that nobody holds any more but that the database still keeps: every row can be locked at once."""
	import frappe

	wait_at_most(1)
	try:
		for doctype in ("Event Producer Last Update", "Event Consumer", "Event Update Log", CITY, ORDER):
			frappe.db.sql(f"select name from `tab{doctype}` for update")
		frappe.db.sql("select name from `tabSeries` for update")
	except frappe.QueryTimeoutError:
		return 1
	finally:
		frappe.db.rollback()
		wait_as_usual()
	return 0


# ---------------------------------------------------------------- the killing


def pull_and_die(event_producer: str, target: str, when: str, nth: int) -> None:
	from event_streaming.consumer.pull.loop import pull

	die_at(target, when, nth)
	pull(event_producer)


def read_page_and_die(event_consumer: str, target: str, when: str, nth: int) -> None:
	import frappe

	from event_streaming.producer.feed.page import get_page

	die_at(target, when, nth)
	frappe.set_user(SUBSCRIBER)
	get_page(event_consumer, 0)


@pytest.mark.parametrize(("target", "when", "nth"), CONSUMER_STEPS)
def test_a_pull_that_is_killed_at_this_step_loses_nothing_and_doubles_nothing(
	producer, consumer, target, when, nth
):
	history = producer.run(make_history, prefix=unique("order"))

	kill_a_pull(producer, consumer, target, when, nth)

	check_all_is_there_once(producer, consumer, history)


def kill_a_pull(producer, consumer, target: str, when: str, nth: int) -> None:
	run_until_it_is_killed(
		consumer, pull_and_die, event_producer=producer.url, target=target, when=when, nth=nth
	)


@pytest.mark.parametrize(("target", "when", "nth"), PRODUCER_STEPS)
def test_a_producer_that_is_killed_at_this_step_of_a_page_loses_nothing(
	producer, consumer, target, when, nth
):
	history = producer.run(make_history, prefix=unique("order"))

	run_until_it_is_killed(
		producer, read_page_and_die, event_consumer=consumer.url, target=target, when=when, nth=nth
	)

	check_all_is_there_once(producer, consumer, history)


@pytest.mark.parametrize(
	("target", "when", "nth"),
	[
		("consumer.apply.step:apply_event", "after", 1),
		("consumer.apply.step:apply_event", "after", 2),
		("consumer.logs.sync_log:update", "before", 1),
		("consumer.logs.sync_log:update", "after", 1),
		("consumer.logs.sync_log:update", "after", 2),
		("consumer.life_cycle.documents:insert", "after", 1),
	],
)
def test_a_retry_that_is_killed_is_tried_again_whole(producer, consumer, target, when, nth):
	consumer.run(require_day)
	history = producer.run(make_history, prefix=unique("order"))
	pull(consumer, producer)
	assert {log["status"] for log in sync_logs(consumer)} >= {"Retrying", "Waiting"}
	consumer.run(allow_all)
	consumer.run(make_due)

	kill_a_pull(producer, consumer, target, when, nth)

	consumer.run(make_due)
	check_all_is_there_once(producer, consumer, history)


def require_day() -> None:
	"""A rule of the consumer's own."""
	require_field(ORDER, "day")


def allow_all() -> None:
	require_nothing(ORDER)


def test_pulls_and_producers_killed_at_random_moments_lose_nothing(producer, consumer):
	seed = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(10**6))
	print(f"KILL_SEED={seed}")
	chance = random.Random(seed)
	histories = []
	for _round in range(8):
		histories.append(producer.run(make_history, prefix=unique("order")))
		shell = consumer.shell()
		shell.run("frappe.ping")
		shell.start(pull_now, event_producer=producer.url)
		time.sleep(chance.uniform(0.02, 0.6))
		if chance.random() < 0.3:
			producer.kill_web()
			producer.start_web()
		shell.kill()

	check_all_is_there_once(producer, consumer, *histories)


def test_requests_of_one_consumer_that_meet_are_all_answered(producer, consumer):
	"""One goes on at the producer after its consumer has died, and the next consumer's pull asks for the same page."""
	for _each in range(5):
		producer.run(make_history, prefix=unique("order"))
	shells = [producer.shell() for _each in range(3)]

	running = [shell.start(read_pages, event_consumer=consumer.url, times=40) for shell in shells]

	results = [each.wait() for each in running]
	assert [result["errors"] for result in results] == [[]] * 3
	check_all_is_there_once(producer, consumer)


def test_a_page_that_loses_its_transaction_to_another_is_given_all_the_same(producer, consumer):
	history = producer.run(make_history, prefix=unique("order"))
	rival, reader = producer.shell(), producer.shell()
	# it has written more than the page, so that the database gives the page up
	many = rival.run(make_cities, prefix=unique("local"), count=300, commit=False)
	rival.run(touch_consumer, event_consumer=consumer.url, commit=False)
	reading = reader.start(read_pages, event_consumer=consumer.url, times=1)
	wait_for(
		lambda: producer.run(page_waits_for_its_consumer), "the page, which waits for the row of its consumer"
	)

	if producer.run(dialect) == "mariadb":
		rival.run(touch_deliveries, event_consumer=consumer.url, commit=False)
		rival.rollback()
	else:
		# which of two PostgreSQL gives up is a matter of moments; whoever has waited for a row goes on with what it is now
		rival.commit()

	assert len(many) == 300
	assert reading.wait() == {"lost": int(producer.run(dialect) == "mariadb"), "errors": []}
	check_all_is_there_once(producer, consumer, history)


def read_pages(event_consumer: str, times: int) -> dict:
	"""The first page again and again, each time as a request of its own: what was lost on the way, and what went wrong."""
	import frappe

	from event_streaming.producer.feed import page

	read, answer = page._page, {"lost": 0, "errors": []}

	def counted(*args):
		try:
			return read(*args)
		except Exception:
			answer["lost"] += 1
			raise

	page._page = counted
	frappe.set_user(SUBSCRIBER)
	for _each in range(times):
		try:
			page.get_page(event_consumer, 0)
			frappe.db.commit()
		except Exception as error:
			frappe.db.rollback()
			answer["errors"].append(str(error))
	page._page = read
	return answer


def touch_consumer(event_consumer: str) -> None:
	import frappe

	frappe.db.set_value("Event Consumer", event_consumer, "last_error", "rival", update_modified=False)


def page_waits_for_its_consumer() -> bool:
	return is_at_work("update%tabEvent Consumer_ %last_contact%")


def touch_deliveries(event_consumer: str) -> None:
	import frappe

	frappe.db.set_value(
		"Event Delivery Hour", {"consumer": event_consumer}, "slowest", 0, update_modified=False
	)


# ---------------------------------------------------------------- hooks that end the transaction, and deadlocks


def pull_with_hook(event_producer: str, doings: list) -> dict:
	"""A pull on a site whose own code for Streamed City does these things when one is saved, once for each document.

	As a controller: Frappe 16 does not let the hooks of other apps end the transaction.
	"""
	from frappe.model.document import Document

	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	seen = set()

	def on_update(doc):
		if doc.doctype != CITY or (doc.name in seen and "again" not in doings):
			return
		seen.add(doc.name)
		for doing in doings:
			do_in_the_middle(doing, len(seen))

	Document.on_update = on_update
	try:
		return pull_from_node(event_producer)
	finally:
		del Document.on_update


def do_in_the_middle(doing: str, number: int) -> None:
	import os

	import frappe

	if doing == "commit" or (doing == "commit later" and number == 3):
		frappe.db.commit()
	elif doing == "rollback" or (doing == "rollback later" and number == 2):
		frappe.db.rollback()
	elif doing == "delete a file" and number == 2:
		delete_a_file()
	elif doing == "commit then" and number == 2:
		frappe.db.commit()
	elif doing == "delete a file and take it back":
		frappe.db.savepoint("of_the_hook")
		delete_a_file()
		frappe.db.rollback(save_point="of_the_hook")
	elif doing == "lose" and number == 2:
		# what a deadlock does that the hook has caught: the database has undone all, and nobody was told
		frappe.db.sql("rollback")
	elif doing == "alter":
		comment_on(f"tab{CITY}")
	elif doing == "die" and number == 2:
		os.kill(os.getpid(), 9)
	elif doing == "fail":
		raise ValueError("the hook is broken")


def delete_a_file() -> None:
	"""That has the identities that wait written: this one's is to go."""
	import frappe

	frappe.get_doc({"doctype": "File", "file_name": "note.txt", "content": "of a hook"}).insert().delete()


def make_cities(prefix: str, count: int) -> list[str]:
	import frappe

	names = []
	for number in range(count):
		city = frappe.get_doc({"doctype": CITY, "title": f"{prefix} {number}"}).insert()
		names.append(city.name)
	return names


@pytest.fixture
def cities(producer, consumer):
	"""Three cities that wait to be pulled."""
	consumer.run(forget_producer, event_producer=producer.url)
	subscribe(consumer, producer, CITY)
	return producer.run(make_cities, prefix=unique("city"), count=3)


def forget_producer(event_producer: str) -> None:
	import frappe

	frappe.delete_doc("Event Producer", event_producer)


@pytest.mark.parametrize("doing", ["commit", "alter"])
def test_a_hook_that_commits_in_the_middle_of_an_event_does_no_harm(producer, consumer, cities, doing):
	summary = consumer.run(pull_with_hook, event_producer=producer.url, doings=[doing, "again"])

	assert (summary["error"], summary["synced"]) == ("", 3)
	check_all_is_there_once(producer, consumer, {CITY: cities})


def test_a_hook_that_commits_and_a_process_that_dies_double_nothing(producer, consumer, cities):
	"""The first event's row is in, the cursor is not: the event is known by its row."""
	run_until_it_is_killed(consumer, pull_with_hook, event_producer=producer.url, doings=["commit", "die"])
	assert len(sync_logs(consumer)) == 1

	check_all_is_there_once(producer, consumer, {CITY: cities})


def test_a_hook_that_commits_and_then_fails_fails_alone(producer, consumer, cities):
	summary = consumer.run(pull_with_hook, event_producer=producer.url, doings=["commit", "fail"])

	assert (summary["error"], summary["failed"]) == ("", 3)
	assert all("the hook is broken" in log["error"] for log in sync_logs(consumer))
	consumer.run(make_due)
	check_all_is_there_once(producer, consumer, {CITY: cities})


def test_a_hook_that_rolls_back_once_has_its_group_applied_again(producer, consumer, cities):
	summary = consumer.run(pull_with_hook, event_producer=producer.url, doings=["rollback"])

	assert (summary["error"], summary["synced"]) == ("", 3)
	check_all_is_there_once(producer, consumer, {CITY: cities})


def test_a_hook_that_always_rolls_back_stops_neither_the_stream_nor_the_retries(producer, consumer, cities):
	for _each in range(2):
		summary = consumer.run(pull_with_hook, event_producer=producer.url, doings=["rollback", "again"])
		assert summary["error"] == "" and summary["synced"] == 0
		consumer.run(make_due)

	logs = sync_logs(consumer)
	assert [(log["status"], log["attempts"]) for log in logs] == [("Retrying", 2)] * 3
	assert "rolled back while" in logs[0]["error"]
	check_all_is_there_once(producer, consumer, {CITY: cities})


def resync_with_hook(undone: str) -> dict:
	import frappe
	from frappe.model.document import Document

	from event_streaming.consumer.pull.by_hand import logs_to_resync, resync_logs

	Document.on_update = lambda doc: doc.name == undone and frappe.db.rollback()
	try:
		return resync_logs(logs_to_resync())
	finally:
		del Document.on_update


def test_one_that_a_hook_always_undoes_does_not_keep_the_others_from_being_resynced(
	producer, consumer, cities
):
	consumer.run(pull_with_hook, event_producer=producer.url, doings=["fail"])

	assert consumer.run(resync_with_hook, undone=cities[0]) == {"tried": 3, "synced": 2}

	logs = sync_logs(consumer)
	assert [log["status"] for log in logs] == ["Retrying", "Synced", "Synced"]
	assert "rolled back while" in logs[0]["error"]


@pytest.mark.parametrize("then", [[], ["commit later"]])
def test_a_transaction_that_is_lost_in_silence_has_its_group_applied_again(producer, consumer, cities, then):
	"""Also when a later hook commits: what the rows tell of is not there, so that they are not written either."""
	summary = consumer.run(pull_with_hook, event_producer=producer.url, doings=["lose", *then])

	assert (summary["error"], summary["synced"]) == ("", 3)
	check_all_is_there_once(producer, consumer, {CITY: cities})


def test_identities_of_documents_that_a_hook_has_undone_are_not_committed_by_it(producer, consumer, cities):
	doings = ["rollback later", "delete a file", "commit then"]
	summary = consumer.run(pull_with_hook, event_producer=producer.url, doings=doings)

	assert (summary["error"], summary["synced"]) == ("", 3)
	check_all_is_there_once(producer, consumer, {CITY: cities})


def test_identities_that_a_hook_undoes_with_its_own_savepoint_are_written_all_the_same(
	producer, consumer, cities
):
	doings = ["delete a file and take it back"]
	summary = consumer.run(pull_with_hook, event_producer=producer.url, doings=doings)

	assert (summary["error"], summary["synced"]) == ("", 3)
	rows = consumer.run(read_rows, doctype="Event Document Identity", filters={"remote_doctype": CITY})
	assert sorted(row["remote_name"] for row in rows) == sorted(cities)
	check_all_is_there_once(producer, consumer, {CITY: cities})


def begin_a_group_without_a_connection() -> bool:
	"""Whether what is kept for it is still there for whoever comes next in this process."""
	import frappe

	from event_streaming.consumer.unit_of_work.group_log import GroupLog

	def lost(*_args):
		raise ConnectionError

	frappe.db.savepoint = lost
	try:
		with GroupLog("https://example.com").group():
			raise AssertionError("it has begun")
	except ConnectionError:
		return frappe.local.event_streaming_kept is not None
	finally:
		del frappe.db.savepoint


def test_a_group_that_can_not_begin_keeps_nothing_for_later(consumer):
	assert not consumer.run(begin_a_group_without_a_connection)


def test_an_event_that_fails_takes_with_it_no_identity_of_the_events_before_it(producer, consumer, cities):
	"""A rename has the identities that wait written, inside its own savepoint."""
	pull(consumer, producer)
	new = producer.run(make_cities, prefix=unique("new"), count=1)[0]
	producer.run(rename_city, old=cities[0], new=f"{cities[0]} renamed")

	summary = consumer.run(pull_failing_after, event_producer=producer.url, at=2)

	assert (summary["synced"], summary["failed"]) == (1, 1)
	rows = consumer.run(read_rows, doctype="Event Document Identity", filters={"remote_doctype": CITY})
	assert sorted(row["remote_name"] for row in rows) == sorted([*cities, new])
	consumer.run(make_due)
	check_all_is_there_once(producer, consumer, {CITY: [new, f"{cities[0]} renamed"]})


def rename_city(old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(CITY, old, new, force=True)


def pull_failing_after(event_producer: str, at: int) -> dict:
	"""A pull in which event number `at` fails when all of it has been done."""
	from event_streaming.consumer.apply import step

	apply_event, seen = step.apply_event, []

	def apply_and_fail(event, work):
		outcome = apply_event(event, work)
		seen.append(event)
		if len(seen) == at:
			raise ValueError("failed at the end")
		return outcome

	step.apply_event = apply_and_fail
	try:
		return pull_now(event_producer)
	finally:
		step.apply_event = apply_event


def test_after_a_deadlock_the_group_is_applied_again_once(producer, consumer, cities):
	pull(consumer, producer)
	# on a busy machine, too, the first event and the second are of one group
	settings = "Event Streaming Settings"
	consumer.run(change, doctype=settings, name=settings, commit_milliseconds=10_000)
	many = consumer.run(make_cities, prefix=unique("local"), count=300)
	for name in cities:
		producer.run(change, doctype=CITY, name=name, country_name="Siam")
	rival, puller = consumer.shell(), consumer.shell()
	# it has written more than the pull, so that the database gives the pull up
	rival.run(write_cities, names=[*many, cities[1]], value="rival", commit=False)
	pulling = puller.start(pull_saying_when, event_producer=producer.url, at=2)
	wait_for(lambda: consumer.run(has_come), "the second event")

	if consumer.run(dialect) == "mariadb":
		rival.run(write_cities, names=[cities[0]], value="rival", commit=False)
	else:
		# see test_a_page_that_loses_its_transaction
		wait_for(lambda: consumer.run(is_at_work, statement="%tabStreamed City%"), "the pull, which waits")
	rival.commit()

	summary = pulling.wait()
	lost = int(consumer.run(dialect) == "mariadb")
	assert (summary["error"], summary["synced"], summary["lost"]) == ("", 3, lost)
	assert consumer.run(read_doc, doctype=CITY, name=cities[0])["country_name"] == "Siam"
	check_all_is_there_once(producer, consumer, {CITY: cities})


def write_cities(names: list[str], value: str) -> None:
	import frappe

	for name in names:
		frappe.db.set_value(CITY, name, "country_name", value, update_modified=False)


def pull_saying_when(event_producer: str, at: int) -> dict:
	"""A pull that says when it has come to its event number `at`, and counts the transactions that it loses."""
	import frappe

	from event_streaming.consumer.apply import step
	from event_streaming.consumer.unit_of_work import groups

	apply_event, again = step.apply_event, groups.apply_after_lost_transaction
	seen = {"events": 0, "lost": 0}

	def said(event, work):
		seen["events"] += 1
		if seen["events"] == at:
			frappe.cache.set_value("test_has_come", 1)
		return apply_event(event, work)

	def counted(*args):
		seen["lost"] += 1
		return again(*args)

	frappe.cache.delete_value("test_has_come")
	step.apply_event, groups.apply_after_lost_transaction = said, counted
	return {**pull_now(event_producer), "lost": seen["lost"]}


def has_come() -> bool:
	import frappe

	return bool(frappe.cache.get_value("test_has_come"))
