"""Failures are seen as causes, and all events of one are mended at once: tried again, skipped, adopted, mapped."""

import pytest
from doctypes import CITY, with_orders
from documents import change, insert, read_doc, read_rows, unique
from logs import sync_logs, with_statements
from streams import pull, subscribe

from sandbox.errors import RemoteError

API = "event_streaming.api"
PILOT = {"fieldname": "pilot", "label": "Pilot", "fieldtype": "Data", "reqd": 1}


def causes(site, **arguments) -> list[dict]:
	return site.rest().method(f"{API}.causes", **arguments)


def act(site, method: str, **arguments) -> dict:
	return site.rest().method(f"{API}.{method}", **arguments)


def statuses(site) -> list[str]:
	return [row["status"] for row in sync_logs(site)]


@pytest.fixture
def cities(producer, consumer) -> list[str]:
	"""Three cities whose names are taken on the consumer, and changes of two of them that wait behind."""
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	names = [unique("Taken") for _number in range(3)]
	for name in names:
		consumer.run(insert, doctype=CITY, title=name, country_name="here")
		producer.run(insert, doctype=CITY, title=name, country_name="there")
	for name in names[:2]:
		producer.run(change, doctype=CITY, name=name, country_name="there, changed")
	pull(consumer, producer)
	return names


def test_185_rows_are_one_cause_with_its_remedy_and_are_adopted_together(producer, consumer, cities):
	[cause] = causes(consumer)

	assert (cause["kind"], cause["doctype"], cause["count"]) == ("NameTaken", CITY, 3)
	assert (cause["statuses"], cause["producers"]) == ({"Failed": 3}, [producer.url])
	assert cause["actions"] == ["adopt", "retry", "skip"]
	assert cause["example"]["document"] == cities[-1] and cities[-1] in cause["example"]["text"]
	assert not any(name in cause["problem"] for name in cities) and "adopt" in cause["remedy"]
	assert cause["first"] <= cause["last"]
	assert causes(consumer, event_producer="http://nobody.example") == []
	said = consumer.command("event-streaming", "causes")
	assert said.returncode == 3 and cause["cause"] in said.stdout and "3 Failed" in said.stdout

	assert act(consumer, "adopt_cause", cause=cause["cause"], preview=1)["count"] == 3
	done = consumer.command("event-streaming", "causes", "adopt", cause["cause"][:6], "--yes")

	assert done.returncode == 0, done.stdout + done.stderr
	assert set(statuses(consumer)) == {"Synced"} and causes(consumer) == []
	assert consumer.run(read_doc, doctype=CITY, name=cities[0])["country_name"] == "there, changed"
	assert consumer.command("event-streaming", "causes").returncode == 0


def test_all_events_of_a_cause_are_skipped_for_a_reason_and_what_comes_next_is_applied(
	producer, consumer, cities
):
	[cause] = causes(consumer)
	with pytest.raises(Exception, match="Say why"):
		act(consumer, "skip_cause", cause=cause["cause"], reason=" ")
	assert statuses(consumer).count("Failed") == 3

	assert act(consumer, "skip_cause", cause=cause["cause"], reason="ours are right")["mended"] == 3

	assert sorted(statuses(consumer)) == ["Skipped"] * 3 + ["Waiting"] * 2
	[row] = consumer.run(
		read_rows, doctype="Event Streaming Audit Log", filters={"decision": "Skipped", "outcome": "Done"}
	)
	assert "ours are right" in row["values_after"] and row["reference_name"] == producer.url
	assert "ours are right" in sync_logs(consumer, status="Skipped")[0]["outcome"]
	# what waited behind has its turn with the next pull, and fails for what it meets itself
	pull(consumer, producer)
	assert sorted(statuses(consumer)) == ["Failed"] * 2 + ["Skipped"] * 3
	assert [each["count"] for each in causes(consumer)] == [2]
	# nothing comes a second time of what was skipped
	pull(consumer, producer)
	assert statuses(consumer).count("Skipped") == 3
	assert consumer.run(read_doc, doctype=CITY, name=cities[2])["country_name"] == "here"


