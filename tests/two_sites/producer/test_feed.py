"""A page of the feed: what is approved, permitted and meets its condition, bounded, in order, to the right user only."""

import json

import pytest
from doctypes import CITY, ORDER, ROW, with_orders
from documents import change, delete, insert, unique
from logs import with_statements
from streams import SUBSCRIBER, make_subscriber

from sandbox.sites.rest import RestError
from sandbox.sites.shell import RemoteError

CONSUMER_URL = "http://somebody.example"
USER, KEYS_FOR_TEST = "stream@example.com", ["feedkey", "feedsecret"]


def approve(rows: list[dict], user: str = USER, url: str = CONSUMER_URL) -> None:
	"""A consumer with these rows, and what is in them approved."""
	import frappe

	from event_streaming.producer.subscriptions.streamed import refresh_streamed_doctypes

	frappe.get_doc(
		{
			"doctype": "Event Consumer",
			"callback_url": url,
			"user": user,
			"api_key": "key",
			"api_secret": "secret",
			"protocol": 2,
			"consumer_doctypes": [{"status": "Approved", **row} for row in rows],
		}
	).insert()
	frappe.db.commit()
	refresh_streamed_doctypes()


def read_page(cursor: int, user: str = USER, url: str = CONSUMER_URL, **arguments) -> dict:
	import frappe

	from event_streaming.producer.feed import page

	frappe.set_user(user)
	try:
		page = page.get_page(url, cursor, **arguments)
		frappe.db.commit()
		return page
	finally:
		frappe.set_user("Administrator")


def read_documents(documents: list, user: str = USER) -> dict:
	import frappe

	from event_streaming import endpoints

	frappe.set_user(user)
	try:
		return endpoints.get_documents(CONSUMER_URL, json.dumps(documents))
	finally:
		frappe.set_user("Administrator")


def head() -> int:
	import frappe

	from event_streaming.producer.log.sequence import assign_positions

	frappe.db.commit()
	return assign_positions()


def count_queries(cursor: int, limit: int) -> int:
	import frappe

	# as if it were sent for the first time
	frappe.db.delete("Event Delivery Hour")
	page, seen = with_statements(lambda: read_page(cursor, limit=limit))
	assert page["events"]
	return len(seen)


class Feed:
	"""One consumer's reading of the producer's log."""

	def __init__(self, site):
		self.site = site
		self.cursor = site.run(head)

	def read(self, **arguments) -> dict:
		page = self.site.run(read_page, cursor=self.cursor, **arguments)
		self.cursor = page["cursor"]
		return page

	def events(self, **arguments) -> list[tuple]:
		return [(event["update_type"], event["docname"]) for event in self.read(**arguments)["events"]]


@pytest.fixture
def open_feed(producer):
	with_orders(producer)
	producer.run(make_subscriber)

	def open_it(*rows, **values):
		wanted = [{"ref_doctype": row} if isinstance(row, str) else row for row in rows]
		producer.run(approve, rows=wanted, **values)
		return Feed(producer)

	return open_it


def make_city(site, **values) -> str:
	return site.run(insert, doctype=CITY, title=unique("city"), **values)


# ---------------------------------------------------------------- pages


def test_a_page_has_the_events_in_order_and_the_next_cursor(producer, open_feed):
	feed = open_feed(CITY)
	first, second = make_city(producer), make_city(producer)
	producer.run(change, doctype=CITY, name=first, country_name="Siam")
	producer.run(delete, doctype=CITY, name=second)

	page = feed.read()

	assert [(event["update_type"], event["docname"]) for event in page["events"]] == [
		("Create", first),
		("Create", second),
		("Update", first),
		("Delete", second),
	]
	positions = [event["position"] for event in page["events"]]
	assert positions == [event["at_position"] for event in page["events"]] == sorted(positions)
	assert (page["cursor"], page["has_more"], page["behind"]) == (positions[-1], False, 0)
	assert json.loads(page["events"][0]["data"])["title"] == first
	assert page["events"][3]["data"] is None
	assert page["protocol"] == 2 and page["site"] == producer.url and page["time_zone"]
	assert all(event["origin"] == producer.url and event["root"] is None for event in page["events"])
	assert page["subscriptions"] == {
		CITY: {
			"status": "Approved",
			"unsubscribed": 0,
			"condition": None,
			"when_condition_ends": "Keep",
			"fields_not_sent": [],
			"fields_masked": [],
			"not_wanted": [],
			"withheld": 0,
		}
	}


