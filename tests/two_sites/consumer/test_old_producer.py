"""The handshake with a producer that runs the older app: it tells nothing by itself, and is changed through its document."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import read_doc
from fake_producer import OlderProducer
from streams import make_event_producer, make_subscriber, pull_now, set_unsubscribed

ROWS = [{"ref_doctype": CITY, "use_same_name": 1}, {"ref_doctype": ORDER, "use_same_name": 1}]


@pytest.fixture
def older(consumer):
	"""It knows this site already, and has approved one of two DocTypes."""
	with_orders(consumer)
	consumer.run(make_subscriber)
	with OlderProducer(consumer.url, CITY) as producer:
		yield producer


def on_record(older, consumer) -> list[tuple]:
	rows = older.documents[f"Event Consumer/{consumer.url}"]["consumer_doctypes"]
	return [(row["ref_doctype"], row["status"], row["unsubscribed"]) for row in rows]


def statuses(older, consumer) -> dict[str, str]:
	rows = consumer.run(read_doc, doctype="Event Producer", name=older.url)["producer_doctypes"]
	return {row["ref_doctype"]: row["status"] for row in rows}


def test_what_it_has_decided_before_is_known_at_once(consumer, older):
	consumer.run(make_event_producer, url=older.url, rows=ROWS)

	assert on_record(older, consumer) == [(CITY, "Approved", 0), (ORDER, "Pending", 0)]
	assert statuses(older, consumer) == {CITY: "Approved", ORDER: "Pending"}


def test_a_change_made_while_it_is_down_arrives_with_the_next_pull_and_its_decisions_come_along(
	consumer, older
):
	consumer.run(make_event_producer, url=older.url, rows=ROWS)
	assert not consumer.run(pull_now, event_producer=older.url)["error"]
	older.down = True
	consumer.run(set_unsubscribed, name=older.url, doctype=CITY, unsubscribed=1)
	older.down = False
	older.documents[f"Event Consumer/{consumer.url}"]["consumer_doctypes"][1]["status"] = "Rejected"

	assert not consumer.run(pull_now, event_producer=older.url)["error"]

	assert on_record(older, consumer) == [(CITY, "Approved", 1), (ORDER, "Rejected", 0)]
	assert statuses(older, consumer) == {CITY: "Approved", ORDER: "Rejected"}
	changes = [request for request in older.requests if request.verb == "PUT"]
	assert not consumer.run(pull_now, event_producer=older.url)["error"]
	assert [request for request in older.requests if request.verb == "PUT"] == changes
