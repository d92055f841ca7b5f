"""Which of a reader's subscriptions are open: no condition, nothing hidden, and its user may read every document of the DocType.

Of such a one the consumer's cursor says what it has taken, and every open reader gets the same. Where it can't be proven, it is
not open. Reads only.
"""

from collections.abc import Iterable

import frappe

from event_streaming.producer.documents.reading import may_read_all
from event_streaming.producer.subscriptions.reader import Reader


def open_doctypes(reader: Reader, doctypes: Iterable[str]) -> frozenset[str]:
	"""Those of the reader's DocTypes; asked in the name of its user."""
	return frozenset(doctype for doctype in doctypes if _is_open(reader, doctype))


def _is_open(reader: Reader, doctype: str) -> bool:
	# the older app's cursor is a time, and it has no word for some events
	if reader.without or doctype in reader.hidden or (reader.rows[doctype].condition or "").strip():
		return False
	return bool(frappe.has_permission(doctype, "read")) and may_read_all(doctype)
