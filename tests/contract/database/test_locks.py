"""What "one at a time" relies on: the lock of the counter's row in tabSeries, and locks of a connection."""

import pytest
from documents import unique

from sandbox.errors import RemoteError


@pytest.fixture
def counter(producer):
	name = unique("contract")
	producer.run(make_counter, name=name)
	yield name
	producer.end_what_a_test_started()
	producer.run(remove_counter, name=name)


def make_counter(name: str) -> None:
	import frappe

	frappe.db.sql("INSERT INTO `tabSeries` (name, current) VALUES (%s, 0)", (name,))


def remove_counter(name: str) -> None:
	import frappe

	frappe.db.delete("Series", {"name": name})


def lock_row(name: str, wait: bool = True) -> int:
	import frappe

	series = frappe.qb.DocType("Series")
	query = frappe.qb.from_(series).select(series.current).where(series.name == name)
	return query.for_update(nowait=not wait).run()[0][0]


def test_a_locked_row_of_the_series_blocks_another_connection(producer, counter):
	holder = producer.shell()
	holder.run(lock_row, name=counter, commit=False)

	with pytest.raises(RemoteError) as caught:
		producer.run(lock_row, name=counter, wait=False)

	assert caught.value.exc_type == "QueryTimeoutError"


def test_the_row_next_to_a_locked_one_is_free(producer, counter):
	producer.run(make_counter, name=f"{counter} next")
	holder = producer.shell()
	holder.run(lock_row, name=counter, commit=False)

	assert producer.run(lock_row, name=f"{counter} next", wait=False) == 0
	producer.run(remove_counter, name=f"{counter} next")


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_the_end_of_the_transaction_frees_the_row(producer, counter, end):
	holder = producer.shell()
	holder.run(lock_row, name=counter, commit=False)
	holder.run(end_transaction, end=end, commit=False)

	assert producer.run(lock_row, name=counter, wait=False) == 0


def end_transaction(end: str) -> None:
	import frappe

	getattr(frappe.db, end)()


# ---- locks of a connection


def take(name: str) -> bool:
	"""Take an advisory lock and keep it after the call."""
	import frappe

	from event_streaming.database.locks import advisory_lock

	frappe.local.contract_locks = [
		*(getattr(frappe.local, "contract_locks", None) or []),
		advisory_lock(name),
	]
	return frappe.local.contract_locks[-1].__enter__()


def try_lock(name: str) -> bool:
	from event_streaming.database.locks import advisory_lock

	with advisory_lock(name) as taken:
		return taken


def test_trying_in_vain_does_not_free_it(producer):
	name = unique("contract")
	holder = producer.shell()
	holder.run(take, name=name, commit=False)

	assert [producer.run(try_lock, name=name) for _ in range(2)] == [False, False]


def test_the_connection_that_has_a_lock_gets_it_again(producer):
	"""It keeps out other processes, not a function that calls itself."""
	name = unique("contract")
	shell = producer.shell()

	assert [shell.run(take, name=name, commit=False) for _ in range(2)] == [True, True]
