"""A page of events for one consumer: approved, permitted, condition met, not made by the consumer itself.

The subscription on record decides what is sent, never what the request asks for. A page costs a number of queries that
depends on how many DocTypes it touches, not on how many events it holds; it is bounded in events, in bytes and in the
number of positions that it looks at.

Delivered is what the consumer's own cursor says: a row of Event Update Log Consumer counts when its `at_position` is
not after the cursor that the consumer sends. So an answer that was lost on its way is simply given again.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import frappe
from frappe import _
from frappe.utils import cint, cstr, get_datetime, now_datetime
from pypika.terms import Function

from event_streaming import identity
from event_streaming.exceptions import NotRegistered
from event_streaming.producer import conditions
from event_streaming.producer.capture import dump
from event_streaming.producer.diff import snapshot
from event_streaming.producer.documents import existing_names, load_documents, permitted_names
from event_streaming.producer.sequence import assign_positions, position_at
from event_streaming.producer.subscriptions import APPROVED, CONSUMER, subscriptions_of
from event_streaming.refused import is_system
from event_streaming.settings import get_settings
from event_streaming.site import normalise_url, public_url, time_zone
from event_streaming.wire import CREATE, DELETE, PROTOCOL, RENAME, Event, Root

LOG = "Event Update Log"
DELIVERIES = "Event Update Log Consumer"
# a page looks at no more positions than this, so that a rare DocType does not make it slow
WINDOW = 5_000
# names followed from rename to rename
RENAMES = 5
MOST_DOCUMENTS = 500
# what an envelope adds to an event's data
ENVELOPE_BYTES = 400
USER_FIELDS = ("name", "email", "first_name", "last_name", "full_name", "enabled", "time_zone", "language")

Key = tuple[str, str]


@dataclass
class Candidate:
	"""An event that may go into the page; `data` is read only for those that do."""

	name: str
	position: int
	at_position: int
	update_type: str
	ref_doctype: str
	docname: str
	creation: Any
	sequenced_on: Any
	owner: str
	origin: str
	size: int
	data: str | None = None
	data_before: str | None = None
	# made up for this page, with the document's present state
	made: bool = False

	@property
	def key(self) -> Key:
		return self.ref_doctype, self.docname


@dataclass
class Reader:
	"""Who reads, from where, how much; and what there is to tell besides the events."""

	consumer: Any
	cursor: int
	limit: int
	max_bytes: int
	rows: dict[str, Any]
	warnings: list[str] = field(default_factory=list)


@dataclass
class Slice:
	"""The events of a page, in the order in which they are to be applied, and how far they reach."""

	events: list[Candidate]
	cursor: int
	head: int


# ---------------------------------------------------------------- endpoints


@frappe.whitelist(methods=["POST"])
def get_page(
	event_consumer: str, cursor: int, limit: int | None = None, max_bytes: int | None = None
) -> dict[str, Any]:
	"""The events after `cursor` for the consumer registered as `event_consumer`. Only its own user may ask."""
	consumer = _load_consumer(event_consumer)
	reader = _reader(consumer, max(cint(cursor), 0), limit, max_bytes)
	if cint(consumer.paused):
		found = Slice([], reader.cursor, reader.cursor)
	else:
		head = assign_positions()
		_forget_undelivered(reader)
		found = _read_slice(reader, head)
	_record_deliveries(reader, found.events)
	_contacted(consumer, reader.cursor)
	return {
		"protocol": PROTOCOL,
		"events": _on_the_wire(found.events),
		"cursor": found.cursor,
		"has_more": found.cursor < found.head,
		"behind": max(found.head - found.cursor, 0),
		"time_zone": time_zone(),
		"site": public_url(),
		"subscriptions": subscriptions_of(consumer),
		"warnings": reader.warnings,
		"paused": cint(consumer.paused),
	}


@frappe.whitelist(methods=["POST"])
def get_documents(event_consumer: str, documents: str | list) -> dict[str, Any]:
	"""The documents asked for, as JSON [[DocType, name], …], as far as the consumer's user may read them."""
	_load_consumer(event_consumer)
	keys = _asked_for(documents)
	# events at or before this position are contained in what is read from here on
	frappe.db.commit()
	position = assign_positions()
	found: list[dict[str, Any]] = []
	missing: list[list[str]] = []
	for doctype, names in _by_doctype(keys).items():
		if not _may_be_fetched(doctype):
			reason = "not allowed" if frappe.db.exists("DocType", doctype) else "not found"
			missing.extend([doctype, name, reason] for name in names)
			continue
		found.extend(_fetch(doctype, names, missing))
	return {"documents": found, "missing": missing, "position": position}


