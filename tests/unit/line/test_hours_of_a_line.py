"""Hours at which a line may be used: over midnight, over both changes of the clock, and until when it stays so."""

from datetime import datetime, time, timezone

import pytest

from event_streaming.consumer.line.windows import Window, hours_at, parse_windows, written

BERLIN = "Europe/Berlin"


def utc(text: str) -> datetime:
	return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def is_open(text: str, moment: str, zone: str = "UTC") -> bool:
	return hours_at(parse_windows(text), utc(moment), zone).is_open


@pytest.mark.parametrize(
	("typed", "kept"),
	[
		("22:00-06:00", "22:00-06:00"),
		("9:05 – 12:30; 22:00-24:00", "09:05-12:30, 22:00-00:00"),
		("0:00-24:00", "00:00-24:00"),
		("", ""),
		(None, ""),
		(" , ", ""),
	],
)
def test_hours_are_kept_in_one_way(typed, kept):
	assert written(parse_windows(typed)) == kept


@pytest.mark.parametrize(
	"typed",
	[
		"22-06",
		"25:00-06:00",
		"22:60-06:00",
		"night",
		"22:00-22:00",
		"00:00-00:00",
		"24:00-24:00",
		"00:00-24:30",
	],
)
def test_what_is_no_time_of_day_is_refused(typed):
	with pytest.raises(ValueError):
		parse_windows(typed)


@pytest.mark.parametrize("moment", ["2026-03-29T00:59", "2026-03-29T22:00", "2026-11-29T23:00"])
def test_a_whole_day_is_open_at_any_time(moment):
	assert is_open("00:00-24:00", moment, BERLIN)


def test_without_hours_it_is_always_open():
	assert hours_at((), utc("2026-01-01T00:00"), "UTC").is_open


@pytest.mark.parametrize(
	("moment", "open_then"),
	[
		("2026-11-29T21:59:59", False),
		("2026-11-29T22:00", True),
		("2026-11-30T00:00", True),
		("2026-11-30T05:59:59", True),
		("2026-11-30T06:00", False),
	],
)
def test_a_window_goes_over_midnight(moment, open_then):
	assert is_open("22:00-06:00", moment) is open_then


def test_it_is_this_sites_clock_that_counts():
	# 22:30 in Bangkok
	assert is_open("22:00-06:00", "2026-11-29T15:30", "Asia/Bangkok")
	assert not is_open("22:00-06:00", "2026-11-29T23:30", "Asia/Bangkok")


def test_until_when_it_waits_and_since_when_it_may():
	shut = hours_at(parse_windows("22:00-06:00"), utc("2026-11-29T12:00"), BERLIN)
	assert shut.until == utc("2026-11-29T21:00")
	opened = hours_at(parse_windows("22:00-06:00"), utc("2026-11-29T23:30"), BERLIN)
	assert (opened.since, opened.until) == (utc("2026-11-29T21:00"), utc("2026-11-30T05:00"))


def test_windows_that_meet_are_one():
	found = hours_at(parse_windows("12:00-13:00, 13:00-14:00"), utc("2026-11-29T12:30"), "UTC")
	assert found.until == utc("2026-11-29T14:00")


def test_a_window_that_the_clock_skips_is_there_all_the_same():
	# on 29 March 2026 the clock in Berlin goes from 02:00 to 03:00, at 01:00 UTC
	assert Window(time(2, 15), time(2, 45)).on(utc("2026-03-29T00:00").date(), zone_of(BERLIN)) == (
		utc("2026-03-29T01:15"),
		utc("2026-03-29T01:45"),
	)
	assert is_open("02:15-02:45", "2026-03-29T01:30", BERLIN)


def test_an_hour_that_is_there_twice_is_open_twice():
	# on 25 October 2026 the clock goes from 03:00 back to 02:00, at 01:00 UTC
	assert is_open("01:00-02:30", "2026-10-25T00:15", BERLIN)
	assert is_open("01:00-02:30", "2026-10-25T01:15", BERLIN)
	assert not is_open("01:00-02:30", "2026-10-25T01:30", BERLIN)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-28", 7), ("2026-10-24", 9), ("2026-11-28", 8)])
def test_a_night_in_which_the_clock_changes_is_an_hour_shorter_or_longer(day, hours):
	begins, ends = Window(time(22), time(6)).on(utc(f"{day}T12:00").date(), zone_of(BERLIN))
	assert (ends - begins).total_seconds() == hours * 3600


def zone_of(name: str):
	from zoneinfo import ZoneInfo

	return ZoneInfo(name)
