"""Whatever dies, and at whatever statement: what one transaction of the producer has made is there whole, or not at all."""

import pytest
from doctypes import CITY, with_orders
from documents import read_rows, set_settings, unique
from killing import die_at, run_until_it_is_killed, wait_for
from logs import make_due, sync_logs, update_logs
from streams import pull, require_field, require_nothing, subscribe

STEPS = [
	*(("consumer.apply.step:apply_event", when, nth) for when in ("before", "after") for nth in (2, 3, 4)),
	("consumer.life_cycle.documents:insert", "after", 5),
	("consumer.logs.sync_log:write", "after", 1),
	("consumer.logs.sync_log:write", "before", 2),
	("consumer.logs.state:move_cursor", "before", 2),
	("consumer.logs.state:move_cursor", "after", 2),
	*((f"commit:{nth}", when, nth) for nth in range(4, 8) for when in ("before", "after")),
]


@pytest.fixture(autouse=True)
def subscribed(producer, consumer):
	with_orders(producer, consumer)
	# less than a transaction: a group would end within each
	consumer.run(set_settings, events_per_commit=1, events_per_page=4)
	subscribe(consumer, producer, CITY, together=1)
	yield
	consumer.run(require_nothing, doctype=CITY)


def make_transactions(prefix: str) -> list[list[str]]:
	"""Three transactions of three cities each; one of each is changed in the same one, so that they have four events."""
	import frappe

	made = []
	for number in range(3):
		docs = [frappe.get_doc({"doctype": CITY, "title": f"{prefix} {number} {each}"}) for each in range(3)]
		for doc in docs:
			doc.insert()
		docs[0].country_name = "Siam"
		docs[0].save()
		frappe.db.commit()
		made.append([doc.name for doc in docs])
	return made


def pull_and_die(event_producer: str, target: str, when: str, nth: int) -> None:
	from event_streaming.consumer.pull.loop import pull

	die_at(target, when, nth)
	pull(event_producer)


def there(consumer, names: list[str]) -> dict[str, str]:
	rows = consumer.run(read_rows, doctype=CITY, filters={"name": ["in", names]})
	return {row["name"]: row["country_name"] for row in rows}


def is_whole(consumer, names: list[str]) -> bool:
	found = there(consumer, names)
	return not found or (sorted(found) == sorted(names) and found[names[0]] == "Siam")


def check_all_is_there_once(producer, consumer, made: list[list[str]]) -> None:
	wait_for(lambda: not pull(consumer, producer)["busy"], "the lock's end")
	logs = sync_logs(consumer)
	assert sorted(log["event_id"] for log in logs) == sorted(
		str(log["name"]) for log in update_logs(producer)
	)
	assert {log["status"] for log in logs} == {"Synced"}
	assert all(there(consumer, names) and is_whole(consumer, names) for names in made)


@pytest.mark.parametrize(("target", "when", "nth"), STEPS)
def test_a_pull_that_is_killed_at_this_step_shows_no_part_of_a_transaction(
	producer, consumer, target, when, nth
):
	made = producer.run(make_transactions, prefix=unique("killed"))

	run_until_it_is_killed(
		consumer, pull_and_die, event_producer=producer.url, target=target, when=when, nth=nth
	)

	assert all(is_whole(consumer, names) for names in made)
	check_all_is_there_once(producer, consumer, made)


@pytest.mark.parametrize(
	("target", "when", "nth"),
	[
		("consumer.pull.together:try_event", "after", 2),
		("consumer.pull.together:try_event", "after", 4),
		("consumer.logs.sync_log:update", "after", 3),
	],
)
def test_a_retry_that_is_killed_at_this_step_shows_none_either(producer, consumer, target, when, nth):
	consumer.run(require_field, doctype=CITY, fieldname="country_name")
	made = producer.run(make_transactions, prefix=unique("retried"))
	pull(consumer, producer)
	assert not any(there(consumer, names) for names in made)
	consumer.run(require_nothing, doctype=CITY)
	consumer.run(make_due)

	run_until_it_is_killed(
		consumer, pull_and_die, event_producer=producer.url, target=target, when=when, nth=nth
	)

	assert all(is_whole(consumer, names) for names in made)
	consumer.run(make_due)
	check_all_is_there_once(producer, consumer, made)
