"""Commands over REST: why events have failed, and what is done with all of one cause."""

from typing import Any

import frappe

from event_streaming.admin.causes import acting, listing
from event_streaming.site.roles import ADMIN


@frappe.whitelist()
def causes(event_producer: str | None = None) -> list[dict[str, Any]]:
	"""Why events have failed, are tried again or are in conflict, most events first; of one producer if named."""
	frappe.only_for(ADMIN)
	return listing.open_causes_of(event_producer)


@frappe.whitelist(methods=["POST"])
def retry_cause(cause: str) -> dict[str, Any]:
	"""Try all events of a cause again, many in the background; returns how many were tried, and how many took effect."""
	frappe.only_for(ADMIN)
	return acting.retry(cause)


@frappe.whitelist(methods=["POST"])
def skip_cause(cause: str, reason: str) -> dict[str, Any]:
	"""Apply none of the events of a cause, for a reason that stands in the audit log; many in the background."""
	frappe.only_for(ADMIN)
	return acting.skip(cause, reason)


@frappe.whitelist(methods=["POST"])
def adopt_cause(cause: str, preview: bool | int = False) -> dict[str, Any]:
	"""Link the local documents whose names a cause's events found taken; with `preview` it is only said which."""
	frappe.only_for(ADMIN)
	return acting.adopt(cause, bool(frappe.utils.cint(preview)))


@frappe.whitelist()
def values_of_cause(cause: str) -> dict[str, Any]:
	"""The values that lack an entry in a value map, for a cause of that kind: {"value_map", "values"}."""
	frappe.only_for(ADMIN)
	return listing.values_without_entry(cause)


@frappe.whitelist(methods=["POST"])
def add_to_value_map(cause: str, value_map: str, pairs: str | dict) -> dict[str, Any]:
	"""Enter {value of the producer's: value here} into a value map, and try the events that lacked them again."""
	frappe.only_for(ADMIN)
	given = frappe.parse_json(pairs) or {}
	return acting.add_to_value_map(
		cause, value_map, {str(key): str(value or "") for key, value in given.items()}
	)
