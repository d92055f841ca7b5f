"""When a scheduled verify is due, and which part of the documents it compares. Pure: days and numbers in, an answer out."""

from datetime import date, datetime

EVERY_DAY, EVERY_WEEK = "Every Day", "Every Week"
EVERYTHING, SEVENTH, THIRTIETH = "Everything", "A Seventh", "A Thirtieth"
PARTS = {SEVENTH: 7, THIRTIETH: 30}
DAYS = {EVERY_DAY: 1, EVERY_WEEK: 7}


def is_due(every: str, hour: int, now: datetime, last: date | None) -> bool:
	"""Whether to begin now, having begun last on the day `last`. One that was missed, the site being off, is made up for that day.

	A day that is still to come has been written by a clock that was wrong.
	"""
	if every not in DAYS or now.hour < hour:
		return False
	today = now.date()
	return last is None or last > today or (today - last).days >= DAYS[every]


def part_of(share: str, number: int) -> tuple[int, int] | None:
	"""(which part, of how many) has its turn when `number` parts were done before: all have had it after that many times; None:
	everything."""
	parts = PARTS.get(share)
	return (number % parts, parts) if parts else None


def buckets_of(part: tuple[int, int] | list[int] | None, buckets: int) -> list[int]:
	"""The numbers of the buckets that a part has; each bucket is in one part."""
	if not part:
		return list(range(buckets))
	number, parts = part
	return [bucket for bucket in range(buckets) if bucket % parts == number]
