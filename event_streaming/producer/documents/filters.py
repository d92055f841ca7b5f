"""Filters by which a consumer narrows down what it copies, counts, matches or compares. They find nothing by what is hidden from it."""

import json
from typing import Any

import frappe

from event_streaming.messages.coded import _
from event_streaming.producer.subscriptions.hidden import is_secret, tables_of
from event_streaming.producer.subscriptions.reader import Reader
from event_streaming.site.address import public_url


def wanted_conditions(reader: Reader, doctype: str, filters: Any) -> list[list]:
	"""Filters as `as_conditions` has them. Where anything is hidden from the consumer, they may name plain fields that are sent only."""
	wanted = as_conditions(doctype, filters)
	for condition in wanted:
		_refuse_unknown(doctype, condition)
	if any(hidden.secret for hidden in reader.hidden.values()):
		for condition in wanted:
			_refuse_hidden(reader, doctype, condition)
	return wanted


def _refuse_unknown(doctype: str, condition: list) -> None:
	"""Frappe would call a field that there is not a missing permission, and the consumer look for what is wrong with its keys."""
	asked, name = condition[0], condition[1]
	if asked != doctype or not isinstance(name, str) or not name.isidentifier():
		return
	if name not in _columns(doctype):
		frappe.throw(
			_("The filter is wrong: {0} on {1} has no field {2}.").format(doctype, public_url(), name[:140])
		)


def _refuse_hidden(reader: Reader, doctype: str, condition: list) -> None:
	"""Frappe knows ways to write a field that lead elsewhere (into linked documents, other tables, functions): these go nowhere."""
	asked, name = condition[0], condition[1]
	hidden = reader.hidden.get(doctype)
	if isinstance(asked, str) and isinstance(name, str) and len(condition) == 4:
		if asked == doctype:
			allowed = name in _columns(doctype) and not is_secret(hidden, name)
		else:
			tables = tables_of(doctype, asked)
			allowed = bool(tables) and name in _columns(asked)
			allowed = allowed and not any(is_secret(hidden, name, table) for table in tables)
		if allowed:
			return
	frappe.throw(
		_("A filter on {0} names a field that can't be filtered by here, or that is not sent: {1}").format(
			doctype, frappe.utils.escape_html(str(name)[:140])
		)
	)


def _columns(doctype: str) -> set[str]:
	return set(frappe.get_meta(doctype).get_valid_columns())


def as_conditions(doctype: str, filters: Any) -> list[list]:
	"""Filters as Frappe takes them, {"field": value} or [[…], …], as a list of [DocType, field, operator, value]."""
	if isinstance(filters, str):
		try:
			filters = json.loads(filters) if filters.strip() else None
		except ValueError:
			filters = False
	if filters is None or filters == {} or filters == []:
		return []
	if isinstance(filters, dict):
		return [
			[doctype, key, *(value if is_operation(value) else ["=", value])]
			for key, value in filters.items()
		]
	if isinstance(filters, list) and all(isinstance(each, list) and len(each) in (3, 4) for each in filters):
		return [[doctype, *each] if len(each) == 3 else list(each) for each in filters]
	frappe.throw(
		_("Filters are JSON such as {0} or {1}.").format(
			'{"status": "Open"}', '[["creation", ">", "2026-01-01"]]'
		)
	)


def is_operation(value: Any) -> bool:
	return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