def old_page(event_consumer: str, doctypes: str | list, last_update: str) -> list[dict[str, Any]]:
	"""The answer to a consumer of the old kind, whose cursor is a time: a page, oldest first.

	The `creation` that it is given is the strictly increasing time at which the event got its position, so that it
	misses nothing either. A rename, for which the old format has no word, goes as a Delete of the old name and a Create
	with the present state of the new one; a merge only as the Delete that follows it anyway.
	"""
	consumer = _load_consumer(event_consumer)
	cursor = _position_of_time(last_update)
	reader = _reader(consumer, cursor, None, None)
	asked = set(_parsed_list(doctypes))
	reader.rows = {doctype: row for doctype, row in reader.rows.items() if doctype in asked}
	if cint(consumer.paused) or not reader.rows:
		return []
	head = assign_positions()
	_forget_undelivered(reader)
	found = _read_slice(reader, head)
	while not found.events and found.cursor < head:
		# an old consumer can't move its cursor over an empty page
		reader.cursor = found.cursor
		found = _read_slice(reader, head)
	_record_deliveries(reader, found.events)
	_contacted(consumer, cursor)
	return _in_old_format(found.events)


# ---------------------------------------------------------------- who asks


def _load_consumer(event_consumer: str):
	"""The Event Consumer, if it is its own user who asks. Ends the request's picture of the database."""
	frappe.db.commit()
	try:
		name = normalise_url(event_consumer)
	except (ValueError, AttributeError):
		name = ""
	if not name or not frappe.db.exists(CONSUMER, name):
		raise NotRegistered(
			_(
				"{0} is not registered as an Event Consumer on {1}. Save its Event Producer there again."
			).format(event_consumer, public_url())
		)
	consumer = frappe.get_doc(CONSUMER, name)
	if consumer.user != frappe.session.user:
		raise frappe.PermissionError(
			_("Only the user {0} may read the events for {1}.").format(consumer.user, consumer.name)
		)
	return consumer


def _reader(consumer, cursor: int, limit: Any, max_bytes: Any) -> Reader:
	settings = get_settings()
	return Reader(
		consumer=consumer,
		cursor=cursor,
		limit=min(max(cint(limit) or settings.events_per_page, 1), settings.events_per_page),
		max_bytes=min(max(cint(max_bytes) or settings.page_bytes, 1), settings.page_bytes),
		rows={
			row.ref_doctype: row
			for row in consumer.consumer_doctypes
			if row.status == APPROVED and not cint(row.unsubscribed)
		},
	)


def _contacted(consumer, cursor: int) -> None:
	values = {"position": cursor, "last_contact": now_datetime()}
	if cint(consumer.notify_failures):
		values.update(notify_failures=0, notify_after=None)
	frappe.db.set_value(CONSUMER, consumer.name, values, update_modified=False)


# ---------------------------------------------------------------- what is in the page


def _read_slice(reader: Reader, head: int) -> Slice:
	"""The steps from the log to the events of a page."""
	if reader.cursor > head:
		reader.warnings.append(
			_(
				"The consumer has taken events up to {0}, but the log of {1} ends at {2}. Was a backup restored there?"
			).format(reader.cursor, public_url(), head)
		)
		return Slice([], reader.cursor, reader.cursor)
	scanned, reach = _scan(reader, head)
	present = _present_names(scanned)
	scanned = _permitted(reader, scanned, present)
	scanned = _meeting_conditions(reader, scanned, present)
	events, cursor = _cut(reader, scanned, reach)
	_read_data(events)
	return Slice(events, cursor, head)


