"""What marks in Redis rely on: what a process remembers of Frappe's cache by itself instead of asking Redis."""

import pytest
from documents import unique


@pytest.fixture
def key(producer):
	key = unique("contract").replace(" ", ":")
	yield key
	producer.run(forget, key=key)


def forget(key: str) -> None:
	import frappe

	frappe.cache.delete_value(key)
	frappe.cache.delete(frappe.cache.make_key(key))


def remember(key: str, value: str) -> None:
	import frappe

	frappe.cache.set_value(key, value, expires_in_sec=600)


def recall(key: str):
	import frappe

	return frappe.cache.get_value(key, expires=True)


def recall_for_good(key: str):
	import frappe

	return frappe.cache.get_value(key)


def test_a_value_does_not_wait_for_a_commit_and_is_not_undone_by_a_rollback(producer, key):
	shell = producer.shell()
	shell.run(remember, key=key, value="kept", commit=False)
	shell.rollback()

	assert producer.run(recall, key=key) == "kept"


def test_read_without_expires_a_key_is_remembered_by_the_process(producer, key):
	reader = producer.shell()
	reader.run(recall_for_good, key=key, commit=False)
	producer.run(remember, key=key, value="new")

	assert reader.run(recall_for_good, key=key, commit=False) is None


def test_what_a_process_has_set_itself_it_goes_on_seeing_in_16_and_asks_redis_for_in_15(producer, key):
	"""So nobody reads what it has set itself to learn whether somebody else has taken it away."""
	setter = producer.shell()
	setter.run(remember, key=key, value="mine", commit=False)
	producer.run(remember, key=key, value="another's")

	expected = "another's" if producer.run(major_version) < 16 else "mine"
	assert setter.run(recall, key=key, commit=False) == expected


def major_version() -> int:
	import frappe

	return int(frappe.__version__.split(".")[0])
