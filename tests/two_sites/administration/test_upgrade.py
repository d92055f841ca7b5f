"""A site with the older app's data goes on where it stood: nothing lost, nothing twice, whatever runs on the other site."""

import json

import pytest
from doctypes import CITY, TICKET, with_orders
from documents import change, delete, find_name, insert, read_doc, unique
from fake_producer import OlderProducer, at
from logs import sync_logs, update_logs
from older_app import (
	add_delivery,
	add_event,
	add_partner,
	add_row,
	make_older_tables,
	put_the_app_back,
	the_app_is_whole,
	upgrade,
)
from streams import KEYS, SUBSCRIBER, make_subscriber, pull, pull_now

pytestmark = pytest.mark.mariadb("the older app's tables are made in its words")

GET_LOGS = (
	"event_streaming.event_streaming.doctype.event_update_log.event_update_log.get_update_logs_for_consumer"
)
# of the events that `older_producer` has logged, so many had been taken
TAKEN = 4


@pytest.fixture
def sites(producer, consumer):
	with_orders(producer, consumer)
	for site in (producer, consumer):
		site.run(make_subscriber)
	yield producer, consumer
	for site in (producer, consumer):
		if not site.run(the_app_is_whole):
			site.run(put_the_app_back)


@pytest.fixture
def cities(producer, sites) -> list[str]:
	return [producer.run(insert, doctype=CITY, title=unique(f"city {number}")) for number in range(6)]


def older_producer(generation: str, consumer: str, cities: list[str]) -> None:
	"""Six cities were made, then the first one was changed; the consumer has got some of that."""
	make_older_tables(generation)
	row = {"ref_doctype": CITY, "status": "Approved"}
	add_partner("Event Consumer", consumer, [row], KEYS, SUBSCRIBER)
	for number, city in enumerate(cities, start=1):
		data = {"doctype": CITY, "name": city, "title": city}
		log = add_event(generation, at(number), "Create", CITY, city, data)
		if number <= TAKEN:
			add_delivery(log, consumer)
	update = {"changed": {"country_name": "Siam"}, "added": {}, "removed": {}, "row_changed": {}}
	add_event(generation, at(7), "Update", CITY, cities[0], update)
	# an event was deleted, its deliveries were not
	add_delivery("5" if generation == "module" else "0123456789", consumer)


def older_consumer(generation: str, producer: str, cities: list[str], doctype: str = CITY) -> None:
	"""It has the cities that it has taken, of which the last came along as something that another document needed."""
	make_older_tables(generation)
	row = {"ref_doctype": doctype, "status": "Approved", "use_same_name": 1}
	add_partner("Event Producer", producer, [row], KEYS, SUBSCRIBER)
	add_row("Event Producer Last Update", name=producer, event_producer=producer, last_update=at(TAKEN))
	for number, city in enumerate(cities[: TAKEN - 1], start=1):
		add_older_sync_log(generation, producer, number, doctype, city, use_same_name="1")
	# the producer is subscribed to this site too: what came from it, and what a person has made here in the same second
	add_partner(
		"Event Consumer", producer, [{"ref_doctype": doctype, "status": "Approved"}], KEYS, SUBSCRIBER
	)
	for owner, city in ((SUBSCRIBER, cities[0]), ("Administrator", cities[1])):
		add_event(generation, at(number=1)[:-3], "Create", doctype, city, {"name": city}, owner=owner)


def add_older_sync_log(
	generation: str, producer: str, number: int, doctype: str, name: str, **values
) -> None:
	add_row(
		"Event Sync Log",
		generation,
		creation=at(number),
		event_producer=producer,
		ref_doctype=doctype,
		**{
			"update_type": "Create",
			"docname": name,
			"producer_doc": name,
			"status": "Synced",
			"data": json.dumps({"doctype": doctype, "name": name, "title": name}),
			**values,
		},
	)


def look_at_log() -> list[dict]:
	import frappe

	return frappe.db.sql(
		"""SELECT log.name, log.position, CAST(log.creation AS CHAR) AS creation,
			CAST(log.sequenced_on AS CHAR) AS sequenced_on, log.docname, log.owner, delivery.consumer, delivery.at_position
		FROM `tabEvent Update Log` log LEFT JOIN `tabEvent Update Log Consumer` delivery ON delivery.parent = log.name
		ORDER BY log.name""",
		as_dict=True,
	)


def all_deliveries() -> int:
	import frappe

	return frappe.db.count("Event Update Log Consumer")


