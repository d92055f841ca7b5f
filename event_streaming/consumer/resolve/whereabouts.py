"""Which local document an event is about, and whether it is still here; and what the log row of an applied event says."""

import frappe
from frappe import _
from frappe.utils import get_datetime

from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.logs.sync_log import SYNCED, Outcome
from event_streaming.consumer.resolve.work import Work, remote_key
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.identity import fates, registry
from event_streaming.identity.registry import Identity, LocalKey, RemoteKey, own_identity
from event_streaming.wire.events import Event, Root


def find_local(key: RemoteKey, root: Root | None, subscription: Subscription, work: Work) -> LocalKey | None:
	"""The local document that stands for a remote one: by identity, else by where it was first made.

	Only one of the DocType that the subscription is for: what the producer says of a root opens no other.
	"""
	known = work.identity_of(key)
	if known:
		local = (known.local_doctype, known.local_name)
	else:
		local = find_by_root(work, root) or came_home_renamed(root, work)
	return local if local and local[0] == subscription.local_doctype else None


def came_home_renamed(root: Root | None, work: Work) -> LocalKey | None:
	"""A document that was first made here, and has another name here than where it comes from."""
	if not came_home(root, work) or not is_given_away(root["doctype"]):
		return None
	local = (root["doctype"], fates.name_now(root["doctype"], root["name"]))
	return local if exists(local) else None


def find_changed(event: Event, subscription: Subscription, work: Work) -> LocalKey | None:
	"""The local document that an event changes, also if the producer calls it by a name that this site has given it."""
	key = remote_key(event)
	local = find_local(key, event["root"], subscription, work)
	if local:
		return local
	renamed = renamed_by_this_site(key, subscription, work)
	if not renamed:
		return None
	work.drop((renamed.remote_doctype, renamed.remote_name))
	keep_identity(key, (renamed.local_doctype, renamed.local_name), event["root"], work, renamed.covered_to)
	return renamed.local_doctype, renamed.local_name


def renamed_by_this_site(key: RemoteKey, subscription: Subscription, work: Work) -> Identity | None:
	"""The document of the producer that has this name since this site has renamed it: a producer that subscribes in turn
	takes that over without a word, and tells of the document by that name from then on. Here it may have had another
	new name since."""
	doctype = subscription.local_doctype
	if work.identity_of(key) or not subscription.use_same_name or subscription.mapping:
		return None
	if not is_given_away(doctype, work.event_producer):
		return None
	local = (doctype, key[1])
	if not exists(local):
		local = (doctype, fates.name_now(doctype, key[1]))
	if not exists(local):
		return None
	standing_for = registry.find_for_local(local[0], [local[1]]).get(local[1], [])
	return next((each for each in standing_for if each.event_producer == work.event_producer), None)


def forget_if_another(key: RemoteKey, data: dict, subscription: Subscription, work: Work) -> None:
	"""A name that is another document's by now: this site has renamed what it stood for, the producer has taken that over,
	and has given the name anew."""
	known = work.identity_of(key)
	if not known or not subscription.use_same_name or subscription.mapping or known.local_name == key[1]:
		return
	there = convert_times(known.local_doctype, {"creation": data.get("creation")}, work.time_zone)["creation"]
	here = frappe.db.get_value(known.local_doctype, known.local_name, "creation")
	if here and there and not same_creation(here, there):
		work.drop(key)


def find_by_fetched_root(root: Root | None, subscription: Subscription, work: Work) -> LocalKey | None:
	"""The same for a document that no event of the page is about: its root was not looked up with the others."""
	if not root or came_home(root, work):
		local = came_home_renamed(root, work)
	else:
		local = registry.find_by_roots([root]).get((root["site"], root["doctype"], root["name"]))
	return local if local and local[0] == subscription.local_doctype else None


def is_given_away(doctype: str, to: str | None = None) -> bool:
	"""Whether documents of the DocType can have left this site (for one other, or for any), and so come back."""
	row = {"ref_doctype": doctype, "status": "Approved", "parenttype": "Event Consumer"}
	return bool(frappe.db.exists("Event Consumer Document Type", {**row, "parent": to} if to else row))


def exists(local: LocalKey) -> bool:
	doctype, name = local
	return bool(frappe.get_meta(doctype).issingle or frappe.db.exists(doctype, name))


def came_home(root: Root | None, work: Work) -> bool:
	return bool(root) and root["site"] == work.here


def first_made_here(key: RemoteKey, root: Root | None, work: Work) -> bool:
	known = work.identity_of(key)
	return came_home(root, work) or bool(known and known.root_site == work.here)


def keep_identity(key: RemoteKey, local: LocalKey, root: Root | None, work: Work, covered_to: int) -> None:
	before = work.identity_of(key)
	work.keep(
		own_identity(
			work.event_producer, key, local, root, max(covered_to, before.covered_to if before else 0)
		)
	)


def covered(event: Event, work: Work) -> Identity | None:
	"""The identity of the event's document when what it brings is contained in the local document already."""
	key = remote_key(event)
	return work.identity_of(key) if 0 < event["position"] <= covered_to(key, work) else None


def covered_to(key: RemoteKey, work: Work) -> int:
	known = work.identity_of(key)
	return known.covered_to if known else 0


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


def find_by_root(work: Work, root: Root | None) -> LocalKey | None:
	if not root:
		return None
	return work.by_root.get((root["site"], root["doctype"], root["name"]))


def same_creation(here: object, there: object) -> bool:
	"""Two documents of one name that were made in the same microsecond are one: this site began as a copy."""
	return bool(here and there) and get_datetime(here) == get_datetime(there)
