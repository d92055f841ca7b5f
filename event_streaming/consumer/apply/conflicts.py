"""Both sites changed the same field of a document: finds it, and settles it by the policy of the subscription.

A change says what its fields held before. A local field that holds neither that nor the new value was changed here in the
meantime; clocks play no part in finding that out. Numbers that are added up are in no conflict: they become sums, see
`conflict_rules/adding.py`. It reads the loaded document and changes only the difference that is about to be applied.
"""

from collections.abc import Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from frappe.model.document import Document
from frappe.utils import cint, escape_html, get_datetime

from event_streaming.adapters.calls import decision_of
from event_streaming.consumer.apply.two_way import is_root_here, tells_back
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.conflict_rules.adding import NotANumber, added_up
from event_streaming.consumer.conflict_rules.policies import ASK, CONSUMER_WINS, NEWEST_WINS, policy_for
from event_streaming.consumer.folding.runs import is_several
from event_streaming.consumer.life_cycle.fields import is_stored, same_value
from event_streaming.consumer.life_cycle.kept_values import Place
from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.mapping.before import map_before
from event_streaming.consumer.mapping.records import Places
from event_streaming.consumer.resolve.about import About
from event_streaming.exceptions import CannotApply, ConflictToSettle, NotAsOne
from event_streaming.messages.coded import _
from event_streaming.wire.difference import STAMPS
from event_streaming.wire.events import Event, parse_data
from event_streaming.wire.left_out import change_without

HERE, THERE = "here", "there"


