"""Two sites in different time zones: the same instant on both, and dates and times of day as they are."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from doctypes import make_doctype
from documents import insert, read_doc, unique
from logs import sync_logs
from streams import pull, subscribe

VISIT, VISIT_ROW = "Streamed Visit", "Streamed Visit Row"
NEW_YORK, BERLIN, BANGKOK = "America/New_York", "Europe/Berlin", "Asia/Bangkok"


def make_visit_doctypes() -> None:
	moments = [
		{"fieldname": "begins", "label": "Begins", "fieldtype": "Datetime"},
		{"fieldname": "day", "label": "Day", "fieldtype": "Date"},
		{"fieldname": "at", "label": "At", "fieldtype": "Time"},
		{"fieldname": "note", "label": "Note", "fieldtype": "Data"},
	]
	make_doctype(VISIT_ROW, moments, istable=1)
	make_doctype(
		VISIT,
		[
			{"fieldname": "title", "label": "Title", "fieldtype": "Data", "reqd": 1},
			{"fieldname": "follows", "label": "Follows", "fieldtype": "Link", "options": VISIT},
			*moments,
			{"fieldname": "rows", "label": "Rows", "fieldtype": "Table", "options": VISIT_ROW},
		],
		autoname="field:title",
	)


@pytest.fixture
def zones(producer, consumer):
	for site in (producer, consumer):
		site.run(make_visit_doctypes)

	def set_zones(there: str, here: str) -> None:
		producer.set_time_zone(there)
		consumer.set_time_zone(here)

	yield set_zones
	for site in (producer, consumer):
		site.set_time_zone(BANGKOK)


def as_instant(text: str, zone: str) -> datetime:
	return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))


def check_same_instants(producer, consumer, name: str, there: str, here: str, local: str = "") -> None:
	theirs = producer.run(read_doc, doctype=VISIT, name=name)
	ours = consumer.run(read_doc, doctype=VISIT, name=local or name)
	for field in ("begins", "creation", "modified"):
		assert as_instant(ours[field], here) == as_instant(theirs[field], there), field
	for field in ("day", "at"):
		assert ours[field] == theirs[field]
	assert len(ours["rows"]) == len(theirs["rows"])
	for mine, other in zip(ours["rows"], theirs["rows"], strict=True):
		assert as_instant(mine["begins"], here) == as_instant(other["begins"], there)
		assert (mine["day"], mine["at"]) == (other["day"], other["at"])


def make_visit(site, begins: str, **values) -> str:
	moments = {"begins": begins, "day": "2026-03-29", "at": "23:45:00"}
	return site.run(
		insert, doctype=VISIT, title=unique("visit"), **moments, rows=[moments, moments], **values
	)


@pytest.mark.parametrize("use_same_name", [1, 0])
def test_creates_updates_and_rows_keep_their_instants(producer, consumer, zones, use_same_name):
	zones(NEW_YORK, BERLIN)
	subscribe(consumer, producer, VISIT, use_same_name=use_same_name)
	visit = make_visit(producer, "2026-06-15 22:30:00")
	pull(consumer, producer)
	local = sync_logs(consumer)[0]["docname"]
	check_same_instants(producer, consumer, visit, NEW_YORK, BERLIN, local)
	assert consumer.run(read_doc, doctype=VISIT, name=local)["begins"] == "2026-06-16 04:30:00"

	producer.run(move_visit, name=visit)
	pull(consumer, producer)

	check_same_instants(producer, consumer, visit, NEW_YORK, BERLIN, local)
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def move_visit(name: str) -> None:
	"""The document's own moment, one of its rows, a row more, and a row less."""
	import frappe

	doc = frappe.get_doc(VISIT, name)
	doc.begins, doc.day, doc.at = "2026-12-31 23:59:59", "2026-12-31", "00:00:01"
	doc.rows[0].begins = "2026-11-30 01:00:00"
	doc.remove(doc.rows[1])
	doc.append("rows", {"begins": "2026-07-01 12:00:00", "day": "2026-07-01", "at": "12:00:00"})
	doc.save()


def test_an_update_that_changes_no_moment_moves_none(producer, consumer, zones):
	zones(NEW_YORK, BERLIN)
	subscribe(consumer, producer, VISIT)
	visit = make_visit(producer, "2026-06-15 22:30:00")
	pull(consumer, producer)
	producer.run(note, name=visit)
	pull(consumer, producer)

	check_same_instants(producer, consumer, visit, NEW_YORK, BERLIN)
	assert consumer.run(read_doc, doctype=VISIT, name=visit)["note"] == "seen"


def note(name: str) -> None:
	import frappe

	doc = frappe.get_doc(VISIT, name)
	doc.note = "seen"
	doc.save()


