"""One event -> one local document, idempotently. It never commits, and leaves failing to the caller.

Applying an event twice, or one that is contained in what was fetched already, does no harm and says so.
"""

import frappe
from frappe import _

from event_streaming import wire
from event_streaming.consumer import dependency_users, documents, links
from event_streaming.consumer.conflicts import Settler
from event_streaming.consumer.dependency_plan import PlannedDocument
from event_streaming.consumer.fields import REMOTE_NAME, REMOTE_SITE
from event_streaming.consumer.page import Work, find_by_root, remote_key, same_creation
from event_streaming.consumer.subscription import Subscription
from event_streaming.consumer.sync_log import SYNCED, Outcome
from event_streaming.consumer.times import convert_times
from event_streaming.exceptions import CannotApply, DependencyMissing, FileGone, NameTaken, RefusedDocType
from event_streaming.identity import Identity, LocalKey, RemoteKey, own_identity
from event_streaming.origin import applying
from event_streaming.refused import why_refused
from event_streaming.wire import Event, RemoteFile, Root


def apply_event(event: Event, work: Work) -> Outcome:
	"""Apply one event; returns what was done.

	Raises CannotApply, NameTaken, DependencyMissing, wire.InvalidPage, the Remote* errors, or whatever Frappe raises
	when the document can't be saved. The caller stands in a savepoint.
	"""
	if event["update_type"] not in HANDLERS:
		raise wire.InvalidPage(event["problem"] or _("The event could not be read when it came."))
	subscription = subscription_for(event, work)
	if subscription.unsubscribed:
		return outcome_of(subscription, None, _("Not applied: this site has unsubscribed from it"))
	if event["origin"] == work.here:
		return outcome_of(subscription, None, _("First made on this site: nothing to do"))
	with applying(subscription.local_doctype, event["origin"]):
		outcome = HANDLERS[event["update_type"]](event, subscription, work)
	outcome.warnings.extend(work.files.take_warnings())
	return outcome


def subscription_for(event: Event, work: Work) -> Subscription:
	"""How the event's DocType is subscribed to; what this site has not asked for is refused."""
	subscription = work.subscriptions.get(event["ref_doctype"])
	if not subscription:
		raise CannotApply(
			_("{0} sent an event of {1}, to which this site does not subscribe.").format(
				work.event_producer, event["ref_doctype"]
			)
		)
	if not frappe.db.exists("DocType", subscription.local_doctype, cache=True):
		raise CannotApply(
			_(
				"The DocType {0} does not exist on this site: install its app, or take it out of Event Producer {1}."
			).format(subscription.local_doctype, work.event_producer)
		)
	if reason := why_refused(subscription.local_doctype):
		raise RefusedDocType(reason)
	return subscription


def apply_create(event: Event, subscription: Subscription, work: Work) -> Outcome:
	known = covered(event, work)
	if known:
		return contained(subscription, known)
	data = wire.parse_data(event)
	if not data:
		raise wire.InvalidPage(_("Event {0} makes a document but holds none.").format(event["id"]))
	key = remote_key(event)
	files = wire.parse_files(data.pop(wire.FILES_KEY, None))
	try:
		return bring(key, data, event["root"], subscription, work, event["position"], files)
	except DependencyMissing:
		if not links_elsewhere_now(key, data, work):
			raise
		return bring_missing(key, event["root"], subscription, work)


def links_elsewhere_now(key: RemoteKey, data: dict, work: Work) -> bool:
	"""Whether the document has other values by now: what it linked to may have been renamed or replaced, and only the
	document as it is now says by what."""
	now = work.fetch([key]).documents.get(key)
	return bool(now) and any(now.get(fieldname) != value for fieldname, value in data.items() if value)


