"""The durable state of each pull: the only module that reads or writes Event Producer Last Update.

It never commits; the cursor moves in the transaction of what was applied.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import frappe
from frappe.utils import cint, get_datetime, now_datetime

from event_streaming.consumer.logs import taken_events
from event_streaming.site.settings import get_settings
from event_streaming.wire.pages import Listen
from event_streaming.wire.wishes.priorities import beyond, read_taken

DOCTYPE = "Event Producer Last Update"

# of a cursor that is a time
OVERLAP = timedelta(minutes=5)

# outages that are kept
MOST_OUTAGES, MOST_OF_ERROR = 100, 300

UNKNOWN, ONLINE, OFFLINE, REFUSED = "Unknown", "Online", "Offline", "Refused"


@dataclass
class PullState:
	"""How far this site has got with one producer, and how the last contact went."""

	event_producer: str
	position: int = 0
	last_update: str | None = None
	protocol: int = 0
	connection: str = UNKNOWN
	last_contact: datetime | None = None
	last_pull: datetime | None = None
	next_pull: datetime | None = None
	failures: int = 0
	last_error: str | None = None
	events_behind: int = 0
	remote_time_zone: str | None = None
	last_warning: str | None = None
	# what the older app had read when this one took over: nothing up to that time is read again
	taken_until: str | None = None
	# another site has answered than the one that the connection is with
	other_site_id: str | None = None
	# when this site's own API keys were given to the producer, which runs the older app; and when new keys were put in force
	keys_sent_on: datetime | None = None
	rotated_on: datetime | None = None
	# of which life of the producer's log the position is, and the producer's own word for how far that had got
	epoch: str = ""
	receipt: str = ""
	# what was taken of positions after `restored_from` and up to `restored_to`, the producer has lost with a restored backup
	restored_on: datetime | None = None
	restored_from: int = 0
	restored_to: int = 0
	restored_documents: str | None = None
	verify_wanted: int = 0
	# when nothing was left on the producer that this site had not taken
	caught_up_on: datetime | None = None
	# how far this site has read in the stream of the broker: which stream that is, and the number of a message
	broker_place: str = ""
	# over what this site can listen to the producer, as JSON; "" when it can't
	listen: str = ""
	# DocType -> up to where its events were taken ahead of the position, as JSON
	taken_ahead: str = ""

	def __post_init__(self):
		self.position = cint(self.position)
		self.protocol = cint(self.protocol)
		self.failures = cint(self.failures)
		self.events_behind = cint(self.events_behind)
		self.epoch, self.receipt = self.epoch or "", self.receipt or ""
		self.broker_place = self.broker_place or ""
		self.listen = self.listen or ""
		self.taken_ahead = self.taken_ahead or ""

	@property
	def taken(self) -> dict[str, int]:
		"""DocType on the producer -> up to where its events were taken ahead of the position."""
		return beyond(read_taken(self.taken_ahead), self.position)

	def position_of(self, doctype: str) -> int:
		"""Up to where all events of a DocType are dealt with."""
		return max(self.position, self.taken.get(doctype, 0))

	@property
	def furthest(self) -> int:
		"""The last position of which this site has taken anything."""
		return max((self.position, *self.taken.values()))

	@property
	def reads_from(self) -> str | None:
		"""From when to read a log whose cursor is a time: a little before the last event that came.

		An event becomes visible when its transaction commits but carries the time at which it was written. What is
		known already is passed over.
		"""
		if not self.last_update:
			return None
		since = get_datetime(self.last_update) - OVERLAP
		return str(max(since, get_datetime(self.taken_until)) if self.taken_until else since)


FIELDS = tuple(PullState.__dataclass_fields__)


def load_state(event_producer: str) -> PullState:
	"""The state kept for a producer; a fresh one when there is none yet."""
	row = frappe.db.get_value(DOCTYPE, {"event_producer": event_producer}, FIELDS, as_dict=True)
	return PullState(**row) if row else PullState(event_producer)


def save_state(event_producer: str, **values) -> None:
	"""Write some of PullState's values for a producer, making the row when there is none."""
	name = frappe.db.get_value(DOCTYPE, {"event_producer": event_producer})
	if name:
		frappe.db.set_value(DOCTYPE, name, values, update_modified=False)
		return
	frappe.get_doc({"doctype": DOCTYPE, "event_producer": event_producer, **values}).insert(
		ignore_permissions=True
	)


def as_taken(taken: dict[str, int]) -> str | None:
	"""What was taken ahead of the cursor, as it is kept."""
	return json.dumps(taken, sort_keys=True) if taken else None


def move_cursor(event_producer: str, **values) -> None:
	"""Move the cursor: one UPDATE, no document life cycle, no cache."""
	table = frappe.qb.DocType(DOCTYPE)
	query = frappe.qb.update(table).where(table.event_producer == event_producer)
	for field, value in values.items():
		query = query.set(table[field], value)
	query.run()


