"""The numbers and charts of the workspace, and what the form of a streamed document says: they are true, on both roles."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, insert, unique
from logs import sync_logs
from streams import pull, subscribe

ORDINARY = "ordinary.reader@example.com"
CARDS = (
	"events_behind",
	"applied_in_the_last_hour",
	"failed_events",
	"oldest_waiting_event",
	"events_to_be_taken",
	"logged_in_the_last_hour",
)


def read_cards(names: list) -> dict:
	import frappe

	answers = {name: frappe.get_attr(f"event_streaming.admin.charts.{name}")() for name in names}
	return {name: answer["value"] if isinstance(answer, dict) else answer for name, answer in answers.items()}


def read_chart(name: str) -> dict:
	import frappe

	chart = frappe.get_attr(f"event_streaming.admin.charts.{name}")()
	return {each["name"]: each["values"] for each in chart.get("datasets", [])}


def age(doctype: str, names: list, seconds: int, field: str = "creation") -> None:
	"""As if rows had been written, or what a field says had been, that much earlier."""
	from datetime import timedelta

	import frappe
	from frappe.utils import get_datetime

	for name in names:
		then = get_datetime(frappe.db.get_value(doctype, name, field)) - timedelta(seconds=seconds)
		frappe.db.set_value(doctype, name, field, then, update_modified=False)


def lines_for(user: str, doctype: str, name: str) -> list:
	import frappe

	from event_streaming.admin.document import get_streams

	frappe.set_user(user)
	return get_streams(doctype, name)


def make_ordinary_reader(doctype: str) -> None:
	import frappe
	from frappe.permissions import add_permission

	if not frappe.db.exists("Role", "Order Reader"):
		frappe.get_doc({"doctype": "Role", "role_name": "Order Reader", "desk_access": 1}).insert()
	if not frappe.db.exists("User", ORDINARY):
		user = frappe.get_doc(
			{"doctype": "User", "email": ORDINARY, "first_name": "Reader", "send_welcome_email": 0}
		).insert()
		user.add_roles("Order Reader")
	add_permission(doctype, "Order Reader")


def boot_of(user: str) -> list:
	import frappe

	from event_streaming.admin.document import boot

	frappe.set_user(user)
	bootinfo = frappe._dict(user={"can_read": frappe.permissions.get_doctypes_with_read()})
	boot(bootinfo)
	return bootinfo["event_streaming"]["doctypes"]


def set_connection(event_producer: str, connection: str, hours_ago: int) -> None:
	import frappe

	contact = frappe.utils.add_to_date(frappe.utils.now_datetime(), hours=-hours_ago)
	frappe.db.set_value(
		"Event Producer Last Update",
		{"event_producer": event_producer},
		{"connection": connection, "last_contact": contact},
	)


@pytest.fixture
def taken(producer, consumer) -> str:
	"""An order that was made, changed and pulled, and an event that has failed. Returns the order's name."""
	with_orders(producer, consumer)
	subscribe(consumer, producer, ORDER, CITY)
	title = unique("Taken")
	for site in (consumer, producer):
		site.run(insert, doctype=CITY, title=title)
	order = producer.run(insert, doctype=ORDER, title="Rice", rows=[{"item": "Rice", "qty": 5}])
	producer.run(change, doctype=ORDER, name=order, total=10)
	pull(consumer, producer)
	return order


def test_the_cards_of_a_consumer_and_of_a_producer(producer, consumer, taken):
	here, there = consumer.run(read_cards, names=CARDS), producer.run(read_cards, names=CARDS)

	assert here.pop("oldest_waiting_event") != "None"
	assert there.pop("oldest_waiting_event") == "None"
	assert here == {
		"events_behind": 0,
		"applied_in_the_last_hour": 2,
		"failed_events": 1,
		"events_to_be_taken": 0,
		"logged_in_the_last_hour": 0,
	}
	assert (there["logged_in_the_last_hour"], there["applied_in_the_last_hour"]) == (3, 0)
	producer.run(change, doctype=ORDER, name=taken, total=11)
	pull(consumer, producer)
	assert consumer.run(read_cards, names=CARDS)["applied_in_the_last_hour"] == 3


def test_the_oldest_event_that_has_not_taken_effect_is_found_whatever_its_status(consumer, taken):
	[failed] = sync_logs(consumer, status="Failed")
	consumer.run(age, doctype="Event Sync Log", names=[failed["name"]], seconds=2 * 86400)

	assert consumer.run(read_cards, names=["oldest_waiting_event"]) == {"oldest_waiting_event": "2 days ago"}


def test_events_are_counted_in_the_hour_in_which_they_came_with_what_became_of_them(
	producer, consumer, taken
):
	synced = [row["name"] for row in sync_logs(consumer, status="Synced")]
	consumer.run(age, doctype="Event Sync Log", names=synced[:1], seconds=5 * 3600)
	consumer.run(age, doctype="Event Sync Log", names=synced[1:], seconds=50 * 3600)

	here, there = (site.run(read_chart, name="events_per_hour") for site in (consumer, producer))

	assert sum(here["Synced"]) == 1
	assert 1 in here["Synced"][-7:-5]
	assert (sum(here["Failed"]), sum(here["Waiting"]), sum(here["Logged"])) == (1, 0, 0)
	assert (sum(there["Logged"][-2:]), sum(there["Synced"])) == (3, 0)


