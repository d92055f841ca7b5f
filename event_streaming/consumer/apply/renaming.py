"""A document of the producer got another name, or was merged into another one (see merging.py).

It never commits, and leaves failing to the caller. What is done when both sites renamed it is said in two_way.py.
"""

import frappe
from frappe import _
from frappe.utils import cint

from event_streaming.consumer.apply import two_way
from event_streaming.consumer.apply.bringing import bring_missing, give_name
from event_streaming.consumer.apply.merging import merge_here, stamps_of
from event_streaming.consumer.apply.outcomes import contained, outcome_of
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.conflict_rules.policies import RENAMED
from event_streaming.consumer.dependencies.relinking import Place, places_brought_after, point_to
from event_streaming.consumer.life_cycle import documents
from event_streaming.consumer.logs.sync_log import Outcome
from event_streaming.consumer.mapping.rules import with_name_alone
from event_streaming.consumer.mapping.store import to_local_change
from event_streaming.consumer.resolve.about import About
from event_streaming.consumer.resolve.resolver import same_moment
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.identity.registry import REMOTE_NAME, LocalKey, RemoteKey
from event_streaming.wire.checks import MAX_NAME, text
from event_streaming.wire.events import Event, Root, parse_data
from event_streaming.wire.left_out import change_without


def apply_rename(event: Event, about: About, work: Work) -> Outcome:
	places = links_to_another(event, about, work)
	outcome = rename_or_merge(event, about, work)
	if places:
		# if it is gone there by now, what links to it keeps the name
		point_to(places, bring_namesake(about, work).local_name or about.local[1])
	return outcome


def links_to_another(event: Event, about: About, work: Work) -> list[Place]:
	"""Links to what is here by the former name, of documents that were brought later, and mean the one that has the name by now."""
	now = event.get("now")
	if not now or not now["again"] or not about.is_here or about.covers(event["position"]):
		return []
	return places_brought_after(about.local, event["position"], work.event_producer)


def bring_namesake(about: About, work: Work) -> Outcome:
	"""The document that has the name by now which another one here has just lost: it comes whole."""
	return bring_missing(work.resolver.look(about.key, None, about.subscription), work)


def rename_or_merge(event: Event, about: About, work: Work) -> Outcome:
	data = parse_data(event)
	new_name = text(data.get("new_name"), "new_name", MAX_NAME, required=True)
	new_key = (event["ref_doctype"], new_name)
	if about.covers(event["position"]):
		# what is here got the name after this rename, or was brought by a later one
		follow_names(event, about, new_key, work)
		return comes_by_its_name_now(event, about, work) or contained(about)
	another = about.is_here and two_way.is_another_now(event, about, work)
	if data.get("merge"):
		return merge_here(event, about.gone() if another else about, new_key, work)
	if another:
		return two_way.of_the_deleted_one(about)
	target = work.resolver.look(new_key, None if about.is_here else about.root, about.subscription)
	if not about.is_here:
		deleted = two_way.stays_deleted(about, {}, work)
		if deleted and about.identity and not target.identity:
			# what is still to come of it comes under its new name: this site may have merged it into another one
			work.resolver.drop(about.key)
			known = about.identity
			work.resolver.keep(
				new_key, about.local, known.root, about.covered_to, deleted_here=about.deleted_here
			)
		return deleted or bring_missing(target, work)
	if is_brought(event, about, target):
		# it has been brought under its new name already, or what has that is another document by now
		return follow(event, about, work) if is_anothers(event, target) else become_one(about, target, work)
	outcome = rename_here(about, new_key, work)
	return bring_what_it_has(outcome, about, new_key, work) if about.is_only_linked else outcome


def is_brought(event: Event, about: About, target: About) -> bool:
	return target.covers(event["position"]) and target.is_here and target.local != about.local


def is_anothers(event: Event, named: About) -> bool:
	"""Whether what has the name that an event gives to its document was brought after that document had lost the name again."""
	now = event.get("now")
	return bool(now) and now["given_up"] > 0 and named.covers(now["given_up"])


def become_one(about: About, brought: About, work: Work) -> Outcome:
	"""Two local documents are one of the producer's: what is here goes into what was brought."""
	subscription, local = about.subscription, brought.local
	if is_posted_twice(about.local, local):
		documents.cancel(*about.local)
	stamps = stamps_of(local)
	documents.rename(*about.local, local[1], merge=True, stamps=stamps)
	documents.stamp(*local, stamps, told=True)
	work.resolver.drop(about.key)
	return outcome_of(subscription, local[1], _("Merged into {0}").format(local[1]))


def is_posted_twice(local: LocalKey, brought: LocalKey) -> bool:
	"""Whether two local documents are one of the producer's, and the first one was submitted: what it has posted is to be taken back."""
	one, other = (
		frappe.db.get_value(*each, ["docstatus", "creation"], as_dict=True) for each in (local, brought)
	)
	return cint(one.docstatus) == documents.SUBMITTED and same_moment(one.creation, other.creation)


