"""One event -> one local document, idempotently. It never commits, and leaves failing to the caller.

Applying an event twice, or one that is contained in what was fetched already, does no harm and says so.
"""

from collections.abc import Collection

import frappe
from frappe.model.document import Document

from event_streaming.adapters.calls import after_writing
from event_streaming.consumer.apply import localise, merging, renaming, two_way
from event_streaming.consumer.apply.attaching import apply_attach, apply_detach
from event_streaming.consumer.apply.bringing import (
	Whole,
	bring,
	bring_missing,
	is_gone_there,
	links_elsewhere_now,
	make_needed,
)
from event_streaming.consumer.apply.conflicts import Settler, replaced
from event_streaming.consumer.apply.outcomes import contained, outcome_of
from event_streaming.consumer.apply.told import applied_of
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.conflict_rules.adding import only
from event_streaming.consumer.conflict_rules.policies import DELETED_HERE, DELETED_THERE, SUBMITTED_HERE
from event_streaming.consumer.dependencies.relinking import places_brought_after, point_to
from event_streaming.consumer.folding.runs import is_folded, is_several
from event_streaming.consumer.life_cycle import documents
from event_streaming.consumer.life_cycle.quiet import quietly
from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.logs.sync_log import Outcome
from event_streaming.consumer.resolve import local_names
from event_streaming.consumer.resolve.about import About
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.consumer.unit_of_work.lost_transaction import Moment
from event_streaming.exceptions import (
	AsItIsNow,
	CannotApply,
	DependencyMissing,
	NotAsOne,
	RefusedDocType,
	RowMissing,
)
from event_streaming.identity.moved import watching
from event_streaming.identity.origin import applying, writing
from event_streaming.identity.registry import LINKED
from event_streaming.messages.coded import _
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
from event_streaming.wire.files import parse_files
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
	about = work.resolver.about(event, subscription)
	work.event_begins()
	applied = applied_of(event, subscription, work)
	with (
		applying(subscription.local_doctype, event["origin"], applied),
		quietly(applied.quiet),
		work.resolver.seen.made.by(about.key),
		watching() as moved,
	):
		if about.is_here:
			# files that its fields name are brought before it is written
			writing(*about.local)
		if event["id"] or event["position"]:
			outcome = HANDLERS[event["update_type"]](event, about, work)
		else:
			outcome = apply_left_over(event, about, work)
	refuse_if_taken_away(event, outcome, moved)
	outcome.warnings.extend((*work.dependencies.take_warnings(), *work.files.take_warnings()))
	return outcome


def refuse_if_taken_away(event: Event, outcome: Outcome, moved: set[tuple[str, str]]) -> None:
	"""A controller of this site has renamed or deleted the very document: what is kept of it would be about none."""
	if event["update_type"] in (DELETE, RENAME) or not outcome.local_name:
		return
	local = (outcome.local_doctype, str(outcome.local_name))
	if local in moved and not local_names.exists(local):
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


def apply_left_over(event: Event, about: About, work: Work) -> Outcome:
	"""An event that the older app failed to apply, and of whose document it has applied no other since.

	What it holds may be years old, and what was mapped then is not the producer's: wherever the document has to be
	brought, it is brought as it is on the producer now.
	"""
	subscription = about.subscription
	if event["update_type"] == DELETE:
		if about.key in work.fetch([about.key]).documents:
			return outcome_of(subscription, None, _("Not deleted: the producer has it again"))
		return apply_delete(event, about, work)
	here = about.is_here and work.resolver.exists(about.local)
	if here and about.is_only_linked:
		# also with a copy from a producer that has logged nothing yet: its documents have no position
		return bring_missing(about, work)
	if here and event["update_type"] == CREATE:
		return outcome_of(subscription, about.local[1], _("Was here already"))
	if here and not subscription.mapping:
		return apply_update(event, about, work)
	return bring_missing(about if here else about.gone(), work)


