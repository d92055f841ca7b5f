"""Puts together where a document is: on this site, on each of its producers and on each of its consumers.

Each other site is asked in one call, with a time limit; what this site itself knows is said also where that fails.
"""

import time
from datetime import datetime
from typing import Any, TypedDict

import frappe

from event_streaming.admin.charts import SYNC_LOG, UPDATE_LOG
from event_streaming.admin.tracing import asking
from event_streaming.admin.tracing.timeline import (
	APPLIED,
	BEHIND,
	LOGGED,
	NOT_SENT,
	NUMBERED,
	SENT,
	TAKEN,
	EventLine,
	explained,
	headline,
	merged,
	steps_of,
	waiting_text,
)
from event_streaming.admin.tracing.words import sentences
from event_streaming.consumer.logs import state
from event_streaming.consumer.logs.causes import KIND
from event_streaming.consumer.logs.sync_log import SKIPPED
from event_streaming.consumer.logs.tracing import arrivals
from event_streaming.consumer.subscriptions import tracing as consuming
from event_streaming.consumer.subscriptions.subscription import subscriptions_of
from event_streaming.identity import registry
from event_streaming.messages.coded import _
from event_streaming.producer.reach import tracing as producing
from event_streaming.site.address import as_local, as_seconds, public_url
from event_streaming.site.roles import ADMIN
from event_streaming.wire import tracing as codes

PRODUCER, CONSUMER = "Event Producer", "Event Consumer"
# sites of each kind; and for how long all of them are asked together
MOST_SITES = 200
SECONDS_FOR_ALL = 20.0


class Site(TypedDict):
	"""One connected site. `asked` is "" if it was not asked, or says why it could not be."""

	site: str
	role: str
	doctype: str
	document: str
	here: bool
	label: str
	color: str
	why: list[str]
	events: list[EventLine]
	asked: str
	answered: bool
	# whether the one of both sites takes documents of this DocType from the other
	subscribed: bool


class Whereabouts(TypedDict):
	"""Where a document is; `there` is of this site itself."""

	doctype: str
	name: str
	there: bool
	modified: datetime | None
	sites: list[Site]


def where_is(doctype: str, name: str, site: str | None = None, ask: bool = True) -> Whereabouts:
	"""Where a document is, or why it is not there; of one other site if named.

	Without `ask` only this site's own books are read. Raises frappe.PermissionError for who may not read the document.
	"""
	there = _check_may_read(doctype, name)
	until = time.monotonic() + SECONDS_FOR_ALL
	sites: list[Site] = []
	for each in _names(PRODUCER, site):
		may_ask = ask and time.monotonic() < until
		if found := of_producer(each, doctype, name, there, may_ask):
			sites.append(found)
	for each in _names(CONSUMER, site):
		sites.append(of_consumer(each, doctype, name, ask and time.monotonic() < until))
	sites.sort(key=lambda each: not each["subscribed"])
	modified = frappe.db.get_value(doctype, name, "modified") if there else None
	return {"doctype": doctype, "name": name, "there": there, "modified": modified, "sites": sites}


def _check_may_read(doctype: str, name: str) -> bool:
	"""Whether the document is on this site. For who looks after the streams and may read it."""
	frappe.only_for(ADMIN)
	if not doctype or not name:
		frappe.throw(_("Say which document: its Document Type and its name."))
	if not frappe.db.exists("DocType", doctype):
		return False
	there = bool(frappe.db.exists(doctype, name))
	frappe.has_permission(doctype, "read", doc=name if there else None, throw=True)
	return there


def _names(doctype: str, site: str | None) -> list[str]:
	filters = {"name": site} if site else None
	return frappe.get_all(doctype, filters=filters, pluck="name", order_by="name asc", limit=MOST_SITES)


# ---- a producer: what comes from there


