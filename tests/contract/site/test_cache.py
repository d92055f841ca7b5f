"""What messages between processes rely on: Frappe's cache in Redis, and what a process remembers for itself."""

import pytest
from documents import unique
from streams import make_subscriber


def set_value(key: str, value: str, seconds: int = 60) -> None:
	import frappe

	frappe.cache.set_value(key, value, expires_in_sec=seconds)


def get_value(key: str) -> str | None:
	import frappe

	return frappe.cache.get_value(key, expires=True)


def delete_value(key: str) -> None:
	import frappe

	frappe.cache.delete_value(key)


def test_a_value_that_expires_is_seen_by_another_process(site):
	key, shell = unique("value"), site.shell()
	site.run(set_value, key=key, value="here")

	assert shell.run(get_value, key=key) == "here"


def test_get_value_with_expires_does_not_remember_that_there_was_nothing(site):
	key, shell = unique("value"), site.shell()
	assert shell.run(get_value, commit=False, key=key) is None

	site.run(set_value, key=key, value="here")

	assert shell.run(get_value, commit=False, key=key) == "here"


def test_after_delete_value_a_process_sees_what_another_one_sets(site):
	"""Also where it has set the value itself: some versions remember that in the process."""
	key, shell = unique("value"), site.shell()
	shell.run(set_value, commit=False, key=key, value="mine")
	shell.run(delete_value, commit=False, key=key)
	assert shell.run(get_value, commit=False, key=key) is None

	site.run(set_value, key=key, value="theirs")

	assert shell.run(get_value, commit=False, key=key) == "theirs"


def test_set_with_nx_and_ex_is_claimed_once_and_frees_itself(site):
	key = unique("claim")

	assert site.run(claim, key=key) == [True, True]
	assert site.run(claim, key=key) == [False, True]


def claim(key: str) -> list[bool]:
	import frappe

	made = frappe.cache.make_key(key)
	return [bool(frappe.cache.set(made, 1, nx=True, ex=60)), 0 < frappe.cache.ttl(made) <= 60]


def test_delete_says_whether_there_was_something(site):
	assert site.run(set_and_delete, key=unique("value")) == [1, 0]


def set_and_delete(key: str) -> list[int]:
	import frappe

	made = frappe.cache.make_key(key)
	frappe.cache.set(made, 1, ex=60)
	return [frappe.cache.delete(made), frappe.cache.delete(made)]


def test_make_key_is_the_key_that_the_wrapped_calls_use_and_differs_between_sites(site, consumer):
	key = unique("value")
	site.run(set_value, key=key, value="here")

	assert site.run(has_made_key, key=key) is True
	assert consumer.run(has_made_key, key=key) is False
	assert site.run(made_key, key=key) != consumer.run(made_key, key=key)


def has_made_key(key: str) -> bool:
	import frappe

	return frappe.cache.get(frappe.cache.make_key(key)) is not None


def made_key(key: str) -> str:
	import frappe

	return frappe.cache.make_key(key).decode()


def test_delete_keys_deletes_all_that_begin_so(site):
	assert site.run(delete_by_beginning, beginning=unique("many")) == [None, None, "other"]


def delete_by_beginning(beginning: str) -> list:
	import frappe

	keys = [f"{beginning}:a", f"{beginning}:b", f"other {beginning}"]
	for key in keys:
		frappe.cache.set_value(key, "other", expires_in_sec=60)
	frappe.cache.delete_keys(f"{beginning}:")
	return [frappe.cache.get_value(key, expires=True) for key in keys]


def test_counters_and_scripts_run_in_redis(site):
	assert site.run(count_and_compare, key=unique("version")) == [1, 2, None, True]


def count_and_compare(key: str) -> list:
	import frappe

	made = frappe.cache.make_key(key)
	script = 'if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("EXPIRE", KEYS[1], 60) end'
	counts = [frappe.cache.incr(made), frappe.cache.incr(made)]
	return [*counts, frappe.cache.eval(script, 1, made, "1"), bool(frappe.cache.eval(script, 1, made, "2"))]


def test_the_next_job_or_request_sees_settings_that_another_process_has_saved(site):
	shell = site.shell()
	before = shell.run(read_setting)

	try:
		for value in (before + 1, before + 2):
			site.run(save_setting, value=value)
			assert shell.run(read_setting) == value
	finally:
		site.run(save_setting, value=before)


def read_setting() -> int:
	import frappe

	return frappe.get_cached_doc("Event Streaming Settings").connect_timeout


def save_setting(value: int) -> None:
	import frappe

	settings = frappe.get_single("Event Streaming Settings")
	settings.connect_timeout = value
	settings.save()


@pytest.mark.parametrize("do", ["clear_cache", "rename"])
def test_what_is_true_for_a_while_is_left_where_the_sites_cache_is_emptied(site, do):
	"""A rename of any document does that, too. What is known by heart of the site's documents goes."""
	assert site.run(emptied_by, do=do) == {"relay": True, "listener": True, "known": False}


def test_saving_a_user_takes_nothing_of_it(site):
	"""Frappe 15 empties all of the cache with that."""
	site.run(make_subscriber)

	found = site.run(emptied_by, do="save_user")

	assert (found["relay"], found["listener"]) == (True, True)


def emptied_by(do: str) -> dict:
	import frappe

	from event_streaming.consumer.logs import listener
	from event_streaming.producer.notify import relay

	producer, known = "http://producer.example", "event_streaming:known_by_heart"
	standing = {"connected": True, "hears": True, "since": 1.0, "heard_on": 1.0, "problem": ""}
	relay.say_running()
	listener.keep(producer, standing)
	frappe.cache.set_value(known, 1)
	if do == "clear_cache":
		frappe.clear_cache()
	elif do == "rename":
		title = frappe.generate_hash(length=8)
		old = frappe.get_doc({"doctype": "Note", "title": title}).insert().name
		frappe.rename_doc("Note", old, f"{old} later", force=True, show_alert=False)
	else:
		user = frappe.get_doc("User", "stream@example.com")
		user.bio = frappe.generate_hash(length=8)
		user.save()
	found = {
		"relay": relay.is_running(),
		"listener": bool(listener.standing_of(producer)),
		"known": frappe.cache.get_value(known) is not None,
	}
	relay.say_ended()
	listener.forget(producer)
	frappe.cache.delete_value(known)
	return found
