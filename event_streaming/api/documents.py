"""Commands over REST: documents of both sites: checked before a copy, copied, matched, compared, repaired."""

from typing import Any

import frappe

from event_streaming.consumer.checking import checker, mending
from event_streaming.consumer.first_copy import copying, linking
from event_streaming.consumer.pull import adopting
from event_streaming.consumer.tasks import task as tasks
from event_streaming.consumer.verify import repair as repairing
from event_streaming.consumer.verify import verifying
from event_streaming.messages.coded import _
from event_streaming.site.roles import ADMIN


@frappe.whitelist(methods=["POST"])
def check(event_producer: str, doctypes: str | list | None = None) -> dict[str, Any]:
	"""Have a background job check what a first copy will meet, also before approval; changes nothing. Returns how far it has got."""
	frappe.only_for(ADMIN)
	return checker.start_check(event_producer, doctypes)


@frappe.whitelist()
def check_report(event_producer: str) -> dict[str, Any] | None:
	"""How far the last check of a producer has got, with its `report`: the findings, and how much a copy brings."""
	frappe.only_for(ADMIN)
	last = tasks.latest(event_producer, tasks.CHECK)
	return {**tasks.as_progress(last), "report": last.report} if last else None


@frappe.whitelist(methods=["POST"])
def mend_finding(task: str, number: int, values: str | dict | None = None) -> str:
	"""What the button of finding `number` (from 0) of a check does; `values` are what it asks a person for. Returns what was done."""
	frappe.only_for(ADMIN)
	return mending.mend(task, frappe.utils.cint(number), frappe.parse_json(values) if values else None)


@frappe.whitelist(methods=["POST"])
def copy(
	event_producer: str, doctypes: str | list | None = None, filters: str | dict | list | None = None
) -> dict[str, Any]:
	"""Have a background job bring over documents that exist already; returns how far it has got."""
	frappe.only_for(ADMIN)
	return copying.start_copy(event_producer, doctypes, filters)


@frappe.whitelist(methods=["POST"])
def match(
	event_producer: str, doctypes: str | list | None = None, apply: bool | int = False
) -> list[dict[str, Any]]:
	"""What Match By would link on both sites, for each DocType; with `apply` it is linked, here and now."""
	frappe.only_for(ADMIN)
	work = linking.apply_match if frappe.utils.cint(apply) else linking.preview_match
	return work(event_producer, doctypes)


@frappe.whitelist(methods=["POST"])
def adopt(
	names: str | list | None = None,
	event_producer: str | None = None,
	doctype: str | None = None,
	preview: bool | int = False,
) -> dict[str, Any]:
	"""Take local documents whose names failed events found taken as the ones meant, and try these again; many in the background.

	Of the named rows of Event Sync Log, or of a producer, or of a DocType. With `preview` nothing is changed.
	"""
	frappe.only_for(ADMIN)
	rows = None if names is None else [str(name) for name in frappe.parse_json(names) or []]
	if rows is None and not event_producer:
		frappe.throw(_("Name rows of Event Sync Log, or an Event Producer."))
	work = adopting.preview if frappe.utils.cint(preview) else adopting.request_adopt
	return work(rows, event_producer, doctype)


@frappe.whitelist(methods=["POST"])
def verify(
	event_producer: str,
	doctypes: str | list | None = None,
	filters: str | dict | list | None = None,
	what_has_changed: bool | int = False,
) -> dict[str, Any]:
	"""Have a background job compare the documents of both sites; returns how far it has got. The task has the findings.

	With `what_has_changed`, in place of filters, only what either site knows to have changed since the last comparison.
	"""
	frappe.only_for(ADMIN)
	changed = bool(frappe.utils.cint(what_has_changed))
	return verifying.start_verify(event_producer, doctypes, filters, changed)


@frappe.whitelist(methods=["POST"])
def repair(
	event_producer: str,
	delete_extra: bool | int = False,
	verify_task: str | None = None,
	kinds: str | list | None = None,
) -> dict[str, Any]:
	"""Have a background job bring in line what a verify (by default the last) has compared; returns how far it has got.

	`kinds`: of Missing, Different and Extra those that are mended, by default all.
	"""
	frappe.only_for(ADMIN)
	chosen = None if kinds is None else frappe.parse_json(kinds)
	return repairing.start_repair(event_producer, bool(frappe.utils.cint(delete_extra)), verify_task, chosen)
