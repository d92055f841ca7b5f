"""A site that was away for long gets the changes of a document as one, where nobody there needs the steps; what comes of it is the same."""

import pytest
from doctypes import CITY, ORDER
from documents import change, insert, read_doc, set_settings, unique
from logs import make_due, sync_logs
from shop import same_on_both
from streams import pull, pull_now, subscribe

pytestmark = pytest.mark.usefixtures("orders")
PAGE = 10


def change_in_turn(names: list, times: int, doctype: str = ORDER) -> None:
	"""Each document is changed so often, one after the other: none of the changes follow one another."""
	import frappe

	for number in range(times):
		for name in names:
			doc = frappe.get_doc(doctype, name)
			doc.note = f"change {number}"
			if number % 3 == 0:
				doc.append("rows", {"item": f"row {number}", "qty": number})
			elif doc.rows:
				doc.rows[0].qty += 1
			if number % 4 == 3:
				doc.remove(doc.rows[-1])
			doc.save()
			frappe.db.commit()


def pull_and_listen(event_producer: str, plain: bool = False) -> dict:
	"""A pull, what it asked with, and the events that came; `plain`: as a version asks that knows no wish."""
	from event_streaming.consumer.subscriptions.remote import Producer
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	asked, came, original = [], [], Producer.get_page

	def get_page(self, *args, as_one=None, **kwargs):
		page = original(self, *args, as_one=None if plain else as_one, **kwargs)
		asked.append(as_one)
		came.extend((event["docname"], event["position"], event["changes"]) for event in page["events"])
		return page

	Producer.get_page = get_page
	try:
		return {**pull_from_node(event_producer), "asked": asked, "came": came}
	finally:
		Producer.get_page = original


@pytest.fixture
def orders_of_both(producer, consumer):
	"""Four orders that both sites have; pages are small."""

	def make(**row) -> list[str]:
		subscribe(consumer, producer, ORDER, CITY, **row)
		for site in (producer, consumer):
			site.run(set_settings, events_per_page=PAGE)
		names = [producer.run(insert, doctype=ORDER, title=unique("order")) for _number in range(4)]
		pull(consumer, producer)
		return names

	return make


def test_changes_that_are_superseded_travel_as_one(producer, consumer, orders_of_both):
	names = orders_of_both()
	producer.run(change_in_turn, names=names, times=15)

	done = consumer.run(pull_and_listen, event_producer=producer.url)

	assert not done["error"] and done["failed"] == 0 and done["behind"] == 0
	# the first page is as it was made; 50 changes after it are four
	assert len(done["came"]) == PAGE + 4
	assert sum(changes or 1 for _name, _position, changes in done["came"]) == 60
	for name in names:
		same_on_both(producer, consumer, ORDER, name)
		logs = sync_logs(consumer, producer_doc=name)
		assert {log["status"] for log in logs} == {"Synced"}
		assert "Stands for" in logs[-1]["outcome"]
	# and what is made next is applied to that, in no conflict with it
	producer.run(change, doctype=ORDER, name=names[0], note="later")
	pull(consumer, producer)
	assert same_on_both(producer, consumer, ORDER, names[0])["note"] == "later"
	assert not [log for log in sync_logs(consumer, producer_doc=names[0]) if log["conflicts"]]


def test_what_is_pulled_all_day_comes_as_it_was_made(producer, consumer, orders_of_both):
	names = orders_of_both()
	producer.run(change_in_turn, names=names, times=2)

	done = consumer.run(pull_and_listen, event_producer=producer.url)

	assert done["asked"] == [None] and len(done["came"]) == 8


def test_one_by_one_gets_every_step_however_far_behind(producer, consumer, orders_of_both):
	names = orders_of_both(one_by_one=1)
	producer.run(change_in_turn, names=names, times=8)

	done = consumer.run(pull_and_listen, event_producer=producer.url)

	assert set(map(str, done["asked"])) == {"None"} and len(done["came"]) == 32
	assert [same_on_both(producer, consumer, ORDER, name)["note"] for name in names] == ["change 7"] * 4


def test_a_consumer_that_does_not_know_the_wish_gets_every_step(producer, consumer, orders_of_both):
	names = orders_of_both()
	producer.run(change_in_turn, names=names, times=8)

	done = consumer.run(pull_and_listen, event_producer=producer.url, plain=True)

	assert [changes for *_event, changes in done["came"]] == [0] * 32
	for name in names:
		same_on_both(producer, consumer, ORDER, name)


def test_a_document_that_was_changed_here_too_gets_its_steps_and_the_others_do_not(
	producer, consumer, orders_of_both
):
	names = orders_of_both(conflict_policy="Newest Wins")
	consumer.run(change, doctype=ORDER, name=names[0], note="of the shop")
	producer.run(change_in_turn, names=names, times=15)

	done = consumer.run(pull_and_listen, event_producer=producer.url)

	assert done["failed"] == 0
	for name in names:
		same_on_both(producer, consumer, ORDER, name)
	steps = sync_logs(consumer, producer_doc=names[0])
	assert any(log["conflicts"] for log in steps)


def set_note(name: str, note: str) -> None:
	"""As somebody does at the shop while the pull is between two pages."""
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.note = note
	doc.save()


