"""What the log, its positions and the locks rely on: columns, counters, the query builder, errors, advisory locks."""

import pytest
from contract_doctypes import HASHED
from doctypes import indexes_of
from documents import unique

from sandbox.errors import RemoteError
from tests.database.dialects import wait_at_most

TEXTS = ["100 %", "%s %(name)s", 'it\'s "quoted" `here`', "back\\slash \\n", "ไทย 🚚", "line\nbreak", ""]


# ---- columns and names


@pytest.mark.parametrize(
	("table", "column"),
	[
		("tabEvent Update Log", "position"),
		("tabEvent Update Log", "name"),
		("tabEvent Sync Log", "name"),
		("tabEvent Consumer", "position"),
		("tabEvent Producer Last Update", "position"),
	],
)
def test_an_int_of_length_20_and_a_counted_name_are_bigint(site, table, column):
	assert site.run(column_type, table=table, column=column).startswith("bigint")


def column_type(table: str, column: str) -> str:
	import frappe

	query = (
		"SELECT data_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
		" AND column_name = %s"
	)
	schema = frappe.conf.db_name if frappe.db.db_type == "mariadb" else "public"
	return frappe.db.sql(query, (schema, table, column))[0][0].lower()


@pytest.mark.parametrize(
	("doctype", "columns"),
	[
		("Event Update Log", ["position"]),
		("Event Update Log", ["ref_doctype", "docname", "update_type", "position"]),
		("Event Update Log", ["creation"]),
		("Event Update Log Consumer", ["consumer", "at_position"]),
		("Event Sync Log", ["status", "event_producer", "next_retry"]),
		("Event Sync Log", ["event_producer", "event_id"]),
		("Event Sync Log", ["creation"]),
		("Event Document Identity", ["local_doctype", "local_name"]),
	],
)
def test_on_doctype_update_and_search_index_make_the_indexes(site, doctype, columns):
	assert columns in site.run(indexes_of, doctype=doctype)


def test_get_next_sequence_val_gives_rising_numbers_that_can_be_names(site):
	assert site.run(name_with_sequence) is True


def name_with_sequence() -> bool:
	import frappe

	first = frappe.db.get_next_sequence_val("Event Sync Log")
	second = frappe.db.get_next_sequence_val("Event Sync Log")
	table = frappe.qb.DocType("Event Sync Log")
	frappe.qb.into(table).columns("name", "status", "event_id").insert(second, "Synced", "contract").run()
	stored = frappe.db.get_value("Event Sync Log", second, ["name", "event_id"])
	doc = frappe.get_doc("Event Sync Log", str(second))
	frappe.db.rollback()
	return first < second and stored == (second, "contract") and int(doc.name) == second


# ---- the query builder


@pytest.mark.parametrize("text", TEXTS)
def test_text_goes_through_the_query_builder_unchanged(site, text):
	assert site.run(write_and_read, text=text) == [text, text]


def write_and_read(text: str) -> list[str]:
	import frappe

	table = frappe.qb.DocType("Event Document Identity")
	name = frappe.generate_hash(length=40)
	frappe.qb.into(table).columns("name", "remote_name").insert(name, text).run()
	frappe.qb.update(table).set(table.local_name, text).where(
		(table.name == name) & (table.remote_name == text)
	).run()
	stored = (
		frappe.qb.from_(table).select(table.remote_name, table.local_name).where(table.name == name).run()
	)
	frappe.db.rollback()
	return list(stored[0])


def test_a_condition_on_a_list_and_none_go_through_the_query_builder(site):
	assert site.run(read_with_list) == [["a", None], ["b", None]]


def read_with_list() -> list:
	import frappe

	table = frappe.qb.DocType("Event Document Identity")
	names = {title: frappe.generate_hash(length=40) for title in "abc"}
	for title, name in names.items():
		frappe.qb.into(table).columns("name", "remote_name", "root_name").insert(name, title, None).run()
	query = frappe.qb.from_(table).select(table.remote_name, table.root_name)
	query = query.where(table.name.isin([names["a"], names["b"]]) & table.root_name.isnull())
	rows = query.orderby(table.remote_name).run()
	frappe.db.rollback()
	return [list(row) for row in rows]


