"""What matters of a connection's set-up, as labels and values for a person: of the forms, without their secrets."""

from typing import Any

import frappe
from frappe import _

from event_streaming.admin.connection.status import known
from event_streaming.admin.decisions import CONSUMER, PRODUCER

FIELDS = {
	PRODUCER: (
		"user",
		"site_id",
		"workers",
		"only_between",
		"only_between_for",
		"most_kb_per_second",
		"verify_by_itself",
		"verify_from_hour",
		"verify_share",
		"verify_full_every",
		"verify_repair",
		"verify_report_to",
		"also_bring",
		"never_bring",
	),
	"Event Producer Document Type": (
		"status",
		"use_same_name",
		"mapping",
		"match_by",
		"condition",
		"conflict_policy",
		"field_policies",
		"managed_by_producer",
		"fields_this_site_decides",
		"add_up",
		"no_notifications",
		"together",
		"one_by_one",
		"not_sent",
		"masked",
	),
	CONSUMER: ("user", "site_id", "protocol", "position", "not_reachable", "needs_copy"),
	"Event Consumer Document Type": (
		"status",
		"condition",
		"when_condition_ends",
		"fields_not_sent",
		"fields_masked",
		"not_wanted",
	),
}
TABLES = {PRODUCER: "producer_doctypes", CONSUMER: "consumer_doctypes"}


def settings(site: str) -> dict[str, Any]:
	"""{"site", "forms"}: for each form its values, and those of each row; what is empty is left out."""
	name = known(site)
	return {
		"site": name,
		"forms": [
			form(frappe.get_doc(doctype, name))
			for doctype in (PRODUCER, CONSUMER)
			if frappe.db.exists(doctype, name) and frappe.has_permission(doctype, "read", name)
		],
	}


def form(doc: Any) -> dict[str, Any]:
	rows = doc.get(TABLES[doc.doctype])
	return {
		"doctype": doc.doctype,
		"name": doc.name,
		"values": values_of(doc),
		"rows": [{"doctype": row.ref_doctype, "values": values_of(row)} for row in rows],
	}


def values_of(doc: Any) -> list[dict[str, str]]:
	"""[{"label", "value"}] of the fields that matter."""
	return [
		{"label": _(doc.meta.get_label(fieldname)), "value": as_text(doc.meta.get_field(fieldname), value)}
		for fieldname in FIELDS[doc.doctype]
		if (value := doc.get(fieldname)) and (not fieldname.startswith("verify_") or doc.verify_by_itself)
	]


def as_text(df: Any, value: Any) -> str:
	if df.fieldtype == "Check":
		return _("Yes")
	return _(str(value)) if df.fieldtype == "Select" else str(value)
