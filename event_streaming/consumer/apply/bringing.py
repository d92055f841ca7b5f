"""Brings whole documents: those that an event makes, those that are missing, and those that these need.

It never commits, and leaves failing to the caller.
"""

import frappe
from frappe import _

from event_streaming.adapters.calls import after_writing
from event_streaming.adapters.doctypes import fields_decided_here
from event_streaming.consumer.apply import localise
from event_streaming.consumer.dependencies import users
from event_streaming.consumer.dependencies.plan import PlannedDocument
from event_streaming.consumer.life_cycle import documents
from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.logs.sync_log import Outcome
from event_streaming.consumer.resolve.whereabouts import (
	came_home,
	exists,
	find_local,
	keep_identity,
	outcome_of,
	same_creation,
)
from event_streaming.consumer.resolve.work import Work
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.exceptions import DependencyMissing, NameTaken
from event_streaming.identity.registry import REMOTE_NAME, REMOTE_SITE, LocalKey, RemoteKey
from event_streaming.wire.events import Root
from event_streaming.wire.files import RemoteFile


def bring_missing(key: RemoteKey, root: Root | None, subscription: Subscription, work: Work) -> Outcome:
	"""The document that an update is about is not here: bring it whole, as it is on the producer now."""
	fetched = work.fetch([key])
	if key in fetched.documents:
		data, position = fetched.documents[key], fetched.positions.get(key, 0)
		root = fetched.roots.get(key, root)
		return bring(key, data, root, subscription, work, position, fetched.files.get(key, []))
	reason = fetched.missing.get(key, "not found")
	if reason == "not found":
		return outcome_of(
			subscription, None, _("Not brought: it has been deleted or renamed on the producer since")
		)
	raise DependencyMissing(
		_(
			"{0} {1} is not here, and the producer does not give it: {2}. Check what the Event Subscriber may read there."
		).format(*key, reason)
	)


def bring(
	key: RemoteKey,
	data: dict,
	root: Root | None,
	subscription: Subscription,
	work: Work,
	covered_to: int,
	files: list[RemoteFile],
	settled: bool = True,
) -> Outcome:
	"""Make the local document that stands for a remote one, or bring the one that does to the state `data`; its files too.

	`settled`: the state is the one that the producer has stored, not that of a moment.
	"""
	local = find_local(key, root, subscription, work)
	if local and exists(local):
		work.dependencies.arrived(key, local)
	values, plan = localise.localise_document(data, key, subscription, work, make_needed)
	filled_later = any(need.link.required for need in plan.later)
	outcome = write_document(key, values, root, subscription, work, covered_to, filled_later, settled)
	local = (outcome.local_doctype, outcome.local_name)
	localise.set_later(values, plan, local, work)
	work.files.attach_all(files, local, subscription)
	if plan.documents:
		outcome.done += " · " + _("Documents that it needs were made first: {0}").format(len(plan.documents))
	return outcome


def make_needed(planned: PlannedDocument, values: dict, work: Work) -> LocalKey:
	"""Make a document that another one needs, in the naming of its own subscription if there is one."""
	if planned.doctype == "User":
		return "User", users.insert_disabled_user(values)
	subscription = work.subscriptions.get(planned.doctype) or unsubscribed(planned)
	namesake = (planned.local_doctype, planned.name)
	if subscription.use_same_name and namesake not in work.same_named:
		work.same_named[namesake] = frappe.db.get_value(*namesake, "creation")
	filled_later = any(need.link.required for need in planned.later)
	outcome = write_document(
		planned.key, values, planned.root, subscription, work, planned.position, filled_later
	)
	local = (outcome.local_doctype, outcome.local_name)
	work.files.attach_all(work.fetched.files.get(planned.key, []), local, subscription)
	return local


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
	key: RemoteKey,
	values: dict,
	root: Root | None,
	subscription: Subscription,
	work: Work,
	covered_to: int,
	filled_later: bool,
	settled: bool = True,
) -> Outcome:
	"""Write a document that fits this site already: a new one, or the state of the one that is here."""
	local = find_local(key, root, subscription, work)
	adopted = False
	if not local and subscription.use_same_name:
		local = adopt_namesake(key, values, subscription, work)
		adopted = local is not None
	values = convert_times(subscription.local_doctype, values, work.time_zone)
	extra = {}
	if not subscription.use_same_name:
		extra = {REMOTE_NAME: key[1], REMOTE_SITE: work.event_producer}
	if local and exists(local):
		if not subscription.use_same_name:
			# under local naming the series is this site's own
			values.pop("naming_series", None)
		keep_identity(key, local, root, work, covered_to)
		doc, changed, warnings = documents.replace(*local, values, {} if came_home(root, work) else extra)
		warnings += after_writing(doc, values) if changed else []
		done = (
			_("Taken over: the same document was here already") if adopted else _("Existed already: updated")
		)
		outcome = outcome_of(subscription, doc.name, done, warnings)
		outcome.given = doc.modified
		return outcome
	name = key[1] if subscription.use_same_name else None
	doc, warnings = documents.insert(subscription.local_doctype, values, name, extra, filled_later, settled)
	if name is not None and str(doc.name) != name:
		raise name_taken(subscription.local_doctype, name, work)
	keep_identity(key, (subscription.local_doctype, doc.name), root, work, covered_to)
	warnings += after_writing(doc, values)
	outcome = outcome_of(subscription, doc.name, _("Created"), warnings)
	outcome.given = doc.modified
	return outcome


def adopt_namesake(key: RemoteKey, data: dict, subscription: Subscription, work: Work) -> LocalKey | None:
	"""The local document of the same name, if it is the very same one (this site began as a copy of the producer).

	Raises NameTaken when the name belongs to another document.
	"""
	local = (subscription.local_doctype, key[1])
	if frappe.get_meta(local[0]).issingle:
		return local
	creation = work.same_named.get(local)
	if not creation:
		return None
	there = convert_times(local[0], {"creation": data.get("creation")}, work.time_zone)["creation"]
	if same_creation(creation, there):
		return local
	raise name_taken(*local, work)


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
