"""When a scheduled verify is due, and which part it compares."""

from datetime import date, datetime, timedelta

import pytest

from event_streaming.consumer.verify.nights import (
	EVERY_DAY,
	EVERY_WEEK,
	EVERYTHING,
	OVERLAP,
	SEVENTH,
	THIRTIETH,
	after_round,
	buckets_of,
	is_due,
	part_of,
	since_of,
)

TODAY = date(2026, 11, 28)
NOON = datetime(2026, 11, 28, 12, 30)


@pytest.mark.parametrize(
	("every", "hour", "last", "due"),
	[
		("", 3, None, False),
		(EVERY_DAY, 3, None, True),
		(EVERY_DAY, 3, date(2026, 11, 27), True),
		(EVERY_DAY, 3, TODAY, False),
		(EVERY_DAY, 12, date(2026, 11, 27), True),
		(EVERY_DAY, 13, date(2026, 11, 27), False),
		(EVERY_WEEK, 3, date(2026, 11, 22), False),
		(EVERY_WEEK, 3, date(2026, 11, 21), True),
		# a clock that was wrong
		(EVERY_WEEK, 3, date(2030, 1, 1), True),
	],
)
def test_it_begins_once_a_day_or_week_and_a_missed_hour_is_made_up_for(every, hour, last, due):
	assert is_due(every, hour, NOON, last) is due


@pytest.mark.parametrize("share", [SEVENTH, THIRTIETH])
def test_every_bucket_has_its_turn_once_in_a_round(share):
	parts = part_of(share, 0)[1]
	seen = [bucket for number in range(parts, 2 * parts) for bucket in buckets_of(part_of(share, number), 64)]

	assert sorted(seen) == list(range(64))


def test_everything_is_no_part():
	assert part_of(EVERYTHING, 5) is None
	assert part_of("", 5) is None
	assert buckets_of(None, 3) == [0, 1, 2]


def test_what_has_changed_counts_since_the_last_round_until_a_full_one_is_due():
	began = NOON - timedelta(days=1)
	rounds = after_round({}, ["Item", "Customer"], {}, NOON - timedelta(days=6))
	rounds = after_round(rounds, ["Item"], {"Item": "…"}, began)

	assert rounds["Item"] == {"on": str(began), "full_on": str(NOON - timedelta(days=6))}
	since = since_of(rounds, NOON, 7)
	assert since["Item"] == str(began - OVERLAP) and since.keys() == {"Item", "Customer"}
	assert since_of(rounds, NOON, 6) == since_of(rounds, NOON, 0) == {}
	# a Document Type that was never compared whole, and a clock that was wrong
	assert after_round({}, ["Item"], {"Item": "…"}, began)["Item"]["full_on"] == str(began)
	assert since_of(after_round({}, ["Item"], {}, NOON + timedelta(hours=1)), NOON, 7) == {}