def apply_update(event: Event, subscription: Subscription, work: Work) -> Outcome:
	known = covered(event, work)
	if known:
		return contained(subscription, known)
	key = remote_key(event)
	local = find_local(key, event["root"], subscription, work)
	if not local or not exists(local):
		return bring_missing(key, event["root"], subscription, work)
	try:
		change = links.localise_change(wire.parse_data(event), key, local, subscription, work, make_needed)
	except DependencyMissing:
		if not links_elsewhere_now(key, wire.parse_data(event).get("changed") or {}, work):
			raise
		return bring_missing(key, event["root"], subscription, work)
	if change is None:
		return outcome_of(subscription, local[1], _("Changes no field that the mapping names"))
	settler = Settler(event, subscription, work)
	change = convert_times(local[0], change, work.time_zone)
	doc, changed, warnings = documents.update(*local, change, settler)
	done = _("Updated") if changed else _("Nothing to change: this site has these values already")
	outcome = outcome_of(subscription, doc.name, settler.told(done), warnings)
	outcome.conflicts = settler.conflicts
	return outcome


def apply_delete(event: Event, subscription: Subscription, work: Work) -> Outcome:
	key = remote_key(event)
	local = find_local(key, event["root"], subscription, work)
	if not local or not exists(local):
		work.drop(key)
		return outcome_of(subscription, None, _("Was not here (any more)"))
	left = bool(wire.parse_data(event).get("left"))
	if left and (
		subscription.when_condition_ends != wire.REMOVE or first_made_here(key, event["root"], work)
	):
		return outcome_of(subscription, local[1], _("No longer meets the condition: kept"))
	documents.delete(*local)
	work.drop(key)
	done = _("No longer meets the condition: removed") if left else _("Deleted")
	return outcome_of(subscription, local[1], done)


def apply_rename(event: Event, subscription: Subscription, work: Work) -> Outcome:
	data = wire.parse_data(event)
	new_name = wire.text(data.get("new_name"), "new_name", wire.MAX_NAME, required=True)
	old_key, new_key = remote_key(event), (event["ref_doctype"], new_name)
	local = find_local(old_key, event["root"], subscription, work)
	if not local or not exists(local):
		return bring_missing(new_key, event["root"], subscription, work)
	target = find_local(new_key, None, subscription, work)
	if data.get("merge") and target and target != local and exists(target):
		documents.rename(local[0], local[1], target[1], merge=True)
		work.drop(old_key)
		return outcome_of(subscription, target[1], _("Merged into {0}").format(target[1]))
	return rename_here(old_key, new_key, local, event["root"], subscription, work)


def rename_here(
	old_key: RemoteKey,
	new_key: RemoteKey,
	local: LocalKey,
	root: Root | None,
	subscription: Subscription,
	work: Work,
) -> Outcome:
	"""The producer's document has another name: with local naming only the reference to it changes."""
	name = local[1]
	if subscription.use_same_name and name != new_key[1]:
		if exists((local[0], new_key[1])):
			raise name_taken(local[0], new_key[1], work)
		name = documents.rename(local[0], name, new_key[1], merge=False)
	elif not subscription.use_same_name and not came_home(root, work):
		frappe.db.set_value(local[0], name, REMOTE_NAME, new_key[1], update_modified=False)
	before = work.identity_of(old_key)
	work.drop(old_key)
	if came_home(root, work):
		root = {"site": work.here, "doctype": local[0], "name": name}
	work.keep(
		own_identity(work.event_producer, new_key, (local[0], name), root, before.covered_to if before else 0)
	)
	return outcome_of(
		subscription, name, _("Renamed from {0} to {1} on the producer").format(old_key[1], new_key[1])
	)


def apply_attach(event: Event, subscription: Subscription, work: Work) -> Outcome:
	known = covered(event, work)
	if known:
		return contained(subscription, known)
	remote = wire.parse_file(wire.parse_data(event))
	key = remote_key(event)
	local = find_local(key, event["root"], subscription, work)
	if not local or not exists(local):
		return bring_missing(key, event["root"], subscription, work)
	try:
		work.files.attach(remote, local, subscription)
	except FileGone:
		done = _("Not attached: {0} has been deleted on the producer since").format(remote["file_name"])
		return outcome_of(subscription, local[1], done)
	return outcome_of(subscription, local[1], _("Attached: {0}").format(remote["file_name"]))


def apply_detach(event: Event, subscription: Subscription, work: Work) -> Outcome:
	known = covered(event, work)
	if known:
		return contained(subscription, known)
	remote = wire.parse_file(wire.parse_data(event))
	local = find_local(remote_key(event), event["root"], subscription, work)
	if work.files.detach(remote, local):
		done = _("Removed: {0}").format(remote["file_name"])
	else:
		done = _("Was not here (any more)")
	return outcome_of(subscription, local[1] if local else None, done)


