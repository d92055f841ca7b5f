"""What one transaction of the producer has made is seen whole on the consumer, or not at all; with *Apply Together* also when one
of its documents fails.

What is committed together is told by the database: a versioned table on the consumer has the number of the transaction with each row.
"""

from itertools import chain

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, insert, read_rows, set_settings, unique
from logs import make_due, sync_logs, update_logs
from streams import pull, require_field, require_nothing, subscribe

from tests.database.dialects import drop_trigger, make_table, make_trigger


@pytest.fixture(autouse=True)
def orders(producer, consumer):
	with_orders(producer, consumer)
	consumer.run(watch)
	yield
	consumer.run(unwatch)
	consumer.run(require_nothing, doctype=CITY)


def watch() -> None:
	"""From now on the database keeps in which transaction each document is first seen."""
	unwatch()
	make_table("committed_together", "name varchar(140)", with_transaction=True)
	for doctype in ("Streamed City", "Streamed Order"):
		trigger = f"seen_{doctype.lower().replace(' ', '_')}"
		make_trigger(trigger, f"tab{doctype}", "INSERT", "committed_together (name) VALUES (NEW.name)")


def unwatch() -> None:
	import frappe

	for table in ("city", "order"):
		drop_trigger(f"seen_streamed_{table}")
	frappe.db.sql_ddl("drop table if exists committed_together")


def transactions_of(names: list[str]) -> list[int]:
	"""The numbers of the transactions in which these documents were seen first."""
	import frappe

	rows = frappe.db.sql("select name, trx from committed_together where name in %s", (names,))
	assert sorted(name for name, _trx in rows) == sorted(names), rows
	return [trx for _name, trx in sorted(rows)]


def make_cities(prefix: str, count: int, transactions: int = 1) -> list[list[str]]:
	"""So many cities in each of so many transactions."""
	import frappe

	made = []
	for number in range(transactions):
		titles = [f"{prefix} {number} {each:04}" for each in range(count)]
		made.append([frappe.get_doc({"doctype": CITY, "title": title}).insert().name for title in titles])
		frappe.db.commit()
	return made


def seen_whole(consumer, transactions: list[list[str]]) -> bool:
	return all(len(set(consumer.run(transactions_of, names=names))) == 1 for names in transactions)


# ---------------------------------------------------------------- what the log says


def test_what_one_transaction_has_made_says_so_and_no_other(producer):
	from streams import stream_orders

	producer.run(stream_orders)

	producer.run(make_with_rollbacks, prefix=unique("logged"))

	ids = {log["docname"].rsplit(" ", 1)[1]: log["transaction_id"] for log in update_logs(producer)}
	assert set(ids) == {"a", "b", "d", "f"}
	assert ids["a"] == ids["b"] and all(ids.values())
	assert len(set(ids.values())) == 3


def make_with_rollbacks(prefix: str) -> None:
	"""a, b in one, with c between them that is undone to a savepoint; d alone; e is rolled back, f comes after it."""
	import frappe

	def make(letter):
		frappe.get_doc({"doctype": CITY, "title": f"{prefix} {letter}"}).insert()

	make("a")
	frappe.db.savepoint("in_between")
	make("c")
	frappe.db.rollback(save_point="in_between")
	make("b")
	frappe.db.commit()
	make("d")
	frappe.db.commit()
	make("e")
	frappe.db.rollback()
	make("f")
	frappe.db.commit()


def test_transactions_that_are_open_at_the_same_time_get_positions_side_by_side(producer):
	"""The one that ends last comes last, though it began first: it may have waited for the other."""
	from streams import stream_orders

	producer.run(stream_orders)
	prefix = unique("met")
	early, late = producer.shell(), producer.shell()
	for letter, shell in (("a", early), ("b", late), ("c", early), ("d", late), ("e", early)):
		shell.run(insert, doctype=CITY, title=f"{prefix} {letter}", commit=False)
	early.commit()
	late.commit()

	producer.run(number_all)

	logs = sorted(update_logs(producer), key=lambda log: log["position"])
	assert [log["docname"][-1] for log in logs] == ["b", "d", "a", "c", "e"]
	assert [log["position"] for log in logs] == list(range(logs[0]["position"], logs[0]["position"] + 5))


