"""What the log and its positions rely on: callbacks around a commit, names from a sequence, locks and savepoints."""

import pytest
from documents import unique

from tests.database.dialects import dialect


def run_callbacks(end: str) -> list[str]:
	import frappe

	frappe.db.commit()
	seen: list[str] = []
	frappe.db.after_commit.add(lambda: seen.append("after_commit"))
	frappe.db.after_rollback.add(lambda: seen.append("after_rollback"))
	if end == "savepoint":
		frappe.db.savepoint("contract")
		frappe.db.rollback(save_point="contract")
		seen.append("rolled back to the savepoint")
		frappe.db.commit()
	elif end == "commit":
		frappe.db.commit()
		frappe.db.rollback()
	else:
		frappe.db.rollback()
		frappe.db.commit()
	return seen


def test_a_commit_calls_what_waits_for_it_once_and_forgets_what_waits_for_a_rollback(producer):
	assert producer.run(run_callbacks, end="commit") == ["after_commit"]


def test_a_rollback_calls_what_waits_for_it_once_and_forgets_what_waits_for_a_commit(producer):
	assert producer.run(run_callbacks, end="rollback") == ["after_rollback"]


def test_a_rollback_to_a_savepoint_calls_nothing_and_forgets_nothing(producer):
	assert producer.run(run_callbacks, end="savepoint") == ["rolled back to the savepoint", "after_commit"]


def test_what_waits_for_a_commit_can_be_looked_up(producer):
	assert producer.run(look_up_callback)


def look_up_callback() -> bool:
	"""Capture asks whether its callback is still waiting, instead of remembering it beside Frappe."""
	import frappe

	class Waiting:
		def act(self):
			pass

	waiting = Waiting()
	frappe.db.after_commit.add(waiting.act)
	found = waiting.act in frappe.db.after_commit._functions
	frappe.db.rollback()
	return found and waiting.act not in frappe.db.after_commit._functions


def test_a_commit_that_fails_on_its_way_forgets_the_rollback_callbacks_first(producer):
	"""So a flag that is reset by them would stay set for ever."""
	assert producer.run(fail_before_commit) == []


def fail_before_commit() -> list[str]:
	import frappe

	frappe.db.commit()
	seen: list[str] = []
	frappe.db.after_commit.add(lambda: seen.append("after_commit"))
	frappe.db.after_rollback.add(lambda: seen.append("after_rollback"))

	def fail():
		raise ValueError

	frappe.db.before_commit.add(fail)
	try:
		frappe.db.commit()
	except ValueError:
		frappe.db.rollback()
	frappe.db.commit()
	return seen


def test_what_is_written_before_a_commit_is_committed_with_it_and_forgotten_with_a_rollback(producer):
	"""The memory of what a life cycle made is written there, in the transaction of the documents."""
	assert producer.run(write_before_commit, end="commit") == 1
	assert producer.run(write_before_commit, end="rollback") == 0


def write_before_commit(end: str) -> int:
	import frappe

	frappe.db.commit()
	table, marked = "Event Made Document", frappe.generate_hash(length=20)

	def write():
		frappe.db.bulk_insert(table, ["name", "local_name"], [(frappe.generate_hash(length=20), marked)])

	frappe.db.before_commit.add(write)
	getattr(frappe.db, end)()
	# a callback that a rollback has left would come to life now
	frappe.db.commit()
	return frappe.db.count(table, {"local_name": marked})


def next_name() -> int:
	import frappe

	return frappe.db.get_next_sequence_val("Event Update Log")


def test_names_of_the_log_are_taken_before_the_commit_and_left_as_gaps_by_a_rollback(producer):
	one, other = producer.shell(), producer.shell()
	first = one.run(next_name, commit=False)
	second = other.run(next_name, commit=False)
	one.rollback()

	assert (second, producer.run(next_name)) == (first + 1, first + 2)


def test_a_name_can_be_taken_inside_the_insert_itself(producer):
	expected = producer.run(next_name) + 1

	assert producer.run(insert_with_nextval) == expected


