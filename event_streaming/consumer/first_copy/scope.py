"""What long work is about: the DocTypes of a producer that are meant, and the filters of each, as plain data."""

import json
from collections.abc import Iterable
from typing import Any, NoReturn

import frappe

from event_streaming.consumer.subscriptions.subscription import Subscription, subscriptions_of
from event_streaming.messages.coded import _
from event_streaming.wire.wishes.priorities import PRIORITIES


def as_list(doctypes: str | Iterable[str] | None) -> list[str]:
	if isinstance(doctypes, str):
		doctypes = frappe.parse_json(doctypes) if doctypes.strip().startswith("[") else [doctypes]
	return [str(doctype) for doctype in doctypes or [] if doctype]


def wanted_subscriptions(doc, doctypes: list[str]) -> list[Subscription]:
	"""The subscriptions that are meant, by the DocType here or on the producer."""
	known = list(subscriptions_of(doc).values())
	if not doctypes:
		if wanted := [each for each in known if each.active]:
			return wanted
		frappe.throw(
			_("No Document Type of {0} is approved yet, so that there is nothing to do.").format(doc.name)
		)
	wanted = []
	for doctype in doctypes:
		found = [each for each in known if doctype in (each.local_doctype, each.remote_doctype)]
		if not found:
			frappe.throw(without_row(doc.name, doctype))
		for each in found:
			if not each.active:
				raise_left_alone(doctype)
			if each not in wanted:
				wanted.append(each)
	return wanted


def raise_left_alone(doctype: str) -> NoReturn:
	frappe.throw(left_alone(doctype))
	raise AssertionError


def why_left_alone(subscriptions: dict[str, Subscription], remote: str, event_producer: str) -> str:
	"""Why nothing is done for what the producer calls by this name: taken out, rejected or unsubscribed from; "" where it is."""
	if remote not in subscriptions:
		return without_row(event_producer, remote)
	return "" if subscriptions[remote].active else left_alone(remote)


def without_row(event_producer: str, doctype: str) -> str:
	return _("Event Producer {0} has no row for {1}.").format(event_producer, doctype)


def left_alone(doctype: str) -> str:
	return _(
		"{0} is skipped: it is not approved by the producer, or this site has unsubscribed from it."
	).format(doctype)


def scope_of(wanted: list[Subscription], filters: Any) -> dict[str, Any]:
	"""What a task is to do: the DocTypes as the producer calls them, those of higher priority first, and the filters of each."""
	if isinstance(filters, str):
		try:
			filters = json.loads(filters) if filters.strip() else None
		except ValueError:
			frappe.throw(_("The filters are not JSON: {0}").format(filters))
	names = {
		name: each.remote_doctype for each in wanted for name in (each.local_doctype, each.remote_doctype)
	}
	if not filters:
		by_doctype = {}
	elif isinstance(filters, dict) and all(name in names for name in filters):
		by_doctype = {names[name]: each for name, each in filters.items()}
	elif len(wanted) == 1:
		by_doctype = {wanted[0].remote_doctype: filters}
	else:
		frappe.throw(_("Filters are for one Document Type: give them for each, as {DocType: filters}."))
	in_order = sorted(wanted, key=lambda each: PRIORITIES.index(each.priority))
	return {"doctypes": [each.remote_doctype for each in in_order], "filters": by_doctype}
