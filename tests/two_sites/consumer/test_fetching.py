"""Documents that have to be fetched: one that is too large or too odd fails alone, and too much at once is asked for in parts."""

import json

import pytest
from doctypes import CITY, with_orders
from documents import change, insert, unique
from killing import wait_for
from logs import update_logs
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


def read_slowly(name: str) -> dict:
	"""A document with its position, which is changed when the log has been read and the document has not."""
	import time

	from event_streaming.producer.documents import exact

	load = exact.load_documents

	def load_later(*args):
		step_of_reading("read")
		deadline = time.monotonic() + 60
		while step_of_reading() != "changed":
			if time.monotonic() > deadline:
				raise TimeoutError
			time.sleep(0.05)
		return load(*args)

	exact.load_documents = load_later
	try:
		documents, positions = exact.load_with_positions(CITY, [name])
	finally:
		exact.load_documents = load
	return {"shows": documents[name].country_name, "up to": positions[name]}


def step_of_reading(step: str = "") -> str | None:
	import frappe

	if step:
		frappe.cache.set("test_fetching", step, ex=120)
	found = frappe.cache.get("test_fetching")
	return found.decode() if found else None


def test_a_document_that_is_changed_while_it_is_read_has_no_event_in_it_that_comes_after_its_position(
	producer, names
):
	producer.run(change, doctype=CITY, name=names[0], country_name="Laos")
	producer.run(step_of_reading, step="begun")
	reading = producer.shell().start(read_slowly, name=names[0])
	wait_for(lambda: producer.run(step_of_reading) == "read", "the reading of the log")

	producer.run(change, doctype=CITY, name=names[0], country_name="Siam")
	producer.run(step_of_reading, step="changed")

	read = reading.wait()
	_created, laos, siam = (log["position"] for log in update_logs(producer) if log["docname"] == names[0])
	# the last one got its position after the reading, if it has any yet
	assert (read["shows"], read["up to"] >= laos) == ("Laos", True)
	assert not siam or read["up to"] < siam
