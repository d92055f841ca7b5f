"""Nothing is green while something stands still."""

import pytest
from doctypes import CITY
from documents import insert, read_doc, unique
from logs import sync_logs
from streams import SUBSCRIBER, pull, pull_now, require_field, require_nothing, subscribe

PRODUCER = {
	"name": "https://head.example",
	"paused": False,
	"connection": "Online",
	"events_behind": 0,
	"failed": 0,
	"conflicts": 0,
	"retrying": 0,
	"stuck": 0,
	"waiting": 0,
	"subscribed": 2,
	"not_approved": [],
	"withheld": {},
	"last_error": None,
	"last_warning": None,
	"last_contact": None,
	"restored_on": None,
	"with_a_gap": [],
	"copy_failed": None,
	"copy_open": "",
	"last_pull": "2026-01-01 00:00:00",
	"waits": "",
	"waits_until": None,
	"hours_since": None,
	"next_pull": None,
}
CONSUMER = {
	"name": "https://branch.example",
	"paused": False,
	"active": True,
	"events_behind": 0,
	"pending": [],
	"condition_errors": [],
	"user": "stream@example.com",
	"withheld": 0,
	"withheld_doctypes": [],
	"other_site_id": None,
	"needs_copy": False,
	"user_problem": "",
}


def producer_headline(values: dict) -> dict:
	from frappe.utils import add_to_date, now_datetime

	from event_streaming.admin.headlines import headline_of

	now = now_datetime()
	made = {"creation": add_to_date(now, minutes=-values.pop("minutes_old", 1))}
	return headline_of({**PRODUCER, **made, **values}, "https://branch.example", now)


def consumer_headline(values: dict, contact_hours: float | None, known_hours: float) -> dict:
	"""Of a consumer whose last contact was so many hours ago, and its registration so many."""
	from datetime import timedelta

	from frappe.utils import now_datetime

	from event_streaming.admin.headlines import headline_of_consumer

	now = now_datetime()
	contact = None if contact_hours is None else now - timedelta(hours=contact_hours)
	times = {"last_contact": contact, "creation": now - timedelta(hours=known_hours)}
	return headline_of_consumer({**CONSUMER, **times, **values}, now)


@pytest.mark.parametrize(
	("values", "label", "color"),
	[
		({}, "Up to Date", "green"),
		({"events_behind": 12}, "12 Behind", "blue"),
		({"subscribed": 0}, "Nothing Subscribed", "gray"),
		({"last_warning": "the clock"}, "Warning", "orange"),
		({"waiting": 3}, "3 Waiting", "orange"),
		({"retrying": 40}, "40 Retrying", "orange"),
		({"retrying": 40, "waiting": 3, "events_behind": 9}, "40 Retrying", "orange"),
		({"withheld": {"Note": 2, "ToDo": 1}, "events_behind": 0}, "3 Withheld", "orange"),
		({"connection": "Unknown"}, "Not contacted yet", "gray"),
		({"connection": "Unknown", "minutes_old": 20}, "Not contacted yet", "orange"),
		({"restored_on": "2026-11-28"}, "Restored, Not Compared", "orange"),
		({"copy_failed": ""}, "Copy Failed", "orange"),
		({"copy_open": "to begin"}, "Copy to Begin", "blue"),
		({"copy_open": "under way", "last_pull": None}, "Copying", "blue"),
		({"copy_open": "under way", "events_behind": 3}, "3 Behind", "blue"),
		({"last_pull": None}, "Not Pulled Yet", "gray"),
		({"copy_failed": "the keys", "failed": 2}, "2 Failed", "red"),
		({"not_approved": ["Note"], "retrying": 1}, "Waiting for Approval", "orange"),
		({"not_approved": ["Note"], "retrying": 2, "stuck": 2}, "2 Retrying", "orange"),
		({"conflicts": 1, "stuck": 2}, "1 in Conflict", "red"),
		({"failed": 10_000, "conflicts": 1}, "10,000 or more Failed", "red"),
		({"connection": "Refused", "failed": 60}, "Refused", "red"),
		({"connection": "Offline", "failed": 60}, "Offline", "orange"),
		({"paused": True, "connection": "Refused"}, "Paused", "orange"),
	],
)
def test_the_worst_of_a_producer_comes_first(consumer, values, label, color):
	found = consumer.run(producer_headline, values=values)

	assert (found["label"], found["color"]) == (label, color)


