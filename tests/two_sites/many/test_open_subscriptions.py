"""An open subscription: no row for each event and consumer; the cursor says what was taken, to people and to later conditions."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, delete, insert, read_rows, unique
from streams import make_event_consumer, make_subscriber

CONSUMER_URL, OTHER_URL = "http://somebody.example", "http://another.example"
USER = "stream@example.com"
URGENT = "doc.urgent == 1"


def read_page(cursor: int, url: str = CONSUMER_URL, **arguments) -> dict:
	import frappe

	from event_streaming.producer.feed import page

	frappe.set_user(USER)
	try:
		answer = page.get_page(url, cursor, **arguments)
		frappe.db.commit()
		return answer
	finally:
		frappe.set_user("Administrator")


class Feed:
	"""One consumer's reading of the producer's log."""

	def __init__(self, site, url: str = CONSUMER_URL):
		self.site, self.url, self.cursor = site, url, 0

	def read(self, **arguments) -> list[tuple]:
		page = self.site.run(read_page, cursor=self.cursor, url=self.url, **arguments)
		self.cursor = page["cursor"]
		return [(event["update_type"], event["docname"]) for event in page["events"]]


@pytest.fixture
def open_feed(producer):
	with_orders(producer)
	producer.run(make_subscriber)

	def open_it(*rows, url: str = CONSUMER_URL) -> Feed:
		wanted = [{"ref_doctype": row} if isinstance(row, str) else row for row in rows]
		approved = [{"status": "Approved", **row} for row in wanted]
		producer.run(make_event_consumer, url=url, rows=approved, user=USER, protocol=2)
		return Feed(producer, url)

	return open_it


def rows_written(site) -> list[str]:
	return [row["parent"] for row in site.run(read_rows, doctype="Event Update Log Consumer", filters={})]


def delivered_to(docname: str) -> list[list[str]]:
	"""As the form, REST and scripts see it."""
	import frappe

	names = frappe.get_all("Event Update Log", {"docname": docname}, pluck="name", order_by="name")
	return [[row.consumer for row in frappe.get_doc("Event Update Log", name).consumers] for name in names]


def decide(doctype: str, **values) -> None:
	"""As the consumer asks for it, and this site's administrator then approves it."""
	import frappe

	doc = frappe.get_doc("Event Consumer", CONSUMER_URL)
	row = next(row for row in doc.consumer_doctypes if row.ref_doctype == doctype)
	row.update(values)
	doc.save()
	if row.status != "Approved" and not row.unsubscribed:
		row.status = "Approved"
		doc.save()


def spans_of(doctype: str, url: str = CONSUMER_URL) -> list:
	import frappe

	from event_streaming.producer.log.spans import parsed

	filters = {"parent": url, "ref_doctype": doctype}
	return parsed(frappe.db.get_value("Event Consumer Document Type", filters, "open_spans"))


def order(site, **values) -> str:
	return site.run(insert, doctype=ORDER, title=unique("order"), **values)


def test_the_cursor_says_what_was_taken_and_no_row_is_written(producer, open_feed):
	feeds = [open_feed(ORDER, url=url) for url in (CONSUMER_URL, OTHER_URL)]
	name = order(producer)

	assert producer.run(delivered_to, docname=name) == [[]]
	assert feeds[0].read() == [("Create", name)]
	assert producer.run(delivered_to, docname=name) == [[CONSUMER_URL]]
	assert feeds[1].read() == [("Create", name)]
	assert producer.run(delivered_to, docname=name) == [[OTHER_URL, CONSUMER_URL]]

	assert rows_written(producer) == []
	assert producer.run(not_delivered, docname=name) == []


def not_delivered(docname: str) -> list[str]:
	import frappe

	from event_streaming.admin import document

	return document.not_delivered(frappe.get_last_doc("Event Update Log", {"docname": docname}).name)


def test_the_rest_api_shows_to_whom_an_event_went_too(producer, open_feed):
	feed = open_feed(ORDER)
	name = order(producer)
	feed.read(), feed.read()

	event = producer.run(read_rows, doctype="Event Update Log", filters={"docname": name})[0]["name"]
	doc = producer.rest().get_doc("Event Update Log", str(event))

	assert [row["consumer"] for row in doc["consumers"]] == [CONSUMER_URL]


@pytest.mark.parametrize(
	"values", [{"condition": "doc.urgent == 0"}, {"fields_not_sent": "note"}, {"not_wanted": "note"}]
)
def test_what_is_not_open_has_its_rows(producer, open_feed, values):
	feed = open_feed({"ref_doctype": ORDER, **values})
	name = order(producer)

	assert feed.read() == [("Create", name)]
	assert len(rows_written(producer)) == 1
	assert producer.run(spans_of, doctype=ORDER) == []