def _scan(reader: Reader, head: int) -> tuple[list[Candidate], int]:
	"""What the log holds after the cursor for the approved DocTypes, and the position up to which that is all."""
	first = _first_position(reader) if reader.rows else None
	if first is None:
		return [], head
	reach = min(first - 1 + WINDOW, head)
	log = frappe.qb.DocType(LOG)
	query = (
		_select_candidates(log)
		.where((log.position >= first) & (log.position <= reach))
		.where(log.ref_doctype.isin(list(reader.rows)))
		.where(log.origin.isnull() | (log.origin != reader.consumer.name))
		.orderby(log.position)
		.limit(reader.limit + 1)
	)
	candidates = _candidates(query)
	if len(candidates) > reader.limit:
		reach = candidates[-1].position - 1
		candidates.pop()
	return [
		event for event in candidates if event.position > cint(reader.rows[event.ref_doctype].from_position)
	], reach


def _first_position(reader: Reader) -> int | None:
	"""Where there is anything to look at: a consumer that starts late does not walk through what is cleared or not for it."""
	start = max(reader.cursor, min(cint(row.from_position) for row in reader.rows.values()))
	log = frappe.qb.DocType(LOG)
	row = (
		frappe.qb.from_(log)
		.select(log.position)
		.where(log.position > start)
		.orderby(log.position)
		.limit(1)
		.run()
	)
	return row[0][0] if row else None


def _select_candidates(log):
	return frappe.qb.from_(log).select(
		log.name,
		log.position,
		log.update_type,
		log.ref_doctype,
		log.docname,
		log.creation,
		log.sequenced_on,
		log.owner,
		log.origin,
		(Function("LENGTH", log.data) + Function("COALESCE", Function("LENGTH", log.data_before), 0)).as_(
			"size"
		),
	)


def _candidates(query) -> list[Candidate]:
	return [
		Candidate(
			name=str(row.name),
			position=row.position,
			at_position=row.position,
			update_type=row.update_type,
			ref_doctype=row.ref_doctype,
			docname=row.docname,
			creation=row.creation,
			sequenced_on=row.sequenced_on,
			owner=row.owner,
			origin=row.origin or "",
			size=(row.size or 0) + ENVELOPE_BYTES,
		)
		for row in query.run(as_dict=True)
	]


def _read_data(events: list[Candidate]) -> None:
	wanted = [event.name for event in events if not event.made and event.update_type != DELETE]
	if not wanted:
		return
	log = frappe.qb.DocType(LOG)
	rows = (
		frappe.qb.from_(log)
		.select(log.name, log.data, log.data_before)
		.where(log.name.isin([int(name) for name in wanted]))
		.run()
	)
	data = {str(name): (text, before) for name, text, before in rows}
	for event in events:
		if not event.made:
			event.data, event.data_before = data.get(event.name, (None, None))


def _cut(reader: Reader, events: list[Candidate], reach: int) -> tuple[list[Candidate], int]:
	"""As many events as the bounds allow, and the cursor after them. What belongs together stays together."""
	chosen: list[Candidate] = []
	size = 0
	for group in _groups(events):
		group_size = sum(event.size for event in group)
		if chosen and (size + group_size > reader.max_bytes or len(chosen) + len(group) > reader.limit):
			return chosen, group[0].at_position - 1
		chosen.extend(group)
		size += group_size
	return chosen, reach


def _groups(events: list[Candidate]) -> list[list[Candidate]]:
	groups: list[list[Candidate]] = []
	for event in events:
		if groups and groups[-1][0].at_position == event.at_position:
			groups[-1].append(event)
		else:
			groups.append([event])
	return groups


