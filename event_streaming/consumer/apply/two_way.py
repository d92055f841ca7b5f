"""Two sites that subscribe to each other's documents, and both did something to one before they heard of each other.

Both sites come to the same answer by themselves, each from its own log and the event that it is given:

- *Changed here and there*: each site merges the two, field by field and row by row, by the conflict policy. What is true in
  the end is what the site where the document was first made has after merging: it gives the document a new time stamp and
  sends it whole (`restate`), and the other site takes it as it is.
- *Changed here as a draft, submitted there*: what was submitted is what counts, on both; books may have been written by it.
- *Deleted here, changed, renamed or merged there*: it stays deleted on both.
- *Deleted here as a draft, submitted or cancelled there*: it stays; the site that deleted it gets it again.
- *Merged here, a file attached or removed there*: it is attached to, or removed from, what the document was merged into, as it
  is there once the merge has come.
- *Deleted here and made again under the same name, changed, renamed or deleted there*: nothing of that is done to the new one.
- *Renamed here and there*: the name given on the site where it was first made stays. (With local naming names never meet.)
- *Merged there into a document that was deleted here*: both are deleted.
- *Merged into each other*: of the two that are left the one that was made first stays on both sites; see merging.py.

Where only one site subscribes to the other, none of this applies: a document that the consumer deleted comes back with its
next change, but for one that was first made and deleted here, and goes round to the producer by a third site. What this site has
made in its place since is left alone. Nothing here decides about fields; see conflicts.py.
"""

from datetime import datetime, timedelta
from typing import Any

import frappe
from frappe import _
from frappe.utils import cint, get_datetime

from event_streaming.consumer.apply.outcomes import outcome_of
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.conflict_rules.policies import (
	DELETED_HERE,
	MADE_AGAIN,
	SUBMITTED_HERE,
	SUBMITTED_THERE,
)
from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.logs.sync_log import Outcome
from event_streaming.consumer.resolve.about import About
from event_streaming.consumer.resolve.resolver import same_moment
from event_streaming.identity import fates
from event_streaming.identity.origin import applying
from event_streaming.identity.registry import LocalKey
from event_streaming.wire.events import UPDATE, Event, Root, parse_data, parse_root
from event_streaming.wire.wishes.priorities import read_taken

APPROVED = "Approved"


def tells_back(doctype: str, work: Work) -> bool:
	"""Whether the producer subscribes to this DocType of this site in turn."""
	return bool(frappe.db.exists("Event Consumer Document Type", row_that_tells_back(doctype, work)))


def row_that_tells_back(doctype: str, work: Work) -> dict[str, Any]:
	return {
		"parent": work.event_producer,
		"parenttype": "Event Consumer",
		"ref_doctype": doctype,
		"status": APPROVED,
		"unsubscribed": 0,
	}


def tells_all_back(doctype: str, work: Work) -> bool:
	"""Whether the producer does so without a condition, so that it hears of every document what became of it here."""
	filters = {**row_that_tells_back(doctype, work), "condition": ["is", "not set"]}
	return bool(frappe.db.exists("Event Consumer Document Type", filters))


def heard_up_to(doctype: str, event_producer: str) -> int:
	"""The position up to which the producer has taken what this site tells of a DocType, also where that is ahead of all others."""
	told = frappe.db.get_value("Event Consumer", event_producer, ["position", "taken_ahead"], as_dict=True)
	return max(cint(told.position), read_taken(told.taken_ahead).get(doctype, 0)) if told else 0


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


def restate(doctype: str, name: str, after: Any, to: str, stays: bool = False) -> None:
	"""Log the document whole, as a change of this site, with a time stamp that is later than both sites' last one.

	It is meant for the site `to` only; the others have had each change by itself. `stays`: also if that site has deleted it.
	"""
	modified = frappe.db.get_value(doctype, name, "modified")
	latest: datetime = max(get_datetime(modified), get_datetime(after or modified))
	frappe.db.set_value(doctype, name, "modified", latest + timedelta(microseconds=1), update_modified=False)
	doc = frappe.get_doc(doctype, name)
	doc.flags.merged_with, doc.flags.stays = to, stays
	with applying(doctype, ""):
		doc.run_method("on_merged_with_other_site")


def submission_met(event: Event, doc: Any, work: Work) -> str:
	"""The kind of conflict if one site has submitted a draft (or discarded it) that the other one may have changed meanwhile; "" if not."""
	was = parse_data(event, "data_before").get("changed") or {}
	changed = parse_data(event).get("changed") or {}
	if was.get("docstatus") is None or cint(was["docstatus"]):
		return ""
	here, there = cint(doc.docstatus), cint(changed.get("docstatus"))
	if bool(here) == bool(there) or not tells_back(doc.doctype, work):
		return ""
	if here:
		return SUBMITTED_HERE if tells_all_back(doc.doctype, work) else ""
	return SUBMITTED_THERE if may_differ(doc, was.get("modified"), work) else ""


def is_submitted_here(about: About, data: dict, work: Work) -> bool:
	"""Whether a whole document is a draft that the producer tells of, and this site has submitted meanwhile."""
	doctype = about.subscription.local_doctype
	if not about.is_here or about.is_only_linked or cint(data.get("docstatus")):
		return False
	if not frappe.get_meta(doctype).is_submittable or not tells_all_back(doctype, work):
		return False
	return cint(frappe.db.get_value(*about.local, "docstatus")) > 0