def test_another_reason_is_another_cause_and_both_are_tried_again_when_it_is_mended(
	producer, consumer, cities, extra_fields
):
	extra_fields(consumer, CITY, PILOT)
	for _number in range(2):
		producer.run(insert, doctype=CITY, title=unique("Free"))
	pull(consumer, producer)
	first, second = causes(consumer)
	assert [each["count"] for each in (first, second)] == [3, 2]
	assert (second["kind"], second["field"], second["statuses"]) == (
		"MandatoryError",
		"pilot",
		{"Retrying": 2},
	)

	consumer.run(change_field, doctype=CITY, fieldname="pilot", reqd=0)
	done = consumer.command("event-streaming", "causes", "retry", second["cause"])

	assert done.returncode == 0 and "applied: 2" in done.stdout, done.stdout + done.stderr
	assert [each["cause"] for each in causes(consumer)] == [first["cause"]]
	assert consumer.command("event-streaming", "causes", "retry", first["cause"]).returncode == 3


def change_field(doctype: str, fieldname: str, **values) -> None:
	import frappe

	frappe.db.set_value("Custom Field", {"dt": doctype, "fieldname": fieldname}, values)
	frappe.clear_cache(doctype=doctype)


def test_a_value_without_an_entry_is_added_to_the_value_map(producer, consumer):
	with_orders(producer, consumer)
	mapping = consumer.run(make_mapped_cities)
	subscribe(
		consumer, producer, {"ref_doctype": CITY, "has_mapping": 1, "mapping": mapping, "use_same_name": 1}
	)
	names = [unique("Mapped") for _number in range(3)]
	for name, country in zip(names, ("Siam", "Siam", "L'Ao"), strict=True):
		producer.run(insert, doctype=CITY, title=name, country_name=country)
	pull(consumer, producer)

	[cause] = causes(consumer)
	assert (cause["kind"], cause["field"], cause["count"]) == ("ValueNotInMap", "country_name", 3)
	assert cause["actions"][0] == "add_to_value_map"
	lacking = act(consumer, "values_of_cause", cause=cause["cause"])
	assert lacking["values"] == [{"value": "Siam", "count": 2}, {"value": "L'Ao", "count": 1}]
	pairs = {"Siam": "TH", "L'Ao": "", "not asked for": "x"}
	done = act(
		consumer, "add_to_value_map", cause=cause["cause"], value_map=lacking["value_map"], pairs=pairs
	)

	assert done["mended"] == 2
	assert [each["count"] for each in causes(consumer)] == [1]
	assert consumer.run(read_doc, doctype=CITY, name=names[0])["country_name"] == "TH"
	held = consumer.run(read_doc, doctype="Document Type Value Map", name=lacking["value_map"])["pairs"]
	assert [(row["remote_value"], row["local_value"]) for row in held] == [("Thailand", "TH"), ("Siam", "TH")]


def make_mapped_cities() -> str:
	import frappe

	value_map = frappe.get_doc(
		{
			"doctype": "Document Type Value Map",
			"value_map_name": frappe.generate_hash(length=8),
			"other_values": "Fail",
			"pairs": [{"remote_value": "Thailand", "local_value": "TH"}],
		}
	).insert()
	mapping = frappe.get_doc(
		{
			"doctype": "Document Type Mapping",
			"mapping_name": frappe.generate_hash(length=8),
			"local_doctype": CITY,
			"remote_doctype": CITY,
			"field_mapping": [
				{"local_fieldname": "title", "remote_fieldname": "title"},
				{
					"local_fieldname": "country_name",
					"remote_fieldname": "country_name",
					"value_map": value_map.name,
				},
			],
		}
	)
	return mapping.insert().name


def test_many_are_worked_on_in_slices_that_a_dead_process_leaves_as_they_are(producer, consumer, cities):
	[cause] = causes(consumer)

	seen = consumer.run(skip_in_slices, cause=cause["cause"])

	assert seen["queued"] == 3
	# a second one that comes meanwhile is told so, and nothing of its is done
	assert "working on these events" in seen["second"]
	# the process has died after its first portion
	assert seen["after_the_first"] == {"Failed": 2, "Skipped": 1, "Waiting": 2}
	assert seen["progress"]["done"] == 1 and seen["progress"]["stopped"]
	assert seen["at_the_end"] == {"Skipped": 3, "Waiting": 2}