# ---------------------------------------------------------------- names and permissions


def _present_names(events: list[Candidate]) -> dict[Key, str | None]:
	"""(DocType, name in the event) -> the name that the document has now; None when it is gone."""
	present: dict[Key, str | None] = {}
	for doctype, names in _by_doctype([event.key for event in events]).items():
		found = existing_names(doctype, names)
		present.update({(doctype, name): name if name in found else None for name in names})
		if gone := [name for name in names if name not in found]:
			present.update(_renamed(doctype, gone))
	return present


def _renamed(doctype: str, names: list[str]) -> dict[Key, str | None]:
	"""Where documents that are gone under their old names are now."""
	moved = _names_now(doctype, names)
	found = existing_names(doctype, set(moved.values())) if moved else set()
	return {(doctype, name): current for name, current in moved.items() if current in found}


def _names_now(doctype: str, names: list[str]) -> dict[str, str]:
	"""Old name -> the name it was changed to in the end, for those of the names that were."""
	now = {name: name for name in names}
	for _step in range(RENAMES):
		followed = _renames(doctype, set(now.values())) if now else {}
		if not followed:
			break
		now = {name: followed.get(current, current) for name, current in now.items()}
	return {name: current for name, current in now.items() if current != name}


def _renames(doctype: str, names: set[str]) -> dict[str, str]:
	log = frappe.qb.DocType(LOG)
	query = (
		frappe.qb.from_(log)
		.select(log.docname, log.data)
		.where((log.ref_doctype == doctype) & log.docname.isin(sorted(names)) & (log.update_type == RENAME))
		.orderby(log.position)
	)
	return {name: json.loads(data)["new_name"] for name, data in query.run()}


def _permitted(reader: Reader, events: list[Candidate], present: dict[Key, str | None]) -> list[Candidate]:
	"""Only what the consumer's user may read.

	Of a document that is gone nobody can say any more who might read it: its events go to a user who may read every
	document of the DocType, to others only its end.
	"""
	permitted: set[Key] = set()
	trusted: set[str] = set()
	restricted = bool(frappe.permissions.get_user_permissions(frappe.session.user))
	for doctype, names in _by_doctype([event.key for event in events]).items():
		if not frappe.has_permission(doctype, "read"):
			reader.warnings.append(
				_("The user {0} may not read {1} on {2}: its events are held back.").format(
					frappe.session.user, doctype, public_url()
				)
			)
			continue
		if not restricted:
			trusted.add(doctype)
		now = {name for name in (present.get((doctype, name)) for name in names) if name}
		permitted.update((doctype, name) for name in permitted_names(doctype, now))
	kept = []
	for event in events:
		name = present.get(event.key)
		if name is None:
			if event.ref_doctype in trusted or event.update_type == DELETE:
				kept.append(event)
		elif (event.ref_doctype, name) in permitted:
			kept.append(event)
	return kept


# ---------------------------------------------------------------- conditions


def _meeting_conditions(
	reader: Reader, events: list[Candidate], present: dict[Key, str | None]
) -> list[Candidate]:
	"""Without the events whose documents do not meet their condition; with the older ones of those that now do."""
	conditional = [event for event in events if (reader.rows[event.ref_doctype].condition or "").strip()]
	if not conditional:
		return events
	documents = _load_present(conditional, present)
	meeting = _evaluate(reader, conditional, present, documents)
	older = _history(reader, conditional)
	kept: list[Candidate] = []
	begun: set[Key] = set()
	sent_now: set[Key] = set()
	for event in events:
		row = reader.rows[event.ref_doctype]
		if not (row.condition or "").strip():
			kept.append(event)
			continue
		history = older.get(event.key, [])
		if event.key not in meeting:
			known = event.key in sent_now or any(delivered for _event, delivered in history)
			if event.update_type in (DELETE, RENAME) and known and present.get(event.key) is None:
				kept.append(event)
			continue
		sent_now.add(event.key)
		if event.key in begun:
			# the first event of a document in the page has brought all that came before it
			kept.append(event)
			continue
		begun.add(event.key)
		kept.extend(
			_with_history(reader, event, history, documents.get((event.ref_doctype, present[event.key])))
		)
	return kept


