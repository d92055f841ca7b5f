"""How one connection stands, a line for each DocType: of the producer that this site pulls from, and of the consumer it sends to.

Reads only, asks no other site; a bounded number of queries, however much was streamed.
"""

from datetime import datetime, timedelta
from typing import Any, TypedDict

import frappe
from frappe.utils import cint, get_datetime, now_datetime

from event_streaming.admin.causes.listing import open_causes_of
from event_streaming.admin.connection.shapes import fresh_as_of, percentile
from event_streaming.admin.decisions import CONSUMER, PRODUCER
from event_streaming.admin.headlines import Headline, headline_of, headline_of_consumer
from event_streaming.admin.words import clock, counted, listening, over_broker
from event_streaming.consumer.line.holding import ALL_ROWS
from event_streaming.consumer.logs import broker_use, by_doctype, state
from event_streaming.consumer.logs import overview as consuming
from event_streaming.consumer.logs.by_doctype import OpenEvents
from event_streaming.consumer.logs.overview import ProducerRow
from event_streaming.consumer.logs.sync_log import CONFLICT, FAILED, RETRYING, WAITING
from event_streaming.consumer.subscriptions.subscription import Subscription, subscriptions_of
from event_streaming.consumer.tasks import findings, task
from event_streaming.messages.coded import _
from event_streaming.producer.registration import figures as producing
from event_streaming.producer.registration import overview as registered
from event_streaming.site.address import normalise_url, public_url
from event_streaming.site.hours import HOUR
from event_streaming.wire.broker.grants import NATS
from event_streaming.wire.wishes.priorities import LOW

DAY = timedelta(days=1)
# ended verifies that are looked through for the last one of each DocType
MOST_VERIFIES = 5


class CauseOfLine(TypedDict):
	"""Why events of a DocType have failed."""

	cause: str
	title: str
	count: int


class Line(TypedDict):
	"""One DocType that comes. `fresh`: up to when everything of it is here; None: not known. `verified` of the last verify."""

	doctype: str
	remote_doctype: str
	subscribed: bool
	label: str
	color: str
	fresh: datetime | None
	waiting: int
	failed: int
	causes: list[CauseOfLine]
	per_hour: int
	verified: dict[str, Any] | None


class LineSent(TypedDict):
	"""One DocType that goes. `taken` counts what the consumer took lately, of its last events."""

	doctype: str
	label: str
	color: str
	taken: int
	last: datetime | None
	text: str


def connection(site: str) -> dict[str, Any]:
	"""{"site", "here", "now", "pulls", "sends"}: what comes from the site and what goes to it; None where nothing does.

	Raises frappe.DoesNotExistError when this site knows neither a producer nor a consumer of that address.
	"""
	name = known(site)
	pulls, sends = of_producer(name), of_consumer(name)
	return {"site": name, "here": public_url(), "now": now_datetime(), "pulls": pulls, "sends": sends}


def known(site: str) -> str:
	"""The address as it is stored, however it is spelled. Raises frappe.DoesNotExistError."""
	spellings = [site]
	try:
		spellings.append(normalise_url(site))
	except ValueError:
		pass
	for each in spellings:
		if each and any(frappe.db.exists(doctype, each) for doctype in (PRODUCER, CONSUMER)):
			return each
	frappe.throw(
		_(
			"This site has no connection with {0}: there is no Event Producer and no Event Consumer of that address."
		).format(site),
		frappe.DoesNotExistError,
	)
	raise AssertionError


def of_producer(name: str) -> dict[str, Any] | None:
	"""What comes from a producer; None if nothing does."""
	found = consuming.producers(name)
	if not found or not frappe.has_permission(PRODUCER, "read", name):
		return None
	[row], now = found, now_datetime()
	doc = frappe.get_doc(PRODUCER, name)
	subscriptions = list(subscriptions_of(doc).values())
	use = broker_use.of(name) if doc.get("transport") == NATS else None
	opened = by_doctype.open_events(name)
	rates = by_doctype.taken_since(now - HOUR)
	verified, causes = last_verified(name), causes_by_doctype(name)
	lines = [
		line_of(
			each,
			row,
			opened.get(each.local_doctype) or OpenEvents(),
			rates.get((name, each.local_doctype), 0),
			verified.get(each.remote_doctype),
			causes.get(each.local_doctype, []),
		)
		for each in subscriptions
	]
	return {
		**row,
		"headline": headline_of(row, public_url(), now),
		"listens": listening(row["listener"]),
		"listening_problem": (row["listener"] or {}).get("problem") or "",
		"broker": over_broker(use) if doc.get("transport") == NATS else "",
		"broker_problem": use["problem"] if use else "",
		"per_hour": sum(count for (producer, _doctype), count in rates.items() if producer == name),
		"delay": percentile(by_doctype.delays_since(now - DAY).get(name, [])),
		"doctypes": lines,
	}


