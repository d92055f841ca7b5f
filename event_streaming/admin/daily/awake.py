"""Keeps a site awake as long as it has a connection.

Frappe runs the scheduler of a site that nobody uses only once a day: 15 goes by the newest Activity Log, 16 by the users' Last Active,
there only on Frappe's own hosting. Calls over REST count in neither, so that a branch which only syncs would fall asleep. Who takes
documents here is at work here: that is what is noted, in both places, before Frappe's own rule would take the site for one asleep.
"""

from datetime import datetime, timedelta

import frappe
from frappe import _
from frappe.utils import now_datetime
from frappe.utils.scheduler import is_dormant

from event_streaming.site.claims import redis_key

LOOK_EVERY_SECONDS = 6 * 60 * 60
# what is noted now counts for four days or whatever System Settings say, a day at least
AHEAD = timedelta(days=1)
CONNECTIONS = ("Event Producer", "Event Consumer")


def has_connection() -> bool:
	"""Whether documents are taken or given here; what is paused does not count."""
	return any(frappe.db.exists(doctype, {"paused": 0}) for doctype in CONNECTIONS)


def is_asleep(moment: datetime | None = None) -> bool:
	"""Whether Frappe's scheduler takes this site for one that nobody uses, now or at another moment."""
	# 16 remembers an answer for each moment that it is asked about
	return bool(is_dormant(check_time=(moment or now_datetime()).replace(minute=0, second=0, microsecond=0)))


def keep_awake() -> None:
	"""Each minute, at work four times a day: note that somebody is at work, if the site would be asleep by tomorrow. Commits."""
	key = frappe.cache.make_key(redis_key("awake", ""))
	if not frappe.cache.set(key, 1, nx=True, ex=LOOK_EVERY_SECONDS):
		return
	if has_connection() and is_asleep(now_datetime() + AHEAD):
		note_work()
		frappe.db.commit()


def note_work() -> None:
	"""In both places that a version of Frappe looks at."""
	user = subscriber()
	activity = {
		"doctype": "Activity Log",
		"user": user,
		"subject": _("Event Streaming keeps the site awake: it is connected to another site"),
	}
	frappe.get_doc(activity).insert(ignore_permissions=True, ignore_links=True)
	frappe.db.set_value("User", user, "last_active", now_datetime(), update_modified=False)
	if forget := getattr(is_dormant, "clear_cache", None):
		forget()


def subscriber() -> str:
	"""The user of a connection."""
	for doctype in CONNECTIONS:
		if user := frappe.db.get_value(doctype, {"paused": 0}, "user"):
			return user
	return "Administrator"