def _with_history(
	reader: Reader, event: Candidate, history: list[tuple[Candidate, bool]], doc: Any
) -> list[Candidate]:
	"""The event with the older ones of its document before it, or one Create with the present state in their place."""
	waiting = [old for old, delivered in history if not delivered]
	if len(waiting) == len(history) and doc is not None:
		begins = (waiting[0] if waiting else event).update_type == CREATE
		size = sum(old.size for old in waiting) + event.size
		if not begins or len(waiting) >= reader.limit or size > reader.max_bytes:
			return [_create_from_present(event, doc)]
	for old in waiting:
		old.at_position = event.position
	return [*waiting, event]


def _create_from_present(event: Candidate, doc: Any) -> Candidate:
	state = snapshot(doc)
	# the name that it had then: a rename that is still to come changes it
	state["name"] = event.docname
	event.update_type, event.data, event.made = CREATE, dump(state), True
	event.size = len(event.data) + ENVELOPE_BYTES
	return event


def _load_present(events: list[Candidate], present: dict[Key, str | None]) -> dict[Key, Any]:
	keys = [(event.ref_doctype, name) for event in events if (name := present.get(event.key))]
	return {
		(doctype, name): doc
		for doctype, names in _by_doctype(keys).items()
		for name, doc in load_documents(doctype, names).items()
	}


def _evaluate(
	reader: Reader, events: list[Candidate], present: dict[Key, str | None], documents: dict[Key, Any]
) -> set[Key]:
	"""The (DocType, name) of the events whose documents exist and meet the condition now."""
	meeting: set[Key] = set()
	failed: dict[str, str] = {}
	seen: set[Key] = set()
	with conditions.without_writing():
		for event in events:
			doc = documents.get((event.ref_doctype, present.get(event.key) or ""))
			if doc is None or event.key in seen:
				continue
			seen.add(event.key)
			try:
				if conditions.meets(
					reader.rows[event.ref_doctype].condition, doc, reader.consumer, _log_row(event)
				):
					meeting.add(event.key)
			except Exception as error:
				failed.setdefault(event.ref_doctype, f"{event.docname}: {type(error).__name__}: {error}")
	_report_conditions(reader, {event.ref_doctype for event in events}, failed)
	return meeting


def _log_row(event: Candidate) -> frappe._dict:
	"""What a `cmd:` function gets as `update_log`."""
	return frappe._dict(
		doctype=LOG,
		name=event.name,
		update_type=event.update_type,
		ref_doctype=event.ref_doctype,
		docname=event.docname,
		creation=event.creation,
	)


def _report_conditions(reader: Reader, evaluated: set[str], failed: dict[str, str]) -> None:
	"""Say on the consumer's form, in the Error Log and to the consumer which condition could not be evaluated."""
	for doctype in evaluated:
		row = reader.rows[doctype]
		error = failed.get(doctype, "")[:500]
		if error:
			reader.warnings.append(
				_("The condition for {0} failed on {1}: {2}").format(doctype, public_url(), error)
			)
		if error == (row.condition_error or ""):
			continue
		frappe.db.set_value(row.doctype, row.name, "condition_error", error or None, update_modified=False)
		if error:
			frappe.log_error(
				title=_("Condition of {0} for {1} failed").format(doctype, reader.consumer.name),
				message=f"{row.condition}\n\n{error}",
				reference_doctype=CONSUMER,
				reference_name=reader.consumer.name,
			)


