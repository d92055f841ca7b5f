"""A copy says what this site has, with digests: what is the same does not travel again, and nobody learns what it may not have."""

import json

import pytest
from doctypes import CITY, ORDER, make_doctype
from documents import change, delete, insert, make_orders, only, read_doc, set_settings, unique
from streams import SUBSCRIBER, copy_now, make_event_consumer, make_subscriber, pull, subscribe

pytestmark = pytest.mark.usefixtures("orders")


def look(site, name: str) -> dict | None:
	return site.run(read_doc, doctype=ORDER, name=name)


def copy_and_count(
	event_producer: str, filters: dict, knows: bool = True, pulls: bool = True, doctype: str = ORDER
) -> dict:
	"""A copy of orders; which documents came over the line, and how many the producer has compared. Not `knows`: as of one that can't."""
	from event_streaming.consumer.subscriptions.remote import Producer

	original, came, compared, asked = Producer.get_copy_page, [], [], []

	def get_copy_page(self, *args, known=None, **kwargs):
		asked.append(known)
		page = original(self, *args, known=known if knows else None, **kwargs)
		came.extend(event["docname"] for event in page["events"])
		compared.append(page["same"])
		return page

	Producer.get_copy_page = get_copy_page
	try:
		done = copy_now(event_producer, [doctype], filters, pulls)
	finally:
		Producer.get_copy_page = original
	known = [each is not None for each in asked]
	return {**done, "came": came, "compared": sum(compared), "known": known}


def set_past_the_life_cycle(name: str, **values) -> None:
	import frappe

	frappe.db.set_value(ORDER, name, values, update_modified=False)


@pytest.fixture
def copied(producer, consumer):
	"""Twelve orders with rows, a city and a file that both sites have by a copy."""

	def make(**row) -> tuple[dict, list[str]]:
		prefix = unique("digest")
		names = producer.run(make_orders, prefix=prefix, count=12)
		producer.run(attach, name=names[3])
		subscribe(consumer, producer, ORDER, CITY, **row)
		first = consumer.run(copy_and_count, event_producer=producer.url, filters=only(prefix))
		wanted = [name for name in names if name != names[1]] if row else names
		assert first["made"] == len(wanted) and first["came"] == wanted and not any(first["known"])
		return only(prefix), names

	return make


def attach(name: str, content: str = "as it is") -> None:
	import frappe

	values = {"attached_to_doctype": ORDER, "attached_to_name": name, "is_private": 1, "content": content}
	frappe.get_doc(
		{"doctype": "File", "file_name": f"{frappe.generate_hash(length=8)}.txt", **values}
	).insert()


def test_what_is_the_same_does_not_travel_again(producer, consumer, copied):
	filters, _names = copied()

	done = consumer.run(copy_and_count, event_producer=producer.url, filters=filters)

	assert done["status"] == "Done" and done["came"] == []
	assert (done["compared"], done["here"], done["made"], done["done"]) == (12, 12, 0, 12)
	assert not done["report"].get("warnings")


def test_what_is_missing_comes_and_what_differs_is_told_and_left(producer, consumer, copied):
	filters, names = copied()
	consumer.run(set_past_the_life_cycle, name=names[5], note="of this site")
	consumer.run(delete, doctype=ORDER, name=names[7])
	# or it is as old as what was deleted
	producer.run(insert, doctype=CITY, title=unique("city"))

	done = consumer.run(copy_and_count, event_producer=producer.url, filters=filters)

	assert done["came"] == [names[7]] and look(consumer, names[7])
	assert (done["compared"], done["here"], done["made"]) == (10, 11, 1)
	assert look(consumer, names[5])["note"] == "of this site"
	(told,) = done["report"]["warnings"]
	assert "Verify" in told


def test_another_content_of_a_file_is_a_difference(producer, consumer, copied):
	filters, names = copied()
	consumer.run(change_content, order=names[3])

	done = consumer.run(copy_and_count, event_producer=producer.url, filters=filters)

	assert done["compared"] == 11 and sum(done["report"]["warnings"].values()) == 1


def change_content(order: str) -> None:
	import frappe

	name = frappe.db.get_value("File", {"attached_to_doctype": ORDER, "attached_to_name": order})
	frappe.db.set_value("File", name, "content_hash", "0" * 32)


def test_a_page_ends_where_what_was_said_ends(producer, consumer, copied, monkeypatch):
	filters, names = copied()
	consumer.run(delete, doctype=ORDER, name=names[11])

	done = consumer.run(copy_with_few_known, event_producer=producer.url, filters=filters)

	assert done["came"] == [names[11]] and done["compared"] == 11 and len(done["known"]) >= 3


