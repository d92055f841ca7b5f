"""`bench --site … event-streaming …` as a person or a script sees it: what is printed, and the exit code.

The same over REST, where that says it in fewer words.
"""

import json

import pytest
from doctypes import CITY, ORDER
from documents import change, delete, insert, read_doc, unique
from logs import sync_logs
from streams import pull

API = "event_streaming.api"
pytestmark = pytest.mark.usefixtures("cities_streamed")


def run(site, *words: str):
	return site.command("event-streaming", *words)


def fail_an_event(producer, consumer) -> str:
	"""A name that is taken on the consumer; deleting the document there removes the cause."""
	name = unique("Taken")
	consumer.run(insert, doctype=CITY, title=name)
	producer.run(insert, doctype=CITY, title=name)
	pull(consumer, producer)
	return name


def test_pull_brings_what_is_there_and_says_so(producer, consumer):
	name = producer.run(insert, doctype=CITY, title=unique("City"))

	done = run(consumer, "pull")

	assert (done.returncode, done.stderr) == (0, "")
	assert done.stdout == f"{producer.url}: 1 events, 1 applied, 0 failed or waiting, 0 behind\n"
	assert consumer.run(read_doc, doctype=CITY, name=name)


def test_pull_tells_by_its_exit_code_what_went_wrong(producer, consumer):
	consumer.run(change, doctype="Event Producer", name=producer.url, paused=1)

	paused = run(consumer, "pull", "--producer", f"{producer.url.upper()}/")
	unknown = run(consumer, "pull", "--producer", producer.url[:-1])
	wrong = run(consumer, "pull", "--all-of-it")
	no_time = run(consumer, "pull", "--seconds", "0")
	all_paused = run(consumer, "pull")

	assert (paused.returncode, unknown.returncode, wrong.returncode, no_time.returncode) == (1, 1, 2, 2)
	assert (all_paused.returncode, "every Event Producer is paused" in all_paused.stdout) == (0, True)
	assert "is paused" in paused.stderr
	assert f"Did you mean {producer.url}?" in unknown.stderr


def test_status_shows_both_roles_and_what_needs_a_person(producer, consumer):
	pull(consumer, producer)

	well, sender = run(consumer, "status"), run(producer, "status", "--json")

	assert well.returncode == 0
	assert [producer.url, "Up", "to", "Date", "0", "0", "0", "0", "0"] in [
		line.split()[:9] for line in well.stdout.splitlines()
	]
	assert sender.returncode == 0
	(row,) = json.loads(sender.stdout)["consumers"]
	assert (row["name"], row["active"], row["pending"]) == (consumer.url, True, [])


def test_status_ends_with_another_code_when_an_event_has_failed_or_a_consumer_waits(producer, consumer):
	fail_an_event(producer, consumer)
	consumer.run(add_row, name=producer.url, doctype=ORDER)

	taking, sending = run(consumer, "status"), run(producer, "status")

	assert (taking.returncode, sending.returncode) == (3, 3)
	assert f"{producer.url}: 1 events have failed." in taking.stdout
	assert f"{consumer.url} waits for a decision about {ORDER}." in sending.stdout


def test_status_ends_with_another_code_when_a_consumer_stays_away_and_the_log_grows(producer, consumer):
	pull(consumer, producer)
	producer.run(stay_away, event_consumer=consumer.url, hours=30)

	found = run(producer, "status")

	assert (found.returncode, "has not asked for events for more than a day" in found.stdout) == (3, True)
	producer.run(
		"event_streaming.admin.decisions.set_paused", doctype="Event Consumer", name=consumer.url, paused=True
	)
	assert run(producer, "status").returncode == 0


def stay_away(event_consumer: str, hours: float) -> None:
	import frappe

	contact = frappe.utils.add_to_date(frappe.utils.now_datetime(), hours=-hours)
	frappe.db.set_value("Event Consumer", event_consumer, "last_contact", contact, update_modified=False)


