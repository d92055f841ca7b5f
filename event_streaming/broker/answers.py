"""What a NATS server answers, read and bounded: it may say anything. Pure; whatever can't be read is Unreadable."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from event_streaming.wire.checks import InvalidPage, text, whole_number

STATUS = "Status"
# a time with a zone, as servers write it, is half as long
MOST_CREATED = 64
# what a column of the database takes
MOST_LEFT = 2**31 - 1
# the address of an answer to a message says where it stands: $JS.ACK, [domain, account,] stream, consumer, how often it was delivered,
# its number in the stream, its number for the consumer, a time, how many are left [, and what is to come]
PLACE, SHORT, LONG = ["$JS", "ACK"], 9, 11


class Unreadable(ValueError):
	"""A server has answered what is none."""

	def __init__(self) -> None:
		super().__init__("The server's answer can't be read.")


@dataclass(frozen=True)
class StreamState:
	"""A stream as the server tells of it: since when there is this one, and the number of its last message."""

	created: str
	last: int


def read(data: bytes | None) -> dict[str, Any]:
	"""An answer of the API."""
	try:
		told = json.loads(data or b"")
	except (ValueError, RecursionError):
		told = None
	if not isinstance(told, dict):
		raise Unreadable()
	return told


def stream_state(told: Mapping[str, Any]) -> StreamState:
	state = told.get("state")
	try:
		return StreamState(
			text(told.get("created"), "created", MOST_CREATED, required=True),
			whole_number(state.get("last_seq") if isinstance(state, dict) else None, "last_seq"),
		)
	except InvalidPage:
		raise Unreadable() from None


def payload(told: Mapping[str, Any]) -> bytes:
	"""The payload of the one message that was asked for; one that is empty has none."""
	message = told.get("message")
	try:
		return base64.b64decode(message.get("data") or "", validate=True)
	except (AttributeError, TypeError, ValueError, binascii.Error):
		raise Unreadable() from None


def status_of(headers: Mapping[str, Any] | None) -> str:
	"""Of what is no message but says why there is none; "" for a message."""
	return str((headers or {}).get(STATUS) or "")[:20]


def place_of(reply: str | None) -> tuple[int, int]:
	"""The number in the stream of a message that came with this address for an answer, and how many are left after it."""
	parts = (reply or "").split(".")
	at = 5 if len(parts) == SHORT else 7
	if parts[:2] != PLACE or (len(parts) != SHORT and len(parts) < LONG):
		raise Unreadable()
	number, left = parts[at], parts[at + 3]
	if not all(each.isascii() and each.isdigit() and len(each) < 20 for each in (number, left)):
		raise Unreadable()
	if int(number) >= 2**63:
		raise Unreadable()
	return int(number), min(int(left), MOST_LEFT)
