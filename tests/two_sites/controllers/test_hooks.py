"""Hooks of other apps around the documents that are applied: when they are called, what they are told, what they can do."""

import pytest
from doctypes import CITY, ORDER
from documents import change, insert, read_doc, unique
from logs import sync_logs
from streams import pull, subscribe

pytestmark = pytest.mark.usefixtures("orders")


def pull_with_hooks(url: str, kind: str, doctype: str, hook: str) -> dict:
	"""A pull on a site with an app that has one hook; `hook` is the name of a function here. Answers what it was told."""
	import sys
	import types

	import frappe

	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	module = types.ModuleType("event_streaming.hooks_of_a_test")
	module.told = TOLD
	module.hook = {
		"look": look,
		"set_note": set_note,
		"refuse": refuse,
		"keep_here": keep_here,
		"decide_note": decide_note,
		"make_city": make_city,
	}[hook]
	sys.modules[module.__name__] = module
	original = frappe.get_hooks

	def get_hooks(name=None, *args, **kwargs):
		if name and name.startswith("event_streaming_"):
			return {doctype: [f"{module.__name__}.hook"]} if name == f"event_streaming_{kind}" else {}
		return original(name, *args, **kwargs)

	frappe.get_hooks = get_hooks
	TOLD.clear()
	frappe.local.event_streaming_adapters = {}
	try:
		summary = pull_from_node(url)
	finally:
		frappe.get_hooks = original
		frappe.local.event_streaming_adapters = {}
		del sys.modules[module.__name__]
	return {"summary": summary, "told": TOLD}


TOLD: list = []


def look(doc, context):
	import frappe

	from event_streaming import is_applying

	applied = is_applying()
	TOLD.append(
		{
			"doc": [doc.doctype, doc.get("title"), doc.get("note")],
			"there": bool(doc.name and frappe.db.exists(doc.doctype, doc.name)),
			"context": [context.producer, context.doctype, context.name, context.update_type],
			"came": context.came,
			"applying": [applied.producer, applied.name],
		}
	)


def set_note(doc, context):
	doc.note = f"{doc.title} by a hook"
	context.warn("seen by a hook")


def refuse(doc, context):
	import frappe

	if "refused" in doc.title:
		frappe.throw("A hook does not like it")


def keep_here(doc, conflict, context):
	return "here" if conflict["fieldname"] == "note" else None


def decide_note(doc, context):
	context.decide(doc, "note", "ours", "it is ours to say")


def make_city(doc, context):
	import frappe

	frappe.get_doc({"doctype": CITY, "title": f"{doc.title} city"}).insert()
	if "refused" in doc.title:
		frappe.throw("After all not")


def test_before_apply_sees_the_values_set_and_the_document_not_yet_written(producer, consumer):
	subscribe(consumer, producer, ORDER)
	title = unique("order")
	name = producer.run(insert, doctype=ORDER, title=title, note="there")

	told = consumer.run(pull_with_hooks, url=producer.url, kind="before_apply", doctype=ORDER, hook="look")[
		"told"
	]

	assert len(told) == 1
	assert told[0]["doc"] == [ORDER, title, "there"]
	assert not told[0]["there"]
	assert told[0]["context"] == [producer.url, ORDER, name, "Create"]
	assert told[0]["came"]["note"] == "there"
	assert told[0]["applying"] == [producer.url, name]

	producer.run(change, doctype=ORDER, name=name, note="changed")
	told = consumer.run(pull_with_hooks, url=producer.url, kind="before_apply", doctype=ORDER, hook="look")[
		"told"
	]

	assert told[0]["context"][3] == "Update"
	assert told[0]["came"]["changed"]["note"] == "changed"
	assert told[0]["doc"][2] == "changed"


def test_what_before_apply_sets_is_for_the_controllers_eyes_and_its_warning_is_in_the_log(producer, consumer):
	subscribe(consumer, producer, ORDER)
	title = unique("order")
	name = producer.run(insert, doctype=ORDER, title=title)

	consumer.run(pull_with_hooks, url=producer.url, kind="before_apply", doctype="*", hook="set_note")

	assert not consumer.run(read_doc, doctype=ORDER, name=name)["note"]
	assert "seen by a hook" in sync_logs(consumer)[-1]["warnings"]


