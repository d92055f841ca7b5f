"""What a check says of how much comes, what is told of many documents at once, and in which order."""

from event_streaming.consumer.checking.amounts import amount_of, in_all
from event_streaming.consumer.checking.causes import put_together, says
from event_streaming.consumer.checking.finding import (
	MAY_HURT,
	MOST_FINDINGS,
	NOTE,
	STOPS,
	Found,
	in_order,
	named,
)


def test_size_comes_from_the_sample_and_time_from_the_trial():
	amount = amount_of("Item", 6_000, 30, 60_000, tried=50, seconds=5.0, earlier=1.0)

	assert (amount.megabytes, amount.minutes) == (12.0, 10.0)


def test_where_too_few_were_tried_the_last_copy_says_how_long_it_takes():
	assert amount_of("Item", 600, 30, 1, tried=2, seconds=60, earlier=10.0).minutes == 1.0


def test_what_can_not_be_told_is_not_made_up_and_nothing_takes_no_time():
	unknown = amount_of("Item", 600, 0, 0, tried=0, seconds=0, earlier=0)
	nothing = amount_of("Item", 0, 0, 0, tried=0, seconds=0, earlier=0)

	assert (unknown.megabytes, unknown.minutes) == (None, None)
	assert (nothing.megabytes, nothing.minutes) == (0.0, 0.0)
	assert in_all([unknown.as_dict(), nothing.as_dict()]) == {
		"documents": 600,
		"megabytes": None,
		"minutes": None,
	}
	assert in_all([nothing.as_dict()]) == {"documents": 0, "megabytes": 0, "minutes": 0}


def test_what_documents_say_is_one_cause_but_for_names_numbers_and_quotes():
	said = [
		("INV-1", "Sales Invoice INV-1: row 3: Item 'A' is disabled"),
		("INV-2", "Sales Invoice INV-2: row 12: Item 'B' is disabled"),
		("INV-3", "The books are closed"),
		("INV-4", ""),
	]

	found = put_together(said)

	assert [(each.text, each.documents) for each in found] == [
		("Sales Invoice INV-1: row 3: Item 'A' is disabled", ["INV-1", "INV-2"]),
		("The books are closed", ["INV-3"]),
		("?", ["INV-4"]),
	]


def test_documents_without_a_name_and_long_texts_are_put_together_too():
	found = put_together([("", "x" * 5_000), ("", "x" * 6_000), ("a", None)])

	assert [len(each.text) for each in found] == [500, 1]


def test_a_message_is_recognised_by_its_words():
	template = "The value {0} is not in {1}: add it"

	assert says(template, "ToDo 7: CannotApply: The value a (b) is not in Map [x]: add it there")
	assert not says(template, "The value a is in Map: add it")


def test_the_worst_comes_first_and_many_are_not_kept():
	found = [Found(severity, "names", "B", severity).as_dict() for severity in (NOTE, STOPS, MAY_HURT)]
	found.append(Found(STOPS, "names", "A", "first").as_dict())

	assert [each["what"] for each in in_order(found)] == ["first", STOPS, MAY_HURT, NOTE]
	assert len(in_order(found * MOST_FINDINGS)) == MOST_FINDINGS


def test_of_many_names_the_first_are_listed():
	assert named(["a", "b"]) == "a, b"
	assert named("abcd", 2) == "a, b, …"
