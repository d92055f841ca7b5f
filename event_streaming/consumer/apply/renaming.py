"""A document of the producer got another name, or was merged into another one.

It never commits, and leaves failing to the caller. What is done when both sites renamed it is said in two_way.py.
"""

import frappe
from frappe import _
from frappe.utils import cint

from event_streaming.consumer.apply import two_way
from event_streaming.consumer.apply.bringing import bring_missing, name_taken
from event_streaming.consumer.life_cycle import documents
from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.logs.sync_log import Outcome
from event_streaming.consumer.resolve.whereabouts import (
	came_home,
	contained,
	covered,
	covered_to,
	exists,
	find_by_fetched_root,
	find_changed,
	find_local,
	keep_identity,
	outcome_of,
)
from event_streaming.consumer.resolve.work import Work, remote_key
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.identity.registry import REMOTE_NAME, LocalKey, RemoteKey, own_identity
from event_streaming.wire.checks import MAX_NAME, text
from event_streaming.wire.events import Event, Root, parse_data


def apply_rename(event: Event, subscription: Subscription, work: Work) -> Outcome:
	data = parse_data(event)
	new_name = text(data.get("new_name"), "new_name", MAX_NAME, required=True)
	key, new_key = remote_key(event), (event["ref_doctype"], new_name)
	known = covered(event, work)
	if known:
		# what is here got the name after this rename
		return contained(subscription, known)
	local = find_changed(event, subscription, work)
	if data.get("merge"):
		return merge_here(event, data, local, new_key, subscription, work)
	if not local or not exists(local):
		deleted = two_way.stays_deleted(event, {}, subscription, work)
		return deleted or bring_missing(new_key, event["root"], subscription, work)
	target = find_local(new_key, None, subscription, work)
	if covered_to(new_key, work) >= event["position"] > 0 and target and target != local and exists(target):
		# it has been brought under its new name already
		documents.rename(local[0], local[1], target[1], merge=True)
		work.drop(key)
		return outcome_of(subscription, target[1], _("Merged into {0}").format(target[1]))
	return rename_here(key, new_key, local, event["root"], subscription, work)


def merge_here(
	event: Event,
	data: dict,
	local: LocalKey | None,
	into: RemoteKey,
	subscription: Subscription,
	work: Work,
) -> Outcome:
	"""The event that deletes the merged document follows; what is not merged here goes with that."""
	target = find_target(into, subscription, work)
	if local and exists(local):
		if cint(frappe.db.get_value(*local, "docstatus")) > cint(data.get("docstatus")):
			return outcome_of(
				subscription, local[1], _("Submitted or cancelled on this site in the meantime: it stays")
			)
		if target and target != local:
			documents.rename(local[0], local[1], target[1], merge=True)
			work.drop(remote_key(event))
	if not target:
		return outcome_of(subscription, None, _("{0}, into which it was merged, is gone").format(into[1]))
	documents.stamp(*target, convert_times(target[0], data, work.time_zone))
	return outcome_of(subscription, target[1], _("Merged into {0}").format(target[1]))


def find_target(key: RemoteKey, subscription: Subscription, work: Work) -> LocalKey | None:
	"""The local document that another one is merged into, brought if it never was here; None when it is gone."""
	target = find_local(key, None, subscription, work)
	if target and exists(target):
		return target
	fetched = work.fetch([key])
	root = fetched.roots.get(key)
	target = target or find_by_fetched_root(root, subscription, work)
	if target and exists(target):
		keep_identity(key, target, root, work, 0)
		return target
	if two_way.deletion_here(key, root, subscription, work) or key not in fetched.documents:
		return None
	brought = bring_missing(key, root, subscription, work)
	return brought.local_doctype, brought.local_name


def rename_here(
	old_key: RemoteKey,
	new_key: RemoteKey,
	local: LocalKey,
	root: Root | None,
	subscription: Subscription,
	work: Work,
) -> Outcome:
	"""The producer's document has another name: with local naming only the reference to it changes."""
	name, before = local[1], work.identity_of(old_key)
	contained_to = before.covered_to if before else 0
	if subscription.use_same_name and name not in (old_key[1], new_key[1]):
		if two_way.is_root_here(old_key, root, work) and two_way.tells_back(local[0], work):
			return keep_own_name(old_key, new_key, local, root, subscription, work)
	if subscription.use_same_name and name != new_key[1]:
		if exists((local[0], new_key[1])):
			raise name_taken(local[0], new_key[1], work)
		name = documents.rename(local[0], name, new_key[1], merge=False)
	elif not subscription.use_same_name and not came_home(root, work):
		frappe.db.set_value(local[0], name, REMOTE_NAME, new_key[1], update_modified=False)
	work.drop(old_key)
	if came_home(root, work):
		root = {"site": work.here, "doctype": local[0], "name": name}
	work.keep(own_identity(work.event_producer, new_key, (local[0], name), root, contained_to))
	return outcome_of(
		subscription, name, _("Renamed from {0} to {1} on the producer").format(old_key[1], new_key[1])
	)


def keep_own_name(
	old_key: RemoteKey,
	new_key: RemoteKey,
	local: LocalKey,
	root: Root | None,
	subscription: Subscription,
	work: Work,
) -> Outcome:
	"""Both sites have renamed the document, and this one's name stays: the producer takes it with this site's event."""
	before = work.identity_of(old_key)
	root = root or {
		"site": before.root_site if before else work.event_producer,
		"doctype": before.root_doctype if before else old_key[0],
		"name": before.root_name if before else old_key[1],
	}
	work.drop(old_key)
	for key in (new_key, (new_key[0], local[1])):
		keep_identity(key, local, root, work, before.covered_to if before else 0)
	return outcome_of(
		subscription, local[1], _("Renamed on both sites: the name given here, {0}, stays").format(local[1])
	)