def add_row(name: str, doctype: str, **values) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	doc.append("producer_doctypes", {"ref_doctype": doctype, "use_same_name": 1, **values})
	doc.save()


def test_copy_brings_what_existed_before_the_subscription_and_says_so(producer, consumer):
	title = unique("before")
	name = producer.run(insert, doctype=ORDER, title=title)
	consumer.run(add_row, name=producer.url, doctype=ORDER)
	refused = run(consumer, "copy", "--doctype", ORDER)
	run(producer, "approve", consumer.url)
	pull(consumer, producer)

	done = run(consumer, "copy", "--doctype", ORDER, "--filters", json.dumps({"title": title}))
	again = run(consumer, "copy", "--doctype", ORDER, "--filters", json.dumps({"title": title}), "--json")

	assert refused.returncode == 1 and "not approved" in refused.stderr
	assert (done.returncode, done.stdout) == (
		0,
		f"{producer.url}: 1 documents looked at, 1 made, 0 here already, 0 failed\n",
	)
	assert consumer.run(read_doc, doctype=ORDER, name=name)
	found = json.loads(again.stdout)
	assert (again.returncode, found["status"], found["made"], found["here"]) == (0, "Done", 0, 1)


def insert_silently(**values) -> None:
	"""Past the life cycle: no event tells of it."""
	import frappe

	doc = frappe.get_doc({"doctype": CITY, "name": values["title"], **values})
	doc.set_user_and_timestamp()
	doc.db_insert()


def test_verify_shows_what_differs_and_repairs_it_when_asked(producer, consumer):
	name = unique("verified")
	producer.run(insert_silently, title=name, country_name="Siam")
	only = ("--doctype", CITY, "--filters", json.dumps({"title": name}))

	missing = run(consumer, "verify", *only)
	unasked = run(consumer, "verify", *only, "--repair")
	repaired = run(consumer, "verify", *only, "--repair", "--yes")
	same = run(consumer, "verify", *only)
	as_json = run(consumer, "verify", *only, "--json")

	assert (missing.returncode, missing.stdout.splitlines()) == (
		3,
		[
			f"Missing: {CITY} {name}",
			f"{producer.url}: 1 documents compared, 1 missing",
		],
	)
	assert unasked.returncode == 2 and "--yes" in unasked.stderr
	assert repaired.returncode == 0 and "1 brought in line, 0 could not be" in repaired.stdout
	assert consumer.run(read_doc, doctype=CITY, name=name)["country_name"] == "Siam"
	assert (same.returncode, same.stdout) == (0, f"{producer.url}: 1 documents compared, all the same\n")
	assert json.loads(as_json.stdout)["report"]["counts"]["Missing"] == 0


def test_resync_tries_what_has_failed_and_says_how_it_went(producer, consumer):
	assert run(consumer, "resync").stdout == "Nothing has failed.\n"
	name = fail_an_event(producer, consumer)

	still = run(consumer, "resync")
	consumer.run(delete, doctype=CITY, name=name)
	other = run(consumer, "resync", "--doctype", ORDER)
	done = run(consumer, "resync", "--producer", producer.url, "--doctype", CITY)

	assert (still.returncode, still.stdout) == (3, "1 events named, 1 tried, 0 applied\n")
	assert other.stdout == "Nothing has failed.\n"
	assert (done.returncode, done.stdout) == (0, "1 events named, 1 tried, 1 applied\n")
	assert [log["status"] for log in sync_logs(consumer)] == ["Synced"]


def test_resync_names_a_row_and_waits_for_no_pull(producer, consumer):
	name = fail_an_event(producer, consumer)
	(log,) = sync_logs(consumer)
	consumer.run(delete, doctype=CITY, name=name)
	other = consumer.shell()
	assert other.run(take_lock, event_producer=producer.url, commit=False)

	busy = run(consumer, "resync", str(log["name"]))
	other.stop()
	missing = run(consumer, "resync", "999999")
	done = run(consumer, "resync", str(log["name"]))

	assert (busy.returncode, missing.returncode, done.returncode) == (4, 1, 0)
	assert "try again in a moment" in busy.stderr
	assert "There is no Event Sync Log 999999" in missing.stderr


