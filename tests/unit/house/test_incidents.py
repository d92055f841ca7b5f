"""The page of incidents is honest: a test stages each, and what it quotes is what the app says."""

import ast
import csv
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
DOCS = PROJECT / "docs"
PAGES = [("incidents.md", 0), ("incidents.th.md", 1)]
LEADS = {
	"incidents.md": ["Seen:", "Means:", "Do:", "Over when:"],
	"incidents.th.md": ["เห็นอะไร:", "หมายความว่า:", "ทำอะไร:", "จบเมื่อ:"],
}
FEWEST = 15
FORMS = "event_streaming/doctype"
# way -> (module, function, what it asks): in the task of every minute, or where something is opened
WAYS = {
	"pull": [("tasks.py", "event_streaming_every_minute", "sweep.pull_due")],
	"alert": [
		("tasks.py", "event_streaming_every_minute", "alerts.check"),
		("admin/alerts.py", "troubles", "of_producer"),
	],
	"headline": [
		(f"{FORMS}/event_producer/event_producer.py", "onload", "headline_of"),
		(f"{FORMS}/event_producer/event_producer.py", "standing_of", "headline_of"),
		(f"{FORMS}/event_consumer/event_consumer.py", "onload", "headline_of_consumer"),
		(f"{FORMS}/event_consumer/event_consumer.py", "standing_of", "headline_of_consumer"),
		("admin/status.py", "site_status", "headline_of"),
	],
	"causes": [("api/failures.py", "causes", "listing.open_causes_of")],
	"doctor": [
		("api/watching.py", "doctor", "examine"),
		("tasks.py", "event_streaming_daily", "looking.look_once_a_day"),
	],
}
LABEL = re.compile(r"(?<!\*)\*(?!\*)([^*]+?)\*(?!\*)")


def without_commands(text: str) -> str:
	return re.sub(r"`[^`]*`", "", text)


def sections(page: str) -> dict[str, str]:
	"""Heading -> what stands below it."""
	parts = re.split(r"^## (.+)$", (DOCS / page).read_text(), flags=re.M)[1:]
	return dict(zip(parts[::2], parts[1::2], strict=True))


def incidents(page: str) -> list[str]:
	"""All headings but the last two: the table of tests, and what no test stages yet."""
	return list(sections(page))[:-2]


def staged(page: str) -> dict[str, list[str]]:
	"""Incident -> the tests that the table names for it."""
	table = list(sections(page).values())[-2]
	rows = re.findall(r"^\| (.+?) \| (`.+`) \|$", table, flags=re.M)
	return {incident: re.findall(r"`([^`]+)`", tests) for incident, tests in rows if "::" in tests}


def said_by_the_app(language: int) -> set[str]:
	with open(PROJECT / "event_streaming/translations/th.csv", newline="") as file:
		return {re.sub(r"\{\w*\}", "…", row[language]) for row in csv.reader(file)}


@pytest.mark.parametrize("page", [name for name, _language in PAGES])
def test_each_incident_says_how_it_looks_what_it_means_what_to_do_and_how_it_is_over(page):
	assert len(incidents(page)) >= FEWEST
	for incident in incidents(page):
		assert re.findall(r"^- \*\*(.+?)\*\*", sections(page)[incident], flags=re.M) == LEADS[page], incident


@pytest.mark.parametrize("page", [name for name, _language in PAGES])
def test_each_incident_has_a_test_that_is_there(page):
	assert list(staged(page)) == incidents(page)
	for tests in staged(page).values():
		for test in tests:
			path, _, name = test.partition("::")
			tree = ast.parse((PROJECT / "tests" / path).read_text())
			assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, test


def test_both_languages_name_the_same_tests():
	assert list(staged("incidents.md").values()) == list(staged("incidents.th.md").values())


def seen_by(page: str) -> dict[str, list[str]]:
	"""Incident -> the ways in which it is seen, of the table at the beginning."""
	beginning = (DOCS / page).read_text().split("\n## ", 1)[0]
	rows = re.findall(r"^\| (.+?) \| (`.+`) \|$", beginning, flags=re.M)
	return {incident: re.findall(r"`([^`]+)`", ways) for incident, ways in rows}


@pytest.mark.parametrize("page", [name for name, _language in PAGES])
def test_each_incident_is_seen_in_a_way_that_is_known(page):
	assert list(seen_by(page)) == incidents(page)
	assert {way for ways in seen_by(page).values() for way in ways} == set(WAYS)
	assert list(seen_by(page).values()) == list(seen_by("incidents.md").values())


@pytest.mark.parametrize("way", list(WAYS))
def test_each_way_is_looked_for_every_minute_or_worked_out_when_it_is_opened(way):
	every_minute = "event_streaming.tasks.event_streaming_every_minute"
	hooks = (PROJECT / "event_streaming/hooks.py").read_text()
	assert f'"cron": {{"* * * * *": ["{every_minute}"]}}' in hooks
	for path, function, calls in WAYS[way]:
		found = names_in(PROJECT / "event_streaming" / path, function)
		assert calls in found, f"{function} of {path} does not ask {calls}"
	# what is worked out is kept nowhere
	kept = [path.name for path in (PROJECT / "event_streaming").glob("**/doctype/*/*.json")]
	assert "event_streaming_cause.json" not in kept and "event_streaming_headline.json" not in kept


def names_in(path: Path, function: str) -> set[str]:
	"""What a function names: `a.b` of modules and functions alone."""
	tree = ast.parse(path.read_text())
	(found,) = (each for each in ast.walk(tree) if getattr(each, "name", "") == function)
	return {ast.unparse(each) for each in ast.walk(found) if isinstance(each, ast.Name | ast.Attribute)}


@pytest.mark.parametrize(("page", "language"), PAGES)
def test_what_is_quoted_is_what_the_app_says(page, language):
	known, text = said_by_the_app(language), without_commands((DOCS / page).read_text())
	messages = re.findall(r"“([^”]+)”", text)
	labels = LABEL.findall(text.replace("**", ""))

	assert len(messages) >= FEWEST and len(labels) >= FEWEST
	assert not {" ".join(each.split()) for each in (*messages, *labels)} - known


@pytest.mark.parametrize("page", [name for name, _language in PAGES])
def test_checks_of_the_doctor_are_its_own(page):
	source = "".join(path.read_text() for path in (PROJECT / "event_streaming/admin/doctor").glob("*.py"))
	checks = re.findall(r"`(?:FAULT|WARNING) ([a-z ]+)`", (DOCS / page).read_text())

	assert len(checks) >= 8
	assert not {check for check in checks if f'"{check}"' not in source}