def _history(reader: Reader, events: list[Candidate]) -> dict[Key, list[tuple[Candidate, bool]]]:
	"""The events of the documents that stand before the cursor, oldest first, and whether each was delivered."""
	history: dict[Key, list[tuple[Candidate, bool]]] = {}
	log, delivery = frappe.qb.DocType(LOG), frappe.qb.DocType(DELIVERIES)
	for doctype, names in _by_doctype([event.key for event in events]).items():
		query = (
			_select_candidates(log)
			.where((log.ref_doctype == doctype) & log.docname.isin(names))
			.where(
				(log.position > cint(reader.rows[doctype].from_position)) & (log.position <= reader.cursor)
			)
			.where(log.origin.isnull() | (log.origin != reader.consumer.name))
			.orderby(log.position)
		)
		old = _candidates(query)
		if not old:
			continue
		taken = (
			frappe.qb.from_(delivery)
			.select(delivery.parent)
			.where((delivery.consumer == reader.consumer.name) & (delivery.parenttype == LOG))
			.where(delivery.parent.isin([event.name for event in old]))
			.where(delivery.at_position <= reader.cursor)
		)
		delivered = {name for (name,) in taken.run()}
		for event in old:
			history.setdefault(event.key, []).append((event, event.name in delivered))
	return history


# ---------------------------------------------------------------- deliveries


def _forget_undelivered(reader: Reader) -> None:
	"""The consumer says how far it is: what was sent beyond has not arrived."""
	delivery = frappe.qb.DocType(DELIVERIES)
	beyond = (delivery.consumer == reader.consumer.name) & (delivery.at_position > reader.cursor)
	# looked for first: a delete that finds nothing would still lock the gap
	if frappe.qb.from_(delivery).select(delivery.name).where(beyond).limit(1).run():
		frappe.qb.from_(delivery).delete().where(beyond).run()


def _record_deliveries(reader: Reader, events: list[Candidate]) -> None:
	if not events:
		return
	now, user = now_datetime(), frappe.session.user
	columns = (
		"name",
		"creation",
		"modified",
		"owner",
		"modified_by",
		"docstatus",
		"idx",
		"parent",
		"parenttype",
		"parentfield",
		"consumer",
		"at_position",
	)
	rows = [
		(
			frappe.generate_hash(length=10),
			now,
			now,
			user,
			user,
			0,
			1,
			event.name,
			LOG,
			"consumers",
			reader.consumer.name,
			event.at_position,
		)
		for event in events
	]
	frappe.db.bulk_insert(DELIVERIES, list(columns), rows)


# ---------------------------------------------------------------- on the wire


def _on_the_wire(events: list[Candidate]) -> list[Event]:
	here = public_url()
	roots = _roots([event.key for event in events])
	return [
		{
			"id": event.name,
			"position": event.position,
			"at_position": event.at_position,
			"update_type": event.update_type,
			"ref_doctype": event.ref_doctype,
			"docname": event.docname,
			"data": event.data,
			"data_before": event.data_before,
			"creation": str(event.creation),
			"modified_by": event.owner,
			"origin": event.origin or here,
			"root": roots.get(event.key),
		}
		for event in events
	]


def _roots(keys: list[Key]) -> dict[Key, Root]:
	"""Where documents that came here from elsewhere were first made; renamed ones are known by the name they have now."""
	roots: dict[Key, Root] = {}
	for doctype, names in _by_doctype(keys).items():
		roots.update(_known_roots(doctype, {name: name for name in names}))
		rest = [name for name in names if (doctype, name) not in roots]
		roots.update(_known_roots(doctype, _names_now(doctype, rest)))
	return roots


def _known_roots(doctype: str, names_now: dict[str, str]) -> dict[Key, Root]:
	"""For each name that has a root, looked up under the name that stands beside it: one query."""
	found = identity.find_for_local(doctype, set(names_now.values())) if names_now else {}
	roots: dict[Key, Root] = {}
	for name, now in names_now.items():
		for known in found.get(now, []):
			if known.root_site and known.root_name:
				root_doctype = known.root_doctype or doctype
				roots[doctype, name] = {
					"site": known.root_site,
					"doctype": root_doctype,
					"name": known.root_name,
				}
				break
	return roots