def test_pages_of_any_size_give_every_event_once(producer, open_feed):
	feed = open_feed(CITY)
	names = [make_city(producer) for _each in range(7)]

	read = []
	while True:
		page = feed.read(limit=2)
		read += [event["docname"] for event in page["events"]]
		assert len(page["events"]) <= 2
		if not page["has_more"]:
			break

	assert read == names


def test_a_page_is_bounded_in_bytes_but_never_empty_for_it(producer, open_feed):
	feed = open_feed(ORDER)
	names = [
		producer.run(insert, doctype=ORDER, title=unique("o"), note="x" * size)
		for size in (10, 60_000, 10, 10)
	]

	sizes = []
	read = []
	while len(read) < 4:
		page = feed.read(max_bytes=20_000)
		sizes.append(len(page["events"]))
		read += [event["docname"] for event in page["events"]]

	assert read == names
	assert sizes == [1, 1, 2]


def test_an_answer_that_was_lost_is_given_again(producer, open_feed):
	feed = open_feed({"ref_doctype": CITY, "condition": "doc.name"})
	make_city(producer)
	cursor = feed.cursor

	once = feed.read()
	feed.cursor = cursor
	again = feed.read()

	assert once["events"] == again["events"] and len(again["events"]) == 1
	assert producer.run(count_deliveries) == 1


def count_deliveries() -> int:
	import frappe

	return frappe.db.count("Event Update Log Consumer")


def test_a_page_costs_the_same_number_of_queries_however_many_events_it_has(producer, open_feed):
	feed = open_feed(CITY, {"ref_doctype": ORDER, "condition": "doc.urgent == 1"})
	cursor = feed.cursor
	for _each in range(12):
		make_city(producer)
		producer.run(insert, doctype=ORDER, title=unique("o"), urgent=1, rows=[{"item": "a", "qty": 1}])

	# the first reading also fills Frappe's own caches
	producer.run(count_queries, cursor=cursor, limit=4)
	few = producer.run(count_queries, cursor=cursor, limit=4)
	many = producer.run(count_queries, cursor=cursor, limit=24)

	assert few == many


def test_deliveries_are_seen_on_the_log_and_the_consumer_says_how_far_it_is(producer, open_feed):
	feed = open_feed(CITY)
	make_city(producer)
	feed.read()
	feed.read()

	delivered, position, contacted = producer.run(look_at_consumer)

	assert delivered == [CONSUMER_URL]
	assert position == feed.cursor and contacted


def look_at_consumer() -> list:
	import frappe

	log = frappe.get_last_doc("Event Update Log")
	consumer = frappe.get_doc("Event Consumer", CONSUMER_URL)
	return [[row.consumer for row in log.consumers], consumer.position, str(consumer.last_contact or "")]


def test_a_page_goes_over_a_gap_in_the_log_in_one_step(producer, open_feed):
	producer.run(skip_positions)
	feed = open_feed(CITY)
	city = make_city(producer)
	feed.cursor = 0

	assert feed.events() == [("Create", city)]


def skip_positions() -> None:
	import frappe

	frappe.db.sql("UPDATE `tabSeries` SET current = current + 100000 WHERE name = 'event_streaming.position'")


# ---------------------------------------------------------------- what is sent


@pytest.mark.parametrize("values", [{"status": "Pending"}, {"status": "Rejected"}, {"unsubscribed": 1}])
def test_what_is_not_approved_is_not_sent(producer, open_feed, values):
	producer.run(make_subscriber)
	feed = open_feed(ORDER, {"ref_doctype": CITY, **values})
	make_city(producer)

	assert feed.events() == []


def test_events_from_before_the_approval_are_not_sent(producer, open_feed):
	other = "http://other.example"
	open_feed(CITY, url=other)
	make_city(producer)
	producer.run(head)
	feed = open_feed(CITY)
	after = make_city(producer)
	feed.cursor = 0

	assert feed.events() == [("Create", after)]


def test_what_is_approved_and_logged_while_a_page_is_begun_is_not_passed_over(producer, open_feed):
	"""The page's end is found after the consumer has been read: what it may have by then belongs to the page."""
	feed = open_feed(ORDER, {"ref_doctype": CITY, "status": "Pending"})

	city, given = producer.run(approve_while_numbering, cursor=feed.cursor, title=unique("meanwhile"))

	assert given == [city]


