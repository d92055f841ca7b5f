"""Pure: what a consumer has taken under an open subscription, as spans of positions in the place of a row for each event.

A span is (after, up to): all events of the DocType after the one position and up to the other. That of a subscription that is
open has no end of its own (0): it reaches as far as the consumer's cursor. So nothing is written while a subscription is open.
"""

import json

# (after, up to); up to is 0 where the cursor says it
Span = tuple[int, int]
Spans = tuple[Span, ...]
# of one row; what a new approval has left behind goes first
MOST = 20


def parsed(text: str | None) -> Spans:
	"""The spans as they are stored; none where that can't be read."""
	try:
		found = json.loads(text or "[]")
		return tuple((int(after), int(up_to)) for after, up_to in found)
	except (ValueError, TypeError):
		return ()


def written(spans: Spans) -> str | None:
	return json.dumps([list(span) for span in spans], separators=(",", ":")) if spans else None


def at_cursor(spans: Spans, cursor: int, is_open: bool, starts_after: int) -> Spans:
	"""The spans when the consumer asks for what comes after `cursor`, of a subscription that was approved at `starts_after`.

	What lies beyond the cursor has not arrived, or is lost with what the consumer was restored from: it is given again.
	"""
	kept: list[Span] = []
	begins = max(cursor, starts_after)
	for after, up_to in spans:
		if up_to:
			_add(kept, after, min(up_to, cursor))
		elif is_open and after >= starts_after:
			begins = max(min(after, cursor), starts_after)
		else:
			_add(kept, after, min(cursor, starts_after) if after < starts_after else cursor)
	if len(kept) > MOST:
		kept = [span for span in kept if span[1] > starts_after]
	return (*kept, (begins, 0)) if is_open else tuple(kept)


def _add(spans: list[Span], after: int, up_to: int) -> None:
	if after < up_to:
		spans.append((after, up_to))


def say_too_much(spans: Spans, cursor: int, starts_after: int) -> bool:
	"""Whether they say more than is so, though no event of theirs is in the page: the subscription was approved anew, and what
	lies between is not sent; or the consumer went back."""
	return any(up_to > cursor if up_to else after < starts_after for after, up_to in spans)


def cover(spans: Spans, position: int, cursor: int) -> bool:
	"""Whether the consumer, whose cursor is `cursor`, has taken what stands at a position."""
	return position <= cursor and any(
		after < position and (not up_to or position <= up_to) for after, up_to in spans
	)
