"""When a scheduled verify is due, and which part of the documents it compares. Pure: days and numbers in, an answer out."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

EVERY_DAY, EVERY_WEEK = "Every Day", "Every Week"
EVERYTHING, CHANGED, SEVENTH, THIRTIETH = "Everything", "What Has Changed", "A Seventh", "A Thirtieth"
PARTS = {SEVENTH: 7, THIRTIETH: 30}
DAYS = {EVERY_DAY: 1, EVERY_WEEK: 7}
# clocks that are not together, and the hour that one has twice: what changed so long before is compared once more
OVERLAP = timedelta(hours=2)
# DocType -> when the last comparison of it began, and the last of all its documents
Rounds = Mapping[str, Mapping[str, str]]


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


def since_of(rounds: Rounds, now: datetime, full_every: int) -> dict[str, str]:
	"""DocType -> since when a change counts, for those of which all documents were compared in the last `full_every` days. All
	others, and with 0 all, are compared whole. A moment that is still to come has been written by a clock that was wrong."""
	found = {}
	for doctype, round_ in rounds.items():
		last, full = datetime.fromisoformat(round_["on"]), datetime.fromisoformat(round_["full_on"])
		if full <= last <= now and (now.date() - full.date()).days < full_every:
			found[doctype] = str(last - OVERLAP)
	return found


def after_round(
	rounds: Rounds, doctypes: Iterable[str], since: Mapping[str, str], began: datetime
) -> dict[str, dict[str, str]]:
	"""The rounds once a comparison that began then has come to its end; `since` has the DocTypes of which it was not all."""
	found = {doctype: dict(round_) for doctype, round_ in rounds.items()}
	for doctype in doctypes:
		full_on = found[doctype]["full_on"] if doctype in since and doctype in found else str(began)
		found[doctype] = {"on": str(began), "full_on": full_on}
	return found
