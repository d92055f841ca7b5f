"""Values by which a consumer recognises documents that both sites have already: names and a few fields, page by page.

What a copy would give, and no more: approved, readable for the consumer's user, condition met; of fields that the user may
read. It never writes.
"""

from typing import Any

import frappe
from frappe.model import no_value_fields, table_fields
from frappe.utils import cint

from event_streaming.messages.coded import _
from event_streaming.producer.documents.copying import (
	names_after,
	new_names_to_come,
	reader_of_existing,
	those_meeting,
)
from event_streaming.producer.documents.filters import wanted_conditions
from event_streaming.producer.documents.names import roots_of_documents
from event_streaming.producer.documents.reading import load_documents
from event_streaming.producer.subscriptions.hidden import is_secret
from event_streaming.producer.subscriptions.hiding import Hidden
from event_streaming.producer.subscriptions.reader import Reader, parsed_list
from event_streaming.site.address import public_url
from event_streaming.wire.matching import MOST_DOCUMENTS, MOST_FIELDS, NAME, Values, values_of
from event_streaming.wire.pages import PROTOCOL

# whole documents are held in memory only for a condition
BATCH = 100


def match_page(
	event_consumer: str, doctype: str, fields: str | list, after: str, cursor: Any, filters: Any
) -> dict[str, Any]:
	"""The answer of the endpoint `get_match_page`. Raises frappe.ValidationError with what to do."""
	consumer, reader = reader_of_existing(event_consumer, doctype, cursor, None, None)
	hidden = reader.hidden.get(doctype)
	wanted = wanted_fields(doctype, fields, hidden)
	names: list[str] = []
	rows: list[list] = []
	if not cint(consumer.paused) and not frappe.get_meta(doctype).issingle:
		names = names_after(doctype, wanted_conditions(reader, doctype, filters), after, MOST_DOCUMENTS)
		given = those_given(reader, doctype, names)
		roots, values = roots_of_documents(doctype, given), read_values(doctype, wanted, given, hidden)
		rows = [[name, values[name], roots.get(name)] for name in given if name in values]
	return {
		"protocol": PROTOCOL,
		"rows": rows,
		"after": names[-1] if names else after,
		"has_more": len(names) == MOST_DOCUMENTS,
		"paused": cint(consumer.paused),
	}


def wanted_fields(doctype: str, fields: str | list, hidden: Hidden | None) -> list[str]:
	"""The fields asked for, if the session's user may read each, it is sent, and it holds a value that can be compared."""
	wanted = [str(field) for field in parsed_list(fields)]
	if not wanted or len(wanted) > MOST_FIELDS:
		frappe.throw(_("Documents are matched by 1 to {0} fields.").format(MOST_FIELDS))
	meta = frappe.get_meta(doctype)
	permitted = set(meta.get_permitted_fieldnames(permission_type="read", with_virtual_fields=False))
	for field in wanted:
		df = meta.get_field(field)
		if field == NAME:
			continue
		if (
			not df
			or field not in permitted
			or (is_secret(hidden, field) and field not in hidden.masks)
			or df.fieldtype == "Password"
			or df.fieldtype in (*no_value_fields, *table_fields)
		):
			frappe.throw(
				_("{0} on {1} has no field {2} that {3} may read and that could be compared.").format(
					doctype, public_url(), frappe.utils.escape_html(field), frappe.session.user
				)
			)
	return wanted


def those_given(reader: Reader, doctype: str, names: list[str]) -> list[str]:
	"""Those that a copy would give: the condition is met, and no rename is still to come that gives them their name."""
	to_come = new_names_to_come(doctype, reader) if names else set()
	names = [name for name in names if name not in to_come]
	if not (reader.rows[doctype].condition or "").strip():
		return names
	given: list[str] = []
	for start in range(0, len(names), BATCH):
		part = names[start : start + BATCH]
		meeting = those_meeting(reader, doctype, load_documents(doctype, part))
		given += [name for name in part if name in meeting]
	return given


def read_values(
	doctype: str, fields: list[str], names: list[str], hidden: Hidden | None
) -> dict[str, Values]:
	"""Name -> the values in the order of the fields, masked as they are sent: one query."""
	if not names:
		return {}
	table = frappe.qb.DocType(doctype)
	query = frappe.qb.from_(table).select(table.name, *(table[field] for field in fields))
	rows: Any = query.where(table.name.isin(names)).run()
	masks = (
		{number: hidden.masks[name] for number, name in enumerate(fields) if name in hidden.masks}
		if hidden
		else {}
	)
	if masks:
		rows = [
			[row[0], *(masks[at].of(value) if at in masks else value for at, value in enumerate(row[1:]))]
			for row in rows
		]
	return {str(row[0]): values_of(row[1:]) for row in rows}