def approve_while_numbering(cursor: int, title: str) -> list:
	"""The city that is made once it is approved, and what two pages give."""
	import frappe

	from event_streaming.producer.feed import page

	original, made = page.numbered, []

	def meanwhile():
		if not made:
			frappe.set_user("Administrator")
			consumer = frappe.get_doc("Event Consumer", CONSUMER_URL)
			for row in consumer.consumer_doctypes:
				row.status = "Approved"
			consumer.save()
			frappe.db.commit()
			made.append(frappe.get_doc({"doctype": CITY, "title": title}).insert().name)
			frappe.db.commit()
			frappe.set_user(USER)
		return original()

	page.numbered = meanwhile
	frappe.set_user(USER)
	try:
		first = page.get_page(CONSUMER_URL, cursor)
		second = page.get_page(CONSUMER_URL, first["cursor"])
	finally:
		page.numbered = original
		frappe.set_user("Administrator")
	return [made[0], [event["docname"] for event in (*first["events"], *second["events"])]]


def test_what_came_from_the_consumer_itself_is_not_sent_back(producer, open_feed):
	feed = open_feed(CITY)
	producer.run(insert_from, origin=CONSUMER_URL)
	foreign = producer.run(insert_from, origin="http://third.example")

	page = feed.read()

	assert [(event["docname"], event["origin"]) for event in page["events"]] == [
		(foreign, "http://third.example")
	]


def insert_from(origin: str) -> str:
	from event_streaming.identity.origin import applying, writing

	city = unique("city")
	with applying(CITY, origin):
		writing(CITY, city)
		return insert(CITY, title=city)


def test_the_root_of_a_document_that_came_from_elsewhere_goes_along(producer, open_feed):
	feed = open_feed(CITY)
	name = make_city(producer)
	producer.run(make_root, name=name)

	(event,) = feed.read()["events"]

	assert event["root"] == {"site": "http://root.example", "doctype": CITY, "name": "R"}


def test_a_name_that_was_given_up_does_not_give_its_root_to_the_next_document_of_that_name(
	producer, open_feed
):
	feed = open_feed(CITY)
	name, town = make_city(producer), unique("town")
	producer.run(make_root, name=name)
	producer.run(rename_city, old=name, new=town)
	producer.run(insert, doctype=CITY, title=name)

	roots = [event["root"] and event["root"]["name"] for event in feed.read()["events"]]
	documents = producer.run(read_documents, documents=[[CITY, name], [CITY, town]])["documents"]

	# created, renamed, and another one created
	assert roots == ["R", "R", None]
	assert {doc["name"]: bool(doc["root"]) for doc in documents} == {name: False, town: True}


def make_root(name: str) -> None:
	from event_streaming.identity import registry

	registry.save(
		registry.Identity(
			event_producer="http://root.example",
			remote_doctype=CITY,
			remote_name="R",
			local_doctype=CITY,
			local_name=name,
			root_site="http://root.example",
			root_doctype=CITY,
			root_name="R",
		)
	)


def test_a_paused_consumer_is_told_so_and_misses_nothing(producer, open_feed):
	feed = open_feed(CITY)
	name = make_city(producer)
	producer.run(set_paused, paused=1)
	paused = feed.read()
	producer.run(set_paused, paused=0)

	assert (paused["events"], paused["paused"]) == ([], 1)
	assert feed.events() == [("Create", name)]


def set_paused(paused: int) -> None:
	import frappe

	frappe.db.set_value("Event Consumer", CONSUMER_URL, "paused", paused)


def test_documents_that_the_user_may_not_read_are_not_sent(producer, open_feed):
	feed = open_feed(ORDER)
	allowed, hidden = make_city(producer), make_city(producer)
	visible = producer.run(insert, doctype=ORDER, title=unique("o"), city=allowed)
	producer.run(insert, doctype=ORDER, title=unique("o"), city=hidden)
	producer.run(restrict_to_city, city=allowed)
	try:
		assert feed.events() == [("Create", visible)]
	finally:
		producer.run(lift_restrictions)


def restrict_to_city(city: str) -> None:
	import frappe

	frappe.get_doc({"doctype": "User Permission", "user": USER, "allow": CITY, "for_value": city}).insert()


def lift_restrictions() -> None:
	import frappe

	for name in frappe.get_all("User Permission", {"user": USER}, pluck="name"):
		frappe.delete_doc("User Permission", name)


# ---------------------------------------------------------------- who may ask


