"""Documents that have to be fetched: one that is too large or too odd fails alone, and too much at once is asked for in parts."""

import json

import pytest
from doctypes import CITY, with_orders
from documents import insert, unique
from streams import subscribe


def fetch_with(event_producer: str, names: list, behaviour: str) -> dict:
	"""What is fetched, and how many were asked for each time, from a producer that answers in this way."""
	import frappe

	from event_streaming.consumer.subscriptions.remote import Producer
	from event_streaming.exceptions import RemoteError, RemoteUnavailable

	producer, asked = Producer(frappe.get_doc("Event Producer", event_producer)), []
	original = producer.client.call

	def call(path, args, **options):
		chunk = json.loads(args["documents"])
		asked.append(len(chunk))
		if behaviour == "too large" and (len(chunk) > 2 or ["Streamed City", names[0]] in chunk):
			raise RemoteError("The answer is too large.")
		if behaviour == "too slow" and len(chunk) > 2:
			raise RemoteUnavailable("no answer in time", timed_out=True)
		if behaviour == "unreachable":
			raise RemoteUnavailable("not there")
		answer = original(path, args, **options)
		if behaviour == "odd":
			answer["documents"][0]["data"]["title"] = "\ud800"
		if behaviour == "no room":
			answer["documents"], answer["missing"] = answer["documents"][:2], []
		return answer

	producer.client.call = call
	try:
		fetched = producer.get_documents([(CITY, name) for name in names])
	finally:
		producer.client.close()
	return {
		"documents": sorted(name for _doctype, name in fetched.documents),
		"missing": {name: reason for (_doctype, name), reason in fetched.missing.items()},
		"asked": asked,
	}


@pytest.fixture
def names(consumer, producer) -> list:
	with_orders(consumer, producer)
	subscribe(consumer, producer, CITY)
	return sorted(producer.run(insert, doctype=CITY, title=unique("city")) for _number in range(6))


def test_what_found_no_room_is_asked_for_again(consumer, producer, names):
	done = consumer.run(fetch_with, event_producer=producer.url, names=names, behaviour="no room")

	assert (done["documents"], done["missing"], done["asked"]) == (names, {}, [6, 4, 2])


def test_a_producer_that_is_too_slow_is_asked_for_less(consumer, producer, names):
	done = consumer.run(fetch_with, event_producer=producer.url, names=names, behaviour="too slow")

	assert (done["documents"], done["missing"]) == (names, {})


def test_one_document_that_is_too_large_is_missing_alone(consumer, producer, names):
	done = consumer.run(fetch_with, event_producer=producer.url, names=names, behaviour="too large")

	assert (done["documents"], list(done["missing"])) == (names[1:], names[:1])
	assert "too large" in done["missing"][names[0]]


def test_one_document_of_a_wrong_shape_is_missing_alone(consumer, producer, names):
	done = consumer.run(fetch_with, event_producer=producer.url, names=names, behaviour="odd")

	assert len(done["documents"]) == 5
	assert all("characters" in reason for reason in done["missing"].values()) and len(done["missing"]) == 1


def test_a_producer_that_is_not_there_is_asked_once(consumer, producer, names):
	with pytest.raises(Exception, match="not there"):
		consumer.run(fetch_with, event_producer=producer.url, names=names, behaviour="unreachable")
