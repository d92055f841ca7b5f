"""Event Streaming Settings as plain data, with a safe default for every value that is missing or out of bounds."""

from dataclasses import dataclass

import frappe
from frappe.utils import cint

DOCTYPE = "Event Streaming Settings"

MAKE_DISABLED_USER = "Create a disabled user"
USE_SUBSCRIBER = "Use the Event Subscriber"
FAIL = "Fail"

# over what consumers may listen
REALTIME, OFF = "Realtime", "Off"

# of one Event Producer: more workers than this would wait for each other
MOST_WORKERS = 16


@dataclass(frozen=True)
class StreamSettings:
	"""Times in seconds unless the name says otherwise."""

	public_url: str
	# "" before one has been made
	site_id: str
	not_reachable: bool
	queue: str
	events_per_page: int
	page_bytes: int
	events_per_commit: int
	commit_milliseconds: int
	slice_seconds: int
	connect_timeout: int
	read_timeout: int
	max_attempts: int
	missing_user: str
	max_file_bytes: int
	metrics_role: str
	no_alerts: bool
	alert_unreachable_minutes: int
	alert_events_behind: int
	alert_failed_events: int
	alert_silent_days: int
	keep_days_for_silent: int
	# no notifications for changes older than this; 0: always notified
	quiet_after_hours: int
	verify_after_restore: bool
	# over what consumers may hear of new events; and the port of that, 0: the one of this site's address
	listen_through: str
	realtime_port: int


def get_settings() -> StreamSettings:
	"""The settings of this site (read through Frappe's document cache)."""
	stored = frappe.get_cached_doc(DOCTYPE)

	def bounded(fieldname: str, default: int, lowest: int, highest: int) -> int:
		return min(max(cint(stored.get(fieldname)) or default, lowest), highest)

	return StreamSettings(
		public_url=(stored.get("public_url") or "").strip(),
		site_id=stored.get("site_id") or "",
		not_reachable=bool(cint(stored.get("not_reachable"))),
		queue=stored.get("queue") or "default",
		events_per_page=bounded("events_per_page", 500, 1, 5_000),
		page_bytes=bounded("page_kilobytes", 2_048, 16, 65_536) * 1024,
		events_per_commit=bounded("events_per_commit", 50, 1, 1_000),
		commit_milliseconds=bounded("commit_milliseconds", 500, 1, 10_000),
		slice_seconds=bounded("slice_seconds", 120, 1, 240),
		connect_timeout=bounded("connect_timeout", 5, 1, 60),
		read_timeout=bounded("read_timeout", 30, 1, 240),
		max_attempts=bounded("max_attempts", 12, 1, 100),
		missing_user=stored.get("missing_user") or MAKE_DISABLED_USER,
		max_file_bytes=bounded("max_file_megabytes", 25, 1, 2_000) * 1024 * 1024,
		metrics_role=stored.get("metrics_role") or "",
		no_alerts=bool(cint(stored.get("no_alerts"))),
		alert_unreachable_minutes=bounded("alert_unreachable_minutes", 30, 1, 10_080),
		alert_events_behind=bounded("alert_events_behind", 5_000, 1, 10_000_000),
		alert_failed_events=bounded("alert_failed_events", 1, 1, 10_000),
		alert_silent_days=bounded("alert_silent_days", 3, 1, 365),
		keep_days_for_silent=bounded("keep_days_for_silent", 0, 0, 3_650),
		quiet_after_hours=quiet_after_hours(stored.get("quiet_after_hours")),
		verify_after_restore=bool(cint(stored.get("verify_after_restore"))),
		listen_through=stored.get("listen_through") or REALTIME,
		realtime_port=min(max(cint(stored.get("realtime_port")), 0), 65_535),
	)


def quiet_after_hours(stored: object) -> int:
	"""A day where nothing has been said yet; 0 has been said."""
	return 24 if stored is None else min(max(cint(stored), 0), 8_760)