def test_only_the_consumers_own_user_may_ask(producer, open_feed):
	open_feed(CITY)

	with pytest.raises(RestError) as refused:
		producer.rest().method("event_streaming.endpoints.get_page", event_consumer=CONSUMER_URL, cursor=0)

	assert refused.value.status == 403


def test_a_disabled_user_gets_nothing_whatever_the_framework_makes_of_its_keys(producer, open_feed):
	open_feed(CITY)
	rest = producer.rest(SUBSCRIBER)
	producer.run(set_enabled, user=SUBSCRIBER, enabled=0)
	try:
		with pytest.raises(RestError) as refused:
			rest.method("event_streaming.endpoints.get_page", event_consumer=CONSUMER_URL, cursor=0)
	finally:
		producer.run(set_enabled, user=SUBSCRIBER, enabled=1)

	assert refused.value.status in (401, 403)


def set_enabled(user: str, enabled: int) -> None:
	import frappe

	frappe.db.set_value("User", user, "enabled", enabled)
	frappe.clear_cache(user=user)


def test_a_site_that_is_not_registered_is_told_so(producer):
	producer.run(make_subscriber)

	with pytest.raises(RestError) as refused:
		producer.rest(USER).method(
			"event_streaming.endpoints.get_page", event_consumer="http://no.example", cursor=0
		)

	assert refused.value.status == 404


def test_the_feed_is_read_over_http_with_the_users_keys(producer, open_feed):
	feed = open_feed(CITY)
	name = make_city(producer)

	page = producer.rest(USER).method(
		"event_streaming.endpoints.get_page", event_consumer=CONSUMER_URL + "/", cursor=feed.cursor
	)

	assert [event["docname"] for event in page["events"]] == [name]


def test_a_page_of_many_events_goes_compressed_over_the_line(producer, open_feed):
	feed = open_feed(CITY)
	names = [make_city(producer) for _number in range(20)]

	response = producer.rest(USER).session.post(
		f"{producer.url}/api/method/event_streaming.endpoints.get_page",
		json={"event_consumer": CONSUMER_URL, "cursor": feed.cursor},
	)

	assert response.headers["Content-Encoding"] == "gzip"
	assert int(response.headers["Content-Length"]) < len(response.content) / 2
	assert [event["docname"] for event in response.json()["message"]["events"]] == names


# ---------------------------------------------------------------- conditions


def test_a_document_that_comes_to_meet_its_condition_brings_its_older_events(producer, open_feed):
	feed = open_feed({"ref_doctype": ORDER, "condition": "doc.docstatus == 1"}, CITY)
	order = producer.run(insert, doctype=ORDER, title=unique("o"))
	producer.run(change, doctype=ORDER, name=order, note="draft")
	not_yet = feed.events()
	city = make_city(producer)
	producer.run(submit, name=order)

	page = feed.read()

	assert not_yet == []
	assert [(event["update_type"], event["docname"]) for event in page["events"]] == [
		("Create", city),
		("Create", order),
		("Update", order),
		("Update", order),
	]
	older = page["events"][1:]
	assert {event["at_position"] for event in older} == {older[-1]["position"]}
	assert older[0]["position"] < older[1]["position"] < older[2]["position"]


def submit(name: str) -> None:
	import frappe

	frappe.get_doc(ORDER, name).submit()


def test_older_events_are_brought_once(producer, open_feed):
	feed = open_feed({"ref_doctype": ORDER, "condition": "doc.urgent == 1"})
	order = producer.run(insert, doctype=ORDER, title=unique("o"))
	feed.read()
	producer.run(change, doctype=ORDER, name=order, urgent=1)
	first = feed.events()
	producer.run(change, doctype=ORDER, name=order, note="more")

	assert first == [("Create", order), ("Update", order)]
	assert feed.events() == [("Update", order)]


def test_older_events_of_an_answer_that_was_lost_are_brought_again(producer, open_feed):
	feed = open_feed({"ref_doctype": ORDER, "condition": "doc.urgent == 1"})
	order = producer.run(insert, doctype=ORDER, title=unique("o"))
	feed.read()
	producer.run(change, doctype=ORDER, name=order, urgent=1)
	cursor = feed.cursor
	lost = feed.read()
	producer.run(change, doctype=ORDER, name=order, urgent=0)
	feed.cursor = cursor
	no_longer = feed.read()
	producer.run(change, doctype=ORDER, name=order, urgent=1)

	assert len(lost["events"]) == 2
	assert no_longer["events"] == []
	assert feed.events()[0] == ("Create", order)