def restored(kept: PullState, same_up_to: int, taken_up_to: int) -> dict[str, object]:
	"""What is to be kept when a producer has lost what it had given after `same_up_to`. Two restores that nobody has looked
	at between are one."""
	lowest, highest = same_up_to, taken_up_to
	if kept.restored_on:
		lowest, highest = min(lowest, cint(kept.restored_from)), max(highest, cint(kept.restored_to))
	return {
		"restored_on": now_datetime(),
		"restored_from": lowest,
		"restored_to": highest,
		"restored_documents": taken_events.documents_between(kept.event_producer, lowest, highest) or None,
		"verify_wanted": int(get_settings().verify_after_restore),
	}


def record_contact(event_producer: str, **values) -> None:
	"""The producer answered. Where it could not be read before, that is over: it is kept as an outage."""
	save_state(
		event_producer,
		**_outage_over(event_producer),
		connection=ONLINE,
		last_contact=now_datetime(),
		failures=0,
		last_error=None,
		next_pull=None,
		other_site_id=None,
		**values,
	)


def _outage_over(event_producer: str) -> dict[str, str]:
	fields = ["connection", "last_contact", "last_error", "outages"]
	before = frappe.db.get_value(DOCTYPE, {"event_producer": event_producer}, fields, as_dict=True)
	if not before or before.connection not in (OFFLINE, REFUSED):
		return {}
	outage = {
		"from": str(before.last_contact or ""),
		"until": str(now_datetime()),
		"connection": before.connection,
		"error": (before.last_error or "")[:MOST_OF_ERROR],
	}
	return {"outages": json.dumps([*json.loads(before.outages or "[]"), outage][-MOST_OUTAGES:])}


def keep_listen(kept: PullState, offered: Listen | None) -> None:
	"""The producer says over what this site can listen to it; written when that has changed."""
	said = json.dumps(offered, sort_keys=True) if offered else ""
	if said != kept.listen:
		save_state(kept.event_producer, listen=said or None)
		kept.listen = said


def listen_offers() -> dict[str, Listen]:
	"""Producer -> over what this site can listen to it, for those that accept its keys."""
	filters = {"listen": ["is", "set"], "connection": ["!=", REFUSED]}
	rows = frappe.get_all(DOCTYPE, filters, ["event_producer", "listen"], order_by=None)
	return {row.event_producer: json.loads(row.listen) for row in rows}


def outages(event_producer: str) -> list[dict[str, str]]:
	"""The last times that the producer could not be read, oldest first: "from" the last contact before, "until" the next one."""
	return json.loads(frappe.db.get_value(DOCTYPE, {"event_producer": event_producer}, "outages") or "[]")


def schema_notes(event_producer: str, lock: bool = False) -> dict[str, dict]:
	"""What is known of differences between the fields of both sites: {"looked": {DocType: when}, "notes": {key: note}}."""
	where = {"event_producer": event_producer}
	kept = frappe.db.get_value(DOCTYPE, where, "schema_notes", for_update=lock)
	return json.loads(kept) if kept else {"looked": {}, "notes": {}}


def keep_schema_notes(event_producer: str, notes: dict[str, dict]) -> None:
	save_state(event_producer, schema_notes=json.dumps(notes))


def compared(event_producer: str, since: datetime | None) -> None:
	"""The two sites have been compared by a task that began at this time: what was lost before is seen."""
	kept = load_state(event_producer)
	if kept.restored_on and since and get_datetime(since) >= get_datetime(kept.restored_on):
		save_state(event_producer, restored_on=None, restored_documents=None)


def verifies_wanted() -> list[str]:
	"""Producers that are to be compared since they were restored; locked where there are any, as two may come at once."""
	table = frappe.qb.DocType(DOCTYPE)
	query = frappe.qb.from_(table).select(table.event_producer).where(table.verify_wanted == 1)
	return [name for (name,) in query.run() and query.for_update().run()]


def scheduled_under_way() -> list[str]:
	"""Producers of which a scheduled verify, or its repair, has not been told of yet."""
	return frappe.get_all(DOCTYPE, {"scheduled_task": ["is", "set"]}, pluck="event_producer")


def schedule(event_producer: str, lock: bool = False) -> dict | None:
	"""For which day a scheduled verify was begun last, its task, and how many parts were done; None: no contact yet.

	With `lock` it is as it is now, and locked until the transaction's end.
	"""
	fields = ["scheduled_for", "scheduled_task", "scheduled_part"]
	return frappe.db.get_value(
		DOCTYPE, {"event_producer": event_producer}, fields, as_dict=True, for_update=lock
	)


def rounds(event_producer: str) -> dict[str, dict[str, str]]:
	"""DocType -> {"on", "full_on"}: when its last comparison began, and the last one of all its documents."""
	kept = frappe.db.get_value(DOCTYPE, {"event_producer": event_producer}, "verify_rounds")
	return json.loads(kept or "{}")


def keep_rounds(event_producer: str, found: dict[str, dict[str, str]]) -> None:
	save_state(event_producer, verify_rounds=json.dumps(found))


def remove_state(event_producer: str) -> None:
	"""Forget a producer that is no more."""
	frappe.db.delete(DOCTYPE, {"event_producer": event_producer})
