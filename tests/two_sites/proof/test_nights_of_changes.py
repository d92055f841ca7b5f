"""Scheduled verify of what has changed: the cheap night finds what either site knows of, the full round the rest."""

import json

import pytest
from doctypes import CITY
from documents import delete, insert, unique
from streams import pull, subscribe

pytestmark = pytest.mark.usefixtures("orders")


def forget_cities() -> None:
	import frappe

	frappe.db.delete(CITY)
	frappe.db.delete("Event Document Identity", {"local_doctype": CITY})
	frappe.db.delete("Deleted Document", {"deleted_doctype": CITY})
	frappe.db.commit()


def age(names: list) -> None:
	"""They were made and logged long ago."""
	import frappe

	old = frappe.utils.add_days(frappe.utils.now_datetime(), -9)
	for name in names:
		frappe.db.set_value(CITY, name, "modified", old, update_modified=False)
	frappe.db.sql("update `tabEvent Sync Log` set creation = %s", old)


def set_up(event_producer: str, **values) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.update({"verify_from_hour": 0, "verify_by_itself": "Every Day", **values})
	doc.verify_share = "What Has Changed"
	doc.save()


def another_night(event_producer: str) -> dict:
	import frappe

	from event_streaming.consumer.long_work import scheduled
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task

	name = {"event_producer": event_producer}
	if frappe.db.exists("Event Producer Last Update", name):
		yesterday = frappe.utils.add_days(frappe.utils.today(), -1)
		frappe.db.set_value("Event Producer Last Update", name, "scheduled_for", yesterday)
	sent, send = [], frappe.sendmail
	frappe.sendmail = lambda **mail: sent.append(mail["message"])
	try:
		while names := scheduled.go_on():
			frappe.db.commit()
			for name in names:
				while run_slice(name).more:
					pass
	finally:
		frappe.sendmail = send
	frappe.db.commit()
	work = task.latest(event_producer, task.VERIFY)
	found = {each["remote_name"]: each["kind"] for each in work.report["findings"]}
	return {"found": found, "done": work.done, "mail": sent[-1], "since": work.scope["since"]}


def past_the_document(names: list, country: str, stamp: bool = False) -> None:
	import frappe

	for name in names:
		frappe.db.set_value(CITY, name, "country_name", country, update_modified=stamp)


def delete_by_sql(name: str) -> None:
	import frappe

	frappe.db.delete(CITY, {"name": name})


def test_a_cheap_night_finds_what_either_site_knows_of_and_the_full_round_the_rest(producer, consumer):
	for site in (producer, consumer):
		site.run(forget_cities)
	event_producer = subscribe(consumer, producer, CITY)
	names = [unique("City") for _each in range(12)]
	for name in names:
		producer.run(insert, doctype=CITY, title=name, country_name="Siam")
	pull(consumer, producer)
	for site in (producer, consumer):
		site.run(age, names=names)
	consumer.run(set_up, event_producer=event_producer)
	first = consumer.run(another_night, event_producer=event_producer)
	assert (first["found"], first["done"], first["since"]) == ({}, 12, {})
	quiet = consumer.run(another_night, event_producer=event_producer)
	assert (quiet["found"], quiet["done"]) == ({}, 0) and "Only what has changed since" in quiet["mail"]

	there, here, gone, event, silent, lost, *_rest = names
	producer.run(past_the_document, names=[there], country="changed there", stamp=True)
	consumer.run(past_the_document, names=[here], country="changed here", stamp=True)
	consumer.run(delete, doctype=CITY, name=gone)
	producer.run(past_the_document, names=[event], country="by an event")
	producer.run(touch, name=event)
	pull(consumer, producer)
	consumer.run(past_the_document, names=[event, silent], country="by SQL")
	producer.run(delete_by_sql, name=lost)

	night = consumer.run(another_night, event_producer=event_producer)
	assert night["found"] == {there: "Different", here: "Different", gone: "Missing", event: "Different"}
	assert night["done"] < 12
	# nobody has mended them: they are said again, and each is there once
	again = consumer.run(another_night, event_producer=event_producer)
	assert again["found"] == night["found"]

	# a person may ask for the same, and what a comparison of some documents says takes nothing from it
	command = ("event-streaming", "verify", "--producer", event_producer, "--json")
	some = consumer.command(*command, "--filters", f'{{"name": "{silent}"}}')
	assert some.returncode == 3, some.stderr
	by_hand = consumer.command(*command, "--what-has-changed")
	assert kinds_in(by_hand.stdout) == night["found"], by_hand.stderr
	refused = consumer.command(*command, "--what-has-changed", "--filters", "{}")
	assert refused.returncode == 2 and "not both" in refused.stderr
	assert consumer.run(refusal_of_both, event_producer=event_producer)
	again = consumer.run(another_night, event_producer=event_producer)
	assert again["found"] == night["found"]

	consumer.run(set_up, event_producer=event_producer, verify_full_every=0)
	full = consumer.run(another_night, event_producer=event_producer)
	assert full["found"] == {**night["found"], silent: "Different", lost: "Extra"}

	consumer.run(
		set_up, event_producer=event_producer, verify_full_every=7, verify_repair="Missing and Different"
	)
	consumer.run(another_night, event_producer=event_producer)
	mended = consumer.run(another_night, event_producer=event_producer)
	assert set(mended["found"]) <= {lost}


def kinds_in(answer: str) -> dict:
	report = json.loads(answer)["report"]
	assert report["doctypes"][CITY]["changed_since"]
	return {each["remote_name"]: each["kind"] for each in report["findings"]}


def refusal_of_both(event_producer: str) -> bool:
	import frappe

	from event_streaming.api import verify

	try:
		verify(event_producer, [CITY], {"name": "x"}, what_has_changed=1)
	except frappe.ValidationError as error:
		return "not both" in str(error)
	return False


def touch(name: str) -> None:
	import frappe

	frappe.get_doc(CITY, name).db_set("country_name", "by an event, again", update_modified=False)