def test_events_that_the_log_no_longer_holds_are_replaced_by_one_create(producer, open_feed):
	feed = open_feed({"ref_doctype": ORDER, "condition": "doc.urgent == 1"})
	order = producer.run(insert, doctype=ORDER, title=unique("o"), rows=[{"item": "a", "qty": 1}])
	feed.read()
	producer.run(forget_events)
	producer.run(change, doctype=ORDER, name=order, urgent=1, note="now")

	(event,) = feed.read()["events"]

	data = json.loads(event["data"])
	assert (event["update_type"], event["docname"]) == ("Create", order)
	assert (data["urgent"], data["note"], len(data["rows"])) == (1, "now", 1)


def forget_events() -> None:
	import frappe

	frappe.db.delete("Event Update Log")


def feed_with_older_events(producer, open_feed) -> tuple:
	"""The feed, and an order that meets the condition at last, after six changes that were passed over."""
	feed = open_feed({"ref_doctype": ORDER, "condition": "doc.urgent == 1"})
	order = producer.run(insert, doctype=ORDER, title=unique("o"))
	for number in range(6):
		producer.run(change, doctype=ORDER, name=order, note=str(number))
	feed.read()
	producer.run(change, doctype=ORDER, name=order, urgent=1)
	return feed, order


def test_more_older_events_than_a_page_holds_are_replaced_by_one_create(producer, open_feed):
	feed, order = feed_with_older_events(producer, open_feed)

	assert feed.events(limit=4) == [("Create", order)]


def test_what_one_create_has_replaced_is_not_brought_later(producer, open_feed):
	feed, order = feed_with_older_events(producer, open_feed)
	first = feed.events(limit=4)
	producer.run(change, doctype=ORDER, name=order, note="last")

	assert first == [("Create", order)]
	assert feed.events() == [("Update", order)]


def test_a_known_document_that_changed_more_often_than_a_page_holds_comes_as_it_is_now(producer, open_feed):
	feed = open_feed({"ref_doctype": ORDER, "condition": "doc.urgent == 1"})
	order = producer.run(insert, doctype=ORDER, title=unique("o"), urgent=1)
	feed.read()
	producer.run(change, doctype=ORDER, name=order, urgent=0)
	for number in range(6):
		producer.run(change, doctype=ORDER, name=order, note=str(number))
	while feed.read(limit=4)["has_more"]:
		pass
	producer.run(change, doctype=ORDER, name=order, urgent=1)

	(event,) = feed.read(limit=4)["events"]

	assert event["update_type"] == "Create" and json.loads(event["data"])["note"] == "5"
	producer.run(delete, doctype=ORDER, name=order)
	assert feed.events() == [("Delete", order)]


def test_a_delete_is_sent_also_after_more_changes_than_a_page_holds(producer, open_feed):
	feed = open_feed({"ref_doctype": ORDER, "condition": "doc.urgent == 1"})
	known = producer.run(insert, doctype=ORDER, title=unique("o"), urgent=1)
	unknown = producer.run(insert, doctype=ORDER, title=unique("o"))
	feed.read()
	for order in (known, unknown):
		for number in range(6):
			producer.run(change, doctype=ORDER, name=order, note=str(number), urgent=0)
	while feed.read(limit=4)["has_more"]:
		pass
	producer.run(delete, doctype=ORDER, name=known)
	producer.run(delete, doctype=ORDER, name=unknown)

	assert feed.events(limit=4) == [("Delete", known)]


def test_a_known_document_that_no_longer_meets_its_condition_is_renamed_all_the_same(producer, open_feed):
	feed = open_feed({"ref_doctype": CITY, "condition": "doc.country_name == 'Siam'"})
	known, unknown = make_city(producer, country_name="Siam"), make_city(producer)
	feed.read()
	producer.run(change, doctype=CITY, name=known, country_name="Laos")
	for city in (known, unknown):
		producer.run(rename_city, old=city, new=unique("town"))

	assert ("Rename", known) in (events := feed.events())
	assert ("Rename", unknown) not in events


def test_a_merge_into_a_document_that_is_not_sent_says_so_and_the_deletion_follows(producer, open_feed):
	feed = open_feed({"ref_doctype": CITY, "condition": "doc.country_name == 'Siam'"})
	known, unknown, other = make_city(producer, country_name="Siam"), make_city(producer), make_city(producer)
	feed.read()
	for city in (known, unknown):
		producer.run(merge_city, old=city, new=other)

	merge, deletion = feed.read()["events"]

	assert [(each["update_type"], each["docname"]) for each in (merge, deletion)] == [
		("Rename", known),
		("Delete", known),
	]
	assert json.loads(merge["data"])["if_needed"] == 1