def read_as_the_older_app(producer, consumer, last_update: str) -> list[dict]:
	return producer.rest(SUBSCRIBER).method(
		GET_LOGS, event_consumer=consumer.url, doctypes=json.dumps([CITY]), last_update=last_update
	)


def kinds(events: list[dict]) -> list[tuple]:
	return [(event["update_type"], event["docname"]) for event in events]


def test_a_producer_keeps_its_log_and_a_consumer_with_the_older_app_goes_on_in_it(
	producer, consumer, sites, cities
):
	producer.run(older_producer, generation="app", consumer=consumer.url, cities=cities)

	producer.run(upgrade, generation="app")

	log = producer.run(look_at_log)
	assert [row["position"] for row in log] == list(range(1, 8)) == [int(row["name"]) for row in log]
	assert [row["docname"] for row in log] == [*cities, cities[0]]
	assert [row["creation"] for row in log] == [at(number) for number in range(1, 8)]
	assert [row["sequenced_on"] for row in log] == [row["creation"] for row in log]
	assert {row["owner"] for row in log} == {SUBSCRIBER}
	assert [row["at_position"] for row in log] == [1, 2, 3, 4, None, None, None]
	assert producer.run(all_deliveries) == TAKEN
	left = [("Create", cities[4]), ("Create", cities[5]), ("Update", cities[0])]
	first = read_as_the_older_app(producer, consumer, at(TAKEN))
	assert kinds(first) == left
	assert kinds(read_as_the_older_app(producer, consumer, at(TAKEN))) == left, "the answer was lost"
	assert read_as_the_older_app(producer, consumer, first[-1]["creation"]) == []
	producer.run(change, doctype=CITY, name=cities[1], country_name="Laos")
	assert kinds(read_as_the_older_app(producer, consumer, first[-1]["creation"])) == [("Update", cities[1])]


def test_both_sites_go_on_where_they_stood(producer, consumer, sites, cities):
	producer.run(older_producer, generation="module", consumer=consumer.url, cities=cities)
	for city in cities[:TAKEN]:
		consumer.run(insert, doctype=CITY, title=city)
	consumer.run(older_consumer, generation="app", producer=producer.url, cities=cities)
	producer.run(upgrade, generation="module")
	consumer.run(upgrade, generation="app")

	pull(consumer, producer)

	logs = sync_logs(consumer)
	assert [log["status"] for log in logs] == ["Synced"] * 6
	assert [(log["update_type"], log["producer_doc"]) for log in logs[3:]] == [
		("Create", cities[4]),
		("Create", cities[5]),
		("Update", cities[0]),
	]
	assert consumer.run(read_doc, doctype=CITY, name=cities[0])["country_name"] == "Siam"
	state = consumer.run(read_doc, doctype="Event Producer Last Update", name=producer.url)
	assert (state["protocol"], state["position"]) == (2, 7)
	pull(consumer, producer)
	assert len(sync_logs(consumer)) == 6

	origins = {log["docname"]: log["origin"] for log in update_logs(consumer)[:2]}
	assert origins == {cities[0]: producer.url, cities[1]: ""}

	# the last one that it had came without an Event Sync Log: known by its name, as it was before
	producer.run(change, doctype=CITY, name=cities[TAKEN - 1], country_name="Laos")
	producer.run(delete, doctype=CITY, name=cities[1])
	pull(consumer, producer)
	assert [log["status"] for log in sync_logs(consumer)] == ["Synced"] * 8
	assert consumer.run(read_doc, doctype=CITY, name=cities[TAKEN - 1])["country_name"] == "Laos"
	assert consumer.run(read_doc, doctype=CITY, name=cities[1]) is None


def interrupt(after: int) -> None:
	"""The patch dies after so many batches of two."""
	import frappe

	from event_streaming.patches.v1_0 import take_over_older_app
	from event_streaming.patches.v1_0.older_app import tables

	commit, left = frappe.db.commit, [after]

	def commit_or_die():
		commit()
		left[0] -= 1
		if left[0] < 0:
			raise KeyboardInterrupt

	tables.BATCH = 2
	tables.frappe.db.commit = commit_or_die
	try:
		take_over_older_app.execute()
	except KeyboardInterrupt:
		frappe.db.rollback()
	finally:
		tables.frappe.db.commit = commit


