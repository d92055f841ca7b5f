"""Which names a document had before: only those of this document, whoever had its names besides."""

import json

from event_streaming.wire.tracing import MOST_FORMER_NAMES, chain_of, of_one_document


def renamed(number: int, old: str, new: str, merge: bool = False) -> tuple[int, str, str]:
	return number, old, json.dumps({"new_name": new, "merge": merge})


def test_names_are_followed_backwards_each_to_its_own_rename():
	renames = [renamed(1, "a", "b"), renamed(5, "b", "c"), renamed(7, "x", "y"), (8, "broken", None)]

	assert chain_of("c", renames) == [("b", 5), ("a", 1)]
	assert chain_of("b", renames[:1]) == [("a", 1)]
	assert chain_of("a", renames) == []


def test_a_name_that_was_given_up_and_taken_again_is_two_documents():
	there_and_back = [renamed(1, "a", "b"), renamed(2, "b", "a"), renamed(3, "other", "b")]

	assert chain_of("a", there_and_back) == [("b", 2), ("a", 1)]
	assert chain_of("b", there_and_back) == [("other", 3)]


def test_a_merge_makes_no_former_name_and_a_chain_has_an_end():
	assert chain_of("b", [renamed(1, "a", "b", merge=True)]) == []
	endless = [renamed(number, str(number), str(number + 1)) for number in range(20)]
	assert len(chain_of("20", endless)) == MOST_FORMER_NAMES


def test_what_was_logged_before_a_name_was_given_up_is_of_another_document():
	assert of_one_document(["Update", "Create", "Rename", "Create"]) == 2
	assert of_one_document(["Rename", "Update", "Create"]) == 3
	assert of_one_document(["Create", "Delete", "Create"]) == 3
	assert of_one_document([]) == 0
