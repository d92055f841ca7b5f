"""The set-up of a site as a file: exported here, applied there, twice; and recipes."""

import json

from doctypes import CITY, ORDER, remove_custom_fields, with_orders
from documents import change, insert, read_doc, read_rows, set_settings, unique
from streams import KEYS, SUBSCRIBER, decide, make_subscriber, pull, subscribe

API = "event_streaming.api"
MAPPED = "Orders as notes"
MAP = "Countries here"


def run(site, *words: str):
	return site.command("event-streaming", "setup", *words)


def make_a_set_up(name: str) -> None:
	import frappe

	frappe.get_doc(
		{
			"doctype": "Document Type Value Map",
			"value_map_name": MAP,
			"pairs": [{"remote_value": "Siam", "local_value": "Thailand"}],
		}
	).insert()
	frappe.get_doc(
		{
			"doctype": "Document Type Mapping",
			"mapping_name": MAPPED,
			"local_doctype": "Note",
			"remote_doctype": ORDER,
			"field_mapping": [
				{"local_fieldname": "title", "remote_fieldname": "title"},
				{"local_fieldname": "content", "remote_fieldname": "note", "value_map": MAP},
			],
		}
	).insert()
	doc = frappe.get_doc("Event Producer", name)
	doc.never_bring = "Country"
	doc.append(
		"producer_doctypes",
		{
			"ref_doctype": "Note",
			"use_same_name": 1,
			"has_mapping": 1,
			"mapping": MAPPED,
			"condition": "doc.urgent",
		},
	)
	doc.producer_doctypes[0].match_by = "title"
	doc.save()
	settings = frappe.get_doc("Event Streaming Settings")
	settings.max_attempts = 7
	settings.save()


def rows_of(name: str) -> list:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	fields = ("ref_doctype", "mapping", "has_mapping", "match_by", "condition", "use_same_name")
	return [[row.get(each) or None for each in fields] for row in doc.producer_doctypes]


def value_maps_to_fill_in(name: str) -> list:
	from event_streaming.admin.doctor.producers import examine

	return [finding.subject for finding in examine(name) if finding.check == "value map"]


def audited() -> list:
	import frappe

	return frappe.get_all(
		"Event Streaming Audit Log", {"decision": "Set-Up Applied"}, ["user", "values_after"]
	)


def test_a_set_up_goes_from_one_site_to_another_and_the_second_time_changes_nothing(
	producer, consumer, third, tmp_path
):
	with_orders(producer, consumer, third)
	subscribe(consumer, producer, CITY)
	consumer.run(make_a_set_up, name=producer.url)
	file = tmp_path / "set-up.json"

	assert run(consumer, "export", str(file)).returncode == 0
	content = file.read_text()

	# no secrets, nothing of one site alone, and nothing to change where it comes from
	assert not [word for word in (*KEYS, SUBSCRIBER, consumer.url, "api_", "token") if word in content]
	assert consumer.rest().method(f"{API}.apply_setup", setup=content)["changes"] == []

	# a site without that producer takes the rest, and is told
	away = run(third, "apply", str(file), "--dry-run")
	assert away.returncode == 3
	assert f"there is no Event Producer {producer.url} on this site" in away.stdout
	subscribe(third, producer, CITY)
	seen = third.rest().method(f"{API}.apply_setup", setup=content, dry_run=1)
	assert not seen["applied"]
	lines = [(line["what"], line["from"], line["to"]) for line in seen["changes"]]
	assert ("Attempts", "12", "7") in lines
	assert (f"{CITY}: Match By", "", "title") in lines
	assert not third.run(read_doc, doctype="Document Type Mapping", name=MAPPED)
	assert third.run(rows_of, name=producer.url) == [[CITY, None, None, None, None, 1]]

	done = run(third, "apply", str(file))
	again = third.rest().method(f"{API}.apply_setup", setup=content)

	assert done.returncode == 0, done.stderr
	assert done.stdout.endswith(f"{len(lines)} changes applied.\n")
	assert again["changes"] == []
	assert third.run(rows_of, name=producer.url) == [
		[CITY, None, None, "title", None, 1],
		["Note", MAPPED, 1, None, "doc.urgent", 1],
	]
	(row,) = third.run(audited)
	assert json.loads(row["values_after"])["count"] == len(lines)
	assert not third.run(value_maps_to_fill_in, name=producer.url)
	third.run(change, doctype="Document Type Value Map", name=MAP, pairs=[])
	assert third.run(value_maps_to_fill_in, name=producer.url) == [MAP]
	# the other site has heard of it
	asked = producer.run(read_rows, doctype="Event Consumer Document Type", filters={"parent": third.url})
	assert sorted((each["ref_doctype"], each["status"]) for each in asked) == [
		(CITY, "Approved"),
		(ORDER, "Pending"),
	]
	for site in (consumer, third):
		site.run(set_settings, max_attempts=12)


