"""Pure: the one-time code of an invitation, and what the two sites tell each other of one.

A code holds the address of the site that invites, its id, the invitation and a secret; with a checksum, so that a code that was
cut off or changed is told from one that is refused.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Any

from event_streaming.wire.checks import MAX_NAME, InvalidPage, as_site_id, list_of, text
from event_streaming.wire.pages import Subscription, parse_subscriptions

PREFIX = "ES1-"
LONGEST_CODE, LONGEST_ADDRESS, CHECKSUM_BYTES = 2_000, 500, 6
MOST_ROWS = 200
INVITATION = re.compile(r"[0-9a-z]{6,20}")
SECRET = re.compile(r"[A-Za-z0-9_-]{32,100}")
# nobody gets mail at it; https://www.rfc-editor.org/rfc/rfc2606
DOMAIN = "event-streaming.invalid"


class InvalidCode(ValueError):
	"""The text is no code of an invitation, or not all of one."""


@dataclass(frozen=True, repr=False)
class Code:
	"""What a code says. It is not shown where variables are listed."""

	address: str
	site_id: str
	invitation: str
	secret: str


@dataclass(frozen=True)
class Offer:
	"""What the site that invites says of an invitation, checked. `rows` are rows of a set-up file with the other site's DocType."""

	site: str
	invited: str
	recipe: str
	both_directions: bool
	expires_on: str
	# DocType of the site that invites -> the row that this site is to have
	rows: dict[str, dict[str, Any]]
	# the site that asks has been through all of it already
	completed: bool

	@property
	def stamp(self) -> str:
		"""The same as long as the same is offered: what a person has seen is what is agreed to."""
		said = repr((self.site, self.recipe, self.both_directions, sorted(self.rows.items())))
		return hashlib.sha256(said.encode()).hexdigest()[:16]


def encode(code: Code) -> str:
	"""The code as it is handed over."""
	packed = "\n".join((code.address, code.site_id, code.invitation, code.secret)).encode()
	return PREFIX + base64.urlsafe_b64encode(packed + _checksum(packed)).decode().rstrip("=")


def decode(given: str) -> Code:
	"""What a code says, however it was broken into lines on its way. Raises InvalidCode."""
	given = "".join(given.split()) if isinstance(given, str) else ""
	if not given.startswith(PREFIX) or len(given) > LONGEST_CODE:
		raise InvalidCode("no code")
	body = given.removeprefix(PREFIX).rstrip("=")
	try:
		packed = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
		content, checksum = packed[:-CHECKSUM_BYTES], packed[-CHECKSUM_BYTES:]
		parts = content.decode().split("\n")
	except ValueError:
		raise InvalidCode("not all of a code") from None
	if not hmac.compare_digest(checksum, _checksum(content)) or len(parts) != 4:
		raise InvalidCode("not all of a code")
	code = Code(*parts)
	if not (
		code.address.startswith(("http://", "https://"))
		and len(code.address) <= LONGEST_ADDRESS
		and as_site_id(code.site_id)
		and INVITATION.fullmatch(code.invitation)
		and SECRET.fullmatch(code.secret)
	):
		raise InvalidCode("no code")
	return code


def _checksum(content: bytes) -> bytes:
	return hashlib.sha256(b"event_streaming invitation\n" + content).digest()[:CHECKSUM_BYTES]


def hash_of(secret: str) -> str:
	"""What is kept of a secret. It is random enough for a hash without salt and rounds."""
	return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def proof_of(key: bytes, site_id: str, code: Code) -> str:
	"""By which the site that has used a code can go on, and no other: made from a key of that site, so that it need not be kept.

	`site_id` is that site's own, which a copy of it with the same key has not got.
	"""
	said = f"event_streaming joining\n{site_id}\n{code.site_id}\n{code.invitation}\n{code.secret}"
	return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()


def subscriber_of(invitation: str, back: bool = False) -> str:
	"""The user in whose name documents go over by an invitation, the same on both sites; `back`: the other way round."""
	if not INVITATION.fullmatch(invitation):
		raise InvalidCode("no invitation")
	return f"stream-{invitation}{'-back' if back else ''}@{DOMAIN}"


# ---- what comes from the other site


def parse_offer(answer: Any) -> Offer:
	"""What the site that invites says of an invitation. Raises InvalidPage."""
	if not isinstance(answer, dict):
		raise InvalidPage("The answer about an invitation is not an object.")
	rows: dict[str, dict[str, Any]] = {}
	for entry in list_of(answer, "rows")[: MOST_ROWS + 1]:
		if not isinstance(entry, dict) or not isinstance(entry.get("row"), dict):
			raise InvalidPage("A row of an invitation is not an object.")
		rows[text(entry.get("doctype"), "doctype", MAX_NAME, required=True)] = entry["row"]
	if not rows or len(rows) > MOST_ROWS:
		raise InvalidPage(f"An invitation has no Document Types, or more than {MOST_ROWS}.")
	return Offer(
		site=text(answer.get("site") or "", "site", LONGEST_ADDRESS, required=True),
		invited=text(answer.get("invited") or "", "invited", MAX_NAME),
		recipe=text(answer.get("recipe") or "", "recipe", MAX_NAME),
		both_directions=bool(answer.get("both_directions")),
		expires_on=text(answer.get("expires_on") or "", "expires_on", 40),
		rows=rows,
		completed=bool(answer.get("completed")),
	)


def parse_keys(answer: Any) -> tuple[str, str]:
	"""API key and secret out of the answer to a code that was accepted; both are "" for a site that has keys already."""
	if not isinstance(answer, dict):
		raise InvalidPage("The answer to a code is not an object.")
	key, secret = (text(answer.get(name) or "", name, 140) for name in ("api_key", "api_secret"))
	if bool(key) != bool(secret):
		raise InvalidPage("The answer to a code has half of the keys.")
	return key, secret


def parse_completed(answer: Any) -> dict[str, Subscription]:
	"""What is on record for this site once all is done: DocType -> subscription."""
	if not isinstance(answer, dict):
		raise InvalidPage("The answer at the end of an invitation is not an object.")
	return parse_subscriptions(answer.get("subscriptions") or {})
