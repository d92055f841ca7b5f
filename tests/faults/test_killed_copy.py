"""A copy that is killed goes on where it was: every document is there once, and what came meanwhile is in it."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, read_doc, read_rows, set_settings, unique
from killing import die_at, run_until_it_is_killed, wait_for
from logs import sync_logs
from streams import pull, subscribe

STEPS = [
	("consumer.tasks.task:start", "after", 1),
	("consumer.first_copy.copying:count_all", "after", 1),
	("consumer.subscriptions.remote:Producer.get_copy_page", "after", 1),
	("consumer.subscriptions.remote:Producer.get_copy_page", "after", 2),
	("consumer.life_cycle.documents:insert", "after", 1),
	("consumer.life_cycle.documents:insert", "before", 4),
	("consumer.unit_of_work.kept_identities:KeptIdentities.add", "after", 2),
	("consumer.tasks.task:save_progress", "before", 2),
	("consumer.tasks.task:save_progress", "after", 3),
	*((f"commit:{nth}", when, nth) for nth in (5, 9, 12) for when in ("before", "after")),
]


def make_orders(prefix: str, count: int) -> list[str]:
	import frappe

	names = []
	for number in range(count):
		city = frappe.get_doc({"doctype": CITY, "title": f"{prefix} city {number}"}).insert()
		rows = [{"item": "bolt", "qty": 2}, {"item": "nut", "qty": 3}]
		order = {"doctype": ORDER, "title": f"{prefix} {number}", "city": city.name, "rows": rows}
		names.append(frappe.get_doc(order).insert().name)
	return names


def copy_and_die(event_producer: str, filters: dict, target: str, when: str, nth: int) -> None:
	import frappe

	from event_streaming.consumer.first_copy import copying
	from event_streaming.consumer.long_work import runner

	die_at(target, when, nth)
	name = copying.begin(event_producer, None, filters).name
	frappe.db.commit()
	while runner.run_slice(name).more:
		pass


def copy_to_the_end(event_producer: str, filters: dict) -> dict | None:
	"""As the minute's sweep goes on with it; None while the database has not seen yet that the process is dead."""
	import frappe

	from event_streaming.consumer.first_copy import copying
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task

	copy = task.latest(event_producer, task.COPY) or copying.begin(event_producer, None, filters)
	frappe.db.commit()
	done = run_slice(copy.name)
	if done.busy or done.more:
		return None
	return {
		"status": done.task.status,
		"made": done.task.made,
		"here": done.task.here,
		"done": done.task.done,
	}


@pytest.mark.parametrize(("target", "when", "nth"), STEPS)
def test_a_copy_that_is_killed_at_this_step_is_finished_by_the_next_slice(
	producer, consumer, target, when, nth
):
	with_orders(producer, consumer)
	consumer.run(set_settings, events_per_commit=2, events_per_page=3)
	prefix = unique("killed")
	names = producer.run(make_orders, prefix=prefix, count=7)
	filters = {ORDER: {"title": ["like", f"{prefix}%"]}}
	subscribe(consumer, producer, ORDER, conflict_policy="Ask")

	run_until_it_is_killed(
		consumer,
		copy_and_die,
		event_producer=producer.url,
		filters=filters,
		target=target,
		when=when,
		nth=nth,
	)
	for name in names:
		producer.run(change, doctype=ORDER, name=name, note="meanwhile")
	done = wait_for(
		lambda: consumer.run(copy_to_the_end, event_producer=producer.url, filters=filters),
		"the copy's end",
	)
	pull(consumer, producer)

	assert (done["status"], done["done"]) == ("Done", 7)
	here = consumer.run(read_rows, doctype=ORDER, filters={"title": ["like", f"{prefix}%"]})
	assert [row["name"] for row in here] == names
	assert {row["note"] for row in here} == {"meanwhile"}
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	assert all(consumer.run(read_doc, doctype=CITY, name=f"{prefix} city {number}") for number in range(7))
