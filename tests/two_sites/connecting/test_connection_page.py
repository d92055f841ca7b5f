"""One connection and the map of all, as the page, REST and the terminal have them."""

import json

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import insert, unique
from streams import pull, subscribe

API = "event_streaming.api"


@pytest.fixture(autouse=True)
def cities(producer, consumer):
	with_orders(producer, consumer)


def line(found: dict, doctype: str) -> dict:
	return next(each for each in found["doctypes"] if each["doctype"] == doctype)


def test_each_doctype_says_how_fresh_it_is_and_why_not(producer, consumer):
	subscribe(consumer, producer, CITY, ORDER)
	taken = unique("Taken")
	for site in (consumer, producer):
		site.run(insert, doctype=CITY, title=taken)
	producer.run(insert, doctype=ORDER, title="Rice", total=1)
	pull(consumer, producer)
	pull(consumer, producer)

	found = consumer.rest().method(f"{API}.connection", site=f"{producer.url.upper()}/")
	cities, orders = line(found["pulls"], CITY), line(found["pulls"], ORDER)

	assert (found["site"], found["sends"]) == (producer.url, None)
	assert (orders["label"], orders["color"], orders["failed"], orders["per_hour"]) == (
		"Up to Date",
		"green",
		0,
		1,
	)
	assert (cities["label"], cities["color"], cities["failed"]) == ("1 Failed", "red", 1)
	assert cities["fresh"] < orders["fresh"]
	assert [cause["title"] for cause in cities["causes"]] == ["Name taken on this site (ES-417)"]
	assert found["pulls"]["delay"] is not None

	there = producer.rest().method(f"{API}.connection", site=consumer.url)
	assert there["pulls"] is None
	assert {each["doctype"]: each["taken"] for each in there["sends"]["doctypes"]} == {CITY: 1, ORDER: 1}

	seen = consumer.rest().method(f"{API}.map")
	[stream] = seen["streams"]
	assert (stream["site"], stream["direction"], stream["color"], stream["per_hour"]) == (
		producer.url,
		"from",
		"red",
		2,
	)
	[stream] = producer.rest().method(f"{API}.map")["streams"]
	assert (stream["site"], stream["direction"], stream["color"]) == (consumer.url, "to", "green")
	assert stream["per_hour"] == 2 and stream["delay"] is not None

	said = consumer.command("event-streaming", "connection", producer.url)
	assert (said.returncode, "1 Failed" in said.stdout) == (3, True), said.stdout + said.stderr
	as_json = consumer.command("event-streaming", "connection", producer.url, "--json")
	assert json.loads(as_json.stdout)["pulls"]["doctypes"][0]["causes"] == cities["causes"]
	assert producer.command("event-streaming", "connection").returncode == 0
	assert consumer.command("event-streaming", "connection", "http://nowhere.example").returncode == 1

	assert consumer.rest().method(
		f"{API}.set_subscribed", event_producer=producer.url, doctype=CITY, subscribed=0
	)
	found = consumer.rest().method(f"{API}.connection", site=producer.url)
	assert (line(found["pulls"], CITY)["label"], line(found["pulls"], CITY)["subscribed"]) == (
		"Unsubscribed",
		False,
	)
	assert not consumer.rest().method(
		f"{API}.set_subscribed", event_producer=producer.url, doctype=CITY, subscribed=0
	)


