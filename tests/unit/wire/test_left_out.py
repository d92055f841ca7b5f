"""What this site decides is taken out of documents and differences: without a site."""

import copy

import pytest

from event_streaming.wire.left_out import change_without, document_without

DOCUMENT = {
	"name": "A",
	"price": 5,
	"title": "a",
	"items": [{"name": "r1", "idx": 1, "qty": 2, "bin": "X"}, {"name": "r2", "idx": 2, "qty": 3}],
	"taxes": [{"name": "t1", "rate": 7}],
}
CHANGE = {
	"changed": {"price": 6, "title": "b", "modified": "2026-01-01"},
	"added": {"items": [{"name": "r3", "qty": 1, "bin": "Y"}], "taxes": [{"name": "t2", "rate": 3}]},
	"removed": {"items": ["r2"], "taxes": ["t1"]},
	"row_changed": {"items": [{"name": "r1", "bin": "Z"}, {"name": "r4", "qty": 9, "bin": "Z"}]},
}


@pytest.mark.parametrize("fields", [("price",), ("items.bin",), ("taxes",), ("taxes", "taxes.rate", "price")])
def test_nothing_that_came_is_changed_in_place(fields):
	document, change = copy.deepcopy(DOCUMENT), copy.deepcopy(CHANGE)

	document_without(document, fields)
	change_without(change, fields)

	assert (document, change) == (DOCUMENT, CHANGE)


def test_without_any_the_very_same_is_given_back():
	assert document_without(DOCUMENT, ()) is DOCUMENT
	assert change_without(CHANGE, ()) is CHANGE


def test_fields_fields_of_rows_and_whole_tables_are_taken_out_of_a_document():
	left = document_without(DOCUMENT, ("price", "items.bin", "taxes"))

	assert left == {
		"name": "A",
		"title": "a",
		"items": [{"name": "r1", "idx": 1, "qty": 2}, {"name": "r2", "idx": 2, "qty": 3}],
	}


def test_and_out_of_each_part_of_a_difference():
	left = change_without(CHANGE, ("price", "items.bin", "taxes"))

	assert left == {
		"changed": {"title": "b", "modified": "2026-01-01"},
		"added": {"items": [{"name": "r3", "qty": 1}]},
		"removed": {"items": ["r2"]},
		# of r1 nothing else has changed
		"row_changed": {"items": [{"name": "r4", "qty": 9}]},
	}


def test_a_row_that_has_only_moved_is_still_told():
	change = {"row_changed": {"items": [{"name": "r1", "idx": 2, "bin": "Z"}]}}

	assert change_without(change, ("items.bin",)) == {"row_changed": {"items": [{"name": "r1", "idx": 2}]}}


def test_what_the_other_site_sends_in_no_such_shape_is_left_for_others_to_refuse():
	assert document_without({"items": "none"}, ("items.bin",)) == {"items": "none"}
	assert document_without({"items": ["r1"]}, ("items.bin",)) == {"items": ["r1"]}
	assert change_without({"added": "none", "changed": None}, ("items.bin", "x")) == {
		"added": "none",
		"changed": None,
	}
	assert change_without({"row_changed": {"items": 1}}, ("items.bin",)) == {"row_changed": {"items": 1}}