def test_an_upgrade_that_was_killed_is_taken_up_again(producer, consumer, sites, cities):
	producer.run(older_producer, generation="module", consumer=consumer.url, cities=cities)
	for after in (1, 3):
		producer.run(interrupt, after=after)

	producer.run(upgrade, generation="app")

	log = producer.run(look_at_log)
	assert [(row["position"], row["docname"]) for row in log] == list(
		enumerate([*cities, cities[0]], start=1)
	)
	assert [row["at_position"] for row in log] == [1, 2, 3, 4, None, None, None]
	producer.run(change, doctype=CITY, name=cities[1], country_name="Laos")
	assert kinds(read_as_the_older_app(producer, consumer, at(7))) == [("Update", cities[1])]


# ---------------------------------------------------------------- the other site still runs the older app


def older_branch(producer: str, taken: str, ticket: str, cities: dict[str, str]) -> None:
	"""Cities under Use Same Name, and a ticket with a name of its own; some events had failed."""
	make_older_tables("app")
	rows = [
		{"ref_doctype": CITY, "status": "Approved", "use_same_name": 1},
		{"ref_doctype": TICKET, "status": "Approved", "use_same_name": 0},
	]
	add_partner("Event Producer", producer, rows, KEYS, SUBSCRIBER)
	add_row("Event Producer Last Update", name=producer, event_producer=producer, last_update=taken)
	logs = (
		# never came, and later changes of it went nowhere
		(cities["lost"], "Create", "Failed", {"doctype": CITY, "name": cities["lost"], "title": "years ago"}),
		(cities["lost"], "Update", "Synced", {"changed": {"country_name": "years ago"}}),
		(cities["here"], "Create", "Synced", {"doctype": CITY, "name": cities["here"]}),
		(cities["here"], "Update", "Failed", {"changed": {"country_name": "before"}}),
		(cities["here"], "Update", "Synced", {"changed": {"country_name": "after"}}),
		(cities["behind"], "Update", "Failed", {"changed": {"country_name": "Siam"}}),
		(cities["gone"], "Delete", "Failed", None),
	)
	for number, (name, update_type, status, data) in enumerate(logs, start=1):
		values = {
			"update_type": update_type,
			"status": status,
			"data": json.dumps(data),
			"use_same_name": "1",
		}
		add_older_sync_log("app", producer, number, CITY, name, error=status, **values)
	values = {"use_same_name": None, "docname": ticket}
	add_older_sync_log("app", producer, 8, TICKET, "TCK-REMOTE", **values)


def make_ticket_of(producer: str) -> str:
	"""As the older app left it: with two custom fields of its own making, and neither indexed."""
	import frappe
	from frappe.custom.doctype.custom_field.custom_field import create_custom_field

	for fieldname in ("remote_docname", "remote_site_name"):
		create_custom_field(TICKET, {"fieldname": fieldname, "label": fieldname, "fieldtype": "Data"})
	values = {"title": "A ticket", "remote_docname": "TCK-REMOTE", "remote_site_name": producer}
	return frappe.get_doc({"doctype": TICKET, **values}).insert().name


def remove_ticket_fields() -> None:
	import frappe

	for name in frappe.get_all(
		"Custom Field", {"dt": TICKET, "fieldname": ["like", "remote_%"]}, pluck="name"
	):
		frappe.delete_doc("Custom Field", name)


def look_for_the_other_app_again(producer: str) -> None:
	import frappe

	frappe.cache.delete_value(f"event_streaming:old:{producer}")


@pytest.fixture
def branch(consumer, sites):
	"""A consumer whose producer still runs Frappe 14's module."""
	with OlderProducer(consumer.url, CITY, TICKET) as older:
		ticket = consumer.run(make_ticket_of, producer=older.url)
		cities = {word: unique(word) for word in ("lost", "here", "behind", "gone", "new")}
		for word in ("here", "behind", "gone"):
			consumer.run(insert, doctype=CITY, title=cities[word], country_name="as it is")
		consumer.run(older_branch, producer=older.url, taken=at(10), ticket=ticket, cities=cities)
		older.documents[f"{CITY}/{cities['lost']}"] = {
			"doctype": CITY,
			"name": cities["lost"],
			"title": cities["lost"],
			"country_name": "now",
		}
		yield older, cities, ticket
	consumer.run(remove_ticket_fields)