def of_producer(event_producer: str, doctype: str, name: str, there: bool, ask: bool) -> Site | None:
	"""None for a producer that has nothing to do with a document that is here."""
	doc = frappe.get_doc(PRODUCER, event_producer)
	known = [
		each
		for find in (
			(registry.find_for_local,) if there else (registry.find_for_local, registry.find_for_deleted)
		)
		for each in find(doctype, [name]).get(name, [])
		if each.event_producer == doc.name
	]
	rows = subscriptions_of(doc)
	remote = known[0].remote_doctype if known else _remote_doctype(rows, doctype)
	remote_name = known[0].remote_name if known else name
	mine = arrivals(doc.name, remote, remote_name)
	wanted = rows.get(remote)
	if there and not known and not mine and wanted is None:
		return None
	kept = state.load_state(doc.name)
	answer, problem = (None, "")
	if ask and wanted is not None:
		answer, problem = asking.ask_producer(doc, kept.protocol, remote, remote_name)
	theirs = answer["events"] if answer else []
	events = explained(
		[
			_coming(pair, doc.name, remote, remote_name, kept.remote_time_zone or "")
			for pair in merged(mine, theirs)
		]
	)
	here = bool(consuming.local_of(doc.name, remote, remote_name))
	reasons = _held_back(
		[*consuming.reasons_of(doc, wanted), *(answer["reasons"] if answer else [])], events, here
	)
	label, color = headline(here, [each["status"] for each in events], _weighty(reasons, here))
	if there and not known and not events and not (answer and answer["there"]):
		# made on this site, or come from another one
		label, color, reasons = _("Not from there"), "gray", []
	return {
		"site": doc.name,
		"role": PRODUCER,
		"doctype": remote,
		"document": remote_name,
		"here": here,
		"label": label,
		"color": color,
		"why": [
			*sentences(reasons, doc.name, public_url(), (remote, remote_name)),
			*_outcome(mine, here),
		],
		"events": events,
		"asked": problem,
		"answered": bool(answer),
		"subscribed": wanted is not None,
	}


def _remote_doctype(rows: dict, doctype: str) -> str:
	"""What a producer calls the DocType of this site: by its subscription, else the same."""
	found = [remote for remote, each in rows.items() if each.local_doctype == doctype]
	return doctype if doctype in rows or not found else found[0]


def _outcome(mine: list[dict], here: bool) -> list[str]:
	"""What the last event that came says of a document that is not here, or of one that was skipped."""
	if not mine or (here and mine[0]["status"] != SKIPPED):
		return []
	return [mine[0]["outcome"]] if mine[0]["outcome"] else []


def _coming(pair: tuple[dict, dict], giver: str, remote: str, name: str, zone: str) -> EventLine:
	mine, theirs = pair
	logged = as_local(theirs.get("logged")) or _in_local_time(mine.get("changed"), zone)
	moments = [
		(LOGGED, logged),
		(NUMBERED, as_local(theirs.get("numbered"))),
		(SENT, as_local(theirs.get("sent"))),
		(TAKEN, mine.get("taken")),
		(APPLIED, mine.get("applied")),
	]
	# one that this site has no row of any more, or that a repair has made good, is behind the cursor
	passed = TAKEN if theirs.get("taken") else BEHIND
	status = mine.get("status") or (NOT_SENT if theirs.get("why") else passed)
	kind = (KIND.match(mine.get("problem") or "") or [""])[0].strip(": ")
	why = " ".join(sentences([theirs.get("why") or ""], giver, public_url(), (remote, name)))
	return {
		"update_type": mine.get("update_type") or theirs.get("update_type") or "",
		"position": mine.get("position") or theirs.get("position") or 0,
		"by": theirs.get("by") or mine.get("by") or "",
		"status": status,
		"steps": steps_of(moments),
		"waits_for": waiting_text(status, mine.get("waits_for") or "", kind, mine.get("problem") or "")
		or why,
		"until": mine.get("next_retry"),
		"problem": mine.get("problem") or "",
		# who has skipped it, the outcome says
		"retried_by": "" if status == SKIPPED else mine.get("retried_by") or "",
		"log_doctype": SYNC_LOG if mine else "",
		"log": mine.get("log") or "",
		"cause": mine.get("cause") or "",
	}