def test_pulls_that_end_with_an_error_are_not_laid_to_the_scheduler(consumer):
	"""For long no page was asked for, though a pull was tried: what has ended it is to be mended, not the workers."""
	full = "This site can't write any more: its disk is full. Free space."
	values = {"last_contact": "2026-01-01 00:00:00", "last_error": full}
	line = consumer.run(standing_still, values=values)

	assert (line["label"], line["color"], line["text"]) == ("Not Pulling", "orange", full)
	assert "scheduler" in consumer.run(standing_still, values={**values, "last_error": None})["text"]


def test_a_pull_that_the_bound_of_the_line_has_put_off_is_no_standstill(consumer):
	values = {"last_contact": "2026-01-01 00:00:00"}

	assert consumer.run(standing_still, values=values)["label"] == "Not Pulling"
	assert consumer.run(standing_still, values=values, put_off=30)["label"] != "Not Pulling"
	# of a clock that was wrong
	assert consumer.run(standing_still, values=values, put_off=600)["label"] == "Not Pulling"


def standing_still(values: dict, put_off: int = 0) -> dict:
	"""The headline, also of a line that has put off the next pull by so many minutes."""
	from frappe.utils import add_to_date, get_datetime, now_datetime

	later = {"next_pull": add_to_date(now_datetime(), minutes=put_off)} if put_off else {}
	return producer_headline({**values, **later, "last_contact": get_datetime(values["last_contact"])})


def test_whoever_has_to_approve_is_named_with_the_place(consumer):
	text = consumer.run(producer_headline, values={"not_approved": ["Note", "ToDo"]})["text"]

	assert "Note, ToDo" in text and "https://head.example" in text and "https://branch.example" in text


@pytest.mark.parametrize(
	("values", "contact_hours", "known_hours", "label", "color"),
	[
		({}, 0.1, 1000, "Up to Date", "green"),
		({"events_behind": 2}, 0.1, 1000, "2 Behind", "blue"),
		(
			{"withheld": 3, "withheld_doctypes": ["Note"], "events_behind": 2},
			0.1,
			1000,
			"3 Withheld",
			"orange",
		),
		({"events_behind": 2}, 2, 1000, "2 Behind", "orange"),
		({"events_behind": 2}, 48, 1000, "Silent", "orange"),
		({"needs_copy": True}, 0.1, 1000, "Needs a Fresh Copy", "orange"),
		({"other_site_id": "another"}, 0.1, 1000, "Another Site Asks", "red"),
		({"user_problem": "user_disabled", "pending": ["Note"]}, 0.1, 1000, "User Disabled", "red"),
		({"user_problem": "no_role"}, 0.1, 1000, "Role Missing", "red"),
		({}, None, 1000, "Silent", "orange"),
		({}, None, 1, "Up to Date", "green"),
		({"active": False}, None, 1000, "Nothing Approved", "gray"),
		({"pending": ["Note"], "active": False}, None, 1000, "1 to Approve", "orange"),
		({"condition_errors": ["Note"], "pending": ["ToDo"]}, 0.1, 1000, "Condition Fails", "red"),
		({"paused": True, "condition_errors": ["Note"]}, 0.1, 1000, "Paused", "orange"),
	],
)
def test_the_worst_of_a_consumer_comes_first(producer, values, contact_hours, known_hours, label, color):
	found = producer.run(
		consumer_headline, values=values, contact_hours=contact_hours, known_hours=known_hours
	)

	assert (found["label"], found["color"]) == (label, color)


# ---------------------------------------------------------------- on a site


