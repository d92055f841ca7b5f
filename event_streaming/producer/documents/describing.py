"""For the doctor of a consumer: what is on record for it here, and what the DocTypes that it wants look like.

Gives fields of DocTypes only, and only of those that the consumer's user may read. Writes nothing.
"""

from collections.abc import Collection
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.messages.coded import _
from event_streaming.producer.subscriptions.conditions import error_as_told
from event_streaming.producer.subscriptions.hidden import hidden_of
from event_streaming.producer.subscriptions.hiding import Hidden
from event_streaming.producer.subscriptions.reader import parsed_list, subscriptions_of
from event_streaming.site.schema import DocTypeSchema, schema_of
from event_streaming.wire.left_out import by_table, without

MOST_DOCTYPES = 200


def describe(consumer, doctypes: str | list) -> dict[str, Any]:
	"""The answer of the endpoint `describe`, for the session's user, who is the consumer's."""
	hidden = hidden_of(consumer)
	asked = [doctype for doctype in parsed_list(doctypes) if isinstance(doctype, str)]
	if len(asked) > MOST_DOCTYPES:
		frappe.throw(_("Not more than {0} DocTypes can be asked for at once.").format(MOST_DOCTYPES))
	return {
		"paused": cint(consumer.paused),
		"not_reachable": cint(consumer.not_reachable),
		"notify_failures": cint(consumer.notify_failures),
		"last_error": consumer.last_error or "",
		"position": cint(consumer.position),
		"subscriptions": subscriptions_of(consumer),
		"condition_errors": {
			row.ref_doctype: error_as_told(row.condition_error, hidden.get(row.ref_doctype))
			for row in consumer.consumer_doctypes
			if row.condition_error
		},
		"doctypes": {doctype: described(doctype, hidden.get(doctype)) for doctype in asked},
	}


def described(doctype: str, hidden: Hidden | None) -> dict[str, Any]:
	"""The fields of a DocType that are sent; `problem` is "", "not found" or "not permitted"."""
	if not frappe.db.exists("DocType", doctype):
		return {"problem": "not found"}
	if not frappe.has_permission(doctype, "read"):
		return {"problem": "not permitted"}
	schema = schema_of(doctype)
	return {"problem": "", "schema": _without(schema, hidden.left_out) if hidden else schema}


def _without(schema: DocTypeSchema, names: Collection[str]) -> DocTypeSchema:
	"""The schema of what is sent."""
	whole, of_rows = by_table(names)
	return {
		**schema,
		"fields": without(schema["fields"], whole),
		"tables": {
			table: {**rows, "fields": without(rows["fields"], of_rows.get(table, ()))}
			for table, rows in schema["tables"].items()
			if table not in whole
		},
	}
