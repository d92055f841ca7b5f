"""GET …/event_streaming.api.metrics: numbers for Prometheus, for those who may have them."""

import requests
from doctypes import CITY, with_orders
from documents import change, insert, unique
from logs import with_statements
from streams import pull, subscribe

PATH = "/api/method/event_streaming.api.metrics"
SETTINGS = "Event Streaming Settings"
WATCHER, ROLE = "watcher@example.com", "Stream Watcher"


def scrape(site, user: str = "Administrator"):
	headers = {"Authorization": site.rest(user).session.headers["Authorization"]}
	return requests.get(f"{site.url}{PATH}", headers=headers, timeout=60)


def values(text: str) -> dict[str, float]:
	"""Metric with labels -> value."""
	lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
	return {name: float(value) for name, value in lines}


def test_both_roles_of_a_site_are_in_the_metrics(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	pull(consumer, producer)
	before = producer.run("event_streaming.producer.log.sequence.head_position")
	name = unique("City")
	consumer.run(insert, doctype=CITY, title=name)
	for title in (name, unique("City")):
		producer.run(insert, doctype=CITY, title=title)
	pull(consumer, producer)
	producer.run(insert, doctype=CITY, title=unique("City"))
	producer.run("event_streaming.producer.log.sequence.assign_positions")

	answer, sending = scrape(consumer), values(scrape(producer).text)

	assert answer.status_code == 200
	assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
	taking = values(answer.text)
	label = f'{{producer="{producer.url}"}}'
	assert taking[f"event_streaming_producer_up{label}"] == 1
	assert taking[f'event_streaming_unsettled_events{{producer="{producer.url}",status="failed"}}'] == 1
	assert taking[f"event_streaming_producer_position_total{label}"] == before + 2
	assert sending["event_streaming_logged_events_total"] == before + 3
	assert sending[f'event_streaming_consumer_events_behind{{consumer="{consumer.url}"}}'] >= 1
	contact = sending[f'event_streaming_consumer_last_contact_timestamp_seconds{{consumer="{consumer.url}"}}']
	now = producer.run(clock)
	assert now - 600 < contact <= now


def clock() -> float:
	import time

	return time.time()


def test_metrics_are_for_the_role_that_the_settings_name_and_nobody_else(consumer):
	consumer.run(make_watcher)
	assert scrape(consumer, WATCHER).status_code == 403
	assert requests.get(f"{consumer.url}{PATH}", timeout=60).status_code == 403

	consumer.run(change, doctype=SETTINGS, name=SETTINGS, metrics_role=ROLE)

	assert scrape(consumer, WATCHER).status_code == 200
	status = f"{consumer.url}/api/method/event_streaming.api.status"
	headers = {"Authorization": consumer.rest(WATCHER).session.headers["Authorization"]}
	assert requests.get(status, headers=headers, timeout=60).status_code == 403


def make_watcher() -> None:
	import frappe

	if not frappe.db.exists("Role", ROLE):
		frappe.get_doc({"doctype": "Role", "role_name": ROLE, "desk_access": 0}).insert()
	if not frappe.db.exists("User", WATCHER):
		doc = frappe.get_doc(
			{"doctype": "User", "email": WATCHER, "first_name": "W", "send_welcome_email": 0}
		)
		doc.insert()
		doc.add_roles(ROLE)


def test_a_scrape_costs_the_same_however_many_events_there_are(producer, consumer):
	"""The number of queries depends on how many sites there are, and nothing is read event by event."""
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	pull(consumer, producer)
	before = consumer.run(count_queries)
	for _number in range(3):
		name = unique("Taken")
		consumer.run(insert, doctype=CITY, title=name)
		producer.run(insert, doctype=CITY, title=name)
	pull(consumer, producer)

	assert consumer.run(count_queries) == before


def count_queries() -> int:

	from event_streaming.admin.metrics import metrics

	metrics()
	_result, seen = with_statements(metrics)
	return len(seen)