def take_lock(event_producer: str) -> bool:
	from event_streaming.database.locks import advisory_lock

	lock = advisory_lock(f"pull:{event_producer}")
	# kept, or it would be given back at once
	globals()["kept"] = lock
	return lock.__enter__()


def test_approve_decides_what_is_pending_and_tells_the_consumer(producer, consumer):
	consumer.run(add_row, name=producer.url, doctype=ORDER, condition="doc.urgent == 1")

	done = run(producer, "approve", consumer.url)
	again = run(producer, "approve", consumer.url)
	other = run(producer, "approve", consumer.url, "--doctype", "ToDo")
	rejected = run(producer, "approve", consumer.url, "--doctype", CITY, "--reject")

	assert (done.returncode, again.returncode, other.returncode, rejected.returncode) == (0, 0, 1, 0)
	assert "doc.urgent == 1" in done.stdout
	assert done.stdout.endswith(f"Approved: {ORDER}\n")
	assert f"It asks for: {CITY}, {ORDER}" in other.stderr
	rows = consumer.run(read_doc, doctype="Event Producer", name=producer.url)["producer_doctypes"]
	assert {row["ref_doctype"]: row["status"] for row in rows} == {CITY: "Rejected", ORDER: "Approved"}


def test_a_consumer_that_can_not_be_told_of_its_approval_is_approved_all_the_same(producer, consumer):
	consumer.run(add_row, name=producer.url, doctype=ORDER)
	consumer.stop_web()

	done = run(producer, "approve", consumer.url)

	assert done.returncode == 0
	assert "could not be informed" in done.stderr


@pytest.mark.parametrize("by", ["--producer", "--consumer"])
def test_paused_on_either_side_nothing_flows_and_resumed_all_of_it_does(producer, consumer, by):
	here, there = (consumer, producer) if by == "--producer" else (producer, consumer)
	assert run(here, "pause", by, there.url).stdout == f"{there.url} is paused.\n"
	name = producer.run(insert, doctype=CITY, title=unique("City"))

	assert run(here, "pause", by, there.url).stdout == f"{there.url} was paused already.\n"
	assert run(consumer, "pull", "--producer", producer.url).returncode == 1
	assert consumer.run(read_doc, doctype=CITY, name=name) is None

	assert run(here, "resume", by, there.url).stdout == f"{there.url} goes on.\n"
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=CITY, name=name)


def test_a_stream_can_be_paused_while_its_document_could_not_be_saved(producer, consumer):
	"""Stopping has to work when much is wrong: here the Event Subscriber is disabled, and the producer is down."""
	producer.stop_web()
	consumer.run(disable_subscriber)
	try:
		assert run(consumer, "pause", "--producer", producer.url).returncode == 0
	finally:
		consumer.run(disable_subscriber, enabled=1)


def disable_subscriber(enabled: int = 0) -> None:
	import frappe

	frappe.db.set_value("User", "stream@example.com", "enabled", enabled)


def test_the_same_words_work_over_rest(producer, consumer):
	name = fail_an_event(producer, consumer)
	consumer.run(delete, doctype=CITY, name=name)
	taking, sending = consumer.rest(), producer.rest()

	assert taking.method(f"{API}.status")["producers"][0]["failed"] == 1
	assert taking.method(f"{API}.resync", doctype=CITY) == 1
	assert taking.method(f"{API}.pull") == [producer.url]
	assert sending.method(f"{API}.approve", event_consumer=consumer.url, reject=1, doctypes=[CITY]) == {
		CITY: "Rejected"
	}
	assert sending.method(f"{API}.pause", event_consumer=consumer.url) is True
	assert sending.method(f"{API}.resume", event_consumer=consumer.url) is True
	assert sending.method(f"{API}.resume", event_consumer=consumer.url) is False