def test_it_ends_when_the_user_may_not_read_all_any_more_and_begins_again(producer, open_feed):
	feed = open_feed(ORDER)
	cities = [producer.run(insert, doctype=CITY, title=unique("city")) for _each in range(2)]
	first = order(producer, city=cities[1])
	feed.read()
	producer.run(restrict_to_city, city=cities[0])
	try:
		second, _hidden = order(producer, city=cities[0]), order(producer, city=cities[1])
		assert feed.read() == [("Create", second)]
		assert len(rows_written(producer)) == 1
		feed.read()
		assert producer.run(delivered_to, docname=first) == [[CONSUMER_URL]]
		assert producer.run(delivered_to, docname=_hidden) == [[]]
	finally:
		producer.run(lift_restrictions)
	third = order(producer, city=cities[1])

	assert feed.read() == [("Create", third)]
	assert len(rows_written(producer)) == 1
	assert len(producer.run(spans_of, doctype=ORDER)) == 2


def restrict_to_city(city: str) -> None:
	import frappe

	frappe.get_doc({"doctype": "User Permission", "user": USER, "allow": CITY, "for_value": city}).insert()


def lift_restrictions() -> None:
	import frappe

	for name in frappe.get_all("User Permission", {"user": USER}, pluck="name"):
		frappe.delete_doc("User Permission", name)


# ---------------------------------------------------------------- a condition that comes later


@pytest.mark.parametrize("what", ["changed", "deleted", "renamed"])
def test_the_end_of_what_was_sent_openly_is_told_under_a_condition_that_came_later(producer, open_feed, what):
	feed = open_feed({"ref_doctype": ORDER, "when_condition_ends": "Remove"})
	name, other = order(producer), order(producer)
	feed.read()
	producer.run(decide, doctype=ORDER, condition=URGENT)
	assert feed.read() == []
	never = order(producer)

	if what == "changed":
		producer.run(change, doctype=ORDER, name=name, note="not urgent")
		expected = ("Delete", name)
	elif what == "deleted":
		producer.run(delete, doctype=ORDER, name=name)
		expected = ("Delete", name)
	else:
		producer.run(rename, old=name, new=unique("renamed"))
		expected = ("Rename", name)
	producer.run(change, doctype=ORDER, name=never, note="nor this")

	assert feed.read() == [expected]
	producer.run(change, doctype=ORDER, name=other, urgent=1)
	assert feed.read() == [("Create", other)]


