"""One event -> one local document, idempotently. It never commits, and leaves failing to the caller.

Applying an event twice, or one that is contained in what was fetched already, does no harm and says so.
"""

import frappe
from frappe import _
from frappe.model.document import Document

from event_streaming.consumer.apply import localise, two_way
from event_streaming.consumer.apply.bringing import bring, bring_missing, links_elsewhere_now, make_needed
from event_streaming.consumer.apply.conflicts import Settler
from event_streaming.consumer.apply.renaming import apply_rename
from event_streaming.consumer.life_cycle import documents
from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.logs.sync_log import Outcome
from event_streaming.consumer.resolve.whereabouts import (
	contained,
	covered,
	exists,
	find_changed,
	find_local,
	first_made_here,
	forget_if_another,
	keep_identity,
	outcome_of,
)
from event_streaming.consumer.resolve.work import Work, remote_key
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.consumer.unit_of_work.transaction import Moment
from event_streaming.exceptions import CannotApply, DependencyMissing, FileGone, RefusedDocType
from event_streaming.identity.moved import watching
from event_streaming.identity.origin import applying
from event_streaming.identity.registry import LocalKey
from event_streaming.site.refused import why_refused
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.events import (
	ATTACH,
	CREATE,
	DELETE,
	DETACH,
	FILES_KEY,
	RENAME,
	UPDATE,
	Event,
	parse_data,
)
from event_streaming.wire.files import parse_file, parse_files
from event_streaming.wire.pages import PROTOCOL, REMOVE


def apply_event(event: Event, work: Work) -> Outcome:
	"""Apply one event; returns what was done.

	Raises CannotApply, NameTaken, DependencyMissing, InvalidPage, the Remote* errors, or whatever Frappe raises
	when the document can't be saved. The caller stands in a savepoint.
	"""
	if event["update_type"] not in HANDLERS:
		raise InvalidPage(event["problem"] or _("The event could not be read when it came."))
	subscription = subscription_for(event, work)
	if subscription.unsubscribed:
		return outcome_of(subscription, None, _("Not applied: this site has unsubscribed from it"))
	if event["origin"] == work.here:
		return outcome_of(subscription, None, _("First made on this site: nothing to do"))
	with applying(subscription.local_doctype, event["origin"]), watching() as moved:
		if event["id"] or event["position"]:
			outcome = HANDLERS[event["update_type"]](event, subscription, work)
		else:
			outcome = apply_left_over(event, subscription, work)
	refuse_if_taken_away(event, outcome, moved)
	outcome.warnings.extend(work.files.take_warnings())
	return outcome


def refuse_if_taken_away(event: Event, outcome: Outcome, moved: set[LocalKey]) -> None:
	"""A controller of this site has renamed or deleted the very document: what is kept of it would be about none."""
	if event["update_type"] in (DELETE, RENAME) or not outcome.local_name:
		return
	local = (outcome.local_doctype, str(outcome.local_name))
	if local in moved and not exists(local):
		raise CannotApply(
			_("{0} {1} was renamed or deleted by this site's own code while the event was applied.").format(
				_(local[0]), local[1]
			)
		)


def subscription_for(event: Event, work: Work) -> Subscription:
	"""How the event's DocType is subscribed to; what this site has not asked for is refused."""
	subscription = work.subscriptions.get(event["ref_doctype"])
	if not subscription:
		raise CannotApply(
			_("{0} sent an event of {1}, to which this site does not subscribe.").format(
				work.event_producer, event["ref_doctype"]
			)
		)
	if reason := why_refused(subscription.local_doctype):
		if not frappe.db.exists("DocType", subscription.local_doctype, cache=True):
			reason = _(
				"The DocType {0} does not exist on this site: install its app, or take it out of Event Producer {1}."
			).format(subscription.local_doctype, work.event_producer)
			raise CannotApply(reason)
		raise RefusedDocType(reason)
	return subscription


def apply_left_over(event: Event, subscription: Subscription, work: Work) -> Outcome:
	"""An event that the older app failed to apply, and of whose document it has applied no other since.

	What it holds may be years old, and what was mapped then is not the producer's: wherever the document has to be
	brought, it is brought as it is on the producer now.
	"""
	key = remote_key(event)
	local = find_local(key, event["root"], subscription, work)
	here = bool(local and exists(local))
	if event["update_type"] == DELETE:
		if key in work.fetch([key]).documents:
			return outcome_of(subscription, None, _("Not deleted: the producer has it again"))
		return apply_delete(event, subscription, work)
	if here and event["update_type"] == CREATE:
		return outcome_of(subscription, local[1], _("Was here already"))
	if here and not subscription.mapping:
		return apply_update(event, subscription, work)
	return bring_missing(key, event["root"], subscription, work)


