"""Whom to tell: which of the consumers have something to pull. The log is read once for all of them, not once for each.

A condition that can be looked up is asked by an index: what a document was and is finds the consumers that it is for. Any other
counts as met, and so does what can't be known; the page decides. Whoever is overlooked asks within a minute. It writes nothing.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import frappe
from frappe.utils import cint, create_batch

from event_streaming.producer.subscriptions import conditions
from event_streaming.producer.subscriptions.lookups import Index, Lookup, lookup_of
from event_streaming.producer.subscriptions.streamed import APPROVED, CONSUMER, ROWS, streamed_version
from event_streaming.wire.events import DELETE, RENAME, UPDATE

LOG, DELIVERIES, GIVEN = "Event Update Log", "Event Update Log Consumer", "Event Given Document"
# so many of the newest positions are read for all; who is further behind is asked for by itself
WINDOW = 500
NAMES_AT_ONCE = 100


@dataclass
class Subscribed:
	"""Who is subscribed to a DocType, and after which position: `plain` gets all of it, or what is known by evaluating alone."""

	plain: dict[str, int] = field(default_factory=dict)
	looked_up: dict[str, int] = field(default_factory=dict)
	index: Index[str] = field(default_factory=Index)


# site -> the version of what is streamed that it was read with, and what was read
_memo: dict[str, tuple[str, dict[str, Subscribed]]] = {}


def with_something(positions: Mapping[str, int], head: int) -> list[str]:
	"""Those of the consumers (name -> position) for which the log may hold something, in their order."""
	if not positions:
		return []
	floor = max(min(positions.values()), head - WINDOW)
	far = {name for name, position in positions.items() if position < floor}
	subscribed = _subscribed()
	found = {name for name in far if _has_events(name, positions[name], subscribed)}
	near = {name: position for name, position in positions.items() if name not in far}
	found |= _newest_after(floor, near, subscribed).keys()
	return [name for name in positions if name in found]


def newest_for(positions: Mapping[str, int]) -> dict[str, int]:
	"""Consumer -> the newest position after its own of which it may want the event. Nobody is asked for alone: the log is read from the
	lowest of the positions on, which is for the caller to bound."""
	return _newest_after(min(positions.values()), positions, _subscribed()) if positions else {}


def _subscribed() -> dict[str, Subscribed]:
	"""DocType -> who is subscribed to it. Kept in the process for as long as nothing is decided, a minute at most."""
	site, version = frappe.local.site, streamed_version()
	if version and (memo := _memo.get(site)) and memo[0] == version:
		return memo[1]
	# what is read now has to be newer than the version: the open transaction may see what was before
	frappe.db.commit()
	found = _read_subscribed()
	if version:
		_memo[site] = (version, found)
	return found


def _read_subscribed() -> dict[str, Subscribed]:
	rows = frappe.qb.DocType(ROWS)
	query = (
		frappe.qb.from_(rows)
		.select(
			rows.parent,
			rows.ref_doctype,
			rows.from_position,
			rows.condition,
			rows.fields_not_sent,
			rows.fields_masked,
		)
		.where((rows.parenttype == CONSUMER) & (rows.status == APPROVED) & (rows.unsubscribed == 0))
	)
	found: dict[str, Subscribed] = {}
	lookups: dict[str, list[tuple[str, Lookup]]] = {}
	for consumer, doctype, from_position, condition, not_sent, masked in query.run():
		of = found.setdefault(doctype, Subscribed())
		# what is hidden from the consumer is hidden from its condition
		lookup = None if not_sent or masked else _lookup(condition, doctype)
		if lookup:
			of.looked_up[consumer] = cint(from_position)
			lookups.setdefault(doctype, []).append((consumer, lookup))
		else:
			of.plain[consumer] = cint(from_position)
	for doctype, some in lookups.items():
		found[doctype].index = Index(some)
	return found


def _lookup(condition: str | None, doctype: str) -> Lookup | None:
	if not (condition or "").strip() or not frappe.db.exists("DocType", doctype, cache=True):
		return None
	return lookup_of(condition) if conditions.columns_asked_for(condition, doctype) is not None else None


def _has_events(consumer: str, position: int, subscribed: Mapping[str, Subscribed]) -> bool:
	"""Of one that is further behind than is read for all."""
	after = {
		doctype: max(position, from_position)
		for doctype, of in subscribed.items()
		if (from_position := of.plain.get(consumer, of.looked_up.get(consumer))) is not None
	}
	if not after:
		return False
	log = frappe.qb.DocType(LOG)
	# in the order of positions, so that MariaDB goes by that index and not through all events of a DocType
	query = (
		frappe.qb.from_(log)
		.select(log.position)
		.where((log.position > min(after.values())) & log.ref_doctype.isin(list(after)))
		.where(log.origin.isnull() | (log.origin != consumer))
		.orderby(log.position)
		.limit(1)
	)
	return bool(query.run())


def _events_after(position: int, doctypes: Collection[str]) -> dict[str, list[Any]]:
	found: dict[str, list[Any]] = {}
	if not doctypes:
		return found
	log = frappe.qb.DocType(LOG)
	query = (
		frappe.qb.from_(log)
		.select(log.name, log.position, log.ref_doctype, log.docname, log.update_type, log.origin)
		.where((log.position > position) & log.ref_doctype.isin(list(doctypes)))
		.orderby(log.position)
	)
	for event in query.run(as_dict=True):
		found.setdefault(event.ref_doctype, []).append(event)
	return found


def _newest_after(
	floor: int, positions: Mapping[str, int], subscribed: Mapping[str, Subscribed]
) -> dict[str, int]:
	"""Consumer -> the newest position after `floor` and its own of which it may want the event."""
	newest: dict[str, int] = {}
	for doctype, events in _events_after(floor, list(subscribed)).items():
		for consumer, position in _found(doctype, subscribed[doctype], events, positions).items():
			newest[consumer] = max(position, newest.get(consumer, 0))
	return newest


def _found(
	doctype: str, subscribed: Subscribed, events: list[Any], positions: Mapping[str, int]
) -> dict[str, int]:
	"""The consumers for which any of the events of a DocType may be, of those at these positions; with the newest such."""
	newest, found = _newest(events), {}
	for consumer, after in subscribed.plain.items():
		if consumer in positions:
			position = max((position for origin, position in newest if origin != consumer), default=0)
			if position > max(positions[consumer], after):
				found[consumer] = position
	if subscribed.looked_up:
		found |= _looked_up(doctype, subscribed, events, positions)
	return found


def _newest(events: list[Any]) -> list[tuple[str, int]]:
	"""(origin, position of its last event) of the two origins that made the last ones: one of them is another's than a consumer."""
	last: dict[str, int] = {}
	for event in events:
		last[event.origin or ""] = event.position
	return sorted(last.items(), key=lambda each: -each[1])[:2]