def _in_local_time(moment: Any, zone: str) -> datetime | None:
	return as_local(as_seconds(moment, zone))


# ---- a consumer: what goes there


def of_consumer(event_consumer: str, doctype: str, name: str, ask: bool) -> Site:
	"""How far a document of this site has got on its way to a consumer."""
	doc = frappe.get_doc(CONSUMER, event_consumer)
	found = producing.trace(doc, doctype, name)
	answer, problem = (None, "")
	streamed = codes.NOT_SUBSCRIBED not in found["reasons"]
	if ask and streamed:
		answer, problem = asking.ask_consumer(doc, doctype, name)
	events = explained(
		[
			_going(pair, doc.name, doctype, name)
			for pair in merged(found["events"], answer["events"] if answer else [])
		]
	)
	taken = any(each["taken"] or each["sent"] for each in found["events"]) or found["given"]
	here = answer["there"] if answer else taken
	reasons = _held_back([*found["reasons"], *(answer["reasons"] if answer else [])], events, here)
	label, color = headline(here, [each["status"] for each in events], _weighty(reasons, here))
	if not answer and here and color == "green":
		label = _("Sent")
	if not streamed:
		label, color = _("Not subscribed"), "gray"
	return {
		"site": doc.name,
		"role": CONSUMER,
		"doctype": doctype,
		"document": name,
		"here": here,
		"label": label,
		"color": color,
		"why": sentences(reasons, public_url(), doc.name, (doctype, name)),
		"events": events,
		"asked": problem,
		"answered": bool(answer),
		"subscribed": streamed,
	}


def _held_back(reasons: list[str], events: list[EventLine], here: bool) -> list[str]:
	"""What the taker has already is neither behind, which the giver knows only from the next request, nor still to be brought."""
	known = set() if any(each["status"] == BEHIND for each in events) else {codes.BEHIND}
	if here:
		known.add(codes.NOT_LOGGED)
		if codes.BEHIND in known:
			# what waits for its hours is none of its events
			known.update(reason for reason in reasons if codes.UNTIL.fullmatch(reason))
	return [reason for reason in reasons if reason not in known]


def _weighty(reasons: list[str], here: bool) -> list[str]:
	"""Without those that say nothing against a document that is there."""
	return [reason for reason in reasons if not here or reason != codes.MADE_THERE]


def _going(pair: tuple[dict, dict], taker: str, doctype: str, name: str) -> EventLine:
	mine, theirs = pair
	moments = [
		(LOGGED, as_local(mine.get("logged"))),
		(NUMBERED, as_local(mine.get("numbered"))),
		(SENT, as_local(mine.get("sent"))),
		(TAKEN, as_local(theirs.get("taken"))),
		(APPLIED, as_local(theirs.get("applied"))),
	]
	status = theirs.get("status") or ""
	if not status:
		# how far the consumer is, it says with its next request
		known = TAKEN if mine.get("taken") else SENT if mine.get("sent") else BEHIND
		status = NOT_SENT if mine.get("why") else known
	why = " ".join(sentences([mine.get("why") or ""], public_url(), taker, (doctype, name)))
	kind = theirs.get("kind") or ""
	return {
		"update_type": mine.get("update_type") or theirs.get("update_type") or "",
		"position": mine.get("position") or theirs.get("position") or 0,
		"by": mine.get("by") or "",
		"status": status,
		"steps": steps_of(moments),
		"waits_for": waiting_text(status, theirs.get("waits_for") or "", kind, "") or why,
		"until": as_local(theirs.get("next_retry")),
		"problem": kind,
		"retried_by": "",
		"log_doctype": UPDATE_LOG if mine else "",
		"log": mine.get("id") or "",
		"cause": "",
	}
