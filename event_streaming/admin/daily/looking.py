"""The doctor's daily look: findings that need a person -> rows of Event Streaming Finding. Asks the other sites; never commits."""

import time
from collections.abc import Iterable

import frappe
from frappe.utils import now_datetime

from event_streaming.admin.daily.awake import has_connection
from event_streaming.admin.daily.findings import DOCTYPE, is_put_off
from event_streaming.admin.doctor.examination import go_through
from event_streaming.admin.doctor.finding import BROKEN_OFF, FAULT, WARNING, Finding

# each of these has an alert of its own, which does not wait for a day
HAVE_AN_ALERT = ("connection", "contact", "events")
# a job of the queue `long` ends after 25 minutes
SECONDS = 15 * 60


def look_once_a_day() -> None:
	"""For the scheduler. A site without any connection has nothing to be looked at."""
	if not has_connection():
		return
	found, whole, deadline = [], True, time.monotonic() + SECONDS
	for finding in go_through():
		whole = whole and finding.check != BROKEN_OFF
		if finding.needs_a_person and finding.check not in HAVE_AN_ALERT:
			found.append(finding)
		if time.monotonic() >= deadline:
			# many that do not answer: what was not looked at is not gone
			keep(found, whole=False)
			return
	keep(found, whole)


def keep(findings: Iterable[Finding], whole: bool = True) -> None:
	"""What was found is there now. What a whole look has not found is gone, but for what has been put off, which may come back."""
	known = {(row.looked_at, row.subject): row for row in rows()}
	for key, values in gathered(findings).items():
		if row := known.pop(key, None):
			frappe.db.set_value(DOCTYPE, row.name, values)
		else:
			doc = {"doctype": DOCTYPE, "looked_at": key[0], "subject": key[1], "first_seen": now_datetime()}
			frappe.get_doc({**doc, **values}).insert(ignore_permissions=True)
	for row in known.values() if whole else ():
		if is_put_off(row.put_off_until):
			frappe.db.set_value(DOCTYPE, row.name, "still_there", 0)
		else:
			frappe.delete_doc(DOCTYPE, row.name, ignore_permissions=True, delete_permanently=True)


def rows() -> list[dict]:
	return frappe.get_all(DOCTYPE, fields=["name", "looked_at", "subject", "put_off_until"], limit=0)


def gathered(findings: Iterable[Finding]) -> dict[tuple[str, str], dict]:
	"""(check, subject) -> the values of its row: what is said of one subject by one check is one row, the worst level counts."""
	together: dict[tuple[str, str], dict] = {}
	for finding in findings:
		key = (finding.check[:140], finding.subject[:140])
		before = together.setdefault(
			key,
			{"level": WARNING, "message": [], "remedy": [], "last_seen": now_datetime(), "still_there": 1},
		)
		before["level"] = FAULT if FAULT in (finding.level, before["level"]) else WARNING
		for field in ("message", "remedy"):
			if getattr(finding, field) not in before[field]:
				before[field].append(getattr(finding, field))
	return {
		key: {**values, "message": "\n".join(values["message"]), "remedy": "\n".join(values["remedy"])}
		for key, values in together.items()
	}