def _by_doctype(keys: list[Key]) -> dict[str, list[str]]:
	grouped: dict[str, dict[str, None]] = {}
	for doctype, name in keys:
		grouped.setdefault(doctype, {})[name] = None
	return {doctype: list(names) for doctype, names in grouped.items()}


# ---------------------------------------------------------------- documents


def _asked_for(documents: str | list) -> list[Key]:
	asked = _parsed_list(documents)
	if len(asked) > MOST_DOCUMENTS:
		frappe.throw(_("Not more than {0} documents can be asked for at once.").format(MOST_DOCUMENTS))
	keys = []
	for entry in asked:
		if (
			not isinstance(entry, list | tuple)
			or len(entry) != 2
			or not all(isinstance(part, str) for part in entry)
		):
			frappe.throw(_("Documents are asked for as a list of [DocType, name]."))
		keys.append((entry[0], entry[1]))
	return keys


def _parsed_list(value: str | list) -> list:
	if isinstance(value, str):
		try:
			value = json.loads(value)
		except ValueError:
			value = None
	if not isinstance(value, list):
		frappe.throw(_("A JSON list is expected here."))
	return value


def _may_be_fetched(doctype: str) -> bool:
	if doctype == "User":
		return True
	if is_system(doctype) or not frappe.db.exists("DocType", doctype):
		return False
	meta = frappe.get_meta(doctype)
	return not meta.istable and not meta.get("is_virtual") and meta.module != "Event Streaming"


def _fetch(doctype: str, names: list[str], missing: list[list[str]]) -> list[dict[str, Any]]:
	permitted = permitted_names(doctype, names)
	if unread := [name for name in names if name not in permitted]:
		exist = existing_names(doctype, unread)
		missing.extend([doctype, name, "not permitted" if name in exist else "not found"] for name in unread)
	roots = _roots([(doctype, name) for name in permitted])
	found = []
	for name, doc in load_documents(doctype, permitted).items():
		data = snapshot(doc)
		if doctype == "User":
			data = {"doctype": doctype, **{fieldname: data.get(fieldname) for fieldname in USER_FIELDS}}
		found.append({"doctype": doctype, "name": name, "data": data, "root": roots.get((doctype, name))})
	return found


# ---------------------------------------------------------------- the old format


def _position_of_time(last_update: Any) -> int:
	"""The position up to which an old consumer is, from the time that it was given with its last event."""
	try:
		moment = get_datetime(cstr(last_update).strip()) if last_update else None
	except Exception:
		moment = None
	if moment is None:
		frappe.throw(
			_(
				"last_update is not a date and time: {0}. Give the creation of the last event that was taken."
			).format(cstr(last_update)[:40] or _("empty"))
		)
	return position_at(moment)


def _in_old_format(events: list[Candidate]) -> list[dict[str, Any]]:
	times = {event.position: event.sequenced_on for event in events if event.at_position == event.position}
	answer = []
	for index, event in enumerate(events):
		if event.at_position == event.position:
			moment = event.sequenced_on
		else:
			# brought forward: its time must not be after the event that it comes before
			moment = events[index - 1].sequenced_on if index else event.sequenced_on
			moment = min(moment, times.get(event.at_position, moment))
		for update_type, docname, data in _old_words(event):
			answer.append(
				{
					"update_type": update_type,
					"ref_doctype": event.ref_doctype,
					"docname": docname,
					"data": data,
					"name": event.name,
					"creation": str(moment),
				}
			)
	return answer


def _old_words(event: Candidate) -> list[tuple[str, str, str | None]]:
	if event.update_type != RENAME:
		return [(event.update_type, event.docname, event.data)]
	rename = json.loads(event.data or "{}")
	if rename.get("merge"):
		return []
	words: list[tuple[str, str, str | None]] = [(DELETE, event.docname, None)]
	new_name = rename.get("new_name")
	if doc := load_documents(event.ref_doctype, [new_name]).get(new_name):
		words.append((CREATE, new_name, dump(snapshot(doc))))
	return words