HANDLERS = {
	wire.CREATE: apply_create,
	wire.UPDATE: apply_update,
	wire.DELETE: apply_delete,
	wire.RENAME: apply_rename,
	wire.ATTACH: apply_attach,
	wire.DETACH: apply_detach,
}


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
) -> Outcome:
	"""Make the local document that stands for a remote one, or bring the one that does to the state `data`; its files too."""
	local = find_local(key, root, subscription, work)
	if local and exists(local):
		work.dependencies.arrived(key, local)
	values, plan = links.localise_document(data, key, subscription, work, make_needed)
	filled_later = any(need.link.required for need in plan.later)
	outcome = write_document(key, values, root, subscription, work, covered_to, filled_later)
	local = (outcome.local_doctype, outcome.local_name)
	links.set_later(values, plan, local, work)
	work.files.attach_all(files, local, subscription)
	if plan.documents:
		outcome.done += " · " + _("Documents that it needs were made first: {0}").format(len(plan.documents))
	return outcome


def make_needed(planned: PlannedDocument, values: dict, work: Work) -> LocalKey:
	"""Make a document that another one needs, in the naming of its own subscription if there is one."""
	if planned.doctype == "User":
		return "User", dependency_users.insert_disabled_user(values)
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
	)


def write_document(
	key: RemoteKey,
	values: dict,
	root: Root | None,
	subscription: Subscription,
	work: Work,
	covered_to: int,
	filled_later: bool,
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
		keep_identity(key, local, root, work, covered_to)
		doc, _changed, warnings = documents.replace(*local, values, {} if came_home(root, work) else extra)
		done = (
			_("Taken over: the same document was here already") if adopted else _("Existed already: updated")
		)
		return outcome_of(subscription, doc.name, done, warnings)
	name = key[1] if subscription.use_same_name else None
	doc, warnings = documents.insert(subscription.local_doctype, values, name, extra, filled_later)
	if name is not None and str(doc.name) != name:
		raise name_taken(subscription.local_doctype, name, work)
	keep_identity(key, (subscription.local_doctype, doc.name), root, work, covered_to)
	return outcome_of(subscription, doc.name, _("Created"), warnings)


def first_made_here(key: RemoteKey, root: Root | None, work: Work) -> bool:
	known = work.identity_of(key)
	return came_home(root, work) or bool(known and known.root_site == work.here)


def came_home(root: Root | None, work: Work) -> bool:
	return bool(root) and root["site"] == work.here


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


def find_local(key: RemoteKey, root: Root | None, subscription: Subscription, work: Work) -> LocalKey | None:
	"""The local document that stands for a remote one: by identity, else by where it was first made.

	Only one of the DocType that the subscription is for: what the producer says of a root opens no other.
	"""
	known = work.identity_of(key)
	local = (known.local_doctype, known.local_name) if known else find_by_root(work, root)
	return local if local and local[0] == subscription.local_doctype else None


def exists(local: LocalKey) -> bool:
	doctype, name = local
	return bool(frappe.get_meta(doctype).issingle or frappe.db.exists(doctype, name))


def keep_identity(key: RemoteKey, local: LocalKey, root: Root | None, work: Work, covered_to: int) -> None:
	before = work.identity_of(key)
	work.keep(
		own_identity(
			work.event_producer, key, local, root, max(covered_to, before.covered_to if before else 0)
		)
	)


def covered(event: Event, work: Work) -> Identity | None:
	"""The identity of the event's document when what it brings is contained in the local document already."""
	known = work.identity_of(remote_key(event))
	if known and event["position"] and event["position"] <= known.covered_to:
		return known
	return None


def contained(subscription: Subscription, known: Identity) -> Outcome:
	return outcome_of(subscription, known.local_name, _("Contained in what was brought before"))


def outcome_of(
	subscription: Subscription, name: str | None, done: str, warnings: list[str] | None = None
) -> Outcome:
	return Outcome(
		status=SYNCED,
		local_doctype=subscription.local_doctype,
		local_name=name,
		done=done,
		warnings=warnings or [],
		use_same_name=subscription.use_same_name,
		mapping=subscription.mapping,
	)
