"""Digests: the same content has the same one, whatever types it comes in; what comes from another site is checked."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from event_streaming.consumer.tasks import findings
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.digests import (
	FORMS,
	FieldShape,
	Shape,
	add,
	add_up,
	bucket_of,
	buckets_for,
	digest_of,
	pack,
	parse_digest_page,
	parse_shape,
	unpack,
)


@pytest.mark.parametrize(
	("form", "values"),
	[
		("text", [None, ""]),
		("text", ["12", 12]),
		("whole", [None, 0, "0", False]),
		("check", [1, True, "1", 5]),
		("decimal", [2.5, "2.5", Decimal("2.500000000"), "2.5000000001"]),
		("decimal", [None, 0, 0.0, -0.0, ""]),
		("moment", [datetime(2026, 5, 1, 10), "2026-05-01 10:00:00", "2026-05-01T10:00:00"]),
		("date", [date(2026, 5, 1), "2026-05-01", datetime(2026, 5, 1)]),
		("time", [timedelta(hours=9, minutes=5), "9:05:00", "09:05:00"]),
		("json", ['{"a": 1, "b": [2]}', '{"b":[2],"a":1}', {"b": [2], "a": 1}]),
		("json", [None, ""]),
	],
)
def test_one_value_has_one_form_whatever_it_comes_as(form, values):
	assert len({repr(FORMS[form](value)) for value in values}) == 1


@pytest.mark.parametrize(
	("form", "one", "other"),
	[
		("text", "a", "A"),
		("text", "a", "a "),
		("decimal", 0.1, 0.100000002),
		("moment", "2026-05-01 10:00:00", "2026-05-01 10:00:00.000001"),
		("json", "[1, 2]", "[2, 1]"),
		("json", "not JSON", "nor this"),
	],
)
def test_another_value_has_another_form(form, one, other):
	assert FORMS[form](one) != FORMS[form](other)


def test_a_digest_knows_name_values_rows_and_their_order():
	rows = [["r1", "bolt"], ["r2", "nut"]]
	digests = [
		digest_of("A", ["x", ""], [rows]),
		digest_of("B", ["x", ""], [rows]),
		digest_of("A", ["", "x"], [rows]),
		digest_of("A", ["x", ""], [rows[::-1]]),
		digest_of("A", ["x", ""], [rows[:1]]),
		digest_of("A", ["x", ""], [rows, []]),
	]

	assert len(set(digests)) == len(digests)
	assert digest_of("A", ["x", ""], [rows]) == digests[0]


def test_sums_do_not_depend_on_the_order_and_only_the_bucket_of_a_change_differs():
	names = [f"name {number}" for number in range(200)]
	one, other, parts = [0] * 16, [0] * 16, [[0] * 16, [0] * 16]
	for number, name in enumerate(names):
		add(one, name, digest_of(name, [number], []))
		add(parts[number % 2], name, digest_of(name, [number], []))
	for number, name in reversed(list(enumerate(names))):
		add(other, name, digest_of(name, [number if name != "name 7" else "changed"], []))

	assert add_up(*parts) == one
	assert [number for number in range(16) if one[number] != other[number]] == [bucket_of("name 7", 16)]
	assert unpack(pack(one), 16) == one


def test_more_documents_have_more_buckets_within_bounds():
	assert [buckets_for(count) for count in (0, 1_000, 100_000, 10**9)] == [16, 16, 1_024, 4_096]


def test_a_mapping_is_taken_into_account_on_both_sides():
	field = FieldShape("status", "text", {"yes": "Y", "ja": "Y"}, "Keep the Value", "?")

	assert [field.of_remote(value) for value in ("yes", "ja", "other", "", None)] == [
		"Y",
		"Y",
		"other",
		"?",
		"?",
	]
	assert [field.of_local(value) for value in ("Y", "other", "", None)] == ["Y", "other", "?", "?"]
	use_default = FieldShape("status", "text", {"yes": "Y"}, "Use the Default Value", "?")
	assert use_default.of_remote("other") == "?"


def test_a_shape_comes_over_the_wire_as_it_was_and_can_lose_what_the_other_site_lacks():
	rows = Shape((FieldShape("item", "text"), FieldShape("qty", "decimal")))
	shape = Shape(
		(FieldShape("title", "text"), FieldShape("status", "whole", {"a": 1}, "Keep the Value", 2)),
		(("rows", rows), ("others", rows)),
	)

	assert parse_shape(shape.as_wire()) == shape
	left = shape.without(["status", "rows.qty", "others"])
	assert left == Shape((FieldShape("title", "text"),), (("rows", Shape((FieldShape("item", "text"),))),))


@pytest.mark.parametrize(
	"shape",
	[
		None,
		[],
		{"fields": "all"},
		{"fields": [["title"]]},
		{"fields": [["title", "eval"]]},
		{"fields": [["", "text"]]},
		{"fields": [["title", ["text"]]]},
		{"fields": [["title", "text", {"pairs": {"a": [1]}}]]},
		{"fields": [["title", "text", {"default": {}}]]},
		{"fields": [["title", "text"]] * 3_000},
		{"fields": [], "tables": [["rows", {"fields": [], "tables": [["deeper", {"fields": []}]]}]]},
	],
)
def test_a_shape_that_is_none_is_refused(shape):
	with pytest.raises(InvalidPage):
		parse_shape(shape)


GOOD = {"after": "b", "has_more": True, "looked_at": 2, "names": ["a", "b"], "digests": pack([1, 2])}


def test_an_answer_is_read():
	page = parse_digest_page({**GOOD, "without": ["x"]}, "", 16, True)

	assert (page.digests, page.after, page.without) == ({"a": 1, "b": 2}, "b", ("x",))
	assert parse_digest_page({"digests": pack([3] * 16)}, "", 16, False).sums == [3] * 16


@pytest.mark.parametrize(
	("change", "listed"),
	[
		({"digests": "x"}, True),
		({"digests": pack([1])}, True),
		({"digests": None}, True),
		({"digests": pack([1] * 15)}, False),
		({"names": None}, True),
		({"names": ["a", 3]}, True),
		({"names": ["a", "b\n"]}, True),
		({"after": "before"}, True),
		({"after": ""}, True),
		({"looked_at": -1}, True),
		({"without": "title"}, True),
	],
)
def test_an_answer_that_is_none_is_refused(change, listed):
	with pytest.raises(InvalidPage):
		parse_digest_page({**GOOD, **change}, "before", 16, listed)


def test_all_findings_are_counted_and_the_first_ones_kept():
	report = findings.new_report()
	for number in range(findings.MOST_DETAILED + 5):
		findings.add(report, findings.Finding(findings.MISSING, "City", f"c{number}", "City"))
	findings.add(report, findings.Finding(findings.KEPT, "City", "k", "City"))

	assert findings.differing(report) == findings.MOST_DETAILED + 5
	assert len(report["findings"]) == findings.MOST_DETAILED
	assert report["doctypes"]["City"]["counts"] == {"Missing": findings.MOST_DETAILED + 5, "Kept": 1}
