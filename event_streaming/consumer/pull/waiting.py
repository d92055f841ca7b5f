"""Waits until this site has everything of a producer up to a position, and says what stands in the way if it has not.

It applies nothing: a pull does, which is begun once if none is under way. A position is what the producer's own
`event_streaming.position()` gives.
"""

import time
from dataclasses import dataclass, field
from typing import TypedDict

import frappe
from frappe.utils import cint, flt, strip_html

from event_streaming.consumer.logs import open_rows, state, sync_log
from event_streaming.consumer.logs.state import PullState
from event_streaming.consumer.pull.loop import unknown_producer
from event_streaming.consumer.pull.requests import request_pull
from event_streaming.exceptions import EventStreamingError
from event_streaming.messages.coded import _

# a web worker is not held for longer than this
MOST_SECONDS_OF_A_REQUEST = 5
MOST_SECONDS = 300
# between two looks: one row by its key, at most one more query
STEP = 0.2
MOST_LISTED = 20


class Unsettled(TypedDict):
	"""An event before the position that has not taken effect here; `log` is its row of Event Sync Log."""

	log: str
	doctype: str
	name: str
	position: int
	status: str
	error: str


@dataclass
class Awaited:
	"""How far this site has got. `reached`: everything up to the position that was asked for is here."""

	event_producer: str
	asked_for: int
	position: int
	reached: bool = False
	# positions that have not been taken yet; fewer events where the producer sends only some
	behind: int = 0
	in_the_way: list[Unsettled] = field(default_factory=list)
	message: str = ""


def wait_for(position: int, seconds: float = 5, event_producer: str | None = None) -> Awaited:
	"""Look again and again until the position is reached, an event before it has failed for good, or the time is over.

	Raises frappe.ValidationError for a producer that has no positions or is not there, RuntimeError where work is open.
	"""
	if frappe.db.transaction_writes:
		raise RuntimeError("wait_for commits: call it after the commit")
	name, asked_for = chosen(event_producer), cint(position)
	if asked_for < 0:
		frappe.throw(_("A position is a number from 0 on."))
	deadline = time.monotonic() + bounded(seconds)
	asked = False
	while True:
		# ends the old picture of the database that repeatable read would go on showing
		frappe.db.commit()
		found = look(state.load_state(name), asked_for)
		if found.reached:
			return found
		if not asked and not frappe.db.get_value("Event Producer", name, "paused"):
			asked = True
			request_pull(name)
		if needs_a_person(found) or time.monotonic() >= deadline:
			return found
		time.sleep(min(STEP, max(deadline - time.monotonic(), 0)))


def chosen(event_producer: str | None) -> str:
	"""The producer that is meant. Raises frappe.ValidationError where that is in doubt."""
	if event_producer:
		if not frappe.db.exists("Event Producer", event_producer):
			raise unknown_producer(event_producer)
		return event_producer
	names = frappe.get_all("Event Producer", pluck="name", limit=2)
	if len(names) != 1:
		frappe.throw(
			_("This site has no Event Producer: there is nothing to wait for.")
			if not names
			else _("This site has more than one Event Producer: name the one that the position is of."),
			EventStreamingError,
		)
	return names[0]


def bounded(seconds: float) -> float:
	"""Not below 0; a web request waits for less than a job does."""
	most = MOST_SECONDS_OF_A_REQUEST if getattr(frappe.local, "request", None) else MOST_SECONDS
	return min(max(flt(seconds), 0), most)


def look(kept: PullState, asked_for: int) -> Awaited:
	"""How it stands now: the cursor, and events before the position that are not settled."""
	if kept.protocol == 1:
		frappe.throw(
			_("{0} runs the older app, which has no positions: there is nothing to wait for.").format(
				kept.event_producer
			),
			EventStreamingError,
		)
	found = Awaited(kept.event_producer, asked_for, kept.position)
	found.behind = max(asked_for - kept.position, 0)
	found.in_the_way = [
		Unsettled(
			log=str(row.name),
			doctype=row.remote_doctype,
			name=row.producer_doc,
			position=cint(row.position),
			status=row.status,
			error=strip_html(row.error or "").split("\n", 1)[0][:140],
		)
		for row in open_rows.open_up_to(kept.event_producer, asked_for, MOST_LISTED)
	]
	found.reached = not found.behind and not found.in_the_way
	found.message = described(found, kept)
	return found


def needs_a_person(found: Awaited) -> bool:
	"""Waiting helps no more: an event has failed for good or is in conflict, and the position will not be reached by itself."""
	return any(each["status"] in (sync_log.FAILED, sync_log.CONFLICT) for each in found.in_the_way)


def described(found: Awaited, kept: PullState) -> str:
	"""One sentence for a person."""
	if found.reached:
		return _("Everything of {0} up to position {1} is here.").format(
			found.event_producer, found.asked_for
		)
	text = (
		_("This site has taken {0} up to position {1} of {2}.").format(
			found.event_producer, found.position, found.asked_for
		)
		if found.behind
		else _("Events of {0} up to position {1} have not all taken effect here.").format(
			found.event_producer, found.asked_for
		)
	)
	if found.in_the_way:
		first = found.in_the_way[0]
		text += " " + _("{0} {1} stands in the way ({2}): see Event Sync Log.").format(
			_(first["doctype"]), first["name"], _(first["status"])
		)
	elif kept.last_error:
		text += f" {strip_html(kept.last_error)}"
	return text
