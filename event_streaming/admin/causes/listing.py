"""The causes of what has failed on this site, as a person reads them: what, how often, since when, an example, the remedy.

A fixed number of queries, however many events have failed. It asks no other site and changes nothing.
"""

from datetime import datetime
from typing import Any, TypedDict

import frappe

from event_streaming.admin.causes.progress import Progress, progress_of
from event_streaming.admin.causes.remedies import CONFLICT, NAME_TAKEN, remedy_of
from event_streaming.consumer.logs import open_causes
from event_streaming.consumer.logs.causes import KIND, VALUE_NOT_IN_MAP, missing_pair
from event_streaming.consumer.logs.open_causes import MOST_COUNTED, OpenCause
from event_streaming.consumer.logs.sync_log import FAILED, RETRYING
from event_streaming.messages.coded import _

RETRY, SKIP, ADOPT, ADD_TO_VALUE_MAP = "retry", "skip", "adopt", "add_to_value_map"
# events of a cause that are looked through for values without an entry, and values that are shown
MOST_ERRORS, MOST_VALUES = 1_000, 200
LONGEST_EXAMPLE = 500


class Example(TypedDict):
	"""One event of a cause."""

	log: str
	document: str
	text: str


class Cause(TypedDict):
	"""One cause. `count` stops at MOST_COUNTED of the whole site; times are those at which its events came in."""

	cause: str
	kind: str
	title: str
	problem: str
	doctype: str
	field: str
	count: int
	statuses: dict[str, int]
	producers: list[str]
	first: datetime
	last: datetime
	example: Example
	remedy: str
	actions: list[str]
	under_way: Progress | None


class Value(TypedDict):
	"""A value of the producer's that lacks an entry, and how many events of the cause hold it."""

	value: str
	count: int


def open_causes_of(event_producer: str | None = None) -> list[Cause]:
	"""The causes of everything that has failed, is tried again or is in conflict; of one producer if named."""
	known = frappe.get_all(
		"Event Producer", {"name": event_producer} if event_producer else None, pluck="name"
	)
	groups = open_causes.grouped(known)
	rows = open_causes.examples([number for group in groups for number in (group.first, group.last)])
	return [
		_cause(group, rows[group.last], rows.get(group.first) or rows[group.last])
		for group in groups
		if group.last in rows
	]


def cause_named(key: str) -> Cause:
	"""One of them. Raises frappe.DoesNotExistError when nothing is open for it (any more)."""
	for each in open_causes_of():
		if each["cause"] == key:
			return each
	frappe.throw(_("Nothing is open for this cause any more."), frappe.DoesNotExistError)


def counted_all(causes: list[Cause]) -> bool:
	"""Whether all open events were counted."""
	return sum(each["count"] for each in causes) < MOST_COUNTED


def values_without_entry(key: str) -> dict[str, Any]:
	"""{"value_map", "values"}: the values of a cause's events that their value map lacks, most frequent first."""
	found: dict[str, int] = {}
	value_map = ""
	for error in open_causes.errors_of(key, MOST_ERRORS):
		if pair := missing_pair(error):
			value_map = pair.value_map
			found[pair.value] = found.get(pair.value, 0) + 1
	values = sorted(found.items(), key=lambda each: (-each[1], each[0]))[:MOST_VALUES]
	return {"value_map": value_map, "values": [Value(value=value, count=count) for value, count in values]}


def _cause(group: OpenCause, newest: dict, oldest: dict) -> Cause:
	kind = (KIND.match(newest["problem"] or "") or [""])[0].strip(": ")
	remedy = remedy_of(kind)
	return {
		"cause": group.cause,
		"kind": kind,
		"title": remedy.title,
		"problem": newest["problem"] or "",
		"doctype": newest["ref_doctype"] or newest["remote_doctype"] or "",
		"field": newest["problem_field"] or "",
		"count": group.count,
		"statuses": group.statuses,
		"producers": list(group.producers),
		"first": oldest["creation"],
		"last": newest["creation"],
		"example": {
			"log": str(newest["name"]),
			"document": newest["producer_doc"] or "",
			"text": (newest["error"] or "").strip().split("\n")[0][:LONGEST_EXAMPLE],
		},
		"remedy": remedy.text,
		"actions": actions_of(kind, group.statuses),
		"under_way": progress_of(group.cause),
	}


def actions_of(kind: str, statuses: dict[str, int]) -> list[str]:
	"""What can be done with all events of a cause at once; what mends it comes first."""
	actions = []
	if kind == NAME_TAKEN and statuses.get(FAILED):
		actions.append(ADOPT)
	if kind == VALUE_NOT_IN_MAP:
		actions.append(ADD_TO_VALUE_MAP)
	if kind != CONFLICT and (statuses.get(FAILED) or statuses.get(RETRYING)):
		actions.append(RETRY)
	return [*actions, SKIP]
