"""Where the fields of both sites differ for what a connection streams, since when, and what a person has decided about it.

Asks the producer, compares as the check does, and keeps what it found with the pull's state, so that it can be told what came new.
What the producer says is checked before a field is made of it.
"""

import time
from typing import Any, TypedDict

import frappe
from frappe.utils import now_datetime, strip_html

from event_streaming.admin.connection.status import known
from event_streaming.admin.decisions import PRODUCER
from event_streaming.consumer.checking import compare, fitting
from event_streaming.consumer.checking.compare import Difference
from event_streaming.consumer.logs import state
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import Subscription, subscriptions_of
from event_streaming.exceptions import EventStreamingError
from event_streaming.messages.coded import _
from event_streaming.site import audit
from event_streaming.wire.checks import InvalidPage

MOST_NOTES = 500
# DocTypes that the producer describes with one answer
AT_ONCE = 100
# of the daily job of 25 minutes, most of which is the doctor's
SECONDS = 5 * 60


class Schema(TypedDict):
	"""`problem` says why the producer could not be asked: the differences are then those of the last look."""

	site: str
	asked: bool
	problem: str
	looked_on: str
	differences: list[dict[str, Any]]


def schema(site: str, ask: bool = True) -> Schema:
	"""What differs for the DocTypes that this site takes from a producer; asked now, or with `ask` False as it was seen last."""
	name, problem = producer_of(site), ""
	if ask:
		try:
			look(frappe.get_doc(PRODUCER, name))
		except (EventStreamingError, InvalidPage) as error:
			frappe.clear_messages()
			problem = strip_html(str(error))
	kept = state.schema_notes(name)
	return {
		"site": name,
		"asked": ask,
		"problem": problem,
		"looked_on": max(kept["looked"].values(), default=""),
		"differences": sorted(
			(
				{**note, "difference": key, "can_create": fitting.can_create(note)}
				for key, note in kept["notes"].items()
				if not note.get("gone_on")
			),
			key=lambda each: (bool(each.get("ignored_by")), each["doctype"], each["difference"]),
		),
	}


def producer_of(site: str) -> str:
	"""The Event Producer of that address, for whoever may read it."""
	name = known(site)
	if not frappe.db.exists(PRODUCER, name):
		frappe.throw(_("Nothing comes from {0} to this site.").format(name), frappe.DoesNotExistError)
	frappe.has_permission(PRODUCER, "read", name, throw=True)
	return name


def look(doc: Any) -> None:
	"""Ask the producer, compare, and keep what is found. Raises the Remote* errors, InvalidPage."""
	wanted = [each for each in subscriptions_of(doc).values() if not each.unsubscribed]
	producer, found, looked = Producer(doc), {}, []
	try:
		for start in range(0, len(wanted), AT_ONCE):
			part = wanted[start : start + AT_ONCE]
			described = producer.describe([each.remote_doctype for each in part])["doctypes"]
			for each in part:
				notes = notes_of(each, described.get(each.remote_doctype))
				if notes is not None:
					found.update(notes)
					looked.append(each.remote_doctype)
	finally:
		producer.client.close()
	keep(doc.name, looked, found)


def look_once_a_day() -> None:
	"""For the scheduler: a look at each producer, so that it is known since when a field differs though nobody has opened the page.

	One that does not answer is looked at tomorrow: the doctor says that it does not. Commits after each: a pull waits for its row.
	"""
	deadline = time.monotonic() + SECONDS
	for name in frappe.get_all(PRODUCER, {"paused": 0}, pluck="name", order_by="name asc"):
		try:
			look(frappe.get_doc(PRODUCER, name))
		except (EventStreamingError, InvalidPage):
			frappe.db.rollback()
			frappe.clear_messages()
		frappe.db.commit()
		if time.monotonic() >= deadline:
			return


