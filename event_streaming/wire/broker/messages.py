"""Messages of a broker: one event each, sealed for those who may read its DocType, and signed by its producer. Pure.

A broker is trusted with nothing. What it may see is the envelope (which site, epoch and position, not of which document); what it
could change shows, as the producer has signed the envelope and what is sealed. Events are signed in lots, as a signature takes longer
to check than all the rest: each message has its own way up to the root of its lot's tree of hashes, and the signature of that root.
"""

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from event_streaming.wire.broker.proofs import DIGEST, leaf, root_from, tree_of, way_up
from event_streaming.wire.checks import MAX_DATA, MAX_NAME, InvalidPage, text, whole_number
from event_streaming.wire.events import Event, read_event

MAGIC = b"ES1"
LOT = 64
SIGNATURE, NONCE, LENGTH = 64, 12, 4
SIGNED_WORD = b"event_streaming lot of messages\n"
WORTH_SQUEEZING = 1_000
MOST_ENVELOPE = 256 * 1024
_as_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class InvalidMessage(ValueError):
	"""What the broker gave is no message of the producer, or none that is meant for this reader."""


@dataclass(frozen=True)
class Message:
	"""An event on its way. `before` has, for each DocType that anybody reads, the position of its last event before this one;
	`to_come`, that of its last one after this one in the same transaction."""

	site: str
	epoch: str
	# who may read what, as it was when this was sent: keys are good for one standing
	standing: str
	token: str
	id: str
	position: int
	before: Mapping[str, int] = field(default_factory=dict)
	receipt: str = ""
	to_come: Mapping[str, int] = field(default_factory=dict)
	# nonce and ciphertext; the envelope is bound to it
	sealed: bytes = b""
	envelope: bytes = b""


# ---- names at the broker


def stream_of(site: str) -> str:
	return f"event_streaming-{site}"


def subjects_of_site(site: str) -> str:
	return f"event_streaming.{site}.>"


def subjects_of(site: str, epoch: str, token: str) -> str:
	"""All messages of one DocType in one epoch."""
	return f"event_streaming.{site}.{epoch}.{token}.*"


def subject_of(site: str, epoch: str, token: str, root: str) -> str:
	"""`root` is a hash of where the document was first made."""
	return f"event_streaming.{site}.{epoch}.{token}.{root}"


# ---- made by the producer


def seal(message: Message, event: Mapping[str, Any], key: bytes) -> bytes:
	"""The part of a message that is signed: its envelope, and the event that only who has the key can read."""
	envelope = _dump(
		[
			message.site,
			message.epoch,
			message.standing,
			message.token,
			message.id,
			message.position,
			message.before,
			message.receipt,
			message.to_come,
		]
	)
	plain, nonce = _dump(event), os.urandom(NONCE)
	plain = b"z" + zlib.compress(plain, 1) if len(plain) > WORTH_SQUEEZING else b"-" + plain
	return (
		len(envelope).to_bytes(LENGTH, "big") + envelope + nonce + AESGCM(key).encrypt(nonce, plain, envelope)
	)


def sign(bodies: Sequence[bytes], private_key: Ed25519PrivateKey) -> list[bytes]:
	"""The messages of a lot, at most LOT, as they go to the broker."""
	levels = tree_of([leaf(body) for body in bodies])
	signature = private_key.sign(SIGNED_WORD + levels[-1][0])
	return [
		b"".join((MAGIC, bytes((index, len(levels) - 1)), *way_up(levels, index), signature, body))
		for index, body in enumerate(bodies)
	]


# ---- read by its consumers


class Reader:
	"""Reads messages of one producer, known by its public key. Signatures that it has checked it remembers."""

	def __init__(self, public_key: str):
		self.key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
		self.known: set[bytes] = set()

	def read(self, payload: bytes) -> Message:
		"""The message, if the producer has signed it. Raises InvalidMessage."""
		body, signed = _body_and_root(payload)
		if signed not in self.known:
			try:
				self.key.verify(signed[-SIGNATURE:], SIGNED_WORD + signed[:DIGEST])
			except InvalidSignature:
				raise InvalidMessage("It is not signed by the producer.") from None
			self.known.add(signed)
		return _parse(body)


def unseal(message: Message, key: bytes, doctype: str, producer: str) -> Event:
	"""The event of a message, checked as one of the feed is. Raises InvalidMessage, also for one of another DocType."""
	try:
		plain = AESGCM(key).decrypt(message.sealed[:NONCE], message.sealed[NONCE:], message.envelope)
		event = read_event(json.loads(_unsqueezed(plain)), producer)
	except (InvalidTag, InvalidPage, ValueError, RecursionError, zlib.error):
		raise InvalidMessage("It can't be read with the key of its DocType.") from None
	place = (event["id"], event["position"], event["at_position"], event["ref_doctype"])
	if place != (message.id, message.position, message.position, doctype):
		raise InvalidMessage("It holds another event than it says.")
	return event


def _parse(body: bytes) -> Message:
	length = int.from_bytes(body[:LENGTH], "big")
	envelope, sealed = body[LENGTH : LENGTH + length], body[LENGTH + length :]
	if length > MOST_ENVELOPE or len(envelope) != length or len(sealed) <= NONCE:
		raise InvalidMessage("It is cut off.")
	try:
		site, epoch, standing, token, name, position, before, receipt, to_come = json.loads(envelope)
		texts = [text(each, "part", MAX_NAME) for each in (site, epoch, standing, token, name, receipt)]
		heads, ends = _positions(before), _positions(to_come)
		place = whole_number(position, "position")
	except (ValueError, TypeError, AttributeError, RecursionError):
		raise InvalidMessage("Its envelope can't be read.") from None
	return Message(*texts[:5], place, heads, texts[5], ends, sealed, envelope)


def _positions(of_tokens: Mapping[str, Any]) -> dict[str, int]:
	return {str(token): whole_number(at, "position") for token, at in of_tokens.items()}


def _body_and_root(payload: bytes) -> tuple[bytes, bytes]:
	"""The body, and the root that its way leads to with the signature behind it."""
	if payload[: len(MAGIC)] != MAGIC or len(payload) < len(MAGIC) + 2:
		raise InvalidMessage("It is no message of a producer.")
	index, height = payload[len(MAGIC)], payload[len(MAGIC) + 1]
	start = len(MAGIC) + 2
	end = start + height * DIGEST
	body = payload[end + SIGNATURE :]
	if height > LOT.bit_length() or index >= 1 << height or not body:
		raise InvalidMessage("It is cut off.")
	way = [payload[at : at + DIGEST] for at in range(start, end, DIGEST)]
	return body, root_from(leaf(body), index, way) + payload[end : end + SIGNATURE]


def _unsqueezed(plain: bytes) -> bytes:
	if plain[:1] != b"z":
		return plain[1:]
	reader = zlib.decompressobj()
	whole = reader.decompress(plain[1:], 4 * MAX_DATA)
	if not reader.eof:
		raise InvalidMessage("It is too large.")
	return whole


def _dump(value: Any) -> bytes:
	return _as_text(value).encode()