def test_a_field_that_a_hook_decides_stays_and_both_values_are_in_the_log(producer, consumer):
	subscribe(consumer, producer, ORDER)
	name = producer.run(insert, doctype=ORDER, title=unique("order"), note="theirs")

	consumer.run(pull_with_hooks, url=producer.url, kind="before_apply", doctype=ORDER, hook="decide_note")

	assert consumer.run(read_doc, doctype=ORDER, name=name)["note"] == "ours"
	warnings = sync_logs(consumer)[-1]["warnings"]
	assert "ours" in warnings and "theirs" in warnings and "it is ours to say" in warnings


@pytest.mark.parametrize("kind", ["before_apply", "after_apply"])
def test_a_hook_that_throws_fails_that_event_alone_with_its_words(producer, consumer, kind):
	subscribe(consumer, producer, ORDER)
	for title in ("refused", "welcome"):
		producer.run(insert, doctype=ORDER, title=unique(title))

	consumer.run(pull_with_hooks, url=producer.url, kind=kind, doctype=ORDER, hook="refuse")

	refused, welcome = sync_logs(consumer)
	assert [refused["status"], welcome["status"]] == ["Retrying", "Synced"]
	assert "A hook does not like it" in refused["error"]
	assert not consumer.run(read_doc, doctype=ORDER, name=refused["producer_doc"])


def test_after_apply_finds_the_document_written_and_what_it_writes_goes_with_the_event(producer, consumer):
	subscribe(consumer, producer, ORDER)
	titles = [unique("refused"), unique("welcome")]
	for title in titles:
		producer.run(insert, doctype=ORDER, title=title)

	consumer.run(pull_with_hooks, url=producer.url, kind="after_apply", doctype=ORDER, hook="make_city")

	cities = [bool(consumer.run(read_doc, doctype=CITY, name=f"{title} city")) for title in titles]
	assert cities == [False, True]

	producer.run(insert, doctype=ORDER, title=unique("order"))
	told = consumer.run(pull_with_hooks, url=producer.url, kind="after_apply", doctype=ORDER, hook="look")[
		"told"
	]
	assert told[-1]["there"]


def test_a_hook_settles_a_conflict_field_by_field_before_the_policy(producer, consumer):
	subscribe(consumer, producer, ORDER, conflict_policy="Ask")
	name = producer.run(insert, doctype=ORDER, title=unique("order"), note="first", total=1)
	pull(consumer, producer)
	consumer.run(change, doctype=ORDER, name=name, note="here")
	producer.run(change, doctype=ORDER, name=name, note="there", total=5)

	consumer.run(pull_with_hooks, url=producer.url, kind="resolve_conflict", doctype=ORDER, hook="keep_here")

	doc = consumer.run(read_doc, doctype=ORDER, name=name)
	assert sync_logs(consumer)[-1]["status"] == "Synced"
	assert (doc["note"], doc["total"]) == ("here", 5)


def test_what_no_hook_settles_is_left_to_the_policy(producer, consumer):
	subscribe(consumer, producer, ORDER, conflict_policy="Ask")
	name = producer.run(insert, doctype=ORDER, title=unique("order"), note="first", total=1)
	pull(consumer, producer)
	consumer.run(change, doctype=ORDER, name=name, note="here", total=3)
	producer.run(change, doctype=ORDER, name=name, note="there", total=5)

	consumer.run(pull_with_hooks, url=producer.url, kind="resolve_conflict", doctype=ORDER, hook="keep_here")

	assert sync_logs(consumer)[-1]["status"] == "Conflict"


def test_nothing_is_being_applied_when_nothing_is(consumer):
	assert consumer.run(ask_what_is_applied) == [None, None]


def ask_what_is_applied() -> list:
	from event_streaming import is_applying
	from event_streaming.identity.origin import Applied, applying

	before = is_applying()
	try:
		with applying("ToDo", "http://a.example", Applied("http://a.example", "ToDo", "ToDo", "x", "Create")):
			assert is_applying().name == "x"
			raise KeyError
	except KeyError:
		pass
	return [before, is_applying()]


def test_no_adapter_is_loaded_where_its_app_is_not_installed(consumer):
	assert consumer.run(adapters_here) == []


def adapters_here() -> list[str]:
	from event_streaming.adapters.calls import adapters

	return [module.__name__ for module in adapters()]