def notes_of(wanted: Subscription, described: Any) -> dict[str, dict[str, Any]] | None:
	"""The differences of one DocType by their keys; None when it can't be compared."""
	if not isinstance(described, dict) or described.get("problem"):
		return None
	try:
		there = compare.read_schema(described.get("schema"))
		differences = fitting.differences(wanted, there)
	except (ValueError, frappe.ValidationError):
		frappe.clear_messages()
		return None
	found = {}
	for each in differences:
		_severity, message, remedy = fitting.wording(each.kind)
		found[key_of(wanted, each)] = {
			"doctype": wanted.local_doctype,
			"remote_doctype": wanted.remote_doctype,
			"kind": each.kind,
			"field": each.field,
			"what": message.format(wanted.local_doctype, fitting.named_field(each))[:500],
			"remedy": remedy,
			**(fitting.field_there(each.field, described["schema"]) if each.kind == compare.MISSING else {}),
		}
	return found


def key_of(wanted: Subscription, difference: Difference) -> str:
	return f"{wanted.remote_doctype}|{difference.kind}|{difference.field}"[:300]


def keep(event_producer: str, looked: list[str], found: dict[str, dict[str, Any]]) -> None:
	"""Merge what was found with what is known: since when, and what a person has decided."""
	kept, now = state.schema_notes(event_producer, lock=True), str(now_datetime())
	notes = kept["notes"]
	for key, new in found.items():
		old = notes.get(key) or {}
		first_look = old.get("first_look", new["remote_doctype"] not in kept["looked"])
		again = old and not old.get("gone_on")
		decided = {name: old[name] for name in ("ignored_by", "ignored_on") if old.get(name)}
		since = old["first_seen"] if again else now
		notes[key] = {**new, **decided, "first_seen": since, "first_look": first_look and (again or not old)}
	for key, note in notes.items():
		if note["remote_doctype"] in looked and key not in found and not note.get("gone_on"):
			note["gone_on"] = now
	newest = sorted(notes, key=lambda key: (not notes[key].get("gone_on"), notes[key]["first_seen"]))
	kept["notes"] = {key: notes[key] for key in newest[-MOST_NOTES:]}
	kept["looked"].update(dict.fromkeys(looked, now))
	state.keep_schema_notes(event_producer, kept)


# ---- what a person decides


def create_field(site: str, difference: str) -> str:
	"""Make the field that is missing here, as the producer has it: its label, type and options. Returns what was done.

	Raises frappe.ValidationError for a field that is not plain, or is here by now, and what Frappe says against it.
	"""
	name = producer_of(site)
	frappe.has_permission("Custom Field", "create", throw=True)
	note = note_named(state.schema_notes(name), difference)
	if not fitting.can_create(note):
		frappe.throw(
			_("{0} can't be made by a button: it is not a plain field. Make it in Customize Form.").format(
				note["field"]
			)
		)
	values = fitting.values_of_field(note)
	audit.record(audit.FIELD_CREATED, PRODUCER, name, None, values)
	frappe.get_doc({"doctype": "Custom Field", **values}).insert()
	kept = state.schema_notes(name, lock=True)
	if difference in kept["notes"]:
		kept["notes"][difference]["gone_on"] = str(now_datetime())
		state.keep_schema_notes(name, kept)
	return _(
		"{0} of {1} was made. Values that came before it are brought by a copy, or by a verify with its repair."
	).format(values["fieldname"], _(values["dt"]))


def ignore(site: str, difference: str, ignored: bool = True) -> None:
	"""Have a difference of this connection not asked about any more, or asked about again."""
	name = producer_of(site)
	frappe.has_permission(PRODUCER, "write", name, throw=True)
	kept = state.schema_notes(name, lock=True)
	note = note_named(kept, difference)
	before = {"difference": note["what"], "ignored": int(bool(note.get("ignored_by")))}
	if bool(before["ignored"]) == ignored:
		return
	note["ignored_by"] = frappe.session.user if ignored else ""
	note["ignored_on"] = str(now_datetime()) if ignored else ""
	state.keep_schema_notes(name, kept)
	audit.record(audit.DIFFERENCE_IGNORED, PRODUCER, name, before, {**before, "ignored": int(ignored)})


def note_named(kept: dict[str, Any], difference: str) -> dict[str, Any]:
	note = kept["notes"].get(difference)
	if not note or note.get("gone_on"):
		frappe.throw(_("The two sites do not differ in that any more: compare again."))
	return note
