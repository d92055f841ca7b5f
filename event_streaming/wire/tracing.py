"""Pure: what one site tells another of where a document is, checked and bounded. Unknown words are dropped, not believed."""

from typing import Any

from event_streaming.wire.checks import InvalidPage

MOST_EVENTS, MOST_REASONS, LONGEST = 50, 20, 140
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