def apply_create(event: Event, about: About, work: Work) -> Outcome:
	if about.covers(event["position"]) and (event["id"] or about.is_here):
		# a copy says what is there now: what had it once and is gone has it no more
		return contained(about)
	if brought := renaming.was_brought(event, about, work):
		return brought
	if two_way.is_for_another(event, work):
		return outcome_of(
			about.subscription,
			None,
			_("Repeats a change that this site already has"),
		)
	data = parse_data(event)
	if not data:
		raise InvalidPage(_("Event {0} makes a document but holds none.").format(event["id"]))
	settled = settled_by(event, is_made_up=FILES_KEY in data)
	files = parse_files(data.pop(FILES_KEY, None))
	if work.resolver.is_renamed_here(about, data):
		work.resolver.drop(about.key)
		about = work.resolver.look(about.key, about.root, about.subscription)
	if about.is_here and work.protocol < PROTOCOL:
		# the older app does not say what it has from here: its state may be older than that of this site
		work.resolver.keep_identity(about, about.local, covered_to=0)
		return outcome_of(about.subscription, about.local[1], _("Was here already"))
	if not about.is_here:
		if two_way.is_said_to_stay(event):
			about = about.as_before(work.resolver.name_here(about))
		elif deleted := two_way.stays_deleted(about, data, work):
			return deleted
	if two_way.is_submitted_here(about, data, work):
		return submitted_here(about)
	if work.as_it_is_now:
		return bring_missing(about, work)
	before = merging.stamps_of(about.local) if about.is_here and two_way.is_said_again(event) else None
	try:
		outcome = bring(about, Whole(data, event["position"], files, *settled), work)
	except DependencyMissing as error:
		if not is_folded(event):
			raise_if_another_now(about, data, work, error)
		raise
	if before and outcome.local_name:
		# what this site has merged into it since then gave it a later one, and gives it that over there
		merging.stamp((outcome.local_doctype, outcome.local_name), before, data, work)
	return outcome


def settled_by(event: Event, is_made_up: bool) -> tuple[Collection[str] | None, bool]:
	"""What an event says is what the document was then, what a copy says is what it is, and so is what a Create says that the feed has
	made up; of several events that are applied as one, what the submission says. And whether the document has to be a new one."""
	if not event["id"] or is_made_up:
		return None, False
	return event.get("submission", ()), is_folded(event)


def apply_update(event: Event, about: About, work: Work) -> Outcome:
	if about.covers(event["position"]):
		lacks = about.subscription.add_up and about.is_here and about.lacks_numbers(event["position"])
		return apply_numbers(event, about, contained(about), work) if lacks else contained(about)
	data, subscription = parse_data(event), about.subscription
	changed = data.get("changed") or {}
	doc = documents.locked_if_there(*about.local) if about.is_here else None
	if not doc and about.is_here:
		about = work.resolver.look_again(about)
		doc = documents.locked_if_there(*about.local) if about.is_here else None
	if not doc:
		about = about.gone()
		deleted = two_way.stays_deleted(about, changed, work)
		return deleted or bring_again(about, work)
	if two_way.is_another_now(event, about, work, doc.creation):
		return two_way.of_the_deleted_one(about)
	if about.key in work.gaps or about.is_only_linked:
		work.gaps.discard(about.key)
		return bring_in_place(event, about, work)
	if kind := two_way.submission_met(event, doc, work):
		return as_submitted(event, about, doc, kind, work)
	if work.as_it_is_now:
		return update_as_it_is_now(event, about, work)
	moment = Moment()
	try:
		change = localise.localise_change(data, about.key, about.local, subscription, work, make_needed)
	except DependencyMissing as error:
		if not is_several(event):
			raise_if_another_now(about, changed, work, error)
		raise
	if change is None:
		return outcome_of(subscription, about.local[1], _("Changes no field of the mapping"))
	if moment.is_over():
		# what was made for it first may have changed the document as well
		doc = documents.locked(*about.local)
	try:
		return apply_change(event, about, doc, convert_times(doc.doctype, change, work.time_zone), work)
	except RowMissing:
		if is_several(event):
			raise
		# this site has replaced rows: only the whole document says what is in them
		return bring_in_place(event, about, work)


