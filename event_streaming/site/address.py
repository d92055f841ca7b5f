"""Who this site is to others: its public URL and its time zone."""

from datetime import datetime
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import frappe
from frappe.utils import escape_html, flt, get_datetime, get_system_timezone, get_url

from event_streaming.messages.coded import _
from event_streaming.site.settings import get_settings
from event_streaming.wire.addresses import canonical_host

# as the scheduler knows it
MINUTE_TASK = "event_streaming.tasks.event_streaming_every_minute"
DEFAULT_PORTS = {"http": 80, "https": 443}
# of a year that no clock shows, so that what another site says breaks no calendar
MOST_SECONDS = 4_102_444_800


def public_url() -> str:
	"""The address under which other sites reach this one, without a trailing slash.

	Event Streaming Settings has it; `get_url()` is the guess when nothing is set there.
	"""
	url = get_settings().public_url or get_url()
	try:
		return normalise_url(url)
	except ValueError:
		# what Frappe takes from a request's Host may be no address; the other site says so
		return url.strip().rstrip("/").lower()


def normalise_url(url: str | None) -> str:
	"""One spelling per site: lower-case scheme and host, punycode, no default port, no trailing slash, query or fragment.

	Returns "" for an empty address. Raises ValueError when the host can be none, or the port is not a number.
	"""
	url = (url or "").strip()
	if not url:
		return ""
	parts = urlsplit(url)
	if not parts.hostname:
		return url.rstrip("/")
	scheme, host = parts.scheme.lower(), canonical_host(parts.hostname)
	if ":" in host:
		host = f"[{host}]"
	if parts.port and parts.port != DEFAULT_PORTS.get(scheme):
		host = f"{host}:{parts.port}"
	return urlunsplit((scheme, host, parts.path.rstrip("/"), "", ""))


def web_address(url: str | None) -> str:
	"""`normalise_url` of what a person has typed; "" when it is no address of a site.

	A user and password in it are refused: an address is shown, logged and sent.
	"""
	try:
		if "@" in urlsplit((url or "").strip()).netloc:
			return ""
		url = normalise_url(url)
		return url if urlsplit(url).hostname and url.startswith(("http://", "https://")) else ""
	except (ValueError, AttributeError):
		return ""


def why_no_address(url: str | None) -> str:
	"""Why what a person has typed can't be the address of a site; "" when it can."""
	try:
		parts = urlsplit((url or "").strip())
	except (ValueError, AttributeError):
		return _("It is not an address.")
	if "@" in parts.netloc:
		return _("It must not contain a user or a password.")
	if not web_address(url):
		return _("It has to begin with http:// or https://, followed by the name of a host, without spaces.")
	if parts.path.strip("/"):
		return _("A site answers at the root of its host: leave out {0}.").format(escape_html(parts.path))
	return ""


def time_zone() -> str:
	"""The system time zone of this site, for example "Asia/Bangkok"."""
	return get_system_timezone()


def site_key() -> str:
	"""A name for this site that is unique among those that share a database server or a Redis."""
	return frappe.conf.db_name or frappe.local.site


# ---- moments, as seconds since 1970 UTC: they mean the same whatever the time zones of two sites are


def as_seconds(moment: datetime | str | None, zone: str = "") -> float | None:
	"""Seconds since 1970 UTC of a moment that a clock in `zone` shows; by default this site's."""
	if not moment:
		return None
	try:
		return get_datetime(moment).replace(tzinfo=ZoneInfo(zone or time_zone())).timestamp()
	except (ZoneInfoNotFoundError, ValueError, OverflowError, AttributeError, frappe.ValidationError):
		return None


def as_local(seconds: float | int | str | None) -> datetime | None:
	"""The moment as this site's clock shows it; None for what is none."""
	value = flt(seconds)
	if not 0 < value < MOST_SECONDS:
		return None
	return datetime.fromtimestamp(value, ZoneInfo(time_zone())).replace(tzinfo=None)
