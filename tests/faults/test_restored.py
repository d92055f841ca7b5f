"""A site's database is put back to an older state while the other site goes on from where it was.

A backup here is a copy of the tables that matter, taken and put back inside the database. What is beside the database, the
mark of how far the log has got, stays (the same machine), is gone (another machine) or comes back too (a snapshot).
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from doctypes import CITY
from documents import change, insert, read_doc, read_rows, set_settings, unique
from killing import die_at, run_until_it_is_killed
from logs import sync_logs, update_logs
from streams import SUBSCRIBER, decide, pull, pull_now

from tests.database.dialects import copy_table, tables

GET_PAGE = "event_streaming.endpoints.get_page"
STATE, CONSUMER, EPOCH = "Event Producer Last Update", "Event Consumer", "Event Log Epoch"
ELSEWHERE = "http://elsewhere.example"
pytestmark = pytest.mark.usefixtures("cities_streamed")


# ---------------------------------------------------------------- backups, and what is beside the database


def back_up(doctype: str) -> None:
	"""Runs inside the site."""
	import frappe

	own = frappe.get_all(
		"DocType", {"module": "Event Streaming", "issingle": 0, "is_virtual": 0}, pluck="name"
	)
	for table in [*(f"tab{name}" for name in own), f"tab{doctype}", "tabSeries", "__Auth"]:
		frappe.db.sql_ddl(f"DROP TABLE IF EXISTS `backup {table}`")
		copy_table(table, f"backup {table}")
		frappe.db.sql(f"INSERT INTO `backup {table}` SELECT * FROM `{table}`")


def put_back(mark: str) -> None:
	"""Runs inside the site. `mark`: "kept", "lost", or what it was at the time of the backup."""
	from pathlib import Path

	import frappe

	for table in backups():
		own = table.removeprefix("backup ")
		frappe.db.sql(f"DELETE FROM `{own}`")
		frappe.db.sql(f"INSERT INTO `{own}` SELECT * FROM `{table}`")
	for doctype in ("Event Update Log", "Event Sync Log"):
		last = frappe.db.sql(f"SELECT MAX(name) FROM `tab{doctype}`")[0][0] or 0
		frappe.db.set_next_sequence_val(doctype, int(last) + 1)
	frappe.db.commit()
	file = Path(frappe.get_site_path("event_streaming_log.json"))
	if mark == "lost":
		file.unlink(missing_ok=True)
	elif mark != "kept":
		file.write_text(mark)
	from event_streaming.producer.subscriptions.streamed import refresh_streamed_doctypes

	refresh_streamed_doctypes()
	frappe.clear_cache()


def backups() -> list[str]:
	return [table for table in tables() if table.startswith("backup ")]


def read_mark() -> str:
	from pathlib import Path

	import frappe

	return Path(frappe.get_site_path("event_streaming_log.json")).read_text()


@pytest.fixture(autouse=True)
def no_backups(producer, consumer):
	yield
	for site in (producer, consumer):
		site.run(drop_backups)


def drop_backups() -> None:
	import frappe

	for table in backups():
		frappe.db.sql_ddl(f"DROP TABLE `{table}`")


def head() -> int:
	import frappe

	return frappe.db.sql("select current from tabSeries where name = 'event_streaming.position'")[0][0]


def number_them() -> int:
	"""Somebody asks for events: those that are there get their positions."""
	import frappe

	from event_streaming.producer.log.sequence import assign_positions

	frappe.db.commit()
	return assign_positions()


def cities(site, count: int, word: str) -> list[str]:
	return [site.run(insert, doctype=CITY, title=unique(word)) for _each in range(count)]


def epochs_of(site) -> list[dict]:
	return sorted(site.run(read_rows, doctype=EPOCH, filters={}), key=lambda row: row["idx"])


def state_of(consumer) -> dict:
	(state,) = consumer.run(read_rows, doctype=STATE, filters={})
	return state


def restores_told(site) -> int:
	return len(site.run(read_rows, doctype="Error Log", filters={"method": ["like", "A restored backup%"]}))


def forget_error_logs() -> None:
	import frappe

	frappe.db.delete("Error Log")


def each_came_once(consumer, names: list[str]) -> bool:
	return sorted(log["producer_doc"] for log in sync_logs(consumer)) == sorted(names)


# ---------------------------------------------------------------- a producer was restored


@pytest.fixture(params=["the same machine", "another machine", "a snapshot", "told by its administrator"])
def restored(request, producer, consumer):
	"""Three cities came before the backup, four are lost with it: (the old ones, the lost ones)."""
	producer.run(forget_error_logs)
	old = cities(producer, 3, "old")
	pull(consumer, producer)
	pull(consumer, producer)
	producer.run(back_up, doctype=CITY)
	mark = producer.run(read_mark)
	lost = cities(producer, 4, "lost")
	pull(consumer, producer)
	kept = {"the same machine": "kept", "another machine": "lost"}.get(request.param, mark)
	moment = producer.run(now)
	producer.run(put_back, mark=kept)
	if request.param == "told by its administrator":
		producer.run(say_restored, backup=moment)
	return old, lost


def now() -> str:
	import frappe

	return str(frappe.utils.now_datetime())


def say_restored(backup: str) -> None:
	import frappe

	from event_streaming.producer.log.sequence import go_on_after_backup

	frappe.db.commit()
	go_on_after_backup(frappe.utils.get_datetime(backup))


def test_after_a_producer_was_restored_what_is_changed_there_arrives_and_nothing_comes_twice(
	producer, consumer, restored
):
	old, lost = restored
	before = producer.run(read_rows, doctype="Event Update Log", filters={})
	new = cities(producer, 2, "new")
	producer.run(change, doctype=CITY, name=old[0], country_name="Siam")
	# somebody else has asked before: in a snapshot nobody knows by then
	producer.run(number_them)
	pull(consumer, producer)

	assert each_came_once(consumer, [*old, *lost, *new, old[0]])
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	assert consumer.run(read_doc, doctype=CITY, name=old[0])["country_name"] == "Siam"
	last = producer.run(insert, doctype=CITY, title=unique("last"))
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=CITY, name=last)
	logs = update_logs(producer)
	assert len({log["position"] for log in logs}) == len(logs)
	# what was there at the time of the backup kept its position
	assert [log["position"] for log in logs][: len(before)] == [log["position"] for log in before]
	assert len(epochs_of(producer)) == 2 and restores_told(producer) == 1
	assert pull(consumer, producer)["events"] == 0 and pull(consumer, producer)["behind"] == 0


def test_the_consumer_is_told_what_it_has_of_the_lost_time(producer, consumer, restored):
	old, lost = restored
	cities(producer, 1, "new")
	pull(consumer, producer)

	state, (_first, epoch) = state_of(consumer), epochs_of(producer)
	assert state["epoch"] == epoch["name"]
	assert (state["restored_from"], state["restored_to"]) == (epoch["same_up_to"], epoch["same_up_to"] + 4)
	assert all(name in state["restored_documents"] for name in lost)
	assert not any(name in state["restored_documents"] for name in old)
	((kind, status, site, details),) = consumer.run(look_for_alerts)
	assert (kind, status, site) == ("Producer Restored", "Open", producer.url)
	assert all(name in details for name in lost)

	consumer.run(verify_now, event_producer=producer.url)
	assert state_of(consumer)["restored_on"] is None


def look_for_alerts() -> list[list]:
	import frappe

	from event_streaming.admin import alerts

	alerts.check()
	return frappe.get_all(
		"Event Streaming Alert", fields=["kind", "status", "sites", "details"], as_list=True
	)


def verify_now(event_producer: str) -> None:
	import frappe

	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.verify.verifying import begin

	work = begin(event_producer)
	frappe.db.commit()
	done = run_slice(work.name)
	assert done.task.status == "Done", done.task.message


def test_a_verify_is_begun_by_itself_where_the_settings_say_so(producer, consumer, restored):
	consumer.run(set_settings, verify_after_restore=1)
	cities(producer, 1, "new")
	pull(consumer, producer)

	assert consumer.run(resume) == ["Verify"] and consumer.run(resume) == ["Verify"]


def resume() -> list[str]:
	import frappe

	from event_streaming.consumer.long_work.runner import resume_tasks

	resume_tasks()
	frappe.db.commit()
	return frappe.get_all("Event Streaming Task", pluck="kind")


def test_one_that_was_behind_sees_the_change_and_has_lost_nothing(producer, consumer):
	old = cities(producer, 2, "old")
	pull(consumer, producer)
	behind = cities(producer, 2, "behind")
	producer.run(number_them)
	producer.run(back_up, doctype=CITY)
	cities(producer, 3, "lost")
	producer.run(number_them)
	producer.run(put_back, mark="kept")
	new = cities(producer, 4, "new")
	producer.run(number_them)

	pull(consumer, producer)

	assert each_came_once(consumer, [*old, *behind, *new])
	state = state_of(consumer)
	assert state["epoch"] == epochs_of(producer)[-1]["name"] and state["restored_on"] is None
	assert consumer.run(look_for_alerts) == []


def test_one_that_was_behind_the_new_end_is_found_by_its_receipt(producer, consumer):
	"""A snapshot: by the time that it comes, the log is longer than it knew it."""
	producer.run(insert, doctype=CITY, title=unique("old"))
	pull(consumer, producer)
	producer.run(back_up, doctype=CITY)
	mark = producer.run(read_mark)
	lost = cities(producer, 2, "lost")
	pull(consumer, producer)
	producer.run(put_back, mark=mark)
	new = cities(producer, 5, "new")
	producer.run(number_them)

	pull(consumer, producer)

	came = [log["producer_doc"] for log in sync_logs(consumer)]
	assert came[1:] == [*lost, *new]
	assert state_of(consumer)["restored_to"] - state_of(consumer)["restored_from"] == 2


@pytest.mark.parametrize("mark", ["kept", "lost"])
def test_a_producer_that_is_restored_twice_to_the_same_backup(producer, consumer, mark):
	old = cities(producer, 2, "old")
	pull(consumer, producer)
	producer.run(back_up, doctype=CITY)
	came = list(old)
	for word in ("first", "second", "third"):
		came += cities(producer, 2, word)
		pull(consumer, producer)
		producer.run(put_back, mark=mark)
	came += cities(producer, 3, "last")
	pull(consumer, producer)

	assert each_came_once(consumer, came)
	state = state_of(consumer)
	assert state["epoch"] == epochs_of(producer)[-1]["name"]
	# what nobody has looked at is one
	assert state["restored_from"] == epochs_of(producer)[-1]["same_up_to"]
	assert sum(word in state["restored_documents"] for word in ("first", "second", "third")) == 3


def test_a_producer_restored_to_before_the_consumer_was_there(producer, consumer):
	producer.run(delete_consumers)
	producer.run(back_up, doctype=CITY)
	mark = producer.run(read_mark)
	consumer.run(save_again, event_producer=producer.url)
	producer.run(decide, consumer_url=consumer.url)
	old = cities(producer, 3, "old")
	pull(consumer, producer)
	producer.run(put_back, mark=mark)

	assert "not registered" in consumer.run(pull_now, event_producer=producer.url)["error"]
	consumer.run(save_again, event_producer=producer.url)
	producer.run(decide, consumer_url=consumer.url)
	new = cities(producer, 1, "new")
	pull(consumer, producer)

	assert each_came_once(consumer, [*old, *new])
	state = state_of(consumer)
	assert state["restored_on"] and all(name in state["restored_documents"] for name in old)


def delete_consumers() -> None:
	import frappe

	for name in frappe.get_all("Event Consumer", pluck="name"):
		frappe.delete_doc("Event Consumer", name, force=True)


def save_again(event_producer: str) -> None:
	import frappe

	frappe.get_doc("Event Producer", event_producer).save()


# ---------------------------------------------------------------- a consumer was restored, or both


def test_after_a_consumer_was_restored_it_takes_again_what_it_had_taken_since(producer, consumer):
	old = producer.run(insert, doctype=CITY, title=unique("old"))
	pull(consumer, producer)
	consumer.run(back_up, doctype=CITY)
	new = producer.run(insert, doctype=CITY, title=unique("new"))
	producer.run(change, doctype=CITY, name=old, country_name="Siam")
	pull(consumer, producer)
	# the producer hears of it, and may have cleared its log since
	pull(consumer, producer)

	consumer.run(put_back, mark="kept")
	pull(consumer, producer)

	assert [log["producer_doc"] for log in sync_logs(consumer)] == [old, new, old]
	assert consumer.run(read_doc, doctype=CITY, name=new)
	assert consumer.run(read_doc, doctype=CITY, name=old)["country_name"] == "Siam"
	assert len(epochs_of(producer)) == 1 and state_of(consumer)["restored_on"] is None
	(record,) = producer.run(read_rows, doctype=CONSUMER, filters={})
	assert not record["needs_copy"]


def test_a_restored_consumer_is_told_when_what_it_needs_was_cleared(producer, consumer):
	cities(producer, 1, "old")
	pull(consumer, producer)
	consumer.run(back_up, doctype=CITY)
	cities(producer, 3, "cleared")
	pull(consumer, producer)
	pull(consumer, producer)
	producer.run(clear_all)
	last = cities(producer, 1, "last")

	consumer.run(put_back, mark="kept")
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=CITY, name=last[0])
	assert "Copy existing documents" in state_of(consumer)["last_warning"]
	(record,) = producer.run(read_rows, doctype=CONSUMER, filters={})
	assert record["needs_copy"]


def clear_all() -> None:
	import frappe

	from event_streaming.producer.log.retention import clear_update_log

	frappe.db.sql("UPDATE `tabEvent Update Log` SET creation = creation - INTERVAL '200' DAY")
	frappe.db.commit()
	clear_update_log(90)


@pytest.mark.parametrize("younger", [True, False], ids=["a younger backup", "an older backup"])
def test_both_sites_were_restored(producer, consumer, younger):
	old = cities(producer, 2, "old")
	pull(consumer, producer)
	for site in (producer, consumer) if younger else (consumer, producer):
		site.run(back_up, doctype=CITY)
		between = cities(producer, 2, "between")
		pull(consumer, producer)
	for site in (producer, consumer):
		site.run(put_back, mark="kept")
	new = cities(producer, 2, "new")
	pull(consumer, producer)

	state = state_of(consumer)
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	came = [log["producer_doc"] for log in sync_logs(consumer)]
	assert came[:2] == old and came[-2:] == new and len(came) == len(set(came)) == 6
	assert bool(state["restored_on"]) == younger
	assert between


# ---------------------------------------------------------------- what a request claims proves nothing


def page(producer, consumer_url: str, **asked) -> dict:
	return producer.rest(SUBSCRIBER).method(GET_PAGE, event_consumer=consumer_url, **asked)


@pytest.mark.parametrize("ahead", [1, 2_000, 10**6, 10**12, 2**62])
@pytest.mark.parametrize("approved", [True, False])
def test_a_cursor_from_nowhere_moves_no_positions_and_is_kept_nowhere(producer, consumer, ahead, approved):
	cities(producer, 3, "city")
	pull(consumer, producer)
	pull(consumer, producer)
	producer.run(forget_error_logs)
	if not approved:
		producer.run(decide, consumer_url=consumer.url, status="Rejected")
	before = producer.run(look_at_log)

	for _time in range(3):
		page(producer, consumer.url, cursor=0)
		claimed = page(producer, consumer.url, cursor=before["head"] + ahead)
		assert claimed["events"] == [] and "nothing there proves" in claimed["warnings"][0]
		assert claimed["receipt"] == "" and not claimed["has_more"]

	(record,) = producer.run(read_rows, doctype=CONSUMER, filters={})
	assert record["position"] == 0
	assert producer.run(look_at_log) == before
	assert producer.run(read_rows, doctype="Error Log", filters={}) == []


def look_at_log() -> dict:
	import frappe

	rows = frappe.get_all("Event Update Log", fields=["name", "position"], order_by="name", as_list=True)
	epochs = frappe.get_all("Event Log Epoch", pluck="name")
	head = frappe.db.sql("select current from tabSeries where name = 'event_streaming.position'")[0][0]
	return {"rows": rows, "epochs": epochs, "head": head}


def test_only_a_receipt_that_this_log_has_made_for_this_consumer_proves_anything(producer, consumer):
	producer.run(make_other_consumer, url=ELSEWHERE, user=SUBSCRIBER, city=CITY)
	cities(producer, 1, "city")
	producer.run(back_up, doctype=CITY)
	mark = producer.run(read_mark)
	cities(producer, 3, "lost")
	receipt = page(producer, consumer.url, cursor=0)["receipt"]
	others = page(producer, ELSEWHERE, cursor=0)["receipt"]
	producer.run(put_back, mark=mark)
	producer.run(number_them)
	before = producer.run(look_at_log)

	epoch, position, *rest = receipt.split(".")
	forged = [
		others,
		receipt + "0",
		receipt[:-1],
		".".join([epoch, str(int(position) + 7), *rest]),
		".".join(["0" * 16, position, *rest]),
		"." * 4,
		"²." * 4 + "x",
		"x" * 10_000,
	]
	for each in forged:
		page(producer, consumer.url, cursor=10**6, receipt=each)
		assert producer.run(look_at_log) == before, each

	page(producer, consumer.url, cursor=position, receipt=receipt, epoch=epoch)
	after = producer.run(look_at_log)
	assert after["head"] > before["head"] and len(after["epochs"]) == 2
	# shown again and again, it proves nothing more
	for _time in range(3):
		page(producer, consumer.url, cursor=0)
		page(producer, consumer.url, cursor=position, receipt=receipt, epoch=epoch)
	assert producer.run(look_at_log) == after


def make_other_consumer(url: str, user: str, city: str) -> None:
	import frappe

	frappe.get_doc(
		{
			"doctype": "Event Consumer",
			"callback_url": url,
			"user": user,
			"api_key": "x",
			"api_secret": "x",
			"protocol": 2,
			"consumer_doctypes": [{"ref_doctype": city, "status": "Pending"}],
		}
	).insert(ignore_permissions=True)


def test_a_consumer_of_an_earlier_version_knows_no_epoch_and_loses_nothing(producer, consumer):
	cities(producer, 2, "old")
	pull(consumer, producer)
	producer.run(back_up, doctype=CITY)
	cities(producer, 2, "lost")
	cursor = page(producer, consumer.url, cursor=0)["cursor"]
	producer.run(put_back, mark="kept")
	new = cities(producer, 2, "new")

	came = page(producer, consumer.url, cursor=cursor)

	assert [event["docname"] for event in came["events"]] == new


def test_a_log_of_an_earlier_version_gets_its_first_epoch_and_moves_nothing(producer, consumer):
	old = cities(producer, 2, "old")
	pull(consumer, producer)
	producer.run(as_before_epochs)
	consumer.run(forget_epoch)
	new = cities(producer, 2, "new")
	before = producer.run(head)
	pull(consumer, producer)

	assert each_came_once(consumer, [*old, *new])
	assert producer.run(head) == before + 2 and len(epochs_of(producer)) == 1
	assert state_of(consumer)["restored_on"] is None and state_of(consumer)["epoch"]


def as_before_epochs() -> None:
	from pathlib import Path

	import frappe

	frappe.db.delete("Event Log Epoch")
	Path(frappe.get_site_path("event_streaming_log.json")).unlink()


def forget_epoch() -> None:
	import frappe

	frappe.db.sql("UPDATE `tabEvent Producer Last Update` SET epoch = NULL, receipt = NULL")


def test_where_the_mark_can_not_be_kept_the_log_goes_on_and_begins_no_epochs(producer, consumer):
	producer.run(put_a_folder_there)
	try:
		came = cities(producer, 2, "city")
		pull(consumer, producer)
		came += cities(producer, 2, "city")
		pull(consumer, producer)
	finally:
		producer.run(take_the_folder_away)

	assert each_came_once(consumer, came)
	assert len(epochs_of(producer)) == 1


def put_a_folder_there() -> None:
	from pathlib import Path

	import frappe

	file = Path(frappe.get_site_path("event_streaming_log.json"))
	file.unlink(missing_ok=True)
	file.mkdir()
	(file / "something").touch()


def take_the_folder_away() -> None:
	import shutil

	import frappe

	shutil.rmtree(frappe.get_site_path("event_streaming_log.json"))


# ---------------------------------------------------------------- found by two at once, or by one that dies


def test_two_that_find_it_at_once_begin_one_epoch(producer, consumer):
	cities(producer, 2, "old")
	pull(consumer, producer)
	producer.run(back_up, doctype=CITY)
	mark = producer.run(read_mark)
	cities(producer, 2, "lost")
	first = page(producer, consumer.url, cursor=0)
	for kept in ("kept", "lost", mark):
		before = len(epochs_of(producer))
		producer.run(put_back, mark=kept)
		started = len(epochs_of(producer))
		cities(producer, 1, "new")
		asked = {"cursor": first["cursor"], "epoch": first["epoch"], "receipt": first["receipt"]}
		with ThreadPoolExecutor(4) as threads:
			waiting = [threads.submit(page, producer, consumer.url, **asked) for _each in range(8)]
			answers = [each.result() for each in waiting]

		assert len({answer["epoch"] for answer in answers}) == 1, (kept, before)
		assert len([each for each in epochs_of(producer)[started:] if not each["elsewhere"]]) == 1
		assert all(len(answer["events"]) == 1 for answer in answers)
		logs = update_logs(producer)
		assert len({log["position"] for log in logs}) == len(logs)
		first = answers[0]


BY_MARK = [
	("producer.log.epochs:add", "before", 1),
	("producer.log.epochs:add", "after", 1),
	("producer.log.sequence:_set_head", "after", 1),
	("producer.log.sequence:_number", "after", 1),
	("producer.log.sequence:_set_head", "after", 2),
	("producer.log.mark:write", "before", 1),
	("producer.log.mark:write", "after", 1),
	("producer.log.mark:os.replace", "before", 1),
]
BY_RECEIPT = [
	("producer.log.receipts:last_common", "after", 1),
	("producer.log.epochs:add", "before", 1),
	("producer.log.epochs:add", "after", 1),
	("producer.log.restored:tell", "after", 1),
	("producer.log.mark:write", "before", 1),
	("producer.log.mark:write", "after", 1),
	("producer.log.sequence:_number", "before", 1),
	("producer.log.sequence:_number", "after", 1),
]


def die_while_a_page_is_asked_for(user: str, asked: dict, target: str, when: str, nth: int) -> None:
	import frappe

	from event_streaming.producer.feed import page

	die_at(target, when, nth)
	frappe.set_user(user)
	page.get_page(**asked)


@pytest.mark.parametrize(
	("kept", "target", "when", "nth"),
	[
		*(("kept", *step) for step in BY_MARK),
		*(("lost", *step) for step in BY_MARK[:4]),
		*(("snapshot", *step) for step in BY_RECEIPT),
	],
)
def test_one_that_dies_while_an_epoch_begins_loses_nothing(producer, consumer, kept, target, when, nth):
	old = cities(producer, 2, "old")
	pull(consumer, producer)
	pull(consumer, producer)
	producer.run(back_up, doctype=CITY)
	mark = producer.run(read_mark)
	lost = cities(producer, 2, "lost")
	pull(consumer, producer)
	producer.run(put_back, mark=mark if kept == "snapshot" else kept)
	new = cities(producer, 2, "new")
	if kept == "snapshot":
		producer.run(number_them)
	state = state_of(consumer)
	asked = {
		"event_consumer": consumer.url,
		"cursor": state["position"],
		"epoch": state["epoch"],
		"receipt": state["receipt"],
	}

	run_until_it_is_killed(
		producer,
		die_while_a_page_is_asked_for,
		user=SUBSCRIBER,
		asked=asked,
		target=target,
		when=when,
		nth=nth,
	)
	pull(consumer, producer)

	assert each_came_once(consumer, [*old, *lost, *new])
	assert state_of(consumer)["restored_from"] == epochs_of(producer)[-1]["same_up_to"]
	assert all(name in state_of(consumer)["restored_documents"] for name in lost)
	assert pull(consumer, producer)["events"] == 0


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("target", ["consumer.logs.state:restored", "consumer.logs.state:save_state"])
def test_a_consumer_that_dies_when_it_hears_of_it_is_told_all_the_same(producer, consumer, target, when):
	cities(producer, 1, "old")
	pull(consumer, producer)
	producer.run(back_up, doctype=CITY)
	lost = cities(producer, 2, "lost")
	pull(consumer, producer)
	producer.run(put_back, mark="kept")

	run_until_it_is_killed(
		consumer, die_in_a_pull, event_producer=producer.url, target=target, when=when, nth=1
	)
	new = cities(producer, 1, "new")
	pull_when_free(consumer, producer)

	assert all(name in state_of(consumer)["restored_documents"] for name in lost)
	assert [log["producer_doc"] for log in sync_logs(consumer)][-1] == new[0]


def die_in_a_pull(event_producer: str, target: str, when: str, nth: int) -> None:
	from event_streaming.consumer.pull.loop import pull

	die_at(target, when, nth)
	pull(event_producer)


def pull_when_free(consumer, producer) -> None:
	from killing import wait_for

	wait_for(lambda: not pull(consumer, producer)["busy"], "the lock's end")
