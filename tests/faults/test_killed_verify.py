"""A verify, or a repair, that is killed goes on where it was: what differs is found once, and mended once."""

import pytest
from doctypes import CITY
from documents import read_rows, set_settings, unique
from killing import die_at, run_until_it_is_killed, wait_for
from logs import sync_logs
from streams import pull, subscribe

STEPS = [
	("Verify", "consumer.subscriptions.remote:Producer.get_digests", "after", 2),
	("Verify", "consumer.subscriptions.remote:Producer.look_at", "after", 2),
	("Verify", "consumer.tasks.task:save_progress", "before", 4),
	("Verify", "consumer.tasks.task:save_progress", "after", 6),
	("Repair", "consumer.subscriptions.remote:Producer.look_at", "after", 2),
	("Repair", "consumer.life_cycle.documents:update", "after", 3),
	("Repair", "consumer.life_cycle.documents:delete", "after", 1),
	("Repair", "consumer.logs.sync_log:write", "after", 2),
	*(
		("Repair", f"commit:{nth}", when, nth)
		for nth, when in ((12, "before"), (13, "after"), (14, "before"))
	),
]


def set_up(prefix: str) -> None:
	import frappe

	for doctype in (CITY, "Event Document Identity"):
		frappe.db.delete(doctype)
	for number in range(8):
		frappe.get_doc({"doctype": CITY, "title": f"{prefix} {number}"}).insert()


def sql(query: str) -> None:
	import frappe

	frappe.db.sql(query)


def forget_cities() -> None:
	import frappe

	for doctype in (CITY, "Event Document Identity"):
		frappe.db.delete(doctype)


def work_and_die(event_producer: str, kind: str, target: str, when: str, nth: int) -> None:
	from event_streaming.consumer.long_work import runner
	from event_streaming.consumer.verify import portions

	if kind == "Repair":
		to_the_end(event_producer, "Verify")
	portions.PORTION = 3
	name = begin(event_producer, kind)
	die_at(target, when, nth)
	while runner.run_slice(name).more:
		pass


def begin(event_producer: str, kind: str) -> str:
	import frappe

	from event_streaming.consumer.verify import repair, verifying

	begun = verifying.begin(event_producer) if kind == "Verify" else repair.begin(event_producer, True)
	frappe.db.commit()
	return begun.name


def to_the_end(event_producer: str, kind: str) -> dict | None:
	"""As the minute's sweep goes on with it; None while the database has not seen yet that the process is dead."""
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task
	from event_streaming.consumer.verify import portions

	portions.PORTION = 3
	last = task.latest(event_producer, kind)
	done = run_slice(last.name if last and last.active else begin(event_producer, kind))
	if done.busy or done.more:
		return None
	report = done.task.report
	return {
		"status": done.task.status,
		"found": sorted(each["remote_name"] for each in report["findings"]),
		"differing": done.task.differing,
		"repaired": report["repaired"],
	}


@pytest.mark.parametrize(("kind", "target", "when", "nth"), STEPS)
def test_what_is_killed_at_this_step_is_finished_by_the_next_slice(
	producer, consumer, cities, kind, target, when, nth
):
	prefix = unique("killed")
	subscribe(consumer, producer, CITY)
	producer.run(set_up, prefix=prefix)
	pull(consumer, producer)
	consumer.run(set_settings, events_per_commit=2)
	producer.run(sql, query="update `tabStreamed City` set country_name = 'Siam' where title like '% 2'")
	producer.run(sql, query="update `tabStreamed City` set country_name = 'Siam' where title like '% 3'")
	producer.run(sql, query="update `tabStreamed City` set country_name = 'Siam' where title like '% 4'")
	producer.run(sql, query="delete from `tabStreamed City` where title like '% 5'")
	consumer.run(sql, query="delete from `tabStreamed City` where title like '% 6'")

	run_until_it_is_killed(
		consumer,
		work_and_die,
		event_producer=producer.url,
		kind=kind,
		target=target,
		when=when,
		nth=nth,
	)
	done = wait_for(
		lambda: consumer.run(to_the_end, event_producer=producer.url, kind=kind), f"the end of {kind}"
	)

	assert done["status"] == "Done"
	assert done["found"] == [f"{prefix} {number}" for number in (2, 3, 4, 5, 6)]
	assert (done["differing"], done["repaired"]) == (5, 5 if kind == "Repair" else 0)
	here = consumer.run(read_rows, doctype=CITY, filters={})
	there = producer.run(read_rows, doctype=CITY, filters={})
	same = [(row["name"], row["country_name"]) for row in here] == [
		(row["name"], row["country_name"]) for row in there
	]
	assert same == (kind == "Repair")
	repairs = [log for log in sync_logs(consumer) if "epair" in (log["outcome"] or "")]
	assert len(repairs) == (4 if kind == "Repair" else 0)


@pytest.fixture
def cities(producer, consumer):
	from doctypes import with_orders

	with_orders(producer, consumer)
	for site in (producer, consumer):
		site.run(forget_cities)