def test_what_was_changed_while_nothing_was_approved_is_missing_and_said_until_it_is_compared(
	producer, consumer, orders
):
	"""A condition that is changed has to be approved anew, and nothing is logged until then."""
	subscribe(consumer, producer, CITY)
	pull(consumer, producer)
	assert consumer.run(headlines) == ["Up to Date"]

	consumer.run(set_condition, event_producer=producer.url, condition="doc.title != 'x'")
	missing = producer.run(insert, doctype=CITY, title=unique("Meanwhile"))
	producer.run("event_streaming.admin.decisions.approve", event_consumer=consumer.url)
	pull(consumer, producer)

	assert not consumer.run(read_doc, doctype=CITY, name=missing)
	assert consumer.run(headlines) == ["Not Compared"]
	assert consumer.run(lines, site=producer.url) == ["Not Compared"]
	[said] = consumer.run(attention)
	assert CITY in said and "Verify" in said
	# it finds what is missing
	assert consumer.command("event-streaming", "verify").returncode == 3
	assert consumer.run(headlines) == ["Up to Date"]


def set_condition(event_producer: str, condition: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.producer_doctypes[0].condition = condition
	doc.save()


def lines(site: str) -> list[str]:
	"""The labels of the connection page, of each Document Type that comes."""
	from event_streaming.admin.connection.status import connection

	return [line["label"] for line in connection(site)["pulls"]["doctypes"]]


def headlines() -> list[str]:
	from event_streaming.admin.status import site_status

	status = site_status()
	return [row["headline"]["label"] for row in [*status["producers"], *status["consumers"]]]


def set_attempts(attempts: int) -> None:
	import frappe

	frappe.db.set_value("Event Sync Log", {"status": "Retrying"}, "attempts", attempts)


def attention() -> list[str]:
	from event_streaming.admin.alerts import troubles
	from event_streaming.admin.status import site_status
	from event_streaming.site.settings import get_settings

	return [*site_status()["needs_attention"], *(each.text for each in troubles(get_settings()))]


def make_city(title: str) -> None:
	import frappe

	frappe.get_doc({"doctype": CITY, "title": title}).insert()


@pytest.mark.usefixtures("orders")
def test_what_is_not_approved_and_what_keeps_failing_is_not_green_and_asks_for_a_person(producer, consumer):
	subscribe(consumer, producer, CITY, approve=False)
	assert consumer.run(headlines) == ["Waiting for Approval"]
	assert any(producer.url in line for line in consumer.run(attention))
	assert producer.run(headlines) == ["1 to Approve"]


@pytest.mark.usefixtures("cities_streamed")
def test_what_is_tried_again_for_the_third_time_asks_for_a_person(producer, consumer):
	consumer.run(require_field, doctype=CITY, fieldname="country_name")
	producer.run(make_city, title=unique("Lost"))
	pull(consumer, producer)
	assert [log["status"] for log in sync_logs(consumer)] == ["Retrying"]
	assert consumer.run(headlines) == ["1 Retrying"]
	assert consumer.run(attention) == []

	consumer.run(set_attempts, attempts=3)

	assert len(consumer.run(attention)) == 2
	consumer.run(require_nothing, doctype=CITY)


def enable(user: str, enabled: int) -> None:
	import frappe

	frappe.db.set_value("User", user, "enabled", enabled)
	frappe.clear_cache(user=user)


@pytest.mark.usefixtures("cities_streamed")
def test_a_disabled_user_and_the_copy_that_failed_by_it_are_said_until_both_are_mended(producer, consumer):
	copy = ("event-streaming", "copy", "--producer", producer.url, "--filters", '{"name": "none of them"}')
	producer.run(enable, user=SUBSCRIBER, enabled=0)
	try:
		assert producer.run(headlines) == ["User Disabled"]
		assert SUBSCRIBER in " ".join(producer.run(attention))
		assert consumer.command(*copy).returncode == 1
		consumer.run(pull_now, event_producer=producer.url)
		assert consumer.run(headlines) == ["Refused"]
	finally:
		producer.run(enable, user=SUBSCRIBER, enabled=1)
	pull(consumer, producer)
	assert producer.run(headlines) == ["Up to Date"]
	# what it has not brought no event will bring
	assert consumer.run(headlines) == ["Copy Failed"]
	assert "did not come to its end" in " ".join(consumer.run(attention))
	assert consumer.command(*copy).returncode == 0
	assert consumer.run(headlines) == ["Up to Date"]
