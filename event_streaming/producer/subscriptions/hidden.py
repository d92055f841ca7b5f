"""What each consumer does not get of which documents: *Fields Not Sent* and *Fields Masked* of its rows, and what it does not want.

Read from the consumer's rows, whatever their status: a document of a DocType with a row goes by that row on every road. It is
known at once that nothing is hidden; nothing is asked of the database then.
"""

import hmac
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import frappe
from frappe.model import display_fieldtypes, table_fields
from frappe.utils import cint
from frappe.utils.password import get_encryption_key

from event_streaming.producer.subscriptions.hiding import HASH_LENGTH, Hidden, Mask
from event_streaming.wire.left_out import masks_in, names_in

# a value of another type could not be told from a real one, or is none that the column takes
TEXT_TYPES = (
	"Data",
	"Read Only",
	"Small Text",
	"Text",
	"Long Text",
	"Text Editor",
	"Markdown Editor",
	"HTML Editor",
)
DATA_LENGTH = 140


def hidden_of(consumer: Any) -> dict[str, Hidden]:
	"""DocType -> what this consumer (an Event Consumer document) does not get of it; {} when it gets everything."""
	return {
		row.ref_doctype: hidden
		for row in consumer.consumer_doctypes
		if (row.fields_not_sent or row.fields_masked or row.not_wanted)
		and (hidden := of_row(row, consumer.name))
	}


def of_row(row: Any, consumer: str) -> Hidden | None:
	"""What one row hides, as far as the DocType has such fields; None when that is nothing."""
	if not frappe.db.exists("DocType", row.ref_doctype, cache=True):
		return None
	meta = frappe.get_meta(row.ref_doctype)
	decided, masked = set(names_in(row.fields_not_sent)), masks_in(row.fields_masked)
	left_out = {name for name in decided if field_of(meta, name)}
	masks: dict[str, Mask] = {}
	for name, text in masked.items():
		df = field_of(meta, name)
		if not df or name in left_out or name.partition(".")[0] in left_out:
			continue
		if df.fieldtype in TEXT_TYPES:
			masks[name] = Mask(text, key_for(consumer) if text is None else b"", hash_length(df))
		else:
			# it was text when it was named
			left_out.add(name)
	secret = frozenset({*left_out, *masks})
	left_out |= {name for name in names_in(row.not_wanted) if field_of(meta, name)}
	masks = {name: mask for name, mask in masks.items() if name not in left_out}
	return Hidden(frozenset(left_out), masks, secret) if left_out or masks else None


def field_of(meta: Any, name: str) -> Any:
	"""The field that "field", "table" or "table.field" means; None when the DocType has none that holds anything."""
	table, dot, fieldname = name.partition(".")
	df = meta.get_field(table)
	if not df or df.fieldtype in display_fieldtypes:
		return None
	if not dot:
		return df
	inner = frappe.get_meta(df.options).get_field(fieldname) if df.fieldtype in table_fields else None
	return inner if inner and inner.fieldtype not in display_fieldtypes else None


def hash_length(df: Any) -> int:
	longest = cint(df.length) or DATA_LENGTH
	return min(HASH_LENGTH, longest) if df.fieldtype == "Data" else HASH_LENGTH


def key_for(consumer: str) -> bytes:
	"""The key of the hashes that a consumer gets: this site's own, and another for each consumer, so that two can't compare."""
	secret = get_encryption_key().encode()
	return hmac.new(secret, f"event_streaming masks {consumer}".encode(), sha256).digest()


def names_not_sent(row: Any) -> list[str]:
	return list(names_in(row.fields_not_sent))


def names_masked(row: Any) -> list[str]:
	return list(masks_in(row.fields_masked))


def is_secret(hidden: Hidden | None, name: str, table: str = "") -> bool:
	"""Whether a field of a document, or of the rows of one of its tables, is hidden by this site's administrator."""
	if hidden is None:
		return False
	whole, of_rows = hidden.secret_by_table
	return (table in whole or name in of_rows.get(table, ())) if table else name in whole


def tables_of(doctype: str, child: str) -> Iterable[str]:
	"""The tables of a DocType that hold rows of another."""
	meta = frappe.get_meta(doctype)
	return [df.fieldname for df in meta.fields if df.fieldtype in table_fields and df.options == child]