def number_all() -> None:
	import frappe

	from event_streaming.producer.log.sequence import assign_positions

	frappe.db.commit()
	assign_positions()


def test_also_where_more_is_waiting_than_gets_positions_at_once(producer):
	from streams import stream_orders

	producer.run(stream_orders)
	prefix = unique("many")
	early = producer.shell()
	early.run(insert, doctype=CITY, title=f"{prefix} first", commit=False)
	between = producer.run(make_cities, prefix=prefix, count=2, transactions=4)
	early.run(insert, doctype=CITY, title=f"{prefix} last", commit=False)
	early.commit()

	producer.run(number_few_at_once)

	logs = sorted(update_logs(producer), key=lambda log: log["position"])
	assert all(log["position"] for log in logs)
	assert [log["docname"] for log in logs] == [*chain(*between), f"{prefix} first", f"{prefix} last"]


def number_few_at_once() -> None:
	import frappe

	from event_streaming.producer.log import sequence

	kept, sequence.AT_ONCE = sequence.AT_ONCE, 3
	try:
		frappe.db.commit()
		sequence.position_of_all()
	finally:
		sequence.AT_ONCE = kept


# ---------------------------------------------------------------- seen whole


def test_a_group_ends_where_a_transaction_does(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(set_settings, events_per_commit=1)
	made = producer.run(make_cities, prefix=unique("group"), count=7, transactions=3)

	pull(consumer, producer)

	assert seen_whole(consumer, made)
	assert len({consumer.run(transactions_of, names=names)[0] for names in made}) == 3


def test_a_page_that_is_smaller_than_the_transaction_is_as_large_as_that(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(set_settings, events_per_commit=1, events_per_page=3)
	made = producer.run(make_cities, prefix=unique("page"), count=8, transactions=3)

	pull(consumer, producer)

	assert seen_whole(consumer, made)


def test_a_page_of_few_bytes_is_as_large_as_that_also_where_fields_are_hidden(producer, consumer):
	from doctypes import hide

	subscribe(consumer, producer, CITY)
	producer.run(hide, consumer_url=consumer.url, doctype=CITY, not_sent="country_name")
	pull(consumer, producer)
	consumer.run(set_settings, events_per_commit=1, page_kilobytes=16)
	made = producer.run(make_cities, prefix=unique("bytes"), count=60, transactions=2)

	pull(consumer, producer)

	assert seen_whole(consumer, made)


def test_a_transaction_at_the_end_of_what_a_page_looks_at_is_in_one_page(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(set_settings, events_per_commit=1)
	made = producer.run(make_cities, prefix=unique("window"), count=4, transactions=3)

	pages = producer.run(read_pages, event_consumer=consumer.url, positions=6, limit=100)

	assert [len(page) for page in pages] == [8, 4]
	assert [name for page in pages for name in page] == [*chain(*made)]


def read_pages(event_consumer: str, positions: int, limit: int) -> list[list[str]]:
	import frappe

	from event_streaming.producer.feed import selection
	from event_streaming.producer.feed.page import get_page

	kept, selection.WINDOW = selection.WINDOW, positions
	frappe.set_user("stream@example.com")
	pages, cursor = [], 0
	try:
		while True:
			page = get_page(event_consumer, cursor, limit)
			if page["events"]:
				pages.append([event["docname"] for event in page["events"]])
			if not page["has_more"]:
				return pages
			cursor = page["cursor"]
	finally:
		selection.WINDOW = kept
		frappe.set_user("Administrator")


def test_a_transaction_that_is_too_large_is_divided_and_says_so(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(set_settings, events_per_commit=50)
	(made,) = producer.run(make_cities, prefix=unique("large"), count=520)

	done = pull(consumer, producer)

	assert (done["failed"], done["synced"]) == (0, 520)
	assert len(set(consumer.run(transactions_of, names=made))) > 5
	logs = sync_logs(consumer)
	assert len({log["transaction_id"] for log in logs}) == 1
	assert {log["divided"] for log in logs[:500]} == {1}


def test_whole_is_what_the_consumer_may_have_of_it(producer, consumer):
	"""A condition leaves out every other one, and brings an older change along with one that now meets it."""
	subscribe(
		consumer,
		producer,
		{"ref_doctype": CITY, "use_same_name": 1, "condition": "doc.country_name == 'Siam'"},
	)
	consumer.run(set_settings, events_per_commit=1)
	prefix = unique("condition")
	older = producer.run(insert, doctype=CITY, title=f"{prefix} older", country_name="Lanna")
	pull(consumer, producer)
	made = producer.run(make_and_change, prefix=prefix, older=older)

	pull(consumer, producer)

	wanted = [name for number, name in enumerate(made) if number % 2] + [older]
	assert seen_whole(consumer, [wanted])
	assert len(consumer.run(read_rows, doctype=CITY, filters={"name": ["in", [*made, older]]})) == len(wanted)


def make_and_change(prefix: str, older: str) -> list[str]:
	import frappe

	names = []
	for number in range(6):
		values = {"title": f"{prefix} {number}", "country_name": "Siam" if number % 2 else "Lanna"}
		names.append(frappe.get_doc({"doctype": CITY, **values}).insert().name)
		if number == 3:
			doc = frappe.get_doc(CITY, older)
			doc.country_name = "Siam"
			doc.save()
	return names


def test_a_producer_that_says_no_transaction_is_pulled_as_ever(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(set_settings, events_per_commit=1)
	(made,) = producer.run(make_cities, prefix=unique("older"), count=4)
	producer.run(forget_transactions)

	pull(consumer, producer)

	assert len(set(consumer.run(transactions_of, names=made))) == 4


def forget_transactions() -> None:
	import frappe

	frappe.db.sql("update `tabEvent Update Log` set transaction_id = null")


def test_what_is_passed_on_keeps_the_transactions_that_it_came_in(producer, consumer):
	"""Applied in one transaction of this site, two of the producer are two for whoever pulls from here."""
	from streams import stream_orders

	subscribe(consumer, producer, CITY)
	consumer.run(stream_orders)
	made = producer.run(make_cities, prefix=unique("passed"), count=2, transactions=3)

	pull(consumer, producer)

	ids = {log["docname"]: log["transaction_id"] for log in update_logs(consumer)}
	assert [len({ids[name] for name in names}) for names in made] == [1, 1, 1]
	assert len(set(ids.values())) == 3


# ---------------------------------------------------------------- one of them fails


def make_mixed(prefix: str) -> list[str]:
	"""Four cities in one transaction; the third has no country, which this site may ask for."""
	import frappe

	return [
		frappe.get_doc(
			{
				"doctype": CITY,
				"title": f"{prefix} {number}",
				"country_name": "" if number == 2 else "Siam",
			}
		)
		.insert()
		.name
		for number in range(4)
	]


def statuses(consumer) -> list[str]:
	return [log["status"] for log in sync_logs(consumer)]


def test_one_that_fails_does_not_hold_back_the_others_of_its_transaction(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(set_settings, events_per_commit=1)
	consumer.run(require_field, doctype=CITY, fieldname="country_name")
	made = producer.run(make_mixed, prefix=unique("alone"))

	pull(consumer, producer)

	assert statuses(consumer) == ["Synced", "Synced", "Retrying", "Synced"]
	assert seen_whole(consumer, [[made[0], made[1], made[3]]])


@pytest.fixture
def together(producer, consumer) -> list[str]:
	"""Four cities that wait for each other, of which the third fails; what came before them is there."""
	subscribe(consumer, producer, CITY, together=1)
	consumer.run(require_field, doctype=CITY, fieldname="country_name")
	prefix = unique("together")
	before = producer.run(insert, doctype=CITY, title=f"{prefix} before", country_name="Siam")
	made = producer.run(make_mixed, prefix=prefix)
	after = producer.run(insert, doctype=CITY, title=f"{prefix} after", country_name="Siam")
	pull(consumer, producer)
	return [before, *made, after]


def there(consumer, names: list[str]) -> list[str]:
	return [row["name"] for row in consumer.run(read_rows, doctype=CITY, filters={"name": ["in", names]})]


def test_with_apply_together_the_others_wait_and_nobody_else_does(consumer, together):
	assert statuses(consumer) == ["Synced", "Waiting", "Waiting", "Retrying", "Waiting", "Synced"]
	assert there(consumer, together) == sorted([together[0], together[-1]])
	assert "changed in the same transaction" in sync_logs(consumer)[1]["outcome"]


def test_they_are_not_tried_without_the_one_that_has_failed(producer, consumer, together):
	pull(consumer, producer)
	pull(consumer, producer)

	assert statuses(consumer) == ["Synced", "Waiting", "Waiting", "Retrying", "Waiting", "Synced"]
	assert [log["attempts"] for log in sync_logs(consumer)] == [0, 0, 0, 1, 0, 0]


def test_when_it_is_mended_all_of_them_come_together(producer, consumer, together):
	consumer.run(require_nothing, doctype=CITY)
	consumer.run(make_due)

	pull(consumer, producer)

	assert set(statuses(consumer)) == {"Synced"}
	assert seen_whole(consumer, [together[1:5]])


def test_tried_again_in_vain_none_of_them_comes(producer, consumer, together):
	consumer.run(make_due)

	pull(consumer, producer)

	assert statuses(consumer) == ["Synced", "Waiting", "Waiting", "Retrying", "Waiting", "Synced"]
	assert sync_logs(consumer)[3]["attempts"] == 2
	assert there(consumer, together) == sorted([together[0], together[-1]])


def test_resync_of_one_that_waits_tries_all_of_them(producer, consumer, together):
	waiting = sync_logs(consumer)[1]["name"]
	assert consumer.run(resync, name=waiting) == "Waiting"

	consumer.run(require_nothing, doctype=CITY)

	assert consumer.run(resync, name=waiting) == "Synced"
	assert set(statuses(consumer)) == {"Synced"}


def resync(name: str) -> str:
	from event_streaming.consumer.pull.by_hand import resync_log

	return resync_log(name)


def test_what_comes_later_waits_behind_each_of_them_and_takes_its_own_along(producer, consumer, together):
	producer.run(change_both, names=[together[1], together[5]])

	pull(consumer, producer)

	assert statuses(consumer)[-2:] == ["Waiting", "Waiting"]
	consumer.run(require_nothing, doctype=CITY)
	consumer.run(make_due)
	pull(consumer, producer)
	pull(consumer, producer)
	assert set(statuses(consumer)) == {"Synced"}
	rows = consumer.run(read_rows, doctype=CITY, filters={"name": ["in", [together[1], together[5]]]})
	assert {row["country_name"] for row in rows} == {"Lanna"}


def change_both(names: list[str]) -> None:
	import frappe

	for name in names:
		doc = frappe.get_doc(CITY, name)
		doc.country_name = "Lanna"
		doc.save()


def test_when_the_one_is_skipped_the_others_come(producer, consumer, together):
	consumer.run(skip_failed, event_producer=producer.url)

	pull(consumer, producer)

	assert statuses(consumer) == ["Synced", "Synced", "Synced", "Skipped", "Synced", "Synced"]
	assert seen_whole(consumer, [[together[1], together[2], together[4]]])


def skip_failed(event_producer: str) -> None:
	import frappe

	from event_streaming.consumer.pull.skipping import skip_logs

	(row,) = frappe.get_all("Event Sync Log", {"status": "Retrying"}, ["name", "cause"])
	assert skip_logs(event_producer, [row.name], row.cause, "not needed") == 1


def test_the_row_can_be_set_and_unset_while_they_wait(producer, consumer, together):
	consumer.run(set_together, event_producer=producer.url, together=0)

	pull(consumer, producer)

	assert statuses(consumer) == ["Synced", "Synced", "Synced", "Retrying", "Synced", "Synced"]


def set_together(event_producer: str, together: int) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.producer_doctypes[0].together = together
	doc.save()


# ---------------------------------------------------------------- hooks that end the transaction


def test_an_event_whose_hook_rolls_back_each_time_is_given_up_alone(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(set_settings, events_per_commit=1)
	made = producer.run(make_mixed, prefix=unique("rolled"))

	consumer.run(pull_with_hook, event_producer=producer.url, name=made[2], how="rollback")

	assert statuses(consumer) == ["Synced", "Synced", "Retrying", "Synced"]
	assert seen_whole(consumer, [[made[0], made[1], made[3]]])


def test_an_event_whose_hook_hides_a_lost_transaction_is_given_up_alone(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(set_settings, events_per_commit=1)
	made = producer.run(make_mixed, prefix=unique("hidden"))

	consumer.run(pull_with_hook, event_producer=producer.url, name=made[1], how="hidden")

	assert statuses(consumer) == ["Synced", "Retrying", "Synced", "Synced"]
	assert seen_whole(consumer, [[made[0], made[2], made[3]]])


def pull_with_hook(event_producer: str, name: str, how: str) -> dict:
	"""A pull in which the event of one document always loses the transaction: openly, or as a deadlock that a hook hides."""
	import frappe

	from event_streaming.consumer.apply import step
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	apply_event = step.apply_event

	def lose(event, work):
		outcome = apply_event(event, work)
		if event["docname"] == name:
			frappe.db.rollback() if how == "rollback" else frappe.db.sql("ROLLBACK")
		return outcome

	step.apply_event = lose
	try:
		return pull_from_node(event_producer)
	finally:
		step.apply_event = apply_event


def test_an_event_that_cant_be_read_fails_alone_and_the_others_come_together(producer, consumer):
	subscribe(consumer, producer, CITY, ORDER)
	consumer.run(set_settings, events_per_commit=1)
	made = producer.run(make_mixed, prefix=unique("unreadable"))
	producer.run(spoil, name=made[1])

	pull(consumer, producer)

	assert statuses(consumer) == ["Synced", "Failed", "Synced", "Synced"]
	assert seen_whole(consumer, [[made[0], made[2], made[3]]])


def spoil(name: str) -> None:
	import frappe

	frappe.db.sql("update `tabEvent Update Log` set data = '[1, 2]' where docname = %s", (name,))


def test_the_users_of_the_form_see_to_which_transaction_an_event_belongs(producer, consumer):
	subscribe(consumer, producer, CITY)
	(made,) = producer.run(make_cities, prefix=unique("shown"), count=2)
	producer.run(change, doctype=CITY, name=made[0], country_name="Siam")

	pull(consumer, producer)

	ids = [log["transaction_id"] for log in sync_logs(consumer)]
	assert ids[0] == ids[1] != ids[2]
	assert ids == [log["transaction_id"] for log in update_logs(producer)]


# ---------------------------------------------------------------- rows of different priority


def test_a_row_of_high_priority_leaves_its_transaction_and_the_rest_of_it_stays_whole(producer, consumer):
	rows = [{"ref_doctype": ORDER, "use_same_name": 1, "priority": "High"}]
	rows.append({"ref_doctype": CITY, "use_same_name": 1, "priority": "Low"})
	subscribe(consumer, producer, *rows)
	consumer.run(set_settings, events_per_page=20, events_per_commit=2)
	producer.run(make_cities, prefix=unique("before"), count=1, transactions=60)
	mixed = producer.run(make_cities_and_orders, prefix=unique("mixed"))

	pull(consumer, producer)

	assert [log["producer_doc"] for log in sync_logs(consumer)][:2] == mixed["orders"]
	assert seen_whole(consumer, [mixed["orders"], mixed["cities"]])
	assert not seen_whole(consumer, [[*mixed["orders"], *mixed["cities"]]])


def make_cities_and_orders(prefix: str) -> dict[str, list[str]]:
	"""Five cities and two orders in one transaction, among each other."""
	import frappe

	made: dict[str, list[str]] = {"cities": [], "orders": []}
	for number in range(5):
		title = f"{prefix} {number}"
		made["cities"].append(frappe.get_doc({"doctype": CITY, "title": title}).insert().name)
		if number in (1, 3):
			made["orders"].append(frappe.get_doc({"doctype": ORDER, "title": title}).insert().name)
	frappe.db.commit()
	return made