def as_submitted(event: Event, about: About, doc: Document, kind: str, work: Work) -> Outcome:
	"""One site has submitted a draft that the other one has changed: it is on both what was submitted, as books were written by that."""
	if is_several(event):
		raise NotAsOne()
	if kind == SUBMITTED_HERE:
		outcome = submitted_here(about)
		# what it adds is added on both sites, whatever else they keep
		return apply_numbers(event, about, outcome, work) if about.subscription.add_up else outcome
	outcome = bring_in_place(event, about, work)
	if outcome.local_name and not about.subscription.mapping:
		outcome.conflicts = replaced(doc, frappe.get_doc(*about.local), parse_data(event))
	if outcome.conflicts:
		outcome.done = _("Submitted on the producer in the meantime: the draft's changes here are replaced")
		outcome.conflict_type = kind
	return outcome


def submitted_here(about: About) -> Outcome:
	done = _("Submitted on this site in the meantime: the change of the draft is not applied")
	return outcome_of(about.subscription, about.local[1], done, conflict=SUBMITTED_HERE)


def raise_if_another_now(about: About, data: dict, work: Work, error: DependencyMissing) -> None:
	"""Raise AsItIsNow if the document is gone there, or links elsewhere by now."""
	if links_elsewhere_now(about.key, data, work) or is_gone_there(about.key, work):
		raise AsItIsNow(str(error)) from error


def update_as_it_is_now(event: Event, about: About, work: Work) -> Outcome:
	"""What a change links to can't be had any more: the whole document in its place."""
	if is_gone_there(about.key, work):
		return comes_with_what_became_of_it(about, work)
	outcome = bring_in_place(event, about, work)
	two_way.say_what_is_true(about, None, work)
	return outcome


def comes_with_what_became_of_it(about: About, work: Work) -> Outcome:
	"""A change can't be applied without the whole document, which was renamed or deleted over there since: the event that says so
	is on its way, and brings it whole."""
	known = about.identity
	root = about.root or (known and known.root)
	work.resolver.keep(about.key, about.local, root, LINKED)
	done = _("Not applied: it was deleted or renamed on the producer since then, and comes whole with that")
	return outcome_of(about.subscription, about.local[1], done)


def bring_again(about: About, work: Work) -> Outcome:
	"""A change of a document that is not here: brought whole. One that was here has been deleted on this site meanwhile."""
	outcome = bring_missing(about, work)
	if about.identity and not about.is_only_linked and outcome.local_name:
		outcome.conflict_type = DELETED_HERE
	return outcome


def bring_in_place(event: Event, about: About, work: Work) -> Outcome:
	"""Bring the whole document in the place of a change to it; the numbers that are added up come from the change."""
	if not about.subscription.add_up and is_gone_there(about.key, work):
		return comes_with_what_became_of_it(about, work)
	outcome = bring_missing(about, work)
	if not about.subscription.add_up or about.is_only_linked or not outcome.local_name:
		return outcome
	return apply_numbers(event, about, outcome, work)


def apply_numbers(event: Event, about: About, outcome: Outcome, work: Work) -> Outcome:
	"""Of a change nothing but the numbers that are added up: the rest is here already. `outcome` is what was done besides."""
	subscription = about.subscription
	change = localise.localise_change(
		parse_data(event), about.key, about.local, subscription, work, make_needed
	)
	doc = documents.locked_if_there(*about.local)
	if not change or not doc:
		return outcome
	settler = Settler(event, about, work)
	added = settler.add_up(doc, change, settler.values_before(doc))
	_doc, changed, warnings = documents.update(
		doc,
		only(added, settler.added),
		decided=subscription.left_to_this_site,
		mapped=bool(subscription.mapping),
	)
	outcome.warnings += warnings
	outcome.done = settler.told(outcome.done) if changed else outcome.done
	return outcome


