"""Brings whole documents: those that an event makes, those that are missing, and those that these need.

It never commits, and leaves failing to the caller.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import frappe

from event_streaming.adapters.calls import after_writing
from event_streaming.adapters.doctypes import fields_decided_here
from event_streaming.consumer.apply import localise
from event_streaming.consumer.apply.outcomes import outcome_of
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.conflict_rules.adding import as_it_is_here
from event_streaming.consumer.dependencies import users
from event_streaming.consumer.dependencies.plan import PlannedDocument
from event_streaming.consumer.life_cycle import documents
from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.logs.sync_log import Outcome
from event_streaming.consumer.mapping.records import CHILD_TABLE
from event_streaming.consumer.mapping.rules import fields_with_default_only
from event_streaming.consumer.matching.one import match_one
from event_streaming.consumer.resolve import local_names
from event_streaming.consumer.resolve.about import About
from event_streaming.consumer.subscriptions.fetched import NOT_FOUND
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.exceptions import DependencyMissing, NameTaken, NotAsOne
from event_streaming.identity.registry import REMOTE_NAME, REMOTE_SITE, LocalKey, RemoteKey
from event_streaming.messages.coded import _
from event_streaming.wire.events import Root
from event_streaming.wire.files import RemoteFile
from event_streaming.wire.left_out import document_without


@dataclass(frozen=True)
class Whole:
	"""A whole document as the producer has it, with its files; its events up to `position` are contained in it.

	`settled` are the fields of a submitted document that are what the producer has stored, not what it had at the moment of an event:
	None is all of them. `is_new`: nothing here may be it. Raises NotAsOne then.
	"""

	data: dict
	position: int = 0
	files: list[RemoteFile] = field(default_factory=list)
	settled: Collection[str] | None = None
	is_new: bool = False


def bring_missing(about: About, work: Work) -> Outcome:
	"""The document that an update is about is not here: bring it whole, as it is on the producer now."""
	key, fetched = about.key, work.fetch([about.key])
	if key in fetched.documents:
		if about.subscription.use_same_name and not about.is_here:
			# when the page began nobody asked what is here by a name that a rename or a merge gives
			work.resolver.read_namesake((about.subscription.local_doctype, key[1]))
		whole = Whole(fetched.documents[key], fetched.positions.get(key, 0), fetched.files.get(key, []))
		return bring(with_root(about, fetched.roots.get(key), work), whole, work)
	reason = fetched.missing.get(key, NOT_FOUND)
	if reason == NOT_FOUND:
		return outcome_of(
			about.subscription, None, _("Not copied: it was deleted or renamed on the producer since then")
		)
	raise DependencyMissing(
		_(
			"{0} {1} is not here, and the producer does not give it: {2}. Check what the Event Subscriber may read there."
		).format(*key, reason)
	)


def with_root(about: About, root: Root | None, work: Work) -> About:
	"""The same with the root that the fetched document names: it may be here by that."""
	if not root or root == about.root:
		return about
	found = work.resolver.look(about.key, root, about.subscription)
	return replace(found, former_name=None if found.is_here else about.former_name)


def bring(about: About, whole: Whole, work: Work) -> Outcome:
	"""Make the local document that stands for a remote one, or bring the one that does to the state it has there; its files
	too."""
	if about.is_here:
		work.dependencies.arrived(about.key, about.local)
	values, plan = localise.localise_document(whole.data, about.key, about.subscription, work, make_needed)
	if plan.documents:
		# what was made first, or its life cycle, may have made this one as well
		about = work.resolver.look(about.key, about.root, about.subscription)
	filled_later = any(need.link.required for need in plan.later)
	outcome = write_document(about, values, whole.position, filled_later, work, whole.settled, whole.is_new)
	local = (outcome.local_doctype, outcome.local_name)
	localise.set_later(values, plan, local, work, make_needed)
	work.files.attach_all(whole.files, local, about.subscription)
	if plan.documents:
		outcome.done += " · " + _("Documents that it needs were created first: {0}").format(
			len(plan.documents)
		)
	return outcome


def make_needed(planned: PlannedDocument, values: dict, work: Work) -> LocalKey:
	"""Make a document that another one needs, in the naming of its own subscription if there is one."""
	if planned.doctype == "User":
		return "User", users.insert_disabled_user(values)
	subscription = work.subscriptions.get(planned.doctype) or unsubscribed(planned)
	if planned.former:
		return follow_untold_rename(planned, subscription, work)
	if subscription.use_same_name:
		work.resolver.read_namesake((planned.local_doctype, planned.name))
	filled_later = any(need.link.required for need in planned.later)
	about = work.resolver.look(planned.key, planned.root, subscription)
	outcome = write_document(about, values, planned.position, filled_later, work)
	local = (outcome.local_doctype, outcome.local_name)
	work.files.attach_all(work.fetched.files.get(planned.key, []), local, subscription)
	return local


def follow_untold_rename(planned: PlannedDocument, subscription: Subscription, work: Work) -> LocalKey:
	"""The document is here by the name that it had when it came: it gets its present one, and keeps its values, as those of what no
	events come of. One that this site has renamed since keeps that name."""
	known = planned.former
	doctype, name = known.local_doctype, known.local_name
	if subscription.use_same_name and name == known.remote_name:
		name = give_name(doctype, name, planned.name, work)
	elif not subscription.use_same_name:
		frappe.db.set_value(doctype, name, REMOTE_NAME, planned.name, update_modified=False)
	work.resolver.drop((known.remote_doctype, known.remote_name))
	work.resolver.keep(planned.key, (doctype, name), None)
	return doctype, name


def unsubscribed(planned: PlannedDocument) -> Subscription:
	"""A document of a DocType without a subscription keeps its name."""
	return Subscription(
		remote_doctype=planned.doctype,
		local_doctype=planned.local_doctype,
		use_same_name=True,
		mapping=planned.mapping,
		status="Approved",
		unsubscribed=False,
		condition=None,
		fields_this_site_decides=fields_decided_here(planned.local_doctype),
	)


def write_document(
	about: About,
	values: dict,
	position: int,
	filled_later: bool,
	work: Work,
	settled: Collection[str] | None = None,
	is_new: bool = False,
) -> Outcome:
	"""Write a document that fits this site already: a new one, or the state of the one that is here."""
	subscription, adopted = about.subscription, about.is_only_linked
	if not about.local or about.deleted_here:
		about = adopt(about, values, work)
		adopted = about.is_here
	values = convert_times(subscription.local_doctype, values, work.time_zone)
	extra = {}
	if not subscription.use_same_name and not frappe.get_meta(subscription.local_doctype).issingle:
		extra = {REMOTE_NAME: about.key[1], REMOTE_SITE: work.event_producer}
	if about.is_here and is_new:
		raise NotAsOne()
	if about.is_here:
		values = document_without(values, not_sent_here(subscription, work))
		values = without_defaults(values, about.local, subscription, work)
		counted_to = 0
		if subscription.add_up and not adopted:
			# both sites have counted: what the producer adds comes with its events, each once
			values = as_it_is_here(values, frappe.get_doc(*about.local), subscription.add_up)
			counted_to = work.resolver.counted_to(about.key)
		if adopted:
			work.resolver.adopt(about.local)
		if not subscription.use_same_name:
			# under local naming the series is this site's own
			values.pop("naming_series", None)
		work.resolver.keep_identity(about, about.local, position, counted_to)
		doc, changed, warnings = documents.replace(*about.local, values, {} if about.came_home else extra)
		if adopted:
			documents.stamp_making(*about.local, values)
		warnings += after_writing(doc, values) if changed else []
		done = (
			_("Taken over: the same document was here already") if adopted else _("Existed already: updated")
		)
	else:
		name = about.key[1] if subscription.use_same_name else about.former_name
		doc, warnings = documents.insert(
			subscription.local_doctype, values, name, extra, filled_later, settled
		)
		if name is not None and str(doc.name) != name:
			raise name_taken(subscription.local_doctype, name, work)
		work.resolver.keep_identity(about, (subscription.local_doctype, str(doc.name)), position, 0)
		warnings += after_writing(doc, values)
		done = _("Created")
	outcome = outcome_of(subscription, doc.name, done, warnings)
	outcome.given = doc.modified
	return outcome


def not_sent_here(subscription: Subscription, work: Work) -> Collection[str]:
	"""The local fields that a mapping fills from what the producer does not send."""
	if not subscription.mapping or not subscription.not_sent:
		return ()
	found = []
	for entry in work.dependencies.mappings.get(subscription.mapping).fields:
		if entry.remote_fieldname in subscription.not_sent:
			found.append(entry.local_fieldname)
		elif entry.inner and entry.mapping_type == CHILD_TABLE:
			found += [
				f"{entry.local_fieldname}.{row.local_fieldname}"
				for row in entry.inner.fields
				if f"{entry.remote_fieldname}.{row.remote_fieldname}" in subscription.not_sent
			]
	return found


def without_defaults(values: dict, local: LocalKey, subscription: Subscription, work: Work) -> dict:
	"""A default of the mapping is for documents and rows that are new: what is here has what somebody of this site may have set since."""
	if not subscription.mapping:
		return values
	fields = fields_with_default_only(work.dependencies.mappings.get(subscription.mapping))
	return as_it_is_here(values, frappe.get_doc(*local), fields) if fields else values


def adopt(about: About, values: dict, work: Work) -> About:
	"""The local document that nobody has told of yet and that is the very same, if there is one; or the one that Match By finds.
	What was known, and a person of this site has deleted, is no more than that.

	Raises NameTaken when the name belongs to another document.
	"""
	if about.deleted_here and about.subscription.use_same_name:
		work.resolver.read_namesake((about.subscription.local_doctype, about.key[1]))
	local, taken = work.resolver.find_same(about.key, values, about.subscription)
	if not local:
		local = match_one(work.event_producer, about.key, values, about.subscription, work.producer)
	if not local and taken:
		raise name_taken(about.subscription.local_doctype, about.key[1], work)
	return replace(about, local=local, is_here=work.resolver.exists(local)) if local else about


def give_name(doctype: str, name: str, new_name: str, work: Work) -> str:
	"""Rename what is here. The database may find it by the new name already, where only capitals or accents change."""
	found = local_names.written((doctype, new_name))
	if found == new_name == local_names.written((doctype, name)):
		return new_name
	if found is not None and found != local_names.written((doctype, name)):
		raise name_taken(doctype, found, work)
	return documents.rename(doctype, name, new_name, merge=False)


def name_taken(doctype: str, name: str, work: Work) -> NameTaken:
	return NameTaken(
		_(
			"{0} {1} exists on this site and did not come from {2}; it has not been touched. If both are the same document,"
			" use Adopt on this log. If not, rename the local one and resync, or let this site name the documents"
			" (clear Use Same Name on the Event Producer)."
		).format(_(doctype), name, work.event_producer)
	)


def links_elsewhere_now(key: RemoteKey, data: dict, work: Work) -> bool:
	"""Whether the document has other values by now: what it linked to may have been renamed or replaced, and only the
	document as it is now says by what."""
	now = work.fetch([key]).documents.get(key)
	return bool(now) and any(now.get(fieldname) != value for fieldname, value in data.items() if value)


def is_gone_there(key: RemoteKey, work: Work) -> bool:
	"""Whether the producer has no document of that name (any more)."""
	return work.fetch([key]).missing.get(key) == NOT_FOUND