def test_a_file_with_mistakes_is_refused_as_a_whole_with_all_of_them(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	rest = consumer.rest()
	wrong = {
		"event_streaming_setup": 1,
		"settings": {"max_attempts": 3, "metrics_role": "Nobody"},
		"mappings": {
			"Wrong": {
				"local_doctype": "Note",
				"remote_doctype": CITY,
				"fields": [{"local_fieldname": "colour", "default_value": "red"}],
			}
		},
		"producers": [
			{
				"also_bring": ["Thing"],
				"workers": 99,
				"rows": [
					{"document_type": "User"},
					{"document_type": "No Such Thing"},
					{"document_type": CITY, "match_by": ["colour"], "fields_this_site_decides": ["shape"]},
					{"document_type": CITY, "mapping": "Wrong"},
				],
			}
		],
	}

	seen = rest.method(f"{API}.apply_setup", setup=wrong, dry_run=1)
	answer = rest.session.post(
		f"{consumer.url}/api/method/{API}.apply_setup", json={"setup": wrong}, timeout=60
	)

	assert {mistake["path"] for mistake in seen["mistakes"]} == {
		"settings.metrics_role",
		"mappings.Wrong",
		"producers[0].also_bring",
		"producers[0].workers",
		"producers[0].rows[0].document_type",
		"producers[0].rows[1].document_type",
		"producers[0].rows[2].match_by",
		"producers[0].rows[2].fields_this_site_decides",
		"producers[0].rows[3].mapping",
		"producers[0].rows[3]",
	}
	assert answer.status_code == 417
	assert all(mistake["path"] in answer.text for mistake in seen["mistakes"])

	# the producer has the last word, of what it alone can know: nothing of the rest stays
	refused = {
		"event_streaming_setup": 1,
		"settings": {"max_attempts": 3},
		"producers": [{"rows": [{"document_type": CITY, "condition": "doc.colour == 'red'"}]}],
	}
	answer = rest.session.post(
		f"{consumer.url}/api/method/{API}.apply_setup", json={"setup": refused}, timeout=60
	)
	assert answer.status_code == 417 and "colour" in answer.text
	assert (
		consumer.run(read_doc, doctype="Event Streaming Settings", name="Event Streaming Settings")[
			"max_attempts"
		]
		== 12
	)
	assert consumer.run(rows_of, name=producer.url) == [[CITY, None, None, None, None, 1]]
	assert consumer.run(audited) == []


def test_what_one_producer_refuses_undoes_what_another_has_agreed_to(producer, consumer, third):
	"""The first one's row needs fields of its DocType here: the database commits when it makes them."""
	with_orders(producer, consumer, third)
	consumer.run(remove_custom_fields, doctype="Event", names=["remote_docname", "remote_site_name"])
	for other in (producer, third):
		subscribe(consumer, other, CITY)
	first, second = sorted((producer.url, third.url))
	wanted = {
		"event_streaming_setup": 1,
		"settings": {"max_attempts": 3},
		"producers": [
			{"producer_url": first, "rows": [{"document_type": "Event"}]},
			{"producer_url": second, "rows": [{"document_type": CITY, "condition": "doc.colour == 'red'"}]},
		],
	}

	answer = consumer.rest().session.post(
		f"{consumer.url}/api/method/{API}.apply_setup", json={"setup": wanted}, timeout=60
	)

	assert answer.status_code == 417 and "colour" in answer.text
	assert consumer.run(rows_of, name=first) == [[CITY, None, None, None, None, 1]]
	settings = consumer.run(read_doc, doctype="Event Streaming Settings", name="Event Streaming Settings")
	assert settings["max_attempts"] == 12


def test_a_recipe_is_chosen_and_documents_flow(producer, consumer):
	for site in (producer, consumer):
		site.run(make_subscriber)
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	rest = consumer.rest()

	listed = {each["name"] for each in rest.method(f"{API}.recipes")}
	seen = rest.method(f"{API}.apply_setup", recipe="Notes and tasks", event_producer=producer.url, dry_run=1)
	form = rest.method(f"{API}.apply_setup", recipe="notes_and_tasks", for_new_producer=1)["form"]
	done = run(consumer, "apply", "--recipe", "notes_and_tasks")

	# those of an app that is not here are not shown
	assert "notes_and_tasks" in listed and "sales_from_branches" not in listed
	assert [line["what"] for line in seen["changes"]] == ["New row: Note", "New row: ToDo"]
	assert [row["ref_doctype"] for row in form["rows"]] == ["Note", "ToDo"]
	assert done.returncode == 0
	producer.run(decide, consumer_url=consumer.url)
	note = producer.run(insert, doctype="Note", title=unique("By recipe"), public=1)
	task = producer.run(insert, doctype="ToDo", description="Count the stock")
	of_a_document = producer.run(
		insert, doctype="ToDo", description="Read it", reference_type="Note", reference_name=note
	)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype="Note", name=note)
	assert consumer.run(read_doc, doctype="ToDo", name=task)
	assert not consumer.run(read_doc, doctype="ToDo", name=of_a_document)
	# what was shown is what is done: somebody has changed it meanwhile
	stale = rest.session.post(
		f"{consumer.url}/api/method/{API}.apply_setup",
		json={"recipe": "notes_and_tasks", "shown": seen["shown"]},
		timeout=60,
	)
	assert stale.status_code == 417 and "changed in the meantime" in stale.text
