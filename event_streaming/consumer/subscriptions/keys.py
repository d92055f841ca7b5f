"""What this site and a producer know each other by: this site's secret there, and the token that the producer has for here.

The only module that reads or writes them. What is on its way to the producer, a new secret or a new token, is *pending*: kept in
Frappe's password store under the Event Producer, encrypted and in no field, so that no form and no REST call shows it. Of a token
that the producer has, only a hash is kept, in Event Producer Last Update. Never commits.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable

import frappe
from frappe.utils import now_datetime
from frappe.utils.password import (
	decrypt,
	get_decrypted_password,
	remove_encrypted_password,
	set_encrypted_password,
)

from event_streaming.consumer.logs import state
from event_streaming.http.confidential import Confidential
from event_streaming.wire.pages import PROTOCOL

PRODUCER = "Event Producer"
SECRET = "api_secret"
PENDING_SECRET, PENDING_TOKEN = "pending_secret", "pending_token"
# of the token that works, and of the one that takes its place with its first use
HASH, NEW_HASH = "token_hash", "new_token_hash"
BYTES = 32


def new_key() -> Confidential:
	"""A token or a secret that nobody can guess: 256 bits, in letters, digits, - and _."""
	return Confidential(secrets.token_urlsafe(BYTES))


def hash_of(token: str) -> str:
	"""What is kept of a token. It is random enough for a hash without salt and rounds."""
	return hashlib.sha256(token.encode()).hexdigest()


# ---- the token, by which the producer is known here


def is_token_of(event_producer: str, token: str) -> bool:
	"""Whether the producer may show this token here. Takes as long for a producer that there is not."""
	given, hashes = hash_of(token), hashes_of(event_producer)
	# no "or": each is compared, whatever came of the other
	return any([hmac.compare_digest(given, kept) for kept in hashes if kept])


def has_token(event_producer: str) -> bool:
	return any(hashes_of(event_producer))


def hashes_of(event_producer: str) -> tuple[str, str]:
	row = frappe.db.get_value(state.DOCTYPE, {"event_producer": event_producer}, [HASH, NEW_HASH])
	return (row[0] or "", row[1] or "") if row else ("", "")


def producer_has(event_producer: str, token: str) -> None:
	"""The producer has taken this token, and no other one is valid."""
	state.save_state(event_producer, **{HASH: hash_of(token), NEW_HASH: None})
	remove_encrypted_password(PRODUCER, event_producer, PENDING_TOKEN)


def token_used(event_producer: str, token: str) -> None:
	"""The producer has called with it: where it is the new one, the old one is not valid any more."""
	_old, new = hashes_of(event_producer)
	if new and hmac.compare_digest(new, hash_of(token)):
		producer_has(event_producer, token)


def pending_token(event_producer: str) -> Confidential:
	"""The token that the producer is to have; valid here with the next commit, beside the one that it has."""
	old, new = hashes_of(event_producer)
	known = pending_of(event_producer, PENDING_TOKEN)
	if known and hash_of(known) in (old, new):
		return known
	token = new_key()
	set_encrypted_password(PRODUCER, event_producer, token, PENDING_TOKEN)
	# nothing is pending: the producer has said that it has the newer of both
	state.save_state(event_producer, **{HASH: new or old or None, NEW_HASH: hash_of(token)})
	return token


# ---- the secret, by which this site is known there


def pending_secret(event_producer: str) -> Confidential:
	"""The secret that this site's user on the producer is to have. The same one again, until the producer has said that it has."""
	if known := pending_of(event_producer, PENDING_SECRET):
		return known
	secret = new_key()
	set_encrypted_password(PRODUCER, event_producer, secret, PENDING_SECRET)
	return secret


def secret_taken(event_producer: str, secret: str) -> None:
	"""The producer knows this site by this secret now."""
	set_encrypted_password(PRODUCER, event_producer, secret, SECRET)
	remove_encrypted_password(PRODUCER, event_producer, PENDING_SECRET)
	state.save_state(event_producer, rotated_on=now_datetime())


def token_taken(event_producer: str) -> None:
	"""The producer has said that it has the pending token; the one before is valid until it uses that."""
	remove_encrypted_password(PRODUCER, event_producer, PENDING_TOKEN)


def spare_secrets(event_producer: str) -> Iterable[str]:
	"""The secrets that may be the right one when the producer does not know the one in use: another process may have changed it,
	or the answer to a change was lost. As they are committed, not as the open transaction sees them."""
	auth = frappe.qb.Table("__Auth")
	found = (
		frappe.qb.from_(auth)
		.select(auth.fieldname, auth.password)
		.where((auth.doctype == PRODUCER) & (auth.name == event_producer) & (auth.encrypted == 1))
		.where(auth.fieldname.isin([SECRET, PENDING_SECRET]))
		.for_update()
	).run(as_dict=True)
	for row in sorted(found, key=lambda row: row.fieldname != SECRET):
		try:
			yield Confidential(decrypt(row.password))
		except frappe.ValidationError:
			frappe.clear_last_message()


def secrets_in_use() -> dict[str, Confidential]:
	"""Producer -> the secret by which this site is known there; without those that can't be decrypted."""
	auth = frappe.qb.Table("__Auth")
	rows = (
		frappe.qb.from_(auth)
		.select(auth.name, auth.password)
		.where((auth.doctype == PRODUCER) & (auth.fieldname == SECRET) & (auth.encrypted == 1))
	).run()
	found = {}
	for name, password in rows:
		try:
			found[name] = Confidential(decrypt(password))
		except frappe.ValidationError:
			frappe.clear_last_message()
	return found


def forget_pending_secret(event_producer: str) -> None:
	"""A person has entered another key: what was on its way belonged to the one before."""
	remove_encrypted_password(PRODUCER, event_producer, PENDING_SECRET)


def pending_of(event_producer: str, fieldname: str) -> Confidential:
	try:
		known = get_decrypted_password(PRODUCER, event_producer, fieldname, raise_exception=False)
	except frappe.ValidationError:
		# another encryption_key than it was written with: a new one takes its place
		frappe.clear_last_message()
		known = ""
	return Confidential(known or "")


# ---- this site's own keys, in the hands of producers that run the older app


def producers_with_keys_of(user: str) -> list[str]:
	"""Event Producers that call here with this user's API keys, as they run the older app."""
	names = frappe.get_all(PRODUCER, {"user": user}, pluck="name")
	if not names:
		return []
	rows = {"event_producer": ["in", names], "protocol": ["<", PROTOCOL], "keys_sent_on": [">", "1970-01-01"]}
	return frappe.get_all(state.DOCTYPE, rows, pluck="event_producer")