@dataclass
class Settler:
	"""Settles one event against the local document; `conflicts` has what was found, both values and the one kept."""

	event: Event
	about: About
	work: Work
	conflicts: list[dict[str, Any]] = field(default_factory=list)
	# both sites have changed the document, be it different fields
	met: bool = False
	# and there is more to it than a time stamp
	to_agree_on: bool = False
	# what the mapping says about the links of what was before
	places: Places | None = None
	# the fields whose numbers were added up: "field", "table.field"
	added: tuple[str, ...] = ()
	# what a controller has computed on both sites, and computes anew from what both have changed
	computed: set[Place] = field(default_factory=set)

	def __call__(self, doc: Document, change: dict) -> dict:
		"""The difference that is to be applied. Raises ConflictToSettle when a person is to decide and has not yet."""
		before = self.values_before(doc)
		change = self.add_up(doc, change, before)
		then = (before.get("changed") or {}).get("modified")
		if not then or get_datetime(then) == get_datetime(doc.modified):
			# the document is as it was left by the last change from there
			return change
		if is_several(self.event):
			# each of them meets what this site has by itself
			raise NotAsOne()
		self.met = True
		self.to_agree_on = not is_stamps_alone(change)
		counted, before = change_without(change, self.added), self.with_local_names(doc, before)
		if tells_back(doc.doctype, self.work):
			# of a producer that hears nothing of it, the values stay as they came
			self.computed = computed_places(doc, counted, before)
		self.conflicts = find_conflicts(doc, counted, before)
		change = deepcopy(change)
		if self.conflicts:
			self.decide(doc, change)
			for conflict in self.conflicts:
				if conflict["kept"] == HERE:
					take_out(change, conflict)
		keep_later_stamp(doc, change)
		return change

	def add_up(self, doc: Document, change: dict, before: dict) -> dict:
		"""The difference with the sums of numbers that both sites count in. Raises CannotApply when one is no number."""
		try:
			change, self.added = added_up(change, before, doc, self.about.subscription.add_up)
		except NotANumber as error:
			raise CannotApply(
				_("{0} is added up, and what came for it is no number.").format(escape_html(str(error)))
			) from None
		return change

	def values_before(self, doc: Document) -> dict:
		"""What the fields held before, in this site's terms; {} when the producer did not say."""
		before, places = parse_data(self.event, "data_before"), None
		if before and self.about.subscription.mapping:
			mapping = self.work.dependencies.mappings.get(self.about.subscription.mapping)
			stamps = {key: (before.get("changed") or {}).get(key) for key in ("modified", "modified_by")}
			mapped = map_before(mapping, before)
			before, places = (mapped.change, mapped.places) if mapped else ({}, None)
			before["changed"] = {**(before.get("changed") or {}), **stamps}
		before = self.work.files.localise_before(doc.doctype, before, self.about.key)
		self.places = places
		return convert_times(doc.doctype, before, self.work.time_zone)

	def with_local_names(self, doc: Document, before: dict) -> dict:
		"""What the fields held before, with the names that the documents have here: translated as those that came are."""
		dependencies = self.work.dependencies
		current = doc.as_dict() if dependencies.site.needs_current(doc.doctype, before) else None
		needs = dependencies.needs_of_change(doc.doctype, before, current, self.places)
		dependencies.look_up_here(needs)
		return dependencies.names_here(before, needs)

	def decide(self, doc: Document, change: dict) -> None:
		"""Write into each conflict which value is kept."""
		for conflict in self.conflicts:
			conflict["kept"] = decision_of(doc, conflict, change) or ""
		open_ones = [conflict for conflict in self.conflicts if not conflict["kept"]]
		if not open_ones:
			return
		subscription, decision = self.about.subscription, self.work.decision or {}
		policies = dict(subscription.field_policies)
		for conflict in open_ones:
			policy = policy_for(
				conflict["table"], conflict["fieldname"], policies, subscription.conflict_policy
			)
			conflict["policy"] = policy
			if policy != ASK:
				conflict["kept"] = self.winner(policy, doc, change)
			elif conflict["key"] in decision:
				conflict["kept"] = HERE if decision[conflict["key"]] == HERE else THERE
		asked = [conflict for conflict in self.conflicts if not conflict["kept"]]
		if asked:
			# what the others' policies say, they say when a person has picked
			raise ConflictToSettle(self.question(doc, asked), asked)

	def winner(self, policy: str, doc: Document, change: dict) -> str:
		"""The side that is right. Both sites of a two-way subscription come to the same answer."""
		root_side = self.root_side()
		if policy == NEWEST_WINS:
			there = get_datetime((change.get("changed") or {}).get("modified") or doc.modified)
			here = get_datetime(doc.modified)
			return root_side if there == here else THERE if there > here else HERE
		if policy == CONSUMER_WINS:
			return HERE if root_side == THERE else THERE
		return root_side

	def root_side(self) -> str:
		"""The side where the document was first made: it is the producer of the document, whoever sends the change."""
		return HERE if is_root_here(self.about, self.work) else THERE

	def question(self, doc: Document, asked: list[dict[str, Any]]) -> str:
		names = ", ".join(conflict["label"] for conflict in asked)
		return _("{0} {1} was changed on both sites: {2}. Open this log and pick the values to keep.").format(
			_(doc.doctype), doc.name, names
		)

	def came_out(self, doc: Document) -> None:
		"""The document is written: what was computed anew is neither site's value, and no conflict."""
		self.conflicts = [each for each in self.conflicts if not self.is_computed(doc, each)]

	def is_computed(self, doc: Document, conflict: dict[str, Any]) -> bool:
		place = (conflict["table"], conflict["row"], conflict["fieldname"])
		if place not in self.computed:
			return False
		rows = doc.get(conflict["table"]) if conflict["table"] else [doc]
		each = next((row for row in rows or [] if not conflict["table"] or row.name == conflict["row"]), None)
		if each is None:
			return True
		fieldtype = each.meta.get_field(conflict["fieldname"]).fieldtype
		return not same_value(fieldtype, each.get(conflict["fieldname"]), conflict[conflict["kept"]])

	def told(self, done: str) -> str:
		"""What was done, for Event Sync Log."""
		if self.added:
			done = _("{0}. Added up: {1}").format(done, ", ".join(self.added))
		by_policy: dict[str, list[str]] = {}
		for conflict in self.conflicts:
			policy = conflict.get("policy") or self.about.subscription.conflict_policy
			by_policy.setdefault(policy, []).append(conflict["label"])
		for policy, labels in by_policy.items():
			names = ", ".join(labels)
			if policy == ASK:
				done = _("{0}. Both sites had changed {1}; a person has picked the values").format(
					done, names
				)
			else:
				done = _("{0}. Both sites had changed {1}; settled by {2}").format(done, names, _(policy))
		return done


def find_conflicts(doc: Document, change: dict, before: dict) -> list[dict[str, Any]]:
	"""The fields, and fields of rows, that hold neither the value of before nor the new one."""
	return [
		conflict_in(each, df, old, value, table)
		for each, df, old, value, table in changed_on_both(doc, change, before)
		if not same_value(df.fieldtype, each.get(df.fieldname), value)
	]