def apply_create(event: Event, subscription: Subscription, work: Work) -> Outcome:
	known = covered(event, work)
	if known:
		return contained(subscription, known)
	if two_way.is_for_another(event, work):
		return outcome_of(
			subscription,
			None,
			_("Said again to a site that had changed it as well: nothing new for this one"),
		)
	data = parse_data(event)
	if not data:
		raise InvalidPage(_("Event {0} makes a document but holds none.").format(event["id"]))
	key = remote_key(event)
	files = parse_files(data.pop(FILES_KEY, None))
	forget_if_another(key, data, subscription, work)
	local = find_local(key, event["root"], subscription, work)
	here = bool(local and exists(local))
	if here and work.protocol < PROTOCOL:
		# the older app does not say what it has from here: its state may be older than that of this site
		keep_identity(key, local, event["root"], work, covered_to=0)
		return outcome_of(subscription, local[1], _("Was here already"))
	if not here:
		deleted = two_way.stays_deleted(event, data, subscription, work)
		if deleted:
			return deleted
	try:
		return bring(key, data, event["root"], subscription, work, event["position"], files)
	except DependencyMissing:
		if not links_elsewhere_now(key, data, work):
			raise
		return bring_missing(key, event["root"], subscription, work)


def apply_update(event: Event, subscription: Subscription, work: Work) -> Outcome:
	known = covered(event, work)
	if known:
		return contained(subscription, known)
	key, data = remote_key(event), parse_data(event)
	local = find_changed(event, subscription, work)
	changed = data.get("changed") or {}
	doc = documents.locked_if_there(*local) if local else None
	if not doc:
		deleted = two_way.stays_deleted(event, changed, subscription, work)
		return deleted or bring_missing(key, event["root"], subscription, work)
	if key in work.gaps:
		work.gaps.discard(key)
		return bring_missing(key, event["root"], subscription, work)
	moment = Moment()
	try:
		change = localise.localise_change(data, key, local, subscription, work, make_needed)
	except DependencyMissing:
		if not links_elsewhere_now(key, changed, work):
			raise
		outcome = bring_missing(key, event["root"], subscription, work)
		say_what_is_true(event, local, None, work)
		return outcome
	if change is None:
		return outcome_of(subscription, local[1], _("Changes no field that the mapping names"))
	if moment.is_over():
		# what was made for it first may have changed the document as well
		doc = documents.locked(*local)
	return apply_change(event, doc, convert_times(local[0], change, work.time_zone), subscription, work)


def apply_change(
	event: Event, doc: Document, change: dict, subscription: Subscription, work: Work
) -> Outcome:
	"""Apply a difference that fits this site to the local document."""
	settler, local = Settler(event, subscription, work), (doc.doctype, str(doc.name))
	doc, changed, warnings = documents.update(doc, change, settler)
	if settler.met:
		say_what_is_true(event, local, (change.get("changed") or {}).get("modified"), work)
	done = _("Updated") if changed else _("Nothing to change: this site has these values already")
	outcome = outcome_of(subscription, doc.name, settler.told(done), warnings)
	outcome.conflicts = settler.conflicts
	outcome.given = None if settler.met else doc.modified
	return outcome


def say_what_is_true(event: Event, local: LocalKey, modified: str | None, work: Work) -> None:
	"""Both sites had changed the document: where this one has the last word, the other is told what came of it."""
	if two_way.is_root_here(remote_key(event), event["root"], work) and two_way.tells_back(local[0], work):
		two_way.restate(*local, modified, work.event_producer)


def apply_delete(event: Event, subscription: Subscription, work: Work) -> Outcome:
	known = covered(event, work)
	if known:
		# what is here was made there after this deletion
		return contained(subscription, known)
	key = remote_key(event)
	local = find_changed(event, subscription, work)
	if not local or not exists(local):
		work.drop(key)
		return outcome_of(subscription, None, _("Was not here (any more)"))
	left = bool(parse_data(event).get("left"))
	if left and (subscription.when_condition_ends != REMOVE or first_made_here(key, event["root"], work)):
		return outcome_of(subscription, local[1], _("No longer meets the condition: kept"))
	if two_way.outlives_deletion(parse_data(event, "data_before"), local, work):
		return outcome_of(
			subscription, local[1], _("Submitted or cancelled on this site in the meantime: it stays")
		)
	documents.delete(*local)
	work.drop(key)
	done = _("No longer meets the condition: removed") if left else _("Deleted")
	return outcome_of(subscription, local[1], done)


def apply_attach(event: Event, subscription: Subscription, work: Work) -> Outcome:
	known = covered(event, work)
	if known:
		return contained(subscription, known)
	remote = parse_file(parse_data(event))
	key = remote_key(event)
	local = find_changed(event, subscription, work)
	if not local or not exists(local):
		deleted = two_way.stays_deleted(event, {}, subscription, work)
		return deleted or bring_missing(key, event["root"], subscription, work)
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
	remote = parse_file(parse_data(event))
	local = find_changed(event, subscription, work)
	if work.files.detach(remote, local):
		done = _("Removed: {0}").format(remote["file_name"])
	else:
		done = _("Was not here (any more)")
	return outcome_of(subscription, local[1] if local else None, done)


HANDLERS = {
	CREATE: apply_create,
	UPDATE: apply_update,
	DELETE: apply_delete,
	RENAME: apply_rename,
	ATTACH: apply_attach,
	DETACH: apply_detach,
}