def apply_change(event: Event, about: About, doc: Document, change: dict, work: Work) -> Outcome:
	"""Apply a difference that fits this site to the local document."""
	settler = Settler(event, about, work)
	subscription = about.subscription
	change = without_series(change, subscription)
	doc, changed, warnings = documents.update(
		doc,
		change,
		settler,
		decided=subscription.left_to_this_site,
		mapped=bool(subscription.mapping),
		# where both sites change it, the removal of the row is on its way to the other
		whole_rows=lambda: not two_way.tells_back(doc.doctype, work),
		computed=lambda: settler.computed,
	)
	settler.came_out(doc)
	warnings += after_writing(doc, change) if changed else []
	if settler.to_agree_on:
		two_way.say_what_is_true(about, (change.get("changed") or {}).get("modified"), work)
	done = _("Updated") if changed else _("Nothing to change: this site has these values already")
	outcome = outcome_of(about.subscription, doc.name, settler.told(done), warnings)
	outcome.conflicts = settler.conflicts
	outcome.given = None if settler.met else doc.modified
	return outcome


def without_series(change: dict, subscription: Subscription) -> dict:
	"""Under local naming the naming series is this site's own."""
	changed = change.get("changed") or {}
	if subscription.use_same_name or "naming_series" not in changed:
		return change
	return {**change, "changed": {key: value for key, value in changed.items() if key != "naming_series"}}


def apply_delete(event: Event, about: About, work: Work) -> Outcome:
	if about.covers(event["position"]):
		# what is here was made there after this deletion
		return contained(about)
	subscription, local = about.subscription, about.local
	if not about.is_here:
		work.resolver.drop(about.key)
		return outcome_of(subscription, None, _("Was not here (any more)"))
	if two_way.is_another_now(event, about, work):
		return two_way.of_the_deleted_one(about)
	if merging.stays_after_a_merge(event, about, work):
		return outcome_of(subscription, local[1], _("Merged into each other on both sites: it stays"))
	left = bool(parse_data(event).get("left"))
	if left and (subscription.when_condition_ends != REMOVE or about.first_made_here):
		return outcome_of(subscription, local[1], _("No longer meets the condition: kept"))
	if two_way.outlives_deletion(parse_data(event, "data_before"), local, work):
		return outcome_of(
			subscription,
			local[1],
			_("Submitted or cancelled on this site in the meantime: it stays"),
			conflict=DELETED_THERE,
		)
	if work.resolver.stands_for_others(about):
		work.resolver.drop(about.key)
		return outcome_of(subscription, local[1], _("Also linked to another document of the producer: kept"))
	changed_here = two_way.is_changed_here(parse_data(event, "data_before"), local, work)
	if work.as_it_is_now:
		return make_room(event, about, work, DELETED_THERE if changed_here else "")
	try:
		documents.delete(*local)
	except frappe.LinkExistsError as error:
		if left or is_gone_there(about.key, work):
			raise
		raise AsItIsNow(str(error)) from error
	work.resolver.drop(about.key)
	done = _("No longer meets the condition: removed") if left else _("Deleted")
	return outcome_of(subscription, local[1], done, conflict=DELETED_THERE if changed_here else "")


def make_room(event: Event, about: About, work: Work, conflict: str) -> Outcome:
	"""Delete a document to which others are linked here that were brought later, and mean another one: the producer has made it since under
	the same name. It comes whole, and they are linked to that. Raises LinkExistsError where any other one is linked to it."""
	places = places_brought_after(about.local, event["position"], work.event_producer)
	point_to(places, None)
	documents.delete(*about.local)
	work.resolver.drop(about.key)
	point_to(places, renaming.bring_namesake(about, work).local_name or about.local[1])
	return outcome_of(about.subscription, about.local[1], _("Deleted"), conflict=conflict)


HANDLERS = {
	CREATE: apply_create,
	UPDATE: apply_update,
	DELETE: apply_delete,
	RENAME: renaming.apply_rename,
	ATTACH: apply_attach,
	DETACH: apply_detach,
}