# New York: clocks go forward on 8 March 2026 at 2:00, and back on 1 November; Berlin: 29 March and 25 October
@pytest.mark.parametrize(
	"begins",
	[
		"2026-03-08 01:59:59",
		"2026-03-08 03:00:00",
		"2026-03-28 20:30:00",
		"2026-03-28 21:30:00",
		"2026-10-24 19:59:59",
		"2026-10-24 22:00:00",
		"2026-11-01 00:59:59",
		"2026-11-01 02:00:00",
	],
)
def test_at_the_edges_of_daylight_saving(producer, consumer, zones, begins):
	zones(NEW_YORK, BERLIN)
	subscribe(consumer, producer, VISIT)
	visit = make_visit(producer, begins)
	pull(consumer, producer)

	check_same_instants(producer, consumer, visit, NEW_YORK, BERLIN)


@pytest.mark.parametrize("begins", ["2026-03-08 02:30:00", "2026-11-01 01:30:00"])
def test_a_moment_that_the_producers_clock_skips_or_has_twice_still_arrives(
	producer, consumer, zones, begins
):
	"""A bare number there names no instant, or two: the first of them is taken."""
	zones(NEW_YORK, BERLIN)
	subscribe(consumer, producer, VISIT)
	visit = make_visit(producer, begins)
	pull(consumer, producer)

	expected = as_instant(begins, NEW_YORK).astimezone(ZoneInfo(BERLIN)).replace(tzinfo=None)
	assert consumer.run(read_doc, doctype=VISIT, name=visit)["begins"] == str(expected)


def test_an_hour_that_this_sites_clock_has_twice_is_told_by_the_clock(producer, consumer, zones):
	"""A bare number can't say which of the two it is; what the clock on the wall shows is right."""
	zones(NEW_YORK, BERLIN)
	subscribe(consumer, producer, VISIT)
	first, second = (make_visit(producer, f"2026-10-24 {hour}:15:00") for hour in (20, 21))
	pull(consumer, producer)

	for visit in (first, second):
		assert consumer.run(read_doc, doctype=VISIT, name=visit)["begins"] == "2026-10-25 02:15:00"


@pytest.mark.parametrize("mapped", [0, 1])
def test_mapped_and_brought_documents_keep_their_instants_too(producer, consumer, zones, mapped):
	zones(NEW_YORK, BERLIN)
	first = make_visit(producer, "2026-06-15 22:30:00")
	consumer.run(make_mapping)
	row = {"ref_doctype": VISIT, "has_mapping": mapped, "mapping": "Visit to Visit", "use_same_name": 1}
	subscribe(consumer, producer, row)
	# what it links to is from before the subscription
	second = make_visit(producer, "2026-01-15 22:30:00", follows=first)
	pull(consumer, producer)

	theirs = producer.run(read_doc, doctype=VISIT, name=second)
	ours = consumer.run(read_doc, doctype=VISIT, name=second)
	assert ours["begins"] == "2026-01-16 04:30:00"
	assert as_instant(ours["creation"], BERLIN) == as_instant(theirs["creation"], NEW_YORK)
	if not mapped:
		check_same_instants(producer, consumer, second, NEW_YORK, BERLIN)
		check_same_instants(producer, consumer, first, NEW_YORK, BERLIN)


def make_mapping() -> None:
	import frappe

	if frappe.db.exists("Document Type Mapping", "Visit to Visit"):
		return
	fields = ("title", "begins", "day", "at")
	frappe.get_doc(
		{
			"doctype": "Document Type Mapping",
			"mapping_name": "Visit to Visit",
			"local_doctype": VISIT,
			"remote_doctype": VISIT,
			"field_mapping": [{"local_fieldname": name, "remote_fieldname": name} for name in fields],
		}
	).insert()


def test_two_sites_that_stream_to_each_other_do_not_push_a_moment_to_and_fro(producer, consumer, zones):
	zones(NEW_YORK, BERLIN)
	subscribe(consumer, producer, VISIT)
	subscribe(producer, consumer, VISIT)
	visit = make_visit(producer, "2026-06-15 22:30:00")
	for _round in range(2):
		pull(consumer, producer)
		pull(producer, consumer)
	consumer.run(note, name=visit)
	for _round in range(2):
		pull(producer, consumer)
		pull(consumer, producer)

	check_same_instants(producer, consumer, visit, NEW_YORK, BERLIN)
	assert producer.run(read_doc, doctype=VISIT, name=visit)["begins"] == "2026-06-15 22:30:00"
	assert (len(sync_logs(consumer)), len(sync_logs(producer))) == (1, 1)
