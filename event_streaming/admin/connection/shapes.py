"""The arithmetic of the connection page and the map: delays, colours, widths, pages of a timeline. Pure, on plain data."""

from collections.abc import Iterable
from datetime import datetime
from math import ceil, log10
from typing import TypedDict

SHARE = 0.95
# up to so many seconds
QUICK, SLOW = 60, 15 * 60
GREEN, YELLOW, ORANGE, RED, GRAY = "green", "yellow", "orange", "red", "gray"
THINNEST, WIDEST = 2.0, 10.0


class Entry(TypedDict):
	"""One thing that happened to a connection. `key` tells it from others of the same moment; `link` is (DocType, name)."""

	at: datetime
	key: str
	kind: str
	title: str
	text: str
	by: str
	color: str
	link: tuple[str, str] | None


def percentile(counted: Iterable[tuple[int, int]], share: float = SHARE) -> int | None:
	"""The delay that `share` of the events did not exceed, of (seconds, events); None where there were none."""
	known = sorted(counted)
	total = sum(events for _seconds, events in known)
	if not total:
		return None
	wanted, so_far = ceil(total * share), 0
	for seconds, events in known:
		so_far += events
		if so_far >= wanted:
			return max(seconds, 0)
	return None


def color_of(delay: int | None, needs_you: bool) -> str:
	"""The colour of a stream. Red is for what needs a person alone; gray: nothing has come."""
	if needs_you:
		return RED
	if delay is None:
		return GRAY
	if delay <= QUICK:
		return GREEN
	return YELLOW if delay <= SLOW else ORANGE


def width_of(per_hour: int) -> float:
	"""How thick the line of a stream is: ten times the events make it so much thicker, not ten times."""
	return round(min(THINNEST + 2 * log10(1 + max(per_hour, 0)), WIDEST), 1)


def fresh_as_of(caught_up: datetime | None, oldest_open: datetime | None) -> datetime | None:
	"""Up to when everything of a DocType is here: when nothing was left there, unless something that came before still stands open."""
	if caught_up is None or oldest_open is None:
		return caught_up
	return min(caught_up, oldest_open)


def newest_first(entries: Iterable[Entry], size: int, after: tuple[datetime, str] | None) -> list[Entry]:
	"""A page of a timeline: `size` entries, newest first; those that come after the one that `after` names."""
	known = sorted(entries, key=place_of, reverse=True)
	return [each for each in known if after is None or place_of(each) < after][:size]


def place_of(entry: Entry) -> tuple[datetime, str]:
	"""Where an entry stands in the timeline."""
	return entry["at"], entry["key"]


def as_cursor(entry: Entry) -> str:
	"""The entry's place as text, for the question for the next page."""
	return f"{entry['at'].isoformat()} {entry['key']}"


def read_cursor(text: str) -> tuple[datetime, str] | None:
	"""What `as_cursor` wrote; None for "". Raises ValueError."""
	if not text:
		return None
	at, _space, key = text.partition(" ")
	return datetime.fromisoformat(at), key