def rename(old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(ORDER, old, new, force=True)


def test_what_was_lost_on_its_way_is_not_told_of(producer, open_feed):
	feed = open_feed({"ref_doctype": ORDER, "when_condition_ends": "Remove"})
	first = order(producer)
	feed.read()
	there, lost = feed.cursor, order(producer)
	feed.read()
	feed.cursor = there
	producer.run(decide, doctype=ORDER, condition=URGENT)
	feed.read()

	for name in (first, lost):
		producer.run(change, doctype=ORDER, name=name, note="not urgent")

	assert feed.read() == [("Delete", first)]


def test_a_consumer_that_was_restored_has_not_what_it_had_before(producer, open_feed):
	feed = open_feed({"ref_doctype": ORDER, "when_condition_ends": "Remove"})
	order(producer)
	feed.read()
	backup, taken = feed.cursor, order(producer)
	feed.read(), feed.read()
	assert producer.run(delivered_to, docname=taken) == [[CONSUMER_URL]]

	feed.cursor = backup
	assert feed.read(limit=1) == [("Create", taken)]
	feed.cursor = backup
	producer.run(decide, doctype=ORDER, condition=URGENT)
	feed.read()
	producer.run(change, doctype=ORDER, name=taken, note="not urgent")

	assert feed.read() == []


def test_a_subscription_that_was_withdrawn_in_between_did_not_get_what_came_then(producer, open_feed):
	feed = open_feed(ORDER)
	first = order(producer)
	feed.read()
	producer.run(decide, doctype=ORDER, unsubscribed=1)
	producer.run(stay_streamed)
	between = order(producer)
	producer.run(number)
	producer.run(decide, doctype=ORDER, unsubscribed=0)
	last = order(producer)

	assert feed.read() == [("Create", last)]
	feed.read()
	producer.run(change, doctype=ORDER, name=between, note="known from here")
	assert [producer.run(delivered_to, docname=name) for name in (first, between, last)] == [
		[[CONSUMER_URL]],
		[[], []],
		[[CONSUMER_URL]],
	]


def number() -> None:
	from event_streaming.producer.log.sequence import assign_positions

	assign_positions()


def stay_streamed() -> None:
	"""Somebody else is subscribed: what comes now is logged."""
	make_event_consumer(OTHER_URL, [{"ref_doctype": ORDER, "status": "Approved"}], user=USER)


def test_a_form_that_was_open_writes_no_old_spans_back(producer, open_feed):
	feed = open_feed(ORDER)
	order(producer)

	feed.cursor = producer.run(save_while, cursor=feed.cursor)

	assert producer.run(spans_of, doctype=ORDER)


def save_while(cursor: int) -> int:
	import frappe

	doc = frappe.get_doc("Event Consumer", CONSUMER_URL)
	cursor = read_page(cursor)["cursor"]
	doc.consumer_doctypes[0].open_spans = None
	doc.save()
	return cursor


# ---------------------------------------------------------------- the older app's consumers, and rows of before


def test_a_consumer_of_the_old_kind_has_its_rows(producer, open_feed):
	open_feed(ORDER)
	name = order(producer)

	assert [each["docname"] for each in producer.run(read_old_page)] == [name]
	assert len(rows_written(producer)) == 1
	assert producer.run(spans_of, doctype=ORDER) == []


def read_old_page() -> list:
	import frappe

	from event_streaming.producer.feed import old_format

	frappe.set_user(USER)
	try:
		return old_format.old_page(CONSUMER_URL, [ORDER], "2020-01-01")
	finally:
		frappe.set_user("Administrator")


def test_rows_of_before_stay_as_they_are_and_are_shown_once(producer, open_feed):
	feed = open_feed({"ref_doctype": ORDER, "condition": "doc.urgent == 0"})
	old = order(producer)
	feed.read()
	producer.run(decide, doctype=ORDER, condition="")
	new = order(producer)
	feed.read(), feed.read()

	assert len(rows_written(producer)) == 1
	assert producer.run(delivered_to, docname=old) == [[CONSUMER_URL]]
	assert producer.run(delivered_to, docname=new) == [[CONSUMER_URL]]


# ---------------------------------------------------------------- figures


def test_an_event_that_is_sent_again_counts_once(producer, open_feed):
	feed = open_feed(ORDER, CITY)
	order(producer)
	start = feed.cursor
	feed.read()
	feed.cursor = start
	feed.read()
	producer.run(insert, doctype=CITY, title=unique("city"))
	feed.read()

	assert producer.run(figures) == {
		"taken": {ORDER: 1, CITY: 1},
		"hour": 2,
		"delayed": 2,
		"rows": 1,
	}
	assert producer.run(clear_hours, days=0) == 0


def figures() -> dict:
	import frappe
	from frappe.utils import add_to_date, now_datetime

	from event_streaming.producer.registration import figures

	now = now_datetime()
	hour, delays = figures.delays_counted(CONSUMER_URL, add_to_date(now, days=-1), add_to_date(now, hours=-1))
	return {
		"taken": {doctype: of["events"] for doctype, of in figures.taken_by_doctype(CONSUMER_URL).items()},
		"hour": hour,
		"delayed": sum(events for _seconds, events in delays),
		"rows": frappe.db.count("Event Delivery Hour"),
	}


def clear_hours(days: int) -> int:
	import frappe

	from event_streaming.producer.log import hours

	hours.clear(7)
	assert frappe.db.count("Event Delivery Hour") == 1
	hours.clear(days)
	frappe.db.sql("UPDATE `tabEvent Delivery Hour` SET hour = hour - INTERVAL 8 DAY")
	hours.clear(7)
	return frappe.db.count("Event Delivery Hour")


def test_of_each_event_is_known_when_it_was_sent(producer, open_feed):
	feed = open_feed(ORDER)
	name = order(producer)
	feed.read(), feed.read()
	producer.run(change, doctype=ORDER, name=name, note="later")
	feed.read()

	sent, taken = producer.run(sent_and_taken, name=name)

	assert taken == [False, True]
	assert all(abs(seconds) < 60 for seconds in sent)
	producer.run(forget_hours)
	assert producer.run(sent_and_taken, name=name) == [[None, None], [False, True]]


def sent_and_taken(name: str) -> list:
	"""Of each event, the newest first: how long ago it was sent, and whether it was taken."""
	import time

	import frappe

	from event_streaming.producer.reach.tracing import trace

	events = trace(frappe.get_doc("Event Consumer", CONSUMER_URL), ORDER, name)["events"]
	return [
		[each["sent"] and time.time() - each["sent"] for each in events],
		[each["taken"] for each in events],
	]


def forget_hours() -> None:
	from frappe.utils import now_datetime

	from event_streaming.producer.log import hours

	hours.forget(CONSUMER_URL, now_datetime())
