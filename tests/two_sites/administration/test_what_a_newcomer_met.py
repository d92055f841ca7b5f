"""What an administrator met who had never seen the app: what is saved and refused, tried again, or left by a producer that is gone."""

import pytest
from doctypes import CITY
from documents import change, delete, insert, read_doc, unique
from logs import sync_logs
from streams import SUBSCRIBER, decide, make_event_producer, pull, subscribe

pytestmark = pytest.mark.usefixtures("orders")


def save_producer(name: str, secret: str = "", doctype: str = "", condition: str = "") -> dict:
	"""Save the form; what is said, in which colour, and what stands on the headline then."""
	import frappe

	from event_streaming.admin.status import site_status

	doc = frappe.get_doc("Event Producer", name)
	if secret:
		doc.api_secret = secret
	if doctype:
		doc.append("producer_doctypes", {"ref_doctype": doctype, "use_same_name": 1})
	if condition:
		doc.producer_doctypes[0].condition = condition
	frappe.local.message_log = []
	refused = ""
	try:
		doc.save()
		frappe.db.commit()
	except frappe.ValidationError as error:
		frappe.db.rollback()
		refused = str(error)
	said = [frappe.parse_json(each) for each in frappe.local.message_log]
	[row] = site_status()["producers"]
	return {
		"refused": refused,
		"said": " ".join(str(each.get("message")) for each in said),
		"titles": [each.get("title") for each in said],
		"headline": row["headline"]["label"],
	}


def test_what_a_producer_refuses_is_said_with_its_reason_and_never_as_something_that_heals(
	producer, consumer
):
	name = subscribe(consumer, producer, CITY)
	pull(consumer, producer)

	# asked for something that there is not: nothing is saved
	wrong = consumer.run(save_producer, name=name, condition="doc.country_name ==")
	assert wrong["refused"] and wrong["headline"] == "Up to Date", wrong
	assert consumer.run(read_doc, doctype="Event Producer", name=name)["producer_doctypes"][0][
		"condition"
	] in (
		None,
		"",
	)

	# keys that are wrong: saved, and red until they are corrected
	saved = consumer.run(save_producer, name=name, secret="not the secret")
	assert not saved["refused"] and saved["titles"] == ["Saved, but Refused"], saved
	assert "check the API key and secret" in saved["said"] and "next contact" not in saved["said"]
	assert saved["headline"] == "Refused"
	mended = consumer.run(save_producer, name=name, secret="streamsecret")
	assert (mended["refused"], mended["titles"]) == ("", []), mended
	pull(consumer, producer)
	assert consumer.run(save_producer, name=name)["headline"] == "Up to Date"


def resync_and_listen() -> list[dict]:
	"""*Resync All Failed*, and what the list is told."""
	import frappe

	from event_streaming.consumer.pull import by_hand

	told, publish = [], frappe.publish_realtime
	frappe.publish_realtime = lambda event, message=None, **rest: told.append([event, message])
	try:
		by_hand.resync_all(asked_by="Administrator")
	finally:
		frappe.publish_realtime = publish
	return [message for event, message in told if event == by_hand.REALTIME]


def card() -> int:
	from event_streaming.admin.charts import failed_events

	return failed_events()["value"]


def test_resync_all_failed_says_how_many_are_synced_and_how_many_are_not(producer, consumer):
	subscribe(consumer, producer, CITY)
	names = [unique("Taken") for _each in range(3)]
	for name in names:
		consumer.run(insert, doctype=CITY, title=name)
		producer.run(insert, doctype=CITY, title=name)
	pull(consumer, producer)
	assert consumer.run(card) == 3
	for name in names[:2]:
		consumer.run(delete, doctype=CITY, name=name)

	[told] = consumer.run(resync_and_listen)

	assert told == {"message": "2 synced, 1 still open", "done": False}
	assert consumer.run(card) == 1


def test_a_producer_that_is_deleted_leaves_nothing_open_and_nothing_is_tried_when_it_comes_again(
	producer, consumer
):
	name = subscribe(consumer, producer, CITY)
	taken = unique("Taken")
	for site in (consumer, producer):
		site.run(insert, doctype=CITY, title=taken)
	pull(consumer, producer)
	assert consumer.run(card) == 1

	consumer.run(delete, doctype="Event Producer", name=name)
	assert consumer.run(card) == 0 == len(sync_logs(consumer, status="Failed"))

	# back again, and the way is free: what was open is the past
	consumer.run(change, doctype=CITY, name=taken, country_name="ours")
	rows = [{"ref_doctype": CITY, "use_same_name": 1}]
	consumer.run(make_event_producer, url=producer.url, rows=rows)
	producer.run(decide, consumer_url=consumer.url)
	pull(consumer, producer)
	consumer.command("event-streaming", "resync", "--producer", producer.url)
	assert consumer.run(card) == 0
	assert consumer.run(read_doc, doctype=CITY, name=taken)["country_name"] == "ours"
	assert SUBSCRIBER != consumer.run(read_doc, doctype=CITY, name=taken)["modified_by"]
