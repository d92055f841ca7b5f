"""Values by which documents of two sites are recognised as the same, and the pages in which they go over the wire. Pure.

Values go as text: trimmed, numbers and times in one spelling. Nothing else of a document is in a page.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, TypedDict

from event_streaming.wire.checks import MAX_NAME, InvalidPage, is_whole, list_of, next_after, text
from event_streaming.wire.events import Root, parse_root
from event_streaming.wire.values import as_decimal

NAME = "name"
MOST_FIELDS = 10
MOST_DOCUMENTS = 1_000
# longer texts are compared by their sum
LONGEST = 500
# numbers that nobody has filled in; alone they say nothing
UNSET = "0"

Values = tuple[str, ...]


class MatchRow(TypedDict):
	"""One document of the producer: its name, its values in the order of the fields asked for, where it was first made."""

	name: str
	values: Values
	root: Root | None


class MatchPage(TypedDict):
	"""Documents in the order of their names; `after` is the last name looked at."""

	rows: list[MatchRow]
	after: str
	has_more: bool
	paused: bool


def comparable(value: Any) -> str:
	"""One spelling for a value, whichever database or site it comes from; "" when there is none."""
	if value is None:
		return ""
	if isinstance(value, bool | int):
		return str(int(value))
	if isinstance(value, float | Decimal):
		number = as_decimal(value)
		return str(int(number)) if number == int(number) else repr(number)
	if isinstance(value, timedelta):
		return str(value.total_seconds())
	written = str(value).strip()
	if len(written) > LONGEST:
		return "sha256:" + sha256(written.encode(errors="replace")).hexdigest()
	return written


def values_of(row: Sequence[Any]) -> Values:
	return tuple(comparable(value) for value in row)


def says_something(values: Values) -> bool:
	"""Whether documents may be recognised by these values: none is empty, and not all are numbers that nobody filled in."""
	return bool(values) and all(values) and any(value != UNSET for value in values)


def parse_match_page(answer: Any, count: int, after: str) -> MatchPage:
	"""A page of values of `count` fields, checked; `after` is the name that was asked with. Raises InvalidPage."""
	if not isinstance(answer, dict):
		raise InvalidPage("The answer to a request for values to match by is not an object.")
	entries = list_of(answer, "rows")
	if len(entries) > MOST_DOCUMENTS:
		raise InvalidPage(f"A page of values to match by holds more than {MOST_DOCUMENTS} documents.")
	rows = [_parse_row(entry, count) for entry in entries]
	if len({row["name"] for row in rows}) != len(rows):
		raise InvalidPage("The producer sent values of a document twice.")
	return {
		"rows": rows,
		"after": next_after(answer, after, "values to match by"),
		"has_more": bool(answer.get("has_more")),
		"paused": bool(answer.get("paused")),
	}


def _parse_row(entry: Any, count: int) -> MatchRow:
	if not isinstance(entry, list) or len(entry) != 3 or not isinstance(entry[1], list):
		raise InvalidPage("The producer's values to match by are not name, values and root.")
	name, values, root = entry
	if len(values) != count or not all(
		isinstance(value, str) and len(value) <= LONGEST and is_whole(value) for value in values
	):
		raise InvalidPage("The producer's values to match by are not those that were asked for.")
	return {
		"name": text(name, "name", MAX_NAME, required=True),
		"values": values_of(values),
		"root": parse_root(root),
	}
