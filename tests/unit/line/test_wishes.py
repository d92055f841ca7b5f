"""What is wanted first, what was taken of it, and what an answer may say of both."""

import json

import pytest

from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.pages import parse_page
from event_streaming.wire.wishes.priorities import (
	Wish,
	parse_ahead,
	parse_wish,
	read_taken,
	taken_after,
	wish_of,
)

PRICE, ORDER, NOTE = "Item Price", "Sales Order", "Note"
ALL = {PRICE: "High", ORDER: "Normal", NOTE: "Low"}


def test_the_last_ones_come_with_the_cursor():
	assert wish_of(ALL, {}, 0, low_waits=False).first == ((PRICE,), (ORDER,))
	assert wish_of({PRICE: "High", ORDER: "Normal"}, {}, 0, low_waits=False).first == ((PRICE,),)


def test_who_has_one_priority_wishes_nothing():
	assert not wish_of({PRICE: "Low", ORDER: "Low"}, {}, 0, low_waits=False)


def test_where_low_ones_wait_all_others_come_first_and_alone():
	wish = wish_of(ALL, {}, 0, low_waits=True)
	assert (wish.first, wish.only) == (((PRICE,), (ORDER,)), True)
	assert wish_of({NOTE: "Low"}, {}, 0, low_waits=True) == Wish(only=True)
	assert not wish_of({PRICE: "High"}, {}, 0, low_waits=True).only


def test_what_the_cursor_has_passed_is_said_no_more():
	wish = wish_of(ALL, {PRICE: 10, ORDER: 30}, 20, low_waits=False)
	assert (wish.taken, wish.furthest(20), wish.cursor_of(PRICE, 20), wish.cursor_of(ORDER, 20)) == (
		{ORDER: 30},
		30,
		20,
		30,
	)


def test_a_wish_comes_over_the_wire_as_it_is():
	wish = wish_of(ALL, {ORDER: 30}, 20, low_waits=True)
	assert parse_wish(wish.on_the_wire(), 20) == wish
	assert not parse_wish(None, 20)


@pytest.mark.parametrize(
	"said",
	[
		"nonsense",
		"[]",
		'{"first": "Note"}',
		'{"first": ["Note"]}',
		'{"first": [[],[],[],[]]}',
		'{"taken": [1]}',
		'{"taken": {"Note": "5"}}',
		'{"taken": {"Note": -1}}',
		'{"taken": {"Note": true}}',
		json.dumps({"taken": {str(number): 1 for number in range(1_001)}}),
		json.dumps({"taken": {"x" * 141: 1}}),
	],
)
def test_a_wish_that_is_none_is_refused(said):
	with pytest.raises(ValueError):
		parse_wish(said, 0)


@pytest.mark.parametrize("ahead", [{NOTE: 10}, {PRICE: 4}, {PRICE: "x"}, [], "5"])
def test_an_answer_may_say_nothing_of_what_was_not_asked_for_and_not_go_back(ahead):
	with pytest.raises(InvalidPage):
		parse_ahead(ahead, Wish(((PRICE,),)), 5)


def event(position: int, doctype: str = PRICE) -> dict:
	return {
		"id": str(position),
		"position": position,
		"at_position": position,
		"update_type": "Delete",
		"ref_doctype": doctype,
		"docname": "x",
		"creation": "2026-01-01 00:00:00",
		"modified_by": "a@example.com",
		"origin": "https://head.example",
	}


def page(**answer) -> dict:
	said = {"protocol": 2, "events": [], "cursor": 5, "has_more": True, "subscriptions": {}, **answer}
	return parse_page(said, 5, "https://head.example", Wish(((PRICE,),)))


def test_a_page_of_what_comes_first_leaves_the_cursor_where_it_is():
	read = page(events=[event(90)], ahead={PRICE: 100})
	assert (read["cursor"], read["ahead"], read["has_more"]) == (5, {PRICE: 100}, True)


@pytest.mark.parametrize(
	"events", [[event(101)], [event(90, NOTE)], [event(90), event(80)], [event(4)]], ids=str
)
def test_such_a_page_holds_nothing_else(events):
	with pytest.raises(InvalidPage):
		page(events=events, ahead={PRICE: 100})


def test_a_producer_that_gets_nowhere_is_not_asked_again_at_once():
	assert not page(ahead={PRICE: 5})["has_more"]


def test_a_producer_of_an_older_version_says_nothing_of_it():
	read = page(events=[event(6), event(7, NOTE)], cursor=7)
	assert (read["ahead"], read["held"], read["cursor"]) == ({}, False, 7)


@pytest.mark.parametrize(
	("upto", "reached"),
	# the second and the third came with one event: neither is dealt with without the other
	[(0, None), (1, 20), (2, 29), (3, 30), (4, 100)],
)
def test_in_the_middle_of_a_page_no_more_is_taken_than_is_dealt_with(upto, reached):
	kept = {ORDER: 15, NOTE: 5}
	found = taken_after([20, 30, 30, 40], upto, {PRICE: 100, ORDER: 100}, kept)
	assert found == (kept if reached is None else {PRICE: reached, ORDER: reached, NOTE: 5})


def test_what_is_taken_never_goes_back():
	assert taken_after([20, 40], 1, {ORDER: 100}, {ORDER: 30}) == {ORDER: 30}


@pytest.mark.parametrize("text", ["", None, "x", "[1]", '{"a": "b"}'])
def test_what_was_kept_and_can_not_be_read_is_nothing(text):
	assert read_taken(text) == {}