def merge_city(old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(CITY, old, new, merge=True)


def test_a_delete_is_sent_only_of_what_was_delivered(producer, open_feed):
	feed = open_feed({"ref_doctype": ORDER, "condition": "doc.urgent == 1"})
	known = producer.run(insert, doctype=ORDER, title=unique("o"), urgent=1)
	unknown = producer.run(insert, doctype=ORDER, title=unique("o"))
	first = feed.events()
	producer.run(delete, doctype=ORDER, name=known)
	producer.run(delete, doctype=ORDER, name=unknown)

	assert first == [("Create", known)]
	assert feed.events() == [("Delete", known)]


def test_a_condition_over_rows_sees_them(producer, open_feed):
	feed = open_feed({"ref_doctype": ORDER, "condition": "any(row.qty > 5 for row in doc.rows)"})
	producer.run(insert, doctype=ORDER, title=unique("o"), rows=[{"item": "a", "qty": 1}])
	big = producer.run(insert, doctype=ORDER, title=unique("o"), rows=[{"item": "a", "qty": 9}])

	assert feed.events() == [("Create", big)]


def test_a_condition_that_raises_is_reported_on_the_form_and_in_the_error_log_and_in_the_page(
	producer, open_feed
):
	feed = open_feed({"ref_doctype": ORDER, "condition": "doc.title > 3"}, CITY)
	producer.run(insert, doctype=ORDER, title=unique("o"))
	city = make_city(producer)

	page = feed.read()

	assert [event["docname"] for event in page["events"]] == [city]
	assert any(ORDER in warning for warning in page["warnings"])
	on_form, in_log = producer.run(find_reports)
	assert "TypeError" in on_form and in_log


def find_reports() -> list:
	import frappe

	row = frappe.get_all("Event Consumer Document Type", {"ref_doctype": ORDER}, pluck="condition_error")[0]
	return [
		row,
		frappe.db.count("Error Log", {"reference_doctype": "Event Consumer", "reference_name": CONSUMER_URL}),
	]


def put_function(body: str) -> None:
	"""A function of an installed app, as an administrator would have it for a condition."""
	import sys
	import types

	module = types.ModuleType("event_streaming.conditions_of_the_test")
	exec(body, module.__dict__)
	sys.modules[module.__name__] = module


def remove_function() -> None:
	import sys

	sys.modules.pop("event_streaming.conditions_of_the_test", None)


@pytest.fixture
def function(producer):
	"""Makes the function that the condition CALL names."""
	yield lambda body: producer.run(put_function, body=body)
	producer.run(remove_function)


CALL = "cmd: event_streaming.conditions_of_the_test.wanted"
WRITES = """
def wanted(consumer, doc, update_log):
	import frappe
	frappe.db.savepoint("of_its_own")
	frappe.get_doc({"doctype": "ToDo", "description": f"{consumer.name} {update_log.update_type}"}).insert()
	frappe.db.rollback(save_point="of_its_own")
	frappe.get_doc({"doctype": "ToDo", "description": "written by a condition"}).insert()
	frappe.db.set_value(doc.doctype, doc.name, "title", "spoilt")
	return doc.urgent and consumer.callback_url and update_log.docname == doc.name
"""


def test_a_function_decides_and_what_it_writes_is_undone(producer, open_feed, function):
	function(WRITES)
	feed = open_feed({"ref_doctype": ORDER, "condition": CALL}, CITY)
	title = unique("o")
	producer.run(insert, doctype=ORDER, title=title)
	wanted = producer.run(insert, doctype=ORDER, title=title, urgent=1)

	assert feed.events() == [("Create", wanted)]
	assert producer.run(title_and_todos, name=wanted) == [title, 0]


def title_and_todos(name: str) -> list:
	import frappe

	todos = frappe.db.count("ToDo", {"description": "written by a condition"})
	return [frappe.db.get_value(ORDER, name, "title"), todos]


LEAVES_BEHIND = """
def wanted(consumer, doc, update_log):
	import frappe
	frappe.get_doc({"doctype": "ToDo", "description": "left by a condition"}).insert()
	if doc.title == "bad":
		frappe.db.sql("select nothing from nowhere")
	return frappe.db.count("ToDo", {"description": "left by a condition"}) == 1
"""


def test_a_function_that_fails_in_the_database_leaves_the_next_document_alone(producer, open_feed, function):
	function(LEAVES_BEHIND)
	feed = open_feed({"ref_doctype": ORDER, "condition": CALL})
	producer.run(insert, doctype=ORDER, title="bad")
	good = producer.run(insert, doctype=ORDER, title="good")

	assert feed.events() == [("Create", good)]


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_function_that_ends_the_transaction_fails_alone(producer, open_feed, function, end):
	function(f"def wanted(consumer, doc, update_log):\n\timport frappe\n\tfrappe.db.{end}()\n\treturn True\n")
	feed = open_feed({"ref_doctype": ORDER, "condition": CALL}, CITY)
	producer.run(insert, doctype=ORDER, title=unique("o"))
	city = make_city(producer)

	page = feed.read()

	assert [event["docname"] for event in page["events"]] == [city]
	assert any("neither commit nor roll back" in warning for warning in page["warnings"])


@pytest.mark.parametrize(
	("condition", "problem"),
	[
		("cmd: frappe.utils.now", "other than the framework"),
		("cmd: nowhere.at_all", "other than the framework"),
		("cmd: event_streaming.not_there.wanted", "no function that can be found"),
		(
			"cmd: event_streaming.producer.subscriptions.conditions.check",
			"must take consumer, doc and update_log",
		),
		("doc.", "not a Python expression"),
		("frappe.db.sql('x')", "frappe.db.sql can't be called"),
	],
)
def test_a_condition_that_can_not_be_evaluated_is_refused_when_it_is_saved(
	producer, open_feed, condition, problem
):
	with pytest.raises(RemoteError) as raised:
		open_feed({"ref_doctype": ORDER, "condition": condition})

	assert problem in raised.value.message


def test_renamed_documents_are_judged_under_the_name_that_they_have_now(producer, open_feed):
	feed = open_feed({"ref_doctype": CITY, "condition": "doc.country_name == 'Siam'"})
	city, town = make_city(producer, country_name="Siam"), unique("town")
	producer.run(rename_city, old=city, new=town)

	assert feed.events() == [("Create", city), ("Rename", city)]


def test_events_of_a_name_that_another_document_has_now_are_judged_by_their_own(producer, open_feed):
	feed = open_feed({"ref_doctype": CITY, "condition": "doc.country_name == 'Siam'"})
	renamed, deleted = make_city(producer, country_name="Laos"), make_city(producer, country_name="Laos")
	producer.run(change, doctype=CITY, name=renamed, country_name="Burma")
	early = producer.run(read_page, cursor=feed.cursor)
	producer.run(rename_city, old=renamed, new=unique("town"))
	producer.run(delete, doctype=CITY, name=deleted)
	for city in (renamed, deleted):
		producer.run(insert, doctype=CITY, title=city, country_name="Siam")

	all_at_once = feed.read()
	feed.cursor = early["cursor"]
	after_the_first = feed.read()

	assert early["events"] == []
	for page in (all_at_once, after_the_first):
		sent = [(event["docname"], json.loads(event["data"])["country_name"]) for event in page["events"]]
		assert sent == [(renamed, "Siam"), (deleted, "Siam")]


def test_who_may_read_the_document_that_has_a_name_now_may_not_read_the_one_that_had_it(producer, open_feed):
	feed = open_feed(CITY)
	renamed, deleted, town = make_city(producer), make_city(producer), unique("town")
	producer.run(rename_city, old=renamed, new=town)
	producer.run(delete, doctype=CITY, name=deleted)
	for city in (renamed, deleted):
		producer.run(insert, doctype=CITY, title=city, country_name="Siam")
		producer.run(restrict_to_city, city=city)
	try:
		events = feed.events()
	finally:
		producer.run(lift_restrictions)

	# of one that is gone its end alone
	assert events == [("Delete", deleted), ("Create", renamed), ("Create", deleted)]


def test_a_merge_is_told_to_those_who_may_read_the_document_that_is_left(producer, open_feed):
	feed = open_feed(CITY)
	merged, hidden, left = (make_city(producer) for _each in range(3))
	producer.run(merge_city, old=merged, new=left)
	producer.run(merge_city, old=hidden, new=make_city(producer))
	producer.run(restrict_to_city, city=left)
	try:
		events = feed.read()["events"]
	finally:
		producer.run(lift_restrictions)

	said = [
		(event["update_type"], event["docname"]) for event in events if event["docname"] in (merged, hidden)
	]
	assert said == [("Rename", merged), ("Delete", merged), ("Delete", hidden)]


def rename_city(old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(CITY, old, new)


# ---------------------------------------------------------------- documents


def test_documents_are_given_whole_and_what_is_missing_with_the_reason(producer, open_feed):
	open_feed(CITY)
	order = producer.run(insert, doctype=ORDER, title="x", secret="hush", rows=[{"item": "a", "qty": 1}])
	city = make_city(producer)

	asked = [
		[ORDER, order],
		[CITY, city],
		[CITY, "nowhere"],
		["Server Script", "x"],
		[ROW, "x"],
		["No Such", "x"],
	]
	answer = producer.run(read_documents, documents=asked)

	found = {(each["doctype"], each["name"]): each["data"] for each in answer["documents"]}
	assert set(found) == {(ORDER, order), (CITY, city)}
	assert found[ORDER, order]["rows"][0]["item"] == "a" and "secret" not in found[ORDER, order]
	assert answer["missing"] == [
		[CITY, "nowhere", "not found"],
		["Server Script", "x", "not allowed"],
		[ROW, "x", "not allowed"],
		["No Such", "x", "not found"],
	]
	assert answer["position"] == producer.run(head)


def test_a_user_is_given_with_nothing_that_gives_rights(producer, open_feed):
	open_feed(CITY)

	answer = producer.run(read_documents, documents=[["User", USER]])

	assert set(answer["documents"][0]["data"]) == {
		"doctype",
		"name",
		"email",
		"first_name",
		"last_name",
		"full_name",
		"enabled",
		"time_zone",
		"language",
	}


def test_documents_that_the_user_may_not_read_are_said_to_be_not_permitted(producer, open_feed):
	open_feed(CITY)
	allowed, hidden = make_city(producer), make_city(producer)
	producer.run(restrict_to_city, city=allowed)
	try:
		answer = producer.run(read_documents, documents=[[CITY, allowed], [CITY, hidden]])
	finally:
		producer.run(lift_restrictions)

	assert [each["name"] for each in answer["documents"]] == [allowed]
	assert answer["missing"] == [[CITY, hidden, "not permitted"]]


# ---------------------------------------------------------------- retention


def test_clearing_the_log_keeps_what_an_active_consumer_has_not_taken(producer, open_feed):
	feed = open_feed(CITY)
	taken = [make_city(producer) for _each in range(3)]
	feed.read()
	feed.read()
	waiting = make_city(producer)
	feed.site.run(head)
	producer.run(age_events)

	producer.run(clear)

	left = producer.run(logged_names)
	assert waiting in left and not set(taken) & set(left)
	assert feed.events() == [("Create", waiting)]


def age_events() -> None:
	import frappe

	frappe.db.sql("UPDATE `tabEvent Update Log` SET creation = creation - INTERVAL '100' DAY")


def clear() -> int:
	import frappe

	from event_streaming.producer.log.retention import clear_update_log

	frappe.db.commit()
	return clear_update_log(30)


def logged_names() -> list[str]:
	import frappe

	return frappe.get_all("Event Update Log", pluck="docname")


@pytest.mark.parametrize("endpoint", ["page", "documents", "old page", "notification"])
def test_work_that_is_open_when_an_endpoint_is_called_is_not_in_its_way(producer, open_feed, endpoint):
	feed = open_feed(CITY)
	make_city(producer)

	kept = producer.run(call_with_open_work, endpoint=endpoint, cursor=feed.cursor)

	assert kept


def call_with_open_work(endpoint: str, cursor: int) -> bool:
	"""As when another app's authentication hook writes something first."""
	import frappe

	from event_streaming.producer.feed import old_format
	from event_streaming.producer.notify import notifications

	todo = frappe.get_doc({"doctype": "ToDo", "description": "written by a hook"}).insert().name
	if endpoint == "page":
		assert read_page(cursor)["events"]
	elif endpoint == "documents":
		assert read_documents([[CITY, "nowhere"]])["missing"]
	elif endpoint == "notification":
		assert notifications.due_consumers() == [CONSUMER_URL]
	else:
		frappe.set_user(USER)
		old_format.old_page(CONSUMER_URL, [CITY], "2020-01-01 00:00:00")
		frappe.set_user("Administrator")
	frappe.db.rollback()
	return bool(frappe.db.exists("ToDo", todo))
