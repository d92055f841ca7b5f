"""Receipts: what the log itself has said to a consumer about how far it had got, so that the consumer can show it again.

The key is site_config.json's, which is in no backup of the database. A receipt that the log contradicts proves that the log was
restored; what a consumer says without one proves nothing. It reads the log and writes nothing.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import frappe
from frappe.utils import get_datetime
from frappe.utils.password import get_encryption_key
from pypika import Order

from event_streaming.producer.log.epochs import LogState

LOG = "Event Update Log"
START, MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)
DIGITS = 32
# who reads a message of the broker
ANYBODY = "*"


@dataclass(frozen=True)
class Receipt:
	"""The log reached `position` in `epoch`; its last event then was at `event_at`, numbered at `moment` (microseconds)."""

	epoch: str
	position: int
	event_at: int
	moment: int

	@property
	def numbered_on(self) -> datetime:
		return START + timedelta(microseconds=self.moment)


def make(log: LogState, position: int, consumer: str) -> str:
	"""The receipt for a consumer that is given all up to `position`: a text that only this site can make."""
	if not log.epoch or position > log.head:
		return ""
	event_at, moment = _last_event(position)
	return _signed(Receipt(log.epoch, position, event_at, moment), consumer, _key())


def of_events(epoch: str) -> Callable[[int, object], str]:
	"""Makes, of an event's position and when it was numbered, the receipt in a message of the broker, which any consumer may show
	that has read it. For many events: the key is made once."""
	key = _key()

	def made(position: int, numbered_on: object) -> str:
		return _signed(Receipt(epoch, position, position, _microseconds(numbered_on)), ANYBODY, key)

	return made


def read(text: object, consumer: str) -> Receipt | None:
	"""The receipt, if it is one that was made for this consumer, or came with a message of the broker."""
	parts = text.split(".") if isinstance(text, str) and len(text) <= 140 and text.isascii() else []
	if len(parts) != 5 or not all(part.isdigit() and len(part) < 20 for part in parts[1:4]):
		return None
	receipt = Receipt(parts[0], *(int(part) for part in parts[1:4]))
	key = _key()
	made = [hmac.compare_digest(_signed(receipt, reader, key), text) for reader in (consumer, ANYBODY)]
	return receipt if any(made) else None


def contradicts(receipt: Receipt, log: LogState) -> bool:
	"""Whether the log was further than it is, or another one. One query for a reader that is not ahead."""
	if receipt.position > log.head:
		return True
	if not log.knows(receipt.epoch):
		# an epoch that began further on is behind all that it knew
		return not log.epochs or receipt.position > log.epochs[-1].goes_on_after
	moment = _moment_of(receipt.event_at) if receipt.event_at else None
	return moment is not None and moment != receipt.moment


def last_common(receipt: Receipt) -> int:
	"""The last position that was given before the receipt was: what was numbered later is of the log as it is now."""
	log = frappe.qb.DocType(LOG)
	if not receipt.event_at:
		return 0
	row = (
		frappe.qb.from_(log)
		.select(log.position)
		.where((log.sequenced_on <= receipt.numbered_on) & (log.position > 0))
		.where(log.position <= receipt.position)
		.orderby(log.position, order=Order.desc)
		.limit(1)
		.run()
	)
	return row[0][0] if row else 0


def _key() -> bytes:
	return hmac.digest(get_encryption_key().encode(), b"event_streaming receipt", "sha256")


def _signed(receipt: Receipt, consumer: str, key: bytes) -> str:
	said = f"{receipt.epoch}.{receipt.position}.{receipt.event_at}.{receipt.moment}"
	seal = hmac.digest(key, f"{said}\n{consumer}".encode(), "sha256").hex()[:DIGITS]
	return f"{said}.{seal}"


def _last_event(position: int) -> tuple[int, int]:
	"""The last event at or before a position, and when it was numbered; zeros where none is left."""
	log = frappe.qb.DocType(LOG)
	row = (
		frappe.qb.from_(log)
		.select(log.position, log.sequenced_on)
		.where((log.position <= position) & (log.position > 0))
		.orderby(log.position, order=Order.desc)
		.limit(1)
		.run()
	)
	return (row[0][0], _microseconds(row[0][1])) if row and row[0][1] else (0, 0)


def _moment_of(position: int) -> int | None:
	log = frappe.qb.DocType(LOG)
	row = frappe.qb.from_(log).select(log.sequenced_on).where(log.position == position).run()
	return _microseconds(row[0][0]) if row and row[0][0] else None


def _microseconds(moment: object) -> int:
	since = (moment if isinstance(moment, datetime) else get_datetime(moment)) - START
	return since // MICROSECOND
