"""A document of the producer got another name, or was merged into another one.

It never commits, and leaves failing to the caller. What is done when both sites renamed it is said in two_way.py.
"""

from datetime import datetime

import frappe
from frappe import _
from frappe.utils import cint

from event_streaming.consumer.apply import two_way
from event_streaming.consumer.apply.bringing import bring_missing, name_taken, with_root
from event_streaming.consumer.apply.outcomes import contained, outcome_of
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.life_cycle import documents
from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.logs.sync_log import Outcome
from event_streaming.consumer.resolve.about import About
from event_streaming.consumer.settling.policies import MERGED_HERE, RENAMED
from event_streaming.identity.registry import REMOTE_NAME, LocalKey, RemoteKey
from event_streaming.wire.checks import MAX_NAME, text
from event_streaming.wire.events import Event, parse_data


def apply_rename(event: Event, about: About, work: Work) -> Outcome:
	data = parse_data(event)
	new_name = text(data.get("new_name"), "new_name", MAX_NAME, required=True)
	new_key = (event["ref_doctype"], new_name)
	if about.covers(event["position"]):
		# what is here got the name after this rename
		return contained(about)
	if about.is_here and two_way.is_another_now(event, about, work):
		return two_way.of_the_deleted_one(about)
	if data.get("merge"):
		return merge_here(event, about, new_key, work)
	target = work.resolver.look(new_key, None if about.is_here else about.root, about.subscription)
	if not about.is_here:
		deleted = two_way.stays_deleted(about, {}, work)
		return deleted or bring_missing(target, work)
	if target.covers(event["position"]) and target.is_here and target.local != about.local:
		# it has been brought under its new name already
		documents.rename(*about.local, target.local[1], merge=True)
		work.resolver.drop(about.key)
		return outcome_of(about.subscription, target.local[1], _("Merged into {0}").format(target.local[1]))
	return rename_here(about, new_key, work)


def merge_here(event: Event, about: About, into: RemoteKey, work: Work) -> Outcome:
	"""The event that deletes the merged document follows; what is not merged here goes with that."""
	data = parse_data(event)
	merged_here_too = stays_merged(event, about, into, work)
	target, local = merged_here_too or find_target(event, into, about, work), about.local
	if about.is_here and work.resolver.exists(local):
		if cint(frappe.db.get_value(*local, "docstatus")) > cint(data.get("docstatus")):
			return outcome_of(
				about.subscription,
				local[1],
				_("Submitted or cancelled on this site in the meantime: it stays"),
			)
		if target and target != local:
			documents.rename(*local, target[1], merge=True)
			work.resolver.drop(about.key)
	if not target:
		return outcome_of(
			about.subscription, None, _("{0}, into which it was merged, is gone").format(into[1])
		)
	if not about.is_here:
		# its files went over there without an event, and this site never had them or deleted them with it
		work.files.attach_all(work.fetch([into]).files.get(into, []), target, about.subscription)
	if not merged_here_too:
		documents.stamp(*target, convert_times(target[0], data, work.time_zone))
	conflict = MERGED_HERE if merged_here_too else ""
	return outcome_of(
		about.subscription, target[1], _("Merged into {0}").format(target[1]), conflict=conflict
	)


def stays_merged(event: Event, merged: About, into: RemoteKey, work: Work) -> LocalKey | None:
	"""What this site has merged the other one into in the meantime: there both end."""
	target = work.resolver.look(into, None, merged.subscription)
	if target.is_here and not two_way.is_remade(target, target_made(event, merged, work), work):
		return None
	if not target.local:
		target = with_root(target, work.fetch([into]).roots.get(into), work)
	return two_way.merged_into(target, None, target_made(event, merged, work), work)


def target_made(event: Event, about: About, work: Work) -> datetime | None:
	"""When the document was made into which another one was merged, if the event says so."""
	return two_way.moment_in(parse_data(event, "data_before").get("into"), about, work)


def find_target(event: Event, key: RemoteKey, merged: About, work: Work) -> LocalKey | None:
	"""The local document that another one is merged into, brought if it never was here; None when it is gone."""
	target = work.resolver.look(key, None, merged.subscription)
	if target.is_here:
		return None if two_way.is_remade(target, target_made(event, merged, work), work) else target.local
	fetched = work.fetch([key])
	target = with_root(target, fetched.roots.get(key), work)
	if target.is_here:
		work.resolver.keep_identity(target, target.local, 0)
		return target.local
	if two_way.deletion_here(target, work) or key not in fetched.documents:
		return None
	brought = bring_missing(target, work)
	return brought.local_doctype, brought.local_name


def rename_here(about: About, new_key: RemoteKey, work: Work) -> Outcome:
	"""The producer's document has another name: with local naming only the reference to it changes."""
	subscription, doctype, name, root = about.subscription, *about.local, about.root
	if subscription.use_same_name and name not in (about.key[1], new_key[1]):
		if two_way.is_root_here(about, work) and two_way.tells_back(doctype, work):
			return keep_own_name(about, new_key, work)
	# of two that were merged here the name is the other one's
	own = name == about.key[1] or not work.resolver.stands_for_others(about)
	if own and subscription.use_same_name and name != new_key[1]:
		if work.resolver.exists((doctype, new_key[1])):
			raise name_taken(doctype, new_key[1], work)
		name = documents.rename(doctype, name, new_key[1], merge=False)
	elif own and not subscription.use_same_name and not about.came_home:
		frappe.db.set_value(doctype, name, REMOTE_NAME, new_key[1], update_modified=False)
	work.resolver.drop(about.key)
	if about.came_home:
		root = {"site": work.here, "doctype": doctype, "name": name}
	counted_to = about.identity.counted_to if about.identity else None
	work.resolver.keep(new_key, (doctype, name), root, about.covered_to, counted_to)
	return outcome_of(
		subscription, name, _("Renamed from {0} to {1} on the producer").format(about.key[1], new_key[1])
	)


def keep_own_name(about: About, new_key: RemoteKey, work: Work) -> Outcome:
	"""Both sites have renamed the document, and this one's name stays: the producer takes it with this site's event."""
	before, local = about.identity, about.local
	root = about.root or {
		"site": before.root_site if before else work.event_producer,
		"doctype": before.root_doctype if before else about.key[0],
		"name": before.root_name if before else about.key[1],
	}
	work.resolver.drop(about.key)
	for key in (new_key, (new_key[0], local[1])):
		covered_to = max(about.covered_to, work.resolver.covered_to(key))
		work.resolver.keep(key, local, root, covered_to)
	return outcome_of(
		about.subscription,
		local[1],
		_("Renamed on both sites: the name given here, {0}, stays").format(local[1]),
		conflict=RENAMED,
	)
