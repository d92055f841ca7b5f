"""What the feed tells a reader of the broker, and the check of what comes in. Pure."""

from typing import Any, TypedDict

from event_streaming.wire.broker.messages import Reader
from event_streaming.wire.broker.proofs import DIGEST
from event_streaming.wire.checks import MAX_NAME, InvalidPage, as_site_id, text, whole_number

NATS = "NATS"
MOST_DOCTYPES, MOST_SERVERS = 1_000, 20


class GrantedDocType(TypedDict):
	"""What a reader is told of one of its DocTypes; the key is None where it gets its events from the feed alone."""

	token: str
	after: int
	key: str | None


class Grant(TypedDict):
	"""Where a reader finds the producer's messages, and with what it reads them."""

	servers: list[str]
	user: str
	password: str
	site: str
	epoch: str
	standing: str
	public_key: str
	doctypes: dict[str, GrantedDocType]


def parse_grant(answer: Any) -> Grant | None:
	"""The grant in a page of the feed; None for none, and for what can't be understood: the feed has everything too."""
	try:
		return _grant(answer) if isinstance(answer, dict) and answer else None
	except (InvalidPage, ValueError, TypeError, AttributeError):
		return None


def _grant(answer: dict) -> Grant:
	servers, doctypes, site = answer["servers"], answer["doctypes"], as_site_id(answer.get("site"))
	if not site or not 0 < len(servers) <= MOST_SERVERS or not 0 < len(doctypes) <= MOST_DOCTYPES:
		raise InvalidPage("A grant is not complete.")
	grant: Grant = {
		"servers": [text(server, "server", 500, required=True) for server in servers],
		"site": site,
		"user": text(answer.get("user") or "", "user", MAX_NAME),
		"password": text(answer.get("password") or "", "password", 500),
		"epoch": _word(answer["epoch"]),
		"standing": _word(answer["standing"]),
		"public_key": answer["public_key"],
		"doctypes": {
			text(doctype, "doctype", MAX_NAME, required=True): {
				"token": _word(each["token"]),
				"after": whole_number(each["after"], "after"),
				"key": each["key"] or None,
			}
			for doctype, each in doctypes.items()
		},
	}
	Reader(grant["public_key"])
	if any(len(bytes.fromhex(each["key"] or "00" * DIGEST)) != DIGEST for each in grant["doctypes"].values()):
		raise InvalidPage("A key is none.")
	return grant


def _word(value: Any) -> str:
	"""A part of a subject: nothing in it may mean more than itself."""
	if not isinstance(value, str) or not value.isalnum() or not value.isascii() or len(value) > MAX_NAME:
		raise InvalidPage("A part of a subject is none.")
	return value