def may_differ(doc: Any, modified: Any, work: Work) -> bool:
	"""Whether a document may be another here than the producer had it at that moment: others than the producer have changed it here.

	The time stamp alone does not say so: where two changes met, both sites keep the later one.
	"""
	then = convert_times(doc.doctype, {"modified": modified}, work.time_zone)["modified"]
	if not then or get_datetime(then) != get_datetime(doc.modified):
		return True
	own = {"ref_doctype": doc.doctype, "docname": str(doc.name), "update_type": UPDATE}
	return bool(frappe.db.exists(fates.LOG, {**own, "origin": ["!=", work.event_producer]}))


def say_what_is_true(about: About, modified: str | None, work: Work) -> None:
	"""Both sites had changed the document: where this one has the last word, the other is told what came of it."""
	if is_root_here(about, work) and tells_back(about.local[0], work):
		restate(*about.local, modified, work.event_producer)


def is_said_to_stay(event: Event) -> bool:
	"""Whether a whole document is said again because it stays of several that both sites have merged."""
	return bool(parse_data(event, "data_before").get("stays"))


def is_said_again(event: Event) -> bool:
	"""Whether a whole document is what the other site has made of both sites' changes."""
	return "merged_with" in parse_data(event, "data_before")


def is_for_another(event: Event, work: Work) -> bool:
	"""Whether a whole document was said again to another site than this one."""
	return parse_data(event, "data_before").get("merged_with", work.here) != work.here


# ---------------------------------------------------------------- deleted here


def deletion_here(about: About, work: Work) -> fates.Deletion | None:
	"""How a document of which the producer still tells was deleted here, if it was, and the producer is to follow."""
	local = work.resolver.name_here(about)
	# what was first made here goes round, also where the producer hears of it from another site
	if not local or not (about.first_made_here or tells_back(about.subscription.local_doctype, work)):
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
	done = _("Deleted on this site in the meantime: it stays deleted")
	return outcome_of(about.subscription, None, done, conflict=DELETED_HERE)


def owner_of_file(event: Event, about: About, work: Work) -> LocalKey | None:
	"""The local document that a file's event is about by now: what it was merged into, and not another one of its name."""
	if about.is_here and not is_another_now(event, about, work):
		return about.local
	root = parse_root(parse_data(event, "data_before").get("root"))
	return merged_into(about, root, made_at(event, about, work), work)


def made_at(event: Event, about: About, work: Work) -> datetime | None:
	"""When the document that an event is about was made, in this site's time, if the event says so."""
	return moment_in(parse_data(event, "data_before").get("changed"), about, work)


def moment_in(stamps: Any, about: About, work: Work) -> datetime | None:
	return work.resolver.creation(stamps, about.subscription) if isinstance(stamps, dict) else None


def is_another_now(event: Event, about: About, work: Work, here: Any = None) -> bool:
	"""Whether this site has deleted the document that an event is about, and has made another one of its name, which has
	nothing to do with that. `here` is when the one that is here was made, where that is at hand."""
	return is_remade(about, made_at(event, about, work), work, here)


def is_remade(about: About, made: datetime | None, work: Work, here: Any = None) -> bool:
	"""The same for the document that was made at that moment. The new one may have another name by now than the one it was given."""
	# as it is now, not as it was when this transaction began
	here = made and (here or frappe.db.get_value(*about.local, "creation", for_update=True))
	doctype, name = about.local
	if not here or same_moment(here, made):
		return False
	if not tells_back(doctype, work):
		# what was deleted before is not looked for in its place, see About.deleted_here
		work.resolver.raise_if_deleted_since(about)
		return False
	names = {name}
	if about.subscription.use_same_name:
		names.add(about.key[1])
	if about.came_home:
		names.add(about.root["name"])
	return any(fates.was_deleted(doctype, each, made) for each in sorted(names))


def of_the_deleted_one(about: About) -> Outcome:
	"""The outcome of such an event."""
	done = _("Deleted on this site in the meantime: it stays deleted")
	return outcome_of(about.subscription, None, done, conflict=MADE_AGAIN)


def merged_into(about: About, root: Root | None, made: datetime | None, work: Work) -> LocalKey | None:
	"""The document into which this site has merged the one that the producer still tells of."""
	merges = merges_here(about, root, made, work)
	return (about.subscription.local_doctype, merges[-1].into) if merges else None


def merges_here(about: About, root: Root | None, made: datetime | None, work: Work) -> list[fates.Merge]:
	"""The merges, one after another, by which it has become what it is here."""
	doctype = about.subscription.local_doctype
	if not tells_back(doctype, work):
		return []
	local = work.resolver.name_here(about)
	if not local and root and root["site"] == work.here and root["doctype"] == doctype:
		# the producer has taken the merge over: what it told before has no identity there any more
		local = doctype, fates.name_now(doctype, root["name"])
	return fates.merges_of(*local, made) if local else []


def outlives_deletion(before: dict, local: LocalKey, work: Work) -> bool:
	"""Whether the document was submitted or cancelled here after what the producer deleted."""
	was = (before.get("changed") or {}).get("docstatus")
	if was is None or not tells_back(local[0], work):
		return False
	return cint(frappe.db.get_value(*local, "docstatus")) > cint(was)


def is_changed_here(before: dict, local: LocalKey, work: Work) -> bool:
	"""Whether this site has changed a document since the state in which the producer has deleted it."""
	was = (before.get("changed") or {}).get("modified")
	if not was or frappe.get_meta(local[0]).issingle:
		return False
	then = convert_times(local[0], {"modified": was}, work.time_zone)["modified"]
	here = frappe.db.get_value(*local, "modified")
	return bool(here) and get_datetime(here) > get_datetime(then)
