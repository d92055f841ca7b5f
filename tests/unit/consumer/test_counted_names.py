"""Which counter made a name, at which number: by the rule of naming alone, without a site."""

import pytest

from event_streaming.consumer.life_cycle.counted_names import (
	number_in,
	numbers_in,
	rule_of_format,
	rule_of_series,
)


def fill(part: str) -> str | None:
	return {"{branch}": "N1", "company": "ACME", "FY": "25-26", "unknown": None}.get(part, part)


@pytest.mark.parametrize(
	("series", "name", "counter"),
	[
		("SINV-.YYYY.-.#####", "SINV-2026-00042", ("SINV-2026-", 42)),
		("SINV-.YYYY.-", "SINV-2026-00042", ("SINV-2026-", 42)),
		("SINV-", "SINV-00042", ("SINV-", 42)),
		("SINV-.####", "SINV-12345", ("SINV-", 12345)),
		("SINV-.YY..MM..DD.-.##", "SINV-261128-07", ("SINV-261128-", 7)),
		("INV.YYYY.####", "INV20260042", ("INV2026", 42)),
		("A-.{branch}.-.###", "A-N1-007", ("A-N1-", 7)),
		("company.-.###", "ACME-007", ("ACME-", 7)),
		("INV.FY.###", "INV25-26007", ("INV25-26", 7)),
		("X-.###.-.YYYY", "X-007-2026", ("X-", 7)),
		# what stands in a pattern means itself
		("A+B(.##", "A+B(07", ("A+B(", 7)),
		("SINV-.####.####", "SINV-0007", ("SINV-", 7)),
	],
)
def test_a_name_that_the_series_makes_tells_its_counter_and_number(series, name, counter):
	assert number_in(name, rule_of_series(series, fill)) == counter


@pytest.mark.parametrize(
	("series", "name"),
	[
		("SINV-.YYYY.-.#####", "SINV-2026-00042-1"),
		("SINV-.YYYY.-.#####", "SINV-2026-42"),
		("SINV-.YYYY.-.#####", "SINV-26-00042"),
		("SINV-.#####", "PINV-00042"),
		("SINV-.#####", "xSINV-00042"),
		("SINV-.#####", "SINV-00042\n"),
		# one digit too many, and not because they were needed
		("SINV-.###", "SINV-0042"),
		("SINV-.MM.-.###", "SINV-13-042"),
		("SINV-.###", "SINV-000"),
		# it would not leave the counter room to count on
		("SINV-.###", "SINV-9999999999"),
		("SINV-.###", "SINV-٠٤٢x"),
	],
)
def test_a_name_that_the_series_does_not_make_tells_nothing(series, name):
	assert number_in(name, rule_of_series(series, fill)) is None


def test_a_series_with_a_part_that_nobody_knows_tells_nothing():
	assert rule_of_series("A-.unknown.-.###", fill) is None
	assert rule_of_format("format:A-{unknown}-{###}", fill) is None


def test_formats_are_counted_by_the_counter_without_a_name():
	rule = rule_of_format("format:ORD-{YY}/{####}-x", fill)

	assert number_in("ORD-26/0042-x", rule) == ("", 42)
	assert number_in("ORD-26/0042-y", rule) is None
	assert rule_of_format("format:ORD-{YY}", fill) is None


def test_every_rule_that_can_have_made_the_name_must_not_make_it_again():
	rules = [rule_of_series(series, fill) for series in ("A.##", "A1.##", "B.##")]

	assert numbers_in("A123", rules) == {"A": 123, "A1": 23}
