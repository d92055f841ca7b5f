"""Pure: what one site tells another of where a document is, checked and bounded; and the words for why it is not there.

Unknown words are dropped, not believed.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.events import RENAME

# of a document, the newest
MOST_EVENTS = 50
MOST_REASONS, LONGEST = 20, 140
MOST_FORMER_NAMES = 5

# why a document, or an event of it, is not on the other site. Of the subscription:
NOT_SUBSCRIBED, NOT_APPROVED = "not_subscribed", "not_approved"
REJECTED, UNSUBSCRIBED = "rejected", "unsubscribed"
# of the two sites
PAUSED, USER_DISABLED, NO_ROLE, FRESH_COPY = "paused", "user_disabled", "no_role", "fresh_copy"
PAUSED_HERE, OFFLINE, REFUSED = "paused_here", "offline", "refused"
# followed by a time of day of the taker's: "hours 22:00"
HOURS = "hours"
UNTIL = re.compile(rf"{HOURS} (\d\d:\d\d)")
# of the document as it is now
NOT_THERE, MAY_NOT_READ = "not_there", "may_not_read"
CONDITION, CONDITION_FAILS = "condition", "condition_fails"
# of its events; missed: it may be read, and could not be when it was changed last. Whether it was copied since is not known
MADE_THERE, BEFORE, NOT_LOGGED = "made_there", "before", "not_logged"
MISSED, BEHIND = "missed", "behind"

TEXTS = ("id", "update_type", "by", "why", "status", "waits_for", "kind")
MOMENTS = ("logged", "numbered", "sent", "taken_on", "taken", "applied", "next_retry")


def parse_trace(answer: Any) -> dict[str, Any]:
	"""The answer to a question for a document's whereabouts. Raises InvalidPage for what is none."""
	if not isinstance(answer, dict) or not isinstance(answer.get("events", []), list):
		raise InvalidPage("The other site's answer about a document is not an object with events.")
	reasons = answer.get("reasons")
	return {
		"there": bool(answer.get("there")),
		"given": bool(answer.get("given")),
		"reasons": [_text(each) for each in reasons[:MOST_REASONS]] if isinstance(reasons, list) else [],
		"events": [_event(each) for each in answer.get("events", [])[:MOST_EVENTS] if isinstance(each, dict)],
	}


def chain_of(name: str, renames: Iterable[tuple[int, str, str | None]]) -> list[tuple[str, int]]:
	"""(a name that a document had before, the number of the event that changed it), the last one first.

	`renames` are (number of the event, old name, its data); a name may be or have been another document's besides.
	"""
	chain: list[tuple[str, int]] = []
	for number, old, text in sorted(renames, key=lambda each: each[0], reverse=True):
		data = json.loads(text or "{}")
		if data.get("new_name") == name and not data.get("merge") and len(chain) < MOST_FORMER_NAMES:
			chain.append((old, number))
			name = old
	return chain


def of_one_document(update_types: Sequence[str]) -> int:
	"""How many of a name's events, the newest first, are of the document that had it last: a rename gives the name up."""
	return next((i for i, each in enumerate(update_types) if i and each == RENAME), len(update_types))


def _event(entry: dict) -> dict[str, Any]:
	return {
		**{key: _text(entry.get(key)) for key in TEXTS},
		**{key: _moment(entry.get(key)) for key in MOMENTS},
		"position": _number(entry.get("position")),
		"attempts": _number(entry.get("attempts")),
	}


def _text(value: Any) -> str:
	return value[:LONGEST] if isinstance(value, str) else ""


def _number(value: Any) -> int:
	return value if isinstance(value, int) and 0 <= value < 2**63 else 0


def _moment(value: Any) -> float | bool | None:
	"""Seconds since 1970; or whether, where that is all that is known."""
	if isinstance(value, bool):
		return value
	return float(value) if isinstance(value, int | float) and 0 <= value < 2**40 else None