def test_bulk_insert_writes_rows_in_the_open_transaction(site):
	assert site.run(insert_in_bulk) == [["a", "b"], []]


def insert_in_bulk() -> list:
	import frappe

	parent = frappe.generate_hash(length=10)
	rows = [(frappe.generate_hash(length=10), parent, consumer) for consumer in ("a", "b")]
	frappe.db.bulk_insert("Event Update Log Consumer", ["name", "parent", "consumer"], rows)
	table = frappe.qb.DocType("Event Update Log Consumer")
	query = (
		frappe.qb.from_(table).select(table.consumer).where(table.parent == parent).orderby(table.consumer)
	)
	before = [consumer for (consumer,) in query.run()]
	frappe.db.rollback()
	return [before, [consumer for (consumer,) in query.run()]]


def test_transaction_writes_says_whether_work_is_open(site):
	assert site.run(count_writes) == [0, True, 0, True, 0]


def count_writes() -> list:
	import frappe

	counts = []
	frappe.db.commit()
	counts.append(frappe.db.transaction_writes)
	for end in (frappe.db.commit, frappe.db.rollback):
		table = frappe.qb.DocType("Event Document Identity")
		frappe.qb.into(table).columns("name").insert(frappe.generate_hash(length=40)).run()
		counts.append(frappe.db.transaction_writes > 0)
		end()
		counts.append(frappe.db.transaction_writes)
	return counts


# ---- errors


@pytest.mark.mariadb("a failed statement ends the transaction until its savepoint")
def test_a_missing_table_and_a_missing_column_are_recognised(site):
	assert site.run(recognise_missing) == [True, True, False]


def recognise_missing() -> list[bool]:
	import frappe

	found = []
	for query in ("SELECT * FROM `tabNo Such Table`", "SELECT `no_such_column` FROM `tabDocType`"):
		try:
			frappe.db.sql(query)
		except Exception as error:
			is_missing = (
				frappe.db.is_table_missing(error) if not found else frappe.db.is_missing_column(error)
			)
			found.append(bool(is_missing))
	return [*found, bool(frappe.db.table_exists("No Such Table"))]


def test_waiting_too_long_for_a_row_is_a_query_timeout_error(site):
	name = site.run(make_document)
	shell = site.shell()
	shell.run(lock_document, commit=False, name=name)

	with pytest.raises(RemoteError) as caught:
		site.run(lock_document, name=name, wait_seconds=0)

	assert caught.value.exc_type == "QueryTimeoutError"


def make_document() -> str:
	import frappe

	return frappe.get_doc({"doctype": HASHED, "title": unique("locked")}).insert().name


def lock_document(name: str, wait_seconds: int = 20) -> None:
	import frappe

	wait_at_most(wait_seconds)
	frappe.get_doc(HASHED, name, for_update=True)


def test_a_deadlock_is_a_query_deadlock_error_and_takes_the_savepoint_with_it(site):
	first, second = site.run(make_document), site.run(make_document)
	shell = site.shell()
	shell.run(write_document, commit=False, name=first)
	site.run(write_document, commit=False, name=second)

	pending = shell.start(meet, commit=False, name=second)
	outcomes = {site.run(meet, name=first), pending.wait()}

	assert outcomes == {"got it", "QueryDeadlockError, savepoint gone"}


def write_document(name: str) -> None:
	import frappe

	wait_at_most(50)
	frappe.db.savepoint("contract")
	frappe.db.set_value(HASHED, name, "title", frappe.generate_hash(length=8))


