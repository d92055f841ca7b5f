"""Hours at which a line may be used, by the clock of a time zone: "22:00-06:00". Pure.

A clock that is set forward by an hour skips some times of day: a window that begins there begins an hour later on the clock. One
that is set back has an hour twice: a window that ends there ends with the second one.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

PART = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})")
DAY = timedelta(days=1)
# a window of yesterday may reach into today, and the next one may be tomorrow's
DAYS = (-1, 0, 1, 2)


@dataclass(frozen=True)
class Window:
	"""From one time of day to another, over midnight where the second is not later: from midnight to midnight, it is the whole day."""

	begins: time
	ends: time

	def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
		"""The window that begins on a day, as moments in UTC."""
		last = day if self.ends > self.begins else day + DAY
		begins = datetime.combine(day, self.begins, zone)
		ends = datetime.combine(last, self.ends, zone).replace(fold=1)
		# a time that the clock skips is the moment that it would have been by the rule of before
		return begins.astimezone(timezone.utc), _skipped_or_not(ends)


def _skipped_or_not(ends: datetime) -> datetime:
	"""An end that the clock skips lies as far behind the leap as a beginning does, or a window within the skipped hour has none."""
	moment = ends.astimezone(timezone.utc)
	is_skipped = moment.astimezone(ends.tzinfo).replace(tzinfo=None) != ends.replace(tzinfo=None)
	return ends.replace(fold=0).astimezone(timezone.utc) if is_skipped else moment


def parse_windows(text: str | None) -> tuple[Window, ...]:
	"""The windows that a person has typed; none for nothing. Raises ValueError for what is no time of day."""
	windows = []
	for part in re.split(r"[,;\n]", text or ""):
		if not part.strip():
			continue
		found = PART.fullmatch(part.strip())
		if not found:
			raise ValueError(part.strip())
		from_hour, from_minute, to_hour, to_minute = map(int, found.groups())
		try:
			# the end of a day is the beginning of the next one
			window = Window(
				time(from_hour, from_minute), time(to_hour % 24 if to_minute == 0 else to_hour, to_minute)
			)
		except ValueError:
			raise ValueError(part.strip()) from None
		is_whole_day = (from_hour, from_minute, to_hour) == (0, 0, 24)
		if (window.begins == window.ends and not is_whole_day) or to_hour > 24:
			raise ValueError(part.strip())
		windows.append(window)
	return tuple(windows)


def written(windows: tuple[Window, ...]) -> str:
	"""In the one way in which they are kept."""
	return ", ".join(
		# as it is typed: from one time to the same one may mean a day or nothing
		"00:00-24:00" if each.begins == each.ends else f"{each.begins:%H:%M}-{each.ends:%H:%M}"
		for each in windows
	)


@dataclass(frozen=True)
class Hours:
	"""How it stands at a moment: whether a window is open, since when if it is, and until when that stays so; in UTC."""

	is_open: bool
	since: datetime | None = None
	until: datetime | None = None


def hours_at(windows: tuple[Window, ...], now: datetime, zone: str) -> Hours:
	"""`now` is in UTC. Without a window it is always open."""
	if not windows:
		return Hours(True)
	there = ZoneInfo(zone)
	today = now.astimezone(there).date()
	spans = sorted(each.on(today + timedelta(days=days), there) for each in windows for days in DAYS)
	around = [(begins, ends) for begins, ends in spans if begins <= now < ends]
	if around:
		ends = max(ends for _begins, ends in around)
		while later := [end for begins, end in spans if begins <= ends < end]:
			ends = max(later)
		return Hours(True, min(begins for begins, _ends in around), ends)
	return Hours(False, until=min(begins for begins, _ends in spans if begins > now))
