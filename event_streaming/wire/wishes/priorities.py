"""Which DocTypes a consumer would have first, and what it has taken of them ahead of its cursor. Pure.

The cursor stays what it is: everything up to it is dealt with. A DocType that was taken ahead has a position of its own beyond it, which
the consumer keeps with the cursor and says with each request; its events up to there do not come again. A site of an older version
knows nothing of that, and sends everything in order.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from event_streaming.wire.checks import MAX_NAME, InvalidPage, whole_number

HIGH, NORMAL, LOW = "High", "Normal", "Low"
PRIORITIES = (HIGH, NORMAL, LOW)
MOST_DOCTYPES = 1_000


@dataclass(frozen=True)
class Wish:
	"""DocTypes in the order in which they are wanted, those of one priority together. `taken`: DocType -> the position up to which all its
	events are dealt with, where that is beyond the cursor. `only`: nothing is wanted now but those of `first`."""

	first: tuple[tuple[str, ...], ...] = ()
	taken: Mapping[str, int] = field(default_factory=dict)
	only: bool = False

	def __bool__(self) -> bool:
		return bool(self.first or self.taken or self.only)

	def cursor_of(self, doctype: str, cursor: int) -> int:
		return max(cursor, self.taken.get(doctype, 0))

	def furthest(self, cursor: int) -> int:
		"""The last position of which the consumer has anything."""
		return max((cursor, *self.taken.values()))

	def on_the_wire(self) -> str:
		said = {"first": self.first, "taken": dict(self.taken), "only": int(self.only)}
		return json.dumps(said, separators=(",", ":"))


def wish_of(priorities: Mapping[str, str], taken: Mapping[str, int], cursor: int, low_waits: bool) -> Wish:
	"""The wish of a site whose DocTypes have these priorities. The last ones come with the cursor, and need no wish."""
	groups = [tuple(sorted(name for name, each in priorities.items() if each == one)) for one in PRIORITIES]
	only = low_waits and bool(groups[-1])
	present = [group for group in groups if group]
	first = tuple(group for group in groups[:-1] if group) if only else tuple(present[:-1])
	return Wish(first, beyond(taken, cursor), only)


def beyond(taken: Mapping[str, int], cursor: int) -> dict[str, int]:
	"""What the cursor has not reached yet."""
	return {doctype: position for doctype, position in sorted(taken.items()) if position > cursor}


def read_taken(text: str | None) -> dict[str, int]:
	"""What was kept of it; nothing where that can't be read: then events come once more, which is known."""
	try:
		return {str(doctype): int(position) for doctype, position in json.loads(text or "{}").items()}
	except (ValueError, TypeError, AttributeError):
		return {}


def parse_wish(text: Any, cursor: int) -> Wish:
	"""What a request brings; nothing of it is believed but that it is wished for. Raises ValueError."""
	if not text:
		return Wish()
	said = json.loads(text) if isinstance(text, str) else text
	if not isinstance(said, dict):
		raise ValueError("The wish is not an object.")
	first, taken = said.get("first") or [], said.get("taken") or {}
	if not isinstance(first, list) or len(first) > len(PRIORITIES) or not isinstance(taken, dict):
		raise ValueError("The wish names no groups of DocTypes.")
	groups = tuple(_names(group) for group in first)
	if len(taken) > MOST_DOCTYPES or not all(_is_position(each) for each in taken.values()):
		raise ValueError("The wish has no positions.")
	if any(len(str(doctype)) > MAX_NAME for doctype in taken):
		raise ValueError("The wish names no DocTypes.")
	return Wish(tuple(filter(None, groups)), beyond(taken, cursor), bool(said.get("only")))


def _names(group: Any) -> tuple[str, ...]:
	if not isinstance(group, list) or len(group) > MOST_DOCTYPES:
		raise ValueError("The wish names no groups of DocTypes.")
	return tuple(dict.fromkeys(str(name)[:MAX_NAME] for name in group))


def _is_position(value: Any) -> bool:
	return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def parse_ahead(answer: Any, wish: Wish, cursor: int) -> dict[str, int]:
	"""DocType -> up to where an answer has all of it, for those that it has sent ahead of the cursor. Raises InvalidPage."""
	if answer is None:
		return {}
	if not isinstance(answer, dict):
		raise InvalidPage("What the feed says of DocTypes that come first is not an object.")
	asked = {name for group in wish.first for name in group}
	ahead = {}
	for doctype, position in answer.items():
		ahead[doctype] = whole_number(position, "ahead")
		if doctype not in asked:
			raise InvalidPage("The feed has sent a DocType first that was not asked for.")
		if ahead[doctype] < wish.cursor_of(doctype, cursor):
			raise InvalidPage("The feed goes back in a DocType that comes first.")
	return ahead


def taken_after(
	positions: Sequence[int], upto: int, ahead: Mapping[str, int], taken: Mapping[str, int]
) -> dict[str, int]:
	"""What is taken ahead once the first `upto` events of a page are dealt with that brings all of some DocTypes up to `ahead`; their
	positions are in order."""
	if upto == len(positions):
		return {**taken, **ahead}
	if not upto:
		return dict(taken)
	# of the same position others may follow: an event's older ones come with it
	last = positions[upto - 1]
	reached = last - 1 if positions[upto] == last else last
	return {**taken, **{doctype: max(taken.get(doctype, 0), reached) for doctype in ahead}}
