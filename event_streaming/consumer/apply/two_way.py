"""Two sites that subscribe to each other's documents, and both did something to one before they heard of each other.

Both sites come to the same answer by themselves, each from its own log and the event that it is given:

- *Changed here and there*: each site merges the two, field by field and row by row, by the conflict policy. What is true in
  the end is what the site where the document was first made has after merging: it gives the document a new time stamp and
  sends it whole (`restate`), and the other site takes it as it is.
- *Deleted here, changed, renamed or merged there*: it stays deleted on both.
- *Deleted here as a draft, submitted or cancelled there*: it stays; the site that deleted it gets it again.
- *Renamed here and there*: the name given on the site where it was first made stays. (With local naming names never meet.)
- *Merged there into a document that was deleted here*: both are deleted.

Where only one site subscribes to the other, none of this applies: a document that the consumer deleted comes back with its
next change. Nothing here decides about fields; see conflicts.py.
"""

from datetime import datetime, timedelta
from typing import Any

import frappe
from frappe import _
from frappe.utils import cint, get_datetime

from event_streaming.consumer.apply.outcomes import outcome_of
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.logs.sync_log import Outcome
from event_streaming.consumer.resolve.about import About
from event_streaming.consumer.resolve.resolver import same_moment
from event_streaming.identity import fates
from event_streaming.identity.origin import applying
from event_streaming.identity.registry import LocalKey
from event_streaming.wire.events import Event, parse_data

APPROVED = "Approved"


def tells_back(doctype: str, work: Work) -> bool:
	"""Whether the producer subscribes to this DocType of this site in turn."""
	row = {
		"parent": work.event_producer,
		"parenttype": "Event Consumer",
		"ref_doctype": doctype,
		"status": APPROVED,
		"unsubscribed": 0,
	}
	return bool(frappe.db.exists("Event Consumer Document Type", row))


def is_root_here(about: About, work: Work) -> bool:
	"""Whether this site has the last word on a document: where it was first made, whoever sends the change.

	Of one made on a third site, the two that tell each other must agree on one of them.
	"""
	if about.site not in (work.here, work.event_producer) and frappe.db.exists(
		"Event Consumer", work.event_producer
	):
		return work.here < work.event_producer
	return about.site == work.here


# ---------------------------------------------------------------- changed here and there


def restate(doctype: str, name: str, after: Any, to: str) -> None:
	"""Log the document whole, as a change of this site, with a time stamp that is later than both sites' last one.

	It is meant for the site `to` only; the others have had each change by itself.
	"""
	modified = frappe.db.get_value(doctype, name, "modified")
	latest: datetime = max(get_datetime(modified), get_datetime(after or modified))
	frappe.db.set_value(doctype, name, "modified", latest + timedelta(microseconds=1), update_modified=False)
	doc = frappe.get_doc(doctype, name)
	doc.flags.merged_with = to
	with applying(doctype, ""):
		doc.run_method("on_merged_with_other_site")


def is_for_another(event: Event, work: Work) -> bool:
	"""Whether a whole document was said again to another site than this one."""
	return parse_data(event, "data_before").get("merged_with", work.here) != work.here


# ---------------------------------------------------------------- deleted here


def deletion_here(about: About, work: Work) -> fates.Deletion | None:
	"""How a document of which the producer still tells was deleted here, if it was, and the producer is to follow."""
	local = work.resolver.name_here(about)
	if not local or not tells_back(about.subscription.local_doctype, work):
		return None
	deletion = fates.last_deletion(*local)
	return deletion if deletion and deletion.origin != work.event_producer else None


def stays_deleted(about: About, data: dict, work: Work) -> Outcome | None:
	"""The outcome of a change (or of a whole document) that comes too late; None when it is to be brought."""
	deletion = deletion_here(about, work)
	if not deletion or cint(data.get("docstatus")) > deletion.docstatus:
		return None
	if data.get("creation"):
		there = work.resolver.creation(data, about.subscription)
		if not same_moment(deletion.creation, there):
			# another document, made after the producer had heard of the deletion
			return None
	return outcome_of(about.subscription, None, _("Deleted on this site in the meantime: it stays deleted"))


def outlives_deletion(before: dict, local: LocalKey, work: Work) -> bool:
	"""Whether the document was submitted or cancelled here after what the producer deleted."""
	was = (before.get("changed") or {}).get("docstatus")
	if was is None or not tells_back(local[0], work):
		return False
	return cint(frappe.db.get_value(*local, "docstatus")) > cint(was)