def _looked_up(
	doctype: str, subscribed: Subscribed, events: list[Any], positions: Mapping[str, int]
) -> dict[str, int]:
	data = _data_of(events)
	names_now = {event.name: _name_now(event, data) for event in events}
	values = _values(doctype, set(names_now.values()), subscribed.index.fields)
	owners = _who_has(doctype, {event.docname for event in events if _may_end(event, names_now, values)})
	found: dict[str, int] = {}
	for event in events:
		now = values.get(names_now[event.name])
		those = set(owners.get(event.docname, ()))
		if now is not None:
			those |= subscribed.index.find(now)
			if before := _before(event, data):
				those |= subscribed.index.find({**now, **before})
		# the events are in the order of their positions
		found |= {
			name: event.position
			for name in those & positions.keys() & subscribed.looked_up.keys()
			if event.position > max(positions[name], subscribed.looked_up[name]) and event.origin != name
		}
	return found


def _may_end(event: Any, names_now: Mapping[int, str], values: Mapping[str, Any]) -> bool:
	"""Whether the event may be the end of what a consumer has, so that the values say nothing of who it is for."""
	return event.update_type in (DELETE, RENAME) or names_now[event.name] not in values


def _data_of(events: list[Any]) -> dict[int, tuple[dict, dict]]:
	names = [event.name for event in events if event.update_type in (UPDATE, RENAME)]
	log, found = frappe.qb.DocType(LOG), {}
	for some in create_batch(names, NAMES_AT_ONCE):
		query = frappe.qb.from_(log).select(log.name, log.data, log.data_before).where(log.name.isin(some))
		found.update({name: (_parsed(data), _parsed(before)) for name, data, before in query.run()})
	return found


def _parsed(text: str | None) -> dict:
	try:
		data = json.loads(text or "{}")
	except ValueError:
		return {}
	return data if isinstance(data, dict) else {}


def _name_now(event: Any, data: Mapping[int, tuple[dict, dict]]) -> str:
	new = data.get(event.name, ({}, {}))[0].get("new_name") if event.update_type == RENAME else None
	return str(new or event.docname)


def _before(event: Any, data: Mapping[int, tuple[dict, dict]]) -> dict[str, Any]:
	"""What the fields held that the event has changed."""
	changed = data.get(event.name, ({}, {}))[1].get("changed") if event.update_type == UPDATE else None
	return changed if isinstance(changed, dict) else {}


def _values(doctype: str, names: Collection[str], fields: Collection[str]) -> dict[str, dict[str, Any]]:
	"""What the conditions ask for of the documents that are there."""
	table, found = frappe.qb.DocType(doctype), {}
	columns = [table[column] for column in sorted({"name", *fields})]
	for some in create_batch(sorted(names), NAMES_AT_ONCE):
		for row in frappe.qb.from_(table).select(*columns).where(table.name.isin(some)).run(as_dict=True):
			found[str(row.name)] = row
	return found


def _who_has(doctype: str, names: Collection[str]) -> dict[str, set[str]]:
	"""Document -> the consumers that were sent anything of it, or that were given it."""
	found: dict[str, set[str]] = {}
	log, delivery, given = frappe.qb.DocType(LOG), frappe.qb.DocType(DELIVERIES), frappe.qb.DocType(GIVEN)
	for some in create_batch(sorted(names), NAMES_AT_ONCE):
		named = frappe.qb.from_(log).select(log.name, log.docname)
		documents = {
			str(name): docname
			for name, docname in named.where((log.ref_doctype == doctype) & log.docname.isin(some)).run()
		}
		for events in create_batch(list(documents), NAMES_AT_ONCE * 10):
			sent = frappe.qb.from_(delivery).select(delivery.parent, delivery.consumer)
			for event, consumer in sent.where(delivery.parent.isin(events)).run():
				found.setdefault(documents[event], set()).add(consumer)
		query = frappe.qb.from_(given).select(given.docname, given.consumer)
		for docname, consumer in query.where((given.ref_doctype == doctype) & given.docname.isin(some)).run():
			found.setdefault(docname, set()).add(consumer)
	return found
