"""Delays, colours, widths and pages of the connection page, on plain data."""

from datetime import datetime, timedelta

import pytest

from event_streaming.admin.connection import shapes

NOON = datetime(2026, 11, 29, 12)


def entry(minutes: int, key: str = "a") -> shapes.Entry:
	return {
		"at": NOON + timedelta(minutes=minutes),
		"key": key,
		"kind": "decision",
		"title": "",
		"text": "",
		"by": "",
		"color": "blue",
		"link": None,
	}


@pytest.mark.parametrize(
	("counted", "expected"),
	[
		([], None),
		([(3, 1)], 3),
		([(1, 95), (600, 5)], 1),
		([(600, 6), (1, 94)], 600),
		# a clock that is ahead over there
		([(-20, 10)], 0),
	],
)
def test_the_delay_that_95_of_100_events_do_not_exceed(counted, expected):
	assert shapes.percentile(counted) == expected


def test_red_is_for_what_needs_a_person_alone():
	colors = [shapes.color_of(delay, False) for delay in (None, 0, 60, 61, 900, 901, 10**6)]

	assert colors == ["gray", "green", "green", "yellow", "yellow", "orange", "orange"]
	assert shapes.color_of(0, True) == shapes.color_of(None, True) == "red"


def test_a_line_is_thicker_with_more_events_and_never_too_thick():
	widths = [shapes.width_of(events) for events in (0, 1, 10, 100, 1_000, 10**9)]

	assert widths == sorted(widths) and len(set(widths)) == len(widths)
	assert (widths[0], widths[-1]) == (shapes.THINNEST, shapes.WIDEST)


def test_a_doctype_is_as_fresh_as_its_oldest_open_event():
	before = NOON - timedelta(hours=1)

	assert shapes.fresh_as_of(NOON, None) == NOON
	assert shapes.fresh_as_of(NOON, before) == before
	assert shapes.fresh_as_of(before, NOON) == before
	assert shapes.fresh_as_of(None, NOON) is None


def test_pages_of_a_timeline_have_every_entry_once_also_of_one_moment():
	entries = [entry(minutes, key) for minutes in (1, 2, 2, 2, 3) for key in ("a", "b")]
	for number, each in enumerate(entries):
		each["key"] += str(number)
	seen: list[shapes.Entry] = []
	cursor = ""
	while page := shapes.newest_first(entries, 3, shapes.read_cursor(cursor)):
		seen += page
		cursor = shapes.as_cursor(page[-1])

	assert [each["key"] for each in seen] == [
		each["key"] for each in sorted(entries, key=shapes.place_of, reverse=True)
	]


def test_a_cursor_that_nobody_wrote_is_refused():
	with pytest.raises(ValueError):
		shapes.read_cursor("yesterday a")
