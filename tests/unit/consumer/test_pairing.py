"""Which documents of two sites are the same by their values. No site."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from event_streaming.consumer.matching.pairs import pair
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.matching import LONGEST, comparable, parse_match_page, says_something, values_of


def by(**values) -> dict:
	return {name: values_of([value]) for name, value in values.items()}


def test_values_that_are_equal_and_unique_on_both_sites_make_a_pair():
	found = pair(by(a="1 ", b="2"), by(x="1", y="3"), {}, ())

	assert found.found == {"a": "x"}
	assert (found.only_there, found.only_here) == (["b"], ["y"])


@pytest.mark.parametrize(
	("there", "here"),
	[(by(a="1", b="1"), by(x="1")), (by(a="1"), by(x="1", y="1")), (by(a="1", b="1"), by(x="1", y="1"))],
)
def test_values_that_two_documents_have_on_either_site_are_ambiguous(there, here):
	found = pair(there, here, {}, ())

	assert found.ambiguous == [(("1",), list(there), list(here))]
	assert (found.found, found.only_there, found.only_here) == ({}, [], [])


def test_what_has_no_value_matches_nothing():
	found = pair(by(a="", b=None, c="  "), by(x="", y=None), {}, ())

	assert (found.found, found.ambiguous) == ({}, [])
	assert (found.only_there, found.only_here) == (["a", "b", "c"], ["x", "y"])


def test_a_local_document_that_stands_for_another_is_told_and_not_matched():
	found = pair(by(a="1"), by(x="1"), {}, {"x"})

	assert (found.found, found.taken, found.only_here) == ({}, {"a": "x"}, [])


def test_what_is_linked_stays_so_whatever_its_values():
	found = pair(by(a="1"), by(x="1", y="2"), {"a": "y", "gone": "z"}, {"y"})

	assert (found.linked, found.found, found.only_here) == ({"a": "y"}, {}, ["x"])


def test_a_value_of_which_one_owner_is_linked_is_ambiguous_all_the_same():
	found = pair(by(a="1", b="1"), by(x="1"), {"a": "y"}, {"y"})

	assert found.found == {}
	assert found.ambiguous == [(("1",), ["a", "b"], ["x"])]


@pytest.mark.parametrize(
	("value", "text"),
	[
		(None, ""),
		(" tax ", "tax"),
		(1, "1"),
		(True, "1"),
		(1.0, "1"),
		(Decimal("1.500"), "1.5"),
		(1.5, "1.5"),
		(date(2026, 1, 2), "2026-01-02"),
		(timedelta(hours=1), "3600.0"),
	],
)
def test_a_value_has_one_spelling(value, text):
	assert comparable(value) == text


def test_long_texts_are_told_apart_to_their_ends():
	assert comparable("a" * LONGEST + "b") != comparable("a" * LONGEST + "c")
	assert len(comparable("a" * LONGEST * 2)) <= LONGEST


def test_numbers_that_nobody_filled_in_say_nothing_alone():
	assert not says_something(values_of([0]))
	assert says_something(values_of(["Head Office", 0]))
	assert not says_something(values_of(["Head Office", ""]))
	assert not says_something(())


@pytest.mark.parametrize(
	"answer",
	[
		"nothing",
		{"rows": "many"},
		{"rows": [["a", ["1"]]]},
		{"rows": [["a", ["1", "2"], None]]},
		{"rows": [["a", [1], None]]},
		{"rows": [["a", ["x" * (LONGEST + 1)], None]]},
		{"rows": [["a", ["1"], None], ["a", ["2"], None]]},
		{"rows": [["", ["1"], None]]},
		{"rows": [["a<b>", ["1"], None]]},
		{"rows": [["a", ["\ud800"], None]]},
		{"rows": [["a", ["1"], "root"]]},
		{"rows": [], "has_more": True, "after": "z"},
		{"rows": [[str(number), ["1"], None] for number in range(1_001)]},
	],
)
def test_an_answer_that_is_none_is_refused(answer):
	with pytest.raises(InvalidPage):
		parse_match_page(answer, 1, "z")