def test_a_consumer_goes_on_while_its_producer_runs_the_older_app_and_when_it_does_no_more(consumer, branch):
	older, cities, ticket = branch
	older.older_event(9, CITY, cities["here"], "Update", {"changed": {"country_name": "taken already"}})
	new = {"doctype": CITY, "name": cities["new"], "title": cities["new"]}
	older.older_event(11, CITY, cities["new"], "Create", new)
	older.older_event(12, TICKET, "TCK-REMOTE", "Update", {"changed": {"note": "from there"}})

	consumer.run(upgrade, generation="app")
	summary = consumer.run(pull_now, event_producer=older.url)

	assert summary["error"] == ""
	assert [call["last_update"] for call in older.calls("get_update_logs_for_consumer")][-1] == at(10)
	countries = {
		word: (consumer.run(read_doc, doctype=CITY, name=name) or {}).get("country_name")
		for word, name in cities.items()
	}
	assert countries == {"lost": "now", "here": "as it is", "behind": "Siam", "gone": None, "new": None}
	assert consumer.run(read_doc, doctype=CITY, name=cities["gone"]) is None
	assert consumer.run(read_doc, doctype=TICKET, name=ticket)["note"] == "from there"
	logs = sync_logs(consumer)
	assert {log["status"] for log in logs} == {"Synced", ""}
	assert [(log["producer_doc"], log["update_type"]) for log in logs if not log["status"]] == [
		(cities["here"], "Update")
	]
	came = [(log["update_type"], log["producer_doc"]) for log in logs[8:]]
	assert came == [("Create", cities["new"]), ("Update", "TCK-REMOTE")]

	# nothing twice: what is read again is known, and what the older app had taken is not read again
	pull_again(consumer, older)
	assert older.calls("get_update_logs_for_consumer")[-1]["last_update"] == at(10)
	assert len(sync_logs(consumer)) == 10

	# the producer is upgraded: its log has other numbers for the same events
	older.upgraded, older.position_then = True, 10
	older.position = 10
	again = older.event(CITY, cities["new"], new, creation=at(11))
	more = older.event(CITY, cities["new"], None, update_type="Update", creation="2026-01-01 00:00:00.000000")
	more["data"] = json.dumps({"changed": {"country_name": "Laos"}})
	older.pages = [{"events": [again, more]}]
	consumer.run(look_for_the_other_app_again, producer=older.url)
	pull_again(consumer, older)
	registered = [json.loads(call["data"]) for call in older.calls("register_consumer")]
	assert registered[-1]["last_update"] == at(10)
	assert [log["event_id"] for log in sync_logs(consumer)[10:]] == ["12"]
	assert consumer.run(read_doc, doctype=CITY, name=cities["new"])["country_name"] == "Laos"
	state = consumer.run(read_doc, doctype="Event Producer Last Update", name=older.url)
	assert (state["protocol"], state["position"]) == (2, 12)


def test_what_a_producer_with_the_older_app_gives_back_is_known(consumer, branch):
	older, cities, _ticket = branch
	consumer.run(upgrade, generation="app")
	pull_again(consumer, older)
	consumer.run(give, consumer=older.url, doctypes=[CITY, TICKET])
	mine = consumer.run(insert, doctype=CITY, title=unique("mine"), country_name="newer")
	ticket = consumer.run(insert, doctype=TICKET, title="mine", note="newer")
	state = {"doctype": CITY, "name": mine, "title": mine, "country_name": "older"}
	theirs = {"doctype": TICKET, "name": "TCK-THERE", "title": "mine", "note": "older"}
	theirs |= {"remote_docname": ticket, "remote_site_name": consumer.url}
	again = {"doctype": CITY, "name": cities["behind"], "title": cities["behind"], "country_name": "older"}
	older.older_event(20, CITY, mine, "Create", state)
	older.older_event(21, TICKET, "TCK-THERE", "Create", theirs)
	older.older_event(22, TICKET, "TCK-THERE", "Update", {"changed": {"note": "newest"}})
	older.older_event(23, CITY, cities["behind"], "Create", again)

	pull_again(consumer, older)

	logs = sync_logs(consumer)[-4:]
	assert [(log["status"], log["outcome"]) for log in logs] == [
		("Synced", "Was here already"),
		("Synced", "Was here already"),
		("Synced", "Updated"),
		("Synced", "Was here already"),
	]
	assert consumer.run(read_doc, doctype=CITY, name=mine)["country_name"] == "newer"
	assert consumer.run(read_doc, doctype=TICKET, name=ticket)["note"] == "newest"
	assert consumer.run(find_name, doctype=TICKET, remote_docname="TCK-THERE") is None


def give(consumer: str, doctypes: list[str]) -> None:
	add_partner(
		"Event Consumer",
		consumer,
		[{"ref_doctype": doctype, "status": "Approved"} for doctype in doctypes],
		KEYS,
		SUBSCRIBER,
	)


def pull_again(consumer, older) -> None:
	summary = consumer.run(pull_now, event_producer=older.url)
	assert not summary["error"], summary["error"]
