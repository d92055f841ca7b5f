"""Positions that go to one consumer over a NATS server: under a subject, and sealed with a key, that are made of the consumer's secret. Pure.

Both sites know that secret. When it is withdrawn or changed, the producer publishes elsewhere with its next message, and whoever listens
with the old one hears nothing any more. A server, and whoever else may listen at it, sees that something was published, and nothing else.
"""

import hmac
import json
import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from event_streaming.wire.broker.messages import NONCE
from event_streaming.wire.paths import position_message

SUBJECTS = "event_streaming_positions"
WORD = 32


def subject_of(secret: str, consumer: str) -> str:
	"""Where positions for a consumer are published, whose user has this secret on the producer."""
	return f"{SUBJECTS}.{_made(secret, 'subject', consumer).hex()[:WORD]}"


def key_of(secret: str, consumer: str) -> bytes:
	return _made(secret, "position", consumer)


def seal_position(position: int, key: bytes, within: float = 0.0) -> bytes:
	nonce = os.urandom(NONCE)
	said = json.dumps(position_message(position, within))
	return nonce + AESGCM(key).encrypt(nonce, said.encode(), None)


def open_position(payload: bytes, key: bytes) -> object:
	"""What a message says; None for one that was not sealed with the key."""
	try:
		return json.loads(AESGCM(key).decrypt(payload[:NONCE], payload[NONCE:], None))
	except (InvalidTag, ValueError, RecursionError):
		return None


def seal_login(user: str, password: str, secret: str) -> str:
	"""The user and password for the server, for whoever has the secret; the same each time, so that it can be seen whether it has changed."""
	key, plain = _made(secret, "login"), json.dumps([user, password]).encode()
	nonce = hmac.new(key, plain, sha256).digest()[:NONCE]
	return (nonce + AESGCM(key).encrypt(nonce, plain, None)).hex()


def open_login(sealed: str, secret: str) -> tuple[str, str] | None:
	"""User and password; None where they were sealed with another secret."""
	try:
		given = bytes.fromhex(sealed)
		said = json.loads(AESGCM(_made(secret, "login")).decrypt(given[:NONCE], given[NONCE:], None))
	except (InvalidTag, ValueError):
		return None
	if not isinstance(said, list) or len(said) != 2 or not all(isinstance(each, str) for each in said):
		return None
	return said[0], said[1]


def _made(secret: str, *words: str) -> bytes:
	said = "\n".join(("event_streaming listen", *words))
	return hmac.new(secret.encode(), said.encode(), sha256).digest()