def copy_with_few_known(event_producer: str, filters: dict, doctype: str = ORDER) -> dict:
	from event_streaming.consumer.first_copy import known

	before, known.MOST_KNOWN = known.MOST_KNOWN, 4
	try:
		return copy_and_count(event_producer, filters, doctype=doctype)
	finally:
		known.MOST_KNOWN = before


def test_a_producer_that_can_not_compare_sends_all_and_is_not_asked_again(producer, consumer, copied):
	filters, names = copied()
	consumer.run(set_settings, events_per_page=5)

	done = consumer.run(copy_and_count, event_producer=producer.url, filters=filters, knows=False)

	assert done["came"] == names and done["here"] == 12
	assert done["known"] == [True, False, False]


def test_under_a_condition_what_is_the_same_still_counts_as_given(producer, consumer, copied):
	filters, names = copied(condition="doc.docstatus == 0")
	# the second is submitted: it is not for this site
	producer.run(forget_given)

	done = consumer.run(copy_and_count, event_producer=producer.url, filters=filters)

	assert done["came"] == [] and done["compared"] == 11
	assert producer.run(given) == sorted(name for name in names if name != names[1])


def forget_given() -> None:
	import frappe

	frappe.db.delete("Event Given Document")


def given() -> list[str]:
	import frappe

	return sorted(frappe.get_all("Event Given Document", filters={"ref_doctype": ORDER}, pluck="docname"))


def hide(consumer_url: str, **values) -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", consumer_url)
	for row in doc.consumer_doctypes:
		if row.ref_doctype == ORDER:
			row.update(values)
	doc.save()


def test_what_is_not_sent_counts_for_nothing_and_nobody_can_guess_it(producer, consumer, copied):
	filters, names = copied()
	producer.run(hide, consumer_url=consumer.url, fields_not_sent="note")
	pull(consumer, producer)
	producer.run(set_past_the_life_cycle, name=names[2], note="a secret")

	done = consumer.run(copy_and_count, event_producer=producer.url, filters=filters)
	assert (done["came"], done["compared"]) == ([], 12), done

	for guess in ("a secret", "something else"):
		answer = producer.run(guess_at, consumer_url=consumer.url, name=names[2], field="note", value=guess)
		assert answer["without"] == ["note"]
		assert (answer["same"], answer["differing"], answer["events"]) == (0, [], [])


def guess_at(consumer_url: str, name: str, field: str, value: str) -> dict:
	"""As a consumer might ask that has not got the document: is this what it holds?"""
	import frappe

	from event_streaming.endpoints import get_copy_page
	from event_streaming.wire.digests import digest_of
	from event_streaming.wire.lean.known import pack_known

	frappe.set_user(SUBSCRIBER)
	try:
		digest = digest_of(name, [value], [])
		shape = {"fields": [[field, "text"]], "tables": []}
		known = json.dumps({"shape": shape, "packed": pack_known({name: digest}), "upto": name})
		return get_copy_page(consumer_url, ORDER, filters=json.dumps([["name", "=", name]]), known=known)
	finally:
		frappe.set_user("Administrator")


@pytest.fixture
def reader(producer):
	"""The address of a consumer whose user may not read what belongs to others."""
	producer.run(make_subscriber)
	yield producer.run(make_reader)
	producer.run(let_read)


def let_read() -> None:
	import frappe

	frappe.db.delete("User Permission", {"user": SUBSCRIBER})
	frappe.clear_cache(user=SUBSCRIBER)


def make_reader() -> str:
	import frappe

	url = "http://guessing.example"
	row = {"ref_doctype": ORDER, "status": "Approved"}
	make_event_consumer(url=url, rows=[row], user=SUBSCRIBER, protocol=2)
	frappe.get_doc(
		{
			"doctype": "User Permission",
			"user": SUBSCRIBER,
			"allow": ORDER,
			"for_value": frappe.get_doc({"doctype": ORDER, "title": "its own"}).insert().name,
			"apply_to_all_doctypes": 1,
		}
	).insert()
	return url


def test_of_what_it_may_not_read_it_hears_nothing(producer, reader):
	hidden = producer.run(insert, doctype=ORDER, title=unique("hidden"), note="a secret")
	assert producer.run(read_doc, doctype=ORDER, name=hidden)

	answers = [
		producer.run(guess_at, consumer_url=reader, name=name, field="note", value=guess)
		for name, guess in ((hidden, "a secret"), (hidden, "wrong"), ("there is none", "x"))
	]

	assert answers[0] == answers[1]
	for answer in answers:
		assert (answer["same"], answer["differing"], answer["events"]) == (0, [], [])
	assert {key: answers[0][key] for key in ("looked_at", "has_more")} == {
		key: answers[2][key] for key in ("looked_at", "has_more")
	}