def skip_in_slices(cause: str) -> dict:
	"""A skip that goes into the background, in portions of one; the job dies in its second, and is asked for again."""
	from collections import Counter
	from unittest.mock import patch

	import frappe

	from event_streaming.admin.causes import acting, progress
	from event_streaming.consumer.pull import skipping

	frappe.flags.event_streaming_command = False
	jobs, portions, skip_logs = [], [], skipping.skip_logs

	def counted() -> dict:
		frappe.db.rollback()
		return Counter(frappe.get_all("Event Sync Log", pluck="status"))

	def dying(*arguments):
		portions.append(arguments)
		if len(portions) == 2:
			raise SystemExit("killed")
		return skip_logs(*arguments)

	with (
		patch.object(acting, "AT_ONCE", 0),
		patch.object(acting, "PORTION", 1),
		patch.object(frappe, "enqueue", lambda _path, **arguments: jobs.append(arguments)),
		patch.object(skipping, "skip_logs", dying),
	):
		seen = {"queued": acting.skip(cause, "of no use")["queued"]}
		try:
			acting.skip(cause, "of no use")
		except frappe.ValidationError as error:
			seen["second"] = str(error)
		job = {key: value for key, value in jobs[0].items() if key not in ("queue", "enqueue_after_commit")}
		try:
			acting.act_job(**job)
		except SystemExit:
			seen["after_the_first"] = counted()
		with patch.object(progress, "SILENT_SECONDS", -1):
			seen["progress"] = progress.progress_of(cause)
			acting.skip(cause, "of no use")
		acting.act_job(**{key: value for key, value in jobs[-1].items() if key in job})
		seen["at_the_end"] = counted()
	return seen


def test_rows_from_before_there_were_causes_get_theirs_in_batches(consumer, cities):
	[before] = causes(consumer)

	assert consumer.run(forget_and_fill) == [3, 2, 1, 0]

	[after] = causes(consumer)
	assert {**after, "problem": ""} == {**before, "problem": ""}


def forget_and_fill() -> list[int]:
	import frappe

	from event_streaming.consumer.logs.open_causes import fill

	frappe.db.set_value("Event Sync Log", {"cause": ["is", "set"]}, {"cause": None, "problem": None})
	return [
		frappe.db.count("Event Sync Log", {"status": "Failed", "cause": ["is", "not set"]}),
		fill(2),
		fill(2),
		fill(2),
	]


def test_the_number_of_queries_does_not_grow_with_what_has_failed(producer, consumer, cities):
	few = consumer.run(count_queries)
	for _number in range(2):
		name = unique("Taken")
		for site in (consumer, producer):
			site.run(insert, doctype=CITY, title=name)
	pull(consumer, producer)

	assert [each["count"] for each in causes(consumer)] == [5]
	assert consumer.run(count_queries) == few <= 4


def count_queries() -> int:

	from event_streaming.admin.causes.listing import open_causes_of

	open_causes_of()
	_result, seen = with_statements(open_causes_of)
	return len(seen)


def test_an_alert_names_each_cause_once(producer, consumer, cities):
	consumer.run(look_twice)

	[alert] = consumer.run(read_rows, doctype="Event Streaming Alert", filters={"kind": "Events Failed"})

	[line] = [line for line in alert["details"].split("\n") if "Name taken" in line]
	assert line.startswith(f"3 × Name taken on this site (ES-417): {CITY}")
	assert alert["details"].endswith("event-streaming-causes")


def look_twice() -> None:
	from event_streaming.admin import alerts

	for _time in range(3):
		alerts.check()


def test_who_looks_for_a_cause_that_is_no_more_is_told_so(consumer, cities):
	with pytest.raises((RemoteError, Exception), match="Nothing is open for this cause"):
		act(consumer, "retry_cause", cause="0" * 16)