def test_the_delay_is_that_between_the_change_and_its_arrival_on_both_sides(producer, consumer, taken):
	[row, *_] = sync_logs(consumer, status="Synced")
	producer.run(change, doctype=ORDER, name=taken, total=12)
	newest = producer.run(event_names, doctype=ORDER)[-1:]
	producer.run(age, doctype="Event Update Log", names=newest, seconds=600)
	pull(consumer, producer)
	# there it is as if it had been made just now
	[*_, last] = sync_logs(consumer, status="Synced")
	consumer.run(age, doctype="Event Sync Log", names=[last["name"]], seconds=-600, field="event_creation")
	# not the row later: near the end of an hour it would be of the next one
	consumer.run(age, doctype="Event Sync Log", names=[row["name"]], seconds=90, field="event_creation")

	[here], [there] = (
		site.run(read_chart, name="longest_delay_per_hour").values() for site in (consumer, producer)
	)

	assert 1.5 <= max(here) < 2.5
	assert 10 <= max(there) < 11


def event_names(doctype: str) -> list:
	import frappe

	return frappe.get_all("Event Update Log", {"ref_doctype": doctype}, pluck="name", order_by="name asc")


@pytest.mark.parametrize(
	("there", "here", "arrived_in", "seconds", "expected"),
	[
		("Asia/Bangkok", "Asia/Bangkok", "2026-06-01 12:00:00", 90, 90),
		("Asia/Tokyo", "Asia/Bangkok", "2026-06-01 12:00:00", 90 - 7200, 90),
		("America/New_York", "UTC", "2026-06-01 12:00:00", 90 + 4 * 3600, 90),
		("America/New_York", "UTC", "2026-01-10 12:00:00", 90 + 5 * 3600, 90),
		("Nowhere/Land", "UTC", "2026-01-10 12:00:00", 90, 90),
	],
)
def test_the_delay_minds_the_time_zones_of_both_sites(consumer, there, here, arrived_in, seconds, expected):
	assert (
		consumer.run(real_seconds_of, arrived_in=arrived_in, seconds=seconds, zones=[there, here]) == expected
	)


def real_seconds_of(arrived_in: str, seconds: int, zones: list) -> int:
	import frappe

	from event_streaming.consumer.logs.figures import real_seconds

	return real_seconds(frappe.utils.get_datetime(arrived_in), seconds, *zones)


def test_while_a_producer_can_not_be_read_the_delay_grows(producer, consumer, taken):
	consumer.run(set_connection, event_producer=producer.url, connection="Offline", hours_ago=3)

	[delay] = consumer.run(read_chart, name="longest_delay_per_hour").values()

	assert 179 <= delay[-1] <= 181
	assert delay[-6] == 0


def test_a_document_says_where_it_came_from_and_where_it_goes(producer, consumer, taken):
	[here] = consumer.run(lines_for, user="Administrator", doctype=ORDER, name=taken)
	[there] = producer.run(lines_for, user="Administrator", doctype=ORDER, name=taken)

	assert here["text"] == f"Streamed from {producer.url.split('//')[1]}"
	assert here["route_options"]["producer_doc"] == taken
	assert there["text"] == f"Streamed to {consumer.url.split('//')[1]}"
	assert there["route_options"] == {"ref_doctype": ORDER, "docname": taken}


def test_under_a_condition_a_document_says_whether_it_has_gone_over(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, {"ref_doctype": ORDER, "use_same_name": 1, "condition": "doc.urgent == 1"})
	urgent, other = (producer.run(insert, doctype=ORDER, title="Rice", urgent=urgent) for urgent in (1, 0))
	pull(consumer, producer)

	lines = [
		producer.run(lines_for, user="Administrator", doctype=ORDER, name=name) for name in (urgent, other)
	]

	assert [each["text"].split(" to ")[0] for (each,) in lines] == ["Streamed", "Not sent"]


def test_a_reader_without_rights_over_the_streams_sees_no_more_than_that(producer, consumer, taken):
	for site in (producer, consumer):
		site.run(make_ordinary_reader, doctype=ORDER)

	[here] = consumer.run(lines_for, user=ORDINARY, doctype=ORDER, name=taken)
	there = producer.run(lines_for, user=ORDINARY, doctype=ORDER, name=taken)

	assert set(here) == {"text", "color"}
	assert there == [{"text": "Streamed to other sites", "color": "green"}]
	assert consumer.run(boot_of, user=ORDINARY) == [ORDER]
	assert set(consumer.run(boot_of, user="Administrator")) >= {ORDER}


def test_who_may_not_read_a_document_is_told_nothing(consumer, taken):
	consumer.run(make_ordinary_reader, doctype=ORDER)
	[city, *_] = sync_logs(consumer, ref_doctype=CITY)

	with pytest.raises(Exception, match="PermissionError"):
		consumer.run(lines_for, user=ORDINARY, doctype=CITY, name=city["producer_doc"])
