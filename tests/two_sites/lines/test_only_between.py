"""Hours of a line (*Only Between*): what is to wait waits and says so, and comes when they begin. The clock is set by the tests."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import insert, unique
from logs import sync_logs
from streams import decide, make_event_producer, make_subscriber, pull

NIGHT = "22:00-06:00"
# of the consumer's time zone, Asia/Kolkata: five and a half hours before its clock
DAY, EVENING, MORNING = "2026-11-29T10:00:00", "2026-11-29T16:40:00", "2026-11-30T00:40:00"
ZONE = "Asia/Kolkata"


@pytest.fixture(autouse=True)
def sites(producer, consumer):
	with_orders(producer, consumer)
	consumer.set_time_zone(ZONE)
	yield
	consumer.set_time_zone("Asia/Bangkok")


def subscribe_with_hours(consumer, producer, applies_to: str = "Low Rows", **city) -> str:
	for site in (producer, consumer):
		site.run(make_subscriber)
	rows = [
		{"ref_doctype": ORDER, "use_same_name": 1},
		{"ref_doctype": CITY, "use_same_name": 1, "priority": "Low", **city},
	]
	name = consumer.run(
		make_event_producer, url=producer.url, rows=rows, only_between=NIGHT, only_between_for=applies_to
	)
	producer.run(decide, consumer_url=consumer.url)
	return name


def at(moment: str, what: str, **args) -> dict:
	"""Do something while the clock of this process shows a moment of UTC; how often the producer was asked is counted along."""
	from dataclasses import asdict
	from datetime import datetime, timezone

	import frappe

	from event_streaming.admin.connection.status import of_producer
	from event_streaming.admin.metrics import metrics
	from event_streaming.admin.tracing.tracing import where_is
	from event_streaming.consumer.line import holding
	from event_streaming.consumer.long_work import runner
	from event_streaming.consumer.pull.loop import pull
	from event_streaming.http.client import SiteClient

	real, asked, call = holding.now_in_utc, [], SiteClient.call

	def counted(self, method, *args, **kwargs):
		asked.append(method)
		return call(self, method, *args, **kwargs)

	holding.now_in_utc = lambda: datetime.fromisoformat(moment).replace(tzinfo=timezone.utc)
	SiteClient.call = counted
	try:
		done = {
			"pull": lambda **kw: asdict(pull(**kw)),
			"status": lambda name: of_producer(name),
			"metrics": lambda: metrics(),
			"where": lambda **kw: where_is(ask=False, **kw),
			"task": lambda name: asdict(runner.run_slice(name).task),
		}[what](**args)
		frappe.db.commit()
	finally:
		holding.now_in_utc, SiteClient.call = real, call
	return {"done": done, "asked": len(asked)}


def pull_at(consumer, producer, moment: str) -> dict:
	found = consumer.run(at, moment=moment, what="pull", event_producer=producer.url)
	assert not found["done"]["error"], found
	return found


def come_in(consumer) -> list[str]:
	return [log["producer_doc"] for log in sync_logs(consumer)]


def test_low_rows_wait_for_the_night_and_the_others_come(producer, consumer):
	subscribe_with_hours(consumer, producer)
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	order = producer.run(insert, doctype=ORDER, title=unique("order"))

	for _again in range(2):
		pull_at(consumer, producer, DAY)
		assert come_in(consumer) == [order]
	later = producer.run(insert, doctype=ORDER, title=unique("order"))
	pull_at(consumer, producer, DAY)
	assert come_in(consumer) == [order, later]

	stands = consumer.run(at, moment=DAY, what="status", name=producer.url)["done"]
	assert stands["headline"]["label"] == "Low Rows Wait until 22:00"
	assert stands["headline"]["color"] == "blue"
	lines = {line["doctype"]: line["label"] for line in stands["doctypes"]}
	assert lines == {ORDER: "Events Behind", CITY: "Waits until 22:00"}
	assert stands["caught_up_on"] is None
	told = consumer.run(at, moment=DAY, what="metrics")["done"]
	assert f'event_streaming_producer_waits{{producer="{producer.url}",rows="low"}} 1' in told

	pull_at(consumer, producer, EVENING)
	assert come_in(consumer) == [order, later, city]
	stands = consumer.run(at, moment=EVENING, what="status", name=producer.url)["done"]
	assert stands["headline"]["label"] == "Up to Date"


def test_over_midnight_it_is_still_night(producer, consumer):
	subscribe_with_hours(consumer, producer)
	city = producer.run(insert, doctype=CITY, title=unique("city"))

	# 06:10 there
	pull_at(consumer, producer, MORNING)
	assert come_in(consumer) == []
	# 05:50 there
	pull_at(consumer, producer, "2026-11-30T00:20:00")
	assert come_in(consumer) == [city]


def test_where_is_my_document_says_until_when_it_waits(producer, consumer):
	subscribe_with_hours(consumer, producer)
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	pull_at(consumer, producer, DAY)

	found = consumer.run(at, moment=DAY, what="where", doctype=CITY, name=city)["done"]

	[site] = found["sites"]
	assert any("until 22:00" in why for why in site["why"]), site


def test_when_all_rows_wait_nothing_is_asked_and_nothing_is_green(producer, consumer):
	subscribe_with_hours(consumer, producer, "All Rows")
	order = producer.run(insert, doctype=ORDER, title=unique("order"))
	pull_at(consumer, producer, EVENING)
	producer.run(insert, doctype=ORDER, title=unique("order"))

	found = pull_at(consumer, producer, DAY)

	assert found["asked"] == 0 and come_in(consumer) == [order]
	assert "22:00" in found["done"]["waits"]
	consumer.run(asked_long_ago, name=producer.url)
	stands = consumer.run(at, moment=DAY, what="status", name=producer.url)["done"]
	assert (stands["headline"]["label"], stands["headline"]["color"]) == ("Waits until 22:00", "blue")
	assert {line["label"] for line in stands["doctypes"]} == {"Waits until 22:00"}


def asked_long_ago(name: str) -> None:
	import frappe
	from frappe.utils import add_to_date, now_datetime

	from event_streaming.consumer.logs import state

	state.save_state(name, last_contact=add_to_date(now_datetime(), hours=-10))
	frappe.db.commit()


def begin(kind: str, event_producer: str, doctypes: list) -> str:
	import frappe

	from event_streaming.consumer.first_copy import copying
	from event_streaming.consumer.verify import verifying

	task = (copying if kind == "Copy" else verifying).begin(event_producer, doctypes)
	frappe.db.commit()
	return task.name


@pytest.mark.parametrize("kind", ["Copy", "Verify"])
def test_copies_and_comparisons_of_low_rows_wait_too_and_those_of_others_do_not(producer, consumer, kind):
	name = subscribe_with_hours(consumer, producer)
	task = consumer.run(begin, kind=kind, event_producer=name, doctypes=[CITY, ORDER])

	found = consumer.run(at, moment=DAY, what="task", name=task)["done"]

	assert found["status"] == "Waiting" and "22:00" in found["message"]
	# the order, which has no low priority, is done
	assert found["place"]["number"] == 1 and found["scope"]["doctypes"] == [ORDER, CITY]
	found = consumer.run(at, moment=EVENING, what="task", name=task)["done"]
	assert found["status"] == "Done", found


def test_when_all_rows_wait_so_do_copies(producer, consumer):
	name = subscribe_with_hours(consumer, producer, "All Rows")
	task = consumer.run(begin, kind="Copy", event_producer=name, doctypes=[ORDER])

	found = consumer.run(at, moment=DAY, what="task", name=task)

	assert found["asked"] == 0 and found["done"]["status"] == "Waiting"


def test_what_is_no_time_of_day_is_refused(producer, consumer):
	name = subscribe_with_hours(consumer, producer)

	with pytest.raises(Exception, match="25:00-06:00 is not two times of day"):
		consumer.run(set_hours, name=name, text="25:00-06:00")
	assert consumer.run(set_hours, name=name, text="9:00 – 12:30; 22:00-24:00") == "09:00-12:30, 22:00-00:00"
	pull(consumer, producer)


def set_hours(name: str, text: str) -> str:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	doc.only_between = text
	return doc.save().only_between
