"""Checks of single values that another site sent: types, sizes and names, before anything is done with them. Pure."""

import re
from datetime import datetime
from typing import Any

from event_streaming.messages.codes import CODE, UNREADABLE

MAX_NAME = 140
# of one event: less than what any database takes in one statement
MAX_DATA = 8 * 1024 * 1024
MAX_ROWS = 20_000
MAX_DEPTH = 12
# databases know no date before it
FIRST_YEAR = 1000
# in no name that Frappe gives, and in no database's text: control characters, markup, halves of characters
NOT_IN_NAMES = re.compile("[\x00-\x1f\x7f<>\ud800-\udfff]")


SITE_ID = re.compile(r"[0-9A-Za-z-]{8,64}")


class InvalidPage(ValueError):
	"""What the other site sent is not what the wire format allows. All of these have one code, as they have one remedy."""

	def __init__(self, message: str = ""):
		super().__init__(message if CODE.search(message) else f"{message} ({UNREADABLE})")


def as_site_id(value: Any) -> str:
	"""The id of a site; "" for none, and for what can be none."""
	return value if isinstance(value, str) and SITE_ID.fullmatch(value) else ""


def printable(value: Any) -> str:
	"""What is left of a name that is none, to be shown to a person."""
	if isinstance(value, int) and not isinstance(value, bool):
		return str(value)[:MAX_NAME]
	return NOT_IN_NAMES.sub("?", value)[:MAX_NAME] if value and isinstance(value, str) else "?"


def has_nothing_to_refuse(text: str) -> bool:
	"""Whether the JSON text alone shows that there is nothing to refuse: for `check_shape` has to look at every value.

	Each level opens a bracket, a row more is a comma more, and halves of characters have to be escaped.
	"""
	return (
		text.count("{") + text.count("[") <= MAX_DEPTH
		and text.count(",") < MAX_ROWS
		and "\\u" not in text
		and holds_no_halves(text)
	)


def holds_no_halves(text: str) -> bool:
	"""Whether the JSON text alone shows that no value of it holds halves of characters."""
	return "\\u" not in text and is_whole(text)


def check_shape(data: Any, texts_too: bool = True) -> None:
	"""Refuse what no document is: nested too deep, with a table of too many rows, or with text that no database takes.

	`texts_too` False when the JSON text has shown already that its texts are whole.
	"""
	level, depth = [data], 0
	while level:
		depth += 1
		if depth > MAX_DEPTH:
			raise InvalidPage(f"The data of a document is nested more than {MAX_DEPTH} levels deep.")
		below: list[Any] = []
		for value in level:
			if isinstance(value, list) and len(value) > MAX_ROWS:
				raise InvalidPage(f"A table of a document has more than {MAX_ROWS} rows.")
			children = value.values() if isinstance(value, dict) else value
			below.extend([child for child in children if isinstance(child, (dict, list))])
			if not texts_too:
				continue
			texts = [*value, *children] if isinstance(value, dict) else children
			if not all(is_whole(text) for text in texts if isinstance(text, str)):
				raise InvalidPage("A document holds halves of characters.")
		level = below


def data_text(value: Any, what: str) -> str | None:
	if value is None:
		return None
	if not isinstance(value, str):
		raise InvalidPage(f"An event's {what} is not text.")
	if len(value) > MAX_DATA:
		raise InvalidPage(f"An event's {what} is larger than {MAX_DATA >> 20} MB.")
	if not is_whole(value):
		raise InvalidPage(f"An event's {what} holds halves of characters.")
	return value


def is_whole(value: str) -> bool:
	"""Whether text can be written down: JSON can hold halves of characters, what they are stored in can't."""
	try:
		return value.isascii() or bool(value.encode())
	except UnicodeEncodeError:
		return False


def moment(value: Any) -> str:
	"""A date and time without a zone that every database takes, as text in one spelling; "" when there is none."""
	if not value:
		return ""
	try:
		read = datetime.fromisoformat(value)
	except (ValueError, TypeError):
		read = None
	if not read or read.tzinfo or read.year < FIRST_YEAR:
		raise InvalidPage("creation is not a date and time.")
	return str(read)


def list_of(answer: dict, part: str) -> list:
	value = answer.get(part) or []
	if not isinstance(value, list):
		raise InvalidPage(f"{part} is not a list.")
	return value


def whole_number(value: Any, what: str) -> int:
	if isinstance(value, bool) or not isinstance(value, int) or value < 0 or value >= 2**63:
		raise InvalidPage(f"{what} is not a whole number of 0 or more.")
	return value


def text(value: Any, what: str, longest: int, required: bool = False) -> str:
	if not isinstance(value, str) or len(value) > longest or (required and not value):
		raise InvalidPage(f"{what} is not text of at most {longest} characters.")
	if NOT_IN_NAMES.search(value):
		raise InvalidPage(f"{what} holds characters that no name may hold.")
	return value


def next_after(answer: dict, after: str, what: str) -> str:
	"""The name after which the next page of an answer begins; `after` is the one that was asked with."""
	found = text(answer.get("after") or "", "after", MAX_NAME)
	if answer.get("has_more") and (not found or found == after):
		raise InvalidPage(f"The producer's pages of {what} do not go on.")
	return found
