"""The hours of the charts: the last HOURS, oldest first, each named by the moment at which it began.

Pure: needs no site. What happened in an hour is counted elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

HOURS = 24
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Counted:
	"""What happened in one hour, of one kind."""

	hour: datetime
	kind: str
	count: int
	# the longest that any of it had been under way, in seconds
	longest: int | None = None


def last_hours(now: datetime, count: int = HOURS) -> list[datetime]:
	"""When each of the last hours began, oldest first; the last one is not over yet."""
	begun = now.replace(minute=0, second=0, microsecond=0)
	return [begun - HOUR * back for back in range(count - 1, -1, -1)]


def whole_hours(hours: list[datetime], counted: Iterable[Counted], most: int) -> list[datetime]:
	"""Those of the hours of which all was looked at: looking stops after the newest `most`, perhaps amid an hour."""
	counted = list(counted)
	if sum(each.count for each in counted) < most:
		return hours
	oldest = min(each.hour for each in counted)
	return [hour for hour in hours if hour > oldest] or hours[-1:]


def per_hour(hours: list[datetime], counted: Iterable[Counted]) -> dict[str, list[int]]:
	"""Kind -> how much of it there was in each of the hours."""
	found: dict[str, list[int]] = {}
	place = {hour: index for index, hour in enumerate(hours)}
	for each in counted:
		if each.hour in place:
			found.setdefault(each.kind, [0] * len(hours))[place[each.hour]] += each.count
	return found


def longest_per_hour(hours: list[datetime], counted: Iterable[Counted]) -> dict[str, list[int]]:
	"""Kind -> the longest that any of it took in each of the hours, in seconds; 0 where there was none."""
	found: dict[str, list[int]] = {}
	place = {hour: index for index, hour in enumerate(hours)}
	for each in counted:
		if each.hour in place and each.longest is not None:
			values = found.setdefault(each.kind, [0] * len(hours))
			values[place[each.hour]] = max(values[place[each.hour]], each.longest)
	return found


def since_then(hours: list[datetime], then: datetime, now: datetime) -> list[int]:
	"""How long ago `then` was at the end of each of the hours (at `now` for the last), in seconds; 0 before it."""
	return [max(int((min(hour + HOUR, now) - then).total_seconds()), 0) for hour in hours]
