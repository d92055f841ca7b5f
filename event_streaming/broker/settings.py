"""Event Streaming Settings' part about the broker, as plain data: where this site publishes, and what its consumers are told."""

from dataclasses import dataclass

import frappe
from frappe.utils import cint
from frappe.utils.password import get_decrypted_password

from event_streaming.exceptions import BrokerUnavailable
from event_streaming.http.allowed import site_authorities
from event_streaming.http.confidential import Confidential
from event_streaming.site.settings import DOCTYPE


@dataclass(frozen=True)
class BrokerSettings:
	"""Where and how this site publishes."""

	servers: tuple[str, ...]
	user: str
	password: str
	replicas: int
	days: int


def get_broker_settings() -> BrokerSettings:
	"""As they are stored now; a process that runs for long asks again."""
	stored = frappe.get_doc(DOCTYPE)
	return BrokerSettings(
		servers=_lines(stored.get("nats_servers")),
		user=stored.get("nats_user") or "",
		password=_secret("nats_password"),
		replicas=min(max(cint(stored.get("nats_replicas")) or 1, 1), 5),
		days=min(max(cint(stored.get("nats_days")) or 7, 1), 365),
	)


@dataclass(frozen=True)
class ReaderSettings:
	"""Where and how consumers connect, as a user that can't publish. Each of them is told, so no more than that is read for it."""

	servers: tuple[str, ...]
	user: str
	password: str


def get_reader_settings() -> ReaderSettings:
	"""As they are stored (read through Frappe's document cache)."""
	stored = frappe.get_cached_doc(DOCTYPE)
	user = stored.get("nats_reader") or ""
	return ReaderSettings(
		servers=_lines(stored.get("nats_reader_servers")) or _lines(stored.get("nats_servers")),
		user=user,
		# without a user a server asks for none
		password=_secret("nats_reader_password") if user else Confidential(""),
	)


def trusted_authorities(own: str | None = "") -> str:
	"""Certificates of the authorities that a server's certificate is checked against: those of a connection, else those of this site, as for
	every call that it makes. Raises BrokerUnavailable when these can't be read."""
	try:
		return own or site_authorities()
	except ValueError as error:
		raise BrokerUnavailable(str(error)) from None


def _lines(text: str | None) -> tuple[str, ...]:
	return tuple(line.strip() for line in (text or "").replace(",", "\n").splitlines() if line.strip())


def _secret(fieldname: str) -> str:
	return Confidential(get_decrypted_password(DOCTYPE, DOCTYPE, fieldname, raise_exception=False) or "")