def meet(name: str) -> str:
	"""Locks a row that the other one has. Who is the victim lets the other one go on."""
	import frappe

	try:
		frappe.get_doc(HASHED, name, for_update=True)
	except frappe.QueryDeadlockError as error:
		try:
			frappe.db.release_savepoint("contract")
			gone = "there"
		except Exception:
			gone = "gone"
		frappe.db.rollback()
		return f"{type(error).__name__}, savepoint {gone}"
	frappe.db.rollback()
	return "got it"


# ---- locks


def take_lock(name: str) -> bool:
	"""Takes a lock and keeps it: the block is never left."""
	import frappe

	from event_streaming.database.locks import advisory_lock

	holder = advisory_lock(name)
	taken = holder.__enter__()
	frappe.local.contract_lock = holder
	return taken


def give_lock_back() -> None:
	import frappe

	frappe.local.contract_lock.__exit__(None, None, None)


def lock_is_free(name: str) -> bool:
	from event_streaming.database.locks import advisory_lock

	with advisory_lock(name) as taken:
		return taken


def end_transactions() -> None:
	import frappe

	frappe.db.commit()
	frappe.db.rollback()


def test_an_advisory_lock_is_one_connections_alone_through_commits_until_it_is_given_back(site):
	name = unique("lock")
	shell = site.shell()
	assert shell.run(take_lock, commit=False, name=name)
	assert not site.run(lock_is_free, name=name)

	shell.run(end_transactions, commit=False)
	assert not site.run(lock_is_free, name=name)

	shell.run(give_lock_back, commit=False)
	assert site.run(lock_is_free, name=name)


def test_an_advisory_lock_is_freed_when_its_process_is_killed(site):
	name = unique("lock")
	shell = site.shell()
	assert shell.run(take_lock, commit=False, name=name)

	shell.kill()
	shell.child.process.wait()

	assert site.run(lock_gets_free, name=name)


def lock_gets_free(name: str) -> bool:
	"""The server notices a moment later that the connection is gone."""
	import time

	for _attempt in range(500):
		if lock_is_free(name):
			return True
		time.sleep(0.02)
	return False


def test_an_advisory_lock_is_this_sites_alone(site, consumer):
	name = unique("lock")
	shell = site.shell()
	assert shell.run(take_lock, commit=False, name=name)

	assert consumer.run(lock_is_free, name=name)


def test_locks_of_other_names_can_be_held_besides(site):
	assert site.run(hold_two, names=[unique("lock"), unique("lock")]) == [True, True]


def hold_two(names: list[str]) -> list[bool]:
	from event_streaming.database.locks import advisory_lock

	with advisory_lock(names[0]) as first, advisory_lock(names[1]) as second:
		return [first, second]


# ---- reading


def test_get_value_of_what_is_not_there_is_none_and_get_all_without_a_limit_gives_all(site):
	assert site.run(read_nothing_and_all) == [None, 30]


def read_nothing_and_all() -> list:
	import frappe

	missing = frappe.db.get_value(
		"Event Document Identity", {"remote_name": "no such"}, ["name", "local_name"]
	)
	kind = frappe.generate_hash(length=10)
	table = frappe.qb.DocType("Event Document Identity")
	for _each in range(30):
		frappe.qb.into(table).columns("name", "root_site").insert(frappe.generate_hash(length=40), kind).run()
	count = len(frappe.get_all("Event Document Identity", {"root_site": kind}, pluck="name", order_by=None))
	frappe.db.rollback()
	return [missing, count]


def test_get_all_takes_empty_text_and_nothing_for_not_set(site):
	"""frappe.db.get_value does not, on 15."""
	assert site.run(titles_not_set) == 2


def titles_not_set() -> int:
	import frappe

	kind = frappe.generate_hash(length=10)
	table = frappe.qb.DocType("Event Document Identity")
	for text in ("", None, "set"):
		values = (frappe.generate_hash(length=40), kind, text)
		frappe.qb.into(table).columns("name", "root_site", "root_name").insert(*values).run()
	found = frappe.get_all(
		"Event Document Identity", {"root_site": kind, "root_name": ["is", "not set"]}, order_by=None
	)
	frappe.db.rollback()
	return len(found)
