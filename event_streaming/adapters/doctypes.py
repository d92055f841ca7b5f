"""What is known of DocTypes beforehand: fields that each site decides, documents that can't come, DocTypes not to subscribe to."""

import time
from collections.abc import Collection, Iterable
from typing import Any

import frappe

from event_streaming.adapters.calls import adapters, kept_for_the_request
from event_streaming.messages.coded import _
from event_streaming.site.refused import OF_PAPER
from event_streaming.site.schema import counted_by

DECIDED = "event_streaming:decided_here"
KEPT_SECONDS = 60


def fields_decided_here(doctype: str) -> tuple[str, ...]:
	"""Fields whose values a site has to find by itself, as in Fields This Site Decides.

	Each pull asks for every DocType of its producer, and an adapter looks at the fields of the DocType and of its tables: kept for the
	request or job, and for a minute for all processes of the site.
	"""
	if not adapters():
		return ()
	memo = kept_for_the_request()
	if DECIDED not in memo:
		now, kept = time.time(), frappe.cache.get_value(DECIDED, expires=True)
		# from when the first of them was found; a clock that was set back since makes nothing last longer
		memo[DECIDED] = kept if kept and kept[0] <= now < kept[0] + KEPT_SECONDS else (now, {})
	known = memo[DECIDED][1]
	if doctype not in known:
		known[doctype] = _fields_decided_here(doctype)
		frappe.cache.set_value(DECIDED, memo[DECIDED], expires_in_sec=KEPT_SECONDS)
	return tuple(known[doctype])


def _fields_decided_here(doctype: str) -> tuple[str, ...]:
	if not frappe.db.exists("DocType", doctype, cache=True):
		return ()
	found = [field for adapter in adapters() for field in adapter.fields_decided_here(doctype)]
	return tuple(dict.fromkeys(found))


def leads_to(doctype: str) -> list[tuple[str, str]]:
	"""(field, DocType) that Dynamic Links of a DocType are known to lead to: by an adapter, or by the hook `event_streaming_leads_to`
	of any app, {DocType: {field: [DocType, …]}}. Only what this site has."""
	known: list[dict[str, dict[str, Iterable[str]]]] = [
		getattr(adapter, "LEADS_TO", {}) for adapter in adapters()
	]
	hooks = frappe.get_hooks("event_streaming_leads_to") or {}
	# Frappe gathers what the apps say of one field in a list
	known.append(hooks if isinstance(hooks, dict) else {})
	return [
		(fieldname, target)
		for by_doctype in known
		for fieldname, targets in (by_doctype.get(doctype) or {}).items()
		for target in targets
		if frappe.db.exists("DocType", target, cache=True)
	]


def also_written(doctypes: Iterable[str]) -> tuple[str, ...]:
	"""What the life cycles of these DocTypes write beside them, with the rights of whoever saves. Only what this site has."""
	found = [
		target
		for adapter in adapters()
		for doctype in doctypes
		for target in getattr(adapter, "ALSO_WRITES", {}).get(doctype, ())
	]
	return tuple(each for each in dict.fromkeys(found) if frappe.db.exists("DocType", each, cache=True))


def may_stay_empty(doctype: str) -> bool:
	"""Whether a document is as good without a link to one of this DocType: what the link stands for is in the document itself."""
	return doctype in OF_PAPER or any(
		doctype in getattr(adapter, "MAY_STAY_EMPTY", ()) for adapter in adapters()
	)


def counters_of(doctype: str) -> list[str]:
	"""The counters from which this site takes names of such documents. An adapter knows the DocTypes that are named otherwise,
	although they have a naming series."""
	otherwise = (getattr(adapter, "is_named_otherwise", None) for adapter in adapters())
	return [] if any(named(doctype) for named in otherwise if named) else counted_by(doctype)


def refuse_what_cannot_come(doctype: str, data: dict[str, Any]) -> None:
	"""Raise CannotApply for a whole document that would silently become another one here."""
	for adapter in adapters():
		adapter.refuse_what_cannot_come(doctype, data, {})


def refuse_change_that_cannot_come(doctype: str, change: dict[str, Any], name: str) -> None:
	"""The same for a difference to the document `name`."""
	if not adapters() or not (change.get("added") or change.get("row_changed")):
		return
	doc = frappe.get_doc(doctype, name)
	rows_here = {str(row.name): row for row in doc.get_all_children()}
	for part in ("added", "row_changed"):
		for adapter in adapters():
			adapter.refuse_what_cannot_come(doctype, change.get(part) or {}, rows_here)


def why_not_subscribe(doctype: str) -> str:
	"""Why subscribing to a DocType does harm, or nothing good; "" when there is no reason known."""
	for adapter in adapters():
		if reason := adapter.why_not_subscribe(doctype):
			return reason
	meta = frappe.get_meta(doctype)
	by_code = meta.get("in_create") and not any(
		permission.create or permission.submit for permission in meta.permissions
	)
	if by_code and not meta.issingle:
		return _(
			"{0} is made by other documents, never by a person: this site makes its own, and gets each twice."
		).format(_(doctype))
	return ""


def what_will_refuse(
	doctype: str, dates: Collection[str] | None, decided: Collection[str] = ()
) -> list[tuple[bool, str, str]]:
	"""Rules of this site that will refuse documents of a DocType which come: (whether it is certain, what, how to mend it).

	`dates` are the posting dates of what will come, None where they are not known; `decided` the fields that this site decides.
	"""
	return [
		each
		for adapter in adapters()
		if hasattr(adapter, "what_will_refuse")
		for each in adapter.what_will_refuse(doctype, dates, decided)
	]
