"""Set-up files: what is read, all mistakes with their places, and what one would change. No site: the rules are those of the
DocTypes' own files."""

import json
from pathlib import Path

import pytest

from event_streaming import hooks
from event_streaming.admin.setup.fields import DOCTYPES, PRODUCER, SETTINGS, VALUE_MAP, fields_of
from event_streaming.admin.setup.planning import empty_value_maps, plan
from event_streaming.admin.setup.reading import Part, Row, Setup, read

APP = Path(hooks.__file__).parent
VERSION = {"event_streaming_setup": 1}
URL = "https://head.example.com"
SECRET_FIELDS = ("api_key", "api_secret", "token", "user", "ca_certificate", "public_url", "site_id")


def load_rules() -> dict:
	def fields(doctype: str) -> list[dict]:
		name = doctype.lower().replace(" ", "_")
		return json.loads((APP / f"event_streaming/doctype/{name}/{name}.json").read_text())["fields"]

	return {doctype: fields_of(doctype, fields(doctype)) for doctype in DOCTYPES}


RULES = load_rules()


def reading(**parts) -> tuple[Setup, dict[str, str]]:
	setup, mistakes = read(json.dumps({**VERSION, **parts}), RULES)
	return setup, {mistake.path: mistake.problem for mistake in mistakes}


def good(**parts) -> Setup:
	setup, mistakes = reading(**parts)
	assert not mistakes
	return setup


def producer(*rows: dict, **values) -> list[dict]:
	return [{"producer_url": URL, **values, "rows": list(rows)}]


def site(*rows: Row, **values) -> Setup:
	return Setup(
		settings=Part(SETTINGS, {"events_per_page": 500}),
		producers=[Part(URL, {"workers": 1, **values}, list(rows))],
	)


NOTE = {"document_type": "Note", "use_same_name": True}
NOTE_HERE = Row({"document_type": "Note", "use_same_name": True, "mapping": "", "condition": ""}, id="r1")


def test_a_file_is_read_with_its_kinds_of_values():
	setup = good(
		title="Mine",
		settings={"events_per_page": 20, "no_alerts": True, "queue": "long"},
		value_maps={"Companies": {"other_values": "Fail", "pairs": {" A ": "B"}}},
		mappings={
			"Notes": {
				"local_doctype": "Note",
				"remote_doctype": "Memo",
				"fields": [{"local_fieldname": "title", "remote_value_filters": {"a": "b"}}],
			}
		},
		producers=producer(
			{**NOTE, "fields_this_site_decides": ["seen_by"], "match_by": ["title"], "condition": None},
			workers=2,
		),
	)

	assert setup.settings.values == {"events_per_page": 20, "no_alerts": True, "queue": "long"}
	assert setup.value_maps["Companies"].rows[0].values == {"remote_value": "A", "local_value": "B"}
	assert setup.mappings["Notes"].rows[0].values["remote_value_filters"] == {"a": "b"}
	# a field of a mapping is said whole
	assert setup.mappings["Notes"].rows[0].values["default_value"] == ""
	(part,) = setup.producers
	assert (part.name, part.values) == (URL, {"workers": 2})
	assert part.rows[0].values == {
		**NOTE,
		"fields_this_site_decides": ["seen_by"],
		"match_by": ["title"],
		"condition": "",
	}


def test_all_mistakes_are_told_at_once_with_their_places():
	_setup, mistakes = reading(
		colour="red",
		settings={
			"events_per_page": "many",
			"queue": "fast",
			"public_url": "https://x.example",
			"max_attempts": -1,
		},
		value_maps={"Companies": {"pairs": {"A": 1}}, " ": {}},
		mappings={"Notes": {"fields": [{"remote_fieldname": "x"}]}, "List": []},
		producers=[
			*producer(
				{**NOTE, "condition": "open('x')", "use_same_name": "yes"},
				{"use_same_name": True},
				{"document_type": "ToDo", "condition": "cmd: no path", "match_by": "name"},
				api_secret="s",
			),
			7,
		],
	)

	assert set(mistakes) == {
		"colour",
		"settings.events_per_page",
		"settings.queue",
		"settings.public_url",
		"settings.max_attempts",
		"value_maps.Companies.pairs.A",
		"value_maps. ",
		"mappings.Notes.fields[0].local_fieldname",
		"mappings.List",
		"producers[0].rows[0].condition",
		"producers[0].rows[0].use_same_name",
		"producers[0].rows[1].document_type",
		"producers[0].rows[2].condition",
		"producers[0].rows[2].match_by",
		"producers[0].api_secret",
		"producers[1]",
	}
	assert "keys" in mistakes["producers[0].api_secret"]
	assert "long" in mistakes["settings.queue"]


@pytest.mark.parametrize(
	("content", "path"),
	[
		("{", ""),
		("[]", ""),
		("{}", "event_streaming_setup"),
		('{"event_streaming_setup": true}', "event_streaming_setup"),
		('{"event_streaming_setup": 2, "what": "a later version knows"}', "event_streaming_setup"),
		('{"event_streaming_setup": 1, "settings": {"queue": "long", "queue": "short"}}', "queue"),
		("[" * 100_000, ""),
	],
)
def test_what_is_no_file_of_this_version_has_one_mistake(content, path):
	_setup, mistakes = read(content, RULES)

	assert [mistake.path for mistake in mistakes] == [path]