def insert_with_nextval() -> int:
	import frappe

	from event_streaming.producer.capture import log

	log.write("ToDo", "contract", "Delete", None)
	name = frappe.get_all("Event Update Log", filters={"docname": "contract"}, pluck="name")[0]
	frappe.db.rollback()
	return int(name)


def test_a_row_lock_goes_with_the_process_that_held_it(producer):
	key = unique("contract")
	producer.run(make_counter, key=key)
	holder = producer.shell()
	holder.run(lock_counter, key=key, commit=False)
	waiting = producer.shell().start(lock_counter, key=key)

	holder.kill()

	assert waiting.wait(20) == 0
	producer.run(remove_counter, key=key)


def make_counter(key: str) -> None:
	import frappe

	frappe.db.sql("INSERT INTO `tabSeries` (name, current) VALUES (%s, 0)", (key,))


def lock_counter(key: str) -> int:
	import frappe

	series = frappe.qb.DocType("Series")
	return frappe.qb.from_(series).select(series.current).where(series.name == key).for_update().run()[0][0]


def remove_counter(key: str) -> None:
	import frappe

	frappe.db.delete("Series", {"name": key})


@pytest.mark.mariadb("the picture is taken by any first statement")
def test_a_read_after_a_row_lock_sees_what_was_committed_while_it_waited(producer):
	"""The picture that repeatable read goes on showing is taken by the first plain read, not by the lock."""
	key = unique("contract")
	producer.run(make_counter, key=key)
	reader, writer = producer.shell(), producer.shell()
	reader.run(lock_counter, key=key, commit=False)
	name = writer.run(insert_todo)

	assert reader.run(todo_exists, name=name, commit=False)
	reader.rollback()
	producer.run(remove_counter, key=key)


def insert_todo() -> str:
	import frappe

	return frappe.get_doc({"doctype": "ToDo", "description": "contract"}).insert().name


def todo_exists(name: str) -> bool:
	import frappe

	return bool(frappe.db.sql("SELECT name FROM `tabToDo` WHERE name = %s", (name,)))


def test_a_transaction_goes_on_seeing_its_old_picture_until_it_ends(producer):
	reader = producer.shell()
	reader.run(todo_exists, name="nothing", commit=False)
	name = producer.shell().run(insert_todo)

	before = reader.run(todo_exists, name=name, commit=False)
	reader.commit()

	assert (before, reader.run(todo_exists, name=name)) == (False, True)


def isolation() -> str:
	"""Of a transaction that Frappe has begun after a commit."""
	import frappe

	frappe.db.commit()
	asked = {"mariadb": "SELECT @@tx_isolation", "postgres": "SHOW transaction_isolation"}
	return frappe.db.sql(asked[frappe.db.db_type])[0][0].lower()


def test_after_a_commit_a_transaction_is_repeatable_read_on_mariadb_and_read_committed_on_postgresql(
	producer,
):
	assert (
		producer.run(isolation)
		== {"mariadb": "repeatable-read", "postgres": "read committed"}[producer.run(dialect)]
	)


def picture_of(name: str) -> list[bool]:
	"""Whether a ToDo can be seen before and after another connection has made it."""
	import frappe

	from event_streaming.database.picture import begin_picture

	begin_picture()
	seen = [todo_exists(name)]
	own = frappe.local.db
	frappe.connect(set_admin_as_user=False)
	other, frappe.local.db = frappe.local.db, own
	try:
		other.sql("INSERT INTO `tabToDo` (name) VALUES (%s)", (name,))
		other.commit()
	finally:
		other.close()
	return [*seen, todo_exists(name)]


def test_what_others_commit_is_not_in_a_picture_that_has_begun(producer):
	assert producer.run(picture_of, name=unique("contract")) == [False, False]


def refuses_what_has_changed() -> bool:
	"""PostgreSQL does, and MariaDB with innodb_snapshot_isolation: by itself from 11.6.2 on, not before."""
	import frappe

	if frappe.db.db_type == "postgres":
		return True
	return frappe.db.sql("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'")[0][1] == "ON"


