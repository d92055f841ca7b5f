"""One form for each type of value, whatever Python type or text it comes in.

Pure: needs no site and no database.
"""

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

DECIMALS = 9


def as_text(value: Any) -> str | None:
	return value if value is None or type(value) is str else str(value)


def as_whole(value: Any) -> int:
	if type(value) is int:
		return value
	try:
		return int(value or 0)
	except (TypeError, ValueError):
		try:
			return int(float(value))
		except (TypeError, ValueError, OverflowError):
			return 0


def as_check(value: Any) -> int:
	return 1 if as_whole(value) else 0


def as_decimal(value: Any) -> float:
	if isinstance(value, str):
		value = value.replace(",", "")
	try:
		return round(float(value or 0), DECIMALS) + 0.0
	except (TypeError, ValueError):
		return 0.0


def as_optional_decimal(value: Any) -> float | None:
	return None if value in (None, "") else as_decimal(value)


def as_datetime(value: Any) -> str | None:
	# twice with every save, and mostly one of these
	kind = type(value)
	if kind is datetime:
		return str(value)
	if not value:
		return None
	if isinstance(value, str):
		try:
			value = datetime.fromisoformat(value)
		except ValueError:
			return value
	elif isinstance(value, date) and not isinstance(value, datetime):
		value = datetime(value.year, value.month, value.day)
	return str(value)


def as_date(value: Any) -> str | None:
	if not value:
		return None
	value = _as_moment(value)
	if isinstance(value, datetime):
		value = value.date()
	return str(value)


def _as_moment(value: Any) -> Any:
	"""A text as the moment that it says; what says none stays as it is."""
	if isinstance(value, str):
		try:
			return datetime.fromisoformat(value)
		except ValueError:
			pass
	return value


def as_time(value: Any) -> str | None:
	if value is None or value == "":
		return None
	if isinstance(value, time):
		return str(value)
	if isinstance(value, datetime):
		return str(value.time())
	if isinstance(value, str):
		parsed = _parse_time(value)
		if parsed is None:
			return value
		value = parsed
	if not isinstance(value, timedelta):
		return str(value)
	seconds, microseconds = divmod(value // timedelta(microseconds=1), 1_000_000)
	text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
	return f"{text}.{microseconds:06}" if microseconds else text


def _parse_time(value: str) -> timedelta | None:
	parts = value.split(":")
	try:
		hours, minutes = int(parts[0]), int(parts[1]) if len(parts) > 1 else 0
		seconds = round(float(parts[2]) * 1_000_000) if len(parts) > 2 else 0
	except ValueError:
		return None
	return timedelta(hours=hours, minutes=minutes, microseconds=seconds)


def as_json(value: Any) -> str | None:
	if value is None or isinstance(value, str):
		return value
	return json.dumps(value, separators=(",", ":"))


CONVERT: dict[str, Callable[[Any], Any]] = {
	"Check": as_check,
	"Int": as_whole,
	"Long Int": as_whole,
	"Float": as_decimal,
	"Currency": as_decimal,
	"Percent": as_decimal,
	"Rating": as_optional_decimal,
	"Duration": as_optional_decimal,
	"Datetime": as_datetime,
	"Date": as_date,
	"Time": as_time,
	"JSON": as_json,
}

# the types whose values each of these leaves as they are
PLAIN: dict[Callable[[Any], Any], frozenset[type]] = {
	as_text: frozenset((str, type(None))),
	as_whole: frozenset((int,)),
	as_optional_decimal: frozenset((type(None),)),
	as_datetime: frozenset((type(None),)),
	as_date: frozenset((type(None),)),
	as_time: frozenset((type(None),)),
	as_json: frozenset((str, type(None))),
}