def pull_with_change_in_between(event_producer: str, name: str) -> dict:
	"""A document is changed here when the first page is in, so that a conflict is met where changes were put together."""
	from event_streaming.consumer.subscriptions.remote import Producer
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	asked, original = [], Producer.get_page

	def get_page(self, *args, **kwargs):
		if len(asked) == 1:
			import frappe

			set_note(name, "of the shop")
			frappe.db.commit()
		page = original(self, *args, **kwargs)
		asked.append(
			[
				sorted(map(tuple, (kwargs.get("as_one") or {}).get("apart", []))),
				[(event["docname"], event["changes"]) for event in page["events"]],
			]
		)
		return page

	Producer.get_page = get_page
	try:
		return {**pull_from_node(event_producer), "asked": asked}
	finally:
		Producer.get_page = original


def test_a_conflict_is_met_by_the_step_that_makes_it(producer, consumer, orders_of_both):
	names = orders_of_both()
	producer.run(change_in_turn, names=names, times=15)

	done = consumer.run(pull_with_change_in_between, event_producer=producer.url, name=names[0])

	assert done["failed"] == 0 and not done["error"]
	(_first, second, third, *_rest) = done["asked"]
	assert dict(second[1])[names[0]] > 1
	assert third[0] == [[ORDER, names[0]]] and [names[0], 0] in third[1]
	# the others are still one
	assert max(changes for name, changes in third[1] if name != names[0]) > 1
	conflicts = [log for log in sync_logs(consumer, producer_doc=names[0]) if log["conflicts"]]
	assert len(conflicts) == 1
	# the shop has saved it too, so that its stamp is later
	assert consumer.run(read_doc, doctype=ORDER, name=names[0])["note"] == "change 14"
	for name in names[1:]:
		same_on_both(producer, consumer, ORDER, name)


def test_a_document_that_is_held_back_keeps_its_steps(producer, consumer, orders_of_both):
	names = orders_of_both()
	consumer.run(refuse_note, note="change 1")
	try:
		producer.run(change_in_turn, names=names, times=10)
		done = consumer.run(pull_and_listen, event_producer=producer.url)
	finally:
		consumer.run(refuse_note, note="")

	assert done["error"] == ""
	# all four wait with every one of their steps: none of these has been put together while it waits
	rows = [log["status"] for log in sync_logs(consumer, producer_doc=names[0])]
	assert rows == ["Synced", "Synced", "Retrying", *["Waiting"] * 8]
	consumer.run(make_due)
	pull(consumer, producer)
	for name in names:
		same_on_both(producer, consumer, ORDER, name)


def refuse_note(note: str) -> None:
	"""This site takes no order with that note."""
	import frappe

	name = frappe.db.exists("Server Script", "refuse a note")
	if name:
		frappe.delete_doc("Server Script", name)
	if note:
		frappe.get_doc(
			{
				"doctype": "Server Script",
				"name": "refuse a note",
				"script_type": "DocType Event",
				"reference_doctype": ORDER,
				"doctype_event": "Before Save",
				"script": f"if doc.note == {note!r}: frappe.throw('not here')",
			}
		).insert()


def rename_order(old: str, new: str) -> str:
	import frappe

	return frappe.rename_doc(ORDER, old, new)


def test_changes_are_not_put_together_over_a_new_name(producer, consumer, orders_of_both):
	names = orders_of_both()
	producer.run(change_in_turn, names=names, times=5)
	new = producer.run(rename_order, old=names[0], new=unique("renamed"))
	producer.run(change_in_turn, names=[new, *names[1:]], times=5)

	done = consumer.run(pull_and_listen, event_producer=producer.url)

	assert done["failed"] == 0
	for name in (new, *names[1:]):
		same_on_both(producer, consumer, ORDER, name)


def test_a_site_that_is_a_producer_itself_tells_what_came_of_it(producer, consumer, orders_of_both):
	names = orders_of_both()
	subscribe(producer, consumer, ORDER)
	producer.run(change_in_turn, names=names, times=15)
	consumer.run(pull_now, event_producer=producer.url)

	assert producer.run(pull_now, event_producer=consumer.url)["failed"] == 0
	for name in names:
		same_on_both(producer, consumer, ORDER, name)


@pytest.mark.parametrize(
	("has_priorities", "name", "is_taken"), [(False, "A", True), (False, "B", False), (True, "A", False)]
)
def test_changes_that_come_as_one_were_wished_by_that_very_request(consumer, has_priorities, name, is_taken):
	# with priorities a page is asked for without what the slice wishes otherwise
	assert consumer.run(take_page_with_one, has_priorities=has_priorities, name=name) == is_taken


def take_page_with_one(has_priorities: bool, name: str) -> bool:
	"""Whether a page with changes of this order as one is taken, where those of order B are not wished."""
	from types import SimpleNamespace

	import frappe

	from event_streaming.consumer.pull import source
	from event_streaming.wire.checks import InvalidPage
	from event_streaming.wire.events import empty_event
	from event_streaming.wire.wishes.priorities import Wish

	event = {**empty_event(ORDER, name, 3, "http://p"), "changes": 2, "changes_from": 1}
	page = {"events": [event], "has_more": False}
	pages = source.Source(
		frappe._dict(name="http://p"), SimpleNamespace(get_page=lambda *_args, **_kwargs: page)
	)
	pages.far_behind.wish = {"doctypes": [ORDER], "apart": [[ORDER, "B"]]}
	before, source.wish_for = (
		source.wish_for,
		lambda *_args: Wish(first=((ORDER,),)) if has_priorities else Wish(),
	)
	try:
		return pages.next_page(None, frappe._dict(position=0)) is page
	except InvalidPage:
		return False
	finally:
		source.wish_for = before
