"""How events of one producer are to be applied here: the rows of an Event Producer as plain data.

It decides nothing about delivery; what is sent is the producer's decision.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import frappe
from frappe.utils import cint, get_datetime

from event_streaming.adapters.doctypes import fields_decided_here
from event_streaming.consumer.conflict_rules.policies import PRODUCER_WINS, policies_in
from event_streaming.wire.left_out import masks_in, names_in
from event_streaming.wire.pages import KEEP
from event_streaming.wire.wishes.priorities import NORMAL

CHILD_TABLE = "Child Table"
MOST_FIELDS = 500


@dataclass(frozen=True)
class Subscription:
	"""One row of an Event Producer. `remote_doctype` is what the producer calls it."""

	remote_doctype: str
	local_doctype: str
	use_same_name: bool
	mapping: str | None
	status: str
	unsubscribed: bool
	condition: str | None
	conflict_policy: str = PRODUCER_WINS
	when_condition_ends: str = KEEP
	# documents of the producer's name that were here before this moment are the producer's: the older app's rule
	same_names_until: datetime | None = None
	# never taken over from the producer: "field", "table.field", "table"
	fields_this_site_decides: tuple[str, ...] = ()
	# what the producer is asked not to send of these, as it calls it
	not_wanted: tuple[str, ...] = ()
	# what the producer says that it does not send, as it calls it
	not_sent: tuple[str, ...] = ()
	# fields whose values say which documents of both sites are the same; "name" among them
	match_by: tuple[str, ...] = ()
	no_notifications: bool = False
	# what was changed with it in one transaction of the producer is applied with it or not at all
	together: bool = False
	# each event is applied by itself, also where several could be applied as one
	one_by_one: bool = False
	# whether its events come before or after those of other rows
	priority: str = NORMAL
	# numbers that both sites count in: "field", "table.field"
	add_up: tuple[str, ...] = ()
	# (field, policy) of those that are settled in another way than by `conflict_policy`
	field_policies: tuple[tuple[str, str], ...] = ()

	@property
	def left_to_this_site(self) -> tuple[str, ...]:
		"""Local fields of which the producer says nothing: with a mapping, these are all that a difference does not name."""
		return (
			self.fields_this_site_decides
			if self.mapping
			else (*self.fields_this_site_decides, *self.not_sent)
		)

	@property
	def not_compared(self) -> tuple[str, ...]:
		"""Local fields in which the two sites may differ for good."""
		return (*self.left_to_this_site, *self.add_up)

	@property
	def active(self) -> bool:
		return self.status == "Approved" and not self.unsubscribed


def subscriptions_of(event_producer) -> dict[str, Subscription]:
	"""Remote DocType -> how it is applied, for an Event Producer document. One query for all mappings."""
	mappings = [row.mapping for row in event_producer.producer_doctypes if row.has_mapping and row.mapping]
	targets = {}
	if mappings:
		targets = {
			mapping.name: mapping
			for mapping in frappe.get_all(
				"Document Type Mapping",
				filters={"name": ["in", mappings]},
				fields=["name", "local_doctype", "remote_doctype"],
			)
		}
	found, hidden = {}, hidden_from(event_producer.name)
	for row in event_producer.producer_doctypes:
		mapping = targets.get(row.mapping) if row.has_mapping else None
		local = mapping.local_doctype if mapping else row.ref_doctype
		remote = mapping.remote_doctype if mapping else row.ref_doctype
		decided, match_by = decided_here(row.fields_this_site_decides, local), names_in(row.match_by)
		found[remote] = Subscription(
			remote_doctype=remote,
			local_doctype=local,
			use_same_name=bool(cint(row.use_same_name)),
			mapping=mapping.name if mapping else None,
			status=row.status or "Pending",
			unsubscribed=bool(cint(row.unsubscribe)),
			condition=(row.condition or "").strip() or None,
			conflict_policy=row.conflict_policy or PRODUCER_WINS,
			when_condition_ends=row.when_condition_ends or KEEP,
			same_names_until=get_datetime(row.same_names_until) if row.same_names_until else None,
			# what that site does not get from here is not what it could give back
			fields_this_site_decides=tuple(dict.fromkeys((*decided, *hidden.get(local, ())))),
			not_wanted=not_wanted(decided, match_by, mapping and mapping.name)
			if cint(row.do_not_send)
			else (),
			not_sent=names_in(row.not_sent),
			match_by=match_by,
			no_notifications=bool(cint(row.no_notifications)),
			together=bool(cint(row.together)),
			one_by_one=bool(cint(row.one_by_one)),
			priority=row.get("priority") or NORMAL,
			add_up=names_in(row.add_up),
			field_policies=tuple(policies_in(row.field_policies).items()),
		)
	return found


def decided_here(text: str | None, doctype: str) -> tuple[str, ...]:
	"""What a person has named, and what an adapter knows each site to decide."""
	return tuple(dict.fromkeys((*names_in(text), *fields_decided_here(doctype))))


def hidden_from(event_consumer: str) -> dict[str, tuple[str, ...]]:
	"""DocType -> the fields that this site, as a producer, does not send or masks for the other site: one query."""
	rows = frappe.get_all(
		"Event Consumer Document Type",
		filters={"parent": event_consumer, "parenttype": "Event Consumer"},
		fields=["ref_doctype", "fields_not_sent", "fields_masked"],
	)
	return {
		row.ref_doctype: (*names_in(row.fields_not_sent), *masks_in(row.fields_masked))
		for row in rows
		if row.fields_not_sent or row.fields_masked
	}


def doctypes_given(event_consumer: str | None, doctypes: set[str]) -> set[str]:
	"""Those of the DocTypes that this site streams itself, to one site or to any."""
	filters = {"status": "Approved", "ref_doctype": ["in", sorted(doctypes)]}
	if event_consumer:
		filters["parent"] = event_consumer
	return set(frappe.get_all("Event Consumer Document Type", filters=filters, pluck="ref_doctype"))


# ---- fields that this site decides, as the producer calls them: what it is asked not to send


def not_wanted(decided: Collection[str], match_by: Collection[str], mapping: str | None) -> tuple[str, ...]:
	"""The remote names of the fields, without those whose values this site needs for something else; in one order."""
	wanted = [name for name in decided if name not in match_by]
	names = _remote_names(mapping, wanted) if mapping else set(wanted)
	return tuple(sorted(names)[:MOST_FIELDS])


def _remote_names(mapping: str, decided: list[str]) -> set[str]:
	found, whole = set(), {name for name in decided if "." not in name}
	rows = _rows(mapping)
	found |= _only_for(rows, whole)
	for table in rows:
		if table.mapping_type != CHILD_TABLE or table.local_fieldname in whole or not table.mapping:
			continue
		prefix = f"{table.local_fieldname}."
		names = {name.removeprefix(prefix) for name in decided if name.startswith(prefix)}
		if names:
			found |= {f"{table.remote_fieldname}.{name}" for name in _only_for(_rows(table.mapping), names)}
	return found


def _only_for(rows: list[Any], decided: set[str]) -> set[str]:
	"""Remote fields that are taken over into these local ones alone, and that no filter may name."""
	filters = " ".join(row.remote_value_filters or "" for row in rows)
	others = {row.remote_fieldname for row in rows if row.local_fieldname not in decided}
	return {
		row.remote_fieldname
		for row in rows
		if row.remote_fieldname
		and row.local_fieldname in decided
		and row.remote_fieldname not in others
		and row.remote_fieldname not in filters
	}


def _rows(mapping: str) -> list[Any]:
	return frappe.get_all(
		"Document Type Field Mapping",
		filters={"parent": mapping, "parenttype": "Document Type Mapping"},
		fields=["local_fieldname", "remote_fieldname", "mapping_type", "mapping", "remote_value_filters"],
	)
