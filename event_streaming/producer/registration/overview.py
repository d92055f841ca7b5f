"""How this site stands with each of its consumers, for those who look after it. A bounded number of cheap queries.

It asks no other site and writes nothing.
"""

from datetime import datetime
from typing import TypedDict

import frappe
from frappe.utils import cint

from event_streaming.producer.log import epochs
from event_streaming.producer.log.epochs import LogState
from event_streaming.producer.log.sequence import head_position
from event_streaming.producer.subscriptions.streamed import APPROVED, CONSUMER, ROWS
from event_streaming.site.roles import may_subscribe
from event_streaming.wire.tracing import NO_ROLE, USER_DISABLED


class ConsumerRow(TypedDict):
	"""One Event Consumer. `events_behind` counts positions: some of them may not be meant for it."""

	name: str
	user: str
	paused: bool
	active: bool
	protocol: int
	position: int
	events_behind: int
	pending: list[str]
	condition_errors: list[str]
	# events whose documents its user may not read, unless that is meant; and of which DocTypes
	withheld: int
	withheld_doctypes: list[str]
	last_contact: datetime | None
	# it holds a connection over which it hears of new events
	listens: bool
	notify_failures: int
	last_error: str | None
	# another site has asked in its name, and is refused
	other_site_id: str | None
	# events that it has not taken were cleared
	needs_copy: bool
	# why its user is refused: a code of wire/tracing.py, or ""
	user_problem: str
	creation: datetime


def consumers(name: str | None = None) -> list[ConsumerRow]:
	"""Every Event Consumer of this site, by name; or the one named."""
	log = LogState(head_position(), epochs.read())
	rows = subscription_rows()
	return [
		_row(consumer, rows.get(consumer.name, []), log)
		for consumer in frappe.get_all(
			CONSUMER,
			filters={"name": name} if name else None,
			fields=[
				"name",
				"user",
				"paused",
				"protocol",
				"position",
				"last_contact",
				"listens",
				"notify_failures",
				"last_error",
				"other_site_id",
				"needs_copy",
				"creation",
			],
			order_by="name asc",
		)
	]


def _user_problem(user: str) -> str:
	if not frappe.db.get_value("User", user, "enabled", cache=True):
		return USER_DISABLED
	return "" if may_subscribe(user) else NO_ROLE


def events_behind(consumer) -> int:
	"""How far one Event Consumer (the document) is behind, in positions."""
	rows = [row.as_dict() for row in consumer.consumer_doctypes if not row.unsubscribed]
	return _row(consumer.as_dict(), rows, LogState(head_position(), epochs.read()))["events_behind"]


def subscription_rows() -> dict[str, list[dict]]:
	"""Event Consumer -> the rows that are not unsubscribed."""
	found: dict[str, list[dict]] = {}
	for row in frappe.get_all(
		ROWS,
		filters={"parenttype": CONSUMER, "unsubscribed": 0},
		fields=["parent", "ref_doctype", "status", "condition_error", "withheld", "withholding_meant"],
		order_by="parent asc, idx asc",
	):
		found.setdefault(row.parent, []).append(row)
	return found


def _row(consumer: dict, rows: list[dict], log: LogState) -> ConsumerRow:
	withheld = {
		row["ref_doctype"]: cint(row["withheld"])
		for row in rows
		if row["status"] == APPROVED and cint(row["withheld"]) and not cint(row["withholding_meant"])
	}
	active = any(row["status"] == APPROVED for row in rows)
	# a consumer of the older app counts in times: how far it is in positions is not known
	counted = active and cint(consumer["protocol"]) > 1
	return {
		"name": consumer["name"],
		"user": consumer["user"],
		"paused": bool(cint(consumer["paused"])),
		"active": active,
		"protocol": cint(consumer["protocol"]),
		"position": cint(consumer["position"]),
		"events_behind": log.events_between(cint(consumer["position"]), log.head) if counted else 0,
		"pending": [row["ref_doctype"] for row in rows if (row["status"] or "Pending") == "Pending"],
		"condition_errors": [row["ref_doctype"] for row in rows if row["condition_error"]],
		"withheld": sum(withheld.values()),
		"withheld_doctypes": list(withheld),
		"last_contact": consumer["last_contact"],
		"listens": bool(cint(consumer["listens"])),
		"notify_failures": cint(consumer["notify_failures"]),
		"last_error": consumer["last_error"] or None,
		"other_site_id": consumer["other_site_id"] or None,
		"needs_copy": bool(cint(consumer["needs_copy"])),
		"user_problem": _user_problem(consumer["user"]),
		"creation": consumer["creation"],
	}
