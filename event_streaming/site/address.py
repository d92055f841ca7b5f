"""Who this site is to others: its public URL and its time zone."""

from urllib.parse import urlsplit, urlunsplit

import frappe
from frappe.utils import get_system_timezone, get_url

from event_streaming.site.settings import get_settings

# as the scheduler knows it
MINUTE_TASK = "event_streaming.tasks.event_streaming_every_minute"
DEFAULT_PORTS = {"http": 80, "https": 443}


def public_url() -> str:
	"""The address under which other sites reach this one, without a trailing slash.

	Event Streaming Settings has it; `get_url()` is the guess when nothing is set there.
	"""
	return normalise_url(get_settings().public_url or get_url())


def normalise_url(url: str | None) -> str:
	"""One spelling per site: lower-case scheme and host, no default port, no trailing slash, query or fragment.

	Returns "" for an empty address. Raises ValueError when the port is not a number.
	"""
	url = (url or "").strip()
	if not url:
		return ""
	parts = urlsplit(url)
	if not parts.hostname:
		return url.rstrip("/")
	scheme, host = parts.scheme.lower(), parts.hostname.lower()
	if ":" in host:
		host = f"[{host}]"
	if parts.port and parts.port != DEFAULT_PORTS.get(scheme):
		host = f"{host}:{parts.port}"
	return urlunsplit((scheme, host, parts.path.rstrip("/"), "", ""))


def web_address(url: str | None) -> str:
	"""`normalise_url` of what a person has typed; "" when it is no address of a site."""
	try:
		url = normalise_url(url)
		return url if urlsplit(url).hostname and url.startswith(("http://", "https://")) else ""
	except (ValueError, AttributeError):
		return ""


def time_zone() -> str:
	"""The system time zone of this site, for example "Asia/Bangkok"."""
	return get_system_timezone()


def site_key() -> str:
	"""A name for this site that is unique among those that share a database server or a Redis."""
	return frappe.conf.db_name or frappe.local.site
