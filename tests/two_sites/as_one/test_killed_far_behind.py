"""A pull that is killed, or whose answer is lost, while changes come put together: what is in stays, and nothing is taken for a conflict."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, insert, set_settings, unique
from killing import die_at, run_until_it_is_killed
from logs import sync_logs
from shop import same_on_both
from streams import pull, subscribe

PAGE = 6
STEPS = [
	("consumer.subscriptions.remote:Producer.get_page", "after", 2),
	("consumer.apply.step:apply_composed", "after", 1),
	("consumer.apply.step:apply_composed", "before", 3),
	("consumer.unit_of_work.kept_identities:KeptIdentities.save", "after", 2),
	*((f"commit:{nth}", when, nth) for nth in (8, 10, 12, 14) for when in ("before", "after")),
]


def change_in_turn(names: list, times: int) -> None:
	import frappe

	for number in range(times):
		for name in names:
			doc = frappe.get_doc(ORDER, name)
			doc.note = f"change {number}"
			doc.append("rows", {"item": f"row {number}", "qty": number})
			doc.save()
			frappe.db.commit()


def pull_and_die(event_producer: str, target: str, when: str, nth: int) -> None:
	from event_streaming.consumer.pull.loop import pull as pull_here

	die_at(target, when, nth)
	pull_here(event_producer)


def far_behind(producer, consumer) -> list[str]:
	with_orders(producer, consumer)
	for site in (producer, consumer):
		site.run(set_settings, events_per_page=PAGE, events_per_commit=2)
	# as in a recipe
	subscribe(consumer, producer, ORDER, CITY, conflict_policy="Ask", match_by="name")
	names = [producer.run(insert, doctype=ORDER, title=unique("order")) for _number in range(5)]
	pull(consumer, producer)
	producer.run(change_in_turn, names=names, times=8)
	return names


def is_all_there(producer, consumer, names: list[str]) -> None:
	for name in names:
		same_on_both(producer, consumer, ORDER, name)
		logs = sync_logs(consumer, producer_doc=name)
		assert {log["status"] for log in logs} == {"Synced"}
		assert not [log for log in logs if log["conflicts"]]


@pytest.mark.parametrize(("target", "when", "nth"), STEPS)
def test_a_pull_that_is_killed_at_this_step_goes_on(producer, consumer, target, when, nth):
	names = far_behind(producer, consumer)

	run_until_it_is_killed(
		consumer, pull_and_die, event_producer=producer.url, target=target, when=when, nth=nth
	)
	# what comes next is put together otherwise
	producer.run(change_in_turn, names=names[:3], times=4)
	pull(consumer, producer)

	is_all_there(producer, consumer, names)


def lose_answers(event_producer: str, which: tuple) -> dict:
	"""A pull of which some answers never come; then one of which all do."""
	from event_streaming.consumer.subscriptions.remote import Producer
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node
	from event_streaming.exceptions import RemoteUnavailable

	original, asked = Producer.get_page, []

	def get_page(self, *args, **kwargs):
		page = original(self, *args, **kwargs)
		asked.append(1)
		if len(asked) in which:
			raise RemoteUnavailable("lost on its way")
		return page

	Producer.get_page = get_page
	try:
		errors = [pull_from_node(event_producer)["error"] for _number in range(len(which) + 1)]
	finally:
		Producer.get_page = original
	return {"errors": errors, "asked": len(asked)}


def test_an_answer_that_is_lost_is_given_again(producer, consumer):
	names = far_behind(producer, consumer)

	done = consumer.run(lose_answers, event_producer=producer.url, which=[2, 4])

	assert done["errors"][-1] == "" and done["errors"].count("") == 1
	is_all_there(producer, consumer, names)
	producer.run(change, doctype=ORDER, name=names[0], note="at last")
	pull(consumer, producer)
	is_all_there(producer, consumer, names)


def pull_twice_as_if_not(event_producer: str, in_steps: bool) -> None:
	"""What is in comes again: the cursor stands where it stood before, as after a process that died past its documents."""
	import frappe

	from event_streaming.consumer.folding.far_behind import FarBehind
	from event_streaming.consumer.logs import state
	from event_streaming.consumer.pull.loop import pull as pull_here

	before = state.load_state(event_producer).position
	pull_here(event_producer)
	state.save_state(event_producer, position=before)
	frappe.db.commit()
	original = FarBehind.look_at
	if in_steps:
		FarBehind.look_at = lambda *_args: None
	try:
		pull_here(event_producer)
	finally:
		FarBehind.look_at = original


@pytest.mark.parametrize("in_steps", [True, False])
def test_what_came_as_one_may_come_again(producer, consumer, in_steps):
	names = far_behind(producer, consumer)

	consumer.run(pull_twice_as_if_not, event_producer=producer.url, in_steps=in_steps)

	is_all_there(producer, consumer, names)
	if not in_steps:
		rows = [log["event_id"] for name in names for log in sync_logs(consumer, producer_doc=name)]
		assert len(rows) == len(set(rows))
