"""The rows of Event Producers with *Managed by Producer*, by the DocType that they manage here.

Asked with every save on the site, so it is `Kept`. A row counts while its DocType is approved and not unsubscribed.
"""

import json
from dataclasses import asdict, dataclass

import frappe
from frappe.utils import cint

from event_streaming.database.kept import Kept
from event_streaming.database.not_there_yet import unless_missing
from event_streaming.wire.left_out import names_in

ROWS = "Event Producer Document Type"
PRODUCER = "Event Producer"
MANAGED = "event_streaming:managed"
KEPT_SECONDS = 60


@dataclass(frozen=True)
class ManagedRow:
	"""One row: the producer, the user in whose name its documents are written here, and the fields that stay free."""

	event_producer: str
	user: str
	free: tuple[str, ...]


Managed = dict[str, list[ManagedRow]]


def managed_rows() -> Managed:
	"""DocType of this site -> the rows that manage it."""
	return KEPT.value()


def forget_managed(*_args: object) -> None:
	"""A subscription has changed: now, and again once that is committed, for a process may have read the old one meanwhile."""
	_forget()
	frappe.db.after_commit.add(_forget)


def _forget() -> None:
	KEPT.forget()
	frappe.cache.delete_value(MANAGED)


def _packed(managed: Managed) -> str:
	return json.dumps({doctype: [asdict(row) for row in rows] for doctype, rows in managed.items()})


def _unpacked(packed: str | bytes) -> Managed:
	return {
		doctype: [ManagedRow(row["event_producer"], row["user"], tuple(row["free"])) for row in rows]
		for doctype, rows in json.loads(packed).items()
	}


def _read() -> Managed:
	"""From the database, one query. Nothing while the app's tables are not there yet, or are those of an older version."""
	return unless_missing(_approved_rows, dict)


def _approved_rows() -> Managed:
	rows, producers = frappe.qb.DocType(ROWS), frappe.qb.DocType(PRODUCER)
	query = (
		frappe.qb.from_(rows)
		.join(producers)
		.on(rows.parent == producers.name)
		.select(
			rows.ref_doctype,
			rows.parent,
			producers.user,
			rows.has_mapping,
			rows.fields_this_site_decides,
			rows.add_up,
			rows.not_sent,
		)
		.where((rows.parenttype == PRODUCER) & (rows.managed_by_producer == 1))
		.where((rows.status == "Approved") & (rows.unsubscribe == 0))
	)
	found: Managed = {}
	for row in query.run(as_dict=True):
		free = [*names_in(row.fields_this_site_decides), *names_in(row.add_up)]
		if not cint(row.has_mapping):
			# what the producer does not send is named as it calls it there
			free += names_in(row.not_sent)
		managed = ManagedRow(row.parent, row.user, tuple(dict.fromkeys(free)))
		found.setdefault(row.ref_doctype, []).append(managed)
	return found


KEPT: Kept[Managed] = Kept(MANAGED, KEPT_SECONDS, _read, _packed, _unpacked)
