"""The hours of the charts: what is counted where, and what is left out when there was too much to look at."""

from datetime import datetime

from event_streaming.site.hours import (
	Counted,
	last_hours,
	longest_per_hour,
	per_hour,
	since_then,
	whole_hours,
)

NOW = datetime(2026, 11, 25, 13, 20)
HOURS = last_hours(NOW, 3)


def at(hour: int) -> datetime:
	return datetime(2026, 11, 25, hour)


def test_the_last_hour_is_the_one_that_is_not_over():
	assert HOURS == [at(11), at(12), at(13)]
	assert last_hours(datetime(2026, 11, 25, 1, 5), 3)[0] == datetime(2026, 11, 24, 23)


def test_counts_are_added_up_by_hour_and_kind_and_other_hours_left_out():
	counted = [
		Counted(at(11), "Synced", 2),
		Counted(at(11), "Synced", 3),
		Counted(at(13), "Failed", 1),
		Counted(at(9), "Failed", 9),
	]

	assert per_hour(HOURS, counted) == {"Synced": [5, 0, 0], "Failed": [0, 0, 1]}


def test_of_several_the_longest_counts_and_what_is_not_known_counts_for_nothing():
	counted = [
		Counted(at(12), "A", 1, longest=5),
		Counted(at(12), "A", 1, longest=7),
		Counted(at(12), "B", 1),
	]

	assert longest_per_hour(HOURS, counted) == {"A": [0, 7, 0]}


def test_an_hour_that_was_not_looked_at_to_its_beginning_is_left_out():
	counted = [Counted(at(11), "Synced", 4), Counted(at(12), "Synced", 6)]

	assert whole_hours(HOURS, counted, most=11) == HOURS
	assert whole_hours(HOURS, counted, most=10) == [at(12), at(13)]
	assert whole_hours(HOURS, [Counted(at(13), "Synced", 10)], most=10) == [at(13)]


def test_the_time_since_a_moment_grows_until_now():
	assert since_then(HOURS, datetime(2026, 11, 25, 12, 30), NOW) == [0, 30 * 60, 50 * 60]