def test_a_change_that_is_on_its_way_is_no_difference_and_no_loss(producer, consumer, copied):
	filters, names = copied()
	producer.run(change, doctype=ORDER, name=names[4], note="changed since")

	done = consumer.run(copy_and_count, event_producer=producer.url, filters=filters, pulls=False)
	pull(consumer, producer)

	assert done["came"] == [] and done["here"] == 12 and not done["report"].get("warnings")
	assert look(consumer, names[4])["note"] == "changed since"


def test_what_was_lost_with_a_restored_producer_comes_whole(producer, consumer, copied):
	filters, names = copied()
	consumer.run(set_past_the_life_cycle, name=names[6], note="of another document")
	consumer.run(lose, event_producer=producer.url, name=names[6])

	done = consumer.run(copy_and_count, event_producer=producer.url, filters=filters)

	assert done["came"] == [names[6]] and done["compared"] == 11
	assert look(consumer, names[6])["note"] == look(producer, names[6])["note"]


def lose(event_producer: str, name: str) -> None:
	from event_streaming.identity import registry

	registry.lose(event_producer, [(ORDER, name)])


def test_what_was_compared_in_another_time_zone_is_compared_again(producer, consumer, copied):
	filters, _names = copied()
	consumer.run(think_of_zone, event_producer=producer.url, time_zone="America/New_York")

	done = consumer.run(copy_and_count, event_producer=producer.url, filters=filters, pulls=False)

	assert len(done["known"]) == 2 and done["came"] == [] and done["here"] == 12
	assert not done["report"].get("warnings")


def think_of_zone(event_producer: str, time_zone: str) -> None:
	"""As before the producer's administrator has changed it."""
	from event_streaming.consumer.logs import state

	state.save_state(event_producer, remote_time_zone=time_zone)


NUMBERED = "Streamed Number"


def make_numbered(count: int = 0) -> None:
	"""Documents with names that are numbers: 5 comes before 30 there, and "30" before "5" elsewhere."""
	import frappe

	title = {"fieldname": "title", "label": "Title", "fieldtype": "Data"}
	make_doctype(NUMBERED, [title], autoname="autoincrement")
	# of a run before this one, on a bench
	frappe.db.delete(NUMBERED)
	for number in range(count):
		frappe.get_doc({"doctype": NUMBERED, "title": f"number {number}"}).insert()


def test_where_names_have_another_order_there_a_copy_never_goes_back(producer, consumer):
	consumer.run(make_numbered)
	producer.run(make_numbered, count=30)
	subscribe(consumer, producer, NUMBERED, use_same_name=0)
	first = consumer.run(copy_with_few_known, event_producer=producer.url, filters={}, doctype=NUMBERED)
	assert (first["made"], first["done"]) == (30, 30)

	done = consumer.run(copy_with_few_known, event_producer=producer.url, filters={}, doctype=NUMBERED)

	# each is looked at once; where the orders part, what is known may travel
	assert (done["status"], done["done"], done["here"], done["made"]) == ("Done", 30, 30, 0)
	assert done["compared"] + len(done["came"]) == 30 and done["compared"] > 10


def test_a_document_that_is_gone_by_now_is_not_counted_as_the_same(producer):
	assert producer.run(compare_with_one_gone) == [1, ["B"]]


def compare_with_one_gone() -> list:
	from types import SimpleNamespace

	from event_streaming.producer.documents.copying import Found, Known

	digester = SimpleNamespace(
		reader=SimpleNamespace(cursor=0, consumer=SimpleNamespace(name="http://c")),
		doctype=ORDER,
		of=lambda names: ((name, 1) for name in names if name != "C"),
	)
	found = Found()
	Known(digester, [], {"A": 1, "B": 3, "C": 1}, "").compare(["A", "B", "C"], found)
	return [found.same, found.differing]


@pytest.mark.parametrize(
	("lacking", "kept"),
	[
		(["note", "rows", "rows.qty"], ["old", "note", "rows", "rows.qty"]),
		(["note", "note"], ["old", "note"]),
		(None, None),
		(["old"], "refused"),
		(["note", "never heard of"], "refused"),
	],
)
def test_of_fields_that_it_lacks_a_producer_is_believed_only_those_that_were_asked_for(
	consumer, lacking, kept
):
	assert consumer.run(keep_lacking, lacking=lacking) == kept


def keep_lacking(lacking: list | None) -> list | str | None:
	from types import SimpleNamespace

	from event_streaming.consumer.first_copy import copying
	from event_streaming.wire.checks import InvalidPage

	save, copying.task.save_progress = copying.task.save_progress, print
	copy = SimpleNamespace(place={"after": "a", "without": ["old"]})
	try:
		page = {"without": lacking, "time_zone": "UTC"}
		copying.keep_what_it_lacks(copy, page, ["note", "rows", "rows.qty"])
	except InvalidPage:
		return "refused"
	finally:
		copying.task.save_progress = save
	return copy.place["without"]
