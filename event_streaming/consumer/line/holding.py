"""Which rows of an Event Producer wait now because of its hours (*Only Between*), and until when. Reads nothing but the document."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

from event_streaming.consumer.line.windows import hours_at, parse_windows
from event_streaming.messages.coded import _
from event_streaming.site.address import time_zone
from event_streaming.wire.wishes.priorities import LOW

LOW_ROWS, ALL_ROWS = "Low Rows", "All Rows"


@dataclass(frozen=True)
class Holding:
	"""What waits: "" for nothing. `until` and `since` (when the hours began that are now) are in this site's time."""

	rows: str = ""
	until: datetime | None = None
	since: datetime | None = None
	# how long the hours last that are now; None where there are none
	seconds_left: float | None = None

	@property
	def everything(self) -> bool:
		return self.rows == ALL_ROWS

	@property
	def low(self) -> bool:
		"""Rows of low priority wait, alone or with all others."""
		return bool(self.rows)

	def holds(self, priority: str) -> bool:
		return self.everything or (self.low and priority == LOW)

	@property
	def clock(self) -> str:
		"""Until when, for a person."""
		return f"{self.until:%H:%M}" if self.until else ""


NOTHING = Holding()


def now_in_utc() -> datetime:
	return datetime.now(timezone.utc)


def holding(doc: Any) -> Holding:
	"""How it stands now, for an Event Producer or a row of its table."""
	try:
		windows = parse_windows(doc.get("only_between"))
	except ValueError:
		# written past the form: nothing waits for hours that nobody knows
		return NOTHING
	if not windows:
		return NOTHING
	zone = time_zone()
	now = now_in_utc()
	hours = hours_at(windows, now, zone)
	if hours.is_open:
		left = (hours.until - now).total_seconds() if hours.until else None
		return Holding(since=_here(hours.since, zone), seconds_left=left)
	return Holding(doc.get("only_between_for") or LOW_ROWS, until=_here(hours.until, zone))


def _here(moment: datetime | None, zone: str) -> datetime | None:
	return moment and moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def waits_until(event_producer: str, held: Holding) -> str:
	"""For a person: the whole connection waits."""
	return _("{0} waits until {1} (Only Between).").format(event_producer, held.clock)