def test_a_read_for_update_sees_past_the_old_picture(producer):
	if producer.run(refuses_what_has_changed):
		pytest.skip("this database refuses what has changed")
	name = producer.run(insert_todo)
	reader = producer.shell()
	reader.run(todo_exists, name=name, commit=False)
	producer.shell().run(set_description, name=name)

	assert reader.run(read_for_update, name=name, commit=False) == ["contract", "changed"]
	reader.rollback()


def test_or_a_read_for_update_of_a_row_that_has_changed_is_a_failure_that_passes(producer):
	if not producer.run(refuses_what_has_changed):
		pytest.skip("this database gives what is committed now")
	name = producer.run(insert_todo)
	reader = producer.shell()
	reader.run(todo_exists, name=name, commit=False)
	producer.shell().run(set_description, name=name)

	assert reader.run(is_passing_failure, name=name, commit=False)
	reader.rollback()


def is_passing_failure(name: str) -> bool:
	import frappe

	from event_streaming.database.passing import is_passing

	try:
		frappe.db.get_value("ToDo", name, "description", for_update=True)
	except Exception as error:
		return is_passing(error)
	return False


def set_description(name: str) -> None:
	import frappe

	frappe.db.set_value("ToDo", name, "description", "changed")


def read_for_update(name: str) -> list[str]:
	import frappe

	return [
		frappe.db.get_value("ToDo", name, "description", for_update=for_update)
		for for_update in (False, True)
	]


def look_up_with_cache(end: str) -> list:
	"""A link's target is looked up, and deleted by SQL; whether a look-up finds it afterwards."""
	import frappe

	title = f"looked up {end}"
	frappe.db.delete("Note", {"title": title})
	name = frappe.get_doc({"doctype": "Note", "title": title}).insert().name
	frappe.db.commit()
	seen = [bool(frappe.db.get_value("Note", name, "name", cache=True))]
	frappe.db.sql("DELETE FROM `tabNote` WHERE name = %s", name)
	if end == "commit":
		frappe.db.commit()
	else:
		frappe.db.savepoint("contract")
		frappe.db.rollback(save_point="contract")
	seen.append(bool(frappe.db.get_value("Note", name, "name", cache=True)))
	return seen


@pytest.mark.parametrize("end", ["commit", "rollback to a savepoint"])
def test_what_was_looked_up_with_cache_is_forgotten_at(producer, end):
	"""Under 16. Under 15 it is kept as long as the connection lives, so that a pull has to forget it by itself."""
	kept = producer.run(major_version) < 16
	assert producer.run(look_up_with_cache, end=end) == [True, kept]


def major_version() -> int:
	import frappe

	return int(frappe.__version__.split(".")[0])


def queue_for_after_commit() -> dict:
	import frappe
	from frappe.integrations.doctype.webhook import _add_webhook_to_queue

	frappe.db.commit()
	before = len(frappe.db.after_commit._functions)
	frappe.enqueue("frappe.ping", enqueue_after_commit=True)
	job = list(frappe.db.after_commit._functions)[before:]
	_add_webhook_to_queue(frappe._dict(name="contract"), frappe._dict(name="contract"))
	frappe.publish_realtime("contract", {}, user="Administrator", after_commit=True)
	left = {
		"job": [each.__module__.split(".", 1)[1] for each in job],
		"webhooks": len(frappe.local._webhook_queue),
		"messages": len(frappe.local._realtime_log),
	}
	frappe.db.rollback()
	left["webhooks after a rollback"] = len(frappe.local._webhook_queue)
	frappe.local._webhook_queue = []
	return left


def test_what_waits_for_a_commit_stands_in_lists_that_can_be_shortened(producer):
	assert producer.run(queue_for_after_commit) == {
		"job": ["utils.background_jobs"],
		"webhooks": 1,
		"messages": 1,
		"webhooks after a rollback": 1,
	}
