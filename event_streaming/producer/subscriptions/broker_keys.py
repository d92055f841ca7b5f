"""Keys of what goes over the broker: made anew from this site's secret whenever they are needed, kept nowhere.

A standing says which consumers may read which DocTypes whole; whatever changes in it makes another one. The key of a DocType is good
for one standing, and is given to nobody but those that this standing lets read it: what was taken from a consumer is, in the next
message, under a key that it never had.
"""

import hmac
from collections.abc import Callable

import frappe
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from frappe.utils.password import get_encryption_key

from event_streaming.site.claims import KEPT

STANDING = f"{KEPT}broker_standing"
# whoever publishes says it again long before; when nobody does, consumers are told of no broker any more
KEPT_SECONDS = 120
WORD, ROOT = 16, 8


def key_of(epoch: str, standing: str, doctype: str) -> bytes:
	return _made("key", epoch, standing, doctype)


def token_of(doctype: str) -> str:
	"""What a DocType is called at the broker, which need not know its name."""
	return _made("doctype", doctype).hex()[:WORD]


def hash_of_roots() -> Callable[[str, str, str], str]:
	"""Makes the hash of where a document was first made: of site, DocType and name. For many of them: the secret is looked up once."""
	secret = _secret()
	return lambda site, doctype, name: _made_of(secret, "root", site, doctype, name).hex()[:ROOT]


def standing_of(entitled: str) -> str:
	"""The word for a standing, from a text that says all of it."""
	return _made("standing", entitled).hex()[:WORD]


def signing_key() -> Ed25519PrivateKey:
	return Ed25519PrivateKey.from_private_bytes(_made("signature"))


def public_key() -> str:
	return signing_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def keep_standing(epoch: str, standing: str, open_to: dict[str, list[str]]) -> None:
	"""For the feed, which tells consumers: DocType -> those that may read it whole."""
	value = {"epoch": epoch, "standing": standing, "open": open_to}
	frappe.cache.set_value(STANDING, value, expires_in_sec=KEPT_SECONDS)


def kept_standing() -> dict:
	"""What whoever publishes has said last; {} when nobody publishes."""
	return frappe.cache.get_value(STANDING, expires=True) or {}


def _made(*words: str) -> bytes:
	return _made_of(_secret(), *words)


def _made_of(secret: bytes, *words: str) -> bytes:
	return hmac.digest(secret, "\n".join(("event_streaming broker", *words)).encode(), "sha256")


def _secret() -> bytes:
	return get_encryption_key().encode()
