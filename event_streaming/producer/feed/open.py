"""Which of a reader's subscriptions are open: no condition, nothing hidden, and its user may read every document of the DocType.

Of such a one the consumer's cursor says what it has taken, and every open reader gets the same. Where it can't be proven, it is
not open. Reads only.
"""

from collections.abc import Iterable
from typing import Any

import frappe

from event_streaming.producer.documents.reading import may_read_all
from event_streaming.producer.subscriptions.reader import Reader


def open_doctypes(reader: Reader, doctypes: Iterable[str]) -> frozenset[str]:
	"""Those of the reader's DocTypes; asked in the name of its user."""
	# the older app's cursor is a time, and it has no word for some events
	if reader.without:
		return frozenset()
	return frozenset(
		doctype
		for doctype in doctypes
		if leaves_nothing_out(reader.rows[doctype], doctype in reader.hidden) and reads_all(doctype)
	)


def leaves_nothing_out(row: Any, is_hidden: bool) -> bool:
	"""Whether an approved row of an Event Consumer has no condition, and nothing of its documents is hidden."""
	return not is_hidden and not (row.condition or "").strip()


def reads_all(doctype: str) -> bool:
	"""Whether the session's user may read every document of the DocType; of one that is no more nobody may read anything."""
	return bool(
		frappe.db.exists("DocType", doctype, cache=True)
		and frappe.has_permission(doctype, "read")
		and may_read_all(doctype)
	)