def line_of(
	subscription: Subscription,
	row: ProducerRow,
	opened: OpenEvents,
	per_hour: int,
	verified: dict[str, Any] | None,
	causes: list[CauseOfLine],
) -> Line:
	"""One DocType that comes."""
	statuses = opened.statuses
	state_of = state_of_line(subscription, row, statuses)
	return {
		"doctype": subscription.local_doctype,
		"remote_doctype": subscription.remote_doctype,
		"subscribed": not subscription.unsubscribed,
		"label": state_of["label"],
		"color": state_of["color"],
		"fresh": fresh_as_of(row["caught_up_on"], opened.oldest) if subscription.active else None,
		"waiting": statuses.get(WAITING, 0) + statuses.get(RETRYING, 0),
		"failed": statuses.get(FAILED, 0) + statuses.get(CONFLICT, 0),
		"causes": causes,
		"per_hour": per_hour,
		"verified": verified,
	}


def state_of_line(subscription: Subscription, row: ProducerRow, statuses: dict[str, int]) -> Headline:
	"""The worst that is to be said of a DocType now. Nothing is green while something stands still."""
	label, color = _("Up to Date"), "green"
	if subscription.unsubscribed:
		label, color = _("Unsubscribed"), "gray"
	elif not subscription.active:
		rejected = subscription.status == "Rejected"
		label, color = (_("Rejected"), "red") if rejected else (_("Waiting for Approval"), "orange")
	elif row["paused"]:
		label, color = _("Paused"), "orange"
	elif failed := statuses.get(FAILED):
		label, color = _("{0} Failed").format(counted(failed)), "red"
	elif conflicts := statuses.get(CONFLICT):
		label, color = _("{0} in Conflict").format(counted(conflicts)), "red"
	elif row["connection"] in (state.OFFLINE, state.REFUSED):
		refused = row["connection"] == state.REFUSED
		label, color = (_("Refused"), "red") if refused else (_("Offline"), "orange")
	elif retrying := statuses.get(RETRYING):
		label, color = _("{0} Retrying").format(counted(retrying)), "orange"
	elif waiting := statuses.get(WAITING):
		label, color = _("{0} Waiting").format(counted(waiting)), "orange"
	elif row["connection"] == state.UNKNOWN:
		label, color = _("Not contacted yet"), "gray"
	elif row["waits"] == ALL_ROWS or (row["waits"] and subscription.priority == LOW):
		label, color = _("Waits until {0}").format(clock(row["waits_until"])), "blue"
	elif subscription.local_doctype in row["with_a_gap"]:
		label, color = _("Not Compared"), "orange"
	elif row["events_behind"]:
		label, color = _("Events Behind"), "blue"
	return {"label": label, "color": color, "text": ""}


def causes_by_doctype(event_producer: str) -> dict[str, list[CauseOfLine]]:
	"""Local DocType -> why its events have failed, most events first."""
	found: dict[str, list[CauseOfLine]] = {}
	for each in open_causes_of(event_producer):
		line: CauseOfLine = {"cause": each["cause"], "title": each["title"], "count": each["count"]}
		found.setdefault(each["doctype"], []).append(line)
	return found


def last_verified(event_producer: str) -> dict[str, dict[str, Any]]:
	"""Remote DocType -> when it was compared last, how many documents differed, and the task; of scheduled ones the day at least."""
	found: dict[str, dict[str, Any]] = {
		doctype: {"on": get_datetime(kept["on"]), "differing": None, "task": ""}
		for doctype, kept in state.rounds(event_producer).items()
		if kept.get("on")
	}
	for each in reversed(task.ended(event_producer, task.VERIFY, MOST_VERIFIES)):
		for doctype, compared in (each.report.get("doctypes") or {}).items():
			counts = compared.get("counts") or {}
			found[doctype] = {
				"on": each.ended_on,
				"differing": sum(cint(counts.get(kind)) for kind in findings.DIFFERING),
				"task": each.name,
			}
	return found


def of_consumer(name: str) -> dict[str, Any] | None:
	"""What goes to a consumer; None if nothing does."""
	found = registered.consumers(name)
	if not found or not frappe.has_permission(CONSUMER, "read", name):
		return None
	[row], now = found, now_datetime()
	taken = producing.taken_by_doctype(name)
	per_hour, delays = producing.delays_counted(name, now - DAY, now - HOUR)
	return {
		**row,
		"headline": headline_of_consumer(row, now),
		"per_hour": per_hour,
		"delay": percentile(delays),
		"doctypes": [
			line_sent(each, row["paused"], taken.get(each.ref_doctype) or {})
			for each in frappe.get_doc(CONSUMER, name).consumer_doctypes
		],
	}


def line_sent(row: Any, paused: bool, taken: dict[str, Any]) -> LineSent:
	"""One DocType that goes."""
	label, color = {
		"Approved": (_("Approved"), "green"),
		"Rejected": (_("Rejected"), "red"),
	}.get(row.status, (_("To Approve"), "orange"))
	if cint(row.unsubscribed):
		label, color = _("Unsubscribed"), "gray"
	elif row.condition_error:
		label, color = _("Condition Fails"), "red"
	elif paused and row.status == "Approved":
		label, color = _("Paused"), "orange"
	return {
		"doctype": row.ref_doctype,
		"label": label,
		"color": color,
		"taken": cint(taken.get("events")),
		"last": taken.get("last"),
		"text": row.condition_error or "",
	}