def test_what_belongs_to_one_site_or_is_secret_is_no_part_of_a_file():
	for fields in RULES.values():
		assert not {*SECRET_FIELDS, "status", "copied_on", "not_sent", "paused"} & fields.keys()
	# nothing else was lost: a field that is added later is part of a file by itself
	assert {"workers", "also_bring"} <= RULES[PRODUCER].keys()
	assert "verify_after_restore" in RULES[SETTINGS]


def test_what_is_so_already_changes_nothing():
	wanted = good(settings={"events_per_page": 500}, producers=producer(NOTE, workers=1))

	assert plan(site(NOTE_HERE), wanted, RULES) == []


def test_what_would_change_is_listed_with_before_and_after_and_the_rest_is_left_alone():
	wanted = good(
		settings={"events_per_page": 20},
		producers=producer(
			{**NOTE, "condition": "doc.public == 1"}, {"document_type": "ToDo", "match_by": ["name"]}
		),
	)

	settings, changed = plan(site(NOTE_HERE, workers=3), wanted, RULES)

	assert [(each.label, each.before, each.after) for each in settings.changes] == [
		("Events per Page", 500, 20)
	]
	assert changed.values == {}
	condition, row = changed.changes
	assert (condition.row, condition.label, condition.before, condition.after) == (
		"Note",
		"Condition",
		"",
		"doc.public == 1",
	)
	assert (row.row, row.is_new, row.after) == ("ToDo", True, {"Match By": ["name"]})
	assert [(each.id, each.values) for each in changed.rows] == [
		("r1", {"condition": "doc.public == 1"}),
		("", {"ref_doctype": "ToDo", "match_by": "name"}),
	]


def test_a_row_is_the_one_for_the_same_document_type_of_the_producer():
	mapped = Row({"document_type": "Note", "mapping": "Memos", "use_same_name": False}, id="mapped")
	here = site(mapped, NOTE_HERE)
	here.mappings["Memos"] = Part("Memos", {"local_doctype": "Note", "remote_doctype": "Memo"})

	def changed(row: dict) -> list[str]:
		plans = plan(here, good(producers=producer(row)), RULES)
		return [each.id for document in plans for each in document.rows]

	assert changed({"document_type": "Note", "mapping": "Memos", "use_same_name": True}) == ["mapped"]
	assert changed({"document_type": "Note", "mapping": "", "use_same_name": False}) == ["r1"]
	assert changed({"document_type": "Note", "use_same_name": False}) == ["r1"]
	here.producers[0].rows = [mapped]
	assert changed({"document_type": "Note", "use_same_name": True}) == ["mapped"]
	assert changed({"document_type": "Note", "mapping": "", "use_same_name": True}) == [""]


def test_mappings_are_written_after_those_that_they_use():
	def mapping(*inner: str) -> dict:
		fields = [{"local_fieldname": f"f{at}", "mapping": name} for at, name in enumerate(inner)]
		return {"local_doctype": "Note", "remote_doctype": "Note", "fields": fields}

	wanted = good(
		mappings={"Outer": mapping("Middle"), "Middle": mapping("Inner", "Outer"), "Inner": mapping()}
	)

	assert [each.name for each in plan(Setup(), wanted, RULES)] == ["Inner", "Middle", "Outer"]


def test_pairs_are_added_and_changed_and_none_is_removed():
	here = Setup(
		value_maps={
			"Companies": Part(
				"Companies",
				{"other_values": "Fail"},
				[
					Row({"remote_value": remote, "local_value": local}, id=remote)
					for remote, local in ("aA", "bB")
				],
			)
		}
	)
	wanted = good(value_maps={"Companies": {"pairs": {"b": "C", "d": "D"}}})

	(changed,) = plan(here, wanted, RULES)

	assert [(each.id, each.values) for each in changed.rows] == [
		("b", {"local_value": "C"}),
		("", {"remote_value": "d", "local_value": "D"}),
	]


def test_empty_value_maps_are_named_but_for_those_that_keep_what_they_do_not_know():
	wanted = good(
		value_maps={
			"New": {},
			"Filled": {"pairs": {"a": "b"}},
			"Known": {"other_values": "Fail"},
			"Default": {"other_values": "Use the Default Value"},
			"Keeps": {"other_values": "Keep the Value"},
		},
		mappings={"Notes": {"fields": [{"local_fieldname": "title", "value_map": "Used"}]}},
	)
	here = Setup(value_maps={"Known": Part("Known", {}, [Row({"remote_value": "a"})]), "Used": Part("Used")})

	assert empty_value_maps(here, wanted) == [("New", True), ("Default", False), ("Used", True)]
	assert VALUE_MAP in RULES


@pytest.mark.parametrize("path", hooks.event_streaming_recipes)
def test_each_recipe_reads_well(path):
	setup, mistakes = read((APP / path).read_text(), RULES)

	assert not mistakes
	assert setup.title and setup.description
	(part,) = setup.producers
	# for whatever producer it is chosen
	assert not part.name
	doctypes = [row.values["document_type"] for row in part.rows]
	assert len(set(doctypes)) == len(doctypes) > 1
	# what a mapping or a row names is in the file
	used = {
		row.values["mapping"]
		for each in (part, *setup.mappings.values())
		for row in each.rows
		if row.values.get("mapping")
	}
	maps = {
		row.values["value_map"]
		for each in setup.mappings.values()
		for row in each.rows
		if row.values["value_map"]
	}
	assert (used, maps) == (set(setup.mappings), set(setup.value_maps))


def test_every_file_in_the_folder_of_recipes_is_named_by_the_hook():
	assert sorted(f"recipes/{file.name}" for file in (APP / "recipes").iterdir()) == sorted(
		hooks.event_streaming_recipes
	)