def test_what_happened_stands_in_the_timeline_page_by_page(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(be_offline, event_producer=producer.url)
	assert "Unreachable since then" in {each["title"] for each in timeline(consumer, producer)}
	pull(consumer, producer)
	for paused in (True, False):
		consumer.run(set_paused, event_producer=producer.url, paused=paused)
	consumer.command("event-streaming", "copy", "--producer", producer.url)

	titles = [each["title"] for each in timeline(consumer, producer)]

	assert titles[0] == "Copy: Done" and {"Paused", "Resumed", "Subscription Changed"} <= set(titles), titles
	[outage] = [title for title in titles if title.startswith("Unreachable until")]
	assert outage
	there = [each["title"] for each in timeline(producer, consumer)]
	assert {"Approved", "Registered"} <= set(there), there


def test_a_field_that_came_new_is_made_here_or_ignored(producer, consumer):
	subscribe(consumer, producer, CITY)
	for label, fieldtype, options in (
		("Mayor <b>x</b>", "Data", "Email"),
		("Size", "Select", "Small\nLarge"),
		("Twin", "Link", "Note"),
	):
		fieldname = f"es_{fieldtype.lower()}"
		producer.run(
			insert,
			doctype="Custom Field",
			dt=CITY,
			fieldname=fieldname,
			label=label,
			fieldtype=fieldtype,
			options=options,
		)
	try:
		found = schema(consumer, producer)
		by_field = {each["field"]: each for each in found["differences"]}
		assert {name: each["can_create"] for name, each in by_field.items()} == {
			"es_data": True,
			"es_select": True,
			"es_link": False,
		}, found
		assert by_field["es_data"]["label"] == "Mayor x"

		consumer.run(claim, event_producer=producer.url, key=by_field["es_data"]["difference"], field="save")
		with pytest.raises(Exception, match="something named save already"):
			act(consumer, producer, "create_field", {"difference": "lied"})
		for fieldname in ("es_data", "es_select"):
			act(consumer, producer, "create_field", by_field[fieldname])
		with pytest.raises(Exception, match="not a plain field"):
			act(consumer, producer, "create_field", by_field["es_link"])
		act(consumer, producer, "ignore_difference", by_field["es_link"])

		[left] = schema(consumer, producer)["differences"]
		assert (left["field"], left["ignored_by"]) == ("es_link", "Administrator")
		assert consumer.run(options_of, doctype=CITY, fieldname="es_select") == ["Select", "Small\nLarge"]
		titles = [each["title"] for each in timeline(consumer, producer)]
		assert titles.count("Field Created") == 2 and "Difference Ignored" in titles

		act(consumer, producer, "ignore_difference", left, ignored=0)
		said = consumer.command("event-streaming", "connection", producer.url, "--schema")
		assert "es_link" in said.stdout, said.stdout + said.stderr
	finally:
		for site in (producer, consumer):
			site.run(remove_fields, doctype=CITY)


def test_a_field_that_came_new_is_seen_by_the_daily_look_and_stands_in_the_timeline(producer, consumer):
	subscribe(consumer, producer, CITY)
	daily = "event_streaming.tasks.event_streaming_daily"
	consumer.run(daily)
	assert not changed_fields(consumer, producer)
	new = {"dt": CITY, "fieldname": "es_new", "label": "New", "fieldtype": "Data"}
	producer.run(insert, doctype="Custom Field", **new)
	try:
		consumer.run(daily)

		assert "es_new" in changed_fields(consumer, producer)[0]
		found = consumer.rest().method(f"{API}.connection_schema", site=producer.url, ask=0)
		assert [each["field"] for each in found["differences"]] == ["es_new"]
	finally:
		producer.run(remove_fields, doctype=CITY)


def changed_fields(site, other) -> list[str]:
	return [each["title"] for each in timeline(site, other) if each["title"].startswith("Fields differ now")]


def timeline(site, other) -> list[dict]:
	"""All of its pages."""
	found, after = [], ""
	while True:
		page = site.rest().method(f"{API}.connection_timeline", site=other.url, after=after)
		found += page["entries"]
		after = page["after"]
		if not after:
			assert [each["at"] for each in found] == sorted((each["at"] for each in found), reverse=True)
			return found


def schema(site, other) -> dict:
	found = site.rest().method(f"{API}.connection_schema", site=other.url)
	assert found["problem"] == ""
	return found


def act(site, other, method: str, difference: dict, **arguments):
	return site.rest().method(
		f"{API}.{method}", site=other.url, difference=difference["difference"], **arguments
	)


def be_offline(event_producer: str) -> None:
	"""As a pull leaves it that could not reach the producer."""
	from event_streaming.consumer.logs import state
	from event_streaming.consumer.pull.back_off import record_failure
	from event_streaming.exceptions import RemoteUnavailable

	state.record_contact(event_producer)
	record_failure(event_producer, RemoteUnavailable("no way"))


def set_paused(event_producer: str, paused: bool) -> None:
	from event_streaming.api import pause, resume

	(pause if paused else resume)(event_producer=event_producer)


def claim(event_producer: str, key: str, field: str) -> None:
	"""The producer says that it has a field which would hide a function of documents here."""
	from event_streaming.consumer.logs import state

	kept = state.schema_notes(event_producer, lock=True)
	kept["notes"]["lied"] = {**kept["notes"][key], "field": field}
	state.keep_schema_notes(event_producer, kept)


def options_of(doctype: str, fieldname: str) -> list:
	import frappe

	field = frappe.get_meta(doctype).get_field(fieldname)
	return [field.fieldtype, field.options]


def remove_fields(doctype: str) -> None:
	import frappe

	for name in frappe.get_all("Custom Field", {"dt": doctype, "fieldname": ["like", "es_%"]}, pluck="name"):
		frappe.delete_doc("Custom Field", name)