def computed_places(doc: Document, change: dict, before: dict) -> set[Place]:
	"""Where a controller may have computed something on both sites, from what each of them had: no person types into these fields."""
	return {
		(table, each.name if table else "", df.fieldname)
		for each, df, _old, _value, table in changed_on_both(doc, change, before)
		if cint(df.read_only)
	}


def changed_on_both(
	doc: Document, change: dict, before: dict
) -> Iterator[tuple[Document, Any, Any, Any, str]]:
	"""(document or row, field, value of before, new value, table) of what a difference sets and what does not hold the value of before."""
	for each, new, was, table in parts_of(doc, change, before):
		for fieldname, value in new.items():
			df = each.meta.get_field(fieldname)
			if not df or not is_stored(df) or fieldname not in was:
				continue
			if not same_value(df.fieldtype, each.get(fieldname), was[fieldname]):
				yield each, df, was[fieldname], value, table


def parts_of(doc: Document, change: dict, before: dict) -> Iterator[tuple[Document, dict, dict, str]]:
	"""The document, and those of its rows that have changed, each with its new values and those of before."""
	yield doc, change.get("changed") or {}, before.get("changed") or {}, ""
	for table, rows in (change.get("row_changed") or {}).items():
		was = {row.get("name"): row for row in (before.get("row_changed") or {}).get(table) or []}
		here = {row.name: row for row in (doc.get(table) or [])} if doc.meta.get_field(table) else {}
		for row in rows:
			name = row.get("name")
			if name in here and name in was:
				yield here[name], row, was[name], table


def replaced(before: Document, now: Document, change: dict) -> list[dict[str, Any]]:
	"""What a document held that it does not hold any more, in fields and rows, but for what the producer's `change` itself says."""
	found = differing(before, now, change.get("changed") or {})
	for df in before.meta.get_table_fields():
		said = {row.get("name"): row for row in (change.get("row_changed") or {}).get(df.fieldname) or []}
		removed = set((change.get("removed") or {}).get(df.fieldname) or [])
		rows = {row.name: row for row in now.get(df.fieldname) or []}
		for row in before.get(df.fieldname) or []:
			if row.name not in removed:
				found += differing(row, rows.get(row.name), said.get(row.name, {}), df.fieldname)
	return found


def differing(
	before: Document, now: Document | None, said: Collection[str], table: str = ""
) -> list[dict[str, Any]]:
	"""The fields that hold something else, but for those that no person types into; of a row that is gone, those that held something."""
	return [
		conflict_in(before, df, None, now and now.get(df.fieldname), table, THERE)
		for df in before.meta.fields
		if is_stored(df)
		and not cint(df.read_only)
		and df.fieldname not in said
		and not same_value(df.fieldtype, before.get(df.fieldname), now and now.get(df.fieldname))
	]


def conflict_in(doc: Document, df: Any, old: Any, value: Any, table: str, kept: str = "") -> dict[str, Any]:
	"""A field that both sites have changed, as Event Sync Log has it."""
	return {
		"key": f"{table}.{doc.name}.{df.fieldname}" if table else df.fieldname,
		"label": f"{_(df.label)} ({table} {doc.idx})" if table else _(df.label or df.fieldname),
		"table": table,
		"row": doc.name if table else "",
		"fieldname": df.fieldname,
		"before": plain(old),
		"here": plain(doc.get(df.fieldname)),
		"there": plain(value),
		"kept": kept,
	}


def plain(value: Any) -> Any:
	return value if isinstance(value, str | int | float) or value is None else str(value)


def take_out(change: dict, conflict: dict) -> None:
	"""The local value stays: the difference no longer mentions the field."""
	if not conflict["table"]:
		change["changed"].pop(conflict["fieldname"], None)
		return
	for row in change["row_changed"][conflict["table"]]:
		if row.get("name") == conflict["row"]:
			row.pop(conflict["fieldname"], None)


def is_stamps_alone(change: dict) -> bool:
	"""Whether a difference sets time stamps, and nothing else."""
	return change.keys() <= {"changed"} and (change.get("changed") or {}).keys() <= set(STAMPS)


def keep_later_stamp(doc: Document, change: dict) -> None:
	"""Where two changes meet the later stamp stays, so that both sites end with the same one."""
	changed = change.get("changed") or {}
	if changed.get("modified") and get_datetime(changed["modified"]) < get_datetime(doc.modified):
		changed["modified"], changed["modified_by"] = doc.modified, doc.modified_by