def follow(event: Event, about: About, work: Work) -> Outcome:
	"""The name that a rename gives is another document's by now: the one that is here gets the one after it at once, and is brought whole,
	as what comes by the name between is taken for the other one's. It goes if that was its last name."""
	key = (event["ref_doctype"], event["now"]["name"])
	if key[1] == parse_data(event)["new_name"]:
		documents.delete(*about.local)
		work.resolver.drop(about.key)
		return outcome_of(about.subscription, about.local[1], _("Deleted"))
	renamed = work.resolver.look(key, None, about.subscription)
	if is_brought(event, about, renamed):
		return become_one(about, renamed, work)
	return bring_what_it_has(rename_here(about, key, work), about, key, work)


def comes_by_its_name_now(event: Event, about: About, work: Work) -> Outcome | None:
	"""The outcome of a rename of a document whose former name is another one's here, which was brought ahead, so that it was not made:
	it comes whole by the name that it has. None if it is here, or was deleted since."""
	now = event.get("now")
	if not now or not now["since"] or (now["given_up"] and now["name"] == parse_data(event)["new_name"]):
		return None
	renamed = work.resolver.look((event["ref_doctype"], now["name"]), about.root, about.subscription)
	if renamed.is_here:
		return None
	return two_way.stays_deleted(renamed, {}, work) or bring_missing(renamed, work)


def was_brought(event: Event, about: About, work: Work) -> Outcome | None:
	"""The outcome of an event that makes a document which is here by a name that it was given later: another one needed it, before this
	was told of it. None for any other.

	Up to the rename the former name stands for it.
	"""
	renamed = None if about.is_here or about.identity else by_its_name_now(event, about, work)
	if not renamed:
		return None
	work.resolver.keep(about.key, renamed.local, root_of(renamed), renamed.covered_to)
	return contained(renamed)


def by_its_name_now(event: Event, about: About, work: Work) -> About | None:
	"""The document of an event by the name that it has over there by now, if it is here and the rename is in it."""
	now = event.get("now")
	if not now:
		return None
	found = work.resolver.look((about.key[0], now["name"]), None, about.subscription)
	return found if found.identity and found.is_here and found.covers(now["since"]) else None


def follow_names(event: Event, about: About, new_key: RemoteKey, work: Work) -> None:
	"""A former name of a document that was brought by a later one is given up: what comes next comes by the name after it."""
	renamed = by_its_name_now(event, about, work)
	if not renamed or renamed.local != about.local or renamed.key == about.key:
		return
	work.resolver.drop(about.key)
	if new_key != renamed.key:
		work.resolver.keep(new_key, renamed.local, root_of(renamed), renamed.covered_to)


def root_of(about: About) -> Root | None:
	return about.root or (about.identity and about.identity.root)


def bring_what_it_has(outcome: Outcome, about: About, new_key: RemoteKey, work: Work) -> Outcome:
	"""Nothing of the document has come yet, as it was not to be had under its former name: it comes whole with the new one."""
	renamed = work.resolver.look(new_key, about.root, about.subscription)
	if new_key in work.fetch([new_key]).documents and renamed.is_here:
		outcome.warnings += bring_missing(renamed, work).warnings
		two_way.say_what_is_true(renamed, None, work)
	return outcome


def rename_here(about: About, new_key: RemoteKey, work: Work) -> Outcome:
	"""The producer's document has another name: with local naming only the reference to it changes."""
	subscription, doctype, name, root = about.subscription, *about.local, about.root
	if subscription.use_same_name and name not in (about.key[1], new_key[1]):
		if two_way.is_root_here(about, work) and two_way.tells_back(doctype, work):
			return keep_own_name(about, new_key, work)
	# of two that were merged here the name is the other one's
	own = name == about.key[1] or not work.resolver.stands_for_others(about)
	if own and subscription.use_same_name and name != new_key[1]:
		name = give_name(doctype, name, new_key[1], work)
	elif own and not subscription.use_same_name and not about.came_home:
		frappe.db.set_value(doctype, name, REMOTE_NAME, new_key[1], update_modified=False)
	work.resolver.drop(about.key)
	if about.came_home:
		root = {"site": work.here, "doctype": doctype, "name": name}
	counted_to = about.identity.counted_to if about.identity else None
	work.resolver.keep(new_key, (doctype, name), root, about.covered_to, counted_to)
	told = _("Renamed from {0} to {1} on the producer").format(about.key[1], new_key[1])
	warnings = fill_in_name((doctype, name), new_key, subscription, work) if own else None
	return outcome_of(subscription, name, told, warnings)


def fill_in_name(
	local: LocalKey, new_key: RemoteKey, subscription: Subscription, work: Work
) -> list[str] | None:
	"""Fields that a mapping fills with the remote document's name have its new one; returns the warnings."""
	if not subscription.mapping:
		return None
	mapping = with_name_alone(work.dependencies.mappings.get(subscription.mapping))
	mapped = to_local_change(mapping, {"changed": {"name": new_key[1]}}) if mapping.fields else None
	doc = documents.locked_if_there(*local) if mapped else None
	if not mapped or not doc:
		return None
	change = change_without(mapped.change, subscription.fields_this_site_decides)
	return documents.update(doc, change, decided=subscription.left_to_this_site, mapped=True)[2]


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
